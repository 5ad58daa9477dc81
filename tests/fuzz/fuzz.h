/* What fuzz targets share: the entry point, an input that is taken apart from
 * its front, an arena for a run.
 *
 * An input that a target takes apart is a row of numbers and texts; a text
 * has its length (2 bytes, little-endian) before it. What is missing at the
 * end reads as 0 and as the empty text, so every input means something. */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include "core/base/arena.h"
#include "core/base/buf.h"
#include "core/base/check.h"
#include "core/base/slice.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline struct slice
fuzz_slice(const uint8_t *data, size_t size)
{
    return slice_make((const char *)data, size);
}

/* Little-endian number of `width` bytes (at most 8) off the front. */
static inline uint64_t
fuzz_number(struct slice *rest, size_t width)
{
    uint64_t value = 0;
    for (size_t i = 0; i < width && i < rest->len; i++)
        value |= (uint64_t)(uint8_t)rest->ptr[i] << (8 * i);
    *rest = slice_cut(*rest, width, rest->len);
    return value;
}

/* One of `count` values. */
static inline size_t
fuzz_choice(struct slice *rest, size_t count)
{
    return (size_t)fuzz_number(rest, 1) % count;
}

static inline struct slice
fuzz_text(struct slice *rest)
{
    size_t len = (size_t)fuzz_number(rest, 2);
    struct slice text = slice_cut(*rest, 0, len);
    *rest = slice_cut(*rest, text.len, rest->len);
    return text;
}

/* A copy with exactly its bytes on the heap, so that a read behind them is
 * seen; NUL-terminated when `terminated`. The caller frees it. */
static inline char *
fuzz_copy(struct slice text, bool terminated)
{
    char *copy = malloc(text.len + terminated + (text.len + terminated == 0));
    CHECK(copy != NULL);
    if (text.len > 0)
        memcpy(copy, text.ptr, text.len);
    if (terminated)
        copy[text.len] = '\0';
    return copy;
}

/* The arena at *arena, made at the first run and empty at each: a malloc for
 * each run costs more than most of what is tried. */
static inline struct arena *
fuzz_arena(struct arena **arena, size_t max_bytes)
{
    if (*arena == NULL)
        *arena = arena_new(max_bytes);
    CHECK(*arena != NULL);
    arena_reset(*arena);
    return *arena;
}

#endif
