/* The score table and its message.
 *
 * A whole is its catalog and the cells that are present. A delta is a list of
 * cells as they are now: one that is not present is sent without a mean (a
 * base cell) or as removed (a personal one). */
#include "proto/table_codec.h"

#include "core/base/text.h"
#include "proto/catalog_codec.h"
#include "proto/message_codec.h"

#include <math.h>

/* Of the message while it is built or read. */
#define MESSAGE_BYTES_MAX ((size_t)2 << 30)

/* --- out ----------------------------------------------------------------- */

/* A list of cells on its way out. */
struct writer {
    const struct score_table *table;
    struct arena *arena;
    char *categories[CATEGORY_COUNT]; /* their names, not const */
    Ss__TableCell **cells;
    size_t count;
};

/* The numbers that a score cannot be without. */
static bool
is_whole(const struct score *score)
{
    return isfinite(score->mean) && isfinite(score->low) &&
           isfinite(score->high) && isfinite(score->confidence) &&
           isfinite(score->benchmark_share) &&
           isfinite(score->community_share) && isfinite(score->personal_share);
}

/* Those that it can: NaN says that there is no such evidence. */
static bool
is_part(double value)
{
    return isnan(value) || isfinite(value);
}

static bool
score_is_valid(const struct score *score)
{
    return !score->present ||
           (is_whole(score) && is_part(score->benchmark) &&
            is_part(score->community) && is_part(score->personal));
}

#define NUMBER_OUT(out, score, field)                                          \
    (out)->has_##field = !isnan((score)->field);                               \
    (out)->field = (out)->has_##field ? (score)->field : 0

static void
score_to_message(const struct score *score, Ss__TableCell *out)
{
    NUMBER_OUT(out, score, mean);
    NUMBER_OUT(out, score, low);
    NUMBER_OUT(out, score, high);
    NUMBER_OUT(out, score, confidence);
    NUMBER_OUT(out, score, benchmark);
    NUMBER_OUT(out, score, community);
    NUMBER_OUT(out, score, personal);
    NUMBER_OUT(out, score, benchmark_share);
    NUMBER_OUT(out, score, community_share);
    NUMBER_OUT(out, score, personal_share);
    out->has_sources = true;
    out->sources = score->sources;
}

static enum status
writer_init(struct writer *writer, const struct score_table *table,
            struct arena *arena, size_t cells)
{
    *writer = (struct writer){.table = table, .arena = arena};
    for (unsigned i = 0; i < CATEGORY_COUNT; i++)
        writer->categories[i] =
            arena_text(arena, slice_of(category_name((enum category)i)));
    writer->cells = ARENA_ARRAY(arena, Ss__TableCell *, cells);
    return arena_ok(arena) ? STATUS_OK : STATUS_RESOURCE_EXHAUSTED;
}

/* Append a cell; the tenant is empty for a base cell. */
static enum status
writer_put(struct writer *writer, const struct table_change *key,
           const struct score *score)
{
    if (!score_is_valid(score))
        return STATUS_INVALID_ARGUMENT;
    Ss__TableCell *cell = ARENA_NEW(writer->arena, Ss__TableCell);
    if (cell == NULL)
        return STATUS_RESOURCE_EXHAUSTED;
    ss__table_cell__init(cell);
    cell->model = arena_text(writer->arena,
                             writer->table->catalog->models[key->model].id);
    cell->category = writer->categories[key->category];
    if (key->tenant.len > 0)
        cell->tenant = arena_text(writer->arena, key->tenant);
    if (score->present)
        score_to_message(score, cell);
    cell->has_removed = cell->removed = !score->present && key->tenant.len > 0;
    writer->cells[writer->count++] = cell;
    return arena_ok(writer->arena) ? STATUS_OK : STATUS_RESOURCE_EXHAUSTED;
}

static enum status
put_base(struct writer *writer)
{
    const struct score_table *table = writer->table;
    for (size_t i = 0; i < table->catalog->count * CATEGORY_COUNT; i++) {
        struct table_change key = {.model = (uint32_t)(i / CATEGORY_COUNT),
                                   .category =
                                       (enum category)(i % CATEGORY_COUNT)};
        if (!table->base[i].present)
            continue;
        enum status status = writer_put(writer, &key, &table->base[i]);
        if (status != STATUS_OK)
            return status;
    }
    return STATUS_OK;
}

