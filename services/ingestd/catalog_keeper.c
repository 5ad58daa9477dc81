/* Load, assemble, save, publish; see catalog_keeper.h. `newest` is what the
 * next assembly builds on; what is served is that, or `pinned`. */
#include "services/ingestd/catalog_keeper.h"

#include "core/base/check.h"
#include "proto/catalog_codec.h"
#include "services/ingestd/data_files.h"
#include "services/runtime/home.h"
#include "services/runtime/log.h"
#include "services/runtime/snapshot.h"

#include <stdio.h>
#include <stdlib.h>

#define ALIASES_BYTES_MAX (16u << 20)

struct catalog_keeper {
    struct loop *loop;
    struct catalog *newest; /* NULL before there is one */
    struct catalog *pinned; /* NULL: the newest is served */
    int64_t pinned_number;
    struct ingest_report *report; /* of newest; NULL: none is known */
    bool is_stored;               /* newest is (built on) what the store has */
    struct arena *alias_arena;
    struct alias_table *aliases; /* NULL: rules only */
    struct snapshot_publisher *publisher;
    int64_t *model_gauge;
    uint64_t *assembly_counter;
    char disk_path[HOME_PATH_MAX];
};

static const struct catalog *
served(const struct catalog_keeper *keeper)
{
    return keeper->pinned != NULL ? keeper->pinned : keeper->newest;
}

static enum status
encode(void *context, struct buf *out)
{
    return catalog_encode(served(context), out);
}

static void
save(const struct catalog_keeper *keeper)
{
    struct buf out;
    enum status status;

    buf_init(&out, CATALOG_KEEPER_BYTES_MAX);
    status = catalog_encode(served(keeper), &out);
    if (status == STATUS_OK)
        status = home_write_file(keeper->disk_path, out.data, out.len);
    if (status != STATUS_OK)
        log_event(LOG_WARN, "catalog-not-saved",
                  LOG_STR("path", keeper->disk_path),
                  LOG_STR("status", status_text(status)),
                  LOG_STR("next", "tried again after the next fetch"));
    buf_fini(&out);
}

static void
publish(struct catalog_keeper *keeper)
{
    const struct catalog *catalog = served(keeper);

    *keeper->model_gauge = (int64_t)catalog->count;
    snapshot_publish_whole(keeper->publisher, catalog_snapshot_hash(catalog));
}

static struct catalog *
load_disk(const struct catalog_keeper *keeper)
{
    struct catalog *catalog = NULL;
    char *bytes = NULL;
    size_t len = 0;
    enum status status = home_read_file(keeper->disk_path,
                                        CATALOG_KEEPER_BYTES_MAX, &bytes, &len);

    if (status == STATUS_NOT_FOUND)
        return NULL;
    if (status == STATUS_OK)
        status = catalog_decode(slice_make(bytes, len), &catalog);
    free(bytes);
    if (status != STATUS_OK)
        log_event(LOG_WARN, "catalog-copy-unreadable",
                  LOG_STR("path", keeper->disk_path),
                  LOG_STR("status", status_text(status)),
                  LOG_STR("next", "the bundled catalog serves"));
    return catalog;
}

static struct catalog *
load_bundle(const struct catalog_keeper *keeper, const char *data_folder)
{
    struct catalog *catalog = NULL;
    char error[DATA_FILES_ERROR_MAX];

    if (data_folder[0] != '\0' &&
        data_files_bundle(data_folder, utc_day_of(loop_wall(keeper->loop)),
                          error, &catalog) != STATUS_OK)
        log_event(LOG_WARN, "bundled-catalog-unreadable",
                  LOG_STR("reason", error),
                  LOG_STR("next", "waiting for a fetch"));
    return catalog;
}

/* What is served from now on; its times and states are new even where its
 * content is not. */
static void
serve(struct catalog_keeper *keeper, uint64_t before)
{
    const struct catalog *catalog = served(keeper);

    if (catalog->version != before) {
        ++*keeper->assembly_counter;
        log_event(LOG_INFO, "catalog", LOG_HEX("version", catalog->version),
                  LOG_U64("models", catalog->count),
                  LOG_I64("pinned", keeper->pinned_number));
    }
    save(keeper);
    publish(keeper);
}

static uint64_t
version_of(const struct catalog *catalog)
{
    return catalog != NULL ? catalog->version : 0;
}

