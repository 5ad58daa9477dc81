/* Picking: the best model for a question, the ones after it, and what the
 * question hides. */
#ifndef ROUTER_PICK_H
#define ROUTER_PICK_H

#include "router/filter.h"

#define PICK_RUNNERS_UP 3

struct pick {
    struct candidate best; /* unset when candidate_count is 0 */
    struct candidate runners_up[PICK_RUNNERS_UP];
    size_t runner_up_count;
    uint32_t candidate_count; /* models that passed every filter */
    uint32_t removed[FILTER_COUNT];
    /* The best by score; another than `best` only for the objective value. */
    struct candidate top;
    bool has_hidden;         /* a filter hides a better and cheaper model … */
    struct candidate hidden; /* … the first of those, by rank … */
    enum filter hidden_by;   /* … and this is the filter */
};

/* Answer a question. No candidate left is an answer too: candidate_count 0
 * and `removed` saying why. RESOURCE_EXHAUSTED when the arena is full. */
enum status pick_best(const struct score_table *table,
                      const struct question *question, struct arena *arena,
                      struct pick *ret_pick) MUST_CHECK;

#endif
