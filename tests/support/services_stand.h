/* A router, a feedback and an ingest service for tests of who calls them: real
 * RPC, made-up answers.
 *
 * A pick's answer is the task itself as id, at 0.4 USD, except for the tasks
 * "" (MISSING_PARAM), "none" (NO_MODEL), "busy" (RESOURCE_EXHAUSTED, try again
 * in 2.5 s), "slow" (answered after SERVICES_STAND_SLOW_MS), "whose" (the id
 * is the tenant asked for) and "never".
 * Decompose gives the task back; log_spawn the idempotency key as spawn id.
 * One a process. */
#ifndef TESTS_SUPPORT_SERVICES_STAND_H
#define TESTS_SUPPORT_SERVICES_STAND_H

#include "services/runtime/rpc_server.h"

#define SERVICES_STAND_SLOW_MS 150

void services_stand_start(struct loop *loop, struct rpc_server *server);
/* Before the loop is freed. */
void services_stand_stop(void);
/* Calls of log_spawn, and of refresh; from any thread. */
int services_stand_writes(void);
int services_stand_refreshes(void);

#endif
