/* A byte buffer that grows up to a maximum, for building output.
 *
 * Errors are sticky: after an append that would pass the maximum (or a failed
 * malloc) the buffer keeps what it had, every later append does nothing, and
 * buf_ok says false. So a writer appends without looking and checks once.
 * Numbers are printed the same in every locale. */
#ifndef CORE_BASE_BUF_H
#define CORE_BASE_BUF_H

#include "core/base/slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf {
    char *data;      /* owned, NUL-terminated when not NULL */
    size_t len;      /* bytes in use */
    size_t capacity; /* bytes owned */
    size_t max;      /* bytes allowed */
    bool failed;     /* sticky */
};

/* Starts empty; buf_fini frees. */
void buf_init(struct buf *buf, size_t max);
void buf_fini(struct buf *buf);
/* Length 0, no failure, memory kept. */
void buf_reset(struct buf *buf);
bool buf_ok(const struct buf *buf);
struct slice buf_slice(const struct buf *buf);
/* NUL-terminated text of what is there; "" when empty. */
const char *buf_text(const struct buf *buf);
/* Make room for `more` bytes at the end and return where they start, NULL on
 * overflow; then say how many were written with buf_advance. */
char *buf_reserve(struct buf *buf, size_t more);
void buf_advance(struct buf *buf, size_t written);

void buf_put(struct buf *buf, const void *bytes, size_t len);
void buf_put_char(struct buf *buf, char c);
void buf_put_slice(struct buf *buf, struct slice text);
void buf_put_text(struct buf *buf, const char *text);
void buf_put_u64(struct buf *buf, uint64_t value);
void buf_put_i64(struct buf *buf, int64_t value);
/* `digits` lower-case hexadecimal digits, zero-padded, at most 16. */
void buf_put_hex(struct buf *buf, uint64_t value, unsigned digits);
/* The shortest decimal that reads back as the same double, without a
 * needless ".0"; NaN and infinities fail the buffer. */
void buf_put_double(struct buf *buf, double value);
/* `decimals` (0 to 9) places, half away from zero. */
void buf_put_fixed(struct buf *buf, double value, unsigned decimals);
/* snprintf's format; the caller passes no floating-point conversion. */
void buf_putf(struct buf *buf, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
