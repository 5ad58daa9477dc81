/* LMArena: ratings from people's votes, text and vision.
 *
 * Three shapes are read: the rows API of the leaderboard dataset, the release
 * CSV (overall board only) and the arena-catalog JSON
 * {category: {model: {rating, …}}}. The boards named below are evidence of
 * their own; rows of other boards (languages, industries, …) are passed over,
 * as they only cut the same votes differently. */
#include "ingest/source.h"

#include "core/base/csv_in.h"
#include "core/base/json_in.h"
#include "core/base/text.h"

static const struct {
    const char *category;
    bool is_vision; /* of the vision arena */
    enum benchmark benchmark;
} boards[] = {
    {"overall", false, BENCHMARK_ARENA},
    {"full", false, BENCHMARK_ARENA},
    {"coding", false, BENCHMARK_ARENA_CODING},
    {"creative_writing", false, BENCHMARK_ARENA_CREATIVE},
    {"math", false, BENCHMARK_ARENA_MATH},
    {"overall", true, BENCHMARK_ARENA_VISION},
    {"full", true, BENCHMARK_ARENA_VISION},
};

#define COLUMN_NONE SIZE_MAX

struct table {
    const struct source_input *input;
    struct record_set *set;
    size_t name, rating, vendor; /* columns */
};

static bool
find_board(struct slice category, bool is_vision, enum benchmark *ret_board)
{
    for (size_t i = 0; i < ARRAY_LEN(boards); i++) {
        if (boards[i].is_vision != is_vision ||
            !slice_eq(category, slice_of(boards[i].category)))
            continue;
        *ret_board = boards[i].benchmark;
        return true;
    }
    return false;
}

/* One rating becomes one record. */
static enum status
add_rating(struct record_set *set, struct record *row, enum benchmark board,
           double rating)
{
    struct reading_list list = {.count = 0};

    reading_list_add(&list, set, board, rating);
    if (list.count == 0) {
        set->rows_refused++;
        return STATUS_OK;
    }
    return record_set_add(set, row, &list);
}

static enum status
read_api_row(const struct json *row, const struct source_input *input,
             struct record_set *set)
{
    struct slice name, category, day, vendor;
    struct record record;
    enum benchmark board;
    double rating;

    set->rows_seen++;
    if (!json_text(json_get(row, "model_name"), &name) ||
        !record_name_is_valid(name) ||
        !json_text(json_get(row, "category"), &category) ||
        !json_double(json_get(row, "rating"), &rating)) {
        set->rows_refused++;
        return STATUS_OK;
    }
    if (!find_board(category, input->is_vision, &board)) {
        set->rows_passed++;
        return STATUS_OK;
    }
    record = record_blank(name, input->day);
    if (json_text(json_get(row, "leaderboard_publish_date"), &day))
        (void)!utc_day_parse(slice_cut(day, 0, 10), &record.day);
    if (json_text(json_get(row, "organization"), &vendor) &&
        record_name_is_valid(vendor))
        record.vendor = vendor;
    return add_rating(set, &record, board, rating);
}

static enum status
read_api(const struct json *document, const struct source_input *input,
         struct record_set *set)
{
    const struct json *rows = json_get(document, "rows");
    enum status status = STATUS_OK;
    int64_t total;

    if (json_kind(rows) != JSON_KIND_ARRAY)
        return record_set_fail(set, STATUS_INVALID_ARGUMENT, "rows is no list");
    if (json_i64(json_get(document, "num_rows_total"), &total) && total > 0)
        set->total = (size_t)total;
    for (size_t i = 0; status == STATUS_OK && i < json_count(rows); i++)
        status = read_api_row(json_get(json_at(rows, i), "row"), input, set);
    return status;
}

static enum status
read_catalog_board(const struct json *models, enum benchmark board,
                   const struct source_input *input, struct record_set *set)
{
    enum status status = STATUS_OK;
    const struct json *entry;
    void *iterator = NULL;
    struct slice name;

    while (status == STATUS_OK && json_next(models, &iterator, &name, &entry)) {
        struct record record = record_blank(name, input->day);
        double rating;

        set->rows_seen++;
        if (!record_name_is_valid(name) ||
            !json_double(json_get(entry, "rating"), &rating)) {
            set->rows_refused++;
            continue;
        }
        status = add_rating(set, &record, board, rating);
    }
    return status;
}

static enum status
read_catalog(const struct json *document, const struct source_input *input,
             struct record_set *set)
{
    enum status status = STATUS_OK;
    const struct json *models;
    void *iterator = NULL;
    struct slice category;
    enum benchmark board;

    while (status == STATUS_OK &&
           json_next(document, &iterator, &category, &models))
        if (find_board(category, input->is_vision, &board))
            status = read_catalog_board(models, board, input, set);
    return status;
}

static enum status
read_header(struct table *table, const struct slice *columns, size_t count)
{
    static const char *const names[] = {"model", "arena_score", "organization"};
    size_t *const places[] = {&table->name, &table->rating, &table->vendor};

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        *places[i] = COLUMN_NONE;
        for (size_t c = 0; c < count && *places[i] == COLUMN_NONE; c++)
            if (slice_eq(columns[c], slice_of(names[i])))
                *places[i] = c;
    }
    if (table->name == COLUMN_NONE || table->rating == COLUMN_NONE)
        return record_set_fail(table->set, STATUS_INVALID_ARGUMENT,
                               "no columns model and arena_score");
    return STATUS_OK;
}

static enum status
read_csv_row(void *context, size_t number, const struct slice *columns,
             size_t count)
{
    struct table *table = context;
    struct record record;
    enum benchmark board;
    double rating;

    if (number == 0)
        return read_header(table, columns, count);
    table->set->rows_seen++;
    if (table->name >= count || table->rating >= count ||
        !record_name_is_valid(columns[table->name]) ||
        text_double(columns[table->rating], &rating) != STATUS_OK) {
        table->set->rows_refused++;
        return STATUS_OK;
    }
    board = table->input->is_vision ? BENCHMARK_ARENA_VISION : BENCHMARK_ARENA;
    record = record_blank(columns[table->name], table->input->day);
    if (table->vendor < count && record_name_is_valid(columns[table->vendor]))
        record.vendor = columns[table->vendor];
    return add_rating(table->set, &record, board, rating);
}

static enum status
read_json(const struct source_input *input, struct record_set *set)
{
    struct json *document = NULL;
    enum status status;

    status = json_parse(input->bytes, set->reason, &document);
    if (status != STATUS_OK)
        return status;
    if (json_get(document, "rows") != NULL)
        status = read_api(document, input, set);
    else
        status = read_catalog(document, input, set);
    json_free(&document);
    return status;
}

enum status
source_lmarena(const struct source_input *input, struct record_set *set)
{
    struct table table = {.input = input, .set = set};
    enum status status;

    if (slice_starts(slice_trim(input->bytes), SLICE("{"))) {
        status = read_json(input, set);
    } else {
        status = csv_read(input->bytes, read_csv_row, &table);
        if (status != STATUS_OK)
            return record_set_fail_csv(set, status);
    }
    return status == STATUS_OK ? record_set_verdict(set) : status;
}
