/* A question: everything that a pick may ask, checked and in our own terms.
 *
 * A value; slices are borrowed from whoever asks. A question_init question
 * asks for the best general model at medium budget. */
#ifndef ROUTER_QUESTION_H
#define ROUTER_QUESTION_H

#include "core/base/slice.h"
#include "core/base/utc.h"
#include "core/types/vocabulary.h"

#include <stdbool.h>
#include <stdint.h>

#define QUESTION_EXCLUDE_MAX 50 /* ids */
#define QUESTION_ALLOW_MAX 200  /* ids or "vendor/" followed by a star */
#define QUESTION_CONTEXT_MAX 20 /* tags */
#define QUESTION_MIN_CONTEXT_MAX 1000000
/* What the tag "long-context" asks for, in tokens. */
#define QUESTION_LONG_CONTEXT 100000

enum objective {
    OBJECTIVE_QUALITY, /* the best */
    OBJECTIVE_VALUE,   /* the cheapest of those that cannot be told apart from
                          the best */
    OBJECTIVE_COUNT
};

/* A stack or field, from context_tag.def; a set is BIT(tag)s. */
enum context_tag {
#define CONTEXT_TAG(symbol, name) CONTEXT_TAG_##symbol,
#include "router/context_tag.def"
#undef CONTEXT_TAG
    CONTEXT_TAG_COUNT
};

struct question {
    enum category category;
    enum budget budget;
    enum objective objective;
    const struct slice *exclude; /* bare ids */
    size_t exclude_count;
    const struct slice *allow; /* bare ids or vendor/star; none: all */
    size_t allow_count;
    uint32_t require;      /* BIT(capability) */
    uint32_t min_context;  /* tokens */
    uint32_t context_tags; /* BIT(context_tag) */
    struct slice tenant;
    utc_day today; /* for expiry; not part of what is asked */
};

void question_init(struct question *question);
/* Take a context tag in: a stack tag is noted, "vision" and "long-context"
 * become requirements. False for a tag nobody knows. ASCII case ignored. */
bool question_add_context(struct question *question, struct slice tag);
const char *context_tag_name(enum context_tag tag);
/* The capabilities a model must have: those required, and vision for a task
 * of that category. */
uint32_t question_capabilities(const struct question *question);
/* A hash of all that is asked (not of today): equal questions have equal
 * hashes on every machine. Lists count in the order given. */
uint64_t question_hash(const struct question *question);

#endif
