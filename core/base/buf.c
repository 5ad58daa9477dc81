/* The buffer: doubling growth up to a maximum, sticky failure, and numbers
 * printed without a locale.
 *
 * Doubles: snprintf gives correctly rounded digits; only the digits and the
 * exponent are taken from it, the layout (and the point) is ours. The fewest
 * digits that read back as the same double win. */
#include "core/base/buf.h"

#include "core/base/text.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define CAPACITY_FIRST ((size_t)256)
#define LEN_LARGEST (SIZE_MAX / 2) /* whatever the maximum says */
#define INTEGER_TEXT_MAX 21        /* sign and 20 digits */
#define DIGITS_MAX 17              /* enough for every double */
#define PLAIN_EXPONENT 21          /* from 1e21 on, and ... */
#define PLAIN_LOWEST (-7)          /* ... up to 1e-7 an exponent is shorter */
#define DOUBLE_TEXT_MAX 48         /* sign, zeros, digits, point, exponent */
#define SHORT_DECIMALS 6
#define SHORT_UNIT 1e6     /* 10^SHORT_DECIMALS */
#define SHORT_LARGEST 1e9  /* times SHORT_UNIT: 15 digits */
#define FIXED_TEXT_MAX 384 /* DBL_MAX has 309 digits; 9 decimals */

void
buf_init(struct buf *buf, size_t max)
{
    *buf = (struct buf){.max = max};
}

void
buf_fini(struct buf *buf)
{
    free(buf->data);
    *buf = (struct buf){.max = buf->max};
}

void
buf_reset(struct buf *buf)
{
    buf->len = 0;
    buf->failed = false;
    if (buf->data != NULL)
        buf->data[0] = '\0';
}

bool
buf_ok(const struct buf *buf)
{
    return !buf->failed;
}

struct slice
buf_slice(const struct buf *buf)
{
    return slice_make(buf_text(buf), buf->len);
}

const char *
buf_text(const struct buf *buf)
{
    return buf->data ? buf->data : "";
}

/* Room for len + more bytes and the NUL. */
static bool
grow(struct buf *buf, size_t more)
{
    size_t need = buf->len + more + 1;
    if (need <= buf->capacity)
        return true;
    size_t capacity = buf->capacity > 0 ? buf->capacity : CAPACITY_FIRST;
    while (capacity < need)
        capacity = capacity > SIZE_MAX / 2 ? need : capacity * 2;
    if (capacity > buf->max && buf->max < SIZE_MAX)
        capacity = buf->max + 1;
    char *data = realloc(buf->data, capacity);
    if (data == NULL)
        return false;
    buf->data = data;
    buf->capacity = capacity;
    return true;
}

char *
buf_reserve(struct buf *buf, size_t more)
{
    if (buf->failed)
        return NULL;
    bool fits = buf->len <= buf->max && more <= buf->max - buf->len &&
                more < LEN_LARGEST - buf->len;
    if (!fits || !grow(buf, more)) {
        buf->failed = true;
        return NULL;
    }
    return buf->data + buf->len;
}

void
buf_advance(struct buf *buf, size_t written)
{
    CHECK(written < buf->capacity - buf->len);
    buf->len += written;
    buf->data[buf->len] = '\0';
}

void
buf_put(struct buf *buf, const void *bytes, size_t len)
{
    char *end = buf_reserve(buf, len);
    if (end == NULL)
        return;
    if (len > 0)
        memcpy(end, bytes, len);
    buf_advance(buf, len);
}

void
buf_put_char(struct buf *buf, char c)
{
    buf_put(buf, &c, 1);
}

void
buf_put_slice(struct buf *buf, struct slice text)
{
    buf_put(buf, text.ptr, text.len);
}

void
buf_put_text(struct buf *buf, const char *text)
{
    buf_put(buf, text, strlen(text));
}

static void
put_integer(struct buf *buf, bool negative, uint64_t magnitude)
{
    char text[INTEGER_TEXT_MAX];
    size_t start = sizeof text;
    do {
        text[--start] = (char)('0' + magnitude % 10);
        magnitude /= 10;
    } while (magnitude > 0);
    if (negative)
        text[--start] = '-';
    buf_put(buf, text + start, sizeof text - start);
}

