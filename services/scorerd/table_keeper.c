/* The keeper; see table_keeper.h.
 *
 * A rebuild makes the new book beside the old one and only then lets go of
 * the old: a catalog that cannot be scored never takes a table away. */
#include "services/scorerd/table_keeper.h"
#include "core/base/check.h"
#include "proto/catalog_codec.h"
#include "proto/layers_codec.h"
#include "proto/table_codec.h"
#include "scorer/score_build.h"
#include "scorer/score_update.h"
#include "services/runtime/log.h"
#include "services/runtime/snapshot.h"
#include "services/scorerd/layer_store.h"

#include <stdlib.h>

#define KEEPER_MAGIC 0x5c0ebeefu
#define SCRATCH_MAX ((size_t)1 << 30) /* bytes while one thing is done */
#define DELTA_MAX ((size_t)64 << 20)  /* bytes of one published delta */

struct table_keeper {
    unsigned magic;
    struct table_keeper_options options;
    struct snapshot_publisher *publisher;
    struct loop_timer *day_timer;
    struct score_book *book;    /* NULL before the first catalog */
    struct layer_store *layers; /* NULL: none came yet */
    struct arena *scratch;
    struct buf delta;
    bool published;
    uint64_t *rebuilds;
    uint64_t *deltas;
    int64_t *models;
    int64_t *personal_cells;
};

static struct table_keeper *
keeper_of(void *context)
{
    struct table_keeper *keeper = context;
    CHECK_OBJ(keeper, KEEPER_MAGIC);
    return keeper;
}

static enum status
encode_table(void *context, struct buf *out)
{
    struct table_keeper *keeper = keeper_of(context);
    if (keeper->book == NULL)
        return STATUS_UNAVAILABLE;
    return table_encode(keeper->book->table, out);
}

static void
publish_whole(struct table_keeper *keeper)
{
    const struct score_table *table = keeper->book->table;
    ++*keeper->rebuilds;
    *keeper->models = (int64_t)table->catalog->count;
    *keeper->personal_cells = (int64_t)table->personal_count;
    log_event(LOG_INFO, "table-built", LOG_HEX("version", table->version),
              LOG_U64("models", table->catalog->count),
              LOG_U64("personal_cells", table->personal_count),
              LOG_U64("refused_figures", keeper->book->normals.refused));
    snapshot_publish_whole(keeper->publisher, score_table_snapshot_hash(table));
    if (keeper->published)
        return;
    keeper->published = true;
    if (keeper->options.published != NULL)
        keeper->options.published(keeper->options.context);
}

/* Build from these layers; NULL: from those that are held. */
static enum status
build(struct table_keeper *keeper, struct catalog *catalog,
      const struct layers *layers, struct score_book **ret_book)
{
    ms_time now = loop_wall(keeper->options.loop);
    struct layers held;
    if (layers == NULL && keeper->layers != NULL) {
        arena_reset(keeper->scratch);
        enum status status =
            layer_store_whole(keeper->layers, keeper->scratch, &held);
        if (status != STATUS_OK)
            return status;
        layers = &held;
    }
    return score_build(catalog, layers, utc_day_of(now), now, ret_book);
}

/* Build anew over the catalog that is held. */
static enum status
rebuild(struct table_keeper *keeper, const struct layers *layers)
{
    struct score_book *next = NULL;
    if (keeper->book == NULL)
        return STATUS_OK;
    struct catalog *catalog = score_book_take_catalog(keeper->book);
    enum status status = build(keeper, catalog, layers, &next);
    if (status != STATUS_OK) {
        keeper->book->table->catalog = catalog;
        return status;
    }
    score_book_free(&keeper->book);
    keeper->book = next;
    publish_whole(keeper);
    return STATUS_OK;
}

