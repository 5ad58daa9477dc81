/* Decay: how much an event still counts, by whole UTC days.
 *
 * weight = 2^(-age / half-life), in fixed point, so that sums do not depend
 * on the order of their terms. It is made of multiplications and one shift
 * only: libm's exp2 may differ in the last bit between machines. */
#ifndef FEEDBACK_DECAY_H
#define FEEDBACK_DECAY_H

#include "core/base/utc.h"

#include <stdint.h>

#define DECAY_BITS 36
#define DECAY_ONE (UINT64_C(1) << DECAY_BITS) /* the weight of today */

/* The numbers of fold_constants.def. */
#define FOLD_CONSTANT(name, value, unit, origin) FOLD_##name = (value),
enum fold_constant {
#include "feedback/fold_constants.def"
};
#undef FOLD_CONSTANT

enum decay_layer {
    DECAY_PERSONAL,  /* half-life 60 days */
    DECAY_COMMUNITY, /* half-life 120 days */
};

/* The weight of an event of `day`, in units of 1/DECAY_ONE: DECAY_ONE for
 * today and for days after it, 0 from 36 half-lives on. */
uint64_t decay_weight(enum decay_layer layer, utc_day day, utc_day today);
/* A sum of weights as a number: 1 is one event of today. */
double decay_mass(uint64_t weights);

#endif
