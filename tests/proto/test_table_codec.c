/* The score table as bytes: whole, delta, and what is not the writer's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/base/check.h"
#include "proto/message_codec.h"
#include "proto/table_codec.h"
#include "tests/core/types/catalog_of_three.h"

#include "snapshot.pb-c.h"

static struct score
score_of(double mean)
{
    return (struct score){.present = true,
                          .mean = mean,
                          .low = mean - 5.5,
                          .high = mean + 5.5,
                          .confidence = 0.8,
                          .benchmark = mean,
                          .community = NAN,
                          .personal = NAN,
                          .benchmark_share = 1,
                          .sources = 2};
}

static void
put(struct score_table *table, const char *tenant, uint32_t model, double mean)
{
    struct personal_score cell = {.tenant = slice_of(tenant),
                                  .model = model,
                                  .category = CATEGORY_CODING,
                                  .score = score_of(mean)};
    cell.score.personal = 0.75;
    assert_int_equal(score_table_set_personal(table, &cell), STATUS_OK);
}

static struct score_table *
table_of_three(void)
{
    struct score_table *table = NULL;
    assert_int_equal(score_table_new(catalog_of_three(), 20656, &table),
                     STATUS_OK);
    table->made_at = 1784715072123;
    struct score first = score_of(70.125);
    struct score second = score_of(60);
    score_table_set_base(table, 0, CATEGORY_GENERAL, &first);
    score_table_set_base(table, 1, CATEGORY_CODING, &second);
    score_table_set_base(table, 0, CATEGORY_CODING, &second);
    put(table, "acme", 1, 80);
    put(table, "default", 0, 90);
    return table;
}

static struct score_table *
copy_of(const struct score_table *table)
{
    struct buf bytes;
    struct score_table *copy = NULL;
    buf_init(&bytes, 1 << 20);
    assert_int_equal(table_encode(table, &bytes), STATUS_OK);
    assert_int_equal(table_decode(buf_slice(&bytes), &copy), STATUS_OK);
    buf_fini(&bytes);
    return copy;
}

static void
a_table_comes_back_as_it_was(void **state)
{
    (void)state;
    struct score_table *before = table_of_three();
    struct score_table *after = copy_of(before);
    assert_true(after->version == before->version);
    assert_true(score_table_hash(after) == before->version);
    assert_int_equal(after->day, 20656);
    assert_true(after->made_at == before->made_at);
    assert_int_equal(after->personal_count, 2);
    const struct score *score =
        score_table_score(after, SLICE("acme"), 1, CATEGORY_CODING);
    assert_true(score->mean == 80 && score->low == 74.5);
    assert_true(score->personal == 0.75 && isnan(score->community));
    assert_int_equal(score->sources, 2);
    assert_false(
        score_table_score(after, SLICE("acme"), 2, CATEGORY_CODING)->present);
    score_table_free(&before);
    score_table_free(&after);
}

static enum status
send_delta(const struct score_table *from, const struct table_change *changes,
           size_t count, struct score_table *to)
{
    struct buf bytes;
    buf_init(&bytes, 1 << 20);
    assert_int_equal(table_delta_encode(from, changes, count, &bytes),
                     STATUS_OK);
    enum status status = table_delta_apply(to, buf_slice(&bytes));
    buf_fini(&bytes);
    return status;
}

static void
a_delta_makes_the_follower_equal(void **state)
{
    (void)state;
    struct score_table *publisher = table_of_three();
    struct score_table *follower = copy_of(publisher);
    struct score moved = score_of(71);
    struct score none = {.present = false};
    struct personal_score gone = {
        .tenant = SLICE("default"), .model = 0, .category = CATEGORY_CODING};
    score_table_set_base(publisher, 0, CATEGORY_GENERAL, &moved);
    score_table_set_base(publisher, 1, CATEGORY_CODING, &none);
    assert_int_equal(score_table_set_personal(publisher, &gone), STATUS_OK);
    put(publisher, "acme", 1, 81);
    put(publisher, "new", 2, 10);
    publisher->day++;
    publisher->made_at++;
    const struct table_change changes[] = {
        {SLICE("new"), 2, CATEGORY_CODING},
        {SLICE(""), 0, CATEGORY_GENERAL},
        {SLICE(""), 1, CATEGORY_CODING},
        {SLICE("acme"), 1, CATEGORY_CODING},
        {SLICE("acme"), 1, CATEGORY_CODING}, /* a repeat */
        {SLICE("default"), 0, CATEGORY_CODING},
        {SLICE("nobody"), 0, CATEGORY_CODING}, /* was never there */
    };
    assert_int_equal(
        send_delta(publisher, changes, ARRAY_LEN(changes), follower),
        STATUS_OK);
    assert_true(follower->version == publisher->version);
    assert_true(score_table_hash(follower) == publisher->version);
    assert_int_equal(follower->day, publisher->day);
    assert_true(follower->made_at == publisher->made_at);
    assert_int_equal(follower->personal_count, 2);
    assert_true(
        score_table_score(follower, SLICE("new"), 2, CATEGORY_CODING)->mean ==
        10);
    score_table_free(&publisher);
    score_table_free(&follower);
}

