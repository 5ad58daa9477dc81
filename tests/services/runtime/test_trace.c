/* W3C trace context: what is continued, what starts anew. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "services/runtime/trace.h"

#include <stdbool.h>

#define ID "0af7651916cd43dd8448eb211c80319c"
#define SPAN "b7ad6b7169203331"

static bool
is_continued(struct slice text)
{
    struct trace trace = trace_continue(text);
    return trace.id_high == 0x0af7651916cd43dd &&
           trace.id_low == 0x8448eb211c80319c;
}

static void
a_trace_is_continued_with_a_span_of_its_own(void **state)
{
    (void)state;
    struct trace trace = trace_continue(SLICE("00-" ID "-" SPAN "-01"));
    assert_true(trace.id_high == 0x0af7651916cd43dd);
    assert_true(trace.id_low == 0x8448eb211c80319c);
    assert_true(trace.span != 0 && trace.span != 0xb7ad6b7169203331);
    assert_int_equal(trace.flags, 1);
}

static void
a_trace_is_written_as_it_was_read(void **state)
{
    (void)state;
    char text[TRACE_TEXT_MAX], id[TRACE_ID_TEXT_MAX];
    struct trace trace = {.id_high = 0x0af7651916cd43dd,
                          .id_low = 0x8448eb211c80319c,
                          .span = 0xb7ad6b7169203331,
                          .flags = 1};
    trace_format(&trace, text);
    assert_string_equal(text, "00-" ID "-" SPAN "-01");
    trace_id_format(&trace, id);
    assert_string_equal(id, ID);
}

static void
new_traces_differ(void **state)
{
    (void)state;
    struct trace a = trace_start(), b = trace_start();
    assert_true(a.id_low != b.id_low && a.id_high != b.id_high);
    assert_true(a.span != 0 && b.span != 0 && a.span != b.span);
}

static void
spans_of_one_trace_differ(void **state)
{
    (void)state;
    uint64_t last = 0;
    for (int i = 0; i < 1000; i++) {
        struct trace trace = trace_continue(SLICE("00-" ID "-" SPAN "-01"));
        assert_true(trace.span != last);
        last = trace.span;
    }
}

static void
a_later_version_may_be_longer_after_a_dash(void **state)
{
    (void)state;
    assert_true(is_continued(SLICE("cc-" ID "-" SPAN "-01")));
    assert_true(is_continued(SLICE("cc-" ID "-" SPAN "-01-more")));
    assert_false(is_continued(SLICE("cc-" ID "-" SPAN "-01more")));
    assert_false(is_continued(SLICE("00-" ID "-" SPAN "-01-more")));
}

static void
what_is_broken_starts_a_new_trace(void **state)
{
    (void)state;
    static const char *const broken[] = {
        "",
        "00",
        "00-" ID "-" SPAN "-0",
        "ff-" ID "-" SPAN "-01",
        "0g-" ID "-" SPAN "-01",
        "00_" ID "-" SPAN "-01",
        "00-" ID "_" SPAN "-01",
        "00-" ID "-" SPAN "_01",
        "00-0AF7651916CD43DD8448EB211C80319C-" SPAN "-01",
        "00-00000000000000000000000000000000-" SPAN "-01",
        "00-" ID "-0000000000000000-01",
        "00-" ID "-" SPAN "-zz",
    };
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
        struct trace trace = trace_continue(slice_of(broken[i]));
        if (is_continued(slice_of(broken[i])))
            fail_msg("\"%s\" was continued", broken[i]);
        assert_true((trace.id_high | trace.id_low) != 0 && trace.span != 0);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_trace_is_continued_with_a_span_of_its_own),
        cmocka_unit_test(a_trace_is_written_as_it_was_read),
        cmocka_unit_test(new_traces_differ),
        cmocka_unit_test(spans_of_one_trace_differ),
        cmocka_unit_test(a_later_version_may_be_longer_after_a_dash),
        cmocka_unit_test(what_is_broken_starts_a_new_trace),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
