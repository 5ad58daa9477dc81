/* One line per event, put together in a fixed buffer and written with one
 * write(2), so that lines of several processes in one pipe never mix.
 *
 * Nothing here allocates. A line that does not fit ends with cut=1; a value
 * is cut at a character, and its quote is closed. */
#include "services/runtime/log.h"

#include "core/base/buf.h"
#include "core/base/check.h"
#include "core/base/text.h"
#include "core/base/utc.h"

#include <poll.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define CUT_MARK " cut=1"
/* Kept free at the end of a line: a closing quote, the mark, newline, NUL. */
#define CUT_ROOM (1 + sizeof(CUT_MARK) + 1)
#define EVENT_DEFAULT_INSTANCE "-"
#define LOST_MAX 64 /* bytes of the line about lost ones */

/* The program's one mutable variable: who logs, from which level, where. */
static struct {
    const char *instance;
    enum log_level lowest;
    int fd;
    uint64_t lost; /* lines dropped since the last one that was written */
} logger = {EVENT_DEFAULT_INSTANCE, LOG_INFO, STDERR_FILENO, 0};

static const char *const level_names[] = {
    [LOG_DEBUG] = "debug",
    [LOG_INFO] = "info",
    [LOG_WARN] = "warn",
    [LOG_ERROR] = "error",
};

struct line {
    char bytes[LOG_LINE_MAX];
    size_t len;
    bool cut;
};

void
log_start(const char *instance, enum log_level lowest, int fd)
{
    logger.instance = instance;
    logger.lowest = lowest;
    logger.fd = fd;
}

bool
log_level_find(struct slice name, enum log_level *ret_level)
{
    for (size_t i = 0; i < ARRAY_LEN(level_names); i++) {
        if (slice_eq(name, slice_of(level_names[i]))) {
            *ret_level = (enum log_level)i;
            return true;
        }
    }
    return false;
}

bool
log_enabled(enum log_level level)
{
    return level >= logger.lowest;
}

static size_t
line_room(const struct line *line)
{
    return LOG_LINE_MAX - CUT_ROOM - line->len;
}

/* All of it or nothing. */
static bool
line_put(struct line *line, struct slice text)
{
    if (line->cut || text.len > line_room(line)) {
        line->cut = true;
        return false;
    }
    if (text.len > 0)
        memcpy(line->bytes + line->len, text.ptr, text.len);
    line->len += text.len;
    return true;
}

/* C0, DEL, C1, the two separators of lines that some viewers obey, and bytes
 * that are no UTF-8. */
static bool
is_unprintable(uint32_t c, size_t width)
{
    return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x2028 || c == 0x2029 ||
           (c == 0xfffd && width == 1);
}

static bool
needs_quotes(struct slice text)
{
    if (text.len == 0)
        return true;
    for (size_t at = 0; at < text.len;) {
        size_t from = at;
        uint32_t c = text_next(text, &at);
        if (c == ' ' || c == '=' || c == '"' || c == '\\' ||
            is_unprintable(c, at - from))
            return true;
    }
    return false;
}

static bool
put_escaped(struct line *line, struct slice raw, uint32_t c)
{
    char out[4 * 4];
    size_t len = 0;
    if (c == '"' || c == '\\') {
        out[len++] = '\\';
        out[len++] = (char)c;
        return line_put(line, slice_make(out, len));
    }
    for (size_t i = 0; i < raw.len; i++) {
        static const char digits[] = "0123456789abcdef";
        unsigned char byte = (unsigned char)raw.ptr[i];
        out[len++] = '\\';
        out[len++] = 'x';
        out[len++] = digits[byte >> 4];
        out[len++] = digits[byte & 15];
    }
    return line_put(line, slice_make(out, len));
}

static void
put_value(struct line *line, struct slice text)
{
    if (!needs_quotes(text)) {
        /* Cut between characters rather than leave the value out. */
        for (size_t at = 0; at < text.len;) {
            size_t from = at;
            (void)text_next(text, &at);
            if (!line_put(line, slice_cut(text, from, at)))
                return;
        }
        return;
    }
    if (!line_put(line, SLICE("\"")))
        return;
    for (size_t at = 0; at < text.len;) {
        size_t from = at;
        uint32_t c = text_next(text, &at);
        struct slice raw = slice_cut(text, from, at);
        bool fits = c == '"' || c == '\\' || is_unprintable(c, raw.len)
                        ? put_escaped(line, raw, c)
                        : line_put(line, raw);
        if (!fits)
            break;
    }
    line->bytes[line->len++] = '"'; /* CUT_ROOM holds it */
}

