/* The default tuning; see tuning.h. Data only. */
#include "scorer/tuning.h"

const struct tuning tuning_default = {
#define CONSTANT(name, value, unit, origin) .name = (value),
#include "scorer/constants.def"
#undef CONSTANT
};
