/* Classifying: a task in free text in, a category with its reasons out.
 *
 * A linear model over words and phrases: every feature of the lexicon that
 * occurs adds its weights once, scaled by where it occurs. The request counts
 * fully; what follows a blank line or lies far into a long text counts little
 * and is capped, code fences count only as a mark, quoted words and what a text
 * is *about* count less than what is asked for. The category with the highest
 * sum wins; ties go to the earlier one, and `general` starts ahead, so it is
 * the answer when nothing says otherwise. A task that is a category's name is
 * that category.
 *
 * Pure, deterministic, linear in the text (bounded by CLASSIFY_BYTES_MAX),
 * nothing is allocated while classifying. */
#ifndef ROUTER_CLASSIFY_H
#define ROUTER_CLASSIFY_H

#include "core/base/arena.h"
#include "core/base/slice.h"
#include "core/types/vocabulary.h"

#define CLASSIFY_BYTES_MAX 8192 /* of a task; what follows is not read */
#define CLASSIFY_EVIDENCE_MAX 6
/* The margin of a task that names its category. */
#define CLASSIFY_CERTAIN 100.0

struct classifier; /* the model: built once, then only read */

struct classification {
    enum category category;
    /* How far the winner's sum lies above the runner-up's, in weights: 0 is a
     * coin's throw, 2 one strong phrase. */
    double margin;
    double sums[CATEGORY_COUNT];
    /* Words of the task that spoke most for the category, loudest first;
     * borrowed from the task. Empty when only the shape of the text did. */
    struct slice evidence[CLASSIFY_EVIDENCE_MAX];
    size_t evidence_count;
};

/* The built-in model, in the arena. NULL when the arena is full. */
const struct classifier *classify_new(struct arena *arena);
/* Any bytes may be given. */
void classify_text(const struct classifier *classifier, struct slice task,
                   struct classification *ret_classification);

#endif