enum status
table_keeper_set_catalog(void *context, struct slice bytes, uint64_t wanted,
                         uint64_t *ret_hash)
{
    struct table_keeper *keeper = keeper_of(context);
    struct catalog *catalog = NULL;
    struct score_book *next = NULL;
    enum status status = catalog_decode(bytes, &catalog);
    if (status != STATUS_OK)
        return status;
    uint64_t hash = catalog_snapshot_hash(catalog);
    if (hash == wanted)
        status = build(keeper, catalog, NULL, &next);
    if (status == STATUS_OK)
        *ret_hash = hash;
    if (next == NULL) {
        catalog_free(&catalog);
        return status;
    }
    score_book_free(&keeper->book);
    keeper->book = next;
    publish_whole(keeper);
    return STATUS_OK;
}

enum status
table_keeper_set_layers(void *context, struct slice bytes, uint64_t wanted,
                        uint64_t *ret_hash)
{
    struct table_keeper *keeper = keeper_of(context);
    struct layers *layers = NULL;
    struct layer_store *store = NULL;
    enum status status = layers_decode(bytes, &layers);
    if (status != STATUS_OK)
        return status;
    status = layer_store_new(layers, &store);
    uint64_t hash = status == STATUS_OK ? layer_store_hash(store) : 0;
    bool fits = status == STATUS_OK && hash == wanted;
    if (fits)
        status = rebuild(keeper, layers);
    layers_free(&layers);
    if (status == STATUS_OK)
        *ret_hash = hash;
    if (!fits || status != STATUS_OK) {
        layer_store_free(&store);
        return status;
    }
    layer_store_free(&keeper->layers);
    keeper->layers = store;
    return STATUS_OK;
}

/* Publish the cells that a delta touched. When they do not fit into a delta
 * the followers get the whole. */
static enum status
publish_changes(struct table_keeper *keeper,
                const struct score_changes *touched)
{
    const struct score_table *table = keeper->book->table;
    struct table_change *changes =
        ARENA_ARRAY(keeper->scratch, struct table_change, touched->count);
    if (touched->count == 0)
        return STATUS_OK;
    if (changes == NULL)
        return STATUS_RESOURCE_EXHAUSTED;
    for (size_t i = 0; i < touched->count; i++)
        changes[i] = (struct table_change){
            .tenant = touched->items[i].tenant,
            .model = touched->items[i].model,
            .category = touched->items[i].category,
        };
    buf_reset(&keeper->delta);
    enum status status =
        table_delta_encode(table, changes, touched->count, &keeper->delta);
    if (status != STATUS_OK)
        return status;
    ++*keeper->deltas;
    *keeper->personal_cells = (int64_t)table->personal_count;
    snapshot_publish_delta(keeper->publisher, buf_slice(&keeper->delta),
                           score_table_snapshot_hash(table));
    return STATUS_OK;
}

/* Rescore what changed; when that fails half-way, everything, from the layers
 * as they are after the change. */
static enum status
rescore(struct table_keeper *keeper, const struct layers *changes)
{
    struct score_changes touched = {0};
    if (keeper->book == NULL)
        return STATUS_OK;
    arena_reset(keeper->scratch);
    enum status status =
        score_update(keeper->book, changes, loop_wall(keeper->options.loop),
                     keeper->scratch, &touched);
    if (status == STATUS_OK)
        status = publish_changes(keeper, &touched);
    if (status == STATUS_OK)
        return STATUS_OK;
    log_event(LOG_WARN, "delta-failed-rebuilding",
              LOG_STR("status", status_text(status)));
    return rebuild(keeper, NULL);
}

enum status
table_keeper_move_layers(void *context, struct slice bytes, uint64_t *ret_hash)
{
    struct table_keeper *keeper = keeper_of(context);
    struct layers *changes = NULL;
    if (keeper->layers == NULL)
        return STATUS_FAILED_PRECONDITION;
    enum status status = layers_delta_decode(bytes, &changes);
    if (status != STATUS_OK)
        return status;
    status = layer_store_apply(keeper->layers, changes);
    if (status == STATUS_OK)
        status = rescore(keeper, changes);
    if (status == STATUS_OK)
        *ret_hash = layer_store_hash(keeper->layers);
    layers_free(&changes);
    return status;
}

