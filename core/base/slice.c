/* Slices: compare, search, cut. Bytes only; nothing here knows UTF-8 and
 * nothing allocates. A NULL pointer never reaches memcmp. */
#include "core/base/slice.h"

static unsigned char
fold(char c)
{
    unsigned char byte = (unsigned char)c;
    return byte >= 'A' && byte <= 'Z' ? (unsigned char)(byte | 0x20) : byte;
}

bool
slice_eq(struct slice a, struct slice b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

bool
slice_eq_fold(struct slice a, struct slice b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++) {
        if (fold(a.ptr[i]) != fold(b.ptr[i]))
            return false;
    }
    return true;
}

int
slice_cmp(struct slice a, struct slice b)
{
    size_t shorter = a.len < b.len ? a.len : b.len;
    int order = shorter > 0 ? memcmp(a.ptr, b.ptr, shorter) : 0;
    if (order != 0)
        return order;
    return (a.len > b.len) - (a.len < b.len);
}

bool
slice_starts(struct slice text, struct slice prefix)
{
    return text.len >= prefix.len &&
           slice_eq(slice_make(text.ptr, prefix.len), prefix);
}

bool
slice_ends(struct slice text, struct slice suffix)
{
    return text.len >= suffix.len &&
           slice_eq(slice_cut(text, text.len - suffix.len, text.len), suffix);
}

ptrdiff_t
slice_find(struct slice text, struct slice needle)
{
    if (needle.len == 0)
        return 0;
    if (text.len < needle.len)
        return -1;
    const char *hit = memmem(text.ptr, text.len, needle.ptr, needle.len);
    return hit ? hit - text.ptr : -1;
}

static bool
is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

struct slice
slice_trim(struct slice text)
{
    while (text.len > 0 && is_space(text.ptr[text.len - 1]))
        text.len--;
    while (text.len > 0 && is_space(text.ptr[0])) {
        text.ptr++;
        text.len--;
    }
    return text;
}

struct slice
slice_cut(struct slice text, size_t from, size_t to)
{
    if (to > text.len)
        to = text.len;
    if (from > to)
        from = to;
    /* NULL + 0 is undefined in C, however harmless. */
    const char *ptr = from > 0 ? text.ptr + from : text.ptr;
    return slice_make(ptr, to - from);
}

bool
slice_split(struct slice *rest, char separator, struct slice *ret_part)
{
    if (rest->ptr == NULL)
        return false;
    const char *hit =
        rest->len > 0 ? memchr(rest->ptr, separator, rest->len) : NULL;
    if (hit == NULL) {
        *ret_part = *rest;
        *rest = (struct slice){0};
        return true;
    }
    size_t len = (size_t)(hit - rest->ptr);
    *ret_part = slice_make(rest->ptr, len);
    *rest = slice_make(hit + 1, rest->len - len - 1);
    return true;
}
