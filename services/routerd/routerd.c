/* smart-spawn-routerd: answers every question from the newest score table in
 * memory. It writes nothing but its copy of that table. */
#include "services/routerd/router_service.h"
#include "services/runtime/daemon.h"
#include "services/runtime/log.h"

#define CLASSIFIER_BYTES_MAX ((size_t)8 << 20)

struct routerd {
    struct daemon daemon;
    struct arena *model;    /* of the classifier */
    struct secret_key seal; /* of decision ids */
    struct router_service service;
    struct rpc_channel *scorer;
    struct table_holder *holder;
};

/* A table is all it takes to be ready. */
static void
on_table(void *context)
{
    struct routerd *routerd = context;
    daemon_ready(&routerd->daemon);
}

/* The second part of a daemon's life: classifier, service, table. */
static enum status
set_up(struct routerd *routerd)
{
    struct daemon *daemon = &routerd->daemon;

    routerd->model = arena_new(CLASSIFIER_BYTES_MAX);
    if (routerd->model == NULL)
        return STATUS_RESOURCE_EXHAUSTED;
    const struct classifier *classifier = classify_new(routerd->model);
    if (classifier == NULL)
        return STATUS_RESOURCE_EXHAUSTED;
    enum status status = daemon_key_load(daemon, &routerd->seal);
    if (status != STATUS_OK)
        return status;
    router_service_init(&routerd->service, daemon->loop, classifier,
                        &routerd->seal);
    rpc_server_add(daemon->server, &routerd->service.base.base);
    daemon_not_ready(daemon, "no score table yet");

    status = daemon_channel(daemon, "scorer", &routerd->scorer);
    if (status != STATUS_OK)
        return status;
    struct table_holder_options options = {.loop = daemon->loop,
                                           .scorer = routerd->scorer,
                                           .home = daemon->home,
                                           .instance = daemon->instance,
                                           .changed = on_table,
                                           .context = routerd};
    status = table_holder_new(&options, &routerd->holder);
    if (status != STATUS_OK)
        return status;
    routerd->service.holder = routerd->holder;
    daemon_follow(daemon, "table", table_holder_follower(routerd->holder));
    return STATUS_OK;
}

static void
tear_down(struct routerd *routerd)
{
    if (routerd->holder != NULL)
        table_holder_free(&routerd->holder);
    if (routerd->scorer != NULL)
        rpc_channel_free(&routerd->scorer);
    daemon_end(&routerd->daemon);
    arena_free(&routerd->model);
    secret_key_forget(&routerd->seal);
}

int
main(int argc, char **argv)
{
    static const struct daemon_spec spec = {
        .name = "routerd",
        .purpose = "Answers which model should do a task, from the newest "
                   "score table in memory."};
    struct routerd routerd = {0};
    int exit_status = 0;

    if (!daemon_start(&routerd.daemon, &spec, argc, argv, &exit_status))
        return exit_status;
    enum status status = set_up(&routerd);
    if (status == STATUS_OK) {
        exit_status = daemon_run(&routerd.daemon);
    } else {
        log_event(LOG_ERROR, "start", LOG_STR("status", status_text(status)),
                  LOG_STR("next", "exit; the supervisor starts it again"));
        exit_status = 3;
    }
    tear_down(&routerd);
    return exit_status;
}
