/* The service ss.Scorer: what the table is and what was done for it. */
#ifndef SERVICES_SCORERD_SCORER_SERVICE_H
#define SERVICES_SCORERD_SCORER_SERVICE_H

#include "services/runtime/rpc_server.h"
#include "services/scorerd/table_keeper.h"

#include "scorer.pb-c.h"

/* Embedded; must outlive the server it is added to. */
struct scorer_service {
    Ss__Scorer_Service base; /* first: handlers get its address */
    const struct table_keeper *keeper;
};

/* Serve; the keeper is borrowed. */
void scorer_service_init(struct scorer_service *service,
                         const struct table_keeper *keeper,
                         struct rpc_server *server);

#endif
