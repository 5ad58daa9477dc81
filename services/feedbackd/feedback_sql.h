/* Every statement of feedbackd, by number, for the three connections.
 *
 * WRITE records, LAYER folds (short reads that must not wait), READ answers
 * questions and does the daily upkeep (may be long). */
#ifndef SERVICES_FEEDBACKD_FEEDBACK_SQL_H
#define SERVICES_FEEDBACKD_FEEDBACK_SQL_H

#include "core/types/tenants.h"
#include "feedback/community.h"
#include "services/store/store.h"

#define FEEDBACK_CHANNEL "smart_spawn_feedback"
#define FEEDBACK_NOTICE_TENANTS "tenants" /* any other is of the layers */

/* Columns of the answer to a WRITE that records. */
enum {
    WRITE_RECORDED,
    WRITE_FIRST_HASH,
    WRITE_FIRST_RESULT,
    WRITE_IN_QUOTA,
    WRITE_RETRY_MS,
    WRITE_LINKED /* an outcome's only: its spawn id was recorded */
};

/* The first three are the calls. A call without an idempotency key (and a
 * rating that names no spawn either) goes by the plain form of its statement,
 * which takes the same parameters but those from there on and costs half as
 * much. */
enum write_statement {
    WRITE_SPAWN,
    WRITE_OUTCOME,
    WRITE_REPORT,
    WRITE_SPAWN_PLAIN,
    WRITE_OUTCOME_PLAIN,
    WRITE_ADD_KEY,
    WRITE_REVOKE_KEY,
    WRITE_STATEMENTS
};

/* What WRITE_ADD_KEY answers, in its one column: api_keys_add's words. */
#define ADDED_KEY "added"
#define ADDED_NOT_FIRST "not first"
#define ADDED_FULL "full"
#define ADDED_TAKEN "taken"

/* Columns of WRITE_REVOKE_KEY's one row; no row: no such key. */
enum { REVOKED_TENANT, REVOKED_AT };

/* The first columns of the two changes; of what follows on pages. */
enum { CHANGES_SNAPSHOT, CHANGES_DAY, CHANGES_LATE, CHANGES_COLUMNS };
enum {
    RATING_TENANT,
    RATING_MODEL,
    RATING_CATEGORY,
    RATING_DAY,
    RATING_STARS,
    RATING_COUNT
};
enum {
    VOTE_MODEL,
    VOTE_CATEGORY,
    VOTE_WEEK,
    VOTE_INSTANCE,
    VOTE_SUM,
    VOTE_REPORTS
};

#define LAYER_PAGE_ROWS 20000    /* of a page */
#define LAYER_CHANGES_ROWS 50000 /* more changes are a reason to load anew */

enum layer_statement {
    LAYER_SNAPSHOT,
    LAYER_BASELINES,
    LAYER_RATINGS,
    LAYER_VOTES,
    LAYER_RATING_CHANGES,
    LAYER_VOTE_CHANGES,
    LAYER_NOTIFY,
    LAYER_TENANTS,
    LAYER_NOTIFY_TENANTS,
    LAYER_STATEMENTS
};

/* Columns of LAYER_TENANTS; rows ascend by hash, of one hash the revoked
 * ones first. Its first row is there in any case; where TENANTS_REVOKED is
 * NULL it holds no key. At most TENANTS_KEYS_MAX rows: live ones before
 * revoked ones, older before newer. */
enum {
    TENANTS_MARK,
    TENANTS_HASH,
    TENANTS_ID,
    TENANTS_TENANT,
    TENANTS_LABEL,
    TENANTS_REVOKED,
    TENANTS_PLACE, /* ctid: finds a row by hand */
    TENANTS_TOTAL  /* rows in the table */
};

enum read_statement {
    READ_SCORES,
    READ_STATS,
    READ_MAKE_MONTHS,
    READ_DROP_KEYS,
    READ_DROP_WINDOWS,
    READ_LIST_KEYS,
    READ_STATEMENTS
};

/* Columns of READ_LIST_KEYS. */
enum { KEY_ID, KEY_TENANT, KEY_LABEL, KEY_CREATED, KEY_REVOKED };

/* READ_STATS's first column: SQL's grouping() of (model, category, mode, day),
 * a bit for each that a row is not grouped by. */
#define STATS_OF_MODEL 7
#define STATS_OF_CATEGORY 11
#define STATS_OF_MODE 13
#define STATS_OF_DAY 14
#define STATS_OF_ALL 15
#define STATS_MODELS_MAX 200 /* rows of by_model */
#define SCORES_ROWS_MAX 1000

extern const struct store_statement write_statements[WRITE_STATEMENTS];
extern const struct store_statement layer_statements[LAYER_STATEMENTS];
extern const struct store_statement read_statements[READ_STATEMENTS];

#endif
