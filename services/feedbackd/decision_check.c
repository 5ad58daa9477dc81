/* Open the token, look who it is for. */
#include "services/feedbackd/decision_check.h"

#include "services/feedbackd/feedback_input.h"

#include "decision.pb-c.h"

#include <stdio.h>
#include <string.h>

static enum status
refuse(char *ret_message, const char *why)
{
    (void)snprintf(ret_message, INPUT_MESSAGE_MAX, "decisionId %s", why);
    return STATUS_INVALID_ARGUMENT;
}

enum status
decision_check(const struct secret_key *key, const char *id, const char *tenant,
               char *ret_message)
{
    struct buf plain;
    Ss__Decision *decision = NULL;
    enum status status;

    if (!id)
        return STATUS_OK;
    buf_init(&plain, SECRET_PLAIN_MAX);
    status = secret_open(key, slice_of(id), &plain);
    if (status == STATUS_OK)
        decision =
            ss__decision__unpack(NULL, plain.len, (const uint8_t *)plain.data);
    buf_fini(&plain);
    if (!decision)
        return refuse(ret_message,
                      "must be one that a pick of this deployment gave");
    if (strcmp(decision->tenant, tenant) != 0)
        status = refuse(ret_message, "belongs to another key's picks");
    ss__decision__free_unpacked(decision, NULL);
    return status;
}
