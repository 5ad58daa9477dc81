/* A decision packed and sealed. */
#include "services/routerd/decision.h"

#include "core/base/check.h"
#include "services/routerd/messages.h"

#include "decision.pb-c.h"

#define TOKEN_MAX 512 /* bytes of text; feedbackd takes as many */

char *
decision_id(struct arena *arena, const struct secret_key *key,
            uint64_t table_version, const struct question *question,
            struct slice model)
{
    Ss__Decision decision = SS__DECISION__INIT;
    uint8_t packed[SECRET_PLAIN_MAX];
    struct buf token;
    size_t len;

    decision.table_version = table_version;
    decision.question_hash = question_hash(question);
    decision.tenant = messages_text(arena, question->tenant);
    decision.model = messages_text(arena, model);
    decision.category =
        messages_text(arena, slice_of(category_name(question->category)));
    if (!decision.tenant || !decision.model || !decision.category)
        return NULL;
    len = ss__decision__get_packed_size(&decision);
    CHECK(len <= sizeof(packed));
    (void)ss__decision__pack(&decision, packed);
    buf_init(&token, TOKEN_MAX);
    secret_seal(key, slice_make((const char *)packed, len), &token);
    return messages_sentence(arena, &token);
}
