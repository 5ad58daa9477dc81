/* Updating: changed layer cells into a book, rescoring only what they touch.
 *
 * A personal cell touches one cell of the table; a community cell touches the
 * base cell and the cells of every tenant who rated that model there. The
 * table afterwards is to the bit the one that score_build makes from the
 * merged layers. */
#ifndef SCORER_SCORE_UPDATE_H
#define SCORER_SCORE_UPDATE_H

#include "scorer/score_book.h"

/* A cell of the table that was rescored; its value is in the table (a
 * tenant's cell that is not there any more was taken out). */
struct score_change {
    struct slice tenant; /* empty: the base cell; lives with the book */
    uint32_t model;
    enum category category;
};

struct score_changes {
    struct score_change *items; /* in the caller's arena */
    size_t count;               /* a cell may come twice */
};

/* `changes` holds the changed cells as they are now; mass 0 takes evidence
 * out. Cells of unknown models are left aside: they count when a catalog knows
 * them. INVALID_ARGUMENT for evidence not finite or out of range: nothing has
 * changed. RESOURCE_EXHAUSTED: the book may be half updated, build it anew.
 * Cost: per touched cell one blend and one insertion into the table. */
enum status score_update(struct score_book *book, const struct layers *changes,
                         ms_time made_at, struct arena *arena,
                         struct score_changes *ret_changes) MUST_CHECK;

#endif
