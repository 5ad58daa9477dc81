/* HTTP requests in, calls of other services and their answers out.
 *
 * What every request goes through, in this order: the guard of the bytes
 * (http_front), Host, limits, route, method, trust (page and key), content
 * type; then the transcoder makes a message of it, a channel carries it, with
 * the key's tenant, to the service that the call table names, and the
 * transcoder writes the answer. No call
 * has code of its own here. */
#ifndef SERVICES_GATEWAYD_GATEWAY_H
#define SERVICES_GATEWAYD_GATEWAY_H

#include "core/base/status.h"
#include "services/gatewayd/http_server.h"
#include "services/gatewayd/keyring.h"
#include "services/runtime/metrics.h"
#include "services/runtime/rpc_channel.h"

struct gateway;

#define GATEWAY_CHANNELS_MAX 8

/* Which channel the rows of a service go to ("router"). Borrowed. */
struct gateway_channel {
    const char *target;
    struct rpc_channel *channel;
};

struct gateway_options {
    struct http_server_options http; /* but on_request, context, metrics and
                                        trusted_proxies */
    const char *hosts;               /* http.hosts */
    const char *trusted_proxies;     /* http.trusted_proxies */
    const char *refresh_key;         /* "" asks for none */
    bool write_open, spend_enabled, exec_enabled;
    struct keyring *keyring; /* borrowed */
    uint32_t per_minute, refreshes_per_hour;
    ms_dur call_timeout;
    struct gateway_channel channels[GATEWAY_CHANNELS_MAX];
    size_t channel_count;
    struct metrics *metrics; /* borrowed */
};

/* Listen and serve. All texts in the options must outlive the gateway.
 * INVALID_ARGUMENT, UNAVAILABLE as http_server_new; INVALID_ARGUMENT too for
 * bad trusted proxies (logged). */
enum status gateway_new(struct loop *loop,
                        const struct gateway_options *options,
                        struct gateway **ret_gateway) MUST_CHECK;
/* Requests under way end; must come before channels and keyring are freed. */
void gateway_free(struct gateway **gateway);
int gateway_port(const struct gateway *gateway);
/* As http_listen_url. */
void gateway_url(const struct gateway *gateway, struct buf *out);
/* A daemon_drain_fn; context is the gateway. */
void gateway_drain(void *gateway, loop_fn finished, void *context);

#endif
