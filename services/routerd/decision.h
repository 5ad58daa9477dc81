/* The decision id: a token that names one answer to one question.
 *
 * A function of the table's version, the tenant, the question and the model,
 * so the same question gets the same id everywhere and nothing is stored to
 * make it. It is opaque: 32 hexadecimal digits today, hashes that anybody who
 * knows the inputs could compute; sealed with a key of the deployment later.
 * Nobody may read meaning out of it or trust it as proof yet. */
#ifndef SERVICES_ROUTERD_DECISION_H
#define SERVICES_ROUTERD_DECISION_H

#include "core/base/arena.h"
#include "router/question.h"

/* The text, in the arena; NULL after overflow. */
char *decision_id(struct arena *arena, uint64_t table_version,
                  const struct question *question, struct slice model);

#endif
