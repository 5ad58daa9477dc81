/* smart-spawn-ingestd: fetches the five sources and publishes the catalog.
 *
 *   1. configuration, log, loop, RPC (daemon_start)
 *   2. the last good or the bundled catalog, published at once: ready
 *   3. PostgreSQL, followed: what another ingestd stored is served, too
 *   4. the sources, fetched beside each other, now and every interval, by one
 *      ingestd at a time
 *   5. until SIGTERM
 *
 * With --bundle FILE --recordings FOLDER it makes the bundled catalog instead
 * and ends. */
#include "services/ingestd/catalog_keeper.h"
#include "services/ingestd/data_files.h"
#include "services/ingestd/ingest_service.h"
#include "services/ingestd/recordings.h"
#include "services/ingestd/refresher.h"
#include "services/runtime/daemon.h"
#include "services/runtime/home.h"
#include "services/runtime/log.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum exit_status { EXIT_USAGE = 2, EXIT_UNAVAILABLE = 3 };

#define STORE_TIMEOUT_MS                                                       \
    30000 /* of a statement: a catalog is half a megabyte */

static const struct config_key keys[] = {
#define CONFIG CONFIG_ROW
#include "services/ingestd/config.def"
#undef CONFIG
};

static const struct daemon_spec spec = {
    .name = "ingestd",
    .purpose = "Fetches the five sources, matches their models and publishes "
               "the catalog.",
    .keys = keys,
    .key_count = ARRAY_LEN(keys),
};

/* The key of each source's URL. */
static const char *const url_keys[SOURCE_COUNT] = {
    [SOURCE_OPENROUTER] = "openrouter.url",
    [SOURCE_ARTIFICIAL_ANALYSIS] = "artificial_analysis.url",
    [SOURCE_HF_LEADERBOARD] = "hf_leaderboard.url",
    [SOURCE_LMARENA] = "lmarena.url",
    [SOURCE_LIVEBENCH] = "livebench.url",
};

#define API_KEY "artificial_analysis.api_key"

struct ingestd {
    struct daemon daemon;
    struct catalog_keeper *keeper;
    struct catalog_store *store;
    struct refresher *refresher;
    struct ingest_service service;
};

/* `--bundle`: only configuration and files, no endpoint. */
static int
make_bundle(int argc, char **argv)
{
    size_t counts[2] = {0, ARRAY_LEN(keys)};
    const struct config_key *tables[2] = {config_runtime_keys(&counts[0]),
                                          keys};
    struct config_input input = {.tables = tables,
                                 .table_counts = counts,
                                 .table_count = 2,
                                 .environment = environ,
                                 .argc = argc,
                                 .argv = argv};
    char error[CONFIG_ERROR_MAX], folder[HOME_PATH_MAX];
    struct config *config = NULL;
    int code = EXIT_USAGE;

    if (config_load(&input, error, &config) != STATUS_OK)
        (void)fprintf(stderr, "smart-spawn-ingestd: %s\n", error);
    else if (data_files_folder(config_text(config, "data.folder"), folder) !=
             STATUS_OK)
        (void)fprintf(stderr,
                      "smart-spawn-ingestd: no data folder; set data.folder\n");
    else if (config_text(config, "recordings")[0] == '\0')
        (void)fprintf(stderr,
                      "smart-spawn-ingestd: --bundle needs --recordings\n");
    else
        code = recordings_bundle(folder, config_text(config, "recordings"),
                                 config_text(config, "bundle"));
    config_free(&config);
    return code;
}

static bool
asks_for_bundle(int argc, char **argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], "--bundle") == 0 ||
            strncmp(argv[i], "--bundle=", 9) == 0)
            return true;
    return false;
}

/* Artificial Analysis's own address answers nobody without a key. */
static const char *
source_url(const struct config *config, enum source source)
{
    const char *url = config_text(config, url_keys[source]);

    if (source == SOURCE_ARTIFICIAL_ANALYSIS &&
        config_text(config, API_KEY)[0] == '\0' &&
        strncmp(url, "https://artificialanalysis.ai/", 30) == 0)
        return "";
    return url;
}

static void
on_refreshed(void *context)
{
    struct ingestd *ingestd = context;

    daemon_ready(&ingestd->daemon);
}

