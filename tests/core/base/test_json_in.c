/* JSON in: what is read, what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/base/check.h"
#include "core/base/json_in.h"
#include "core/base/text.h"

#include <math.h>
#include <stdlib.h>

static struct json *
parsed(const char *text)
{
    char error[JSON_ERROR_MAX] = "";
    struct json *document = NULL;
    if (json_parse(slice_of(text), error, &document) != STATUS_OK)
        fail_msg("%s: %s", text, error);
    return document;
}

static void
typed_questions_are_answered(void **state)
{
    (void)state;
    struct json *document =
        parsed("{\"id\": \"a/b\", \"price\": 0.5, \"on\": true, \"n\": 7,"
               " \"none\": null, \"list\": [1, 2, 3]}");
    struct slice text;
    double number;
    int64_t whole;
    bool on;
    assert_int_equal(json_kind(document), JSON_KIND_OBJECT);
    assert_int_equal(json_count(document), 6);
    assert_true(json_text(json_get(document, "id"), &text));
    assert_true(slice_eq(text, SLICE("a/b")));
    assert_true(json_double(json_get(document, "price"), &number));
    assert_true(number == 0.5);
    assert_true(json_bool(json_get(document, "on"), &on));
    assert_true(on);
    assert_true(json_i64(json_get(document, "n"), &whole));
    assert_int_equal(whole, 7);
    assert_int_equal(json_kind(json_get(document, "none")), JSON_KIND_NULL);
    const struct json *list = json_get(document, "list");
    assert_int_equal(json_count(list), 3);
    assert_true(json_i64(json_at(list, 2), &whole));
    assert_int_equal(whole, 3);
    assert_null(json_at(list, 3));
    json_free(&document);
    assert_null(document);
    json_free(&document);
}

static void
a_value_of_another_kind_is_no_answer(void **state)
{
    (void)state;
    struct json *document = parsed("{\"t\": \"1\", \"f\": 1.5, \"n\": 1}");
    struct slice text = SLICE("untouched");
    double number = 42;
    int64_t whole = 42;
    bool on = false;
    assert_false(json_text(json_get(document, "n"), &text));
    assert_false(json_text(json_get(document, "missing"), &text));
    assert_false(json_text(NULL, &text));
    assert_false(json_double(json_get(document, "t"), &number));
    assert_false(json_i64(json_get(document, "f"), &whole));
    assert_false(json_bool(json_get(document, "n"), &on));
    assert_null(json_get(json_get(document, "t"), "x"));
    assert_null(json_get(NULL, "x"));
    assert_null(json_at(document, 0));
    assert_int_equal(json_count(json_get(document, "t")), 0);
    assert_int_equal(json_count(NULL), 0);
    assert_true(slice_eq(text, SLICE("untouched")));
    json_free(&document);
}

static void
an_object_is_walked_member_by_member(void **state)
{
    (void)state;
    struct json *document = parsed("{\"a\": 1, \"b\": 2, \"c\": 3}");
    void *iterator = NULL;
    struct slice key;
    const struct json *value;
    int64_t sum = 0;
    size_t members = 0;
    while (json_next(document, &iterator, &key, &value)) {
        int64_t whole;
        assert_true(json_i64(value, &whole));
        assert_int_equal(key.ptr[0] - 'a' + 1, whole);
        sum += whole;
        members++;
    }
    assert_int_equal(members, 3);
    assert_int_equal(sum, 6);
    json_free(&document);
    document = parsed("[1]");
    iterator = NULL;
    assert_false(json_next(document, &iterator, &key, &value));
    json_free(&document);
}

static void
numbers_keep_what_they_can(void **state)
{
    (void)state;
    struct json *document =
        parsed("[9007199254740993, 1e3, -0.0, 9223372036854775807, 2.5]");
    int64_t whole;
    double number;
    assert_true(json_i64(json_at(document, 0), &whole));
    assert_true(whole == INT64_C(9007199254740993));
    assert_true(json_i64(json_at(document, 1), &whole));
    assert_int_equal(whole, 1000);
    assert_true(json_double(json_at(document, 2), &number));
    assert_true(number == 0);
    assert_true(json_i64(json_at(document, 3), &whole));
    assert_true(whole == INT64_MAX);
    assert_false(json_i64(json_at(document, 4), &whole));
    json_free(&document);
    /* Valid JSON beyond int64_t: a double, and no int64_t. */
    document = parsed("[18446744073709551616, 1]");
    assert_true(json_double(json_at(document, 0), &number));
    assert_true(number == 0x1p64);
    assert_false(json_i64(json_at(document, 0), &whole));
    assert_true(json_i64(json_at(document, 1), &whole));
    assert_int_equal(whole, 1);
    json_free(&document);
}

