/* The keeper of the score table: installs catalogs and layers as they come,
 * scores, publishes.
 *
 *   catalog, whole  ->  table built whole
 *   layers, whole   ->  table built whole over the same catalog
 *   layers, delta   ->  touched cells rescored, published as a delta
 *   new UTC day     ->  table built whole
 *
 * Layers may come before the catalog, or never. What cannot be decoded or
 * scored leaves the table as it was. One thread, the loop's. */
#ifndef SERVICES_SCORERD_TABLE_KEEPER_H
#define SERVICES_SCORERD_TABLE_KEEPER_H

#include "core/base/buf.h"
#include "core/base/slice.h"
#include "core/base/status.h"
#include "core/types/score_table.h"
#include "services/runtime/loop.h"
#include "services/runtime/metrics.h"
#include "services/runtime/rpc_server.h"

struct table_keeper;

struct table_keeper_options {
    struct loop *loop;
    struct rpc_server *server; /* the table is published here as "table" */
    struct metrics *metrics;
    ms_dur day_check;  /* how often the clock is looked at; > 0 */
    loop_fn published; /* after the first table is out; may be NULL */
    void *context;
};

/* What the keeper has done since its start. */
struct table_keeper_counts {
    uint64_t rebuilds;
    uint64_t deltas;
    size_t community_cells; /* in the layers held now */
};

enum status table_keeper_new(const struct table_keeper_options *options,
                             struct table_keeper **ret_keeper) MUST_CHECK;
void table_keeper_free(struct table_keeper **keeper);

/* The table as it is now, borrowed until the next install; NULL before the
 * first catalog. */
const struct score_table *table_keeper_table(const struct table_keeper *keeper);
struct table_keeper_counts
table_keeper_counts(const struct table_keeper *keeper);

/* Snapshot callbacks (services/runtime/snapshot.h); context is the keeper.
 * The statuses of the codecs, and of scoring. A delta before any layers is
 * FAILED_PRECONDITION. */
enum status table_keeper_set_catalog(void *context, struct slice bytes,
                                     uint64_t wanted,
                                     uint64_t *ret_hash) MUST_CHECK;
enum status table_keeper_set_layers(void *context, struct slice bytes,
                                    uint64_t wanted,
                                    uint64_t *ret_hash) MUST_CHECK;
enum status table_keeper_move_layers(void *context, struct slice bytes,
                                     uint64_t *ret_hash) MUST_CHECK;
/* The layers held, for their copy on disk. */
enum status
table_keeper_encode_layers(void *context, struct buf *out) MUST_CHECK;

#endif
