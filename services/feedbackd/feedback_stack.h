/* All of feedbackd but the process: three connections, the layers, the
 * tenants, the upkeep and the calls, on a loop and a server that somebody
 * else owns. */
#ifndef SERVICES_FEEDBACKD_FEEDBACK_STACK_H
#define SERVICES_FEEDBACKD_FEEDBACK_STACK_H

#include "services/feedbackd/feedback_service.h"
#include "services/feedbackd/tenant_service.h"
#include "services/feedbackd/upkeep.h"

struct feedback_stack_options {
    struct loop *loop; /* borrowed, as are server and metrics */
    struct rpc_server *server;
    struct metrics *metrics;
    const char *instance; /* in the connections' names */
    const char *url;      /* as store_options' url and home; copied */
    const char *home;
    const struct secret_key *seal; /* of decision ids; borrowed */
    uint32_t queue_max;
    ms_dur write_timeout, read_timeout;
    ms_dur ping_every, backoff_max; /* as store_options' */
    ms_dur interval;                /* looks at layers and keys */
    ms_dur upkeep_interval;         /* see upkeep.h, as are the next two */
    ms_dur retention, report_window;
    /* Told whenever it changes: NULL is ready, else why it is not. */
    void (*judged)(void *context, const char *detail);
    void *context;
};

struct feedback_stack {
    struct feedback_service service;
    struct tenant_service tenants;
    struct feedback_stack_options options;
    struct store *layers;
    struct upkeep *upkeep;
    bool loaded; /* the layers, once */
};

/* Set up and serve; connecting happens in the background. RESOURCE_EXHAUSTED;
 * close it then too. The stack must stay where it is. */
enum status
feedback_stack_open(struct feedback_stack *stack,
                    const struct feedback_stack_options *options) MUST_CHECK;
/* Before its server is freed, and when no call can come any more. */
void feedback_stack_close(struct feedback_stack *stack);

#endif
