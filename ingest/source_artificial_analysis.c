/* Artificial Analysis: language models with indices, tests and speed.
 *
 * Three bodies are read: a bare list, {"data":[…]} (v2) and the paged one with
 * pagination{} and performance{}. Indices are points from 0 to 100.
 * Tests come as shares of 1 or as percent; the rule is by field and payload:
 * a test whose largest value in the payload is <= 1 is given as a share and
 * multiplied by 100. A speed of 0 means it was not measured.
 *
 * Of the two AIME fields only `aime` is read: `aime_25` is the whole of their
 * mathematics index, and one test must not count twice. */
#include "ingest/source.h"

#include "core/base/json_in.h"

#include <math.h>

static const struct {
    const char *key;
    enum benchmark benchmark;
    bool may_be_share;
} fields[] = {
    {"artificial_analysis_intelligence_index", BENCHMARK_INTELLIGENCE_INDEX,
     false},
    {"artificial_analysis_coding_index", BENCHMARK_CODING_INDEX, false},
    {"artificial_analysis_math_index", BENCHMARK_MATH_INDEX, false},
    {"artificial_analysis_agentic_index", BENCHMARK_AGENTIC_INDEX, false},
    {"mmlu_pro", BENCHMARK_MMLU_PRO, true},
    {"gpqa", BENCHMARK_GPQA, true},
    {"livecodebench", BENCHMARK_LIVE_CODE_BENCH, true},
    {"math_500", BENCHMARK_MATH_500, true},
    {"aime", BENCHMARK_AIME, true},
};

struct reader {
    const struct source_input *input;
    struct record_set *set;
    double factor[ARRAY_LEN(fields)]; /* to our scale */
};

/* Look over the payload once to learn on which scale each test is given. */
static void
find_scales(struct reader *reader, const struct json *rows)
{
    double highest[ARRAY_LEN(fields)] = {0};
    double value;

    for (size_t i = 0; i < json_count(rows); i++) {
        const struct json *evaluations =
            json_get(json_at(rows, i), "evaluations");

        for (size_t f = 0; f < ARRAY_LEN(fields); f++)
            if (json_double(json_get(evaluations, fields[f].key), &value) &&
                value > highest[f])
                highest[f] = value;
    }
    for (size_t f = 0; f < ARRAY_LEN(fields); f++)
        reader->factor[f] = fields[f].may_be_share && highest[f] <= 1 ? 100 : 1;
}

/* 0 and what is no number are unknown. */
static double
positive(const struct json *object, const char *key)
{
    double value;

    if (!json_double(json_get(object, key), &value) || !isfinite(value) ||
        value <= 0)
        return NAN;
    return value;
}

static enum status
read_row(struct reader *reader, const struct json *entry)
{
    const struct json *evaluations = json_get(entry, "evaluations");
    const struct json *performance = json_get(entry, "performance");
    struct reading_list list = {.count = 0};
    struct slice name = SLICE(""), slug = SLICE(""), vendor = SLICE("");
    struct record row;

    reader->set->rows_seen++;
    if (!json_text(json_get(entry, "name"), &name) ||
        !record_name_is_valid(name) || evaluations == NULL ||
        json_kind(evaluations) != JSON_KIND_OBJECT) {
        reader->set->rows_refused++;
        return STATUS_OK;
    }
    row = record_blank(name, reader->input->day);
    if (json_text(json_get(entry, "slug"), &slug) && record_name_is_valid(slug))
        row.slug = slug;
    if (json_text(json_get(json_get(entry, "model_creator"), "name"),
                  &vendor) &&
        record_name_is_valid(vendor))
        row.vendor = vendor;
    for (size_t f = 0; f < ARRAY_LEN(fields); f++)
        reading_list_read(&list, reader->set, fields[f].benchmark,
                          json_get(evaluations, fields[f].key),
                          reader->factor[f]);
    if (performance == NULL)
        performance = entry;
    row.output_tokens_per_second =
        positive(performance, "median_output_tokens_per_second");
    row.time_to_first_token_s =
        positive(performance, "median_time_to_first_token_seconds");
    return record_set_add(reader->set, &row, &list);
}

static void
read_pagination(const struct json *pagination, struct record_set *set)
{
    int64_t pages, page;

    if (json_i64(json_get(pagination, "total_pages"), &pages) && pages > 0)
        set->pages = (size_t)pages;
    set->page = 0;
    if (json_i64(json_get(pagination, "page"), &page) && page > 0)
        set->page = (size_t)page;
}

enum status
source_artificial_analysis(const struct source_input *input,
                           struct record_set *set)
{
    struct reader reader = {.input = input, .set = set};
    struct json *document = NULL;
    const struct json *rows;
    enum status status;
    status = json_parse(input->bytes, set->reason, &document);
    if (status != STATUS_OK)
        return status;
    rows = json_kind(document) == JSON_KIND_ARRAY ? document
                                                  : json_get(document, "data");
    if (rows == NULL || json_kind(rows) != JSON_KIND_ARRAY) {
        status = record_set_fail(set, STATUS_INVALID_ARGUMENT,
                                 "no list and no list named data");
    } else {
        read_pagination(json_get(document, "pagination"), set);
        find_scales(&reader, rows);
    }
    for (size_t i = 0; status == STATUS_OK && i < json_count(rows); i++)
        status = read_row(&reader, json_at(rows, i));
    json_free(&document);
    return status == STATUS_OK ? record_set_verdict(set) : status;
}
