/* Evidence in one array, sorted by model, metric and source; a model's part of
 * it is combined group by group. */
#include "ingest/evidence.h"

#include "core/base/check.h"

#include <math.h>
#include <stdlib.h>

enum status
evidence_init(struct evidence *evidence, struct arena *arena, size_t capacity,
              utc_day today)
{
    *evidence = (struct evidence){.capacity = capacity, .today = today};
    for (size_t s = 0; s < SOURCE_COUNT; s++)
        for (size_t m = 0; m < EVIDENCE_METRICS; m++)
            evidence->boards[s][m] = UTC_DAY_NONE;
    evidence->rows = ARENA_ARRAY(arena, struct evidence_row, capacity);
    return evidence->rows != NULL ? STATUS_OK : STATUS_RESOURCE_EXHAUSTED;
}

static void
add(struct evidence *evidence, const struct evidence_row *row)
{
    utc_day *board = &evidence->boards[row->via][row->metric];

    CHECK(evidence->count < evidence->capacity);
    /* UTC_DAY_NONE is below every day. */
    if (row->day > *board)
        *board = row->day;
    evidence->rows[evidence->count++] = *row;
}

void
evidence_add(struct evidence *evidence, enum source via,
             const struct record *record, const struct match *match)
{
    struct evidence_row row = {
        .model = match->model,
        .via = via,
        .day = record->day < evidence->today ? record->day : evidence->today,
        .row = {.mode = match->mode,
                .effort = match->effort,
                .row = record->name},
    };

    for (size_t i = 0; i < record->reading_count; i++) {
        row.metric = record->readings[i].benchmark;
        row.row.value = record->readings[i].value;
        add(evidence, &row);
    }
    if (!isnan(record->output_tokens_per_second)) {
        row.metric = EVIDENCE_SPEED;
        row.row.value = record->output_tokens_per_second;
        add(evidence, &row);
    }
    if (!isnan(record->time_to_first_token_s)) {
        row.metric = EVIDENCE_FIRST_TOKEN;
        row.row.value = record->time_to_first_token_s;
        add(evidence, &row);
    }
}

static int
compare_u32(uint32_t a, uint32_t b)
{
    return (a > b) - (a < b);
}

static int
compare(const void *a, const void *b)
{
    const struct evidence_row *x = a, *y = b;
    int order = compare_u32(x->model, y->model);

    if (order == 0)
        order = compare_u32(x->metric, y->metric);
    if (order == 0)
        order = compare_u32(x->via, y->via);
    if (order == 0)
        order = slice_cmp(x->row.row, y->row.row);
    if (order == 0)
        order = (x->row.value > y->row.value) - (x->row.value < y->row.value);
    return order;
}

void
evidence_sort(struct evidence *evidence)
{
    if (evidence->count > 0)
        qsort(evidence->rows, evidence->count, sizeof(evidence->rows[0]),
              compare);
}

void
evidence_take(struct evidence_result *result, const struct figure *figure)
{
    struct figure *held = &result->figures[figure->benchmark];
    enum source measurer = benchmark_source(figure->benchmark);

    if (result->has[figure->benchmark] &&
        (held->day > figure->day ||
         (held->day == figure->day &&
          (held->via == measurer || figure->via != measurer))))
        return;
    *held = *figure;
    result->has[figure->benchmark] = true;
}

/* A combined group becomes a figure or a speed. */
static void
place(struct evidence_result *result, const struct evidence_row *first,
      const struct combined *combined)
{
    struct figure figure = {.value = combined->value,
                            .spread = combined->spread,
                            .day = first->day,
                            .via = first->via,
                            .row = combined->row};

    if (first->metric == EVIDENCE_SPEED) {
        result->speed = combined->value;
    } else if (first->metric == EVIDENCE_FIRST_TOKEN) {
        result->first_token_s = combined->value;
    } else {
        figure.benchmark = (enum benchmark)first->metric;
        evidence_take(result, &figure);
    }
}

/* The rows of one model, metric and source from `at` on that are of the
 * newest board; returns where the next group starts. */
static size_t
combine_group(const struct evidence *evidence, size_t at,
              const struct combine_served *served,
              struct evidence_result *result)
{
    const struct evidence_row *first = &evidence->rows[at];
    utc_day board = evidence->boards[first->via][first->metric];
    struct combine_row rows[COMBINE_ROWS_MAX];
    struct evidence_row newest = *first;
    struct combined combined;
    size_t count = 0;

    newest.day = board;
    for (; at < evidence->count; at++) {
        const struct evidence_row *row = &evidence->rows[at];

        if (row->model != first->model || row->metric != first->metric ||
            row->via != first->via)
            break;
        if (row->day == board && count < COMBINE_ROWS_MAX)
            rows[count++] = row->row;
    }
    if (count > 0) {
        combine_rows(rows, count, served, &combined);
        place(result, &newest, &combined);
    }
    return at;
}

void
evidence_of(const struct evidence *evidence, uint32_t model,
            const struct combine_served *served, size_t *cursor,
            struct evidence_result *ret_result)
{
    *ret_result = (struct evidence_result){.speed = NAN, .first_token_s = NAN};
    while (*cursor < evidence->count && evidence->rows[*cursor].model < model)
        ++*cursor;
    while (*cursor < evidence->count && evidence->rows[*cursor].model == model)
        *cursor = combine_group(evidence, *cursor, served, ret_result);
}
