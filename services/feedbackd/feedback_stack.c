/* Opening and wiring the parts; and whether the whole is ready.
 *
 * Three connections, because one answers in order: writes, layers, questions.
 * Ready when all are up and layers and tenants were read once. */
#include "services/feedbackd/feedback_stack.h"

#include "core/base/check.h"
#include "services/feedbackd/feedback_sql.h"
#include "services/runtime/log.h"
#include "services/store/migrate.h"

#include <stdio.h>

#define STACK_DETAIL_MAX 400
#define STACK_NAME_MAX 64

/* NULL when they were published once; else why not. */
static const char *
feedback_stack_lacks_keys(const struct feedback_stack *stack)
{
    const struct tenant_keeper *keeper = stack->tenants.keeper;

    if (tenant_keeper_has(keeper))
        return NULL;
    return tenant_keeper_trouble(keeper)[0] ? tenant_keeper_trouble(keeper)
                                            : "the API keys are not read yet";
}

static void
feedback_stack_judge(struct feedback_stack *stack)
{
    const struct store *stores[] = {stack->service.write, stack->layers,
                                    stack->service.read};
    char detail[STACK_DETAIL_MAX];

    for (size_t i = 0; i < ARRAY_LEN(stores); i++) {
        if (store_is_up(stores[i]))
            continue;
        (void)snprintf(detail, sizeof(detail), "no database: %s",
                       store_detail(stores[i]));
        stack->options.judged(stack->options.context, detail);
        return;
    }
    stack->options.judged(stack->options.context,
                          !stack->loaded ? "the layers are being read"
                                         : feedback_stack_lacks_keys(stack));
}

static void
feedback_stack_on_up(void *context)
{
    feedback_stack_judge(context);
}

static void
feedback_stack_on_down(void *context, const char *why)
{
    log_event(LOG_WARN, "database-away", LOG_STR("why", why),
              LOG_STR("next", "connecting goes on; writes are refused"));
    feedback_stack_judge(context);
}

static void
feedback_stack_on_layers_up(void *context)
{
    struct feedback_stack *stack = context;

    layer_follow_up(stack->service.follow);
    tenant_keeper_up(stack->tenants.keeper);
    feedback_stack_judge(stack);
}

static void
feedback_stack_on_read_up(void *context)
{
    struct feedback_stack *stack = context;

    upkeep_up(stack->upkeep);
    feedback_stack_judge(stack);
}

static void
feedback_stack_on_notice(void *context, struct slice payload)
{
    struct feedback_stack *stack = context;

    if (slice_eq(payload, SLICE(FEEDBACK_NOTICE_TENANTS)))
        tenant_keeper_notice(stack->tenants.keeper);
    else
        layer_follow_notice(stack->service.follow, payload);
}

static void
feedback_stack_on_loaded(void *context)
{
    struct feedback_stack *stack = context;

    stack->loaded = true;
    feedback_stack_judge(stack);
}

/* What all three connections share; `what` ends the name. */
static enum status
feedback_stack_store(struct feedback_stack *stack, const char *what,
                     struct store_options *options, struct store **ret_store)
{
    char name[STACK_NAME_MAX];

    (void)snprintf(name, sizeof(name), "%.40s/%s", stack->options.instance,
                   what);
    options->name = name;
    options->url = stack->options.url;
    options->home = stack->options.home;
    options->schema = migrate_newest();
    options->queue_max = stack->options.queue_max;
    options->ping_every = stack->options.ping_every;
    options->backoff_max = stack->options.backoff_max;
    options->down = feedback_stack_on_down;
    options->context = stack;
    options->metrics = stack->options.metrics;
    return store_new(stack->options.loop, options, ret_store);
}

