/* Values of core/types as messages of the contract, made in an arena.
 *
 * When the arena overflows they return NULL, which is an unset field; who
 * builds an answer looks at arena_ok once, at the end. */
#ifndef SERVICES_ROUTERD_MESSAGES_H
#define SERVICES_ROUTERD_MESSAGES_H

#include "core/base/arena.h"
#include "core/base/buf.h"
#include "core/base/utc.h"
#include "core/types/model.h"
#include "core/types/score_table.h"

#include "router.pb-c.h"

/* An initialised message of the type; NULL after overflow. */
void *messages_new(struct arena *arena, const ProtobufCMessageDescriptor *type);
/* A NUL-terminated copy, as protobuf-c wants it. */
char *messages_text(struct arena *arena, struct slice text);
/* What the buffer holds, as a text; ends the buffer. */
char *messages_sentence(struct arena *arena, struct buf *sentence);
Ss__Decimal *messages_price(struct arena *arena, nusd_per_mtok price);
/* A negative price is unknown: unset. */
Ss__Pricing *messages_pricing(struct arena *arena, const struct model *model);
Ss__Timestamp *messages_time(struct arena *arena, ms_time time);
/* The 90 % interval, as shown. */
Ss__Interval *messages_interval(struct arena *arena, const struct score *score);
/* 16 hexadecimal digits. */
char *messages_version(struct arena *arena, uint64_t version);

#endif
