/* PostgreSQL for a daemon: prepared statements over one connection that
 * never blocks the loop and comes back by itself.
 *
 * A call names a statement by its place in a table and gives its parameters
 * as text; the answer comes in a callback, in the order of the calls of its
 * kind. Calls travel in pipeline mode.
 *
 *   store_read   a statement of its own: nothing it does waits for writes.
 *   store_write  shares a transaction with the writes that came in the same
 *                pass of the loop or while earlier ones were on their way
 *                (group commit, at most STORE_BATCH_MAX rows). Its callback
 *                says OK only after the commit. When one write of a batch
 *                fails, PostgreSQL has rolled all of them back and each is
 *                done again in a transaction of its own, so a bad row hurts
 *                nobody else.
 *
 * While the connection is down calls are refused at once, and those under
 * way end as UNAVAILABLE; in_doubt tells those that may have been committed
 * although nobody heard so. Nothing is ever sent a second time by itself
 * after a loss. Attempts to connect back off from STORE_BACKOFF_FIRST_MS to
 * options.backoff_max. A server below 15, a schema that is older or newer
 * than the program and a pooler that changes sessions between transactions
 * are refused in clear words, and tried again.
 *
 * A server that shuts down once its clients have left is left (store_door.h):
 * calls under way end first, new ones are refused.
 *
 * A daemon with long reads opens a second store for them: one connection
 * answers in order. Only this folder includes libpq-fe.h. */
#ifndef SERVICES_STORE_STORE_H
#define SERVICES_STORE_STORE_H

#include "core/base/slice.h"
#include "core/base/status.h"
#include "core/base/utc.h"
#include "services/runtime/loop.h"
#include "services/runtime/metrics.h"
#include "services/store/rows.h"

#include <stdbool.h>
#include <stdint.h>

#define STORE_BATCH_MAX                                                        \
    100 /* writes that share a transaction; measured:                          \
           47 k rows/s at 100 a Sync, 10 k at 1 */
#define STORE_BATCHES_MAX                                                      \
    2                           /* on their way at once: one commits while     \
                                   the next travels */
#define STORE_READS_MAX 64      /* reads on their way; more wait */
#define STORE_PARAMS_MAX 16     /* of a statement */
#define STORE_PARAM_BYTES 65536 /* of all parameters of a call, by default */
#define STORE_STATEMENTS_MAX 64
#define STORE_BACKOFF_FIRST_MS 100
#define STORE_BACKOFF_MAX_MS 1000 /* the defaults of the two options below */
#define STORE_PING_MS 5000

struct store;

struct store_statement {
    const char *name; /* static, unique: "record_outcome" */
    const char *sql;  /* static; $1, $2, … are text cast in the SQL */
    unsigned params;
};

/* How a call ended. Borrowed for the time of the callback. */
struct store_result {
    enum status status;
    const char *message; /* one line for logs; "" when OK */
    bool in_doubt;       /* the connection was lost: it may have happened */
    const struct pg_result *rows; /* NULL unless OK */
};

typedef void (*store_done_fn)(void *context, const struct store_result *result);

struct store_options {
    const char *name; /* in pg_stat_activity: "feedbackd-1/write" */
    const char *url;  /* key database.url; "" reads the file in home */
    const char *home;
    const struct store_statement *statements; /* must outlive the store */
    unsigned statement_count;
    const char *channel;      /* LISTEN to it; NULL: none */
    unsigned schema;          /* version it must have: migrate_newest() */
    uint32_t queue_max;       /* calls waiting or on their way */
    size_t param_bytes;       /* of all parameters of a call; 0: the default */
    ms_dur statement_timeout; /* the server ends a statement after it */
    ms_dur ping_every;  /* how often a connection is tried, and whether others
                           are let in; 0: the default */
    ms_dur backoff_max; /* between attempts to connect; 0: the default */
    /* The connection is usable; it is not any more (or an attempt failed for
     * another reason than the last one). May be NULL. */
    void (*up)(void *context);
    void (*down)(void *context, const char *why);
    /* Another session's NOTIFY on `channel`. May be NULL. */
    void (*notified)(void *context, struct slice payload);
    void *context;
    struct metrics *metrics;
};

/* Begin to connect in the background. The texts of options are copied except
 * the statements. INVALID_ARGUMENT for too many statements or parameters,
 * RESOURCE_EXHAUSTED. The caller owns the store. */
enum status store_new(struct loop *loop, const struct store_options *options,
                      struct store **ret_store) MUST_CHECK;
/* Calls under way end as CANCELLED first. */
void store_free(struct store **store);
bool store_is_up(const struct store *store);
/* Why it is not up, for people; "" when it is. */
const char *store_detail(const struct store *store);

/* Call statement number `statement` with its parameters (copied; NULL is
 * SQL's NULL). done is called exactly once when the status is OK, and never
 * from inside the call. UNAVAILABLE: the connection is down, nothing was
 * done. RESOURCE_EXHAUSTED: queue_max calls are under way, or the parameters
 * are too large. */
enum status store_read(struct store *store, unsigned statement,
                       const char *const *params, store_done_fn done,
                       void *context) MUST_CHECK;
enum status store_write(struct store *store, unsigned statement,
                        const char *const *params, store_done_fn done,
                        void *context) MUST_CHECK;

#endif
