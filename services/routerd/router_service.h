/* The service ss.Router: calls in, answers or refusals out.
 *
 * Every handler answers at once from the table at hand. Decompose, Swarm,
 * ComposeRole and RoleBlocks are UNIMPLEMENTED. */
#ifndef SERVICES_ROUTERD_ROUTER_SERVICE_H
#define SERVICES_ROUTERD_ROUTER_SERVICE_H

#include "router/classify.h"
#include "services/routerd/table_holder.h"
#include "services/runtime/loop.h"
#include "services/runtime/secret.h"

#include "router.pb-c.h"

struct router_service {
    Ss__Router_Service base; /* first: handlers get a pointer to it */
    unsigned magic;
    const struct loop *loop; /* for the day */
    const struct classifier *classifier;
    const struct secret_key *seal;     /* of decision ids */
    const struct table_holder *holder; /* set before the first call */
};

/* Borrow all for the service's life. */
void router_service_init(struct router_service *service,
                         const struct loop *loop,
                         const struct classifier *classifier,
                         const struct secret_key *seal);

#endif
