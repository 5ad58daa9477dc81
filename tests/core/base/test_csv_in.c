/* CSV in: rows, quoting, limits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/base/buf.h"
#include "core/base/check.h"
#include "core/base/csv_in.h"

#include <stdlib.h>

/* Writes rows as "number:a|b;" into a buffer. */
static enum status
print_row(void *context, size_t row_number, const struct slice *columns,
          size_t count)
{
    struct buf *out = context;
    buf_put_u64(out, row_number);
    buf_put_char(out, ':');
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            buf_put_char(out, '|');
        buf_put_slice(out, columns[i]);
    }
    buf_put_char(out, ';');
    return STATUS_OK;
}

static void
assert_rows(const char *csv, const char *expected)
{
    struct buf out;
    buf_init(&out, 10000);
    assert_int_equal(csv_read(slice_of(csv), print_row, &out), STATUS_OK);
    assert_string_equal(buf_text(&out), expected);
    buf_fini(&out);
}

static void
rows_come_with_their_columns(void **state)
{
    (void)state;
    assert_rows("a,b\n1,2\n", "0:a|b;1:1|2;");
    assert_rows("a,b\r\n1,2", "0:a|b;1:1|2;");
    assert_rows("", "");
    assert_rows("a", "0:a;");
}

static void
a_last_row_that_was_cut_off_is_an_error(void **state)
{
    struct buf out;
    (void)state;
    buf_init(&out, 10000);
    assert_int_equal(csv_read(SLICE("a,b\n1,2\n3"), print_row, &out),
                     STATUS_DATA_LOSS);
    buf_fini(&out);
    /* With a line end it is a short row, which whoever reads it judges. */
    assert_rows("a,b\n1,2\n3\n", "0:a|b;1:1|2;2:3;");
}

static void
quoting_is_undone(void **state)
{
    (void)state;
    assert_rows("\"a,b\",\"say \"\"hi\"\"\"\n\"two\nlines\",x\n",
                "0:a,b|say \"hi\";1:two\nlines|x;");
    assert_rows("\"\",\n", "0:|;");
}

static void
white_space_belongs_to_the_field(void **state)
{
    (void)state;
    assert_rows(" a , b\t\n", "0: a | b\t;");
    assert_rows("\" a \",b\n", "0: a |b;");
}

static void
a_byte_order_mark_and_empty_lines_are_stepped_over(void **state)
{
    (void)state;
    assert_rows("\xef\xbb\xbf"
                "a,b\n\n1,2\n",
                "0:a|b;1:1|2;");
    assert_rows(",,\n", "0:||;");
}

static void
broken_quoting_is_refused(void **state)
{
    (void)state;
    static const char *const rows[] = {"\"a", "a,\"b", "\"a\"b,c\n", "a\"b\n",
                                       "\"a\" ,b\n"};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct buf out;
        buf_init(&out, 1000);
        assert_int_equal(csv_read(slice_of(rows[i]), print_row, &out),
                         STATUS_INVALID_ARGUMENT);
        buf_fini(&out);
    }
}

/* `count` times c behind head. */
static enum status
read_many(const char *head, char c, size_t count, const char *tail)
{
    struct buf csv;
    struct buf out;
    buf_init(&csv, 1 << 22);
    buf_init(&out, 1 << 22);
    buf_put_text(&csv, head);
    for (size_t i = 0; i < count; i++)
        buf_put_char(&csv, c);
    buf_put_text(&csv, tail);
    enum status status = csv_read(buf_slice(&csv), print_row, &out);
    buf_fini(&out);
    buf_fini(&csv);
    return status;
}

static void
columns_and_fields_are_limited_exactly(void **state)
{
    (void)state;
    assert_int_equal(read_many("", ',', CSV_COLUMNS_MAX - 1, "\n"), STATUS_OK);
    assert_int_equal(read_many("", ',', CSV_COLUMNS_MAX, "\n"),
                     STATUS_RESOURCE_EXHAUSTED);
    assert_int_equal(read_many("", 'x', CSV_FIELD_MAX, "\n"), STATUS_OK);
    assert_int_equal(read_many("", 'x', CSV_FIELD_MAX + 1, "\n"),
                     STATUS_RESOURCE_EXHAUSTED);
    assert_int_equal(read_many("\"", 'x', 1 << 21, ""),
                     STATUS_RESOURCE_EXHAUSTED);
}

static enum status
stop_at_second(void *context, size_t row_number, const struct slice *columns,
               size_t count)
{
    (void)columns;
    (void)count;
    ++*(size_t *)context;
    return row_number == 1 ? STATUS_CANCELLED : STATUS_OK;
}

static void
the_row_function_can_stop_the_reading(void **state)
{
    (void)state;
    size_t calls = 0;
    assert_int_equal(
        csv_read(SLICE("a\nb\nc\n\"broken"), stop_at_second, &calls),
        STATUS_CANCELLED);
    assert_int_equal(calls, 2);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_come_with_their_columns),
        cmocka_unit_test(a_last_row_that_was_cut_off_is_an_error),
        cmocka_unit_test(quoting_is_undone),
        cmocka_unit_test(white_space_belongs_to_the_field),
        cmocka_unit_test(a_byte_order_mark_and_empty_lines_are_stepped_over),
        cmocka_unit_test(broken_quoting_is_refused),
        cmocka_unit_test(columns_and_fields_are_limited_exactly),
        cmocka_unit_test(the_row_function_can_stop_the_reading),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
