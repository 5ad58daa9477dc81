/* A server has few services (RPC_SERVICES_MAX): finding one is a walk, finding
 * its method protobuf-c's. */
#include "services/runtime/rpc_service.h"

#include "core/base/check.h"

#include <stdio.h>
#include <stdlib.h>

/* Services that every process has for machines. `quiet`: asked all day, so
 * logged at debug; `urgent`: answered ahead of what waits, and when no more
 * calls are taken. */
static const struct {
    const char *name;
    bool quiet, urgent;
} manners[] = {
    {"ss.Health", true, true},
    {"ss.Snapshots", true, false},
};

static void
set_manners(struct rpc_method *method, const char *service)
{
    for (size_t i = 0; i < ARRAY_LEN(manners); i++) {
        if (strcmp(manners[i].name, service) != 0)
            continue;
        method->quiet = manners[i].quiet;
        method->urgent = manners[i].urgent;
    }
}

static void
fill_method(struct rpc_server *server, ProtobufCService *table, unsigned index,
            struct rpc_method *method)
{
    const ProtobufCServiceDescriptor *type = table->descriptor;
    const ProtobufCMethodDescriptor *descriptor = &type->methods[index];
    char labels[RPC_METHOD_MAX + 16];
    int len = snprintf(method->name, sizeof method->name, "%s/%s", type->name,
                       descriptor->name);
    CHECK(len > 0 && (size_t)len < sizeof method->name);
    (void)snprintf(labels, sizeof labels, "method=\"%s\"", method->name);
    /* A stranger's bytes must not decide how deep we recurse. */
    CHECK(rpc_body_depth(descriptor->input) > 0);
    method->service = table;
    method->index = index;
    method->descriptor = descriptor;
    set_manners(method, type->name);
    method->calls = metrics_counter(server->metrics, "rpc_calls_total", labels,
                                    "Calls taken.");
    method->failed = metrics_counter(server->metrics, "rpc_calls_failed_total",
                                     labels, "Calls answered with an error.");
    method->us = metrics_counter(server->metrics, "rpc_call_us_total", labels,
                                 "Microseconds from receipt to answer.");
}

void
rpc_service_add(struct rpc_server *server, ProtobufCService *table)
{
    CHECK(server->service_count < RPC_SERVICES_MAX);
    unsigned count = table->descriptor->n_methods;
    struct rpc_service *service = &server->services[server->service_count];
    service->table = table;
    service->methods = calloc(count, sizeof *service->methods);
    CHECK(service->methods != NULL);
    for (unsigned i = 0; i < count; i++)
        fill_method(server, table, i, &service->methods[i]);
    server->service_count++;
}

const struct rpc_service *
rpc_service_find(const struct rpc_server *server, struct slice name)
{
    for (size_t i = 0; i < server->service_count; i++) {
        const char *have = server->services[i].table->descriptor->name;
        if (slice_eq(slice_of(have), name))
            return &server->services[i];
    }
    return NULL;
}

const struct rpc_method *
rpc_service_method(const struct rpc_server *server, const char *path)
{
    const char *slash = strchr(path, '/');
    const struct rpc_service *service =
        rpc_service_find(server, slice_make(path, (size_t)(slash - path)));
    if (service == NULL)
        return NULL;
    const ProtobufCServiceDescriptor *type = service->table->descriptor;
    const ProtobufCMethodDescriptor *method =
        protobuf_c_service_descriptor_get_method_by_name(type, slash + 1);
    return method ? &service->methods[method - type->methods] : NULL;
}

void
rpc_service_free_all(struct rpc_server *server)
{
    for (size_t i = 0; i < server->service_count; i++) {
        ProtobufCService *table = server->services[i].table;
        free(server->services[i].methods);
        if (table->destroy != NULL)
            table->destroy(table);
    }
    server->service_count = 0;
}
