/* The services of a server: generated tables, found by name, each method with
 * its counters. Inner to rpc_server.c. */
#ifndef SERVICES_RUNTIME_RPC_SERVICE_H
#define SERVICES_RUNTIME_RPC_SERVICE_H

#include "services/runtime/rpc_call.h"

void rpc_service_add(struct rpc_server *server, ProtobufCService *table);
/* By package and name; NULL when it is not served. */
const struct rpc_service *
rpc_service_find(const struct rpc_server *server, struct slice name);
/* By "ss.Router/Pick" (checked by rpc_frame_check); NULL when not served. */
const struct rpc_method *
rpc_service_method(const struct rpc_server *server, const char *path);
/* Free them all, calling the destroy of each table that has one. */
void rpc_service_free_all(struct rpc_server *server);

#endif
