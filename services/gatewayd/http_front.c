/* What the connections of a server share: limits, counters, the end. */
#include "services/gatewayd/http_front.h"

#include "core/base/check.h"
#include "core/base/text.h"
#include "services/gatewayd/http_conn.h"

#include <stdlib.h>

bool
http_front_has_room(struct http_front *front, size_t len)
{
    if (front->buffered + len <= front->options.max_buffered)
        return true;
    ++*front->no_room;
    return false;
}

enum http_refusal
http_front_refusal(struct slice path)
{
    struct slice prefix = SLICE(HTTP_FRONT_REFUSED);
    uint64_t number;

    if (!slice_starts(path, prefix) ||
        text_u64(slice_cut(path, prefix.len, path.len), &number) != STATUS_OK)
        return HTTP_REFUSAL_NONE;
    return number < HTTP_REFUSAL_COUNT ? (enum http_refusal)number
                                       : HTTP_REFUSAL_NONE;
}

struct bufferevent *
http_front_connection(struct event_base *base, struct http_front *front)
{
    return http_conn_new(base, front);
}

/* --- life --- */

void
http_front_end(struct http_front *front)
{
    address_count_free(&front->addresses);
    free(front);
}

static void
set_up_metrics(struct http_front *front)
{
    static const char *const why[] = {
        [CLOSED_IDLE] = "why=\"idle\"",
        [CLOSED_RECEIVING] = "why=\"slow-request\"",
        [CLOSED_SENDING] = "why=\"slow-reader\"",
        [CLOSED_ADDRESS] = "why=\"address\"",
    };
    struct metrics *metrics = front->options.metrics;

    for (size_t i = 0; i < ARRAY_LEN(why); i++)
        front->closed[i] = metrics_counter(
            metrics, "smart_spawn_http_closed_total", why[i],
            "HTTP connections closed for their client's behaviour.");
    front->no_room =
        metrics_counter(metrics, "smart_spawn_http_no_room_total", "",
                        "HTTP requests and answers refused because "
                        "http.max_buffered was reached.");
    front->buffered_gauge =
        metrics_gauge(metrics, "smart_spawn_http_buffered_bytes", "",
                      "Bytes of HTTP requests and answers held in memory.");
}

struct http_front *
http_front_new(const struct http_front_options *options)
{
    struct http_front *front = calloc(1, sizeof(*front));

    if (!front)
        return NULL;
    front->options = *options;
    front->addresses = address_count_new(options->max_per_address);
    if (!front->addresses) {
        free(front);
        return NULL;
    }
    set_up_metrics(front);
    return front;
}

void
http_front_free(struct http_front **front_at)
{
    struct http_front *front = *front_at;

    *front_at = NULL;
    if (!front)
        return;
    front->is_closed = true;
    for (size_t i = 0; i < CLOSED_COUNT; i++)
        front->closed[i] = &front->nobodys;
    front->no_room = &front->nobodys;
    front->buffered_gauge = &front->nobodys_gauge;
    if (front->connections == 0)
        http_front_end(front);
}

size_t
http_front_connections(const struct http_front *front)
{
    return front->connections;
}
