/* links: proto
 * options: -max_len=2048
 * Any bytes as a whole table, as a delta, and as changes of a table that are
 * sent on as a delta: whatever comes of it, the versions are true and the two
 * ends hold the same. The first byte says which way. */
#include "proto/catalog_codec.h"
#include "proto/message_codec.h"
#include "proto/table_codec.h"
#include "tests/core/types/catalog_of_three.h"
#include "tests/fuzz/fuzz.h"

#include "snapshot.pb-c.h"

#define ENCODED_MAX (1 << 26)
#define DAY 20656
#define CHANGES_MAX 8 /* of a delta */
#define DELTAS_MAX 2

static struct score_table *
table_of_three(void)
{
    struct score_table *table = NULL;
    CHECK(score_table_new(catalog_of_three(), DAY, &table) == STATUS_OK);
    return table;
}

/* Read back, it is the same table; sent again, the same bytes. */
static void
check_sent(const struct score_table *table)
{
    struct score_table *copy = NULL;
    struct buf once, twice;
    buf_init(&once, ENCODED_MAX);
    buf_init(&twice, ENCODED_MAX);
    CHECK(table_encode(table, &once) == STATUS_OK);
    CHECK(table_decode(buf_slice(&once), &copy) == STATUS_OK);
    CHECK(copy->version == table->version);
    CHECK(score_table_snapshot_hash(copy) == score_table_snapshot_hash(table));
    CHECK(table_encode(copy, &twice) == STATUS_OK);
    CHECK(slice_eq(buf_slice(&once), buf_slice(&twice)));
    buf_fini(&once);
    buf_fini(&twice);
    score_table_free(&copy);
}

static void
check_table(const struct score_table *table)
{
    CHECK(score_table_hash(table) == table->version);
    for (size_t i = 0; i < table->personal_count; i++) {
        const struct personal_score *cell = &table->personal[i];
        CHECK(cell->score.present && cell->model < table->catalog->count);
        CHECK(i == 0 || personal_score_cmp(cell - 1, cell) < 0);
        CHECK(score_table_score(table, cell->tenant, cell->model,
                                cell->category) == &cell->score);
    }
    /* What was skipped of a newer writer's catalog is missing in ours. */
    if (catalog_hash(table->catalog) == table->catalog->version)
        check_sent(table);
}

static void
try_whole(struct slice bytes)
{
    struct score_table *table = NULL;
    enum status status = table_decode(bytes, &table);
    CHECK((status == STATUS_OK) == (table != NULL));
    if (table != NULL)
        check_table(table);
    score_table_free(&table);
}

static void
try_delta(struct slice bytes)
{
    struct score_table *table = table_of_three();
    uint64_t before = table->version;
    enum status status = table_delta_apply(table, bytes);
    CHECK(score_table_hash(table) == table->version);
    if (status == STATUS_INVALID_ARGUMENT)
        CHECK(table->version == before && table->personal_count == 0 &&
              table->day == DAY);
    else
        check_table(table); /* another version is no reason to be unsound */
    score_table_free(&table);
}

/* The bytes as a whole over the catalog of three, with the version that fits:
 * what a publisher with these cells would have sent. */
static void
try_cells(struct slice bytes)
{
    static struct arena *kept;
    struct arena *arena = fuzz_arena(&kept, 64 << 20);
    struct score_table *table = table_of_three(), *copy = NULL;
    ProtobufCMessage *unpacked;
    struct buf whole;
    enum status status = table_delta_apply(table, bytes);
    if (status != STATUS_OK && status != STATUS_DATA_LOSS) {
        score_table_free(&table);
        return;
    }
    CHECK(message_unpack(&ss__table_snapshot__descriptor, bytes, arena,
                         &unpacked) == STATUS_OK);
    Ss__TableSnapshot *message = (Ss__TableSnapshot *)unpacked;
    message->version = table->version;
    CHECK(catalog_to_message(table->catalog, arena, &message->catalog) ==
          STATUS_OK);
    buf_init(&whole, ENCODED_MAX);
    CHECK(message_pack(&message->base, &whole) == STATUS_OK);
    /* Cells that do not ascend, or that remove, are no whole. */
    if (table_decode(buf_slice(&whole), &copy) == STATUS_OK) {
        CHECK(copy->version == table->version);
        check_table(copy);
    }
    buf_fini(&whole);
    score_table_free(&copy);
    score_table_free(&table);
}

