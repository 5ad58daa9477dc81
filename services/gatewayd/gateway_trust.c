/* Who may make this call: headers to a case, the case to a verdict.
 *
 * What a case is judged by is in admission.c; here is only where its parts
 * come from. */
#include "services/gatewayd/gateway_request.h"

#include "core/base/check.h"
#include "services/gatewayd/http_policy.h"
#include "services/runtime/secret.h"

#include <stdio.h>
#include <string.h>

#define KEYS_RETRY_MS 1000 /* the keys are not known yet */

/* The one call with a key of its own, where one is set. */
static bool
has_own_key(const struct gateway_request *request)
{
    return *request->gateway->options.refresh_key &&
           slice_eq(slice_of(request->call->route), SLICE("/refresh"));
}

static enum admission_carries
look_at_own_key(const struct gateway_request *request)
{
    struct slice key = slice_of(request->gateway->options.refresh_key), bearer;

    return http_policy_bearer(
               http_exchange_header(request->exchange, "Authorization"),
               &bearer) &&
                   secret_equal(bearer, key)
               ? ADMISSION_OWN_KEY
               : ADMISSION_NOT_OWN_KEY;
}

static void
look_at_bearer(struct gateway_request *request)
{
    if (has_own_key(request))
        request->bearer.carries = look_at_own_key(request);
    else
        request->bearer = keyring_look_up(
            request->gateway->options.keyring,
            http_exchange_header(request->exchange, "Authorization"));
}

bool
gateway_trust_is_foreign(const struct http_exchange *exchange)
{
    const struct http_policy_page page = {
        .host = http_exchange_header(exchange, "Host"),
        .origin = http_exchange_header(exchange, "Origin"),
        .referer = http_exchange_header(exchange, "Referer"),
        .fetch_site = http_exchange_header(exchange, "Sec-Fetch-Site")};

    return http_policy_is_foreign(&page);
}

/* A proxy brought it and does not say for whom, or is none that the operator
 * named: whoever it was, it was not simply this machine. */
static bool
is_from_unknown_proxy(const struct gateway_request *request)
{
    static const char *const marks[] = {"X-Forwarded-For", "Forwarded",
                                        "X-Real-IP", "Via"};
    struct ip_address peer;

    if (!ip_parse(slice_of(http_exchange_peer(request->exchange)), &peer) ||
        memcmp(&peer, &request->client, sizeof(peer)) != 0)
        return false;
    for (size_t i = 0; i < ARRAY_LEN(marks); i++)
        if (http_exchange_header(request->exchange, marks[i]))
            return true;
    return false;
}

/* Who listens at loopback only may still have a proxy in front that speaks for
 * other machines. */
static bool
is_beyond(const struct gateway_request *request)
{
    return http_server_listen(request->gateway->server)->is_beyond ||
           !ip_is_loopback(&request->client) || is_from_unknown_proxy(request);
}

static void
reply_refusal(struct gateway_request *request,
              const struct admission_refusal *refusal)
{
    if (refusal->status == 401)
        gateway_reply_header(request, "WWW-Authenticate", "Bearer");
    if (refusal->status == 503)
        gateway_reply_retry(request, refusal->status, refusal->code,
                            refusal->message, KEYS_RETRY_MS);
    else
        gateway_reply_error(request, refusal->status, refusal->code,
                            refusal->message);
}

bool
gateway_trust_refuses(struct gateway_request *request)
{
    const struct gateway_options *options = &request->gateway->options;
    const struct admission_refusal *refusal;
    struct admission_case c;

    CHECK_OBJ(request, GATEWAY_REQUEST_MAGIC);
    look_at_bearer(request);
    c = (struct admission_case){.class = request->call->class,
                                .carries = request->bearer.carries,
                                .keys = keyring_keys(options->keyring),
                                .is_foreign = request->is_foreign,
                                .is_beyond = is_beyond(request),
                                .write_open = options->write_open,
                                .spend_enabled = options->spend_enabled,
                                .exec_enabled = options->exec_enabled};
    refusal = admission_judge(&c);
    if (refusal)
        reply_refusal(request, refusal);
    else if (admission_is_nobody(&c))
        (void)snprintf(request->bearer.tenant, sizeof(request->bearer.tenant),
                       ADMISSION_NOBODY);
    return refusal != NULL;
}