static enum status
set_up_keeper(struct ingestd *ingestd)
{
    struct daemon *daemon = &ingestd->daemon;
    char data[HOME_PATH_MAX], path[HOME_PATH_MAX];
    struct catalog_keeper_options options = {.loop = daemon->loop,
                                             .server = daemon->server,
                                             .metrics = daemon->metrics,
                                             .data_folder = data,
                                             .disk_path = path};
    const char *folder = config_text(daemon->config, "data.folder");
    enum status status = data_files_folder(folder, data);

    if (status != STATUS_OK && folder[0] != '\0') {
        log_event(
            LOG_ERROR, "no-data-folder", LOG_STR("data.folder", folder),
            LOG_STR(
                "why",
                "it holds no catalog.json or aliases.tsv that can be read"));
        return status;
    }
    if (status != STATUS_OK)
        data[0] = '\0';
    status = home_join(daemon->home, "snapshots", path);
    if (status == STATUS_OK)
        status = home_make_folder(path);
    if (status == STATUS_OK)
        status = home_join(path, "ingestd-catalog.bin", path);
    return status == STATUS_OK ? catalog_keeper_new(&options, &ingestd->keeper)
                               : status;
}

static void
on_stored_changed(void *context, const struct catalog_stored *stored)
{
    struct ingestd *ingestd = context;

    catalog_keeper_take(ingestd->keeper, stored);
    if (catalog_keeper_catalog(ingestd->keeper) != NULL)
        daemon_ready(&ingestd->daemon);
}

static void
on_moved(void *context)
{
    struct ingestd *ingestd = context;

    if (ingestd->refresher != NULL)
        refresher_moved(ingestd->refresher);
}

static enum status
set_up_store(struct ingestd *ingestd)
{
    struct daemon *daemon = &ingestd->daemon;
    const struct config *config = daemon->config;
    struct catalog_store_options options = {
        .loop = daemon->loop,
        .metrics = daemon->metrics,
        .instance = daemon->instance,
        .url = config_text(config, "database.url"),
        .home = daemon->home,
        .ping_every = config_duration_ms(config, "database.ping_every"),
        .backoff_max = config_duration_ms(config, "database.backoff_max"),
        .look_every = config_duration_ms(config, "database.ping_every"),
        .timeout = STORE_TIMEOUT_MS,
        .changed = on_stored_changed,
        .moved = on_moved,
        .context = ingestd,
    };

    return catalog_store_new(&options, &ingestd->store);
}

static enum status
set_up_refresher(struct ingestd *ingestd)
{
    struct daemon *daemon = &ingestd->daemon;
    const struct config *config = daemon->config;
    struct refresher_options options = {
        .loop = daemon->loop,
        .keeper = ingestd->keeper,
        .store = ingestd->store,
        .takeover = config_duration_ms(config, "ingest.takeover"),
        .interval = config_duration_ms(config, "refresh.interval"),
        .retry = config_duration_ms(config, "refresh.retry"),
        .is_on = config_bool(config, "ingest.fetch"),
        .refreshed = on_refreshed,
        .context = ingestd,
    };

    for (size_t s = 0; s < SOURCE_COUNT; s++)
        options.sources[s] = (struct source_fetch_options){
            .source = (enum source)s,
            .url = source_url(config, (enum source)s),
            .api_key = s == SOURCE_ARTIFICIAL_ANALYSIS
                           ? config_text(config, API_KEY)
                           : "",
            .max_bytes = (size_t)config_size(config, "ingest.max_body"),
            .timeout = config_duration_ms(config, "ingest.timeout"),
        };
    return refresher_new(&options, &ingestd->refresher);
}

static enum status
set_up(struct ingestd *ingestd)
{
    enum status status = set_up_keeper(ingestd);

    if (status == STATUS_OK)
        status = set_up_store(ingestd);
    if (status == STATUS_OK)
        status = set_up_refresher(ingestd);
    if (status != STATUS_OK)
        return status;
    ingest_service_init(&ingestd->service,
                        &(struct ingest_parts){ingestd->keeper, ingestd->store,
                                               ingestd->refresher},
                        ingestd->daemon.server);
    if (catalog_keeper_catalog(ingestd->keeper) != NULL)
        daemon_ready(&ingestd->daemon);
    else
        daemon_not_ready(&ingestd->daemon, "waiting for a first catalog");
    return STATUS_OK;
}

int
main(int argc, char **argv)
{
    struct ingestd ingestd = {.keeper = NULL};
    int exit_status = EXIT_UNAVAILABLE;
    enum status status;

    if (asks_for_bundle(argc, argv))
        return make_bundle(argc, argv);
    if (!daemon_start(&ingestd.daemon, &spec, argc, argv, &exit_status))
        return exit_status;
    status = set_up(&ingestd);
    if (status == STATUS_OK)
        exit_status = daemon_run(&ingestd.daemon);
    else
        log_event(LOG_ERROR, "cannot-start",
                  LOG_STR("status", status_text(status)));
    refresher_free(&ingestd.refresher);
    catalog_store_free(&ingestd.store);
    catalog_keeper_free(&ingestd.keeper);
    daemon_end(&ingestd.daemon);
    return status == STATUS_OK ? exit_status : EXIT_UNAVAILABLE;
}
