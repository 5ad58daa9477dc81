/* Load, assemble, save, publish; see catalog_keeper.h. */
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
    struct catalog *catalog; /* NULL before there is one */
    struct arena *alias_arena;
    struct alias_table *aliases; /* NULL: rules only */
    struct snapshot_publisher *publisher;
    int64_t *model_gauge;
    uint64_t *assembly_counter;
    char disk_path[HOME_PATH_MAX];
};

static enum status
encode(void *context, struct buf *out)
{
    const struct catalog_keeper *keeper = context;

    return catalog_encode(keeper->catalog, out);
}

static void
save(const struct catalog_keeper *keeper)
{
    struct buf out;
    enum status status;

    buf_init(&out, CATALOG_KEEPER_BYTES_MAX);
    status = catalog_encode(keeper->catalog, &out);
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
    *keeper->model_gauge = (int64_t)keeper->catalog->count;
    snapshot_publish_whole(keeper->publisher,
                           catalog_snapshot_hash(keeper->catalog));
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

/* The newer of the two, judged as of today. Of equal age the bundle: it was
 * made from the same recordings by the newer program. */
static void
load(struct catalog_keeper *keeper, const char *data_folder)
{
    struct catalog *disk = load_disk(keeper);
    struct catalog *bundle = load_bundle(keeper, data_folder);
    bool from_disk =
        disk != NULL && (bundle == NULL || disk->made_at > bundle->made_at);
    struct slice failures[SOURCE_COUNT];

    keeper->catalog = from_disk ? disk : bundle;
    catalog_free(from_disk ? &bundle : &disk);
    if (keeper->catalog == NULL)
        return;
    log_event(LOG_INFO, "catalog-loaded",
              LOG_STR("from", from_disk ? "disk" : "bundle"),
              LOG_U64("models", keeper->catalog->count),
              LOG_HEX("version", keeper->catalog->version));
    for (size_t s = 0; s < SOURCE_COUNT; s++)
        failures[s] = SLICE("");
    /* Expiry dates go by the day; nothing else changes. */
    if (catalog_keeper_assemble(keeper, NULL, 0, failures) != STATUS_OK)
        publish(keeper);
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
    catalog_free(&self->catalog);
    arena_free(&self->alias_arena);
    free(self);
    *keeper = NULL;
}

const struct catalog *
catalog_keeper_catalog(const struct catalog_keeper *keeper)
{
    return keeper->catalog;
}

/* Replace what is held; its times and states are new even where its content
 * is not. */
static void
install(struct catalog_keeper *keeper, struct catalog *catalog)
{
    bool is_new =
        keeper->catalog == NULL || keeper->catalog->version != catalog->version;

    catalog_free(&keeper->catalog);
    keeper->catalog = catalog;
    if (is_new) {
        ++*keeper->assembly_counter;
        log_event(LOG_INFO, "catalog", LOG_HEX("version", catalog->version),
                  LOG_U64("models", catalog->count));
    }
    save(keeper);
    publish(keeper);
}

enum status
catalog_keeper_assemble(struct catalog_keeper *keeper,
                        const struct assemble_payload *payloads, size_t count,
                        const struct slice *failures)
{
    ms_time now = loop_wall(keeper->loop);
    struct assemble_input input = {
        .previous = keeper->catalog,
        .payloads = payloads,
        .payload_count = count,
        .aliases = keeper->aliases,
        .today = utc_day_of(now),
        .made_at = count > 0 || keeper->catalog == NULL
                       ? now
                       : keeper->catalog->made_at,
    };
    struct arena *scratch = arena_new(ASSEMBLE_SCRATCH_MAX);
    struct catalog *catalog = NULL;
    enum status status = STATUS_RESOURCE_EXHAUSTED;

    memcpy(input.failures, failures, sizeof(input.failures));
    if (scratch != NULL)
        status = assemble_catalog(&input, scratch, NULL, &catalog);
    arena_free(&scratch);
    if (status == STATUS_OK)
        install(keeper, catalog);
    else
        log_event(LOG_ERROR, "catalog-not-assembled",
                  LOG_STR("status", status_text(status)),
                  LOG_STR("next", "the last good catalog serves"));
    return status;
}
