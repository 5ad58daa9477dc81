/* A row of the call table, called: text to message, channel, message to text.
 *
 * The request waits in the channel; either its answer comes, or its deadline
 * does, or the client goes away and the call is cancelled. */
#include "services/gatewayd/gateway_request.h"

#include "core/base/check.h"
#include "services/api/api_error.h"
#include "services/api/transcode.h"
#include "services/gatewayd/http_policy.h"
#include "services/runtime/log.h"
#include "services/runtime/rpc_frame.h"

#include <stdio.h>
#include <string.h>

#define RETRY_RATE_MS 60000 /* after a 429 that brought no hint */
#define RETRY_BUSY_MS 1000  /* after a 503 */

static void
reply_status(struct gateway_request *request, enum status status,
             const char *reason, const char *message, ms_dur retry_after)
{
    unsigned http = api_error_http(status, reason);
    const char *code = api_error_code(status, reason);

    if (!message || !*message)
        message = http == 504 ? "the service behind did not answer in time"
                              : "the service behind is not available";
    if (retry_after <= 0)
        retry_after = http == 429 ? RETRY_RATE_MS : RETRY_BUSY_MS;
    if (http == 429 || http == 503)
        gateway_reply_retry(request, http, code, message, retry_after);
    else
        gateway_reply_error(request, http, code, message);
}

/* Who did not answer is said where nobody did. */
static void
reply_failed(struct gateway_request *request, const struct rpc_result *result)
{
    char message[RPC_MESSAGE_MAX + 64];
    bool is_away = result->status == STATUS_UNAVAILABLE ||
                   result->status == STATUS_DEADLINE_EXCEEDED;

    if (is_away && !*result->served_by)
        (void)snprintf(message, sizeof(message), "the %s service: %s",
                       request->call->target, result->message);
    else
        (void)snprintf(message, sizeof(message), "%s", result->message);
    reply_status(request, result->status, result->reason, message,
                 result->retry_after);
}

static void
on_done(void *context, const struct rpc_result *result)
{
    struct gateway_request *request = context;
    struct buf *out = &request->gateway->out;

    CHECK_OBJ(request, GATEWAY_REQUEST_MAGIC);
    request->pending = NULL;
    if (result->status != STATUS_OK) {
        reply_failed(request, result);
        return;
    }
    buf_reset(out);
    transcode_write(result->reply, out);
    if (buf_ok(out))
        gateway_reply_call(request, buf_slice(out));
    else
        reply_status(request, STATUS_INTERNAL, "", "the answer is too large",
                     0);
}

static struct rpc_channel *
channel_of(const struct gateway *gateway, const char *target)
{
    const struct gateway_options *options = &gateway->options;

    for (size_t i = 0; i < options->channel_count; i++)
        if (strcmp(options->channels[i].target, target) == 0)
            return options->channels[i].channel;
    return NULL;
}

static enum status
read_message(const struct gateway_request *request, struct arena *arena,
             ProtobufCMessage **ret_message, struct transcode_error *ret_error)
{
    const ProtobufCMessageDescriptor *type = call_input(request->call);
    struct http_exchange *exchange = request->exchange;

    if (slice_eq(slice_of(request->call->verb), SLICE("GET")))
        return transcode_query(type, http_exchange_query(exchange), arena,
                               ret_message, ret_error);
    return transcode_json(type, http_exchange_body(exchange), arena,
                          ret_message, ret_error);
}

static enum status
start(struct gateway_request *request, const ProtobufCMessage *message)
{
    const struct api_call *call = request->call;
    struct rpc_channel *channel = channel_of(request->gateway, call->target);
    struct rpc_options options = {
        .timeout = request->gateway->options.call_timeout,
        .idempotent = call->idempotent,
        .tenant = request->bearer.tenant,
        .idempotency_key =
            http_exchange_header(request->exchange, "Idempotency-Key"),
        .trace = &request->trace,
    };

    if (!channel)
        return STATUS_UNAVAILABLE;
    return rpc_call_start(channel, call->service, call->method, message,
                          &options, on_done, request, &request->pending);
}

/* The channel keeps the message's bytes, so the message itself goes at once:
 * requests that wait hold no more than what was sent. */
static void
read_and_start(struct gateway_request *request, struct arena *arena)
{
    struct transcode_error error = {"", ""};
    ProtobufCMessage *message;
    enum status status = read_message(request, arena, &message, &error);

    if (status == STATUS_INVALID_ARGUMENT) {
        gateway_reply_error(request, 400, error.code, error.message);
        return;
    }
    if (status == STATUS_OK)
        status = start(request, message);
    if (status != STATUS_OK)
        reply_status(request, status, "",
                     status == STATUS_INVALID_ARGUMENT
                         ? "the request is too large"
                         : "the gateway is busy",
                     0);
}

void
gateway_call_start(struct gateway_request *request)
{
    const char *key =
        http_exchange_header(request->exchange, "Idempotency-Key");
    struct arena *arena;

    if (key && !http_policy_is_idempotency_key(key)) {
        gateway_reply_error(request, 400, "INVALID_PARAM",
                            "Idempotency-Key must be 1 to 128 visible ASCII "
                            "characters");
        return;
    }
    arena = arena_new(GATEWAY_ARENA_MAX);
    if (!arena) {
        reply_status(request, STATUS_RESOURCE_EXHAUSTED, "",
                     "the gateway is out of memory", 0);
        return;
    }
    read_and_start(request, arena);
    arena_free(&arena);
}
