/* links: core_base
 * Any bytes are JSON or are refused; what is JSON can be walked, and what
 * json_out writes of it reads back. */
#include "core/base/check.h"
#include "core/base/json_in.h"
#include "core/base/json_out.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

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

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char error[JSON_ERROR_MAX];
    struct json *document = NULL;
    struct slice bytes = slice_make((const char *)data, size);
    if (json_parse(bytes, error, &document) != STATUS_OK) {
        CHECK(document == NULL && memchr(error, '\0', sizeof error) != NULL);
        return 0;
    }
    struct buf text;
    struct json_out out;
    buf_init(&text, 8 * size + 1024);
    json_out_init(&out, &text);
    write_value(document, &out);
    struct json *again = NULL;
    if (buf_ok(&text))
        CHECK(json_parse(buf_slice(&text), error, &again) == STATUS_OK);
    json_free(&again);
    json_free(&document);
    buf_fini(&text);
    return 0;
}
