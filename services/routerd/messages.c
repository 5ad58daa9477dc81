/* Values as messages: one small constructor each. */
#include "services/routerd/messages.h"

#include "router/rank.h"

#define INTERVAL_LEVEL 0.9

void *
messages_new(struct arena *arena, const ProtobufCMessageDescriptor *type)
{
    void *message = arena_alloc(arena, type->sizeof_message);
    if (message != NULL)
        protobuf_c_message_init(type, message);
    return message;
}

char *
messages_text(struct arena *arena, struct slice text)
{
    return arena_text(arena, text);
}

char *
messages_sentence(struct arena *arena, struct buf *sentence)
{
    char *text = arena_text(arena, buf_slice(sentence));
    buf_fini(sentence);
    return text;
}

Ss__Decimal *
messages_price(struct arena *arena, nusd_per_mtok price)
{
    Ss__Decimal *decimal = messages_new(arena, &ss__decimal__descriptor);
    if (decimal != NULL)
        decimal->nanos = price;
    return decimal;
}

Ss__Pricing *
messages_pricing(struct arena *arena, const struct model *model)
{
    Ss__Pricing *pricing = messages_new(arena, &ss__pricing__descriptor);
    if (pricing == NULL)
        return NULL;
    if (model->prompt_price >= 0)
        pricing->prompt = messages_price(arena, model->prompt_price);
    if (model->completion_price >= 0)
        pricing->completion = messages_price(arena, model->completion_price);
    return pricing;
}

Ss__Timestamp *
messages_time(struct arena *arena, ms_time time)
{
    Ss__Timestamp *stamp = messages_new(arena, &ss__timestamp__descriptor);
    if (stamp != NULL)
        stamp->ms = time;
    return stamp;
}

Ss__Interval *
messages_interval(struct arena *arena, const struct score *score)
{
    Ss__Interval *interval = messages_new(arena, &ss__interval__descriptor);
    if (interval == NULL)
        return NULL;
    interval->low = rank_shown(score->low);
    interval->high = rank_shown(score->high);
    interval->level = INTERVAL_LEVEL;
    return interval;
}

char *
messages_version(struct arena *arena, uint64_t version)
{
    struct buf digits;
    buf_init(&digits, 32);
    buf_put_hex(&digits, version, 16);
    return messages_sentence(arena, &digits);
}
