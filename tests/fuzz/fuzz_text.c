/* links: core_base
 * Every reader of text.h and utc.h over any bytes: they agree with one
 * another, and what is printed reads back. */
#include "core/base/buf.h"
#include "core/base/check.h"
#include "core/base/text.h"
#include "core/base/utc.h"

#include <math.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
try_numbers(struct slice text)
{
    int64_t whole;
    int64_t scaled;
    uint64_t magnitude;
    double number;
    bool on;
    bool is_whole = text_i64(text, &whole) == STATUS_OK;
    if (is_whole) {
        CHECK(text_decimal(text, 0, &scaled) == STATUS_OK && scaled == whole);
        if (text.ptr[0] != '-') /* "-0" is one too */
            CHECK(text_u64(text, &magnitude) == STATUS_OK);
    }
    bool is_double = text_double(text, &number) == STATUS_OK;
    enum status status = text_decimal(text, 9, &scaled);
    CHECK(!is_double || status != STATUS_INVALID_ARGUMENT);
    if (is_double) {
        struct buf buf;
        double back;
        buf_init(&buf, 64);
        buf_put_double(&buf, number);
        CHECK(text_double(buf_slice(&buf), &back) == STATUS_OK);
        CHECK(back == number && signbit(back) == signbit(number));
        buf_fini(&buf);
    }
    (void)!text_bool(text, &on);
    if (text_duration(text, &whole) == STATUS_OK)
        CHECK(whole >= 0);
    if (text_size(text, &whole) == STATUS_OK)
        CHECK(whole >= 0);
}

static void
try_times(struct slice text)
{
    utc_day day;
    ms_time time;
    char printed[UTC_TEXT_MAX];
    if (utc_day_parse(text, &day) == STATUS_OK) {
        utc_day_format(day, printed);
        CHECK(slice_eq(slice_of(printed), text));
    }
    if (utc_parse(text, &time) == STATUS_OK) {
        ms_time back = -1;
        utc_format(time, printed);
        CHECK(utc_parse(slice_of(printed), &back) == STATUS_OK);
        CHECK(back == time);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice text = slice_make((const char *)data, size);
    try_numbers(text);
    try_times(text);
    bool clean = text_is_utf8(text);
    size_t points = 0;
    bool replaced = false;
    bool nul = false;
    for (size_t i = 0; i < size; points++) {
        size_t from = i;
        uint32_t code = text_next(text, &i);
        replaced = replaced || (code == 0xfffd && i - from == 1);
        nul = nul || code == 0;
    }
    CHECK(points <= size && clean == (!replaced && !nul));
    (void)text_has_control(text, "\n\t");
    struct arena *arena = arena_new(2 * size + 1024);
    struct slice decoded;
    if (text_percent_decode(arena, text, true, &decoded) == STATUS_OK)
        CHECK(decoded.len <= size);
    CHECK(text_lower(arena, text).len == size);
    arena_free(&arena);
    return 0;
}
