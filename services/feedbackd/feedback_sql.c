/* The SQL itself; tables and indexes are in services/store/migrations.
 *
 * A write with an idempotency key claims the key, records the event and
 * answers in one statement, so a duplicate is no error (an error would roll
 * back its whole batch). A claim that meets a claim still under way waits for
 * it; its own snapshot then does not show the first answer, and the caller
 * asks once more. */
#include "services/feedbackd/feedback_sql.h"

#include "core/base/utc.h"

/* It takes a macro between texts for a call, and breaks statements to pieces.
 */
/* clang-format off */

#define TEXT_OF_NUMBER(n) #n
#define NUMBER(n) TEXT_OF_NUMBER(n)

/* The time that many milliseconds (a parameter, as text) before now. */
#define AGO(ms) "now() - " ms "::text::bigint * interval '1 millisecond'"

/* Claim (tenant, key) with hash and result, from a row source, unless it was
 * claimed less than `retention` ms ago. */
#define CLAIM(tenant, key, hash, retention, result, source)                    \
    "key AS (INSERT INTO idempotency_keys AS k"                                \
    " (tenant, key, body_hash, result)"                                        \
    " SELECT " tenant "::text, " key "::text, " hash "::text, " result         \
    " FROM " source " WHERE " key "::text IS NOT NULL"                         \
    " ON CONFLICT (tenant, key) DO UPDATE SET body_hash = excluded.body_hash," \
    " result = excluded.result, given_at = now()"                              \
    " WHERE k.given_at < " AGO(retention) " RETURNING 1),"                     \
    " go AS (SELECT 1 FROM key"                                                \
    " UNION ALL SELECT 1 FROM " source " WHERE " key "::text IS NULL), "

#define FIRST_ANSWER(tenant, key)                                              \
    " LEFT JOIN idempotency_keys f ON f.tenant = " tenant                      \
    "::text AND f.key = " key "::text"

#define ONE "(VALUES (1)) one"

/* The time in a version 7 UUID (a parameter, as text), and the id itself when
 * the tenant logged a spawn of it; else NULL. The time leads to the partition;
 * a day to either side, because ids are made by another machine's clock. */
#define TIME_OF(id)                                                            \
    "to_timestamp(('x' || translate(left(" id "::text, 13), '-', ''))"         \
    "::bit(48)::bigint / 1000::float8)"
#define OWN_SPAWN(tenant, id)                                                  \
    "(SELECT s.spawn_id FROM spawn_logs s"                                     \
    " WHERE s.spawn_id = " id "::text::uuid AND s.tenant = " tenant "::text"   \
    " AND s.given_at BETWEEN " TIME_OF(id) " - interval '1 day'"               \
    " AND " TIME_OF(id) " + interval '1 day' LIMIT 1)"

/* What became visible since the snapshot $1. The comparison with its xmin
 * lets the index find the few rows to look at. */
#define NEW_SINCE                                                              \
    " xid >= pg_snapshot_xmin($1::text::pg_snapshot)"                          \
    " AND NOT pg_visible_in_snapshot(xid, $1::text::pg_snapshot)"

/* A time as a number. PostgreSQL has endless ones, which no number is: the ends
 * of what can be printed stand for them. NULL stays NULL. */
#define MS_OF(time)                                                            \
    "CASE WHEN " time " = 'infinity' THEN " NUMBER(UTC_MS_MAX)                 \
    " WHEN " time " = '-infinity' THEN 0"                                      \
    " ELSE floor(extract(epoch FROM " time ") * 1000)::bigint END"
#define DAY_NUMBER(expression) "(" expression ") - date '1970-01-01'"
#define CLOCK                                                                  \
    "clock AS (SELECT pg_current_snapshot()::text AS snapshot, "               \
    DAY_NUMBER("(now() AT TIME ZONE 'UTC')::date") " AS day)"

/* $1 spawn id, $2 tenant, $3 model, $4 category, $5 budget, $6 mode, $7 role,
 * $8 source, $9 context, $10 decision id, $11 key, $12 hash, $13 retention */
static const char write_spawn[] =
    "WITH " CLAIM("$2", "$11", "$12", "$13", "$1::text", ONE)
    "event AS (INSERT INTO spawn_logs (spawn_id, tenant, model, category,"
    " budget, mode, role, source, context, decision_id)"
    " SELECT $1::text::uuid, $2, $3, $4, $5, $6, $7, $8, $9, $10 FROM go"
    " RETURNING 1)"
    " SELECT (SELECT count(*) FROM event), f.body_hash, f.result, 1, 0"
    " FROM " ONE FIRST_ANSWER("$2", "$11");

