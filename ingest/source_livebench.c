/* LiveBench: a CSV of models by tasks, and a JSON that says which tasks make
 * up which category.
 *
 * Columns are found by their names in the header. A category's figure is the
 * plain mean of its tasks, and only when all of them are there. A row with
 * fewer or more cells than the header is refused as a whole: nobody can tell
 * which cell is missing, and a shifted row would give figures to the wrong
 * tasks. */
#include "ingest/source.h"

#include "core/base/csv_in.h"
#include "core/base/json_in.h"
#include "core/base/text.h"

static const struct {
    const char *category;
    enum benchmark benchmark;
} categories[] = {
    {"Coding", BENCHMARK_LIVE_BENCH_CODING},
    {"Agentic Coding", BENCHMARK_LIVE_BENCH_AGENTIC_CODING},
    {"Reasoning", BENCHMARK_LIVE_BENCH_REASONING},
    {"Mathematics", BENCHMARK_LIVE_BENCH_MATH},
    {"Language", BENCHMARK_LIVE_BENCH_LANGUAGE},
    {"IF", BENCHMARK_LIVE_BENCH_IF},
    {"Data Analysis", BENCHMARK_LIVE_BENCH_DATA},
};

#define CATEGORIES ARRAY_LEN(categories)
#define TASKS_MAX CSV_COLUMNS_MAX

struct table {
    const struct source_input *input;
    struct record_set *set;
    const struct json *tasks[CATEGORIES]; /* lists of task names, or NULL */
    /* Columns of each category's tasks; complete[] is false when a task of
     * the list has no column. */
    size_t columns[CATEGORIES][TASKS_MAX];
    size_t column_count[CATEGORIES];
    size_t width; /* cells of the header */
};

static bool
find_column(const struct slice *columns, size_t count, struct slice name,
            size_t *ret_column)
{
    for (size_t i = 1; i < count; i++) {
        if (!slice_eq(columns[i], name))
            continue;
        *ret_column = i;
        return true;
    }
    return false;
}

/* The columns of one category; 0 of them when any task is missing. */
static size_t
find_tasks(const struct json *tasks, const struct slice *columns, size_t count,
           size_t *ret_columns)
{
    size_t found = 0;
    struct slice task;

    if (json_count(tasks) > TASKS_MAX)
        return 0;
    for (size_t i = 0; i < json_count(tasks); i++) {
        if (!json_text(json_at(tasks, i), &task) ||
            !find_column(columns, count, task, &ret_columns[found]))
            return 0;
        found++;
    }
    return found;
}

static enum status
read_header(struct table *table, const struct slice *columns, size_t count)
{
    size_t usable = 0;

    table->width = count;
    if (count < 2 || !slice_eq(columns[0], SLICE("model")))
        return record_set_fail(table->set, STATUS_INVALID_ARGUMENT,
                               "the first column is not model");
    for (size_t i = 0; i < CATEGORIES; i++) {
        table->column_count[i] =
            find_tasks(table->tasks[i], columns, count, table->columns[i]);
        usable += table->column_count[i];
    }
    if (usable == 0)
        return record_set_fail(table->set, STATUS_INVALID_ARGUMENT,
                               "no category's tasks are in the table");
    return STATUS_OK;
}

/* The mean of a category's cells, or false when one is no number. */
static bool
category_mean(const struct table *table, size_t category,
              const struct slice *cells, double *ret_mean)
{
    size_t count = table->column_count[category];
    double sum = 0, value;

    for (size_t i = 0; i < count; i++) {
        if (text_double(slice_trim(cells[table->columns[category][i]]),
                        &value) != STATUS_OK)
            return false;
        sum += value;
    }
    if (count == 0)
        return false;
    *ret_mean = sum / (double)count;
    return true;
}

static enum status
read_row(void *context, size_t number, const struct slice *cells, size_t count)
{
    struct table *table = context;
    struct record_set *set = table->set;
    struct reading_list list = {.count = 0};
    struct record row;
    double mean;

    if (number == 0)
        return read_header(table, cells, count);
    set->rows_seen++;
    if (count != table->width || !record_name_is_valid(cells[0])) {
        set->rows_refused++;
        return STATUS_OK;
    }
    row = record_blank(cells[0], table->input->day);
    for (size_t i = 0; i < CATEGORIES; i++)
        if (category_mean(table, i, cells, &mean))
            reading_list_add(&list, set, categories[i].benchmark, mean);
    if (list.count == 0) {
        set->rows_refused++;
        return STATUS_OK;
    }
    return record_set_add(set, &row, &list);
}

enum status
source_livebench(const struct source_input *input, struct record_set *set)
{
    struct table table = {.input = input, .set = set};
    struct json *document = NULL;
    enum status status;

    status = json_parse(input->companion, set->reason, &document);
    if (status != STATUS_OK)
        return status;
    for (size_t i = 0; i < CATEGORIES; i++)
        table.tasks[i] = json_get(document, categories[i].category);
    status = csv_read(input->bytes, read_row, &table);
    if (status != STATUS_OK)
        status = record_set_fail_csv(set, status);
    json_free(&document);
    return status == STATUS_OK ? record_set_verdict(set) : status;
}
