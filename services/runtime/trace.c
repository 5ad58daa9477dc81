/* W3C trace context, version 00, and later versions read as 00.
 *
 * Trace ids are random. A span id only has to differ from the other spans of
 * its trace, so it is a hash of the parent and the time in nanoseconds: no
 * system call for each request, no state. */
#include "services/runtime/trace.h"

#include "core/base/check.h"
#include "core/base/hash.h"

#include <stdbool.h>
#include <sys/random.h>
#include <time.h>

#define TRACE_LEN 55 /* bytes of version 00 */

static uint64_t
draw_span(uint64_t a, uint64_t b)
{
    struct timespec now;
    CHECK(clock_gettime(CLOCK_MONOTONIC, &now) == 0);
    uint64_t time = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
    uint64_t span = hash_mix(hash_mix(a, b), time);
    return span != 0 ? span : 1;
}

struct trace
trace_start(void)
{
    struct trace trace = {.flags = 1};
    uint64_t random[2];
    /* At most 256 bytes from an initialised pool never come short. */
    CHECK(getrandom(random, sizeof random, 0) == sizeof random);
    trace.id_high = random[0];
    trace.id_low = random[1] != 0 ? random[1] : 1;
    trace.span = draw_span(trace.id_high, trace.id_low);
    return trace;
}

/* Lower-case hexadecimal digits only, as the standard says. */
static bool
read_hex(const char *digits, size_t count, uint64_t *ret_value)
{
    uint64_t value = 0;
    for (size_t i = 0; i < count; i++) {
        char c = digits[i];
        if (c >= '0' && c <= '9')
            value = value << 4 | (uint64_t)(c - '0');
        else if (c >= 'a' && c <= 'f')
            value = value << 4 | (uint64_t)(c - 'a' + 10);
        else
            return false;
    }
    *ret_value = value;
    return true;
}

static bool
read_parent(struct slice text, struct trace *ret_parent)
{
    uint64_t version, high, low, span, flags;
    if (text.len < TRACE_LEN || text.ptr[2] != '-' || text.ptr[35] != '-' ||
        text.ptr[52] != '-')
        return false;
    if (!read_hex(text.ptr, 2, &version) || version == 0xff)
        return false;
    /* Version 00 ends here; a later one may only go on after a dash. */
    if (text.len > TRACE_LEN && (version == 0 || text.ptr[TRACE_LEN] != '-'))
        return false;
    if (!read_hex(text.ptr + 3, 16, &high) ||
        !read_hex(text.ptr + 19, 16, &low) ||
        !read_hex(text.ptr + 36, 16, &span) ||
        !read_hex(text.ptr + 53, 2, &flags))
        return false;
    if ((high | low) == 0 || span == 0)
        return false;
    *ret_parent = (struct trace){
        .id_high = high, .id_low = low, .span = span, .flags = (uint8_t)flags};
    return true;
}

struct trace
trace_continue(struct slice traceparent)
{
    struct trace trace;
    if (!read_parent(traceparent, &trace))
        return trace_start();
    trace.span = draw_span(trace.id_low, trace.span);
    return trace;
}

static char *
write_hex(char *out, uint64_t value, unsigned digits)
{
    static const char hex[] = "0123456789abcdef";
    for (unsigned i = 0; i < digits; i++)
        out[i] = hex[value >> (4 * (digits - 1 - i)) & 15];
    return out + digits;
}

void
trace_format(const struct trace *trace, char out[TRACE_TEXT_MAX])
{
    out[0] = '0';
    out[1] = '0';
    out[2] = '-';
    char *at = write_hex(out + 3, trace->id_high, 16);
    at = write_hex(at, trace->id_low, 16);
    *at++ = '-';
    at = write_hex(at, trace->span, 16);
    *at++ = '-';
    at = write_hex(at, trace->flags, 2);
    *at = '\0';
}

void
trace_id_format(const struct trace *trace, char out[TRACE_ID_TEXT_MAX])
{
    char *at = write_hex(out, trace->id_high, 16);
    at = write_hex(at, trace->id_low, 16);
    *at = '\0';
}