/* $1 tenant, $2 model, $3 category, $4 rating, $5 context, $6 decision id,
 * $7 spawn id, $8 key, $9 hash, $10 retention. A spawn id that is none of the
 * tenant's is not recorded; the rating is. */
static const char write_outcome[] =
    "WITH " CLAIM("$1", "$8", "$9", "$10", "''", ONE)
    "event AS (INSERT INTO outcomes (tenant, model, category, rating, context,"
    " decision_id, spawn_id)"
    " SELECT $1, $2, $3, $4::text::smallint, $5, $6, " OWN_SPAWN("$1", "$7")
    " FROM go RETURNING spawn_id)"
    " SELECT (SELECT count(*) FROM event), f.body_hash, f.result, 1, 0,"
    " (SELECT count(spawn_id) FROM event)"
    " FROM " ONE FIRST_ANSWER("$1", "$8");

/* $1 tenant, $2 instance, $3 model, $4 category, $5 rating, $6 key, $7 hash,
 * $8 retention, $9 length of a window. A repeated key takes nothing from the
 * quota; a refused report leaves no key. */
static const char write_report[] =
    "WITH seen AS (SELECT 1 FROM idempotency_keys WHERE tenant = $1::text"
    " AND key = $6::text AND given_at >= " AGO("$8") "),"
    " quota AS (INSERT INTO report_windows AS w (subject, began_at, reports)"
    " SELECT 'instance:' || $2::text, now(), 1"
    " WHERE NOT EXISTS (SELECT FROM seen)"
    " ON CONFLICT (subject) DO UPDATE SET"
    " began_at = CASE WHEN w.began_at <= " AGO("$9")
    " THEN now() ELSE w.began_at END,"
    " reports = CASE WHEN w.began_at <= " AGO("$9")
    " THEN 1 ELSE w.reports + 1 END"
    " WHERE w.began_at <= " AGO("$9")
    " OR w.reports < " NUMBER(COMMUNITY_REPORTS_PER_HOUR) " RETURNING 1), "
    CLAIM("$1", "$6", "$7", "$8", "''", "quota")
    "event AS (INSERT INTO community_reports (instance, model, category,"
    " rating) SELECT $2::text, $3, $4, $5::text::smallint FROM go RETURNING 1)"
    " SELECT (SELECT count(*) FROM event), f.body_hash, f.result,"
    " (SELECT count(*) FROM quota),"
    " greatest(0, ceil(extract(epoch FROM w.began_at - (" AGO("$9") "))"
    " * 1000))::bigint"
    " FROM " ONE FIRST_ANSWER("$1", "$6")
    " LEFT JOIN report_windows w ON w.subject = 'instance:' || $2::text";

static const char write_spawn_plain[] =
    "INSERT INTO spawn_logs (spawn_id, tenant, model, category, budget, mode,"
    " role, source, context, decision_id)"
    " VALUES ($1::text::uuid, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
    " RETURNING 1";

static const char write_outcome_plain[] =
    "INSERT INTO outcomes (tenant, model, category, rating, context,"
    " decision_id) VALUES ($1, $2, $3, $4::text::smallint, $5, $6)"
    " RETURNING 1";

/* $1 id, $2 tenant, $3 label, $4 hash in hexadecimal, $5 whether it must be
 * the first */
static const char write_add_key[] =
    "SELECT api_keys_add($1::text, $2::text, $3::text,"
    " decode($4::text, 'hex'), $5::text::boolean, " NUMBER(TENANTS_KEYS_MAX)
    ")";

const struct store_statement write_statements[WRITE_STATEMENTS] = {
    [WRITE_SPAWN] = {"write_spawn", write_spawn, 13},
    [WRITE_OUTCOME] = {"write_outcome", write_outcome, 10},
    [WRITE_REPORT] = {"write_report", write_report, 9},
    [WRITE_SPAWN_PLAIN] = {"write_spawn_plain", write_spawn_plain, 10},
    [WRITE_OUTCOME_PLAIN] = {"write_outcome_plain", write_outcome_plain, 6},
    [WRITE_ADD_KEY] = {"write_add_key", write_add_key, 5},
    /* $1 id. One who waits for another's revocation keeps its time. */
    [WRITE_REVOKE_KEY] =
        {"write_revoke_key",
         "UPDATE api_keys"
         " SET revoked_at = coalesce(revoked_at, clock_timestamp())"
         " WHERE id = $1::text RETURNING tenant, " MS_OF("revoked_at"),
         1},
};

