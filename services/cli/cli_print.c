/* One cell is one field's value as short text; tables and lists are made of
 * cells. `meta` is for programs and left out. Text in a reply may be anybody's
 * (a label, a name of a source): what could move the cursor of a terminal or
 * turn the reading direction is shown as U+FFFD. */
#include "services/cli/cli_print.h"

#include "core/base/arena.h"
#include "core/base/check.h"
#include "core/base/json_out.h"
#include "core/base/text.h"
#include "core/base/utc.h"
#include "services/api/fields.h"
#include "services/api/names.h"
#include "services/api/transcode.h"

#include "router.pb-c.h"

#include <stdio.h>
#include <string.h>

#define COLUMNS_MAX 8
#define CELL_MAX 36 /* characters of a cell in the middle */
#define ROWS_MAX 20000
#define TABLE_BYTES (256u << 20)
#define HEADING_MAX (NAMES_MAX + 8)
#define CELL_BYTES (64u << 10)
#define DECIMAL_SCALE 9

static void
put_tame(struct buf *out, const char *from)
{
    struct slice text = slice_of(from);
    for (size_t at = 0, start = 0; at < text.len; start = at) {
        bool is_tame = text_is_tame(text_next(text, &at));
        buf_put_slice(out, is_tame ? slice_cut(text, start, at)
                                   : SLICE("\xef\xbf\xbd"));
    }
}

static void
put_decimal(struct buf *out, const Ss__Decimal *value)
{
    struct json_out json;
    if (value == NULL) {
        buf_put_char(out, '?');
        return;
    }
    json_out_init(&json, out);
    json_out_decimal(&json, value->nanos, DECIMAL_SCALE);
}

static void
put_pricing(struct buf *out, const Ss__Pricing *pricing)
{
    buf_put_char(out, '$');
    put_decimal(out, pricing->prompt);
    buf_put_text(out, " / $");
    put_decimal(out, pricing->completion);
}

static void
put_interval(struct buf *out, const Ss__Interval *interval)
{
    buf_put_fixed(out, interval->low, 1);
    buf_put_text(out, " to ");
    buf_put_fixed(out, interval->high, 1);
}

static void
put_message(struct buf *out, const ProtobufCMessage *message)
{
    const ProtobufCMessageDescriptor *type = message->descriptor;
    if (type == &ss__decimal__descriptor) {
        put_decimal(out, (const Ss__Decimal *)message);
    } else if (type == &ss__pricing__descriptor) {
        put_pricing(out, (const Ss__Pricing *)message);
    } else if (type == &ss__interval__descriptor) {
        put_interval(out, (const Ss__Interval *)message);
    } else if (type == &ss__timestamp__descriptor) {
        char text[UTC_TEXT_MAX];
        utc_format(((const Ss__Timestamp *)message)->ms, text);
        buf_put_text(out, text);
    } else if (type == &ss__model__descriptor) {
        put_tame(out, ((const Ss__Model *)message)->id);
    } else if (type == &ss__chosen_model__descriptor) {
        put_tame(out, ((const Ss__ChosenModel *)message)->id);
    } else {
        transcode_write(message, out);
    }
}

static void
put_enum(struct buf *out, const ProtobufCFieldDescriptor *field,
         const int *value)
{
    char name[NAMES_MAX];
    buf_put_slice(out, names_enum(field->descriptor, *value, name));
}

/* One item at its place in memory. */
static void
put_item(struct buf *out, const ProtobufCFieldDescriptor *field, const void *at)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_STRING:
        put_tame(out, *(char *const *)at);
        break;
    case PROTOBUF_C_TYPE_MESSAGE:
        put_message(out, *(ProtobufCMessage *const *)at);
        break;
    case PROTOBUF_C_TYPE_ENUM:
        put_enum(out, field, at);
        break;
    case PROTOBUF_C_TYPE_BOOL:
        buf_put_text(out, *(const protobuf_c_boolean *)at ? "yes" : "no");
        break;
    case PROTOBUF_C_TYPE_DOUBLE:
        buf_put_fixed(out, *(const double *)at, 2);
        break;
    case PROTOBUF_C_TYPE_FLOAT:
        buf_put_fixed(out, (double)*(const float *)at, 2);
        break;
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
        buf_put_i64(out, *(const int32_t *)at);
        break;
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
        buf_put_u64(out, *(const uint32_t *)at);
        break;
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
        buf_put_i64(out, *(const int64_t *)at);
        break;
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
        buf_put_u64(out, *(const uint64_t *)at);
        break;
    case PROTOBUF_C_TYPE_BYTES:
    default:
        break;
    }
}

