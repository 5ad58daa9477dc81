/* Reading folded-to-be rows; see the header. */
#include "services/feedbackd/layer_rows.h"

#include "services/feedbackd/feedback_sql.h"

static uint32_t
layer_rows_u32(const struct pg_result *rows, size_t row, int column)
{
    uint64_t value = rows_u64(rows, row, column, 0);

    return value < UINT32_MAX ? (uint32_t)value : UINT32_MAX;
}

static utc_day
layer_rows_day(const struct pg_result *rows, size_t row, int column)
{
    return (utc_day)rows_i64(rows, row, column, 0);
}

enum status
layer_rows_ratings(struct layer_build *build, const struct pg_result *rows,
                   int first)
{
    for (size_t i = 0; i < rows_count(rows); i++) {
        struct layer_rating row = {
            .tenant = rows_text(rows, i, first + RATING_TENANT),
            .model = rows_text(rows, i, first + RATING_MODEL),
            .day = layer_rows_day(rows, i, first + RATING_DAY),
            .stars = (uint8_t)layer_rows_u32(rows, i, first + RATING_STARS),
            .count = layer_rows_u32(rows, i, first + RATING_COUNT)};
        enum status status = STATUS_OK;

        if (rows_null(rows, i, first) ||
            !category_find(rows_text(rows, i, first + RATING_CATEGORY),
                           &row.category))
            continue;
        status = layer_build_rating(build, &row);
        if (status != STATUS_OK)
            return status;
    }
    return STATUS_OK;
}

enum status
layer_rows_votes(struct layer_build *build, const struct pg_result *rows,
                 int first)
{
    for (size_t i = 0; i < rows_count(rows); i++) {
        struct layer_vote row = {
            .model = rows_text(rows, i, first + VOTE_MODEL),
            .week = layer_rows_day(rows, i, first + VOTE_WEEK),
            .instance = rows_text(rows, i, first + VOTE_INSTANCE),
            .sum = layer_rows_u32(rows, i, first + VOTE_SUM),
            .reports = layer_rows_u32(rows, i, first + VOTE_REPORTS)};
        enum status status = STATUS_OK;

        if (rows_null(rows, i, first) ||
            !category_find(rows_text(rows, i, first + VOTE_CATEGORY),
                           &row.category))
            continue;
        status = layer_build_vote(build, &row);
        if (status != STATUS_OK)
            return status;
    }
    return STATUS_OK;
}

enum status
layer_rows_baselines(struct baselines *baselines, const struct pg_result *rows)
{
    for (size_t i = 0; i < rows_count(rows); i++) {
        enum category category = CATEGORY_GENERAL;
        enum status status = STATUS_OK;

        if (!category_find(rows_text(rows, i, 1), &category))
            continue;
        status =
            baselines_add(baselines, rows_text(rows, i, 0), category,
                          rows_u64(rows, i, 2, 0), rows_u64(rows, i, 3, 0));
        if (status != STATUS_OK)
            return status;
    }
    return STATUS_OK;
}
