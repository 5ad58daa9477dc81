/* A question: defaults, context tags, and a hash over its fields in a fixed
 * order. It never looks at a table. */
#include "router/question.h"

#include "core/base/check.h"
#include "core/base/hash.h"

static const char *const tag_names[] = {
#define CONTEXT_TAG(symbol, name) [CONTEXT_TAG_##symbol] = (name),
#include "router/context_tag.def"
#undef CONTEXT_TAG
};

void
question_init(struct question *question)
{
    *question = (struct question){.category = CATEGORY_GENERAL,
                                  .budget = BUDGET_MEDIUM,
                                  .objective = OBJECTIVE_QUALITY,
                                  .today = UTC_DAY_NONE};
}

const char *
context_tag_name(enum context_tag tag)
{
    CHECK(tag < CONTEXT_TAG_COUNT);
    return tag_names[tag];
}

bool
question_add_context(struct question *question, struct slice tag)
{
    if (slice_eq_fold(tag, SLICE("vision"))) {
        question->require |= BIT(CAPABILITY_VISION);
        return true;
    }
    if (slice_eq_fold(tag, SLICE("long-context"))) {
        if (question->min_context < QUESTION_LONG_CONTEXT)
            question->min_context = QUESTION_LONG_CONTEXT;
        return true;
    }
    for (unsigned i = 0; i < CONTEXT_TAG_COUNT; i++) {
        if (slice_eq_fold(tag, slice_of(tag_names[i]))) {
            question->context_tags |= BIT(i);
            return true;
        }
    }
    return false;
}

uint32_t
question_capabilities(const struct question *question)
{
    uint32_t needed = question->require;
    if (question->category == CATEGORY_VISION)
        needed |= BIT(CAPABILITY_VISION);
    return needed;
}

static uint64_t
hash_list(uint64_t hash, const struct slice *list, size_t count)
{
    hash = hash_mix(hash, count);
    for (size_t i = 0; i < count; i++)
        hash = hash_mix(hash, hash_slice(list[i]));
    return hash;
}

uint64_t
question_hash(const struct question *question)
{
    /* Names, not numbers: adding a category must not change old answers. */
    uint64_t hash = hash_slice(slice_of(category_name(question->category)));
    hash = hash_mix(hash, hash_slice(slice_of(budget_name(question->budget))));
    hash = hash_mix(hash, (uint64_t)question->objective);
    hash = hash_list(hash, question->exclude, question->exclude_count);
    hash = hash_list(hash, question->allow, question->allow_count);
    hash = hash_mix(hash, question->require);
    hash = hash_mix(hash, question->min_context);
    hash = hash_mix(hash, question->context_tags);
    return hash_mix(hash, hash_slice(question->tenant));
}