/* Of scores by name the one that is asked for. */
static void
put_score(struct buf *out, const ProtobufCMessage *message,
          const ProtobufCFieldDescriptor *field, const char *category)
{
    Ss__ScoresEntry *const *entries =
        *(Ss__ScoresEntry *const *const *)fields_at(message, field);
    size_t count = fields_count(message, field);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(entries[i]->key, category) == 0)
            buf_put_fixed(out, entries[i]->value, 1);
    }
}

static void
put_field(struct buf *out, const ProtobufCMessage *message,
          const ProtobufCFieldDescriptor *field)
{
    if (field->label != PROTOBUF_C_LABEL_REPEATED) {
        if (fields_is_set(message, field))
            put_item(out, field, fields_at(message, field));
        return;
    }
    const char *items = *(char *const *)fields_at(message, field);
    size_t count = fields_count(message, field);
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            buf_put_text(out, ", ");
        put_item(out, field, items + i * fields_item_size(field));
    }
}

/* --- tables --- */

struct table {
    const char *category; /* of the score that is shown */
    const ProtobufCFieldDescriptor *columns[COLUMNS_MAX];
    size_t width[COLUMNS_MAX]; /* characters */
    size_t column_count;
    struct slice *cells; /* rows * columns */
    size_t row_count;
};

static size_t
characters(struct slice text)
{
    size_t count = 0;
    for (size_t at = 0; at < text.len; count++)
        (void)text_next(text, &at);
    return count;
}

static struct slice
first_characters(struct slice text, size_t most)
{
    size_t at = 0;
    for (size_t count = 0; at < text.len && count < most; count++)
        (void)text_next(text, &at);
    return slice_cut(text, 0, at);
}

/* Whether a field is short enough for a column: no lists of messages. */
static bool
fits_column(const ProtobufCMessageDescriptor *type,
            const ProtobufCFieldDescriptor *field)
{
    if (field->type == PROTOBUF_C_TYPE_BYTES)
        return false;
    /* An id says more than a name in the same row. */
    if (strcmp(field->name, "name") == 0 &&
        protobuf_c_message_descriptor_get_field_by_name(type, "id") != NULL)
        return false;
    if (field->type != PROTOBUF_C_TYPE_MESSAGE)
        return true;
    const ProtobufCMessageDescriptor *inner = field->descriptor;
    return field->label != PROTOBUF_C_LABEL_REPEATED &&
           inner != &ss__capabilities__descriptor &&
           inner != &ss__speed__descriptor;
}

static bool
is_used(ProtobufCMessage *const *rows, size_t count,
        const ProtobufCFieldDescriptor *field)
{
    for (size_t i = 0; i < count; i++) {
        bool used = field->label == PROTOBUF_C_LABEL_REPEATED
                        ? fields_count(rows[i], field) > 0
                        : fields_is_set(rows[i], field);
        if (used)
            return true;
    }
    return false;
}

/* A model has more than a line can hold. */
static void
choose_model_columns(struct table *table)
{
    static const char *const names[] = {"id",   "scores",         "pricing",
                                        "tier", "context_length", "categories"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        const ProtobufCFieldDescriptor *field =
            protobuf_c_message_descriptor_get_field_by_name(
                &ss__model__descriptor, names[i]);
        CHECK(field != NULL && table->column_count < COLUMNS_MAX);
        table->columns[table->column_count++] = field;
    }
}

