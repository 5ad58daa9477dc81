/* The score table as bytes (ss.TableSnapshot) and back, whole and as deltas.
 *
 * A whole carries its catalog; a delta carries the cells that changed and the
 * version the table has with them. NaN travels as an unset field. */
#ifndef PROTO_TABLE_CODEC_H
#define PROTO_TABLE_CODEC_H

#include "core/base/buf.h"
#include "core/base/slice.h"
#include "core/base/status.h"
#include "core/types/score_table.h"

/* A cell that changed: what it is now is read from the table. */
struct table_change {
    struct slice tenant; /* empty: the base cell */
    uint32_t model;      /* index into the catalog's models */
    enum category category;
};

/* Append the whole table to out. INVALID_ARGUMENT for a score that
 * table_decode would refuse, RESOURCE_EXHAUSTED when out or memory is full. */
enum status
table_encode(const struct score_table *table, struct buf *out) MUST_CHECK;
/* A new table that owns its catalog and copies of everything; end it with
 * score_table_free.
 * INVALID_ARGUMENT: no TableSnapshot, no catalog in it, what catalog_decode
 * refuses, a cell of an unknown model or category, a tenant longer than
 * TENANT_MAX, a number that is not finite, a score without mean, interval,
 * confidence or shares, a key twice. RESOURCE_EXHAUSTED past a limit.
 * DATA_LOSS: the content is not what its version says. */
enum status
table_decode(struct slice bytes, struct score_table **ret_table) MUST_CHECK;

/* Append a delta of these cells (any order, repeats are harmless) with the
 * table's day, time and version. As table_encode; a model out of range is
 * INVALID_ARGUMENT. */
enum status table_delta_encode(const struct score_table *table,
                               const struct table_change *changes, size_t count,
                               struct buf *out) MUST_CHECK;
/* Put a delta's cells into the table and move day, made_at and version.
 * INVALID_ARGUMENT as above (also for a whole): the table is untouched.
 * RESOURCE_EXHAUSTED, or DATA_LOSS when the version reached is not the one the
 * delta names: the cells are in, the table is not what the writer has, get
 * the whole. */
enum status
table_delta_apply(struct score_table *table, struct slice bytes) MUST_CHECK;

#endif
