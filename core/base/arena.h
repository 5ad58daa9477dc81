/* An arena: memory that lives and dies together.
 *
 * Allocation is a pointer bump in blocks that grow; nothing is freed one by
 * one. Each arena has a maximum in bytes. Reaching it (or malloc failing)
 * makes the overflow sticky: that call and every later one returns NULL, and
 * arena_ok says false, so a builder may allocate freely and look once at its
 * end. Not thread-safe: an arena belongs to one thread. */
#ifndef CORE_BASE_ARENA_H
#define CORE_BASE_ARENA_H

#include "core/base/check.h"
#include "core/base/slice.h"
#include "core/base/status.h"

#include <stdbool.h>
#include <stddef.h>

struct arena;

/* An empty arena that will hold at most max_bytes. NULL when malloc fails.
 * The caller owns it and ends it with arena_free. */
struct arena *arena_new(size_t max_bytes);
/* Free everything and set *arena to NULL; NULL inside is fine. */
void arena_free(struct arena **arena);
/* Forget what was allocated but keep the first block; clears the overflow. */
void arena_reset(struct arena *arena);

/* `size` zeroed bytes aligned for any type; NULL after overflow. size 0 gives
 * a valid pointer that must not be read. */
void *arena_alloc(struct arena *arena, size_t size);
/* Room for count items of size bytes, zeroed; overflow of the product is an
 * overflow of the arena. */
void *arena_array(struct arena *arena, size_t count, size_t size);
/* A NUL-terminated copy of the bytes; NULL after overflow. */
char *arena_text(struct arena *arena, struct slice text);
/* A copy as a slice (also NUL-terminated); the empty slice after overflow. */
struct slice arena_slice(struct arena *arena, struct slice text);

/* False once an allocation failed since the last reset. */
bool arena_ok(const struct arena *arena);
/* Bytes handed out since the last reset, without block overhead. */
size_t arena_used(const struct arena *arena);

#define ARENA_NEW(arena, type) ((type *)arena_alloc((arena), sizeof(type)))
#define ARENA_ARRAY(arena, type, count)                                        \
    ((type *)arena_array((arena), (count), sizeof(type)))

#endif
