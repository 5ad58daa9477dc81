/* Log lines: shape, quoting, cutting, levels. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/base/check.h"
#include "core/base/text.h"
#include "core/base/utc.h"
#include "services/runtime/log.h"

#include <fcntl.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

#define PIPE_FILL 4096

static int pipe_ends[2];

static int
open_pipe(void **state)
{
    (void)state;
    assert_int_equal(pipe(pipe_ends), 0);
    log_start("routerd-1", LOG_INFO, pipe_ends[1]);
    return 0;
}

static int
close_pipe(void **state)
{
    (void)state;
    log_start("-", LOG_INFO, STDERR_FILENO);
    (void)close(pipe_ends[0]);
    (void)close(pipe_ends[1]);
    return 0;
}

/* What was logged, without the time in front. */
static const char *
logged(char *bytes, size_t size)
{
    ssize_t len = read(pipe_ends[0], bytes, size - 1);
    ms_time time;
    assert_true(len > UTC_TEXT_MAX);
    bytes[len] = '\0';
    assert_int_equal(utc_parse(slice_make(bytes, UTC_TEXT_MAX - 1), &time),
                     STATUS_OK);
    return bytes + UTC_TEXT_MAX;
}

static void
a_line_is_time_level_instance_event_and_pairs(void **state)
{
    char bytes[LOG_LINE_MAX + 1];
    (void)state;
    log_event(LOG_INFO, "call", LOG_STR("method", "ss.Router/Pick"),
              LOG_I64("delta", -5), LOG_U64("bytes", UINT64_MAX),
              LOG_HEX("hash", 0xabc), LOG_DOUBLE("score", 82.5));
    assert_string_equal(logged(bytes, sizeof(bytes)),
                        "info routerd-1 call method=ss.Router/Pick delta=-5 "
                        "bytes=18446744073709551615 hash=0000000000000abc "
                        "score=82.5\n");
}

