/* The score table: look-ups, changes in place, and its version.
 *
 * The version is the catalog's plus the sum of the hashes of all cells that
 * are present, modulo 2^64. A sum does not care for order, so a change takes
 * the old cell's hash off and puts the new one's on. Cells are hashed with
 * the names of their model, category and tenant: indexes may differ between
 * two tables of equal content. */
#include "core/types/score_table.h"

#include "core/base/check.h"
#include "core/base/hash.h"

#define PERSONAL_FIRST ((size_t)64)

enum status
score_table_new(struct catalog *catalog, utc_day day,
                struct score_table **ret_table)
{
    struct arena *arena = arena_new(SCORE_TABLE_BYTES_MAX);
    if (arena == NULL)
        return STATUS_RESOURCE_EXHAUSTED;
    struct score_table *table = ARENA_NEW(arena, struct score_table);
    struct score *base =
        ARENA_ARRAY(arena, struct score, catalog->count * CATEGORY_COUNT);
    if (!arena_ok(arena)) {
        arena_free(&arena);
        return STATUS_RESOURCE_EXHAUSTED;
    }
    *table = (struct score_table){.arena = arena,
                                  .catalog = catalog,
                                  .base = base,
                                  .day = day,
                                  .version = catalog->version};
    *ret_table = table;
    return STATUS_OK;
}

static int
key_cmp(const struct personal_score *cell, struct slice tenant,
        enum category category, uint32_t model)
{
    int order = slice_cmp(cell->tenant, tenant);
    if (order != 0)
        return order;
    if (cell->category != category)
        return cell->category > category ? 1 : -1;
    return (cell->model > model) - (cell->model < model);
}

int
personal_score_cmp(const struct personal_score *a,
                   const struct personal_score *b)
{
    return key_cmp(a, b->tenant, b->category, b->model);
}

