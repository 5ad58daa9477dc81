/* Building: catalog and layers to a score table, whole.
 *
 * A pure function: equal catalog, layers and day give the same table to the
 * bit, on every machine, whatever the order in which evidence once came. */
#ifndef SCORER_SCORE_BUILD_H
#define SCORER_SCORE_BUILD_H

#include "scorer/score_book.h"

/* layers may be NULL (nobody has rated yet) and are only read. The book owns
 * the catalog when OK; else it stays the caller's. Cells of models that the
 * catalog does not know are left aside. INVALID_ARGUMENT for evidence that is
 * not finite or out of range, RESOURCE_EXHAUSTED. Cost: linear in figures and
 * cells. */
enum status score_build(struct catalog *catalog, const struct layers *layers,
                        utc_day today, ms_time made_at,
                        struct score_book **ret_book) MUST_CHECK;

#endif