/* Pages go by key; $1.. are the last key seen. */
static const char layer_ratings[] =
    "SELECT tenant, model, category, " DAY_NUMBER("given_day") ", rating,"
    " count(*) FROM outcomes"
    " WHERE (tenant, model, category, given_day, rating) > ($1::text,"
    " $2::text, $3::text, date '1970-01-01' + $4::text::integer,"
    " $5::text::smallint)"
    " GROUP BY tenant, model, category, given_day, rating"
    " ORDER BY tenant, model, category, outcomes.given_day, rating"
    " LIMIT " NUMBER(LAYER_PAGE_ROWS);

static const char layer_votes[] =
    "SELECT model, category, " DAY_NUMBER("given_week") ", instance,"
    " sum(rating), count(*) FROM community_reports"
    " WHERE (model, category, given_week, instance) > ($1::text, $2::text,"
    " date '1970-01-01' + $3::text::integer, $4::text)"
    " GROUP BY model, category, given_week, instance"
    " ORDER BY model, category, community_reports.given_week, instance"
    " LIMIT " NUMBER(LAYER_PAGE_ROWS);

/* $1 the last snapshot, $2 the day of the layers. There is always one row.
 * A rating of an earlier day that became visible only now moves its rater's
 * baseline in all cells: `late` says that there is one. */
static const char layer_rating_changes[] =
    "WITH " CLOCK ", fresh AS MATERIALIZED (SELECT tenant, model, category,"
    " given_day FROM outcomes WHERE" NEW_SINCE "),"
    " late AS (SELECT count(*) AS n FROM fresh"
    " WHERE given_day < date '1970-01-01' + $2::text::integer),"
    " touched AS (SELECT DISTINCT tenant, model, category FROM fresh),"
    " cells AS (SELECT t.tenant, t.model, t.category, e.day, e.rating, e.n"
    " FROM touched t CROSS JOIN LATERAL (SELECT "
    DAY_NUMBER("o.given_day") " AS day, o.rating, count(*) AS n FROM outcomes o"
    " WHERE o.tenant = t.tenant AND o.model = t.model"
    " AND o.category = t.category GROUP BY o.given_day, o.rating) e"
    " LIMIT " NUMBER(LAYER_CHANGES_ROWS) ")"
    " SELECT clock.snapshot, clock.day, late.n, cells.*"
    " FROM clock CROSS JOIN late LEFT JOIN cells ON true"
    " ORDER BY cells.tenant, cells.model, cells.category, cells.day,"
    " cells.rating";

/* $1 the last snapshot. A late vote touches only its own cell. */
static const char layer_vote_changes[] =
    "WITH " CLOCK ", touched AS (SELECT DISTINCT model, category"
    " FROM community_reports WHERE" NEW_SINCE "),"
    " cells AS (SELECT t.model, t.category, e.week, e.instance, e.stars, e.n"
    " FROM touched t CROSS JOIN LATERAL (SELECT "
    DAY_NUMBER("r.given_week") " AS week, r.instance, sum(r.rating) AS stars,"
    " count(*) AS n FROM community_reports r WHERE r.model = t.model"
    " AND r.category = t.category GROUP BY r.given_week, r.instance) e"
    " LIMIT " NUMBER(LAYER_CHANGES_ROWS) ")"
    " SELECT clock.snapshot, clock.day, 0, cells.*"
    " FROM clock LEFT JOIN cells ON true"
    " ORDER BY cells.model, cells.category, cells.week, cells.instance";

/* $1 the mark of the keys that are known. Every change of a row gives it
 * another xmin, a row less or more another count: only when the mark differs
 * do the keys follow, from the same snapshot. When there are too many, a live
 * key has its place before a revoked one: without its row a revoked key is
 * unknown, and admits nobody either. */
static const char layer_tenants[] =
    "WITH now_at AS (SELECT count(*) AS total, count(*) || '/' ||"
    " coalesce(sum(xmin::text::bigint), 0) AS mark FROM api_keys)"
    " SELECT now_at.mark, encode(k.key_hash, 'hex'), k.id, k.tenant, k.label,"
    " k.revoked, k.place, now_at.total"
    " FROM now_at LEFT JOIN LATERAL (SELECT key_hash, id, tenant, label,"
    " (revoked_at IS NOT NULL)::integer AS revoked, created_at,"
    " ctid::text AS place FROM api_keys WHERE now_at.mark <> $1::text"
    " ORDER BY revoked, created_at, id LIMIT " NUMBER(TENANTS_KEYS_MAX) ") k"
    " ON true ORDER BY k.key_hash, k.revoked DESC, k.created_at, k.id";

