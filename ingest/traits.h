/* Traits: what follows from an offer and its speed, by fixed rules.
 *
 * tier, tags, capabilities and whether a model is a candidate at all. The
 * rules' numbers are in traits.c and in core/types/{tier,tag}.def. */
#ifndef INGEST_TRAITS_H
#define INGEST_TRAITS_H

#include "core/types/model.h"
#include "ingest/record.h"

/* Fill identity, price, limits, capabilities, tier, tags (without speed) and
 * standing from an offer. The model's slices point into the offer. `name` is
 * shortened by the vendor's prefix ("Anthropic: Claude" to "Claude"). */
void traits_from_offer(const struct offer *offer, struct slice name,
                       utc_day today, struct model *ret_model);
/* The tags fast and slow from output_tokens_per_second. */
void traits_set_speed(struct model *model);
/* Judge the expiry anew: a candidate whose day has passed is expired, and an
 * expired model whose date moved is a candidate again. */
void traits_set_day(struct model *model, utc_day today);
/* The tier of a price at a provider. */
enum tier traits_tier(struct slice provider, nusd_per_mtok prompt_price);
/* The part of an id before its first '/', without '~'. */
struct slice traits_provider(struct slice id);

#endif
