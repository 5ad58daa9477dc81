/* Records of one payload: a growing list in an arena, with counts of what was
 * refused. Never guesses: what does not fit is counted and left out. */
#include "ingest/record.h"

#include "core/base/text.h"

#include <math.h>
#include <stdio.h>

#define ROWS_FIRST 256 /* capacity of the first allocation */

void
record_set_init(struct record_set *set, struct arena *arena)
{
    *set = (struct record_set){.arena = arena};
}

static bool
grow(struct record_set *set)
{
    size_t capacity = set->capacity > 0 ? set->capacity * 2 : ROWS_FIRST;
    struct record *records = ARENA_ARRAY(set->arena, struct record, capacity);

    if (records == NULL)
        return false;
    if (set->count > 0)
        memcpy(records, set->records, set->count * sizeof(*records));
    set->records = records;
    set->capacity = capacity;
    return true;
}

static struct offer *
copy_offer(struct arena *arena, const struct offer *from)
{
    struct offer *offer = ARENA_NEW(arena, struct offer);

    if (offer == NULL)
        return NULL;
    *offer = *from;
    offer->id = arena_slice(arena, from->id);
    offer->canonical_slug = arena_slice(arena, from->canonical_slug);
    offer->hugging_face_id = arena_slice(arena, from->hugging_face_id);
    offer->default_effort = arena_slice(arena, from->default_effort);
    return offer;
}

enum status
record_set_add(struct record_set *set, const struct record *row,
               const struct reading_list *list)
{
    struct arena *arena = set->arena;
    struct reading *readings;
    struct record *copy;

    if (set->count >= RECORD_ROWS_MAX)
        return record_set_fail(set, STATUS_RESOURCE_EXHAUSTED,
                               "more rows than are read");
    if (set->count == set->capacity && !grow(set))
        return record_set_fail(set, STATUS_RESOURCE_EXHAUSTED,
                               "the payload needs too much memory");
    readings = ARENA_ARRAY(arena, struct reading, list->count);
    if (readings != NULL && list->count > 0)
        memcpy(readings, list->items, list->count * sizeof(*readings));
    copy = &set->records[set->count];
    *copy = *row;
    copy->name = arena_slice(arena, row->name);
    copy->slug = arena_slice(arena, row->slug);
    copy->vendor = arena_slice(arena, row->vendor);
    copy->readings = readings;
    copy->reading_count = list->count;
    if (row->offer != NULL)
        copy->offer = copy_offer(arena, row->offer);
    if (!arena_ok(arena))
        return record_set_fail(set, STATUS_RESOURCE_EXHAUSTED,
                               "the payload needs too much memory");
    set->count++;
    set->figures += list->count;
    return STATUS_OK;
}

enum status
record_set_verdict(struct record_set *set)
{
    size_t understood = set->rows_seen - set->rows_refused;

    if (set->rows_seen > 0 && understood * 2 >= set->rows_seen)
        return STATUS_OK;
    (void)snprintf(set->reason, sizeof(set->reason),
                   "%zu of %zu rows understood", understood, set->rows_seen);
    return STATUS_FAILED_PRECONDITION;
}

enum status
record_set_verdict_whole(struct record_set *set)
{
    const struct record *first = set->records;
    enum status status = record_set_verdict(set);

    if (status != STATUS_OK)
        return status;
    if (set->total != 0 && set->rows_seen != set->total)
        (void)snprintf(set->reason, sizeof(set->reason),
                       "%zu rows came of %zu that there are", set->rows_seen,
                       set->total);
    else if (set->count == 0)
        (void)snprintf(set->reason, sizeof(set->reason),
                       "none of %zu rows is of a board that is read",
                       set->rows_seen);
    else if (set->figures == 0 && first->offer == NULL)
        (void)snprintf(set->reason, sizeof(set->reason),
                       "none of %zu rows has a figure", set->rows_seen);
    else
        return STATUS_OK;
    return STATUS_FAILED_PRECONDITION;
}

enum status
record_set_fail(struct record_set *set, enum status status, const char *reason)
{
    (void)snprintf(set->reason, sizeof(set->reason), "%s", reason);
    return status;
}

enum status
record_set_fail_csv(struct record_set *set, enum status status)
{
    if (set->reason[0] != '\0')
        return status;
    return record_set_fail(set, status,
                           status == STATUS_DATA_LOSS
                               ? "cut off within its last line"
                               : "neither JSON nor CSV");
}

double
record_figure(double value)
{
    return round(value * 1e6) / 1e6;
}

void
reading_list_add(struct reading_list *list, struct record_set *set,
                 enum benchmark benchmark, double value)
{
    if (!isfinite(value) || value < benchmark_lowest(benchmark) ||
        value > benchmark_highest(benchmark)) {
        set->figures_refused++;
        return;
    }
    for (size_t i = 0; i < list->count; i++)
        if (list->items[i].benchmark == benchmark)
            return;
    list->items[list->count++] =
        (struct reading){.benchmark = benchmark, .value = record_figure(value)};
}

void
reading_list_read(struct reading_list *list, struct record_set *set,
                  enum benchmark benchmark, const struct json *value,
                  double factor)
{
    double number;

    if (json_double(value, &number))
        reading_list_add(list, set, benchmark, number * factor);
    else if (value != NULL && json_kind(value) != JSON_KIND_NULL)
        set->figures_refused++;
}

bool
record_name_is_valid(struct slice name)
{
    return name.len > 0 && name.len <= RECORD_NAME_MAX && text_is_utf8(name) &&
           !text_has_control(name, "");
}

struct record
record_blank(struct slice name, utc_day day)
{
    return (struct record){
        .name = name,
        .day = day,
        .output_tokens_per_second = NAN,
        .time_to_first_token_s = NAN,
    };
}