static enum status
put_personal(struct writer *writer)
{
    const struct score_table *table = writer->table;
    for (size_t i = 0; i < table->personal_count; i++) {
        const struct personal_score *cell = &table->personal[i];
        struct table_change key = {.tenant = cell->tenant,
                                   .model = cell->model,
                                   .category = cell->category};
        enum status status = writer_put(writer, &key, &cell->score);
        if (status != STATUS_OK)
            return status;
    }
    return STATUS_OK;
}

/* The personal cell of the key itself, not the base cell that stands in. */
static const struct score *
own_score(const struct score_table *table, const struct table_change *key)
{
    static const struct score none = {.present = false};
    const struct score *base =
        &table->base[(size_t)key->model * CATEGORY_COUNT + key->category];
    if (key->tenant.len == 0)
        return base;
    const struct score *score =
        score_table_score(table, key->tenant, key->model, key->category);
    return score == base ? &none : score;
}

static enum status
put_changes(struct writer *writer, const struct table_change *changes,
            size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (changes[i].model >= writer->table->catalog->count ||
            (size_t)changes[i].category >= CATEGORY_COUNT ||
            changes[i].tenant.len > TENANT_MAX)
            return STATUS_INVALID_ARGUMENT;
        enum status status = writer_put(writer, &changes[i],
                                        own_score(writer->table, &changes[i]));
        if (status != STATUS_OK)
            return status;
    }
    return STATUS_OK;
}

static enum status
pack(const struct writer *writer, Ss__CatalogSnapshot *catalog, struct buf *out)
{
    Ss__TableSnapshot message;
    ss__table_snapshot__init(&message);
    message.day = writer->table->day;
    message.made_at_ms = writer->table->made_at;
    message.version = writer->table->version;
    message.catalog = catalog;
    message.cells = writer->cells;
    message.n_cells = writer->count;
    return message_pack(&message.base, out);
}

enum status
table_encode(const struct score_table *table, struct buf *out)
{
    struct arena *arena = arena_new(MESSAGE_BYTES_MAX);
    if (arena == NULL)
        return STATUS_RESOURCE_EXHAUSTED;
    struct writer writer;
    Ss__CatalogSnapshot *catalog = NULL;
    size_t cells =
        table->catalog->count * CATEGORY_COUNT + table->personal_count;
    enum status status = writer_init(&writer, table, arena, cells);
    if (status == STATUS_OK)
        status = catalog_to_message(table->catalog, arena, &catalog);
    if (status == STATUS_OK)
        status = put_base(&writer);
    if (status == STATUS_OK)
        status = put_personal(&writer);
    if (status == STATUS_OK)
        status = pack(&writer, catalog, out);
    arena_free(&arena);
    return status;
}

enum status
table_delta_encode(const struct score_table *table,
                   const struct table_change *changes, size_t count,
                   struct buf *out)
{
    struct arena *arena = arena_new(MESSAGE_BYTES_MAX);
    if (arena == NULL)
        return STATUS_RESOURCE_EXHAUSTED;
    struct writer writer;
    enum status status = writer_init(&writer, table, arena, count);
    if (status == STATUS_OK)
        status = put_changes(&writer, changes, count);
    if (status == STATUS_OK)
        status = pack(&writer, NULL, out);
    arena_free(&arena);
    return status;
}

/* --- in ------------------------------------------------------------------ */

#define NUMBER_IN(in, field) ((in)->has_##field ? (in)->field : NAN)

/* False for a number that no score has. */
static bool
read_score(const Ss__TableCell *in, struct score *ret_score)
{
    *ret_score = (struct score){.present = in->has_mean && !in->removed};
    if (!ret_score->present)
        return true;
    ret_score->mean = in->mean;
    ret_score->low = NUMBER_IN(in, low);
    ret_score->high = NUMBER_IN(in, high);
    ret_score->confidence = NUMBER_IN(in, confidence);
    ret_score->benchmark = NUMBER_IN(in, benchmark);
    ret_score->community = NUMBER_IN(in, community);
    ret_score->personal = NUMBER_IN(in, personal);
    ret_score->benchmark_share = NUMBER_IN(in, benchmark_share);
    ret_score->community_share = NUMBER_IN(in, community_share);
    ret_score->personal_share = NUMBER_IN(in, personal_share);
    ret_score->sources = in->sources;
    return score_is_valid(ret_score);
}

