/* Rows of LAYER_TENANTS in, tenants that every follower can read out.
 *
 * A row that no follower takes (the table's own checks were dropped, say) is
 * left out alone: it could admit nobody, and the others must not wait for it,
 * a revocation least of all. So are all rows after the first of a hash (a
 * revoked one comes first) and what is beyond TENANTS_KEYS_MAX (the newest,
 * revoked ones before live ones). Two rows of one id are two keys, which are
 * revoked together. */
#ifndef SERVICES_FEEDBACKD_TENANT_ROWS_H
#define SERVICES_FEEDBACKD_TENANT_ROWS_H

#include "core/types/tenants.h"
#include "services/store/rows.h"

#define TENANT_ROWS_NAMED_MAX 8 /* of those left out; the rest is counted */
#define TENANT_ROWS_NAME_MAX 32
#define TENANT_ROWS_WORDS_MAX 256

/* A row that was left out. Its id only when it has the shape of one: anything
 * else may be a whole key that somebody pasted. */
struct tenant_rows_named {
    char row[TENANT_ROWS_NAME_MAX]; /* "id 7h2k9q0z" or "ctid (0,3)" */
    const char *fault;              /* "malformed tenant" */
};

struct tenant_rows_left {
    size_t malformed; /* or of a hash that another row has */
    size_t beyond;    /* what there may be at most */
    size_t named_count;
    struct tenant_rows_named named[TENANT_ROWS_NAMED_MAX];
    uint64_t hash; /* of what is left out and why; 0: nothing is */
};

/* New tenants, which the caller frees, and (in any case) what is not in them.
 * INVALID_ARGUMENT: there are rows, but none that can be published, and no
 * keys at all would mean that nobody needs one. RESOURCE_EXHAUSTED. */
enum status tenant_rows_read(const struct pg_result *rows,
                             struct tenants **ret_tenants,
                             struct tenant_rows_left *ret_left) MUST_CHECK;
/* What is left out and what to do, for people; "" when nothing is. */
void tenant_rows_words(enum status status, const struct tenant_rows_left *left,
                       char out[TENANT_ROWS_WORDS_MAX]);

#endif
