/* Any bytes as a task: the classifier reads them within bounds, names words
 * of the text as evidence, and gives the same answer twice.
 * links: router core_types core_base */
#include "core/base/check.h"
#include "router/classify.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct classifier *
model(void)
{
    static struct arena *arena;
    static const struct classifier *classifier;
    if (classifier == NULL) {
        arena = arena_new((size_t)16 << 20);
        classifier = classify_new(arena);
        CHECK(classifier != NULL);
    }
    return classifier;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice task = slice_make((const char *)data, size);
    struct classification found;
    struct classification again;

    classify_text(model(), task, &found);
    CHECK(found.category < CATEGORY_COUNT);
    CHECK(isfinite(found.margin) && found.margin >= 0);
    CHECK(found.evidence_count <= CLASSIFY_EVIDENCE_MAX);
    for (size_t i = 0; i < found.evidence_count; i++) {
        CHECK(found.evidence[i].len > 0);
        CHECK(found.evidence[i].ptr >= task.ptr);
        CHECK(found.evidence[i].ptr + found.evidence[i].len <=
              task.ptr + task.len);
    }
    classify_text(model(), task, &again);
    CHECK(again.category == found.category);
    return 0;
}