static bool
read_cell(const struct score_table *table, const Ss__TableCell *in,
          struct personal_score *ret_cell)
{
    const struct model *model =
        catalog_find(table->catalog, slice_of(in->model));
    struct personal_score cell = {.tenant = slice_of(in->tenant)};
    if (model == NULL || (in->tenant != NULL && cell.tenant.len == 0) ||
        cell.tenant.len > TENANT_MAX ||
        !category_find(slice_of(in->category), &cell.category) ||
        !read_score(in, &cell.score))
        return false;
    cell.model = (uint32_t)(model - table->catalog->models);
    *ret_cell = cell;
    return true;
}

static enum status
put_cell(struct score_table *table, const struct personal_score *cell)
{
    if (cell->tenant.len > 0)
        return score_table_set_personal(table, cell);
    score_table_set_base(table, cell->model, cell->category, &cell->score);
    return STATUS_OK;
}

/* Put all cells; none when one of them is refused. */
static enum status
put_cells(struct score_table *table, const Ss__TableSnapshot *message)
{
    struct personal_score cell;
    for (size_t i = 0; i < message->n_cells; i++) {
        if (!read_cell(table, message->cells[i], &cell))
            return STATUS_INVALID_ARGUMENT;
    }
    for (size_t i = 0; i < message->n_cells; i++) {
        CHECK(read_cell(table, message->cells[i], &cell));
        enum status status = put_cell(table, &cell);
        if (status != STATUS_OK)
            return status;
    }
    table->day = message->day;
    table->made_at = message->made_at_ms;
    return table->version == message->version ? STATUS_OK : STATUS_DATA_LOSS;
}

/* Cells of a whole come in the table's own order, so that each is appended
 * and a key cannot come twice. */
static bool
is_ascending(const struct score_table *table, const Ss__TableSnapshot *message)
{
    struct personal_score previous = {0};
    for (size_t i = 0; i < message->n_cells; i++) {
        struct personal_score cell;
        if (!read_cell(table, message->cells[i], &cell) || !cell.score.present)
            return false;
        bool base = cell.tenant.len == 0;
        uint64_t place = (uint64_t)cell.model * CATEGORY_COUNT + cell.category;
        uint64_t before =
            (uint64_t)previous.model * CATEGORY_COUNT + previous.category;
        bool after = base ? previous.tenant.len == 0 && place > before
                          : personal_score_cmp(&previous, &cell) < 0;
        if (i > 0 && !after)
            return false;
        previous = cell;
    }
    return true;
}

static enum status
from_message(const Ss__TableSnapshot *message, struct score_table **ret_table)
{
    if (message->catalog == NULL)
        return STATUS_INVALID_ARGUMENT;
    struct catalog *catalog = NULL;
    enum status status = catalog_from_message(message->catalog, &catalog);
    if (status != STATUS_OK)
        return status;
    struct score_table *table = NULL;
    status = score_table_new(catalog, message->day, &table);
    if (status != STATUS_OK) {
        catalog_free(&catalog);
        return status;
    }
    status = is_ascending(table, message) ? put_cells(table, message)
                                          : STATUS_INVALID_ARGUMENT;
    if (status == STATUS_OK)
        *ret_table = table;
    else
        score_table_free(&table);
    return status;
}

static enum status
unpack(struct slice bytes, struct arena *arena,
       const Ss__TableSnapshot **ret_message)
{
    ProtobufCMessage *message = NULL;
    enum status status =
        message_unpack(&ss__table_snapshot__descriptor, bytes, arena, &message);
    if (status == STATUS_OK)
        *ret_message = (const Ss__TableSnapshot *)message;
    return status;
}

enum status
table_decode(struct slice bytes, struct score_table **ret_table)
{
    struct arena *arena = arena_new(MESSAGE_BYTES_MAX);
    if (arena == NULL)
        return STATUS_RESOURCE_EXHAUSTED;
    const Ss__TableSnapshot *message = NULL;
    enum status status = unpack(bytes, arena, &message);
    if (status == STATUS_OK)
        status = from_message(message, ret_table);
    arena_free(&arena);
    return status;
}

enum status
table_delta_apply(struct score_table *table, struct slice bytes)
{
    struct arena *arena = arena_new(MESSAGE_BYTES_MAX);
    if (arena == NULL)
        return STATUS_RESOURCE_EXHAUSTED;
    const Ss__TableSnapshot *message = NULL;
    enum status status = unpack(bytes, arena, &message);
    if (status == STATUS_OK)
        status = message->catalog == NULL ? put_cells(table, message)
                                          : STATUS_INVALID_ARGUMENT;
    arena_free(&arena);
    return status;
}
