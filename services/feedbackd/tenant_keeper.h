/* Keeping the snapshot "tenants" equal to the table api_keys.
 *
 * Reads all keys, live and revoked, and publishes them whole. It looks
 *
 *   at once, when tenant_keeper_nudge says that this process changed one;
 *   when another feedbackd says so (NOTIFY, outside the changing transaction);
 *   every `interval` in any case, which costs one small question while
 *   nothing changed.
 *
 * No keys are a snapshot too. Rows that cannot be published (written by hand:
 * malformed, or more than TENANTS_KEYS_MAX) are left out, and the others
 * published without them; log, Health and api_keys_left_out say so
 * (tenant_rows.h). While PostgreSQL is away, and when the table holds rows but
 * not one that is a key, followers keep what they had. Never touches a store
 * that is down: tenant_keeper_up says when it is usable. */
#ifndef SERVICES_FEEDBACKD_TENANT_KEEPER_H
#define SERVICES_FEEDBACKD_TENANT_KEEPER_H

#include "services/runtime/loop.h"
#include "services/runtime/rpc_server.h"
#include "services/store/store.h"

struct tenant_keeper;

struct tenant_keeper_options {
    struct store *store; /* borrowed; with layer_statements */
    struct rpc_server *server;
    ms_dur interval;
    void (*changed)(void *context); /* the next two may say something else */
    void *context;
    struct metrics *metrics;
};

/* RESOURCE_EXHAUSTED. */
enum status tenant_keeper_new(struct loop *loop,
                              const struct tenant_keeper_options *options,
                              struct tenant_keeper **ret_keeper) MUST_CHECK;
/* After its store was freed, before its server is. */
void tenant_keeper_free(struct tenant_keeper **keeper);
/* Whether anything was published. */
bool tenant_keeper_has(const struct tenant_keeper *keeper);
/* What is wrong with the rows, for people; "" when nothing is. */
const char *tenant_keeper_trouble(const struct tenant_keeper *keeper);
/* The store became usable (again). */
void tenant_keeper_up(struct tenant_keeper *keeper);
/* A change of the keys was committed here: look now, and tell the others. */
void tenant_keeper_nudge(struct tenant_keeper *keeper);
/* NOTIFY from another session. */
void tenant_keeper_notice(struct tenant_keeper *keeper);

#endif
