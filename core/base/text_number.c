/* Text as numbers: the rest of text.h. The grammar is checked here; only
 * text_double hands checked text on, to strtod_l in the C locale, where it has
 * more digits than one rounding settles. The one reader of doubles in the
 * tree. */
#include "core/base/text.h"

#include <float.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define DOUBLE_TEXT_MAX 1100 /* bytes; the longest exact double has 1077 */
#define EXPONENT_MAX 1000000 /* larger ones are cut to it */
#define DECIMAL_SCALE_MAX 18
#define EXACT_DIGITS_MAX 18                     /* fit into uint64_t */
#define EXACT_MAX (UINT64_C(1) << DBL_MANT_DIG) /* doubles reach it exactly */

static bool
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* All of text as digits, at most max. */
static enum status
read_digits(struct slice text, uint64_t max, uint64_t *ret_value)
{
    if (text.len == 0)
        return STATUS_INVALID_ARGUMENT;
    uint64_t value = 0;
    bool fits = true;
    for (size_t i = 0; i < text.len; i++) {
        if (!is_digit(text.ptr[i]))
            return STATUS_INVALID_ARGUMENT;
        uint64_t digit = (uint64_t)(text.ptr[i] - '0');
        fits = fits && value <= (max - digit) / 10;
        value = fits ? value * 10 + digit : value;
    }
    if (!fits)
        return STATUS_OUT_OF_RANGE;
    *ret_value = value;
    return STATUS_OK;
}

static bool
take_sign(struct slice *text)
{
    bool negative = text->len > 0 && text->ptr[0] == '-';
    if (negative)
        *text = slice_cut(*text, 1, text->len);
    return negative;
}

/* magnitude <= INT64_MAX, or + 1 when negative. */
static int64_t
with_sign(uint64_t magnitude, bool negative)
{
    if (!negative)
        return (int64_t)magnitude;
    return magnitude > 0 ? -(int64_t)(magnitude - 1) - 1 : 0;
}

enum status
text_i64(struct slice text, int64_t *ret_value)
{
    bool negative = take_sign(&text);
    uint64_t magnitude = 0;
    enum status status =
        read_digits(text, (uint64_t)INT64_MAX + negative, &magnitude);
    if (status == STATUS_OK)
        *ret_value = with_sign(magnitude, negative);
    return status;
}

enum status
text_u64(struct slice text, uint64_t *ret_value)
{
    return read_digits(text, UINT64_MAX, ret_value);
}

/* [-] digits [. digits] [e [+-] digits], one digit before the e at least. */
struct number {
    bool negative;
    struct slice whole;
    struct slice fraction;
    int64_t exponent; /* within EXPONENT_MAX */
};

static struct slice
take_digits(struct slice *text)
{
    size_t len = 0;
    while (len < text->len && is_digit(text->ptr[len]))
        len++;
    struct slice digits = slice_cut(*text, 0, len);
    *text = slice_cut(*text, len, text->len);
    return digits;
}

static bool
take_char(struct slice *text, const char *any)
{
    if (text->len == 0 || text->ptr[0] == '\0' ||
        strchr(any, text->ptr[0]) == NULL)
        return false;
    *text = slice_cut(*text, 1, text->len);
    return true;
}

static enum status
read_exponent(struct slice text, int64_t *ret_exponent)
{
    bool negative = take_sign(&text);
    if (!negative)
        (void)take_char(&text, "+");
    uint64_t value = EXPONENT_MAX;
    enum status status = read_digits(text, EXPONENT_MAX, &value);
    if (status == STATUS_INVALID_ARGUMENT)
        return status;
    *ret_exponent = negative ? -(int64_t)value : (int64_t)value;
    return STATUS_OK;
}

static enum status
read_number(struct slice text, struct number *ret_number)
{
    struct number number = {.negative = take_sign(&text)};
    number.whole = take_digits(&text);
    if (take_char(&text, "."))
        number.fraction = take_digits(&text);
    if (number.whole.len + number.fraction.len == 0)
        return STATUS_INVALID_ARGUMENT;
    if (take_char(&text, "eE")) {
        enum status status = read_exponent(text, &number.exponent);
        if (status != STATUS_OK)
            return status;
    } else if (text.len > 0) {
        return STATUS_INVALID_ARGUMENT;
    }
    *ret_number = number;
    return STATUS_OK;
}

static uint64_t
put_digits(uint64_t value, struct slice digits)
{
    for (size_t i = 0; i < digits.len; i++)
        value = value * 10 + (uint64_t)(digits.ptr[i] - '0');
    return value;
}

/* Nearly every number there is: an integer and a power of ten that are exact
 * as doubles, so that one division or product rounds once, to what strtod
 * gives (Clinger, How to read floating point numbers accurately, 1990). False
 * for the others. */