static void
values_are_quoted_when_a_reader_would_stumble(void **state)
{
    static const struct {
        struct slice value;
        const char *want;
    } rows[] = {
        {SLICE("plain"), "plain"},
        {SLICE(""), "\"\""},
        {SLICE("two words"), "\"two words\""},
        {SLICE("a=b"), "\"a=b\""},
        {SLICE("say \"hi\""), "\"say \\\"hi\\\"\""},
        {SLICE("back\\slash"), "\"back\\\\slash\""},
        {SLICE("line\nbreak"), "\"line\\x0abreak\""},
        {SLICE("nul\0byte"), "\"nul\\x00byte\""},
        {SLICE("esc\x1b[31m"), "\"esc\\x1b[31m\""},
        {SLICE("caf\xc3\xa9"), "caf\xc3\xa9"},
        {SLICE("bad\xffutf8"), "\"bad\\xffutf8\""},
        {SLICE("c1\xc2\x85next"), "\"c1\\xc2\\x85next\""},
        {SLICE("sep\xe2\x80\xa8line"), "\"sep\\xe2\\x80\\xa8line\""},
        {SLICE("real\xef\xbf\xbdmark"), "real\xef\xbf\xbdmark"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char bytes[LOG_LINE_MAX + 1];
        log_event(LOG_INFO, "e", LOG_SLICE("v", rows[i].value));
        const char *line = logged(bytes, sizeof(bytes));
        const char *value = strstr(line, "v=") + 2;
        assert_int_equal(strlen(value), strlen(rows[i].want) + 1);
        assert_memory_equal(value, rows[i].want, strlen(rows[i].want));
    }
}

static void
numbers_that_are_none_are_named(void **state)
{
    char bytes[LOG_LINE_MAX + 1];
    (void)state;
    log_event(LOG_WARN, "e", LOG_DOUBLE("v", (double)NAN));
    assert_string_equal(logged(bytes, sizeof(bytes)),
                        "warn routerd-1 e v=nan\n");
}

static void
below_the_level_nothing_is_written(void **state)
{
    char bytes[LOG_LINE_MAX + 1];
    (void)state;
    assert_false(log_enabled(LOG_DEBUG));
    log_event(LOG_DEBUG, "unseen", LOG_STR("a", "b"));
    log_event(LOG_ERROR, "seen", LOG_STR("a", "b"));
    assert_string_equal(logged(bytes, sizeof(bytes)),
                        "error routerd-1 seen a=b\n");
}

static void
a_long_line_is_cut_at_a_character_and_says_so(void **state)
{
    char value[LOG_LINE_MAX * 2];
    char bytes[LOG_LINE_MAX + 1];
    (void)state;
    for (size_t shift = 0; shift < 4; shift++) {
        memset(value, ' ', shift);
        for (size_t i = shift; i + 1 < sizeof(value); i += 2) {
            value[i] = '\xc3';
            value[i + 1] = '\xa9';
        }
        size_t len = (sizeof(value) - shift) / 2 * 2 + shift;
        log_event(LOG_INFO, "e", LOG_SLICE("v", slice_make(value, len)),
                  LOG_STR("lost", "x"));
        const char *line = logged(bytes, sizeof(bytes));
        assert_true(text_is_utf8(slice_of(line)));
        assert_true(slice_ends(slice_of(line), SLICE(" cut=1\n")));
        assert_null(strstr(line, "lost"));
        /* The quote that was opened is closed. */
        if (shift > 0)
            assert_true(slice_ends(slice_of(line), SLICE("\" cut=1\n")));
        assert_true(strlen(bytes) > LOG_LINE_MAX - 16);
        assert_true(strlen(bytes) <= LOG_LINE_MAX);
    }
}

static void
levels_are_found_by_name(void **state)
{
    enum log_level level;
    (void)state;
    assert_true(log_level_find(SLICE("warn"), &level));
    assert_int_equal(level, LOG_WARN);
    assert_false(log_level_find(SLICE("warning"), &level));
    assert_false(log_level_find(SLICE(""), &level));
}

static void
a_reader_that_stalls_costs_lines_and_no_time(void **state)
{
    char bytes[PIPE_FILL];
    (void)state;
    memset(bytes, '-', sizeof bytes);
    assert_int_equal(fcntl(pipe_ends[1], F_SETFL, O_NONBLOCK), 0);
    while (write(pipe_ends[1], bytes, sizeof bytes) > 0)
        continue;
    assert_int_equal(fcntl(pipe_ends[1], F_SETFL, 0), 0);
    /* Would block for ever. */
    log_event(LOG_INFO, "call", LOG_I64("n", 1));
    log_event(LOG_INFO, "call", LOG_I64("n", 2));
    assert_int_equal(fcntl(pipe_ends[0], F_SETFL, O_NONBLOCK), 0);
    while (read(pipe_ends[0], bytes, sizeof bytes) > 0)
        continue;
    log_event(LOG_INFO, "call", LOG_I64("n", 3));
    ssize_t len = read(pipe_ends[0], bytes, sizeof bytes - 1);
    assert_true(len > 0);
    bytes[len] = '\0';
    static const char lost[] = "(2 lines lost here)\n";
    assert_memory_equal(bytes, lost, sizeof lost - 1);
    assert_non_null(strstr(bytes, " call n=3\n"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            a_line_is_time_level_instance_event_and_pairs, open_pipe,
            close_pipe),
        cmocka_unit_test_setup_teardown(
            values_are_quoted_when_a_reader_would_stumble, open_pipe,
            close_pipe),
        cmocka_unit_test_setup_teardown(numbers_that_are_none_are_named,
                                        open_pipe, close_pipe),
        cmocka_unit_test_setup_teardown(below_the_level_nothing_is_written,
                                        open_pipe, close_pipe),
        cmocka_unit_test(levels_are_found_by_name),
        cmocka_unit_test_setup_teardown(
            a_reader_that_stalls_costs_lines_and_no_time, open_pipe,
            close_pipe),
        cmocka_unit_test_setup_teardown(
            a_long_line_is_cut_at_a_character_and_says_so, open_pipe,
            close_pipe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