static void
any_value_may_be_the_document(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum json_kind kind;
    } rows[] = {
        {"null", JSON_KIND_NULL},   {" true ", JSON_KIND_BOOL},
        {"-1.5", JSON_KIND_NUMBER}, {"\"\"", JSON_KIND_TEXT},
        {"[]", JSON_KIND_ARRAY},    {"{}", JSON_KIND_OBJECT},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct json *document = parsed(rows[i].text);
        assert_int_equal(json_kind(document), rows[i].kind);
        json_free(&document);
    }
    assert_string_equal(json_kind_text(JSON_KIND_TEXT), "text");
    assert_string_equal(json_kind_text(JSON_KIND_ARRAY), "a list");
}

static void
assert_refused(struct slice text)
{
    char error[JSON_ERROR_MAX] = "";
    struct json *document = NULL;
    if (json_parse(text, error, &document) != STATUS_INVALID_ARGUMENT)
        fail_msg("accepted: %.*s", SLICE_ARG(text));
    assert_null(document);
    assert_true(strlen(error) > 0);
}

/* It is shown, logged and sent on: a source that answered in Latin-1 once made
 * a catalog that nobody could read. */
static void
the_reason_of_a_refusal_is_text_whatever_the_bytes_are(void **state)
{
    (void)state;
    static const char euro[] = {'\xe2', '\x82', '\xac'};
    char long_word[200];
    memset(long_word, 'x', sizeof long_word);
    for (size_t i = 0; i + sizeof euro <= sizeof long_word; i += sizeof euro)
        memcpy(long_word + i, euro, sizeof euro);
    const struct slice rows[] = {
        SLICE("\"caf\xe9\""),
        SLICE("{\"a\": caf\xe9}"),
        SLICE("\"\\\xc9\x9c\xc8\xdd"),
        SLICE("[\"\x01\"]"),
        SLICE("[\"a\" \"\xc2\x85\"]"),
        slice_make(long_word, sizeof long_word),
        slice_make(long_word + 1, sizeof long_word - 1),
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char error[JSON_ERROR_MAX] = "";
        struct json *document = NULL;
        assert_int_equal(json_parse(rows[i], error, &document),
                         STATUS_INVALID_ARGUMENT);
        assert_true(strlen(error) > 0);
        assert_true(text_is_utf8(slice_of(error)));
        assert_false(text_has_control(slice_of(error), ""));
    }
}

static void
an_escaped_nul_is_named_as_such(void **state)
{
    (void)state;
    char error[JSON_ERROR_MAX] = "";
    struct json *document = NULL;
    assert_int_equal(json_parse(SLICE("[\"\\u0000\"]"), error, &document),
                     STATUS_INVALID_ARGUMENT);
    assert_string_equal(error, "line 1, column 9: \\u0000 is not allowed");
}

