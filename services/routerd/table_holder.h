/* The newest score table this process has: followed from a scorer, kept on
 * disk, swapped whole or moved by deltas.
 *
 * Everything happens on the loop's thread and calls are answered without
 * waiting, so a table is never replaced under an answer. */
#ifndef SERVICES_ROUTERD_TABLE_HOLDER_H
#define SERVICES_ROUTERD_TABLE_HOLDER_H

#include "core/types/score_table.h"
#include "services/runtime/loop.h"
#include "services/runtime/rpc_channel.h"
#include "services/runtime/snapshot.h"

struct table_holder;

struct table_holder_options {
    struct loop *loop;
    struct rpc_channel *scorer; /* borrowed */
    const char *home;           /* the copy lies in <home>/snapshots/ */
    const char *instance;       /* in the copy's name */
    loop_fn changed;            /* called after a version became current */
    void *context;
};

/* Follow the table. A copy on disk is installed before this returns (and
 * `changed` called). PERMISSION_DENIED and others when the folder cannot be
 * made, OUT_OF_RANGE when its path is too long. */
enum status table_holder_new(const struct table_holder_options *options,
                             struct table_holder **ret_holder) MUST_CHECK;
void table_holder_free(struct table_holder **holder);
/* The table, or NULL while there is none. Valid until the loop runs again. */
const struct score_table *table_holder_table(const struct table_holder *holder);
/* A scorer was heard from lately. */
bool table_holder_is_current(const struct table_holder *holder);
const struct snapshot_follower *
table_holder_follower(const struct table_holder *holder);

#endif
