/* The catalog in PostgreSQL: followed by every ingestd, made by one.
 *
 * What is newest is looked at when the connection comes, at every notice and
 * every `look_every`, and handed over when it changed. Whoever wants to fetch
 * claims the catalog first; the claim is a lock of the session, so it ends
 * with the process or the connection, and a publication without it changes
 * nothing. A claim that another left behind by dying is inherited. */
#ifndef SERVICES_INGESTD_CATALOG_STORE_H
#define SERVICES_INGESTD_CATALOG_STORE_H

#include "core/base/slice.h"
#include "core/base/status.h"
#include "services/runtime/loop.h"
#include "services/runtime/metrics.h"
#include "services/store/rows.h"

#include <stdbool.h>
#include <stdint.h>

#define CATALOG_STORE_BYTES_MAX (48u << 20) /* of a catalog or a report */
#define CATALOG_STORE_HOLDER_MAX 64

struct catalog_store;

/* What PostgreSQL has; borrowed for the call. Empty slices: none yet. */
struct catalog_stored {
    struct slice newest; /* ss.CatalogSnapshot */
    struct slice report; /* ss.IngestReport */
    int64_t pinned;      /* number of the version served instead; 0 none */
    struct slice pinned_bytes;
};

enum catalog_claim_outcome {
    CATALOG_CLAIM_OURS,
    CATALOG_CLAIM_INHERITED, /* ours, from one who died at it */
    CATALOG_CLAIM_BUSY,      /* another fetches */
    CATALOG_CLAIM_IDLE,      /* there is nothing to inherit */
    CATALOG_CLAIM_AWAY,      /* the database is away, or refused */
};

struct catalog_claim {
    enum catalog_claim_outcome outcome;
    ms_dur age;   /* since the last refresh ended; -1: there was none */
    bool was_own; /* that was of this instance */
    char holder[CATALOG_STORE_HOLDER_MAX + 1]; /* who has it or had it */
};

struct catalog_publication {
    uint64_t version;
    size_t models;
    const char *sources;        /* JSON: what is known of them */
    struct slice bytes, report; /* report may be empty */
};

struct catalog_store_options {
    struct loop *loop;
    struct metrics *metrics;
    const char *instance, *url, *home; /* see store.h */
    ms_dur ping_every, backoff_max;    /* of the connection */
    ms_dur look_every;
    ms_dur timeout; /* of a statement */
    /* Another catalog is there, or another is pinned. */
    void (*changed)(void *context, const struct catalog_stored *stored);
    /* Somebody claimed it or let go of it, or the connection came or went. */
    void (*moved)(void *context);
    void *context;
};

enum status catalog_store_new(const struct catalog_store_options *options,
                              struct catalog_store **ret_store) MUST_CHECK;
void catalog_store_free(struct catalog_store **store);
bool catalog_store_is_up(const struct catalog_store *store);

/* Each calls done once, before it returns when the database is away; what it
 * is given is borrowed. */

/* Try to become the one that fetches; only_inherit: only in place of one that
 * died at it. When it is ours, `changed` was called before if there is
 * something newer than what was known. One claim at a time. */
typedef void (*catalog_claim_fn)(void *context,
                                 const struct catalog_claim *claim);
void catalog_store_claim(struct catalog_store *store, bool only_inherit,
                         catalog_claim_fn done, void *context);
/* Let go. */
void catalog_store_release(struct catalog_store *store);
/* status is OK when it is committed, FAILED_PRECONDITION when the claim was
 * lost, else why it is not known to be; message says it for people. */
typedef void (*catalog_done_fn)(void *context, enum status status,
                                const char *message);
void catalog_store_publish(struct catalog_store *store,
                           const struct catalog_publication *publication,
                           catalog_done_fn done, void *context);
/* Serve a version by its number, the newest for 0. NOT_FOUND. When it is done
 * `changed` was called. */
void catalog_store_pin(struct catalog_store *store, int64_t number,
                       catalog_done_fn done, void *context);
/* The newest versions, columns as in catalog_sql.h; rows is NULL, and message
 * says why, when the database is away. */
typedef void (*catalog_rows_fn)(void *context, const struct pg_result *rows,
                                const char *message);
void catalog_store_versions(struct catalog_store *store, unsigned count,
                            catalog_rows_fn done, void *context);

#endif
