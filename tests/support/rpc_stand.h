/* A stand where RPC servers and channels meet: one loop, one libzmq context,
 * ipc:// sockets in a temporary folder.
 *
 * A test server answers ss.Health/Check in the way its mode says. A child is
 * such a server in a process of its own, to be killed and stopped; fork it
 * before the stand is opened, so that no thread is forked with it. Nothing
 * sleeps: everything waits on the loop, bounded by STAND_PATIENCE_MS. */
#ifndef TESTS_SUPPORT_RPC_STAND_H
#define TESTS_SUPPORT_RPC_STAND_H

#include "services/runtime/loop.h"
#include "services/runtime/metrics.h"
#include "services/runtime/rpc_channel.h"
#include "services/runtime/rpc_server.h"

#include "rpc.pb-c.h"

#include <stdbool.h>
#include <sys/types.h>

#define STAND_PATIENCE_MS 20000
#define STAND_HELD_MAX 512
#define STAND_SPIN_MS 30
#define STAND_LARGE_BYTES (1 << 20)

struct rpc_stand {
    char folder[64];
    struct loop *loop;
    void *zmq;
    struct metrics *metrics; /* of channels and servers that name none */
    struct loop_timer *patience, *nap;
    bool out_of_patience;
};

/* The folder alone (before children are forked), then the rest. */
void rpc_stand_folder(struct rpc_stand *stand);
void rpc_stand_open(struct rpc_stand *stand);
/* Everything made on it must be gone. */
void rpc_stand_close(struct rpc_stand *stand);
/* "ipc://<folder>/<name>" in static storage of four turns. */
const char *rpc_stand_endpoint(const struct rpc_stand *stand, const char *name);
/* Run the loop until *flag (looked at after each event of ours: end it with
 * loop_stop) or patience ends; false then. */
bool rpc_stand_run(struct rpc_stand *stand, const bool *flag);
/* Run the loop for a time. */
void rpc_stand_run_for(struct rpc_stand *stand, ms_dur time);
/* A counter's value by name, without labels. */
uint64_t rpc_stand_count(struct metrics *metrics, const char *name);

enum stand_mode {
    STAND_ECHO,        /* instance, and the tenant as detail */
    STAND_FAIL,        /* NOT_FOUND "NOBODY" */
    STAND_UNAVAILABLE, /* answers UNAVAILABLE */
    STAND_HOLD,        /* keeps the call: stand_server_release answers */
    STAND_SPIN,        /* keeps the processor for STAND_SPIN_MS, then echoes */
    STAND_LARGE,       /* echoes with a detail of STAND_LARGE_BYTES */
    STAND_HANG,        /* child only: the handler never returns */
};

struct stand_server {
    Ss__Health_Service service; /* first */
    struct rpc_stand *stand;
    struct rpc_server *server;
    struct metrics *metrics;
    const char *name;
    enum stand_mode mode;
    unsigned served;
    struct {
        Ss__HealthReply_Closure done;
        void *data;
    } held[STAND_HELD_MAX];
    size_t held_count;
    char last_tenant[64], last_key[64], last_caller[64], last_metadata[64];
    struct trace last_trace;
    ms_time last_deadline;
};

void stand_server_open(struct stand_server *server, struct rpc_stand *stand,
                       const char *name, enum stand_mode mode,
                       uint32_t max_calls);
/* Wait until so many calls are held. */
void stand_server_await(struct stand_server *server, size_t held);
/* Answer the calls that are held. */
void stand_server_release(struct stand_server *server);
void stand_server_close(struct stand_server *server);

/* Fork a server "name" in the stand's folder; it dies with this process. */
pid_t stand_child_start(const struct rpc_stand *stand, const char *name,
                        enum stand_mode mode);
void stand_child_kill(pid_t child);

struct rpc_channel *
stand_channel(struct rpc_stand *stand, const char *target, uint32_t max_calls);

/* A call and how it ended. */
struct stand_call {
    struct rpc_stand *stand;
    bool done;
    unsigned times;
    unsigned served; /* calls that the server had run by then */
    enum status status;
    char message[128], reason[64], served_by[64], detail[128];
    ms_dur retry_after;
};

struct stand_call_options {
    ms_dur timeout;
    bool idempotent, sticky;
    const char *tenant, *key;
    const struct trace *trace;
    struct rpc_pending **pending;
};
/* Start Health/Check; the loop stops when it ends. */
enum status stand_call_start(struct stand_call *call, struct rpc_stand *stand,
                             struct rpc_channel *channel,
                             const struct stand_call_options *options);
/* Start one and wait for its end. */
void stand_call_wait(struct stand_call *call, struct rpc_stand *stand,
                     struct rpc_channel *channel,
                     const struct stand_call_options *options);
/* Wait until a call ended. */
void stand_call_join(struct stand_call *call);

/* A channel for 100 calls to one server. */
struct rpc_channel *stand_channel_to(struct rpc_stand *stand, const char *name);
/* The target of two servers; static storage. */
const char *stand_two_endpoints(const struct rpc_stand *stand, const char *a,
                                const char *b);
/* Call an endpoint pair "a" and "b" until both have served. */
void stand_warm_up(struct rpc_stand *stand, struct rpc_channel *channel);

#endif
