/* feedbackd: stores spawn logs, ratings and reports, and folds them into the
 * snapshot "layers" that scorerd follows.
 *
 * While PostgreSQL is away it is not ready and refuses writes, but whoever
 * follows the layers keeps them. Start as many as you like. */
#include "core/base/check.h"
#include "services/feedbackd/feedback_stack.h"
#include "services/runtime/daemon.h"
#include "services/runtime/log.h"

static const struct config_key feedbackd_keys[] = {
#define CONFIG CONFIG_ROW
#include "services/feedbackd/config.def"
#undef CONFIG
};

static void
feedbackd_on_judged(void *context, const char *detail)
{
    struct daemon *daemon = context;

    if (detail)
        daemon_not_ready(daemon, detail);
    else
        daemon_ready(daemon);
}

static enum status
feedbackd_open(struct daemon *daemon, const struct secret_key *seal,
               struct feedback_stack *stack)
{
    const struct config *config = daemon->config;
    struct feedback_stack_options options = {
        .loop = daemon->loop,
        .server = daemon->server,
        .metrics = daemon->metrics,
        .instance = daemon->instance,
        .url = config_text(config, "database.url"),
        .home = daemon->home,
        .seal = seal,
        .queue_max = (uint32_t)config_int(config, "feedback.queue_max"),
        .write_timeout = config_duration_ms(config, "feedback.write_timeout"),
        .read_timeout = config_duration_ms(config, "feedback.read_timeout"),
        .ping_every = config_duration_ms(config, "database.ping_every"),
        .backoff_max = config_duration_ms(config, "database.backoff_max"),
        .interval = config_duration_ms(config, "feedback.interval"),
        .upkeep_interval = config_duration_ms(config, "upkeep.interval"),
        .retention = config_duration_ms(config, "idempotency.retention"),
        .report_window = config_duration_ms(config, "report.window"),
        .judged = feedbackd_on_judged,
        .context = daemon};

    return feedback_stack_open(stack, &options);
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
    struct daemon daemon = {0};
    struct feedback_stack stack = {0};
    struct secret_key seal = {0};
    int result = 0;

    if (!daemon_start(&daemon, &spec, argc, argv, &result))
        return result;
    result = 3;
    if (daemon_key_load(&daemon, &seal) == STATUS_OK) {
        if (feedbackd_open(&daemon, &seal, &stack) == STATUS_OK)
            result = daemon_run(&daemon);
        else
            log_event(LOG_ERROR, "start-failed", LOG_STR("why", "no memory"));
    }
    feedback_stack_close(&stack);
    daemon_end(&daemon);
    secret_key_forget(&seal);
    return result;
}
