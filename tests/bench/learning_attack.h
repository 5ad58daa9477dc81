/* What raters who mean harm, or nothing, can do to one cell of bench_learning:
 * crowds of honest raters of all kinds, with and without them. */
#ifndef TESTS_BENCH_LEARNING_ATTACK_H
#define TESTS_BENCH_LEARNING_ATTACK_H

#include "tests/bench/learning_rule.h"

/* Movements of a score, in points; the larger of all tried crowds. */
struct attack {
    double hostile;       /* one in ten of those who rated says 1, or 5 */
    double hostile_idle;  /* the same where nobody else rated for a year */
    double hostile_fixed; /* the same under the fixed blend */
    double bound;         /* the same for the worst active crowd there is */
    double lazy;          /* ten fours by one who gives only fours: own score */
    double lazy_fixed;
    double lazy_others; /* and through the community, for everybody else */
    double lazy_others_median; /* of the tried crowds */
};

/* Over all arms of the worlds of these seeds; equal input, equal result. */
void attack_try(const struct world *worlds, size_t count,
                const struct rule *rule, struct attack *ret_attack);

#endif
