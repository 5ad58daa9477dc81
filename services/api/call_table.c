/* The call table: rows of calls.def, found by route or by command.
 *
 * Searches are linear over two dozen rows, each a length and a memcmp; it
 * never allocates and holds no state. */
#include "services/api/call_table.h"

#include "core/base/check.h"

#include "feedback.pb-c.h"
#include "ingest.pb-c.h"
#include "router.pb-c.h"

/* A generated service table is a head and one function pointer per rpc, in
 * the order of the descriptor's methods: the position of the pointer is the
 * method's index, and a method that does not exist does not compile. */
#define METHOD_INDEX(Service, method)                                          \
    ((offsetof(Ss__##Service##_Service, method) - sizeof(ProtobufCService)) /  \
     sizeof(void (*)(void)))

static const struct api_call calls[] = {
#define API(verb_, route_, tool_, command_, class_, idempotent_, personal_,    \
            service_, Service_, method_, summary_)                             \
    {.verb = #verb_,                                                           \
     .route = (route_),                                                        \
     .tool = (tool_),                                                          \
     .command = (command_),                                                    \
     .class = CALL_##class_,                                                   \
     .idempotent = (idempotent_),                                              \
     .personal = (personal_),                                                  \
     .target = #service_,                                                      \
     .service = &ss__##service_##__descriptor,                                 \
     .method = METHOD_INDEX(Service_, method_),                                \
     .summary = (summary_)},
#include "services/api/calls.def"
#undef API
};

const struct api_call *
call_table(size_t *ret_count)
{
    *ret_count = ARRAY_LEN(calls);
    return calls;
}

/* What Allow says for a path: every path has one verb of its own, and GET
 * brings HEAD; OPTIONS is always answered. */
static const char *
verbs_of(const struct api_call *call)
{
    if (slice_eq(slice_of(call->verb), SLICE("GET")))
        return "GET, HEAD, OPTIONS";
    return "POST, OPTIONS";
}

const struct api_call *
call_table_route(struct slice verb, struct slice path, const char **ret_verbs)
{
    const struct api_call *found = NULL;
    const char *verbs = NULL;

    if (slice_eq(verb, SLICE("HEAD")))
        verb = SLICE("GET");
    for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
        if (!slice_eq(slice_of(calls[i].route), path))
            continue;
        verbs = verbs_of(&calls[i]);
        if (slice_eq(slice_of(calls[i].verb), verb))
            found = &calls[i];
    }
    if (ret_verbs)
        *ret_verbs = verbs;
    return found;
}

const struct api_call *
call_table_any(struct slice path)
{
    for (size_t i = 0; i < ARRAY_LEN(calls); i++)
        if (slice_eq(slice_of(calls[i].route), path))
            return &calls[i];
    return NULL;
}

const struct api_call *
call_table_command(struct slice command)
{
    for (size_t i = 0; i < ARRAY_LEN(calls); i++)
        if (calls[i].command && slice_eq(slice_of(calls[i].command), command))
            return &calls[i];
    return NULL;
}

const ProtobufCMessageDescriptor *
call_input(const struct api_call *call)
{
    return call->service->methods[call->method].input;
}

const ProtobufCMessageDescriptor *
call_output(const struct api_call *call)
{
    return call->service->methods[call->method].output;
}