/* A catalog as of today: expiry dates go by the day, nothing else changes. */
static void
judge_anew(const struct catalog_keeper *keeper, struct catalog **catalog)
{
    struct arena *scratch = arena_new(ASSEMBLE_SCRATCH_MAX);
    struct assemble_input input = {
        .previous = *catalog,
        .aliases = keeper->aliases,
        .today = utc_day_of(loop_wall(keeper->loop)),
        .made_at = (*catalog)->made_at,
    };
    struct catalog *judged = NULL;

    for (size_t s = 0; s < SOURCE_COUNT; s++)
        input.failures[s] = SLICE("");
    if (scratch != NULL &&
        assemble_catalog(&input, scratch, NULL, &judged) == STATUS_OK) {
        catalog_free(catalog);
        *catalog = judged;
    }
    arena_free(&scratch);
}

/* The newer of the two. Of equal age the bundle: it was made from the same
 * recordings by the newer program. */
static void
load(struct catalog_keeper *keeper, const char *data_folder)
{
    struct catalog *disk = load_disk(keeper);
    struct catalog *bundle = load_bundle(keeper, data_folder);
    bool from_disk =
        disk != NULL && (bundle == NULL || disk->made_at > bundle->made_at);

    keeper->newest = from_disk ? disk : bundle;
    catalog_free(from_disk ? &bundle : &disk);
    if (keeper->newest == NULL)
        return;
    log_event(LOG_INFO, "catalog-loaded",
              LOG_STR("from", from_disk ? "disk" : "bundle"),
              LOG_U64("models", keeper->newest->count),
              LOG_HEX("version", keeper->newest->version));
    judge_anew(keeper, &keeper->newest);
    serve(keeper, 0);
}

static void
load_aliases(struct catalog_keeper *keeper, const char *data_folder)
{
    char error[DATA_FILES_ERROR_MAX] = "no data folder";

    if (data_folder[0] == '\0' ||
        data_files_aliases(data_folder, keeper->alias_arena, error,
                           &keeper->aliases) != STATUS_OK) {
        keeper->aliases = NULL;
        log_event(LOG_WARN, "aliases-unreadable", LOG_STR("reason", error),
                  LOG_STR("next", "names are matched by rules alone"));
    }
}

enum status
catalog_keeper_new(const struct catalog_keeper_options *options,
                   struct catalog_keeper **ret_keeper)
{
    struct catalog_keeper *keeper = calloc(1, sizeof(*keeper));
    enum status status = STATUS_RESOURCE_EXHAUSTED;

    if (keeper == NULL)
        return STATUS_RESOURCE_EXHAUSTED;
    keeper->loop = options->loop;
    keeper->alias_arena = arena_new(ALIASES_BYTES_MAX);
    if (keeper->alias_arena == NULL ||
        snprintf(keeper->disk_path, sizeof(keeper->disk_path), "%s",
                 options->disk_path) >= (int)sizeof(keeper->disk_path))
        goto fail;
    keeper->model_gauge =
        metrics_gauge(options->metrics, "smart_spawn_catalog_models", "",
                      "Models in the catalog.");
    keeper->assembly_counter =
        metrics_counter(options->metrics, "smart_spawn_catalog_versions_total",
                        "", "Catalogs with new content since the start.");
    status = snapshot_publisher_new(options->server, "catalog", encode, keeper,
                                    &keeper->publisher);
    if (status != STATUS_OK)
        goto fail;
    load_aliases(keeper, options->data_folder);
    load(keeper, options->data_folder);
    *ret_keeper = keeper;
    return STATUS_OK;
fail:
    arena_free(&keeper->alias_arena);
    free(keeper);
    return status;
}

void
catalog_keeper_free(struct catalog_keeper **keeper)
{
    struct catalog_keeper *self = *keeper;

    if (self == NULL)
        return;
    snapshot_publisher_free(&self->publisher);
    catalog_free(&self->newest);
    catalog_free(&self->pinned);
    ingest_report_free(&self->report);
    arena_free(&self->alias_arena);
    free(self);
    *keeper = NULL;
}

const struct catalog *
catalog_keeper_catalog(const struct catalog_keeper *keeper)
{
    return served(keeper);
}

const struct catalog *
catalog_keeper_newest(const struct catalog_keeper *keeper)
{
    return keeper->newest;
}

const struct ingest_report *
catalog_keeper_report(const struct catalog_keeper *keeper)
{
    return keeper->report;
}

int64_t
catalog_keeper_pinned(const struct catalog_keeper *keeper)
{
    return keeper->pinned_number;
}

bool
catalog_keeper_is_stored(const struct catalog_keeper *keeper)
{
    return keeper->is_stored;
}

const struct alias_table *
catalog_keeper_aliases(const struct catalog_keeper *keeper)
{
    return keeper->aliases;
}

