/* A decision id from a client in, whether this deployment made it out.
 *
 * Routers seal what they decided (proto/decision.proto); only an id that
 * opens with the deployment's key and names the tenant that now writes is
 * recorded, so nobody can attach ratings to decisions that were never made.
 * The model that was used may be another one than was picked: that is for
 * statistics, not a fault. */
#ifndef SERVICES_FEEDBACKD_DECISION_CHECK_H
#define SERVICES_FEEDBACKD_DECISION_CHECK_H

#include "core/base/status.h"
#include "services/runtime/secret.h"

/* OK also for no id (NULL). INVALID_ARGUMENT, and in ret_message
 * (INPUT_MESSAGE_MAX bytes) why; RESOURCE_EXHAUSTED. */
enum status decision_check(const struct secret_key *key, const char *id,
                           const char *tenant, char *ret_message) MUST_CHECK;

#endif
