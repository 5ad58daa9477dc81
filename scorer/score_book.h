/* The book: a score table together with what it was made from, so that one
 * rating rescores only what it touches.
 *
 * score_build makes it, score_update moves it. For each (model, category) it
 * holds the belief from benchmarks, the community evidence and the list of
 * tenants with ratings of their own there. It owns its table and the table its
 * catalog. Not thread-safe. */
#ifndef SCORER_SCORE_BOOK_H
#define SCORER_SCORE_BOOK_H

#include "core/base/arena.h"
#include "core/base/map.h"
#include "core/types/layers.h"
#include "core/types/score_table.h"
#include "scorer/category.h"

#define SCORE_BOOK_BYTES_MAX ((size_t)1 << 30) /* of its arena */
#define SCORE_BOOK_NO_RATING UINT32_MAX

/* One tenant's evidence on one cell. Mass 0: it has none any more. */
struct book_rating {
    struct slice tenant;
    uint32_t model;
    enum category category;
    double mass, shift;
    uint32_t next; /* the next on the same cell, or SCORE_BOOK_NO_RATING */
};

struct book_cell {
    struct belief belief;
    double community_mass, community_mean;
    uint32_t first;   /* into ratings, or SCORE_BOOK_NO_RATING */
    uint32_t ratings; /* length of that list */
};

struct score_book {
    struct score_table *table;   /* owned */
    struct arena *arena;         /* owned: cells, tenants' names, index */
    struct book_cell *cells;     /* [model * CATEGORY_COUNT + category] */
    struct book_rating *ratings; /* owned, grows; never shrinks */
    size_t rating_count;
    size_t rating_capacity;
    struct map *rating_index; /* (tenant, model, category) -> rating */
    struct normals normals;
};

/* A book over a table without scores; cells have their beliefs. It takes the
 * table over when it succeeds. RESOURCE_EXHAUSTED. */
enum status score_book_new(struct score_table *table,
                           struct score_book **ret_book) MUST_CHECK;
/* Free the book with its table and catalog and set it to NULL. */
void score_book_free(struct score_book **book);
/* Take the catalog out, for a new book over it; this book can then only be
 * freed. The caller owns it. */
struct catalog *score_book_take_catalog(struct score_book *book);

/* Note evidence; nothing is scored yet. A model that the catalog does not
 * know is left aside: NOT_FOUND. INVALID_ARGUMENT for numbers that
 * blend_is_valid refuses or a bad tenant, RESOURCE_EXHAUSTED. ret_cell is the
 * index into cells, ret_rating that into ratings. */
enum status score_book_note_community(struct score_book *book,
                                      const struct community_cell *community,
                                      uint32_t *ret_cell) MUST_CHECK;
enum status score_book_note_personal(struct score_book *book,
                                     const struct personal_cell *personal,
                                     uint32_t *ret_rating) MUST_CHECK;

/* Score the base cell, or one tenant's, from what is noted and put it into
 * the table. The first leaves table->version as it is (score_build hashes
 * once at the end), the second moves it. */
struct score
score_book_base_score(const struct score_book *book, uint32_t cell);
enum status
score_book_score_personal(struct score_book *book, uint32_t rating) MUST_CHECK;

#endif