static void
choose_columns(struct table *table, ProtobufCMessage *const *rows)
{
    const ProtobufCMessageDescriptor *type = rows[0]->descriptor;
    if (type == &ss__model__descriptor) {
        choose_model_columns(table);
        return;
    }
    for (unsigned i = 0;
         i < type->n_fields && table->column_count < COLUMNS_MAX; i++) {
        const ProtobufCFieldDescriptor *field = &type->fields[i];
        if (fits_column(type, field) && is_used(rows, table->row_count, field))
            table->columns[table->column_count++] = field;
    }
}

static bool
is_score(const ProtobufCFieldDescriptor *field)
{
    return field->descriptor == &ss__scores_entry__descriptor;
}

/* "CONTEXT LENGTH"; of a score "CODING SCORE". */
static struct slice
heading(const struct table *table, size_t column, char *out)
{
    const ProtobufCFieldDescriptor *field = table->columns[column];
    int len = is_score(field)
                  ? snprintf(out, HEADING_MAX, "%s score", table->category)
                  : snprintf(out, HEADING_MAX, "%s", field->name);
    CHECK(len > 0 && len < HEADING_MAX);
    for (int i = 0; i < len; i++) {
        if (out[i] == '_')
            out[i] = ' ';
        else if (out[i] >= 'a' && out[i] <= 'z')
            out[i] = (char)(out[i] - 'a' + 'A');
    }
    return slice_make(out, (size_t)len);
}

static void
fill_cells(struct table *table, ProtobufCMessage *const *rows,
           struct arena *arena)
{
    struct buf cell;
    buf_init(&cell, CELL_BYTES);
    for (size_t column = 0; column < table->column_count; column++) {
        const ProtobufCFieldDescriptor *field = table->columns[column];
        /* What a row is called stays whole: it is copied from here. */
        bool whole = column == 0 || column + 1 == table->column_count;
        size_t most = whole ? SIZE_MAX : CELL_MAX;
        char name[HEADING_MAX];
        table->width[column] = heading(table, column, name).len;
        for (size_t row = 0; row < table->row_count; row++) {
            buf_reset(&cell);
            if (is_score(field))
                put_score(&cell, rows[row], field, table->category);
            else
                put_field(&cell, rows[row], field);
            struct slice text = first_characters(buf_slice(&cell), most);
            table->cells[row * table->column_count + column] =
                arena_slice(arena, text);
            size_t width = characters(text);
            if (width > table->width[column])
                table->width[column] = width;
        }
    }
    buf_fini(&cell);
}

static void
put_padded(struct buf *out, struct slice text, size_t width, bool last)
{
    buf_put_slice(out, text);
    if (last) {
        buf_put_char(out, '\n');
        return;
    }
    for (size_t i = characters(text); i < width + 2; i++)
        buf_put_char(out, ' ');
}

static void
put_heading(struct buf *out, const struct table *table)
{
    for (size_t column = 0; column < table->column_count; column++) {
        char name[HEADING_MAX];
        put_padded(out, heading(table, column, name), table->width[column],
                   column + 1 == table->column_count);
    }
}

static void
put_table(struct buf *out, ProtobufCMessage *const *rows, size_t count,
          const char *category)
{
    struct table table = {.category = category,
                          .row_count = count < ROWS_MAX ? count : ROWS_MAX};
    if (count == 0) {
        buf_put_text(out, "none\n");
        return;
    }
    struct arena *arena = arena_new(TABLE_BYTES);
    CHECK(arena != NULL);
    choose_columns(&table, rows);
    table.cells =
        ARENA_ARRAY(arena, struct slice, table.row_count * table.column_count);
    CHECK(table.cells != NULL);
    fill_cells(&table, rows, arena);
    put_heading(out, &table);
    for (size_t row = 0; row < table.row_count; row++) {
        for (size_t column = 0; column < table.column_count; column++)
            put_padded(out, table.cells[row * table.column_count + column],
                       table.width[column], column + 1 == table.column_count);
    }
    if (table.row_count < count)
        buf_putf(out, "%zu of %zu; --json prints all\n", table.row_count,
                 count);
    arena_free(&arena);
}

