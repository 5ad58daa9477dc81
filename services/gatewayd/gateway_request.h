/* One request on its way through the gateway; internal to this folder.
 *
 * It is made when the request arrives and ends with exactly one of the
 * gateway_reply functions, or when the client goes away. */
#ifndef SERVICES_GATEWAYD_GATEWAY_REQUEST_H
#define SERVICES_GATEWAYD_GATEWAY_REQUEST_H

#include "core/base/arena.h"
#include "core/base/buf.h"
#include "services/api/call_table.h"
#include "services/gatewayd/gateway.h"
#include "services/gatewayd/rate_limit.h"
#include "services/runtime/trace.h"

#define GATEWAY_MAGIC 0x47415445u
#define GATEWAY_REQUEST_MAGIC 0x47524551u
#define GATEWAY_ARENA_MAX (8u << 20)  /* bytes for one request's message */
#define GATEWAY_REPLY_MAX (32u << 20) /* bytes of an answer */
#define GATEWAY_ROOM_RETRY_MS 1000    /* after a lack of memory */
#define GATEWAY_CLASSES 6             /* of HTTP statuses: 0 is none, 1xx … */

struct gateway {
    unsigned magic;
    struct gateway_options options;
    struct loop *loop;
    struct http_server *server;
    struct client_networks trusted;
    struct rate_limit *requests, *page_requests, *refreshes;
    uint64_t *answers[GATEWAY_CLASSES]; /* counters by class of status */
    uint64_t *gone;                     /* clients that did not wait */
    int64_t *connections;
    struct buf out; /* the answer being written */
    bool draining;
};

struct gateway_request {
    unsigned magic;
    struct gateway *gateway;
    struct http_exchange *exchange;
    const struct api_call *call;  /* NULL: no call of the table */
    bool cors;                    /* pages of other origins may read this */
    bool loggable;                /* false: the path is the front's own */
    struct keyring_bearer bearer; /* for whom it speaks */
    bool is_foreign;              /* a page of another origin asks */
    struct trace trace;
    int64_t started_us;
    struct ip_address client;  /* who asks */
    struct ip_address limited; /* and by what he is limited */
    struct rpc_pending *pending;
};

/* --- gateway_reply.c: each ends the request --- */

/* An answer of the table's calls: 200 with JSON and caching as the call
 * allows, or 304. */
void gateway_reply_call(struct gateway_request *request, struct slice body);
/* Any other answer, never cached. */
void gateway_reply_plain(struct gateway_request *request, unsigned status,
                         const char *content_type, struct slice body);
void gateway_reply_error(struct gateway_request *request, unsigned status,
                         const char *code, const char *message);
/* With Retry-After; the hint is rounded up to seconds. */
void gateway_reply_retry(struct gateway_request *request, unsigned status,
                         const char *code, const char *message, ms_dur after);
/* The client went away. */
void gateway_reply_gone(struct gateway_request *request);
/* A header of the answer to come. */
void gateway_reply_header(struct gateway_request *request, const char *name,
                          const char *value);

/* --- gateway_trust.c --- */

/* Find out for whom a call of the table speaks. True when it may not be made,
 * which was answered then. */
bool gateway_trust_refuses(struct gateway_request *request);
/* A page of another origin asks (http_policy.h). */
bool gateway_trust_is_foreign(const struct http_exchange *exchange);

/* --- gateway_call.c --- */

/* Transcode and call; answers later. */
void gateway_call_start(struct gateway_request *request);

/* --- gateway_page.c --- */

/* True when path (without /api) and method are a page's, which then has
 * answered. ret_verbs tells of a page that other methods have. */
bool gateway_page_serve(struct gateway_request *request, struct slice path,
                        const char **ret_verbs);
/* /healthz and /readyz, which any Host may ask; true when it was one. */
bool gateway_page_health(struct gateway_request *request);

#endif