static void
a_delta_that_misses_something_is_data_loss(void **state)
{
    (void)state;
    struct score_table *publisher = table_of_three();
    struct score_table *follower = copy_of(publisher);
    put(publisher, "acme", 1, 81); /* this one is lost */
    put(publisher, "acme", 2, 82);
    const struct table_change change = {SLICE("acme"), 2, CATEGORY_CODING};
    assert_int_equal(send_delta(publisher, &change, 1, follower),
                     STATUS_DATA_LOSS);
    score_table_free(&follower);
    follower = copy_of(publisher); /* the whole heals */
    assert_true(follower->version == publisher->version);
    score_table_free(&publisher);
    score_table_free(&follower);
}

static void
scores_that_cannot_be_do_not_leave(void **state)
{
    (void)state;
    struct score_table *table = table_of_three();
    struct score bad[4];
    for (size_t i = 0; i < 4; i++)
        bad[i] = score_of(50);
    bad[0].mean = NAN;
    bad[1].high = INFINITY;
    bad[2].community = -INFINITY;
    bad[3].personal_share = NAN;
    struct buf bytes;
    buf_init(&bytes, 1 << 20);
    const struct table_change change = {SLICE(""), 2, CATEGORY_VISION};
    for (size_t i = 0; i < 4; i++) {
        score_table_set_base(table, 2, CATEGORY_VISION, &bad[i]);
        assert_int_equal(table_encode(table, &bytes), STATUS_INVALID_ARGUMENT);
        assert_int_equal(table_delta_encode(table, &change, 1, &bytes),
                         STATUS_INVALID_ARGUMENT);
    }
    const struct table_change outside[] = {
        {SLICE(""), 3, CATEGORY_VISION},
        {SLICE(""), 0, CATEGORY_COUNT},
    };
    for (size_t i = 0; i < ARRAY_LEN(outside); i++)
        assert_int_equal(table_delta_encode(table, &outside[i], 1, &bytes),
                         STATUS_INVALID_ARGUMENT);
    buf_fini(&bytes);
    score_table_free(&table);
}

/* A delta of two cells to spoil. */
struct spoiled {
    Ss__TableSnapshot message;
    Ss__TableCell cells[2];
    Ss__TableCell *list[2];
};

static void
spoiled_init(struct spoiled *it, const struct score_table *table,
             char texts[4][32])
{
    ss__table_snapshot__init(&it->message);
    it->message.day = 20656;
    it->message.version = table->version;
    it->message.cells = it->list;
    it->message.n_cells = 2;
    for (int i = 0; i < 2; i++) {
        ss__table_cell__init(&it->cells[i]);
        it->list[i] = &it->cells[i];
        it->cells[i].model = texts[0];
        it->cells[i].category = texts[1];
    }
    it->cells[1].tenant = texts[2];
}