enum status
table_keeper_encode_layers(void *context, struct buf *out)
{
    struct table_keeper *keeper = keeper_of(context);
    struct layers layers;
    if (keeper->layers == NULL)
        return STATUS_UNAVAILABLE;
    arena_reset(keeper->scratch);
    enum status status =
        layer_store_whole(keeper->layers, keeper->scratch, &layers);
    return status == STATUS_OK ? layers_encode(&layers, out) : status;
}

/* --- the day --- */

static void
wait_for_day(struct table_keeper *keeper)
{
    ms_time now = loop_wall(keeper->options.loop);
    ms_dur left = utc_day_start(utc_day_of(now) + 1) - now;
    ms_dur most = keeper->options.day_check; /* a clock may be set */
    loop_timer_start(keeper->day_timer, left < most ? left : most);
}

static void
on_day_timer(void *context)
{
    struct table_keeper *keeper = keeper_of(context);
    utc_day today = utc_day_of(loop_wall(keeper->options.loop));
    if (keeper->book != NULL && keeper->book->table->day != today) {
        enum status status = rebuild(keeper, NULL);
        if (status != STATUS_OK)
            log_event(LOG_ERROR, "rebuild-failed-old-table-serves",
                      LOG_STR("status", status_text(status)));
    }
    wait_for_day(keeper);
}

/* --- life --- */

static void
name_metrics(struct table_keeper *keeper, struct metrics *metrics)
{
    keeper->rebuilds = metrics_counter(metrics, "scorer_rebuilds_total", "",
                                       "Score tables built whole.");
    keeper->deltas =
        metrics_counter(metrics, "scorer_deltas_total", "",
                        "Changes of layers scored by touched cells only.");
    keeper->models = metrics_gauge(metrics, "scorer_models", "",
                                   "Models in the score table.");
    keeper->personal_cells = metrics_gauge(metrics, "scorer_personal_cells", "",
                                           "Tenants' cells in the table.");
}

enum status
table_keeper_new(const struct table_keeper_options *options,
                 struct table_keeper **ret_keeper)
{
    struct table_keeper *keeper = calloc(1, sizeof *keeper);
    if (keeper == NULL)
        return STATUS_RESOURCE_EXHAUSTED;
    keeper->magic = KEEPER_MAGIC;
    keeper->options = *options;
    name_metrics(keeper, options->metrics);
    buf_init(&keeper->delta, DELTA_MAX);
    keeper->scratch = arena_new(SCRATCH_MAX);
    enum status status =
        keeper->scratch ? STATUS_OK : STATUS_RESOURCE_EXHAUSTED;
    if (status == STATUS_OK)
        status = loop_timer_new(options->loop, on_day_timer, keeper,
                                &keeper->day_timer);
    if (status == STATUS_OK)
        status = snapshot_publisher_new(options->server, "table", encode_table,
                                        keeper, &keeper->publisher);
    if (status != STATUS_OK) {
        table_keeper_free(&keeper);
        return status;
    }
    wait_for_day(keeper);
    *ret_keeper = keeper;
    return STATUS_OK;
}

void
table_keeper_free(struct table_keeper **keeper)
{
    struct table_keeper *old = *keeper;
    if (old == NULL)
        return;
    CHECK_OBJ(old, KEEPER_MAGIC);
    if (old->publisher != NULL)
        snapshot_publisher_free(&old->publisher);
    if (old->day_timer != NULL)
        loop_timer_free(&old->day_timer);
    score_book_free(&old->book);
    layer_store_free(&old->layers);
    arena_free(&old->scratch);
    buf_fini(&old->delta);
    old->magic = 0;
    free(old);
    *keeper = NULL;
}

const struct score_table *
table_keeper_table(const struct table_keeper *keeper)
{
    return keeper->book ? keeper->book->table : NULL;
}

struct table_keeper_counts
table_keeper_counts(const struct table_keeper *keeper)
{
    return (struct table_keeper_counts){
        .rebuilds = *keeper->rebuilds,
        .deltas = *keeper->deltas,
        .community_cells =
            keeper->layers ? layer_store_community_count(keeper->layers) : 0,
    };
}