static enum status
feedback_stack_open_stores(struct feedback_stack *stack)
{
    struct store_options write = {.statements = write_statements,
                                  .statement_count = WRITE_STATEMENTS,
                                  .statement_timeout =
                                      stack->options.write_timeout,
                                  .up = feedback_stack_on_up};
    struct store_options layers = {.statements = layer_statements,
                                   .statement_count = LAYER_STATEMENTS,
                                   .statement_timeout =
                                       stack->options.read_timeout,
                                   .channel = FEEDBACK_CHANNEL,
                                   .notified = feedback_stack_on_notice,
                                   .up = feedback_stack_on_layers_up};
    struct store_options read = {.statements = read_statements,
                                 .statement_count = READ_STATEMENTS,
                                 .statement_timeout =
                                     stack->options.read_timeout,
                                 .up = feedback_stack_on_read_up};
    enum status status =
        feedback_stack_store(stack, "write", &write, &stack->service.write);

    if (status == STATUS_OK)
        status = feedback_stack_store(stack, "layers", &layers, &stack->layers);
    if (status == STATUS_OK)
        status =
            feedback_stack_store(stack, "read", &read, &stack->service.read);
    return status;
}

static enum status
feedback_stack_open_layers(struct feedback_stack *stack)
{
    struct layer_follow_options options = {.store = stack->layers,
                                           .interval = stack->options.interval,
                                           .loaded = feedback_stack_on_loaded,
                                           .context = stack,
                                           .metrics = stack->options.metrics};
    enum status status =
        layer_state_new(stack->options.server, &stack->service.state);

    options.state = stack->service.state;
    if (status == STATUS_OK)
        status = layer_follow_new(stack->options.loop, &options,
                                  &stack->service.follow);
    return status;
}

static enum status
feedback_stack_open_tenants(struct feedback_stack *stack)
{
    struct tenant_keeper_options options = {.store = stack->layers,
                                            .server = stack->options.server,
                                            .interval = stack->options.interval,
                                            .changed = feedback_stack_on_up,
                                            .context = stack,
                                            .metrics = stack->options.metrics};

    return tenant_keeper_new(stack->options.loop, &options,
                             &stack->tenants.keeper);
}

static enum status
feedback_stack_open_upkeep(struct feedback_stack *stack)
{
    struct upkeep_options options = {.store = stack->service.read,
                                     .interval = stack->options.upkeep_interval,
                                     .retention = stack->options.retention,
                                     .report_window =
                                         stack->options.report_window};

    return upkeep_new(stack->options.loop, &options, &stack->upkeep);
}

static void
feedback_stack_serve(struct feedback_stack *stack)
{
    struct rpc_server *server = stack->options.server;

    feedback_service_init(&stack->service);
    stack->service.loop = stack->options.loop;
    stack->service.seal = stack->options.seal;
    stack->service.retention = stack->options.retention;
    stack->service.report_window = stack->options.report_window;
    stack->service.unlinked = metrics_counter(
        stack->options.metrics, "outcomes_unlinked_total", "",
        "Ratings recorded without their spawnId: no spawn of their tenant's.");
    rpc_server_add(server, &stack->service.base.base);
    tenant_service_init(&stack->tenants);
    stack->tenants.write = stack->service.write;
    stack->tenants.read = stack->service.read;
    rpc_server_add(server, &stack->tenants.base.base);
}

enum status
feedback_stack_open(struct feedback_stack *stack,
                    const struct feedback_stack_options *options)
{
    enum status status = STATUS_OK;

    *stack = (struct feedback_stack){.options = *options};
    status = feedback_stack_open_stores(stack);
    if (status == STATUS_OK)
        status = feedback_stack_open_layers(stack);
    if (status == STATUS_OK)
        status = feedback_stack_open_tenants(stack);
    if (status == STATUS_OK)
        status = feedback_stack_open_upkeep(stack);
    if (status != STATUS_OK)
        return status;
    feedback_stack_serve(stack);
    feedback_stack_judge(stack);
    return STATUS_OK;
}

void
feedback_stack_close(struct feedback_stack *stack)
{
    store_free(&stack->service.write);
    store_free(&stack->layers);
    store_free(&stack->service.read);
    upkeep_free(&stack->upkeep);
    layer_follow_free(&stack->service.follow);
    tenant_keeper_free(&stack->tenants.keeper);
    layer_state_free(&stack->service.state);
}
