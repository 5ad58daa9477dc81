/* JSON in, over jansson: the one file that knows it.
 *
 * A struct json is jansson's json_t under another name, so nothing is
 * wrapped and nothing allocated beside the tree. jansson's own depth limit is
 * 2048, of size it has none; ours are checked by a scan before the parse, which
 * also bounds the recursion of freeing. */
#include "core/base/json_in.h"

#include "core/base/check.h"
#include "core/base/text.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>

#define PARSE_FLAGS (JSON_DECODE_ANY | JSON_REJECT_DUPLICATES)
#define EXACT_MAX 0x1p63     /* doubles below it fit into int64_t */
#define ERROR_QUOTED_MAX 100 /* bytes of jansson's words that are told */

/* "line 2147483647, column -2147483648: ", the words, NUL. */
_Static_assert(40 + ERROR_QUOTED_MAX + 1 <= JSON_ERROR_MAX, "an error fits");

static const json_t *
tree(const struct json *value)
{
    return (const json_t *)value;
}

static const struct json *
wrap(const json_t *value)
{
    return (const struct json *)value;
}

/* jansson's iterator wants a mutable object although it does not change it. */
static json_t *
mutable_tree(const struct json *value)
{
    union {
        const struct json *from;
        json_t *to;
    } view = {.from = value};
    return view.to;
}

/* The closing quote of the string whose first byte is at `start`, or the end
 * of all. A quote after an odd number of backslashes is part of it. */
static size_t
string_end(struct slice bytes, size_t start)
{
    for (size_t at = start; at < bytes.len; at++) {
        const char *quote = memchr(bytes.ptr + at, '"', bytes.len - at);
        if (quote == NULL)
            break;
        at = (size_t)(quote - bytes.ptr);
        size_t from = at;
        while (from > start && bytes.ptr[from - 1] == '\\')
            from--;
        if ((at - from) % 2 == 0)
            return at;
    }
    return bytes.len;
}

/* Whether the tree stays within bounds; else ret_error says why not. Only what
 * is outside strings counts; text that is no JSON may be misjudged, it fails
 * either way. */
static bool
is_bounded(struct slice bytes, char *ret_error)
{
    size_t depth = 0, marks = 0;
    for (size_t i = 0; i < bytes.len; i++) {
        char c = bytes.ptr[i];
        if (c == '"') {
            i = string_end(bytes, i + 1);
        } else if (c == '[' || c == '{') {
            depth++;
            marks++;
        } else if (c == ']' || c == '}') {
            depth -= depth > 0;
        } else if (c == ',' || c == ':') {
            marks++;
        }
        if (depth > JSON_DEPTH_MAX) {
            (void)snprintf(ret_error, JSON_ERROR_MAX,
                           "nested deeper than %d levels", JSON_DEPTH_MAX);
            return false;
        }
        if (marks > JSON_MARKS_MAX) {
            (void)snprintf(ret_error, JSON_ERROR_MAX, "too many values");
            return false;
        }
    }
    return true;
}

/* jansson quotes what it stumbled over: bytes of the document, cut anywhere.
 * The error must be text all the same, because it travels: broken bytes and
 * control characters become '?'. */
static void
say_where(const json_error_t *error, char *ret_error)
{
    /* jansson's word for it is advice to whoever calls jansson. */
    bool is_null = json_error_code(error) == json_error_null_character;
    struct slice why =
        is_null ? SLICE("\\u0000 is not allowed") : slice_of(error->text);
    size_t len =
        (size_t)snprintf(ret_error, JSON_ERROR_MAX,
                         "line %d, column %d: ", error->line, error->column);
    size_t end = len + ERROR_QUOTED_MAX;
    for (size_t at = 0, from = 0; at < why.len; from = at) {
        (void)text_next(why, &at);
        struct slice point = slice_cut(why, from, at);
        if (!text_is_utf8(point) || text_has_control(point, ""))
            point = SLICE("?");
        if (len + point.len > end)
            break;
        memcpy(ret_error + len, point.ptr, point.len);
        len += point.len;
    }
    ret_error[len] = '\0';
}

