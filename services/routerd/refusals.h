/* Refusals: the words in which a call is turned down. Each function fills
 * ret_refusal and returns the status it put there. */
#ifndef SERVICES_ROUTERD_REFUSALS_H
#define SERVICES_ROUTERD_REFUSALS_H

#include "core/base/buf.h"
#include "services/routerd/view.h"

/* "task parameter is required", MISSING_PARAM. */
enum status refusals_missing(struct refusal *ret_refusal, const char *field);
/* "<field> <rule>", INVALID_PARAM. */
enum status refusals_invalid(struct refusal *ret_refusal, const char *field,
                             const char *rule);
/* NOT_FOUND, NO_MODEL; the message is cut to what fits. */
enum status
refusals_no_model(struct refusal *ret_refusal, const struct buf *message);
/* RESOURCE_EXHAUSTED: the answer does not fit the call's arena. */
enum status refusals_full(struct refusal *ret_refusal);

#endif
