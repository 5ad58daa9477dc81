/* A front from inside, and its connections; shared by http_front.c and
 * http_conn.c alone. What others may know is in http_front.h. */
#ifndef SERVICES_GATEWAYD_HTTP_CONN_H
#define SERVICES_GATEWAYD_HTTP_CONN_H

#include "services/gatewayd/address_count.h"
#include "services/gatewayd/http_front.h"

/* Why a connection was closed, for the counters. */
enum http_closed {
    CLOSED_IDLE,
    CLOSED_RECEIVING,
    CLOSED_SENDING,
    CLOSED_ADDRESS,
    CLOSED_COUNT
};

struct http_front {
    struct http_front_options options;
    struct address_count *addresses;
    size_t connections;
    bool is_closed;
    uint64_t buffered; /* bytes, as of each connection's last count */
    uint64_t *closed[CLOSED_COUNT], *no_room;
    int64_t *buffered_gauge;
    uint64_t nobodys; /* these point here when the metrics may be gone */
    int64_t nobodys_gauge;
};

/* What http_front_connection says. */
struct bufferevent *
http_conn_new(struct event_base *base, struct http_front *front);

/* The last connection of a closed front went. */
void http_front_end(struct http_front *front);

#endif
