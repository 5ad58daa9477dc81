/* Reports of many instances on one model in one category, folded into a
 * community cell.
 *
 * All reports of one instance in one ISO week are one vote, their mean. An
 * instance's votes, weighted 2^(-age/120 d) by the week's start, are its
 * voice; the cell's mean is the 20 % trimmed mean of the voices, released
 * from COMMUNITY_RELEASE_FROM instances on. */
#ifndef FEEDBACK_COMMUNITY_H
#define FEEDBACK_COMMUNITY_H

#include "core/base/arena.h"
#include "core/base/status.h"
#include "core/types/layers.h"

#define COMMUNITY_RELEASE_FROM 5       /* instances */
#define COMMUNITY_REPORTS_PER_HOUR 100 /* per instance */
#define COMMUNITY_VOTES_MAX (1u << 24) /* of one cell */

/* One vote: what one instance said in one week. */
struct community_vote {
    struct slice instance;
    utc_day week;     /* its Monday */
    uint32_t sum;     /* of stars */
    uint32_t reports; /* > 0 */
};

/* Fold the votes (any order; scratch memory from the arena, about 50 bytes a
 * vote) into the cell's mass, mean, contributors and ratings. Votes of one
 * instance and week are put together first; a week after today counts as
 * today's. Each instance has one voice of equal weight in the mean, however
 * often it voted; the mass is the sum of all weights.
 * NOT_FOUND when fewer than COMMUNITY_RELEASE_FROM instances have a vote:
 * contributors and ratings are set, mass and mean are 0. INVALID_ARGUMENT for
 * a vote with no reports or a mean outside 1..5; RESOURCE_EXHAUSTED when the
 * arena is full or there are more than COMMUNITY_VOTES_MAX (the cell is
 * untouched by these two). */
enum status community_fold(const struct community_vote *votes, size_t count,
                           utc_day today, struct arena *scratch,
                           struct community_cell *cell) MUST_CHECK;

#endif