const struct store_statement layer_statements[LAYER_STATEMENTS] = {
    [LAYER_SNAPSHOT] = {"layer_snapshot",
                        "WITH " CLOCK " SELECT snapshot, day FROM clock", 0},
    [LAYER_BASELINES] = {"layer_baselines",
                         "SELECT tenant, category, sum(rating), count(*)"
                         " FROM outcomes WHERE given_day <"
                         " date '1970-01-01' + $1::text::integer"
                         " GROUP BY tenant, category",
                         1},
    [LAYER_RATINGS] = {"layer_ratings", layer_ratings, 5},
    [LAYER_VOTES] = {"layer_votes", layer_votes, 4},
    [LAYER_RATING_CHANGES] = {"layer_rating_changes", layer_rating_changes, 2},
    [LAYER_VOTE_CHANGES] = {"layer_vote_changes", layer_vote_changes, 1},
    [LAYER_NOTIFY] = {"layer_notify",
                      "SELECT pg_notify('" FEEDBACK_CHANNEL "', '')", 0},
    [LAYER_TENANTS] = {"layer_tenants", layer_tenants, 1},
    [LAYER_NOTIFY_TENANTS] = {"layer_notify_tenants",
                              "SELECT pg_notify('" FEEDBACK_CHANNEL
                              "', '" FEEDBACK_NOTICE_TENANTS "')",
                              0},
};

const struct store_statement read_statements[READ_STATEMENTS] = {
    /* $1 tenant, $2 category or NULL, $3 least number of ratings */
    [READ_SCORES] = {"read_scores",
                     "SELECT model, category, count(*),"
                     " count(*) FILTER (WHERE rating >= 4)::float / count(*),"
                     " avg(rating) FROM outcomes WHERE tenant = $1::text"
                     " AND ($2::text IS NULL OR category = $2::text)"
                     " GROUP BY model, category"
                     " HAVING count(*) >= $3::text::bigint"
                     " ORDER BY count(*) DESC, model, category"
                     " LIMIT " NUMBER(SCORES_ROWS_MAX),
                     3},
    /* $1 tenant, $2 since, in ms of the epoch. One pass for every grouping;
     * the first column tells which (STATS_OF_…). */
    [READ_STATS] =
        {"read_stats",
         "WITH spawns AS (SELECT model, category, mode,"
         " to_char(given_at AT TIME ZONE 'UTC', 'YYYY-MM-DD') AS day"
         " FROM spawn_logs WHERE tenant = $1::text AND given_at >="
         " to_timestamp($2::text::float8 / 1000)),"
         " counts AS (SELECT grouping(model, category, mode, day) AS which,"
         " coalesce(model, category, mode, day) AS key, count(*) AS n"
         " FROM spawns GROUP BY GROUPING SETS"
         " ((), (model), (category), (mode), (day))),"
         " ranked AS (SELECT *, row_number() OVER"
         " (PARTITION BY which ORDER BY n DESC, key) AS place FROM counts)"
         " SELECT which, key, n FROM ranked"
         " WHERE which <> " NUMBER(STATS_OF_MODEL)
         " OR place <= " NUMBER(STATS_MODELS_MAX)
         " ORDER BY which,"
         " CASE WHEN which = " NUMBER(STATS_OF_DAY) " THEN key END,"
         " n DESC, key",
         2},
    [READ_MAKE_MONTHS] = {"read_make_months",
                          "SELECT spawn_logs_make_months(now(), 2)", 0},
    /* $1 retention in ms */
    [READ_DROP_KEYS] = {"read_drop_keys",
                        "DELETE FROM idempotency_keys WHERE given_at < "
                        AGO("$1"),
                        1},
    /* $1 length of a window in ms */
    [READ_DROP_WINDOWS] = {"read_drop_windows",
                           "DELETE FROM report_windows WHERE began_at < "
                           AGO("$1"),
                           1},
    [READ_LIST_KEYS] = {"read_list_keys",
                        "SELECT id, tenant, label, " MS_OF("created_at") ", "
                        MS_OF("revoked_at")
                        " FROM api_keys ORDER BY created_at, id"
                        " LIMIT " NUMBER(TENANTS_KEYS_MAX),
                        0},
};

/* clang-format on */
