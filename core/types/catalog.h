/* The catalog: every model known, with its figures. One of the three values
 * that the pure libraries exchange; made by ingest, read by scorer.
 *
 * Immutable once assembled; it owns one arena that holds everything, the
 * struct itself included. */
#ifndef CORE_TYPES_CATALOG_H
#define CORE_TYPES_CATALOG_H

#include "core/base/arena.h"
#include "core/base/map.h"
#include "core/types/model.h"

#define CATALOG_MODELS_MAX 20000
#define CATALOG_BYTES_MAX (256u << 20) /* of its arena */

enum source_state {
    SOURCE_STATE_NEVER, /* nothing yet */
    SOURCE_STATE_OK,
    SOURCE_STATE_STALE, /* the last fetch failed, older values serve */
    SOURCE_STATE_ERROR, /* failed and nothing older to serve */
    SOURCE_STATE_COUNT
};

/* What is known of one source. */
struct source_status {
    struct slice reason;  /* of the failure, for people; empty when OK */
    ms_time last_success; /* when its bytes were fetched or recorded; 0 never */
    enum source_state state;
    uint32_t rows;         /* understood */
    uint32_t matched_rows; /* that found a model */
    uint32_t refused;      /* figures out of bounds */
    uint32_t rows_refused; /* rows that were not understood */
    uint64_t content;      /* hash of the bytes that were read; 0 unknown */
    uint64_t address;      /* hash of where they were read; 0 unknown */
};

struct catalog {
    struct arena *arena;        /* owned */
    const struct model *models; /* ascending by id */
    size_t count;
    struct map *by_id; /* id -> index */
    struct source_status sources[SOURCE_COUNT];
    ms_time made_at;
    uint64_t version; /* catalog_hash of it */
};

/* What a follower must see: the version together with what is known of the
 * sources. A source that turned stale changes this, not the version. */
uint64_t catalog_snapshot_hash(const struct catalog *catalog);

const char *source_state_name(enum source_state state);
bool source_state_find(struct slice name, enum source_state *ret_state);

/* The model of an id (bare, see model_id_bare), or NULL. */
const struct model *
catalog_find(const struct catalog *catalog, struct slice id);
/* The content hash: over every field of every model and figure, texts as
 * texts, in order. Not over made_at and the sources' states, so that a fetch
 * that finds nothing new makes no new version. Whoever assembles a catalog
 * sets ->version to it; the codecs refuse a catalog whose version it is not. */
uint64_t catalog_hash(const struct catalog *catalog);
/* Free the catalog with its arena and set it to NULL. */
void catalog_free(struct catalog **catalog);

#endif
