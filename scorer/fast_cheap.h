/* fast-cheap: small mechanical work wants a low price, a high speed, and a
 * model that is good enough.
 *
 *   raw  = (3 price + 3 speed + 2 quality) / (weights that are known)
 *   mean = floor * (50 + r (raw - 50))
 *
 * price = 100 h / (h + p), p the mixed price (3 prompt : 1 completion) in USD
 * per 1 M tokens, h = 0.5: free earns 100, h earns 50. speed = 50 + 20 z of
 * output tokens per second. quality = the general score. floor = 0 at a
 * general score of 35 and below, 1 from 50 on, straight between, so that a
 * free model that gets things wrong earns nothing. r is the share of the
 * weights that is known: price says nothing about speed (they are other
 * traits, not two measurements of one), so what is expected of an unknown
 * speed is the average and nothing more. category.h's formula with a ratio of
 * 1 says the same.
 * A model without a general score, or with a negative price, has no belief
 * here. */
#ifndef SCORER_FAST_CHEAP_H
#define SCORER_FAST_CHEAP_H

#include "core/types/model.h"
#include "scorer/category.h"
#include "scorer/normalize.h"

struct belief fast_cheap_belief(const struct normals *normals,
                                const struct model *model, uint32_t without,
                                const struct belief *general);

#endif
