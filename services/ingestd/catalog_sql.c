/* The SQL itself. Functions of the schema do what has to be one step. */
#include "services/ingestd/catalog_sql.h"

#include "core/base/utc.h"

/* clang-format off */
#define TEXT_OF_NUMBER(n) #n
#define NUMBER(n) TEXT_OF_NUMBER(n)

const struct store_statement catalog_statements[CATALOG_STATEMENTS] = {
    /* $1 the revision that is known */
    [CATALOG_LOAD] = {"catalog_load",
        "SELECT s.revision, encode(s.bytes, 'hex'), encode(s.report, 'hex'),"
        " s.pinned, encode(v.bytes, 'hex')"
        " FROM catalog_state s LEFT JOIN catalog_versions v"
        " ON v.number = s.pinned WHERE s.revision <> $1::text::bigint", 1},
    /* $1 who asks, $2 whether only to inherit */
    [CATALOG_CLAIM] = {"catalog_claim",
        "SELECT outcome, revision, age_ms, last_by, holder"
        " FROM catalog_claim($1::text, $2::text::boolean)", 2},
    /* $1 who, $2 version, $3 models, $4 sources, $5 bytes, $6 report or NULL.
     * NULL: not claimed. */
    [CATALOG_PUBLISH] = {"catalog_publish",
        "SELECT catalog_publish($1::text, $2::text, $3::text::integer,"
        " $4::text::jsonb, decode($5::text, 'hex'), decode($6::text, 'hex'), "
        NUMBER(CATALOG_VERSIONS_MAX) ")", 6},
    [CATALOG_RELEASE] = {"catalog_release", "SELECT catalog_release()", 0},
    /* $1 number, or NULL. NULL: no such version. */
    [CATALOG_PIN] = {"catalog_pin",
        "SELECT catalog_pin($1::text::bigint)", 1},
    /* $1 how many */
    [CATALOG_VERSIONS] = {"catalog_versions",
        "SELECT v.number, v.version,"
        " floor(extract(epoch FROM v.made_at) * 1000)::bigint, v.made_by,"
        " v.models, v.sources::text, (v.number = s.pinned)::integer"
        " FROM catalog_versions v CROSS JOIN catalog_state s"
        " ORDER BY v.number DESC LIMIT $1::text::integer", 1},
};
