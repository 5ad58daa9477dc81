/* One asynchronous connection to PostgreSQL in the loop.
 *
 * Connects in the background, then stands in pipeline mode and says when
 * bytes came. It knows no statement and no queue: that is store. Internal to
 * services/store. Host names are resolved by libpq, which blocks: name a
 * socket folder or an address where that matters. */
#ifndef SERVICES_STORE_PG_LINK_H
#define SERVICES_STORE_PG_LINK_H

#include "core/base/status.h"
#include "services/runtime/loop.h"

#include <libpq-fe.h>

#define PG_LINK_ERROR_MAX 256
#define PG_LINK_SERVER_MIN 150000 /* 15.0, as libpq counts versions */

struct pg_link;

struct pg_link_events {
    /* Connected, server accepted, pipeline mode on. */
    void (*up)(void *context);
    /* Bytes were read: results and notifications may be there. */
    void (*input)(void *context);
    /* It failed or broke; never called from inside a pg_link function that
     * its owner called. The owner frees the link. */
    void (*broken)(void *context, const char *why);
    void *context;
};

/* Start to connect; url is a connection string or URI, name the
 * application's. A bad string, too, is told by `broken`. RESOURCE_EXHAUSTED. */
enum status pg_link_open(struct loop *loop, const char *url, const char *name,
                         const struct pg_link_events *events,
                         struct pg_link **ret_link) MUST_CHECK;
/* Try to get into the very server that `like` is connected to, by the address
 * it has: nothing is looked up again. Of a refusal `broken` tells the SQLSTATE
 * alone ("…FATAL:  57P03"). RESOURCE_EXHAUSTED. */
enum status pg_link_open_like(struct loop *loop, const char *url,
                              struct pg_link *like,
                              const struct pg_link_events *events,
                              struct pg_link **ret_link) MUST_CHECK;
/* Close at once; no event follows. */
void pg_link_free(struct pg_link **link);
/* For sending and for reading results, in an event or between. */
PGconn *pg_link_conn(struct pg_link *link);
/* Send what libpq holds; goes on in the background when the socket is full.
 * False when the connection is broken: free the link. */
bool pg_link_flush(struct pg_link *link);

/* The first line of a message without its "ERROR:  " at most max - 1 bytes. */
void pg_link_first_line(const char *message, char *out, size_t max);
/* FAILED_PRECONDITION, and why in out, for a server that is too old. */
enum status
pg_link_check_server(const PGconn *conn, char *out, size_t max) MUST_CHECK;

#endif
