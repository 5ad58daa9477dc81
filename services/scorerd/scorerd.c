/* smart-spawn-scorerd: catalog and layers in, score table out.
 *
 * Follows ingestd's catalog and feedbackd's layers, keeps a copy of each on
 * disk and starts from those, so that it has a table before (and without)
 * either. Serves the table as a snapshot. Asks nobody while answering. */
#include "services/runtime/daemon.h"
#include "services/runtime/home.h"
#include "services/runtime/log.h"
#include "services/scorerd/scorer_service.h"
#include "services/scorerd/table_keeper.h"

#include <stdio.h>

#define FILE_NAME_MAX (HOME_INSTANCE_MAX + 32)
#define EXIT_UNAVAILABLE 3

struct followed {
    struct rpc_channel *channel;
    struct snapshot_follower *follower;
    char path[HOME_PATH_MAX]; /* of the copy on disk */
};

struct scorerd {
    struct daemon daemon;
    struct table_keeper *keeper;
    struct scorer_service service;
    struct followed catalog, layers;
};

static const struct config_key keys[] = {
#define CONFIG CONFIG_ROW
#include "services/scorerd/config.def"
#undef CONFIG
};

static void
on_published(void *context)
{
    struct scorerd *scorerd = context;
    daemon_ready(&scorerd->daemon);
}

/* <home>/snapshots/<instance>.<name>, the folder made. */
static enum status
copy_path(const struct daemon *daemon, const char *name, char *out)
{
    char file[FILE_NAME_MAX];
    (void)snprintf(file, sizeof file, "%s.%s", daemon->instance, name);
    enum status status = home_join(daemon->home, "snapshots", out);
    if (status == STATUS_OK)
        status = home_make_folder(out);
    if (status == STATUS_OK)
        status = home_join(out, file, out);
    return status;
}

static enum status
follow(struct scorerd *scorerd, const char *service,
       struct snapshot_follower_options options, struct followed *followed)
{
    struct daemon *daemon = &scorerd->daemon;
    enum status status = copy_path(daemon, options.name, followed->path);
    if (status == STATUS_OK)
        status = daemon_channel(daemon, service, &followed->channel);
    if (status != STATUS_OK)
        return status;
    options.disk_path = followed->path;
    options.context = scorerd->keeper;
    status = snapshot_follower_new(daemon->loop, followed->channel, &options,
                                   &followed->follower);
    if (status == STATUS_OK)
        daemon_follow(daemon, options.name, followed->follower);
    return status;
}

static enum status
set_up(struct scorerd *scorerd)
{
    struct daemon *daemon = &scorerd->daemon;
    struct table_keeper_options keeper = {
        .loop = daemon->loop,
        .server = daemon->server,
        .metrics = daemon->metrics,
        .day_check = config_duration_ms(daemon->config, "scorer.day_check"),
        .published = on_published,
        .context = scorerd};
    enum status status = table_keeper_new(&keeper, &scorerd->keeper);
    if (status != STATUS_OK)
        return status;
    scorer_service_init(&scorerd->service, scorerd->keeper, daemon->server);
    daemon_not_ready(daemon, "waiting for a catalog");
    /* Layers first: their copy on disk is then in the first table. */
    status = follow(scorerd, "feedback",
                    (struct snapshot_follower_options){
                        .name = "layers",
                        .whole = table_keeper_set_layers,
                        .delta = table_keeper_move_layers,
                        .encode = table_keeper_encode_layers,
                    },
                    &scorerd->layers);
    if (status != STATUS_OK)
        return status;
    return follow(scorerd, "ingest",
                  (struct snapshot_follower_options){
                      .name = "catalog",
                      .whole = table_keeper_set_catalog,
                  },
                  &scorerd->catalog);
}

static void
unfollow(struct followed *followed)
{
    if (followed->follower != NULL)
        snapshot_follower_free(&followed->follower);
    if (followed->channel != NULL)
        rpc_channel_free(&followed->channel);
}

int
main(int argc, char **argv)
{
    static const struct daemon_spec spec = {
        .name = "scorerd",
        .purpose = "Turns catalog and ratings into the score table that "
                   "routers answer from.",
        .keys = keys,
        .key_count = ARRAY_LEN(keys),
    };
    struct scorerd scorerd = {0};
    int exit_status = EXIT_UNAVAILABLE;
    if (!daemon_start(&scorerd.daemon, &spec, argc, argv, &exit_status))
        return exit_status;
    enum status status = set_up(&scorerd);
    if (status == STATUS_OK)
        exit_status = daemon_run(&scorerd.daemon);
    else
        log_event(LOG_ERROR, "cannot-start",
                  LOG_STR("status", status_text(status)));
    unfollow(&scorerd.catalog);
    unfollow(&scorerd.layers);
    table_keeper_free(&scorerd.keeper);
    daemon_end(&scorerd.daemon);
    return status == STATUS_OK ? exit_status : EXIT_UNAVAILABLE;
}
