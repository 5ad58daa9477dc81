/* The catalog that this process serves: loaded at start, assembled anew after
 * each fetch, kept on disk, published as the snapshot "catalog".
 *
 * There is always the last good one: an assembly that fails changes nothing.
 * At start the newer of the copy on disk and the bundled catalog is taken. */
#ifndef SERVICES_INGESTD_CATALOG_KEEPER_H
#define SERVICES_INGESTD_CATALOG_KEEPER_H

#include "core/base/arena.h"
#include "core/types/catalog.h"
#include "ingest/assemble.h"
#include "services/runtime/loop.h"
#include "services/runtime/metrics.h"
#include "services/runtime/rpc_server.h"

#define CATALOG_KEEPER_BYTES_MAX (48u << 20) /* of the copy on disk */

struct catalog_keeper;

struct catalog_keeper_options {
    struct loop *loop;
    struct rpc_server *server;
    struct metrics *metrics;
    const char *data_folder; /* "" when none was found */
    const char *disk_path;   /* of the copy; its folder exists */
};

/* Load and, when there is anything, publish. Problems with the files are
 * logged; without any catalog catalog_keeper_catalog is NULL.
 * RESOURCE_EXHAUSTED. */
enum status catalog_keeper_new(const struct catalog_keeper_options *options,
                               struct catalog_keeper **ret_keeper) MUST_CHECK;
void catalog_keeper_free(struct catalog_keeper **keeper);

/* The catalog, or NULL before there is one. Until the next assembly. */
const struct catalog *
catalog_keeper_catalog(const struct catalog_keeper *keeper);
/* Assemble on top of what is held and publish it when its content differs.
 * failures[source] says why a source failed; empty means it did not. The
 * status is assemble_catalog's; it was logged. */
enum status catalog_keeper_assemble(struct catalog_keeper *keeper,
                                    const struct assemble_payload *payloads,
                                    size_t count,
                                    const struct slice *failures) MUST_CHECK;

#endif