/* The first personal cell that is not before the key. */
static size_t
lower_bound(const struct score_table *table, struct slice tenant,
            enum category category, uint32_t model)
{
    size_t from = 0;
    size_t to = table->personal_count;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (key_cmp(&table->personal[middle], tenant, category, model) < 0)
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

static bool
is_cell(const struct score_table *table, size_t i, struct slice tenant,
        enum category category)
{
    return i < table->personal_count &&
           table->personal[i].category == category &&
           slice_eq(table->personal[i].tenant, tenant);
}

static struct score *
base_cell(const struct score_table *table, uint32_t model,
          enum category category)
{
    CHECK(model < table->catalog->count && (size_t)category < CATEGORY_COUNT);
    return &table->base[(size_t)model * CATEGORY_COUNT + category];
}

const struct score *
score_table_score(const struct score_table *table, struct slice tenant,
                  uint32_t model, enum category category)
{
    size_t i = lower_bound(table, tenant, category, model);
    if (is_cell(table, i, tenant, category) &&
        table->personal[i].model == model)
        return &table->personal[i].score;
    return base_cell(table, model, category);
}

const struct personal_score *
score_table_personal(const struct score_table *table, struct slice tenant,
                     enum category category, size_t *ret_count)
{
    size_t first = lower_bound(table, tenant, category, 0);
    size_t last = first;
    while (is_cell(table, last, tenant, category))
        last++;
    *ret_count = last - first;
    return last > first ? &table->personal[first] : NULL;
}

static uint64_t
score_hash(const struct score *score)
{
    const double parts[] = {
        score->mean,
        score->low,
        score->high,
        score->confidence,
        score->benchmark,
        score->community,
        score->personal,
        score->benchmark_share,
        score->community_share,
        score->personal_share,
    };
    uint64_t hash = score->sources;
    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        hash = hash_mix(hash, hash_of_double(parts[i]));
    return hash;
}

/* What a cell adds to the version; a base cell has the empty tenant. */
static uint64_t
cell_hash(const struct score_table *table, struct slice tenant, uint32_t model,
          enum category category, const struct score *score)
{
    if (!score->present)
        return 0;
    uint64_t hash = hash_mix(hash_slice(table->catalog->models[model].id),
                             hash_slice(slice_of(category_name(category))));
    return hash_mix(hash_mix(hash, hash_slice(tenant)), score_hash(score));
}

static uint64_t
personal_hash(const struct score_table *table,
              const struct personal_score *cell)
{
    return cell_hash(table, cell->tenant, cell->model, cell->category,
                     &cell->score);
}

uint64_t
score_table_hash(const struct score_table *table)
{
    uint64_t sum = table->catalog->version;
    for (uint32_t model = 0; model < table->catalog->count; model++) {
        for (int category = 0; category < CATEGORY_COUNT; category++)
            sum += cell_hash(table, SLICE(""), model, (enum category)category,
                             base_cell(table, model, (enum category)category));
    }
    for (size_t i = 0; i < table->personal_count; i++)
        sum += personal_hash(table, &table->personal[i]);
    return sum;
}

/* Open a gap at i, with a key whose tenant's text the table owns. */
static enum status
insert_at(struct score_table *table, size_t i, struct slice tenant)
{
    if (table->personal_count == SCORE_TABLE_PERSONAL_MAX)
        return STATUS_RESOURCE_EXHAUSTED;
    /* Neighbours of one tenant share its text. */
    struct slice owned = {0};
    if (i > 0 && slice_eq(table->personal[i - 1].tenant, tenant))
        owned = table->personal[i - 1].tenant;
    else if (i < table->personal_count &&
             slice_eq(table->personal[i].tenant, tenant))
        owned = table->personal[i].tenant;
    else
        owned = arena_slice(table->arena, tenant);
    if (table->personal_count == table->personal_capacity) {
        /* The old array stays in the arena until the table goes; all old ones
         * together are smaller than the new one. */
        size_t capacity = table->personal_capacity > 0
                              ? table->personal_capacity * 2
                              : PERSONAL_FIRST;
        struct personal_score *larger =
            ARENA_ARRAY(table->arena, struct personal_score, capacity);
        if (larger == NULL)
            return STATUS_RESOURCE_EXHAUSTED;
        if (table->personal_count > 0)
            memcpy(larger, table->personal,
                   table->personal_count * sizeof *larger);
        table->personal = larger;
        table->personal_capacity = capacity;
    }
    if (!arena_ok(table->arena))
        return STATUS_RESOURCE_EXHAUSTED;
    struct personal_score *gap = &table->personal[i];
    memmove(gap + 1, gap, (table->personal_count - i) * sizeof *gap);
    *gap = (struct personal_score){.tenant = owned};
    table->personal_count++;
    return STATUS_OK;
}

static void
remove_at(struct score_table *table, size_t i)
{
    struct personal_score *cell = &table->personal[i];
    table->personal_count--;
    memmove(cell, cell + 1, (table->personal_count - i) * sizeof *cell);
}

enum status
score_table_set_personal(struct score_table *table,
                         const struct personal_score *cell)
{
    if (cell->tenant.len == 0 || cell->tenant.len > TENANT_MAX ||
        cell->model >= table->catalog->count ||
        (size_t)cell->category >= CATEGORY_COUNT)
        return STATUS_INVALID_ARGUMENT;
    size_t i = lower_bound(table, cell->tenant, cell->category, cell->model);
    bool there = is_cell(table, i, cell->tenant, cell->category) &&
                 table->personal[i].model == cell->model;
    uint64_t before = there ? personal_hash(table, &table->personal[i]) : 0;
    uint64_t after = personal_hash(table, cell);
    if (!cell->score.present) {
        if (there)
            remove_at(table, i);
    } else {
        enum status status =
            there ? STATUS_OK : insert_at(table, i, cell->tenant);
        if (status != STATUS_OK)
            return status;
        struct slice tenant = table->personal[i].tenant;
        table->personal[i] = *cell;
        table->personal[i].tenant = tenant;
    }
    table->version += after - before;
    return STATUS_OK;
}

void
score_table_set_base(struct score_table *table, uint32_t model,
                     enum category category, const struct score *score)
{
    struct score *cell = base_cell(table, model, category);
    struct slice nobody = {0};
    table->version -= cell_hash(table, nobody, model, category, cell);
    table->version += cell_hash(table, nobody, model, category, score);
    *cell = *score;
}

void
score_table_free(struct score_table **table)
{
    if (*table == NULL)
        return;
    catalog_free(&(*table)->catalog);
    struct arena *arena = (*table)->arena; /* which holds the table */
    arena_free(&arena);
    *table = NULL;
}

uint64_t
score_table_snapshot_hash(const struct score_table *table)
{
    return hash_mix(table->version, catalog_snapshot_hash(table->catalog));
}
