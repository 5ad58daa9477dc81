/* A model of the table as a full entry: identity, prices, abilities, scores,
 * figures. */
#ifndef SERVICES_ROUTERD_ENTRIES_H
#define SERVICES_ROUTERD_ENTRIES_H

#include "services/routerd/view.h"

#include "router.pb-c.h"

/* The entry of a model (index into the catalog) with the scores the view's
 * tenant sees; NULL or with fields missing when the arena overflowed. */
Ss__Model *entries_model(const struct view *view, uint32_t model);

#endif
