/* JSON out: punctuation by a small stack of "a comma is due" flags, text by
 * runs of harmless bytes with escapes between them. */
#include "core/base/json_out.h"

#include "core/base/check.h"
#include "core/base/text.h"

#include <math.h>

#define DECIMAL_SCALE_MAX 18

void
json_out_init(struct json_out *json, struct buf *out)
{
    *json = (struct json_out){.out = out};
}

/* What is due before the next value or key. */
static void
separate(struct json_out *json)
{
    if (json->after_key) {
        json->after_key = false;
        return;
    }
    if (json->depth == 0)
        return;
    if (json->has_item[json->depth - 1])
        buf_put_char(json->out, ',');
    json->has_item[json->depth - 1] = true;
}

static void
open_level(struct json_out *json, char bracket)
{
    CHECK(json->depth < JSON_OUT_DEPTH_MAX);
    separate(json);
    buf_put_char(json->out, bracket);
    json->has_item[json->depth++] = false;
}

static void
close_level(struct json_out *json, char bracket)
{
    CHECK(json->depth > 0 && !json->after_key);
    json->depth--;
    buf_put_char(json->out, bracket);
}

void
json_out_object(struct json_out *json)
{
    open_level(json, '{');
}

void
json_out_object_end(struct json_out *json)
{
    close_level(json, '}');
}

void
json_out_list(struct json_out *json)
{
    open_level(json, '[');
}

void
json_out_list_end(struct json_out *json)
{
    close_level(json, ']');
}

/* Bytes that stand for themselves: no escape, no UTF-8 to check, and no '/'
 * that may follow a '<'. */
static bool
is_plain(char c)
{
    return (unsigned char)c >= 0x20 && (unsigned char)c < 0x80 && c != '"' &&
           c != '\\' && c != '/';
}

static void
put_control(struct buf *out, char c)
{
    static const char shorts[0x20] = {
        ['\b'] = 'b', ['\f'] = 'f', ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't'};
    char name = shorts[(unsigned char)c];
    buf_put_char(out, '\\');
    if (name != '\0') {
        buf_put_char(out, name);
        return;
    }
    buf_put_char(out, 'u');
    buf_put_hex(out, (unsigned char)c, 4);
}

/* One character that is not plain; *at moves past it. */
static void
put_special(struct buf *out, struct slice text, size_t *at)
{
    char c = text.ptr[*at];
    if ((unsigned char)c >= 0x80) {
        size_t from = *at;
        bool malformed = text_next(text, at) == 0xfffd && *at - from == 1;
        buf_put_slice(out, malformed ? SLICE("\xef\xbf\xbd")
                                     : slice_cut(text, from, *at));
        return;
    }
    ++*at;
    if ((unsigned char)c < 0x20) {
        put_control(out, c);
        return;
    }
    bool escaped = c != '/' || (*at >= 2 && text.ptr[*at - 2] == '<');
    if (escaped)
        buf_put_char(out, '\\');
    buf_put_char(out, c);
}

static void
put_quoted(struct buf *out, struct slice text)
{
    buf_put_char(out, '"');
    for (size_t i = 0; i < text.len;) {
        size_t from = i;
        while (i < text.len && is_plain(text.ptr[i]))
            i++;
        if (i > from)
            buf_put_slice(out, slice_cut(text, from, i));
        else
            put_special(out, text, &i);
    }
    buf_put_char(out, '"');
}

void
json_out_key(struct json_out *json, struct slice key)
{
    CHECK(json->depth > 0 && !json->after_key);
    separate(json);
    put_quoted(json->out, key);
    buf_put_char(json->out, ':');
    json->after_key = true;
}

void
json_out_null(struct json_out *json)
{
    json_out_raw(json, SLICE("null"));
}

void
json_out_bool(struct json_out *json, bool value)
{
    json_out_raw(json, value ? SLICE("true") : SLICE("false"));
}

void
json_out_i64(struct json_out *json, int64_t value)
{
    separate(json);
    buf_put_i64(json->out, value);
}

void
json_out_u64(struct json_out *json, uint64_t value)
{
    separate(json);
    buf_put_u64(json->out, value);
}

void
json_out_double(struct json_out *json, double value)
{
    if (!isfinite(value)) {
        json_out_null(json);
        return;
    }
    separate(json);
    /* "-0" is an integer to many readers, who then have a plain 0. */
    buf_put_double(json->out, value == 0 ? 0 : value);
}

void
json_out_decimal(struct json_out *json, int64_t value, unsigned scale)
{
    CHECK(scale <= DECIMAL_SCALE_MAX);
    uint64_t magnitude = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    for (; scale > 0 && magnitude % 10 == 0; scale--)
        magnitude /= 10;
    char fraction[DECIMAL_SCALE_MAX];
    for (unsigned i = scale; i > 0; i--) {
        fraction[i - 1] = (char)('0' + magnitude % 10);
        magnitude /= 10;
    }
    separate(json);
    if (value < 0)
        buf_put_char(json->out, '-');
    buf_put_u64(json->out, magnitude);
    if (scale > 0) {
        buf_put_char(json->out, '.');
        buf_put(json->out, fraction, scale);
    }
}

void
json_out_text(struct json_out *json, struct slice text)
{
    separate(json);
    put_quoted(json->out, text);
}

void
json_out_raw(struct json_out *json, struct slice value)
{
    separate(json);
    buf_put_slice(json->out, value);
}
