/* Text from outside: UTF-8 and percent-encoding. Plain ASCII, nearly every
 * text there is, is passed over eight bytes at a time; the rest is checked
 * byte by byte. The numbers are in text_number.c. */
#include "core/base/text.h"

#include <string.h>

#define REPLACEMENT 0xfffd

/* What the first byte of a sequence says. The range of the second byte keeps
 * overlong forms, surrogates and what lies above U+10FFFF out. */
struct lead {
    unsigned char first, last; /* bytes of this row */
    unsigned char low, high;   /* allowed second bytes */
    unsigned char len;
};

static const struct lead leads[] = {
    {0x00, 0x7f, 0x00, 0x00, 1}, {0xc2, 0xdf, 0x80, 0xbf, 2},
    {0xe0, 0xe0, 0xa0, 0xbf, 3}, {0xe1, 0xec, 0x80, 0xbf, 3},
    {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
    {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4},
    {0xf4, 0xf4, 0x80, 0x8f, 4},
};

/* The length of the well-formed sequence at the start, or 0. */
static size_t
sequence(const unsigned char *bytes, size_t len, uint32_t *ret_code)
{
    if (bytes[0] < 0x80) {
        *ret_code = bytes[0];
        return 1;
    }
    const struct lead *lead = NULL;
    for (size_t i = 1; i < ARRAY_LEN(leads); i++) {
        if (bytes[0] >= leads[i].first && bytes[0] <= leads[i].last)
            lead = &leads[i];
    }
    if (lead == NULL || lead->len > len || bytes[1] < lead->low ||
        bytes[1] > lead->high)
        return 0;
    uint32_t code = bytes[0] & (0x7fu >> lead->len);
    for (size_t i = 1; i < lead->len; i++) {
        if ((bytes[i] & 0xc0) != 0x80)
            return 0;
        code = code << 6 | (bytes[i] & 0x3fu);
    }
    *ret_code = code;
    return lead->len;
}

static const unsigned char *
bytes_at(struct slice text, size_t offset)
{
    return (const unsigned char *)text.ptr + offset;
}

/* Not plain: none of 0x20 to 0x7e. */
static bool
is_odd(uint32_t code)
{
    return code < 0x20 || code > 0x7e;
}

/* Whether one of the eight bytes of a word is. */
static bool
has_odd_byte(uint64_t word)
{
    const uint64_t ones = 0x0101010101010101u, tops = 0x8080808080808080u;
    uint64_t delete = word ^ ones * 0x7f;
    uint64_t odd = word;                 /* a top bit */
    odd |= (word - ones * 0x20) & ~word; /* below 0x20 */
    odd |= (delete - ones) & ~delete;    /* 0x7f */
    return (odd & tops) != 0;
}

/* Where the plain bytes from offset on end; at most seven of them may be left
 * over. */
static size_t
skip_plain(struct slice text, size_t offset)
{
    uint64_t word;
    for (; text.len - offset >= sizeof word; offset += sizeof word) {
        memcpy(&word, text.ptr + offset, sizeof word);
        if (has_odd_byte(word))
            return offset;
    }
    if (offset == text.len)
        return offset;
    word = 0;
    for (size_t i = offset; i < text.len; i++)
        word = word << 8 | (unsigned char)text.ptr[i];
    /* The rest of the word is blanks. */
    word |= 0x2020202020202020u << 8 * (text.len - offset);
    return has_odd_byte(word) ? offset : text.len;
}

bool
text_is_plain(struct slice text)
{
    return skip_plain(text, 0) == text.len;
}

bool
text_is_utf8(struct slice text)
{
    for (size_t i = skip_plain(text, 0); i < text.len;) {
        uint32_t code;
        size_t len = sequence(bytes_at(text, i), text.len - i, &code);
        if (len == 0 || code == 0)
            return false;
        i += len;
        if (is_odd(code))
            i = skip_plain(text, i);
    }
    return true;
}

bool
text_has_control(struct slice text, const char *allowed)
{
    for (size_t i = skip_plain(text, 0); i < text.len;) {
        uint32_t code = text_next(text, &i);
        if (!is_odd(code))
            continue;
        if (code >= 0x7f && code <= 0x9f)
            return true;
        if (code < 0x20 && (code == 0 || strchr(allowed, (int)code) == NULL))
            return true;
        i = skip_plain(text, i);
    }
    return false;
}

bool
text_is_tame(uint32_t code)
{
    /* Those of Unicode's General_Category Cc, Zl, Zp and the ones of Cf that
     * are invisible or bidirectional. The joiners (200C, 200D) are not among
     * them: scripts and emoji need them. */
    static const struct {
        uint32_t first, last;
    } wild[] = {
        {0x0000, 0x001f}, {0x007f, 0x009f}, {0x00ad, 0x00ad},
        {0x061c, 0x061c}, {0x180e, 0x180e}, {0x200b, 0x200b},
        {0x200e, 0x200f}, {0x2028, 0x202e}, {0x2060, 0x206f},
        {0xfeff, 0xfeff}, {0xfff9, 0xfffb}, {0xe0000, 0xe007f},
    };
    for (size_t i = 0; i < ARRAY_LEN(wild); i++) {
        if (code >= wild[i].first && code <= wild[i].last)
            return false;
    }
    return true;
}

uint32_t
text_next(struct slice text, size_t *offset)
{
    CHECK(*offset < text.len);
    uint32_t code;
    size_t len = sequence(bytes_at(text, *offset), text.len - *offset, &code);
    *offset += len > 0 ? len : 1;
    return len > 0 ? code : REPLACEMENT;
}

struct slice
text_lower(struct arena *arena, struct slice text)
{
    char *copy = arena_text(arena, text);
    if (copy == NULL)
        return (struct slice){0};
    for (size_t i = 0; i < text.len; i++) {
        if (copy[i] >= 'A' && copy[i] <= 'Z')
            copy[i] = (char)(copy[i] | 0x20);
    }
    return slice_make(copy, text.len);
}

int
text_hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

enum status
text_percent_decode(struct arena *arena, struct slice text, bool plus_is_space,
                    struct slice *ret_text)
{
    char *out = arena_text(arena, text); /* never longer than the input */
    if (out == NULL)
        return STATUS_RESOURCE_EXHAUSTED;
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c == '%') {
            int high = i + 2 < text.len ? text_hex_digit(text.ptr[i + 1]) : -1;
            int low = i + 2 < text.len ? text_hex_digit(text.ptr[i + 2]) : -1;
            if (high < 0 || low < 0)
                return STATUS_INVALID_ARGUMENT;
            c = (char)(high << 4 | low);
            i += 2;
        } else if (c == '+' && plus_is_space) {
            c = ' ';
        }
        out[len++] = c;
    }
    out[len] = '\0';
    *ret_text = slice_make(out, len);
    return STATUS_OK;
}
