/* The numbers of constants.def as one value.
 *
 * Scoring functions get them by pointer instead of reading macros, so that a
 * simulation may try others. Units and origins stand in constants.def. */
#ifndef SCORER_TUNING_H
#define SCORER_TUNING_H

struct tuning {
#define CONSTANT(name, value, unit, origin) double name;
#include "scorer/constants.def"
#undef CONSTANT
};

/* What constants.def says. */
extern const struct tuning tuning_default;

#endif