enum status
json_parse(struct slice bytes, char *ret_error, struct json **ret_document)
{
    char unwanted[JSON_ERROR_MAX];
    char *text = ret_error ? ret_error : unwanted;
    if (!is_bounded(bytes, text))
        return STATUS_INVALID_ARGUMENT;
    /* jansson takes a NUL for the end of the text. */
    if (bytes.len > 0 && memchr(bytes.ptr, '\0', bytes.len) != NULL) {
        (void)snprintf(text, JSON_ERROR_MAX, "a NUL byte");
        return STATUS_INVALID_ARGUMENT;
    }
    json_error_t error;
    const char *ptr = bytes.ptr ? bytes.ptr : "";
    json_t *root = json_loadb(ptr, bytes.len, PARSE_FLAGS, &error);
    /* An integer beyond int64_t is valid JSON: then all come as doubles. */
    if (root == NULL && json_error_code(&error) == json_error_numeric_overflow)
        root = json_loadb(ptr, bytes.len, PARSE_FLAGS | JSON_DECODE_INT_AS_REAL,
                          &error);
    if (root == NULL) {
        say_where(&error, text);
        return STATUS_INVALID_ARGUMENT;
    }
    *ret_document = (struct json *)root;
    return STATUS_OK;
}

void
json_free(struct json **document)
{
    json_decref((json_t *)*document); /* NULL is fine */
    *document = NULL;
}

enum json_kind
json_kind(const struct json *value)
{
    switch (json_typeof(tree(value))) {
    case JSON_OBJECT:
        return JSON_KIND_OBJECT;
    case JSON_ARRAY:
        return JSON_KIND_ARRAY;
    case JSON_STRING:
        return JSON_KIND_TEXT;
    case JSON_INTEGER:
    case JSON_REAL:
        return JSON_KIND_NUMBER;
    case JSON_TRUE:
    case JSON_FALSE:
        return JSON_KIND_BOOL;
    case JSON_NULL:
        break;
    }
    return JSON_KIND_NULL;
}

const char *
json_kind_text(enum json_kind kind)
{
    static const char *const names[] = {
        [JSON_KIND_NULL] = "null",       [JSON_KIND_BOOL] = "true or false",
        [JSON_KIND_NUMBER] = "a number", [JSON_KIND_TEXT] = "text",
        [JSON_KIND_ARRAY] = "a list",    [JSON_KIND_OBJECT] = "an object",
    };
    CHECK((size_t)kind < ARRAY_LEN(names));
    return names[kind];
}

const struct json *
json_get(const struct json *object, const char *key)
{
    return wrap(json_object_get(tree(object), key));
}

size_t
json_count(const struct json *value)
{
    size_t items = json_array_size(tree(value));
    return items > 0 ? items : json_object_size(tree(value));
}

const struct json *
json_at(const struct json *list, size_t i)
{
    return wrap(json_array_get(tree(list), i));
}

bool
json_next(const struct json *object, void **iterator, struct slice *ret_key,
          const struct json **ret_value)
{
    json_t *walked = mutable_tree(object);
    *iterator = *iterator ? json_object_iter_next(walked, *iterator)
                          : json_object_iter(walked);
    if (*iterator == NULL)
        return false;
    *ret_key = slice_of(json_object_iter_key(*iterator));
    *ret_value = wrap(json_object_iter_value(*iterator));
    return true;
}

bool
json_text(const struct json *value, struct slice *ret_text)
{
    if (!json_is_string(tree(value)))
        return false;
    *ret_text = slice_make(json_string_value(tree(value)),
                           json_string_length(tree(value)));
    return true;
}

bool
json_bool(const struct json *value, bool *ret_bool)
{
    if (!json_is_boolean(tree(value)))
        return false;
    *ret_bool = json_is_true(tree(value));
    return true;
}

bool
json_double(const struct json *value, double *ret_number)
{
    if (!json_is_number(tree(value)))
        return false;
    *ret_number = json_number_value(tree(value));
    return true;
}

bool
json_i64(const struct json *value, int64_t *ret_number)
{
    if (json_is_integer(tree(value))) {
        *ret_number = json_integer_value(tree(value));
        return true;
    }
    if (!json_is_real(tree(value)))
        return false;
    double real = json_real_value(tree(value));
    if (real != trunc(real) || real < -EXACT_MAX || real >= EXACT_MAX)
        return false;
    *ret_number = (int64_t)real;
    return true;
}
