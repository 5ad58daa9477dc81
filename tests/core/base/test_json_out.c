/* JSON out: punctuation, escapes, numbers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/base/check.h"
#include "core/base/json_in.h"
#include "core/base/json_out.h"

#include <math.h>

static void
nested_values_get_their_commas_and_colons(void **state)
{
    (void)state;
    struct buf out;
    struct json_out json;
    buf_init(&out, 1000);
    json_out_init(&json, &out);
    json_out_object(&json);
    json_out_key(&json, SLICE("a"));
    json_out_i64(&json, -1);
    json_out_key(&json, SLICE("list"));
    json_out_list(&json);
    json_out_bool(&json, true);
    json_out_null(&json);
    json_out_object(&json);
    json_out_object_end(&json);
    json_out_list(&json);
    json_out_list_end(&json);
    json_out_text(&json, SLICE("x"));
    json_out_list_end(&json);
    json_out_key(&json, SLICE("raw"));
    json_out_raw(&json, SLICE("{\"z\":0}"));
    json_out_key(&json, SLICE("u"));
    json_out_u64(&json, UINT64_MAX);
    json_out_object_end(&json);
    assert_string_equal(buf_text(&out),
                        "{\"a\":-1,\"list\":[true,null,{},[],\"x\"],"
                        "\"raw\":{\"z\":0},\"u\":18446744073709551615}");
    buf_fini(&out);
}

static void
assert_text(struct slice text, const char *expected)
{
    struct buf out;
    struct json_out json;
    buf_init(&out, 1000);
    json_out_init(&json, &out);
    json_out_text(&json, text);
    assert_string_equal(buf_text(&out), expected);
    buf_fini(&out);
}

static void
text_is_escaped_where_it_must_be(void **state)
{
    (void)state;
    assert_text(SLICE(""), "\"\"");
    assert_text(SLICE("a\"b\\c"), "\"a\\\"b\\\\c\"");
    assert_text(SLICE("\b\f\n\r\t"), "\"\\b\\f\\n\\r\\t\"");
    assert_text(slice_make("\0\x01\x1f\x7f", 4),
                "\"\\u0000\\u0001\\u001f\x7f\"");
    assert_text(SLICE("</script></"), "\"<\\/script><\\/\"");
    assert_text(SLICE("/a<b/c"), "\"/a<b/c\"");
    assert_text(SLICE("\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"),
                "\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\"");
    assert_text(SLICE("\xef\xbf\xbd"), "\"\xef\xbf\xbd\"");
}

static void
what_is_no_utf8_is_replaced(void **state)
{
    (void)state;
    assert_text(SLICE("a\xff"), "\"a\xef\xbf\xbd\"");
    assert_text(SLICE("\xe2\x82"), "\"\xef\xbf\xbd\xef\xbf\xbd\"");
    assert_text(SLICE("\xed\xa0\x80z"),
                "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdz\"");
}

static void
every_byte_comes_out_as_json(void **state)
{
    (void)state;
    char bytes[256];
    for (int i = 0; i < 256; i++)
        bytes[i] = (char)i;
    struct buf out;
    struct json_out json;
    buf_init(&out, 4096);
    json_out_init(&json, &out);
    json_out_text(&json, slice_make(bytes + 1, 255));
    struct json *document = NULL;
    assert_int_equal(json_parse(buf_slice(&out), NULL, &document), STATUS_OK);
    struct slice text;
    assert_true(json_text(document, &text));
    assert_memory_equal(text.ptr, bytes + 1, 127);
    json_free(&document);
    buf_fini(&out);
}

static void
numbers_are_exact_and_nan_is_null(void **state)
{
    (void)state;
    struct buf out;
    struct json_out json;
    buf_init(&out, 1000);
    json_out_init(&json, &out);
    json_out_list(&json);
    json_out_double(&json, 0.1);
    json_out_double(&json, -0.0);
    json_out_double(&json, NAN);
    json_out_double(&json, -INFINITY);
    json_out_decimal(&json, 400000000, 9);
    json_out_decimal(&json, 15000000000, 9);
    json_out_decimal(&json, -50, 2);
    json_out_decimal(&json, -1, 9);
    json_out_decimal(&json, 0, 9);
    json_out_decimal(&json, 7, 0);
    json_out_decimal(&json, INT64_MIN, 18);
    json_out_decimal(&json, INT64_MAX, 1);
    json_out_list_end(&json);
    assert_string_equal(buf_text(&out),
                        "[0.1,0,null,null,0.4,15,-0.5,-0.000000001,0,7,"
                        "-9.223372036854775808,922337203685477580.7]");
    buf_fini(&out);
}

static void
a_full_buffer_fails_quietly(void **state)
{
    (void)state;
    struct buf out;
    struct json_out json;
    buf_init(&out, 4);
    json_out_init(&json, &out);
    json_out_list(&json);
    json_out_text(&json, SLICE("longer than that"));
    json_out_list_end(&json);
    assert_false(buf_ok(&out));
    buf_fini(&out);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nested_values_get_their_commas_and_colons),
        cmocka_unit_test(text_is_escaped_where_it_must_be),
        cmocka_unit_test(what_is_no_utf8_is_replaced),
        cmocka_unit_test(every_byte_comes_out_as_json),
        cmocka_unit_test(numbers_are_exact_and_nan_is_null),
        cmocka_unit_test(a_full_buffer_fails_quietly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
