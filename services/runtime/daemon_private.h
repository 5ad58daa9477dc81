/* The inside of a daemon. Inner to daemon.c, daemon_health.c
 * and daemon_key.c. */
#ifndef SERVICES_RUNTIME_DAEMON_PRIVATE_H
#define SERVICES_RUNTIME_DAEMON_PRIVATE_H

#include "services/runtime/daemon.h"
#include "services/runtime/home.h"

#include "rpc.pb-c.h"

#define DAEMON_FOLLOWED_MAX 8
#define DAEMON_DETAIL_MAX 256

struct daemon_followed {
    const char *name;
    const struct snapshot_follower *follower;
};

struct daemon_private {
    Ss__Health_Service health; /* first: the handler gets its address */
    struct daemon *daemon;
    bool ready, draining, notified;
    char detail[DAEMON_DETAIL_MAX]; /* why it is not serving */
    ms_time started_at;
    struct timing timing;
    struct daemon_followed followed[DAEMON_FOLLOWED_MAX];
    size_t followed_count;
    daemon_drain_fn drain;
    void *drain_context;
    struct loop_timer *drain_timer;
    struct secret_key *key; /* the deployment's, if it lies in a file … */
    struct loop_timer *key_timer; /* … that is looked at */
    bool key_doubted;             /* the file is none now, and it was said */
    int lock;
    int exit_status;
    char home[HOME_PATH_MAX];
    char instance[HOME_INSTANCE_MAX];
};

/* Answer ss.Health. */
void daemon_health_serve(struct daemon *daemon);

#endif
