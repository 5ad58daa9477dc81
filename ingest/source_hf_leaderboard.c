/* Open LLM Leaderboard v2 (archived by Hugging Face in 2025): the rows API of
 * the dataset server, page by page, and the flattened CSV.
 *
 * Both give normalised scores from 0 to 100; the CSV's raw shares are left
 * alone. A row that the board flagged is passed over. The row's name is the
 * Hugging Face id, which is what it is matched by. */
#include "ingest/source.h"

#include "core/base/csv_in.h"
#include "core/base/json_in.h"
#include "core/base/text.h"

/* The same figure in the rows API and in the CSV. */
static const struct {
    const char *key;
    const char *column;
    enum benchmark benchmark;
} fields[] = {
    {"Average \xe2\xac\x86\xef\xb8\x8f", "model_average_score",
     BENCHMARK_HF_AVERAGE},
    {"IFEval", "evaluations_ifeval_normalized_score", BENCHMARK_HF_IFEVAL},
    {"BBH", "evaluations_bbh_normalized_score", BENCHMARK_HF_BBH},
    {"MATH Lvl 5", "evaluations_math_normalized_score", BENCHMARK_HF_MATH},
    {"GPQA", "evaluations_gpqa_normalized_score", BENCHMARK_HF_GPQA},
    {"MUSR", "evaluations_musr_normalized_score", BENCHMARK_HF_MUSR},
    {"MMLU-PRO", "evaluations_mmlu_pro_normalized_score",
     BENCHMARK_HF_MMLU_PRO},
};

#define COLUMN_NONE SIZE_MAX

struct table {
    const struct source_input *input;
    struct record_set *set;
    size_t name;    /* column of the model's Hugging Face id */
    size_t flagged; /* COLUMN_NONE when there is none */
    size_t columns[ARRAY_LEN(fields)];
};

static enum status
read_api_row(const struct json *row, const struct source_input *input,
             struct record_set *set)
{
    struct reading_list list = {.count = 0};
    struct record record;
    struct slice name;
    bool flagged = false;

    set->rows_seen++;
    (void)json_bool(json_get(row, "Flagged"), &flagged);
    if (flagged) {
        set->rows_passed++;
        return STATUS_OK;
    }
    if (!json_text(json_get(row, "fullname"), &name) ||
        !record_name_is_valid(name)) {
        set->rows_refused++;
        return STATUS_OK;
    }
    record = record_blank(name, input->day);
    for (size_t f = 0; f < ARRAY_LEN(fields); f++)
        reading_list_read(&list, set, fields[f].benchmark,
                          json_get(row, fields[f].key), 1);
    if (list.count == 0) {
        set->rows_refused++;
        return STATUS_OK;
    }
    return record_set_add(set, &record, &list);
}

static enum status
read_api(const struct source_input *input, struct record_set *set)
{
    struct json *document = NULL;
    const struct json *rows;
    enum status status;
    int64_t total;

    status = json_parse(input->bytes, set->reason, &document);
    if (status != STATUS_OK)
        return status;
    rows = json_get(document, "rows");
    if (rows == NULL || json_kind(rows) != JSON_KIND_ARRAY)
        status =
            record_set_fail(set, STATUS_INVALID_ARGUMENT, "no list named rows");
    if (json_i64(json_get(document, "num_rows_total"), &total) && total > 0)
        set->total = (size_t)total;
    for (size_t i = 0; status == STATUS_OK && i < json_count(rows); i++)
        status = read_api_row(json_get(json_at(rows, i), "row"), input, set);
    json_free(&document);
    return status;
}

static size_t
find_column(const struct slice *columns, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (slice_eq(columns[i], slice_of(name)))
            return i;
    return COLUMN_NONE;
}

static enum status
read_header(struct table *table, const struct slice *columns, size_t count)
{
    table->name = find_column(columns, count, "model_name");
    table->flagged = find_column(columns, count, "features_is_flagged");
    for (size_t f = 0; f < ARRAY_LEN(fields); f++)
        table->columns[f] = find_column(columns, count, fields[f].column);
    if (table->name == COLUMN_NONE)
        return record_set_fail(table->set, STATUS_INVALID_ARGUMENT,
                               "no column model_name");
    return STATUS_OK;
}

static enum status
read_csv_row(void *context, size_t number, const struct slice *columns,
             size_t count)
{
    struct table *table = context;
    struct record_set *set = table->set;
    struct reading_list list = {.count = 0};
    struct record record;
    bool flagged = false;
    double value;

    if (number == 0)
        return read_header(table, columns, count);
    set->rows_seen++;
    if (table->flagged < count)
        (void)!text_bool(columns[table->flagged], &flagged);
    if (flagged) {
        set->rows_passed++;
        return STATUS_OK;
    }
    if (table->name >= count || !record_name_is_valid(columns[table->name])) {
        set->rows_refused++;
        return STATUS_OK;
    }
    record = record_blank(columns[table->name], table->input->day);
    for (size_t f = 0; f < ARRAY_LEN(fields); f++)
        if (table->columns[f] < count &&
            text_double(columns[table->columns[f]], &value) == STATUS_OK)
            reading_list_add(&list, set, fields[f].benchmark, value);
    if (list.count == 0) {
        set->rows_refused++;
        return STATUS_OK;
    }
    return record_set_add(set, &record, &list);
}

enum status
source_hf_leaderboard(const struct source_input *input, struct record_set *set)
{
    struct table table = {.input = input, .set = set};
    struct slice start = slice_trim(input->bytes);
    enum status status;

    if (slice_starts(start, SLICE("{"))) {
        status = read_api(input, set);
    } else {
        status = csv_read(input->bytes, read_csv_row, &table);
        if (status != STATUS_OK)
            return record_set_fail_csv(set, status);
    }
    return status == STATUS_OK ? record_set_verdict(set) : status;
}
