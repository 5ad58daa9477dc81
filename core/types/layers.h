/* The layers: what raters saw, folded from events. One of the three values
 * that the pure libraries exchange; made by feedback, read by scorer.
 *
 * A personal cell holds how much evidence one tenant has on one model in one
 * category and how far it lies from what that rater usually gives. A
 * community cell holds the released, robust mean over instances. The fold is
 * by whole UTC days, so equal events give equal bits. The arena holds
 * everything, the struct itself included. */
#ifndef CORE_TYPES_LAYERS_H
#define CORE_TYPES_LAYERS_H

#include "core/base/arena.h"
#include "core/base/utc.h"
#include "core/types/vocabulary.h"

#define TENANT_MAX 64 /* bytes of a tenant's name */
#define TENANT_DEFAULT "default"
#define LAYERS_CELLS_MAX 4000000
#define LAYERS_BYTES_MAX (1u << 30) /* of its arena */

struct personal_cell {
    struct slice tenant;
    struct slice model; /* id */
    enum category category;
    uint32_t ratings; /* how many, undecayed */
    double mass;      /* sum of weights 2^(-age/60 d) of its ratings */
    double shift;     /* weighted mean of (stars - b)/4, in -1..1 */
};

struct community_cell {
    struct slice model; /* id */
    enum category category;
    double mass;           /* sum of decayed folded votes */
    double mean;           /* trimmed mean of (stars - 1)/4, 0..1 */
    uint32_t contributors; /* instances with a vote */
    uint32_t ratings;      /* reports folded into the votes */
};

/* Cells ascending by (tenant, model, category) and (model, category), each
 * key once. A cell without ratings is not there. */
struct layers {
    struct arena *arena; /* owned */
    const struct personal_cell *personal;
    size_t personal_count;
    const struct community_cell *community;
    size_t community_count;
    utc_day day; /* the day the weights were computed for */
};

int
personal_cell_cmp(const struct personal_cell *a, const struct personal_cell *b);
int community_cell_cmp(const struct community_cell *a,
                       const struct community_cell *b);
/* The content hash of cells and day: an order-free sum of the hashes of the
 * cells, the same whichever way the value was reached. */
uint64_t layers_hash(const struct layers *layers);
/* Free the layers with their arena and set them to NULL. */
void layers_free(struct layers **layers);

#endif
