/* The decision id: a token that names one answer to one question.
 *
 * What it says is ss.Decision (proto/decision.proto): the table's version, the
 * question's hash, the tenant, the model and the category. It is sealed with
 * the deployment's key, so it cannot be read or forged outside, nothing is
 * stored to make it, and the same question to the same table gets the same id
 * from every router of the deployment. */
#ifndef SERVICES_ROUTERD_DECISION_H
#define SERVICES_ROUTERD_DECISION_H

#include "core/base/arena.h"
#include "router/question.h"
#include "services/runtime/secret.h"

/* The text, in the arena; NULL after overflow. The tenant and the model are
 * checked names (at most TENANT_MAX and 128 bytes). */
char *decision_id(struct arena *arena, const struct secret_key *key,
                  uint64_t table_version, const struct question *question,
                  struct slice model);

#endif