static bool
is_exact(const struct number *number, double *ret_value)
{
    static const double powers[] = {
        1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
        1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    const int64_t largest = (int64_t)ARRAY_LEN(powers) - 1;
    size_t digits = number->whole.len + number->fraction.len;
    if (FLT_EVAL_METHOD != 0 || digits > EXACT_DIGITS_MAX)
        return false;
    int64_t power = number->exponent - (int64_t)number->fraction.len;
    uint64_t integer =
        put_digits(put_digits(0, number->whole), number->fraction);
    if (power < -largest || power > largest || integer > EXACT_MAX)
        return false;
    double value = (double)integer;
    value = power < 0 ? value / powers[-power] : value * powers[power];
    *ret_value = number->negative ? -value : value;
    return true;
}

enum status
text_double(struct slice text, double *ret_value)
{
    struct number number;
    enum status status = read_number(text, &number);
    if (status != STATUS_OK)
        return status;
    if (text.len > DOUBLE_TEXT_MAX)
        return STATUS_OUT_OF_RANGE;
    if (is_exact(&number, ret_value))
        return STATUS_OK;
    char copy[DOUBLE_TEXT_MAX + 1];
    memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    /* glibc hands out its built-in "C" without allocating. */
    locale_t locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (locale == (locale_t)0)
        return STATUS_RESOURCE_EXHAUSTED;
    double value = strtod_l(copy, NULL, locale);
    freelocale(locale);
    if (!isfinite(value))
        return STATUS_OUT_OF_RANGE;
    *ret_value = value;
    return STATUS_OK;
}

/* What has been read of a scaled decimal: digits are put in one by one, each
 * with its place; place 0 is the last that counts, place -1 rounds. */
struct scaled {
    uint64_t value;
    uint64_t max;
    bool fits;
};

static void
scaled_put(struct scaled *scaled, char c, int64_t place)
{
    uint64_t digit = (uint64_t)(c - '0');
    if (place < -1)
        return;
    if (place == -1) {
        scaled->fits =
            scaled->fits && (digit < 5 || scaled->value < scaled->max);
        scaled->value += scaled->fits && digit >= 5;
        return;
    }
    scaled->fits = scaled->fits && scaled->value <= (scaled->max - digit) / 10;
    if (scaled->fits)
        scaled->value = scaled->value * 10 + digit;
}

enum status
text_decimal(struct slice text, unsigned scale, int64_t *ret_value)
{
    CHECK(scale <= DECIMAL_SCALE_MAX);
    struct number number;
    enum status status = read_number(text, &number);
    if (status != STATUS_OK)
        return status;
    struct scaled scaled = {.max = (uint64_t)INT64_MAX + number.negative,
                            .fits = true};
    int64_t place = (int64_t)number.whole.len + number.exponent + scale;
    for (size_t i = 0; i < number.whole.len; i++)
        scaled_put(&scaled, number.whole.ptr[i], --place);
    for (size_t i = 0; i < number.fraction.len; i++)
        scaled_put(&scaled, number.fraction.ptr[i], --place);
    /* Zeros that the exponent adds: they end at overflow or at once. */
    while (place > 0 && scaled.fits && scaled.value > 0)
        scaled_put(&scaled, '0', --place);
    if (!scaled.fits)
        return STATUS_OUT_OF_RANGE;
    *ret_value = with_sign(scaled.value, number.negative);
    return STATUS_OK;
}

enum status
text_bool(struct slice text, bool *ret_value)
{
    static const struct {
        struct slice name;
        bool value;
    } names[] = {
        {{"yes", 3}, true},    {{"no", 2}, false}, {{"true", 4}, true},
        {{"false", 5}, false}, {{"on", 2}, true},  {{"off", 3}, false},
        {{"1", 1}, true},      {{"0", 1}, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (slice_eq_fold(text, names[i].name)) {
            *ret_value = names[i].value;
            return STATUS_OK;
        }
    }
    return STATUS_INVALID_ARGUMENT;
}

struct unit {
    struct slice name;
    int64_t factor;
};

/* Digits and one of the units. */
static enum status
read_with_unit(struct slice text, const struct unit *units, size_t count,
               int64_t *ret_value)
{
    struct slice digits = take_digits(&text);
    for (size_t i = 0; i < count; i++) {
        if (!slice_eq(text, units[i].name))
            continue;
        uint64_t value = 0;
        enum status status = read_digits(
            digits, (uint64_t)(INT64_MAX / units[i].factor), &value);
        if (status == STATUS_OK)
            *ret_value = (int64_t)value * units[i].factor;
        return status;
    }
    return STATUS_INVALID_ARGUMENT;
}

enum status
text_duration(struct slice text, int64_t *ret_ms)
{
    static const struct unit units[] = {
        {{"ms", 2}, 1},      {{"s", 1}, 1000},     {{"m", 1}, 60000},
        {{"h", 1}, 3600000}, {{"d", 1}, 86400000},
    };
    if (slice_eq(text, SLICE("0"))) {
        *ret_ms = 0;
        return STATUS_OK;
    }
    return read_with_unit(text, units, ARRAY_LEN(units), ret_ms);
}

enum status
text_size(struct slice text, int64_t *ret_bytes)
{
    static const struct unit units[] = {
        {{"", 0}, 1},
        {{"KiB", 3}, INT64_C(1) << 10},
        {{"MiB", 3}, INT64_C(1) << 20},
        {{"GiB", 3}, INT64_C(1) << 30},
    };
    return read_with_unit(text, units, ARRAY_LEN(units), ret_bytes);
}
