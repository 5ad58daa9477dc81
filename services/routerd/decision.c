/* The decision id: two hashes over the same parts, begun differently. */
#include "services/routerd/decision.h"

#include "core/base/buf.h"
#include "core/base/hash.h"
#include "services/routerd/messages.h"

char *
decision_id(struct arena *arena, uint64_t table_version,
            const struct question *question, struct slice model)
{
    static const struct slice begins[] = {
        {.ptr = "decision", .len = 8},
        {.ptr = "of", .len = 2},
    };
    struct buf digits;

    buf_init(&digits, 64);
    for (size_t i = 0; i < 2; i++) {
        uint64_t hash = hash_mix(hash_slice(begins[i]), table_version);
        hash = hash_mix(hash, question_hash(question));
        hash = hash_mix(hash, hash_slice(question->tenant));
        buf_put_hex(&digits, hash_mix(hash, hash_slice(model)), 16);
    }
    return messages_sentence(arena, &digits);
}