static enum status
spoiled_apply(struct spoiled *it, struct score_table *table)
{
    struct buf bytes;
    buf_init(&bytes, 1 << 20);
    assert_int_equal(message_pack(&it->message.base, &bytes), STATUS_OK);
    enum status status = table_delta_apply(table, buf_slice(&bytes));
    struct score_table *whole = NULL;
    assert_int_equal(table_decode(buf_slice(&bytes), &whole),
                     STATUS_INVALID_ARGUMENT); /* no catalog in it */
    buf_fini(&bytes);
    return status;
}

#define REFUSED_AFTER(change)                                                  \
    do {                                                                       \
        char texts[4][32] = {"openai/gpt-5", "coding", "acme", "odd"};         \
        struct spoiled it;                                                     \
        spoiled_init(&it, table, texts);                                       \
        change;                                                                \
        assert_int_equal(spoiled_apply(&it, table), STATUS_INVALID_ARGUMENT);  \
        assert_true(score_table_hash(table) == before);                        \
        assert_true(table->version == before);                                 \
    } while (0)

static void
a_delta_with_one_bad_cell_changes_nothing(void **state)
{
    (void)state;
    struct score_table *table = table_of_three();
    uint64_t before = table->version;
    REFUSED_AFTER(it.cells[1].has_mean = true); /* and nothing else */
    REFUSED_AFTER(it.cells[1].model = texts[3]);
    REFUSED_AFTER(it.cells[1].category = texts[3]);
    REFUSED_AFTER(texts[2][0] = '\0');
    REFUSED_AFTER(texts[2][0] = '\xff');
    score_table_free(&table);
}

/* The cells above, unspoiled, do change the table. */
static void
a_delta_of_another_table_is_data_loss(void **state)
{
    (void)state;
    struct score_table *table = table_of_three();
    uint64_t before = table->version;
    char texts[4][32] = {"openai/gpt-5", "coding", "acme", "odd"};
    struct spoiled it;
    spoiled_init(&it, table, texts);
    assert_int_equal(spoiled_apply(&it, table), STATUS_DATA_LOSS);
    assert_true(table->version != before);
    assert_true(score_table_hash(table) == table->version);
    score_table_free(&table);
}

static void
a_whole_is_no_delta(void **state)
{
    (void)state;
    struct score_table *table = table_of_three();
    struct buf bytes;
    buf_init(&bytes, 1 << 20);
    assert_int_equal(table_encode(table, &bytes), STATUS_OK);
    assert_int_equal(table_delta_apply(table, buf_slice(&bytes)),
                     STATUS_INVALID_ARGUMENT);
    buf_fini(&bytes);
    score_table_free(&table);
}

static void
cut_and_flipped_bytes_never_give_another_table(void **state)
{
    (void)state;
    struct score_table *before = table_of_three();
    struct buf bytes;
    buf_init(&bytes, 1 << 20);
    assert_int_equal(table_encode(before, &bytes), STATUS_OK);
    for (size_t bit = 0; bit < bytes.len * 8; bit++) {
        struct score_table *after = NULL;
        char flip = (char)(1 << bit % 8);
        bytes.data[bit / 8] = (char)(bytes.data[bit / 8] ^ flip);
        if (table_decode(buf_slice(&bytes), &after) == STATUS_OK)
            assert_true(score_table_hash(after) == after->version);
        score_table_free(&after);
        struct slice cut = slice_cut(buf_slice(&bytes), 0, bit / 8);
        if (table_decode(cut, &after) == STATUS_OK)
            assert_true(score_table_hash(after) == after->version);
        score_table_free(&after);
        bytes.data[bit / 8] = (char)(bytes.data[bit / 8] ^ flip);
    }
    buf_fini(&bytes);
    score_table_free(&before);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_table_comes_back_as_it_was),
        cmocka_unit_test(a_delta_makes_the_follower_equal),
        cmocka_unit_test(a_delta_that_misses_something_is_data_loss),
        cmocka_unit_test(scores_that_cannot_be_do_not_leave),
        cmocka_unit_test(a_delta_with_one_bad_cell_changes_nothing),
        cmocka_unit_test(a_delta_of_another_table_is_data_loss),
        cmocka_unit_test(a_whole_is_no_delta),
        cmocka_unit_test(cut_and_flipped_bytes_never_give_another_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
