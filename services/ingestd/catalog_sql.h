/* The statements of ingestd, by number; the tables and functions are in
 * services/store/migrations. Bytes travel as hexadecimal text. */
#ifndef SERVICES_INGESTD_CATALOG_SQL_H
#define SERVICES_INGESTD_CATALOG_SQL_H

#include "services/store/store.h"

#define CATALOG_CHANNEL "smart_spawn_catalog"
#define CATALOG_VERSIONS_MAX 120 /* kept: a month at four a day */

enum catalog_statement {
    CATALOG_LOAD,
    CATALOG_CLAIM,
    CATALOG_PUBLISH,
    CATALOG_RELEASE,
    CATALOG_PIN,
    CATALOG_VERSIONS,
    CATALOG_STATEMENTS
};

/* Columns of CATALOG_LOAD; no row when $1 is the revision there is. */
enum {
    LOAD_REVISION,
    LOAD_BYTES, /* NULL: none yet */
    LOAD_REPORT,
    LOAD_PINNED, /* number of the version that is served instead, or NULL */
    LOAD_PINNED_BYTES
};

/* Columns of CATALOG_CLAIM's one row. */
enum {
    CLAIM_OUTCOME,
    CLAIM_REVISION,
    CLAIM_AGE_MS,
    CLAIM_LAST_BY,
    CLAIM_HOLDER
};
#define CLAIM_OURS "claimed"
#define CLAIM_INHERITED "inherited"
#define CLAIM_IDLE "idle"

/* Columns of CATALOG_VERSIONS, newest first. */
enum {
    VERSIONS_NUMBER,
    VERSIONS_VERSION,
    VERSIONS_MADE_AT,
    VERSIONS_MADE_BY,
    VERSIONS_MODELS,
    VERSIONS_SOURCES,
    VERSIONS_PINNED
};

extern const struct store_statement catalog_statements[CATALOG_STATEMENTS];

#endif
