/* The service ss.Ingest: what is known of each source, and refresh now. */
#ifndef SERVICES_INGESTD_INGEST_SERVICE_H
#define SERVICES_INGESTD_INGEST_SERVICE_H

#include "services/ingestd/catalog_keeper.h"
#include "services/ingestd/refresher.h"
#include "services/runtime/rpc_server.h"

#include "ingest.pb-c.h"

/* Embedded; must outlive the server it is added to. */
struct ingest_service {
    Ss__Ingest_Service base; /* first: handlers get its address */
    const struct catalog_keeper *keeper;
    struct refresher *refresher;
};

/* Serve; keeper and refresher are borrowed. */
void ingest_service_init(struct ingest_service *service,
                         const struct catalog_keeper *keeper,
                         struct refresher *refresher,
                         struct rpc_server *server);

#endif