static double
small_number(struct slice *rest)
{
    return (double)fuzz_number(rest, 1) / 4;
}

static struct score
read_score(struct slice *rest)
{
    struct score score = {.present = fuzz_choice(rest, 4) != 0};
    if (!score.present)
        return score;
    score.sources = (uint32_t)fuzz_number(rest, 1);
    score.mean = small_number(rest);
    score.low = score.mean / 2;
    score.high = score.mean + 1;
    score.confidence = score.benchmark = small_number(rest);
    score.community = fuzz_choice(rest, 2) != 0 ? 0.5 : NAN;
    score.personal = fuzz_choice(rest, 2) != 0 ? 0.25 : NAN;
    score.benchmark_share = 1;
    return score;
}

/* One changed cell, by key and content. */
static struct table_change
change_cell(struct score_table *table, struct slice *rest)
{
    static const char *const tenants[] = {"", "default", "team-a", "team-b"};
    struct table_change key = {
        .tenant = slice_of(tenants[fuzz_choice(rest, ARRAY_LEN(tenants))]),
        .model = (uint32_t)fuzz_choice(rest, table->catalog->count),
        .category = (enum category)fuzz_choice(rest, CATEGORY_COUNT)};
    struct score score = read_score(rest);
    struct personal_score cell = {.tenant = key.tenant,
                                  .model = key.model,
                                  .category = key.category,
                                  .score = score};
    if (key.tenant.len > 0)
        CHECK(score_table_set_personal(table, &cell) == STATUS_OK);
    else
        score_table_set_base(table, key.model, key.category, &score);
    return key;
}

/* A publisher changes cells step by step; a follower that gets the deltas
 * holds the same bytes. */
static void
try_changes(struct slice rest)
{
    struct score_table *publisher = table_of_three();
    struct score_table *follower = table_of_three();
    struct buf delta, ours, theirs;
    struct table_change changes[CHANGES_MAX];
    buf_init(&delta, ENCODED_MAX);
    buf_init(&ours, ENCODED_MAX);
    buf_init(&theirs, ENCODED_MAX);
    for (unsigned step = 0; step < DELTAS_MAX; step++) {
        size_t count = 0, wanted = fuzz_choice(&rest, CHANGES_MAX);
        while (rest.len > 0 && count < wanted)
            changes[count++] = change_cell(publisher, &rest);
        publisher->day++;
        buf_reset(&delta);
        CHECK(table_delta_encode(publisher, changes, count, &delta) ==
              STATUS_OK);
        CHECK(table_delta_apply(follower, buf_slice(&delta)) == STATUS_OK);
    }
    CHECK(follower->version == publisher->version);
    CHECK(score_table_hash(publisher) == publisher->version);
    CHECK(table_encode(publisher, &ours) == STATUS_OK);
    CHECK(table_encode(follower, &theirs) == STATUS_OK);
    CHECK(slice_eq(buf_slice(&ours), buf_slice(&theirs)));
    buf_fini(&delta);
    buf_fini(&ours);
    buf_fini(&theirs);
    score_table_free(&publisher);
    score_table_free(&follower);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const ways[])(struct slice bytes) = {try_whole, try_delta,
                                                       try_cells, try_changes};
    struct slice bytes = fuzz_slice(data, size);
    ways[fuzz_choice(&bytes, ARRAY_LEN(ways))](bytes);
    return 0;
}
