/* The catalog that this process serves: loaded at start, kept on disk,
 * published as the snapshot "catalog", replaced by what a refresh made here or
 * what another ingestd stored.
 *
 * There is always the last good one: an assembly that fails and bytes that
 * cannot be read change nothing. At start the newer of the copy on disk and
 * the bundled catalog is taken. An older version can be pinned: it is served
 * then, and refreshes go on beside it. */
#ifndef SERVICES_INGESTD_CATALOG_KEEPER_H
#define SERVICES_INGESTD_CATALOG_KEEPER_H

#include "core/base/arena.h"
#include "core/types/catalog.h"
#include "ingest/assemble.h"
#include "services/ingestd/catalog_store.h"
#include "services/ingestd/ingest_report.h"
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

/* What is served, or NULL before there is one. Until the next change. */
const struct catalog *
catalog_keeper_catalog(const struct catalog_keeper *keeper);
/* What the next assembly builds on: the same unless a version is pinned. */
const struct catalog *
catalog_keeper_newest(const struct catalog_keeper *keeper);
/* What became of the rows of the last refresh; NULL when nobody knows. */
const struct ingest_report *
catalog_keeper_report(const struct catalog_keeper *keeper);
/* The number of the version that is served instead of the newest; 0: none. */
int64_t catalog_keeper_pinned(const struct catalog_keeper *keeper);
/* NULL: rules only. */
const struct alias_table *
catalog_keeper_aliases(const struct catalog_keeper *keeper);

/* What a refresh brought. */
struct catalog_material {
    const struct assemble_payload *payloads; /* confirmed by it */
    size_t count;
    struct slice failures[SOURCE_COUNT]; /* why a source failed; empty: not */
};

/* Assemble on top of the newest, and change nothing yet. The caller owns the
 * catalog; report gets the bytes of ss.IngestReport, none when there were no
 * payloads. The status is assemble_catalog's; it was logged. */
enum status catalog_keeper_make(const struct catalog_keeper *keeper,
                                const struct catalog_material *material,
                                struct catalog **ret_catalog,
                                struct buf *report) MUST_CHECK;
/* It is the newest from now on; the keeper owns it. */
void catalog_keeper_install(struct catalog_keeper *keeper,
                            struct catalog *catalog, struct slice report);
/* What the store has, as it changed. */
void catalog_keeper_take(struct catalog_keeper *keeper,
                         const struct catalog_stored *stored);
/* Whether the newest is what the store has or built on it; it is once it was
 * stored. */
bool catalog_keeper_is_stored(const struct catalog_keeper *keeper);
void catalog_keeper_stored(struct catalog_keeper *keeper);

#endif
