/* The book; see score_book.h.
 *
 * Ratings live in one growing array; those of a cell are a list through it,
 * and a map finds the one of a tenant. A rating that is taken back keeps its
 * place with mass 0, ready to return. */
#include "scorer/score_book.h"
#include "core/base/check.h"
#include "scorer/blend.h"

#include <stdlib.h>

#define RATINGS_FIRST 256 /* capacity */
#define KEY_MAX (TENANT_MAX + 1 + sizeof(uint32_t))

static struct slice
rating_key(struct slice tenant, uint32_t cell, char *out)
{
    memcpy(out, &cell, sizeof cell);
    memcpy(out + sizeof cell, tenant.ptr, tenant.len);
    return slice_make(out, sizeof cell + tenant.len);
}

static enum status
fill_beliefs(struct score_book *book)
{
    const struct catalog *catalog = book->table->catalog;
    normalize_catalog(catalog, &tuning_default, &book->normals);
    book->cells = ARENA_ARRAY(book->arena, struct book_cell,
                              catalog->count * CATEGORY_COUNT);
    book->rating_index = map_new(book->arena, RATINGS_FIRST);
    if (book->cells == NULL || book->rating_index == NULL)
        return STATUS_RESOURCE_EXHAUSTED;
    for (size_t m = 0; m < catalog->count; m++) {
        struct belief beliefs[CATEGORY_COUNT];
        category_beliefs(&book->normals, &catalog->models[m], 0, beliefs);
        for (size_t c = 0; c < CATEGORY_COUNT; c++)
            book->cells[m * CATEGORY_COUNT + c] = (struct book_cell){
                .belief = beliefs[c], .first = SCORE_BOOK_NO_RATING};
    }
    return STATUS_OK;
}

enum status
score_book_new(struct score_table *table, struct score_book **ret_book)
{
    struct score_book *book = calloc(1, sizeof *book);
    if (book == NULL)
        return STATUS_RESOURCE_EXHAUSTED;
    book->arena = arena_new(SCORE_BOOK_BYTES_MAX);
    book->table = table;
    if (book->arena == NULL || fill_beliefs(book) != STATUS_OK) {
        book->table = NULL; /* still the caller's */
        score_book_free(&book);
        return STATUS_RESOURCE_EXHAUSTED;
    }
    *ret_book = book;
    return STATUS_OK;
}

void
score_book_free(struct score_book **book)
{
    if (*book == NULL)
        return;
    if ((*book)->table != NULL)
        score_table_free(&(*book)->table);
    arena_free(&(*book)->arena);
    free((*book)->ratings);
    free(*book);
    *book = NULL;
}

struct catalog *
score_book_take_catalog(struct score_book *book)
{
    struct catalog *catalog = book->table->catalog;
    book->table->catalog = NULL;
    return catalog;
}

static enum status
find_cell(const struct score_book *book, struct slice id,
          enum category category, uint32_t *ret_cell)
{
    uint32_t model;
    if ((unsigned)category >= CATEGORY_COUNT)
        return STATUS_INVALID_ARGUMENT;
    if (!map_find(book->table->catalog->by_id, id, &model))
        return STATUS_NOT_FOUND;
    *ret_cell = model * CATEGORY_COUNT + category;
    return STATUS_OK;
}

enum status
score_book_note_community(struct score_book *book,
                          const struct community_cell *community,
                          uint32_t *ret_cell)
{
    struct blend_evidence evidence = {.community_mass = community->mass,
                                      .community_mean = community->mean};
    uint32_t cell;
    if (!blend_is_valid(&evidence))
        return STATUS_INVALID_ARGUMENT;
    enum status status =
        find_cell(book, community->model, community->category, &cell);
    if (status != STATUS_OK)
        return status;
    book->cells[cell].community_mass = community->mass;
    book->cells[cell].community_mean = community->mean;
    *ret_cell = cell;
    return STATUS_OK;
}

static enum status
grow_ratings(struct score_book *book)
{
    if (book->rating_count < book->rating_capacity)
        return STATUS_OK;
    if (book->rating_count >= LAYERS_CELLS_MAX)
        return STATUS_RESOURCE_EXHAUSTED;
    size_t capacity =
        book->rating_capacity ? book->rating_capacity * 2 : RATINGS_FIRST;
    struct book_rating *ratings =
        realloc(book->ratings, capacity * sizeof *ratings);
    if (ratings == NULL)
        return STATUS_RESOURCE_EXHAUSTED;
    book->ratings = ratings;
    book->rating_capacity = capacity;
    return STATUS_OK;
}

static enum status
add_rating(struct score_book *book, struct slice key, struct slice tenant,
           uint32_t cell, uint32_t *ret_rating)
{
    uint32_t index = (uint32_t)book->rating_count;
    enum status status = grow_ratings(book);
    if (status != STATUS_OK)
        return status;
    struct slice name = arena_slice(book->arena, tenant);
    if (!arena_ok(book->arena))
        return STATUS_RESOURCE_EXHAUSTED;
    status = map_add(book->rating_index, key, index);
    if (status != STATUS_OK)
        return status;
    book->ratings[index] = (struct book_rating){
        .tenant = name,
        .model = cell / CATEGORY_COUNT,
        .category = (enum category)(cell % CATEGORY_COUNT),
        .next = book->cells[cell].first,
    };
    book->cells[cell].first = index;
    book->cells[cell].ratings++;
    book->rating_count++;
    *ret_rating = index;
    return STATUS_OK;
}

enum status
score_book_note_personal(struct score_book *book,
                         const struct personal_cell *personal,
                         uint32_t *ret_rating)
{
    struct blend_evidence evidence = {.personal_mass = personal->mass,
                                      .personal_shift = personal->shift};
    char bytes[KEY_MAX];
    uint32_t cell;
    uint32_t rating;
    if (!blend_is_valid(&evidence) || personal->tenant.len == 0 ||
        personal->tenant.len > TENANT_MAX)
        return STATUS_INVALID_ARGUMENT;
    enum status status =
        find_cell(book, personal->model, personal->category, &cell);
    if (status != STATUS_OK)
        return status;
    struct slice key = rating_key(personal->tenant, cell, bytes);
    if (!map_find(book->rating_index, key, &rating)) {
        status = add_rating(book, key, personal->tenant, cell, &rating);
        if (status != STATUS_OK)
            return status;
    }
    book->ratings[rating].mass = personal->mass;
    book->ratings[rating].shift = personal->shift;
    *ret_rating = rating;
    return STATUS_OK;
}

struct score
score_book_base_score(const struct score_book *book, uint32_t cell)
{
    const struct book_cell *known = &book->cells[cell];
    struct blend_evidence evidence = {.community_mass = known->community_mass,
                                      .community_mean = known->community_mean};
    return blend(book->normals.tuning, &known->belief, &evidence);
}

/* A tenant without mass has no cell of its own: the base cell says the same,
 * and score_table_set_personal takes a score that is not present out. */
enum status
score_book_score_personal(struct score_book *book, uint32_t rating)
{
    const struct book_rating *own = &book->ratings[rating];
    const struct book_cell *known =
        &book->cells[own->model * CATEGORY_COUNT + own->category];
    struct blend_evidence evidence = {
        .community_mass = known->community_mass,
        .community_mean = known->community_mean,
        .personal_mass = own->mass,
        .personal_shift = own->shift,
    };
    struct personal_score cell = {
        .tenant = own->tenant, .model = own->model, .category = own->category};
    if (own->mass > 0)
        cell.score = blend(book->normals.tuning, &known->belief, &evidence);
    return score_table_set_personal(book->table, &cell);
}
