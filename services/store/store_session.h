/* The inside of a store, and setting up its session. Internal to
 * services/store.
 *
 * Setting up goes through the same pipe as calls do: session settings, the
 * schema's version, every statement prepared, LISTEN, a ping. The first that
 * fails is the reason why the store is down. */
#ifndef SERVICES_STORE_STORE_SESSION_H
#define SERVICES_STORE_STORE_SESSION_H

#include "services/store/store_door.h"
#include "services/store/store_pipe.h"

#define STORE_MAGIC 0x53544f52u
#define STORE_NAME_MAX 64
#define STORE_DETAIL_MAX 320

enum store_state {
    STORE_DOWN,
    STORE_CONNECTING,
    STORE_SETTING_UP,
    STORE_UP,
    STORE_LEAVING, /* the door is shut: what was accepted is finished */
};

enum store_step { STORE_SESSION, STORE_SCHEMA, STORE_PING, STORE_LISTEN };

struct store {
    unsigned magic;
    struct store_options options;
    char name[STORE_NAME_MAX];
    char *url, *home; /* owned */
    struct loop *loop;
    struct loop_timer *retry; /* back-off */
    struct loop_timer *pump;  /* send what waits, in the next pass */
    struct loop_timer *tick;  /* silence and pings */
    struct pg_link *link;     /* NULL when down */
    struct store_door door;   /* of the server that link is connected to */
    struct store_pipe pipe;
    struct store_queue reads, writes; /* waiting */
    enum store_state state;
    ms_dur backoff;
    int backend;     /* pid at the other end, to notice a pooler */
    ms_time heard;   /* when the last bytes came */
    ms_time pinged;  /* when a ping was sent */
    ms_time knocked; /* when it was tried whether others are let in */
    char detail[STORE_DETAIL_MAX];
    char failure[STORE_DETAIL_MAX]; /* set inside callbacks: drop soon */
    char listen[STORE_NAME_MAX + 16];
    struct store_statement steps[STORE_LISTEN + 1];
    uint64_t *connects, *retried;
    int64_t *is_up;
};

/* Make the texts of the steps from the options. */
void store_session_prepare(struct store *store);
/* Queue all steps; the last one's answer makes the store UP. False: no
 * memory. */
bool store_session_begin(struct store *store) MUST_CHECK;
/* Queue a look at who is at the other end. False: no memory. */
bool store_session_ping(struct store *store) MUST_CHECK;

#endif
