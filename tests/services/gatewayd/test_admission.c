/* Who is admitted, by table: every combination there is has a row that says
 * so, and every row speaks for some combination. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/base/check.h"
#include "core/types/layers.h"
#include "services/gatewayd/admission.h"
#include "services/runtime/home.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TABLE_MAX (1 << 20)
#define ROWS_MAX 64
#define COLUMNS 9

enum column { CLASS, CARRIES, PAGE, REACH, KEYS, ON, VERDICT, WORD, WHY };

static const char *const classes[] = {"read", "private", "write", "spend",
                                      "exec"};
static const char *const carries[] = {"nothing", "live",      "revoked",
                                      "unknown", "unchecked", "machine",
                                      "own",     "not-own"};
static const char *const keys[] = {"none", "some", "unknown"};

_Static_assert(ARRAY_LEN(classes) == CALL_EXEC + 1, "a name for each class");
_Static_assert(ARRAY_LEN(carries) == ADMISSION_CARRIES_COUNT, "and key");
_Static_assert(ARRAY_LEN(keys) == ADMISSION_KEYS_COUNT, "and state of keys");

struct row {
    struct slice column[COLUMNS];
    unsigned used;
};

static struct {
    char *bytes;
    struct row rows[ROWS_MAX];
    size_t count;
} table;

static int
read_table(void **state)
{
    struct slice rest, line;
    size_t len;

    (void)state;
    CHECK(home_read_file(SS_SOURCE_DIR "/tests/tables/trust.tsv", TABLE_MAX,
                         &table.bytes, &len) == STATUS_OK);
    rest = slice_make(table.bytes, len);
    while (slice_split(&rest, '\n', &line)) {
        struct row *row = &table.rows[table.count];

        if (line.len == 0 || line.ptr[0] == '#')
            continue;
        CHECK(table.count++ < ROWS_MAX);
        for (size_t i = 0; i < COLUMNS; i++)
            CHECK(slice_split(&line, '\t', &row->column[i]));
    }
    return 0;
}

static int
free_table(void **state)
{
    (void)state;
    free(table.bytes);
    return 0;
}

static bool
is(struct slice column, const char *value)
{
    return slice_eq(column, SLICE("*")) || slice_eq(column, slice_of(value));
}

/* "write_open", "-spend": one thing that must be on, or off. */
static bool
is_on(struct slice column, const struct admission_case *c)
{
    bool wanted = !slice_starts(column, SLICE("-"));

    if (!wanted)
        column = slice_cut(column, 1, column.len);
    if (slice_eq(column, SLICE("write_open")))
        return c->write_open == wanted;
    if (slice_eq(column, SLICE("spend")))
        return c->spend_enabled == wanted;
    if (slice_eq(column, SLICE("exec")))
        return c->exec_enabled == wanted;
    assert_true(slice_eq(column, SLICE("*")));
    return true;
}

static struct row *
find_row(const struct admission_case *c)
{
    for (size_t i = 0; i < table.count; i++) {
        struct row *row = &table.rows[i];

        if (is(row->column[CLASS], classes[c->class]) &&
            is(row->column[CARRIES], carries[c->carries]) &&
            is(row->column[PAGE], c->is_foreign ? "foreign" : "own") &&
            is(row->column[REACH], c->is_beyond ? "beyond" : "loopback") &&
            is(row->column[KEYS], keys[c->keys]) && is_on(row->column[ON], c))
            return row;
    }
    return NULL;
}

static void
expect_verdict(const struct admission_case *c)
{
    const struct admission_refusal *refusal = admission_judge(c);
    struct row *row = find_row(c);
    char verdict[64], word[64];

    if (!row) {
        fail_msg("no row for %s %s foreign=%d beyond=%d keys=%s open=%d "
                 "spend=%d exec=%d",
                 classes[c->class], carries[c->carries], c->is_foreign,
                 c->is_beyond, keys[c->keys], c->write_open, c->spend_enabled,
                 c->exec_enabled);
        return;
    }
    row->used++;
    if (refusal)
        (void)snprintf(verdict, sizeof(verdict), "%u %s", refusal->status,
                       refusal->code);
    else
        (void)snprintf(verdict, sizeof(verdict), "%s",
                       admission_is_nobody(c)             ? "nobody"
                       : c->carries == ADMISSION_LIVE_KEY ? "tenant"
                                                          : TENANT_DEFAULT);
    if (!slice_eq(row->column[VERDICT], slice_of(verdict)))
        fail_msg("%s %s: got %s, expected %.*s: %.*s", classes[c->class],
                 carries[c->carries], verdict, SLICE_ARG(row->column[VERDICT]),
                 SLICE_ARG(row->column[WHY]));
    (void)snprintf(word, sizeof(word), "%.*s", SLICE_ARG(row->column[WORD]));
    if (refusal && !strstr(refusal->message, word))
        fail_msg("the message says nothing of %s: %s", word, refusal->message);
}

/* One of the combinations, from the digits of a number. */
static struct admission_case
combination(unsigned number, bool *ret_more)
{
    struct admission_case c = {0};

    c.class = (enum call_class)(number % ARRAY_LEN(classes));
    number /= ARRAY_LEN(classes);
    c.carries = (enum admission_carries)(number % ARRAY_LEN(carries));
    number /= ARRAY_LEN(carries);
    c.keys = (enum admission_keys)(number % ARRAY_LEN(keys));
    number /= ARRAY_LEN(keys);
    c.is_foreign = (number & 1u) != 0;
    c.is_beyond = (number & 2u) != 0;
    c.write_open = (number & 4u) != 0;
    c.spend_enabled = (number & 8u) != 0;
    c.exec_enabled = (number & 16u) != 0;
    *ret_more = number < 32;
    return c;
}

static void
every_combination_is_judged_as_the_table_says(void **state)
{
    unsigned number = 0;
    bool more;

    (void)state;
    for (;;) {
        struct admission_case c = combination(number, &more);

        if (!more)
            break;
        expect_verdict(&c);
        number++;
    }
    assert_int_equal(number, 5 * 8 * 3 * 32);
}

static void
every_row_speaks_for_some_combination(void **state)
{
    (void)state;
    for (size_t i = 0; i < table.count; i++)
        if (table.rows[i].used == 0)
            fail_msg("row %zu is never reached: %.*s %.*s", i + 1,
                     SLICE_ARG(table.rows[i].column[CLASS]),
                     SLICE_ARG(table.rows[i].column[CARRIES]));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_combination_is_judged_as_the_table_says),
        cmocka_unit_test(every_row_speaks_for_some_combination),
    };

    return cmocka_run_group_tests(tests, read_table, free_table);
}
