/* links: core_base
 * options: -max_len=2048
 * Any bytes are JSON or are refused; what is JSON can be walked, and what
 * json_out writes of it reads back as the same values. */
#include "core/base/json_in.h"
#include "core/base/json_out.h"
#include "core/base/text.h"
#include "tests/fuzz/fuzz.h"

static void write_value(const struct json *value, struct json_out *out);

static void
write_object(const struct json *object, struct json_out *out)
{
    void *iterator = NULL;
    struct slice key;
    const struct json *member;
    json_out_object(out);
    while (json_next(object, &iterator, &key, &member)) {
        json_out_key(out, key);
        write_value(member, out);
    }
    json_out_object_end(out);
}

static void
write_list(const struct json *list, struct json_out *out)
{
    json_out_list(out);
    for (size_t i = 0; i < json_count(list); i++)
        write_value(json_at(list, i), out);
    json_out_list_end(out);
}

static void
write_value(const struct json *value, struct json_out *out)
{
    struct slice text;
    double number;
    int64_t whole;
    bool on;
    if (out->depth == JSON_OUT_DEPTH_MAX)
        json_out_raw(out, SLICE("\"deeper\""));
    else if (json_kind(value) == JSON_KIND_OBJECT)
        write_object(value, out);
    else if (json_kind(value) == JSON_KIND_ARRAY)
        write_list(value, out);
    else if (json_text(value, &text))
        json_out_text(out, text);
    else if (json_bool(value, &on))
        json_out_bool(out, on);
    else if (json_i64(value, &whole))
        json_out_i64(out, whole);
    else if (json_double(value, &number))
        json_out_double(out, number);
    else
        json_out_null(out);
}

static void
check_same(const struct json *a, const struct json *b, unsigned depth);

static void
check_same_members(const struct json *a, const struct json *b, unsigned depth)
{
    void *iterator = NULL;
    struct slice key;
    const struct json *member;
    size_t count = 0;
    while (json_next(a, &iterator, &key, &member)) {
        char *name = fuzz_copy(key, true);
        CHECK(json_get(a, name) == member);
        check_same(member, json_get(b, name), depth + 1);
        free(name);
        count++;
    }
    CHECK(count == json_count(a));
}

/* A value is of one kind only, and of the same and the same value in both. */
static void
check_same(const struct json *a, const struct json *b, unsigned depth)
{
    struct slice text_a, text_b;
    double number_a, number_b;
    bool on_a, on_b;
    if (depth == JSON_OUT_DEPTH_MAX)
        return; /* it was cut there */
    CHECK(a != NULL && b != NULL && json_kind(a) == json_kind(b));
    CHECK(json_count(a) == json_count(b));
    CHECK(json_text(a, &text_a) == (json_kind(a) == JSON_KIND_TEXT));
    CHECK(json_double(a, &number_a) == (json_kind(a) == JSON_KIND_NUMBER));
    CHECK(json_bool(a, &on_a) == (json_kind(a) == JSON_KIND_BOOL));
    if (json_text(b, &text_b))
        CHECK(slice_eq(text_a, text_b) && text_is_utf8(text_a));
    if (json_double(b, &number_b))
        CHECK(number_a == number_b);
    if (json_bool(b, &on_b))
        CHECK(on_a == on_b);
    if (json_kind(a) == JSON_KIND_OBJECT)
        check_same_members(a, b, depth);
    for (size_t i = 0; json_kind(a) == JSON_KIND_ARRAY && i < json_count(a);
         i++)
        check_same(json_at(a, i), json_at(b, i), depth + 1);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char error[JSON_ERROR_MAX];
    struct json *document = NULL, *again = NULL;
    memset(error, 'x', sizeof error);
    if (json_parse(fuzz_slice(data, size), error, &document) != STATUS_OK) {
        CHECK(document == NULL && memchr(error, '\0', sizeof error) != NULL);
        CHECK(error[0] != '\0' && text_is_utf8(slice_of(error)));
        return 0;
    }
    struct buf text;
    struct json_out out;
    buf_init(&text, 8 * size + 1024);
    json_out_init(&out, &text);
    write_value(document, &out);
    CHECK(buf_ok(&text));
    CHECK(json_parse(buf_slice(&text), error, &again) == STATUS_OK);
    check_same(document, again, 0);
    json_free(&again);
    json_free(&document);
    buf_fini(&text);
    return 0;
}