void
buf_put_u64(struct buf *buf, uint64_t value)
{
    put_integer(buf, false, value);
}

void
buf_put_i64(struct buf *buf, int64_t value)
{
    uint64_t bits = (uint64_t)value;
    put_integer(buf, value < 0, value < 0 ? 0 - bits : bits);
}

void
buf_put_hex(struct buf *buf, uint64_t value, unsigned digits)
{
    CHECK(digits <= 16);
    char text[16];
    for (unsigned i = digits; i > 0; i--) {
        text[i - 1] = "0123456789abcdef"[value & 15];
        value >>= 4;
    }
    buf_put(buf, text, digits);
}

/* A positive finite double as digits d1 d2 ... (no trailing zero) times
 * 10^exponent with the point after d1. */
struct decimal {
    char digits[DIGITS_MAX + 1];
    int count;
    int exponent;
};

/* The value correctly rounded to `count` digits. */
static struct decimal
decimal_rounded(double value, int count)
{
    char text[DOUBLE_TEXT_MAX];
    (void)snprintf(text, sizeof text, "%.*e", count - 1, value);
    struct decimal decimal = {0};
    const char *at = text;
    for (; *at != 'e'; at++) { /* steps over any locale's point */
        if (*at >= '0' && *at <= '9')
            decimal.digits[decimal.count++] = *at;
    }
    bool negative = at[1] == '-';
    for (at += 2; *at != '\0'; at++)
        decimal.exponent = decimal.exponent * 10 + (*at - '0');
    if (negative)
        decimal.exponent = -decimal.exponent;
    while (decimal.count > 1 && decimal.digits[decimal.count - 1] == '0')
        decimal.count--;
    return decimal;
}

/* One unit more in the last of `count` digits. */
static void
decimal_step_up(struct decimal *decimal, int count)
{
    while (decimal->count < count)
        decimal->digits[decimal->count++] = '0';
    while (decimal->count > 0 && decimal->digits[decimal->count - 1] == '9')
        decimal->count--;
    if (decimal->count > 0) {
        decimal->digits[decimal->count - 1]++;
        return;
    }
    decimal->digits[decimal->count++] = '1';
    decimal->exponent++;
}

static size_t
decimal_write(const struct decimal *decimal, char *out)
{
    size_t len = 0;
    int exponent = decimal->exponent;
    bool plain = exponent > PLAIN_LOWEST && exponent < PLAIN_EXPONENT;
    int point = plain ? exponent + 1 : 1; /* digits before the point */
    if (point <= 0) {
        out[len++] = '0';
        out[len++] = '.';
        for (int i = point; i < 0; i++)
            out[len++] = '0';
    }
    for (int i = 0; i < decimal->count; i++) {
        if (i == point && i > 0)
            out[len++] = '.';
        out[len++] = decimal->digits[i];
    }
    for (int i = decimal->count; i < point; i++)
        out[len++] = '0';
    if (plain)
        return len;
    out[len++] = 'e';
    char text[8];
    int written = snprintf(text, sizeof text, "%d", exponent);
    memcpy(out + len, text, (size_t)written);
    return len + (size_t)written;
}

static bool
reads_back(const struct decimal *decimal, double value)
{
    char text[DOUBLE_TEXT_MAX];
    double back = 0;
    size_t len = decimal_write(decimal, text);
    return text_double(slice_make(text, len), &back) == STATUS_OK &&
           back == value;
}

/* The fewest digits that read back. A double with 15 digits or fewer shows
 * them at 15, so the search starts there; only subnormals need fewer. Below a
 * power of two doubles lie twice as dense as above it, so there the nearest
 * decimal may fail where its upper neighbour succeeds. */
