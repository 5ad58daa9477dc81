/* Building; see score_build.h.
 *
 * All evidence is noted first, then every base cell and every tenant's cell
 * is scored once. */
#include "scorer/score_build.h"

static enum status
note_layers(struct score_book *book, const struct layers *layers)
{
    uint32_t ignored;
    for (size_t i = 0; i < layers->community_count; i++) {
        enum status status =
            score_book_note_community(book, &layers->community[i], &ignored);
        if (status != STATUS_OK && status != STATUS_NOT_FOUND)
            return status;
    }
    for (size_t i = 0; i < layers->personal_count; i++) {
        enum status status =
            score_book_note_personal(book, &layers->personal[i], &ignored);
        if (status != STATUS_OK && status != STATUS_NOT_FOUND)
            return status;
    }
    return STATUS_OK;
}

static enum status
score_all(struct score_book *book)
{
    struct score_table *table = book->table;
    size_t cells = table->catalog->count * CATEGORY_COUNT;
    for (uint32_t i = 0; i < cells; i++)
        table->base[i] = score_book_base_score(book, i);
    for (uint32_t i = 0; i < book->rating_count; i++) {
        enum status status = score_book_score_personal(book, i);
        if (status != STATUS_OK)
            return status;
    }
    table->version = score_table_hash(table);
    return STATUS_OK;
}

static enum status
fill(struct score_table *table, const struct layers *layers,
     struct score_book **ret_book)
{
    struct score_book *book = NULL;
    enum status status = score_book_new(table, &book);
    if (status != STATUS_OK)
        return status;
    if (layers != NULL)
        status = note_layers(book, layers);
    if (status == STATUS_OK)
        status = score_all(book);
    if (status != STATUS_OK) {
        book->table = NULL; /* score_build's to free */
        score_book_free(&book);
        return status;
    }
    *ret_book = book;
    return STATUS_OK;
}

enum status
score_build(struct catalog *catalog, const struct layers *layers, utc_day today,
            ms_time made_at, struct score_book **ret_book)
{
    struct score_table *table = NULL;
    enum status status = score_table_new(catalog, today, &table);
    if (status != STATUS_OK)
        return status;
    table->made_at = made_at;
    status = fill(table, layers, ret_book);
    if (status != STATUS_OK) {
        table->catalog = NULL; /* stays the caller's */
        score_table_free(&table);
    }
    return status;
}
