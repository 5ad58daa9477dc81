/* Reading text from outside: UTF-8, numbers, percent-encoding, names.
 *
 * Every function takes a slice, reads all of it or fails, depends on no
 * locale and allocates nothing unless it takes an arena. */
#ifndef CORE_BASE_TEXT_H
#define CORE_BASE_TEXT_H

#include "core/base/arena.h"
#include "core/base/slice.h"
#include "core/base/status.h"

#include <stdbool.h>
#include <stdint.h>

/* Well-formed UTF-8 (no overlong forms, no surrogates, <= U+10FFFF) and no
 * NUL. The empty text is valid. */
bool text_is_utf8(struct slice text);
/* Only the bytes 0x20 to 0x7e, as nearly every text there is: valid UTF-8
 * without control characters, found out at a glance. */
bool text_is_plain(struct slice text);
/* Holds a control character (C0 or DEL, C1 as UTF-8) other than those listed
 * in `allowed` (e.g. "\n\r\t"). */
bool text_has_control(struct slice text, const char *allowed);
/* Whether a code point leaves the text around it as it stands: no control
 * character, no line or paragraph separator, none that is invisible or turns
 * the direction of what follows. */
bool text_is_tame(uint32_t code);
/* One code point from text at *offset, which moves on; U+FFFD and one byte
 * for a malformed sequence. offset must be < text.len. */
uint32_t text_next(struct slice text, size_t *offset);
/* ASCII lower case, copied into the arena; empty after overflow. */
struct slice text_lower(struct arena *arena, struct slice text);

/* Whole text as a number. INVALID_ARGUMENT when it is none (or empty, or has
 * trailing bytes, or a '+'), OUT_OF_RANGE when it does not fit. text_double
 * refuses "nan", "inf" and hexadecimal; ".5" and "5." are numbers, what is too
 * small for a double is 0, more than 1100 bytes are OUT_OF_RANGE. */
enum status text_i64(struct slice text, int64_t *ret_value) MUST_CHECK;
enum status text_u64(struct slice text, uint64_t *ret_value) MUST_CHECK;
enum status text_double(struct slice text, double *ret_value) MUST_CHECK;
/* yes/no, true/false, on/off, 1/0; ASCII case ignored. */
enum status text_bool(struct slice text, bool *ret_value) MUST_CHECK;
/* A duration such as "250ms", "2s", "6h", "5m", "3d" or "0" in milliseconds;
 * a bare number other than 0 is INVALID_ARGUMENT. */
enum status text_duration(struct slice text, int64_t *ret_ms) MUST_CHECK;
/* A size such as "4096", "64KiB", "1MiB", "2GiB" in bytes. */
enum status text_size(struct slice text, int64_t *ret_bytes) MUST_CHECK;
/* Digits and one point as an integer scaled by 10^scale (0 to 18):
 * "0.0000004" at scale 15 is 400000000. Digits below the scale are rounded
 * half away from zero; an exponent is understood ("4e-7").
 * INVALID_ARGUMENT, OUT_OF_RANGE as above. */
enum status
text_decimal(struct slice text, unsigned scale, int64_t *ret_value) MUST_CHECK;

/* The value of a hexadecimal digit of either case; -1 for another byte. */
int text_hex_digit(char c);
/* Undo percent-encoding into the arena; '+' is a space where plus_is_space.
 * INVALID_ARGUMENT for a broken escape, RESOURCE_EXHAUSTED when full. */
enum status text_percent_decode(struct arena *arena, struct slice text,
                                bool plus_is_space,
                                struct slice *ret_text) MUST_CHECK;

#endif
