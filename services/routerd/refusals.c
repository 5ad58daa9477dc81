/* Refusals: a status, a reason for programs, a sentence for people. */
#include "services/routerd/refusals.h"

#include <stdio.h>

static enum status
refuse(struct refusal *refusal, enum status status, const char *reason,
       const char *subject, const char *rule)
{
    refusal->status = status;
    refusal->reason = reason;
    /* Cut, not refused: it is a sentence for people. */
    (void)snprintf(refusal->message, sizeof(refusal->message), "%s%s%s",
                   subject, rule[0] == '\0' ? "" : " ", rule);
    return status;
}

enum status
refusals_missing(struct refusal *ret_refusal, const char *field)
{
    return refuse(ret_refusal, STATUS_INVALID_ARGUMENT, "MISSING_PARAM", field,
                  "parameter is required");
}

enum status
refusals_invalid(struct refusal *ret_refusal, const char *field,
                 const char *rule)
{
    return refuse(ret_refusal, STATUS_INVALID_ARGUMENT, "INVALID_PARAM", field,
                  rule);
}

enum status
refusals_no_model(struct refusal *ret_refusal, const struct buf *message)
{
    return refuse(ret_refusal, STATUS_NOT_FOUND, "NO_MODEL", buf_text(message),
                  "");
}

enum status
refusals_full(struct refusal *ret_refusal)
{
    return refuse(ret_refusal, STATUS_RESOURCE_EXHAUSTED, "",
                  "the answer does not fit the memory of one call", "");
}
