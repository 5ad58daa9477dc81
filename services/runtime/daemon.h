/* The life of a daemon: configuration, logs, loop, RPC endpoint, readiness,
 * drain.
 *
 * A main() reads as a story:
 *
 *   1. daemon_start   config, log, loop, zmq context, rpc server, health
 *   2. its own set-up (channels, snapshots, services)
 *   3. daemon_ready   as soon as it can answer; the supervisor hears it
 *   4. daemon_run     until SIGTERM or SIGINT: drain, then return
 *   5. its own tear-down, daemon_end
 */
#ifndef SERVICES_RUNTIME_DAEMON_H
#define SERVICES_RUNTIME_DAEMON_H

#include "services/runtime/config.h"
#include "services/runtime/loop.h"
#include "services/runtime/metrics.h"
#include "services/runtime/rpc_channel.h"
#include "services/runtime/rpc_server.h"
#include "services/runtime/snapshot.h"

struct daemon_spec {
    const char *name;              /* "routerd" */
    const char *purpose;           /* one sentence for --help */
    const struct config_key *keys; /* its own config.def */
    size_t key_count;
    /* How long its calls wait for a service that was not up since its start
     * (rpc_channel_options.startup); 0: RPC_STARTUP_MS. */
    ms_dur startup;
};

struct secret_key;

struct daemon {
    const struct daemon_spec *spec;
    struct config *config;
    struct loop *loop;
    struct metrics *metrics;
    struct rpc_server *server;
    void *zmq;
    const char *home;     /* absolute, exists */
    const char *instance; /* "routerd-1" */
    struct daemon_private *private;
};

/* Steps of the first part. When it returns false the process should end with
 * *ret_exit: 0 after --help, --version or --config-show, 2 for bad
 * configuration, 3 when something is unavailable; the reason was printed. */
bool daemon_start(struct daemon *daemon, const struct daemon_spec *spec,
                  int argc, char **argv, int *ret_exit);
/* A channel to another service by its config key ("scorer.target"); an empty
 * target is the default endpoint(s) of that service under the same home. */
enum status daemon_channel(struct daemon *daemon, const char *service,
                           struct rpc_channel **ret_channel) MUST_CHECK;
/* The deployment's key (secret.h). One that is made here and now is told in the
 * log, and so is why there is none. As secret_key_load. A key from the home's
 * file follows it until daemon_end: when that holds another one, *key becomes
 * it within rpc.socket_check, so that all processes of a deployment agree. */
enum status
daemon_key_load(struct daemon *daemon, struct secret_key *key) MUST_CHECK;
/* Serving from now on: Health says so, a newline goes to the supervisor's
 * descriptor (SMART_SPAWN_NOTIFY_FD) once. */
void daemon_ready(struct daemon *daemon);
/* Not serving, with a reason for people; daemon_ready takes it back. */
void daemon_not_ready(struct daemon *daemon, const char *detail);
/* Also listed by Health. */
void daemon_follow(struct daemon *daemon, const char *name,
                   const struct snapshot_follower *follower);
/* Called when draining begins, before the RPC server drains: stop taking work
 * from elsewhere (HTTP). finished must be called when that is done. */
typedef void (*daemon_drain_fn)(void *context, loop_fn finished,
                                void *finished_context);
void
daemon_on_drain(struct daemon *daemon, daemon_drain_fn drain, void *context);
/* Run the loop; returns the exit status after the drain. */
int daemon_run(struct daemon *daemon);
void daemon_end(struct daemon *daemon);

#endif
