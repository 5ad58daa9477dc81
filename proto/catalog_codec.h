/* The catalog as bytes (ss.CatalogSnapshot) and back.
 *
 * Encoding is a pure function of the value: equal catalogs give equal bytes.
 * Decoding is total: any bytes give a catalog or a status, within
 * CATALOG_MODELS_MAX models and CATALOG_BYTES_MAX of memory. */
#ifndef PROTO_CATALOG_CODEC_H
#define PROTO_CATALOG_CODEC_H

#include "core/base/buf.h"
#include "core/base/slice.h"
#include "core/base/status.h"
#include "core/types/catalog.h"

#include "snapshot.pb-c.h"

/* Append the catalog to out. RESOURCE_EXHAUSTED when out or memory is full. */
enum status
catalog_encode(const struct catalog *catalog, struct buf *out) MUST_CHECK;

/* A new catalog that owns copies of everything; end it with catalog_free.
 * Names of benchmarks, capabilities, tags, sources that are not known here
 * are skipped (a newer writer); an unknown standing, tier or source state is
 * refused.
 * INVALID_ARGUMENT: no CatalogSnapshot, text not UTF-8, an id that is none,
 * models or figures not ascending, a figure outside its benchmark's bounds, a
 * number that is not finite. RESOURCE_EXHAUSTED: over a limit. DATA_LOSS:
 * whole and valid, nothing was skipped, but catalog_hash differs from the
 * version it carries. */
enum status
catalog_decode(struct slice bytes, struct catalog **ret_catalog) MUST_CHECK;

/* The same between the value and the message, for messages that hold a
 * catalog. The message lives in the arena, with copies of every text. */
enum status catalog_to_message(const struct catalog *catalog,
                               struct arena *arena,
                               Ss__CatalogSnapshot **ret_message) MUST_CHECK;
enum status catalog_from_message(const Ss__CatalogSnapshot *message,
                                 struct catalog **ret_catalog) MUST_CHECK;

#endif
