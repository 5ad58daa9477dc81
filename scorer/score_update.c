/* Updating; see score_update.h.
 *
 * All changes are checked, then noted, then what they touch is rescored: a
 * tenant's cell must see the community evidence of the same delta. */
#include "scorer/score_update.h"
#include "scorer/blend.h"

static bool
changes_are_valid(const struct layers *changes)
{
    for (size_t i = 0; i < changes->community_count; i++) {
        struct blend_evidence evidence = {
            .community_mass = changes->community[i].mass,
            .community_mean = changes->community[i].mean};
        if (!blend_is_valid(&evidence) ||
            (unsigned)changes->community[i].category >= CATEGORY_COUNT)
            return false;
    }
    for (size_t i = 0; i < changes->personal_count; i++) {
        const struct personal_cell *cell = &changes->personal[i];
        struct blend_evidence evidence = {.personal_mass = cell->mass,
                                          .personal_shift = cell->shift};
        if (!blend_is_valid(&evidence) || cell->tenant.len == 0 ||
            cell->tenant.len > TENANT_MAX ||
            (unsigned)cell->category >= CATEGORY_COUNT)
            return false;
    }
    return true;
}

/* What was noted, by index; UINT32_MAX for an unknown model. */
struct touched {
    uint32_t *cells;
    uint32_t *ratings;
};

static enum status
note(struct score_book *book, const struct layers *changes,
     struct touched *touched, size_t *ret_most)
{
    size_t most = changes->community_count + changes->personal_count;
    for (size_t i = 0; i < changes->personal_count; i++) {
        touched->ratings[i] = UINT32_MAX;
        enum status status = score_book_note_personal(
            book, &changes->personal[i], &touched->ratings[i]);
        if (status != STATUS_OK && status != STATUS_NOT_FOUND)
            return status;
    }
    for (size_t i = 0; i < changes->community_count; i++) {
        touched->cells[i] = UINT32_MAX;
        enum status status = score_book_note_community(
            book, &changes->community[i], &touched->cells[i]);
        if (status != STATUS_OK && status != STATUS_NOT_FOUND)
            return status;
        if (status == STATUS_OK)
            most += book->cells[touched->cells[i]].ratings;
    }
    *ret_most = most;
    return STATUS_OK;
}

static enum status
rescore_rating(struct score_book *book, uint32_t rating,
               struct score_changes *out)
{
    const struct book_rating *own = &book->ratings[rating];
    out->items[out->count++] =
        (struct score_change){own->tenant, own->model, own->category};
    return score_book_score_personal(book, rating);
}

static enum status
rescore_cell(struct score_book *book, uint32_t cell, struct score_changes *out)
{
    uint32_t model = cell / CATEGORY_COUNT;
    enum category category = (enum category)(cell % CATEGORY_COUNT);
    struct score score = score_book_base_score(book, cell);
    score_table_set_base(book->table, model, category, &score);
    out->items[out->count++] =
        (struct score_change){.model = model, .category = category};
    for (uint32_t i = book->cells[cell].first; i != SCORE_BOOK_NO_RATING;
         i = book->ratings[i].next) {
        enum status status = rescore_rating(book, i, out);
        if (status != STATUS_OK)
            return status;
    }
    return STATUS_OK;
}

static enum status
rescore(struct score_book *book, const struct layers *changes,
        const struct touched *touched, struct score_changes *out)
{
    for (size_t i = 0; i < changes->community_count; i++) {
        if (touched->cells[i] == UINT32_MAX)
            continue;
        enum status status = rescore_cell(book, touched->cells[i], out);
        if (status != STATUS_OK)
            return status;
    }
    for (size_t i = 0; i < changes->personal_count; i++) {
        if (touched->ratings[i] == UINT32_MAX)
            continue;
        enum status status = rescore_rating(book, touched->ratings[i], out);
        if (status != STATUS_OK)
            return status;
    }
    return STATUS_OK;
}

enum status
score_update(struct score_book *book, const struct layers *changes,
             ms_time made_at, struct arena *arena,
             struct score_changes *ret_changes)
{
    struct touched touched = {
        .cells = ARENA_ARRAY(arena, uint32_t, changes->community_count),
        .ratings = ARENA_ARRAY(arena, uint32_t, changes->personal_count),
    };
    struct score_changes out = {0};
    size_t most = 0;
    if (touched.cells == NULL || touched.ratings == NULL)
        return STATUS_RESOURCE_EXHAUSTED;
    if (!changes_are_valid(changes))
        return STATUS_INVALID_ARGUMENT;
    enum status status = note(book, changes, &touched, &most);
    if (status != STATUS_OK)
        return status;
    out.items = ARENA_ARRAY(arena, struct score_change, most);
    if (out.items == NULL)
        return STATUS_RESOURCE_EXHAUSTED;
    status = rescore(book, changes, &touched, &out);
    if (status != STATUS_OK)
        return status;
    book->table->made_at = made_at;
    *ret_changes = out;
    return STATUS_OK;
}
