/* feedbackd: stores spawn logs, ratings and reports, and folds them into the
 * snapshot "layers" that scorerd follows.
 *
 * Three connections, because one answers in order: writes, layers, questions.
 * While PostgreSQL is away it is not ready and refuses writes, but whoever
 * follows the layers keeps them. Start as many as you like. */
#include "services/feedbackd/feedback_service.h"
#include "services/feedbackd/feedback_sql.h"
#include "services/feedbackd/upkeep.h"
#include "services/runtime/daemon.h"
#include "services/runtime/log.h"
#include "services/store/migrate.h"

#include <stdio.h>

struct feedbackd {
    struct daemon daemon;
    struct feedback_service service;
    struct store *layers;
    struct upkeep *upkeep;
    bool loaded;
};

static const struct config_key feedbackd_keys[] = {
#define CONFIG CONFIG_ROW
#include "services/feedbackd/config.def"
#undef CONFIG
};

/* Ready when every connection is up and the layers were read once. */
static void
feedbackd_judge(struct feedbackd *self)
{
    const struct store *stores[] = {self->service.write, self->layers,
                                    self->service.read};
    char detail[400];

    for (size_t i = 0; i < ARRAY_LEN(stores); i++) {
        if (stores[i] && store_is_up(stores[i]))
            continue;
        (void)snprintf(detail, sizeof(detail), "no database: %s",
                       stores[i] ? store_detail(stores[i]) : "starting");
        daemon_not_ready(&self->daemon, detail);
        return;
    }
    if (self->loaded)
        daemon_ready(&self->daemon);
    else
        daemon_not_ready(&self->daemon, "the layers are being read");
}

static void
feedbackd_on_up(void *context)
{
    feedbackd_judge(context);
}

static void
feedbackd_on_down(void *context, const char *why)
{
    log_event(LOG_WARN, "database-away", LOG_STR("why", why),
              LOG_STR("next", "connecting goes on; writes are refused"));
    feedbackd_judge(context);
}

static void
feedbackd_on_layers_up(void *context)
{
    struct feedbackd *self = context;

    layer_follow_up(self->service.follow);
    feedbackd_judge(self);
}

static void
feedbackd_on_read_up(void *context)
{
    struct feedbackd *self = context;

    upkeep_up(self->upkeep);
    feedbackd_judge(self);
}

static void
feedbackd_on_notice(void *context, struct slice payload)
{
    struct feedbackd *self = context;

    layer_follow_notice(self->service.follow, payload);
}

static void
feedbackd_on_loaded(void *context)
{
    struct feedbackd *self = context;

    self->loaded = true;
    feedbackd_judge(self);
}

/* The options that all three connections share. */
static struct store_options
feedbackd_store_options(struct feedbackd *self, char *name, const char *what,
                        const char *timeout)
{
    const struct config *config = self->daemon.config;

    (void)snprintf(name, 64, "%.40s/%s", self->daemon.instance, what);
    return (struct store_options){
        .name = name,
        .url = config_text(config, "database.url"),
        .home = self->daemon.home,
        .schema = migrate_newest(),
        .queue_max = (uint32_t)config_int(config, "feedback.queue_max"),
        .statement_timeout = config_duration_ms(config, timeout),
        .up = feedbackd_on_up,
        .down = feedbackd_on_down,
        .context = self,
        .metrics = self->daemon.metrics};
}

static enum status
feedbackd_open_stores(struct feedbackd *self)
{
    struct loop *loop = self->daemon.loop;
    char name[64];
    struct store_options write =
        feedbackd_store_options(self, name, "write", "feedback.write_timeout");
    struct store_options other;
    enum status status = STATUS_OK;

    write.statements = write_statements;
    write.statement_count = WRITE_STATEMENTS;
    status = store_new(loop, &write, &self->service.write);
    if (status != STATUS_OK)
        return status;
    other =
        feedbackd_store_options(self, name, "layers", "feedback.read_timeout");
    other.statements = layer_statements;
    other.statement_count = LAYER_STATEMENTS;
    other.channel = FEEDBACK_CHANNEL;
    other.up = feedbackd_on_layers_up;
    other.notified = feedbackd_on_notice;
    status = store_new(loop, &other, &self->layers);
    if (status != STATUS_OK)
        return status;
    other =
        feedbackd_store_options(self, name, "read", "feedback.read_timeout");
    other.statements = read_statements;
    other.statement_count = READ_STATEMENTS;
    other.up = feedbackd_on_read_up;
    return store_new(loop, &other, &self->service.read);
}

static enum status
feedbackd_open_layers(struct feedbackd *self)
{
    struct layer_follow_options options = {
        .store = self->layers,
        .interval =
            config_duration_ms(self->daemon.config, "feedback.interval"),
        .loaded = feedbackd_on_loaded,
        .context = self,
        .metrics = self->daemon.metrics};
    enum status status =
        layer_state_new(self->daemon.server, &self->service.state);

    options.state = self->service.state;
    if (status == STATUS_OK)
        status = layer_follow_new(self->daemon.loop, &options,
                                  &self->service.follow);
    if (status == STATUS_OK)
        status =
            upkeep_new(self->daemon.loop, self->service.read, &self->upkeep);
    return status;
}

static enum status
feedbackd_open(struct feedbackd *self)
{
    enum status status = feedbackd_open_stores(self);

    if (status == STATUS_OK)
        status = feedbackd_open_layers(self);
    if (status != STATUS_OK)
        return status;
    feedback_service_init(&self->service);
    self->service.loop = self->daemon.loop;
    rpc_server_add(self->daemon.server, &self->service.base.base);
    daemon_not_ready(&self->daemon, "connecting to the database");
    return STATUS_OK;
}

static void
feedbackd_close(struct feedbackd *self)
{
    store_free(&self->service.write);
    store_free(&self->layers);
    store_free(&self->service.read);
    upkeep_free(&self->upkeep);
    layer_follow_free(&self->service.follow);
    layer_state_free(&self->service.state);
}

int
main(int argc, char **argv)
{
    static const struct daemon_spec spec = {
        .name = "feedbackd",
        .purpose = "Stores spawn logs, ratings and community reports in "
                   "PostgreSQL and folds them into layers.",
        .keys = feedbackd_keys,
        .key_count = ARRAY_LEN(feedbackd_keys)};
    struct feedbackd self = {0};
    int result = 0;

    if (!daemon_start(&self.daemon, &spec, argc, argv, &result))
        return result;
    if (feedbackd_open(&self) == STATUS_OK) {
        result = daemon_run(&self.daemon);
    } else {
        log_event(LOG_ERROR, "start-failed", LOG_STR("why", "no memory"));
        result = 3;
    }
    feedbackd_close(&self);
    daemon_end(&self.daemon);
    return result;
}
