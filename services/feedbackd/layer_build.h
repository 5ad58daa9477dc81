/* Rows of events in, folded cells out.
 *
 * Rows come grouped by cell and cells in ascending order, as the database
 * sorts them; each finished group is folded by the feedback library. A build
 * makes a whole or, as changes, also the removals that the delta codec
 * knows. */
#ifndef SERVICES_FEEDBACKD_LAYER_BUILD_H
#define SERVICES_FEEDBACKD_LAYER_BUILD_H

#include "core/types/layers.h"
#include "services/feedbackd/baselines.h"

#define LAYER_BUILD_VOTES_MAX 1000000 /* of one cell; 100 MB */

struct layer_build;

struct layer_rating {
    struct slice tenant, model;
    enum category category;
    utc_day day;
    uint8_t stars;
    uint32_t count; /* how many of these */
};

struct layer_vote {
    struct slice model;
    enum category category;
    utc_day week;
    struct slice instance;
    uint32_t sum, reports;
};

/* `changes`: a community cell that is not released becomes a removal instead
 * of being left out. baselines is borrowed. NULL: no memory. */
struct layer_build *
layer_build_new(utc_day day, bool changes, const struct baselines *baselines);
void layer_build_free(struct layer_build **build);
/* Texts are copied. INVALID_ARGUMENT for what the fold refuses,
 * RESOURCE_EXHAUSTED past a limit. */
enum status layer_build_rating(struct layer_build *build,
                               const struct layer_rating *row) MUST_CHECK;
enum status layer_build_vote(struct layer_build *build,
                             const struct layer_vote *row) MUST_CHECK;
/* Fold what is left and give the layers away; the build is freed, also on
 * failure. */
enum status layer_build_finish(struct layer_build **build,
                               struct layers **ret_layers) MUST_CHECK;

#endif