static void
put_double(struct line *line, double number)
{
    struct buf text;
    buf_init(&text, 64);
    buf_put_double(&text, number);
    put_value(line, buf_ok(&text) ? buf_slice(&text) : SLICE("nan"));
    buf_fini(&text);
}

static void
put_number(struct line *line, const struct log_pair *pair)
{
    char text[32];
    int len;
    switch (pair->kind) {
    case LOG_PAIR_I64:
        len = snprintf(text, sizeof(text), "%lld", (long long)pair->i64);
        break;
    case LOG_PAIR_U64:
        len =
            snprintf(text, sizeof(text), "%llu", (unsigned long long)pair->u64);
        break;
    case LOG_PAIR_HEX:
        len = snprintf(text, sizeof(text), "%016llx",
                       (unsigned long long)pair->u64);
        break;
    case LOG_PAIR_TEXT:
    case LOG_PAIR_DOUBLE:
    default:
        return;
    }
    CHECK(len > 0);
    line_put(line, slice_make(text, (size_t)len));
}

static void
put_pair(struct line *line, const struct log_pair *pair)
{
    struct slice key = slice_of(pair->key);
    /* A key without a byte of its value would read as an empty value. */
    if (line->cut || key.len + 4 > line_room(line)) {
        line->cut = true;
        return;
    }
    line_put(line, SLICE(" "));
    line_put(line, key);
    line_put(line, SLICE("="));
    if (pair->kind == LOG_PAIR_TEXT)
        put_value(line, pair->text);
    else if (pair->kind == LOG_PAIR_DOUBLE)
        put_double(line, pair->number);
    else
        put_number(line, pair);
}

static void
put_head(struct line *line, enum log_level level, const char *event)
{
    struct timespec now;
    char stamp[UTC_TEXT_MAX];
    CHECK(clock_gettime(CLOCK_REALTIME, &now) == 0);
    utc_format((ms_time)now.tv_sec * 1000 + now.tv_nsec / 1000000, stamp);
    line_put(line, slice_of(stamp));
    line_put(line, SLICE(" "));
    line_put(line, slice_of(level_names[level]));
    line_put(line, SLICE(" "));
    line_put(line, slice_of(logger.instance));
    line_put(line, SLICE(" "));
    line_put(line, slice_of(event));
}

/* A line is shorter than PIPE_BUF, so a pipe that is writable takes it whole
 * and at once. A reader that stalls (a full disk behind it) must not stall the
 * loop: lines are dropped and counted until it reads again. */
static void
write_line(const struct line *line)
{
    struct pollfd ready = {.fd = logger.fd, .events = POLLOUT};
    char both[LOST_MAX + LOG_LINE_MAX]; /* < PIPE_BUF */
    size_t len = 0;
    if (poll(&ready, 1, 0) != 1 || (ready.revents & POLLOUT) == 0) {
        logger.lost++;
        return;
    }
    if (logger.lost > 0)
        len = (size_t)snprintf(both, LOST_MAX, "(%llu lines lost here)\n",
                               (unsigned long long)logger.lost);
    memcpy(both + len, line->bytes, line->len);
    len += line->len;
    if (write(logger.fd, both, len) == (ssize_t)len)
        logger.lost = 0;
    else
        logger.lost++;
}

void
log_write(enum log_level level, const char *event, const struct log_pair *pairs,
          size_t count)
{
    struct line line;
    line.len = 0;
    line.cut = false;
    if (!log_enabled(level))
        return;
    put_head(&line, level, event);
    for (size_t i = 0; i < count; i++)
        put_pair(&line, &pairs[i]);
    if (line.cut) {
        memcpy(line.bytes + line.len, CUT_MARK, sizeof(CUT_MARK) - 1);
        line.len += sizeof(CUT_MARK) - 1;
    }
    line.bytes[line.len++] = '\n';
    write_line(&line);
}
