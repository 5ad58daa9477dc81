/* What each rater usually gives: sum and count of the ratings before today,
 * by tenant and category.
 *
 * Loaded whole; during a day it does not change, because a new rating counts
 * toward the baseline from the next UTC day on. */
#ifndef SERVICES_FEEDBACKD_BASELINES_H
#define SERVICES_FEEDBACKD_BASELINES_H

#include "core/types/layers.h"

#define BASELINES_BYTES_MAX (256u << 20)

struct baselines;

/* Empty: everyone's baseline is that of no ratings. NULL: no memory. */
struct baselines *baselines_new(void);
void baselines_free(struct baselines **baselines);
/* Each pair once. RESOURCE_EXHAUSTED, ALREADY_EXISTS. */
enum status baselines_add(struct baselines *baselines, struct slice tenant,
                          enum category category, uint64_t sum,
                          uint64_t count) MUST_CHECK;
/* In stars, by personal_baseline. */
double baselines_of(const struct baselines *baselines, struct slice tenant,
                    enum category category);

#endif
