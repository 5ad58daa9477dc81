/* Evidence: every matched row's figures, gathered per model, and what they
 * come to.
 *
 * A board is what one source published for one benchmark on one day. Of each
 * board only the newest day counts: ratings of different days stand on
 * different scales. Speeds are kept beside the benchmarks as two more
 * metrics. */
#ifndef INGEST_EVIDENCE_H
#define INGEST_EVIDENCE_H

#include "core/types/model.h"
#include "ingest/combine.h"
#include "ingest/match.h"
#include "ingest/record.h"

/* Metrics: the benchmarks, then these. */
#define EVIDENCE_SPEED BENCHMARK_COUNT
#define EVIDENCE_FIRST_TOKEN (BENCHMARK_COUNT + 1)
#define EVIDENCE_METRICS (BENCHMARK_COUNT + 2)

struct evidence_row {
    uint32_t model;
    uint32_t metric;
    enum source via;
    utc_day day;
    struct combine_row row;
};

struct evidence {
    struct evidence_row *rows;
    size_t count;
    size_t capacity;
    utc_day today;
    /* The day of the newest board, UTC_DAY_NONE for none. */
    utc_day boards[SOURCE_COUNT][EVIDENCE_METRICS];
};

/* What the rows of one model come to. */
struct evidence_result {
    struct figure figures[BENCHMARK_COUNT]; /* by benchmark */
    bool has[BENCHMARK_COUNT];
    double speed;         /* tokens a second, NaN unknown */
    double first_token_s; /* NaN unknown */
};

/* Room for `capacity` rows. What is dated after `today` counts as of today: a
 * clock that ran ahead must not leave figures that nothing ever replaces.
 * RESOURCE_EXHAUSTED when the arena is full. */
enum status evidence_init(struct evidence *evidence, struct arena *arena,
                          size_t capacity, utc_day today) MUST_CHECK;
/* Add a record's readings and speeds (at most reading_count + 2 rows) as
 * evidence on match->model. */
void evidence_add(struct evidence *evidence, enum source via,
                  const struct record *record, const struct match *match);
/* Sort once all is added. */
void evidence_sort(struct evidence *evidence);
/* The figures of one model. *cursor starts at 0 and moves on; models must be
 * asked in ascending order. */
void evidence_of(const struct evidence *evidence, uint32_t model,
                 const struct combine_served *served, size_t *cursor,
                 struct evidence_result *ret_result);
/* Take a figure from elsewhere into the result when it is newer than the one
 * there, or as new and nearer to who measured it. */
void evidence_take(struct evidence_result *result, const struct figure *figure);

#endif
