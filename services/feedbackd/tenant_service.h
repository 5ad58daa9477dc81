/* The calls of ss.Tenants (proto/tenants.proto) as handlers.
 *
 * A change is answered after its commit, and then the keeper has it published.
 * The text of a key exists in the reply to AddKey alone: never in a log, an
 * error, a statement or the database. Bad input is INVALID_ARGUMENT with a
 * message that names field and rule. While PostgreSQL is away all three are
 * UNAVAILABLE with a hint. */
#ifndef SERVICES_FEEDBACKD_TENANT_SERVICE_H
#define SERVICES_FEEDBACKD_TENANT_SERVICE_H

#include "services/feedbackd/tenant_keeper.h"
#include "services/store/store.h"

#include "tenants.pb-c.h"

struct tenant_service {
    Ss__Tenants_Service base; /* first: handlers get its address */
    struct store *write;      /* all borrowed; write_statements */
    struct store *read;       /* read_statements */
    struct tenant_keeper *keeper;
};

/* Set the handlers; the rest is the caller's to set. */
void tenant_service_init(struct tenant_service *service);

#endif
