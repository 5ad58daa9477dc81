/* One table of calls: a row is an HTTP route, an MCP tool and a command.
 *
 * The rows are in calls.def; the request's and reply's shapes come from the
 * service's protobuf descriptor, so no call has JSON code of its own. */
#ifndef SERVICES_API_CALL_TABLE_H
#define SERVICES_API_CALL_TABLE_H

#include "core/base/slice.h"

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>

/* What a call may do, and so who may make it. */
enum call_class {
    CALL_READ,    /* answers a question; other origins may ask */
    CALL_PRIVATE, /* tells what was recorded of the caller; they may not */
    CALL_WRITE,   /* records something */
    CALL_SPEND,   /* costs money: a token, and turned on by the operator */
    CALL_EXEC,    /* runs programs: the same */
};

struct api_call {
    const char *verb;    /* "GET", "POST" */
    const char *route;   /* "/pick": under /api and at / */
    const char *tool;    /* MCP tool, "smartspawn_pick", or NULL */
    const char *command; /* "pick": `smart-spawn pick …`, or NULL */
    enum call_class class;
    bool idempotent;    /* may be tried again on another endpoint */
    bool personal;      /* the answer may depend on who asks (their ratings) */
    const char *target; /* "router": whose channel it goes to */
    const ProtobufCServiceDescriptor *service;
    unsigned method;     /* index in the service */
    const char *summary; /* one sentence */
};

/* The whole table; static. */
const struct api_call *call_table(size_t *ret_count);
/* The row of a path without prefix ("/pick") and verb; NULL when there is
 * none. ret_verbs (may be NULL) gets the verbs the path is known for, as
 * "GET, POST", or NULL for an unknown path. HEAD is GET. */
const struct api_call *
call_table_route(struct slice verb, struct slice path, const char **ret_verbs);
/* The row of a path whatever the verb; NULL for an unknown path. */
const struct api_call *call_table_any(struct slice path);
const struct api_call *call_table_command(struct slice command);

const ProtobufCMessageDescriptor *call_input(const struct api_call *call);
const ProtobufCMessageDescriptor *call_output(const struct api_call *call);

#endif
