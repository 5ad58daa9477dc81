/* The arena: a list of blocks, newest first, and a cursor in the newest.
 *
 * Blocks double from BLOCK_FIRST to BLOCK_MAX so that a small arena costs
 * little and a large one few mallocs; a request larger than the next block
 * gets a block of its own size. Memory is zeroed when handed out, because a
 * reset arena gives the same bytes again. */
#include "core/base/arena.h"

#include <stdint.h>
#include <stdlib.h>

#define BLOCK_FIRST ((size_t)4096)
#define BLOCK_MAX ((size_t)1 << 20)
#define ALIGNMENT _Alignof(max_align_t)
#define SIZE_LARGEST (SIZE_MAX / 2) /* sums of it and a header do not wrap */

struct block {
    struct block *older;
    size_t size; /* bytes after the header */
    size_t used;
    _Alignas(max_align_t) char bytes[];
};

struct arena {
    struct block *newest;
    size_t next_size; /* of the next block */
    size_t max_bytes;
    size_t used; /* bytes handed out, rounded up to the alignment */
    bool failed;
};

struct arena *
arena_new(size_t max_bytes)
{
    struct arena *arena = malloc(sizeof *arena);
    if (arena == NULL)
        return NULL;
    *arena = (struct arena){.next_size = BLOCK_FIRST, .max_bytes = max_bytes};
    return arena;
}

void
arena_free(struct arena **arena)
{
    if (*arena == NULL)
        return;
    for (struct block *block = (*arena)->newest; block != NULL;) {
        struct block *older = block->older;
        free(block);
        block = older;
    }
    free(*arena);
    *arena = NULL;
}

void
arena_reset(struct arena *arena)
{
    while (arena->newest != NULL && arena->newest->older != NULL) {
        struct block *older = arena->newest->older;
        free(arena->newest);
        arena->newest = older;
    }
    if (arena->newest != NULL)
        arena->newest->used = 0;
    arena->next_size = BLOCK_FIRST;
    arena->used = 0;
    arena->failed = false;
}

static bool
add_block(struct arena *arena, size_t at_least)
{
    size_t size = arena->next_size;
    if (size < at_least)
        size = at_least;
    else if (arena->next_size < BLOCK_MAX)
        arena->next_size *= 2;
    struct block *block = malloc(sizeof *block + size);
    if (block == NULL)
        return false;
    block->older = arena->newest;
    block->size = size;
    block->used = 0;
    arena->newest = block;
    return true;
}

void *
arena_alloc(struct arena *arena, size_t size)
{
    if (arena->failed)
        return NULL;
    arena->failed = true; /* until this call has succeeded */
    if (size > arena->max_bytes || size > SIZE_LARGEST)
        return NULL;
    size_t rounded = (size + (size == 0) + ALIGNMENT - 1) & ~(ALIGNMENT - 1);
    if (rounded > arena->max_bytes - arena->used)
        return NULL;
    struct block *block = arena->newest;
    if (block == NULL || rounded > block->size - block->used) {
        if (!add_block(arena, rounded))
            return NULL;
        block = arena->newest;
    }
    void *memory = block->bytes + block->used;
    block->used += rounded;
    arena->used += rounded;
    arena->failed = false;
    return memset(memory, 0, rounded);
}

void *
arena_array(struct arena *arena, size_t count, size_t size)
{
    if (size > 0 && count > SIZE_MAX / size) {
        arena->failed = true;
        return NULL;
    }
    return arena_alloc(arena, count * size);
}

char *
arena_text(struct arena *arena, struct slice text)
{
    if (text.len == SIZE_MAX) {
        arena->failed = true;
        return NULL;
    }
    char *copy = arena_alloc(arena, text.len + 1);
    if (copy != NULL && text.len > 0)
        memcpy(copy, text.ptr, text.len);
    return copy;
}

struct slice
arena_slice(struct arena *arena, struct slice text)
{
    char *copy = arena_text(arena, text);
    return slice_make(copy, copy ? text.len : 0);
}

bool
arena_ok(const struct arena *arena)
{
    return !arena->failed;
}

size_t
arena_used(const struct arena *arena)
{
    return arena->used;
}
