/* A slice: borrowed bytes with a length, never owned, not NUL-terminated.
 *
 * Text from outside is a slice until it was validated. Slices compare by
 * bytes; the _fold forms ignore ASCII case only. No function allocates. */
#ifndef CORE_BASE_SLICE_H
#define CORE_BASE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct slice {
    const char *ptr; /* may be NULL when len is 0 */
    size_t len;      /* bytes */
};

/* A slice of a string literal, known at compile time. */
#define SLICE(literal)                                                         \
    ((struct slice){.ptr = (literal), .len = sizeof(literal) - 1})
/* For printf-like "%.*s". */
#define SLICE_ARG(slice) (int)(slice).len, (slice).ptr

/* A slice of a NUL-terminated string; NULL gives the empty slice. */
static inline struct slice
slice_of(const char *text)
{
    return (struct slice){.ptr = text, .len = text ? strlen(text) : 0};
}

static inline struct slice
slice_make(const char *ptr, size_t len)
{
    return (struct slice){.ptr = ptr, .len = len};
}

bool slice_eq(struct slice a, struct slice b);
bool slice_eq_fold(struct slice a, struct slice b); /* ASCII case ignored */
int slice_cmp(struct slice a, struct slice b);      /* memcmp order */
bool slice_starts(struct slice text, struct slice prefix);
bool slice_ends(struct slice text, struct slice suffix);
/* The position of needle in text, or -1. The empty needle is at 0. */
ptrdiff_t slice_find(struct slice text, struct slice needle);
/* Without ASCII white space at both ends. */
struct slice slice_trim(struct slice text);
/* text[from, to), both cut to the length. */
struct slice slice_cut(struct slice text, size_t from, size_t to);
/* Take the part before the next separator off *rest; false when *rest is
 * spent. "a,,b" gives "a", "", "b"; "" gives "" once, then false: mark the
 * end with rest->ptr == NULL. */
bool slice_split(struct slice *rest, char separator, struct slice *ret_part);

#endif