static void
what_is_no_json_is_refused_with_a_reason(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "",
        " ",
        "{",
        "[1,]",
        "{\"a\":1,}",
        "{a:1}",
        "'a'",
        "[1] x",
        "[1][2]",
        "nul",
        "NaN",
        "Infinity",
        "01",
        "+1",
        ".5",
        "1.",
        "1e400",
        "-1e400",
        "\"a\nb\"",
        "\"\\x\"",
        "\"\\ud800\"",
        "\"\\udc00\\ud800\"",
        "{\"a\":1,\"a\":2}",
        "{\"x\":{\"a\":1,\"\\u0061\":2}}",
        "\"\\u0000\"",
        "{\"a\\u0000b\":1}",
        "\"\x80\"",
        "\"\xc0\x80\"",
        "\"\xed\xa0\x80\"",
        "\"\xf4\x90\x80\x80\"",
        "/* c */ 1",
        "\xef\xbb\xbf{}",
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_refused(slice_of(rows[i]));
    assert_refused((struct slice){0});
    assert_refused(slice_make("\"a\0b\"", 5));
    assert_refused(slice_make("1\0", 2));
    struct json *document = NULL;
    assert_int_equal(json_parse(SLICE("["), NULL, &document),
                     STATUS_INVALID_ARGUMENT);
}

/* `depth` lists in one another around `core`. */
static struct slice
nested(char *text, size_t depth, const char *core)
{
    size_t len = strlen(core);
    memset(text, '[', depth);
    for (size_t i = 0; i < len; i++)
        text[depth + i] = core[i];
    memset(text + depth + len, ']', depth);
    return slice_make(text, 2 * depth + len);
}

static void
the_depth_is_limited_exactly(void **state)
{
    (void)state;
    static char text[300000];
    struct json *document = NULL;
    assert_int_equal(
        json_parse(nested(text, JSON_DEPTH_MAX, "1"), NULL, &document),
        STATUS_OK);
    json_free(&document);
    assert_refused(nested(text, JSON_DEPTH_MAX + 1, "1"));
    assert_refused(nested(text, 100000, "1"));
    /* Brackets in text are no levels. */
    assert_int_equal(json_parse(nested(text, JSON_DEPTH_MAX, "\"[[\\\"[[{{\""),
                                NULL, &document),
                     STATUS_OK);
    json_free(&document);
    /* Nor do levels add up side by side. */
    document = parsed("[[],[],[],[[]],{},{\"a\":[]}]");
    json_free(&document);
}

/* "[0,0,…]" with so many marks; the caller frees. */
static char *
zeros(size_t marks)
{
    char *text = calloc(2 * marks + 2, 1);

    assert_non_null(text);
    for (size_t i = 0; i < marks; i++) {
        text[2 * i] = i == 0 ? '[' : ',';
        text[2 * i + 1] = '0';
    }
    text[2 * marks] = ']';
    return text;
}

static void
a_tree_has_bounds_whatever_the_bytes(void **state)
{
    char error[JSON_ERROR_MAX];
    struct json *document = NULL;
    char *text = zeros(JSON_MARKS_MAX);

    (void)state;
    assert_int_equal(json_parse(slice_of(text), error, &document), STATUS_OK);
    assert_int_equal(json_count(document), JSON_MARKS_MAX);
    json_free(&document);
    free(text);
    text = zeros(JSON_MARKS_MAX + 1);
    assert_int_equal(json_parse(slice_of(text), error, &document),
                     STATUS_INVALID_ARGUMENT);
    assert_string_equal(error, "too many values");
    free(text);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(typed_questions_are_answered),
        cmocka_unit_test(a_value_of_another_kind_is_no_answer),
        cmocka_unit_test(an_object_is_walked_member_by_member),
        cmocka_unit_test(numbers_keep_what_they_can),
        cmocka_unit_test(any_value_may_be_the_document),
        cmocka_unit_test(an_escaped_nul_is_named_as_such),
        cmocka_unit_test(what_is_no_json_is_refused_with_a_reason),
        cmocka_unit_test(
            the_reason_of_a_refusal_is_text_whatever_the_bytes_are),
        cmocka_unit_test(the_depth_is_limited_exactly),
        cmocka_unit_test(a_tree_has_bounds_whatever_the_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
