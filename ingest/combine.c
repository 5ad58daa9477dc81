/* The rule of combine.h: rank the rows, take the best rank, then one value or
 * a median. */
#include "ingest/combine.h"

#include "core/base/check.h"

#include <stdlib.h>

/* 0 is best; the numbers are the rule's steps. */
static unsigned
rank(const struct combine_row *row, const struct combine_served *served)
{
    bool is_plain = row->mode == NAME_MODE_NONE && row->effort.len == 0;
    bool serves_off = served->reasoning == REASONING_DEFAULT_OFF ||
                      slice_eq(served->effort, SLICE("none"));

    if (serves_off && row->mode == NAME_MODE_OFF)
        return 0;
    if (!serves_off && served->effort.len > 0 && row->mode != NAME_MODE_OFF &&
        slice_eq(served->effort, row->effort))
        return 0;
    if (is_plain)
        return 1;
    if (served->reasoning == REASONING_DEFAULT_ON)
        return row->mode == NAME_MODE_ON && row->effort.len == 0 ? 2 : 3;
    return row->mode == NAME_MODE_OFF ? 2 : 3;
}

/* By value, then by name, so that the median's row does not depend on the
 * order of the rows. */
static int
compare(const void *a, const void *b)
{
    const struct combine_row *x = a, *y = b;

    if (x->value < y->value)
        return -1;
    if (x->value > y->value)
        return 1;
    return slice_cmp(x->row, y->row);
}

void
combine_rows(const struct combine_row *rows, size_t count,
             const struct combine_served *served, struct combined *ret_combined)
{
    struct combine_row chosen[COMBINE_ROWS_MAX];
    unsigned best = UINT32_MAX;
    size_t taken = 0, middle;

    CHECK(count > 0);
    if (count > COMBINE_ROWS_MAX)
        count = COMBINE_ROWS_MAX;
    for (size_t i = 0; i < count; i++)
        if (rank(&rows[i], served) < best)
            best = rank(&rows[i], served);
    for (size_t i = 0; i < count; i++)
        if (rank(&rows[i], served) == best)
            chosen[taken++] = rows[i];
    qsort(chosen, taken, sizeof(chosen[0]), compare);
    middle = (taken - 1) / 2;
    *ret_combined = (struct combined){
        .value = record_figure(
            taken % 2 == 1
                ? chosen[middle].value
                : (chosen[middle].value + chosen[middle + 1].value) / 2),
        .spread =
            record_figure((chosen[taken - 1].value - chosen[0].value) / 2),
        .row = chosen[middle].row,
    };
}
