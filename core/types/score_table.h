/* The score table: for every model and category how good it is and how sure
 * that is. One of the three values that the pure libraries exchange; made by
 * scorer, read by router.
 *
 * It carries its catalog. Base cells hold benchmark and community evidence;
 * personal cells hold what replaces a base cell for one tenant. */
#ifndef CORE_TYPES_SCORE_TABLE_H
#define CORE_TYPES_SCORE_TABLE_H

#include "core/types/catalog.h"
#include "core/types/layers.h"

#define SCORE_TABLE_PERSONAL_MAX LAYERS_CELLS_MAX
#define SCORE_TABLE_BYTES_MAX (2u << 30) /* of its arena */

/* A score with its parts. Scores are 0 to 100, shares and rates 0 to 1. */
struct score {
    bool present;      /* false: no evidence, no score; the rest is unset */
    uint32_t sources;  /* independent benchmark sources behind it */
    double mean;       /* 0..100 */
    double low, high;  /* the 90 % interval around it, 0..100 */
    double confidence; /* 0..1, from the interval's width */
    double benchmark;  /* 0..100 from benchmarks alone */
    double community;  /* 0..1, NaN without evidence */
    double personal;   /* 0..1, NaN without evidence */
    double benchmark_share; /* of the mean, 0..1; the three sum to 1 */
    double community_share;
    double personal_share;
};

struct personal_score {
    struct slice tenant;
    uint32_t model; /* index into the catalog's models */
    enum category category;
    struct score score;
};

struct score_table {
    struct arena *arena;     /* owned; holds all, this struct too, but
                                the catalog */
    struct catalog *catalog; /* owned */
    struct score *base;      /* [model * CATEGORY_COUNT + category] */
    struct personal_score
        *personal; /* ascending by (tenant, category, model) */
    size_t personal_count;
    size_t personal_capacity;
    utc_day day;
    ms_time made_at;  /* when scored */
    uint64_t version; /* content hash over catalog, base and personal cells */
};

/* A table over the catalog without any score; ->version is right. It takes
 * the catalog over when it succeeds. RESOURCE_EXHAUSTED. */
enum status score_table_new(struct catalog *catalog, utc_day day,
                            struct score_table **ret_table) MUST_CHECK;
int personal_score_cmp(const struct personal_score *a,
                       const struct personal_score *b);
/* The score of a model for a tenant: the personal one if there is one, else
 * the base. Never NULL; look at ->present. */
const struct score *score_table_score(const struct score_table *table,
                                      struct slice tenant, uint32_t model,
                                      enum category category);
/* The personal scores of one tenant in one category, ascending by model; NULL
 * and 0 when it has none. */
const struct personal_score *
score_table_personal(const struct score_table *table, struct slice tenant,
                     enum category category, size_t *ret_count);
/* The content hash, computed afresh: an order-free sum of the hashes of each
 * cell, so that a delta can move it. */
uint64_t score_table_hash(const struct score_table *table);
/* What a follower must see: the version together with what is known of the
 * sources (catalog_snapshot_hash). */
uint64_t score_table_snapshot_hash(const struct score_table *table);
/* Insert or replace a personal cell and move ->version along; a score that is
 * not present takes the cell out. The tenant's text is copied.
 * INVALID_ARGUMENT for a tenant that is empty or longer than TENANT_MAX, a
 * model or category out of range; RESOURCE_EXHAUSTED at the limit. */
enum status
score_table_set_personal(struct score_table *table,
                         const struct personal_score *cell) MUST_CHECK;
/* Replace a base cell and move ->version along. Model and category must be in
 * range. Writing ->base directly is fine too while building: then set
 * ->version = score_table_hash(table) at the end. */
void score_table_set_base(struct score_table *table, uint32_t model,
                          enum category category, const struct score *score);
/* Free the table with its catalog and arena and set it to NULL. */
void score_table_free(struct score_table **table);

#endif