/* --- replies --- */

static void
put_named(struct buf *out, const char *name, const char *text)
{
    buf_put_text(out, name);
    put_tame(out, text);
    buf_put_char(out, '\n');
}

static void
put_pick(struct buf *out, const Ss__Pick *pick)
{
    put_named(out, "", pick->id);
    if (pick->has_score) {
        buf_put_text(out, "  score  ");
        buf_put_fixed(out, pick->score, 1);
        if (pick->interval != NULL) {
            buf_put_text(out, " (");
            put_interval(out, pick->interval);
            buf_put_char(out, ')');
        }
        buf_put_char(out, '\n');
    }
    if (pick->pricing != NULL) {
        buf_put_text(out, "  price  ");
        put_pricing(out, pick->pricing);
        buf_put_text(out, " per 1M tokens in / out\n");
    }
    if (pick->reason != NULL)
        put_named(out, "  why    ", pick->reason);
    if (pick->note != NULL)
        put_named(out, "  note   ", pick->note);
}

static bool
is_table(const ProtobufCFieldDescriptor *field)
{
    return field->type == PROTOBUF_C_TYPE_MESSAGE &&
           field->label == PROTOBUF_C_LABEL_REPEATED &&
           !fields_is_entry(field->descriptor);
}

static void
put_line(struct buf *out, const ProtobufCMessage *message,
         const ProtobufCFieldDescriptor *field)
{
    char name[NAMES_MAX];
    buf_put_slice(out, names_field(field->name, name));
    buf_put_text(out, ": ");
    put_field(out, message, field);
    buf_put_char(out, '\n');
}

/* `data` is the answer itself: its fields stand for the reply's. */
static void
put_lines(struct buf *out, const ProtobufCMessage *message,
          const char *category)
{
    for (unsigned i = 0; i < message->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &message->descriptor->fields[i];
        bool list = field->label == PROTOBUF_C_LABEL_REPEATED;
        if (strcmp(field->name, "meta") == 0 ||
            (!list && !fields_is_set(message, field)) ||
            (list && !is_table(field) && fields_count(message, field) == 0))
            continue;
        if (is_table(field))
            put_table(
                out,
                *(ProtobufCMessage *const *const *)fields_at(message, field),
                fields_count(message, field), category);
        else
            put_line(out, message, field);
    }
}

/* The answer itself: what `data` holds when it is a message. */
static const ProtobufCMessage *
answer_of(const ProtobufCMessage *reply)
{
    const ProtobufCFieldDescriptor *data =
        protobuf_c_message_descriptor_get_field_by_name(reply->descriptor,
                                                        "data");
    if (data != NULL && data->type == PROTOBUF_C_TYPE_MESSAGE &&
        data->label != PROTOBUF_C_LABEL_REPEATED && fields_is_set(reply, data))
        return *(ProtobufCMessage *const *)fields_at(reply, data);
    return reply;
}

/* "50 of 312" under a list that is not the whole catalog. */
static void
put_part(struct buf *out, const ProtobufCMessage *reply)
{
    if (reply->descriptor != &ss__models_reply__descriptor)
        return;
    const Ss__Meta *meta = ((const Ss__ModelsReply *)reply)->meta;
    if (meta != NULL && meta->has_returned && meta->has_filtered)
        buf_putf(out, "%u of %u\n", meta->returned, meta->filtered);
}

void
cli_print_reply(const ProtobufCMessage *reply, const char *category,
                struct buf *out)
{
    const ProtobufCMessage *answer = answer_of(reply);
    if (answer->descriptor == &ss__pick__descriptor)
        put_pick(out, (const Ss__Pick *)answer);
    else
        put_lines(out, answer, category);
    put_part(out, reply);
}

bool
cli_print_is_nothing(const ProtobufCMessage *reply)
{
    const ProtobufCMessage *answer = answer_of(reply);
    const ProtobufCFieldDescriptor *first = &answer->descriptor->fields[0];
    return answer->descriptor->n_fields > 0 && is_table(first) &&
           fields_count(answer, first) == 0;
}