static struct decimal
decimal_shortest(double value)
{
    int unused;
    bool power_of_two = frexp(value, &unused) == 0.5;
    for (int count = value < DBL_MIN ? 1 : 15; count < DIGITS_MAX; count++) {
        struct decimal decimal = decimal_rounded(value, count);
        if (reads_back(&decimal, value))
            return decimal;
        if (!power_of_two)
            continue;
        decimal_step_up(&decimal, count);
        if (reads_back(&decimal, value))
            return decimal;
    }
    return decimal_rounded(value, DIGITS_MAX);
}

/* Most numbers that we print have few decimals. k / 10^6 is rounded
 * correctly, so where it gives the value, the decimal k * 10^-6 reads back;
 * and of the decimals with at most 15 digits only one does. */
static bool
put_short(struct buf *buf, double value)
{
    bool minus_zero = value == 0 && signbit(value);
    if (fabs(value) >= SHORT_LARGEST || minus_zero)
        return false;
    int64_t scaled = llrint(value * SHORT_UNIT);
    if ((double)scaled / SHORT_UNIT != value)
        return false;
    uint64_t magnitude = (uint64_t)(scaled < 0 ? -scaled : scaled);
    int decimals = SHORT_DECIMALS;
    for (; decimals > 0 && magnitude % 10 == 0; decimals--)
        magnitude /= 10;
    char text[INTEGER_TEXT_MAX];
    size_t start = sizeof text;
    for (int i = 0; i <= decimals || magnitude > 0; i++) {
        if (i == decimals && decimals > 0)
            text[--start] = '.';
        text[--start] = (char)('0' + magnitude % 10);
        magnitude /= 10;
    }
    if (scaled < 0)
        text[--start] = '-';
    buf_put(buf, text + start, sizeof text - start);
    return true;
}

void
buf_put_double(struct buf *buf, double value)
{
    if (!isfinite(value)) {
        buf->failed = true;
        return;
    }
    if (put_short(buf, value))
        return;
    char text[DOUBLE_TEXT_MAX];
    size_t len = 0;
    if (signbit(value))
        text[len++] = '-';
    struct decimal decimal = {.digits = "0", .count = 1};
    if (value != 0)
        decimal = decimal_shortest(fabs(value));
    len += decimal_write(&decimal, text + len);
    buf_put(buf, text, len);
}

/* printf rounds exactly, but ties to even. A tie at `decimals` places is a
 * value whose 2^(decimals+1)-fold is an odd integer (10^d * 2 * value is odd
 * and 5^d has no factor 2): push it over the edge. */
static double
away_from_tie(double value, unsigned decimals)
{
    double scaled = ldexp(fabs(value), (int)decimals + 1);
    bool tie = scaled < 0x1p53 && fmod(scaled, 2) == 1;
    return tie ? nextafter(value, value > 0 ? INFINITY : -INFINITY) : value;
}

void
buf_put_fixed(struct buf *buf, double value, unsigned decimals)
{
    CHECK(decimals <= 9);
    if (!isfinite(value)) {
        buf->failed = true;
        return;
    }
    char text[FIXED_TEXT_MAX];
    (void)snprintf(text, sizeof text, "%.*f", (int)decimals,
                   away_from_tie(fabs(value), decimals));
    char out[FIXED_TEXT_MAX];
    size_t len = 0;
    bool zero = true;
    for (const char *at = text; *at != '\0'; at++) {
        if (*at >= '0' && *at <= '9') {
            out[len++] = *at;
            zero = zero && *at == '0';
        } else if (len > 0 && out[len - 1] != '.') {
            out[len++] = '.'; /* whatever the locale's point is */
        }
    }
    if (value < 0 && !zero)
        buf_put_char(buf, '-');
    buf_put(buf, out, len);
}

void
buf_putf(struct buf *buf, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *end = len < 0 ? NULL : buf_reserve(buf, (size_t)len);
    if (end == NULL) {
        buf->failed = true;
        return;
    }
    /* buf_reserve keeps one byte more, for the NUL. */
    va_start(args, format);
    (void)vsnprintf(end, (size_t)len + 1, format, args);
    va_end(args);
    buf_advance(buf, (size_t)len);
}