/* --- new catalogs --- */

enum status
catalog_keeper_make(const struct catalog_keeper *keeper,
                    const struct catalog_material *material,
                    struct catalog **ret_catalog, struct buf *report)
{
    ms_time now = loop_wall(keeper->loop);
    struct assemble_input input = {
        .previous = keeper->newest,
        .payloads = material->payloads,
        .payload_count = material->count,
        .aliases = keeper->aliases,
        .today = utc_day_of(now),
        .made_at = material->count > 0 || keeper->newest == NULL
                       ? now
                       : keeper->newest->made_at,
    };
    struct arena *scratch = arena_new(ASSEMBLE_SCRATCH_MAX);
    struct assemble_report rows;
    enum status status = STATUS_RESOURCE_EXHAUSTED;

    memcpy(input.failures, material->failures, sizeof(input.failures));
    if (scratch != NULL)
        status = assemble_catalog(&input, scratch, &rows, ret_catalog);
    if (status == STATUS_OK && material->count > 0 &&
        ingest_report_encode(&rows, *ret_catalog, keeper->report, report) !=
            STATUS_OK)
        buf_reset(report);
    arena_free(&scratch);
    if (status != STATUS_OK)
        log_event(LOG_ERROR, "catalog-not-assembled",
                  LOG_STR("status", status_text(status)),
                  LOG_STR("next", "the last good catalog serves"));
    return status;
}

/* The report beside the newest catalog; bytes that are none leave the one
 * before. */
static void
take_report(struct catalog_keeper *keeper, struct slice bytes)
{
    struct ingest_report *report = NULL;

    if (bytes.len == 0 || ingest_report_read(bytes, &report) != STATUS_OK)
        return;
    ingest_report_free(&keeper->report);
    keeper->report = report;
}

void
catalog_keeper_install(struct catalog_keeper *keeper, struct catalog *catalog,
                       struct slice report)
{
    uint64_t before = version_of(served(keeper));

    catalog_free(&keeper->newest);
    keeper->newest = catalog;
    take_report(keeper, report);
    serve(keeper, before);
}

void
catalog_keeper_stored(struct catalog_keeper *keeper)
{
    keeper->is_stored = true;
}

/* What status shows while an older version is served. */
static void
tell_pinned(const struct catalog_keeper *keeper)
{
    char detail[128] = "";

    if (keeper->pinned_number != 0)
        (void)snprintf(detail, sizeof(detail),
                       "version %lld is served instead of the newest; "
                       "smart-spawn ingest newest ends it",
                       (long long)keeper->pinned_number);
    snapshot_publisher_trouble(keeper->publisher, detail);
}

/* Bytes of the store as a catalog of today; NULL, and said, when they are
 * none: then what is held goes on. */
static struct catalog *
read_stored(const struct catalog_keeper *keeper, struct slice bytes)
{
    struct catalog *catalog = NULL;
    enum status status;

    if (bytes.len == 0)
        return NULL;
    status = catalog_decode(bytes, &catalog);
    if (status == STATUS_OK) {
        judge_anew(keeper, &catalog);
        return catalog;
    }
    log_event(LOG_WARN, "stored-catalog-unreadable",
              LOG_STR("status", status_text(status)),
              LOG_STR("next", "what is held goes on serving"));
    return NULL;
}

/* A newer program may bring a bundle that is newer than what was stored. What
 * is of a time that is still to come says nothing of its age: the clock was
 * wrong. */
static bool
is_worth_taking(const struct catalog_keeper *keeper,
                const struct catalog *catalog)
{
    return catalog != NULL &&
           (keeper->is_stored || keeper->newest == NULL ||
            catalog->made_at >= keeper->newest->made_at ||
            keeper->newest->made_at > loop_wall(keeper->loop));
}

void
catalog_keeper_take(struct catalog_keeper *keeper,
                    const struct catalog_stored *stored)
{
    uint64_t before = version_of(served(keeper));
    struct catalog *newest = read_stored(keeper, stored->newest);

    if (is_worth_taking(keeper, newest)) {
        catalog_free(&keeper->newest);
        keeper->newest = newest;
        keeper->is_stored = true;
        take_report(keeper, stored->report);
    } else {
        catalog_free(&newest);
    }
    catalog_free(&keeper->pinned);
    keeper->pinned = read_stored(keeper, stored->pinned_bytes);
    keeper->pinned_number = keeper->pinned != NULL ? stored->pinned : 0;
    tell_pinned(keeper);
    if (served(keeper) != NULL)
        serve(keeper, before);
}
