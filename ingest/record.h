/* Records: what an adapter understood of one payload of one source.
 *
 * A record is one row: the name the source uses, its readings (figures of
 * benchmarks, already on our scale and within bounds) and, from OpenRouter
 * alone, the offer (id, price, limits, abilities). A set collects the records
 * of one payload with the count of what was refused. Everything lives in the
 * set's arena; nothing here knows which model a row is about (that is
 * match.h). */
#ifndef INGEST_RECORD_H
#define INGEST_RECORD_H

#include "core/base/arena.h"
#include "core/base/json_in.h"
#include "core/base/slice.h"
#include "core/base/status.h"
#include "core/base/utc.h"
#include "core/types/model.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RECORD_ROWS_MAX 100000       /* rows of one payload */
#define RECORD_NAME_MAX 256          /* bytes of a row's name */
#define RECORD_REASON_MAX 192        /* bytes of a failure's text */
#define RECORD_BYTES_MAX (64u << 20) /* of a set's arena */
#define RECORD_EFFORT_MAX MODEL_EFFORT_MAX

/* One figure as read. */
struct reading {
    enum benchmark benchmark;
    double value; /* in the benchmark's unit, finite, within its bounds */
};

/* A model on offer. */
struct offer {
    struct slice id;
    struct slice canonical_slug;  /* may be empty */
    struct slice hugging_face_id; /* may be empty */
    nusd_per_mtok prompt_price;
    nusd_per_mtok completion_price;
    bool is_router;             /* its price is negative */
    bool only_text;             /* answers with text and nothing else */
    uint32_t context_tokens;    /* 0 unknown */
    uint32_t max_output_tokens; /* 0 unknown */
    uint32_t capabilities;      /* BIT(enum capability) */
    bool is_multimodal;         /* takes image, audio or video */
    bool has_structured_outputs;
    utc_day created; /* UTC_DAY_NONE unknown */
    utc_day expires; /* UTC_DAY_NONE never */
    enum reasoning_default reasoning;
    struct slice default_effort; /* "medium", …; empty unknown */
};

struct record {
    struct slice name;   /* the row's name, as the source writes it */
    struct slice slug;   /* a second name, may be empty */
    struct slice vendor; /* who made the model, as the source says; or empty */
    utc_day day;         /* the day of the figures */
    const struct offer *offer;      /* OpenRouter only, else NULL */
    const struct reading *readings; /* at most one of each benchmark */
    size_t reading_count;
    double output_tokens_per_second; /* NaN unknown */
    double time_to_first_token_s;    /* NaN unknown */
};

struct record_set {
    struct arena *arena; /* borrowed; holds all that the records point to */
    struct record *records;
    size_t count; /* rows understood */
    size_t capacity;
    size_t rows_seen;       /* rows in the payload, understood or not */
    size_t rows_refused;    /* rows of a wrong shape */
    size_t rows_passed;     /* understood, but not wanted (another board) */
    size_t figures;         /* readings of all records */
    size_t figures_refused; /* no numbers, not finite or out of bounds */
    size_t total;           /* rows over all pages; 0 when not said */
    size_t pages;           /* pages there are; 0 when not said */
    size_t page;            /* which one the last was, from 1; 0 not said */
    char reason[RECORD_REASON_MAX]; /* of a failure, for people */
};

/* The readings of a row while it is read. */
struct reading_list {
    struct reading items[BENCHMARK_COUNT];
    size_t count;
};

/* An empty set over an arena that outlives it. */
void record_set_init(struct record_set *set, struct arena *arena);
/* Add a row; its texts and readings are copied. RESOURCE_EXHAUSTED past
 * RECORD_ROWS_MAX or when the arena is full. */
enum status record_set_add(struct record_set *set, const struct record *row,
                           const struct reading_list *list) MUST_CHECK;
/* The verdict over what was read so far, payload or page: FAILED_PRECONDITION
 * ("12 of 342 rows understood") when that is less than half of the rows, or
 * when there were none at all, else OK. Sets ->reason. */
enum status record_set_verdict(struct record_set *set) MUST_CHECK;
/* The verdict over a board whose pages are all read: besides, what was
 * understood must come to something ("none of 579 rows has a figure"), and
 * there must be as many rows as the source says it has. */
enum status record_set_verdict_whole(struct record_set *set) MUST_CHECK;
/* Say why and hand the status back: `return record_set_fail(…)`. */
enum status record_set_fail(struct record_set *set, enum status status,
                            const char *reason) MUST_CHECK;

/* The same for a CSV that could not be read (csv_in.h), unless a reason was
 * given on the way. */
enum status
record_set_fail_csv(struct record_set *set, enum status status) MUST_CHECK;

/* Take a figure: refused and counted in the set when it is not finite or out
 * of the benchmark's bounds. The first of two readings of one benchmark
 * stays. */
void reading_list_add(struct reading_list *list, struct record_set *set,
                      enum benchmark benchmark, double value);

/* The same of a JSON value, times factor. NULL and null are unknown; what is
 * no number is refused and counted. */
void reading_list_read(struct reading_list *list, struct record_set *set,
                       enum benchmark benchmark, const struct json *value,
                       double factor);

/* A row's name: 1 to RECORD_NAME_MAX bytes of UTF-8 without controls. */
bool record_name_is_valid(struct slice name);
/* A row with nothing known but its name and day. */
struct record record_blank(struct slice name, utc_day day);

/* A figure to a millionth of its unit: 0.577 as a share is 57.7 percent, not
 * 57.699999999999996. */
double record_figure(double value);

#endif
