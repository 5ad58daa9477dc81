/* The source adapters: bytes of a source in, records out.
 *
 * One file and one function a source, all with one signature. An adapter
 * knows every shape in which its source was ever seen and tells them apart by
 * looking; unknown fields are ignored, missing ones are absent (never 0), a
 * row of a wrong shape is counted and left out. Called once for each payload
 * or page; a set may be filled by several calls.
 *
 * Each returns OK, INVALID_ARGUMENT (no JSON or CSV of a known shape),
 * FAILED_PRECONDITION (rows, but less than half understood: the format
 * changed), DATA_LOSS (a CSV that was cut off) or RESOURCE_EXHAUSTED (a limit),
 * with set->reason for people. OK without a record: all rows are of boards
 * that are not read. */
#ifndef INGEST_SOURCE_H
#define INGEST_SOURCE_H

#include "ingest/record.h"

struct source_input {
    struct slice bytes;     /* the payload */
    struct slice companion; /* LiveBench: its categories JSON; else empty */
    utc_day day;            /* of the payload, for rows that name none */
    bool is_vision;         /* LMArena: the vision arena, not the text one */
};

typedef enum status (*source_fn)(const struct source_input *input,
                                 struct record_set *set);

/* {"data":[…]} of api/v1/models, older and newer entries. */
enum status source_openrouter(const struct source_input *input,
                              struct record_set *set) MUST_CHECK;
/* [ … ], {"data":[ … ]} and the paged body with performance{}. */
enum status source_artificial_analysis(const struct source_input *input,
                                       struct record_set *set) MUST_CHECK;
/* The rows API, and the flattened CSV. */
enum status source_hf_leaderboard(const struct source_input *input,
                                  struct record_set *set) MUST_CHECK;
/* The rows API, the release CSV and the arena-catalog JSON. */
enum status source_lmarena(const struct source_input *input,
                           struct record_set *set) MUST_CHECK;
/* The table CSV with its categories JSON as companion. */
enum status source_livebench(const struct source_input *input,
                             struct record_set *set) MUST_CHECK;

/* The adapter of a source. */
source_fn source_adapter(enum source source);

#endif
