/* The table of handlers, and the one way they fail. */
#include "services/feedbackd/feedback_service.h"

void
feedback_service_init(struct feedback_service *service)
{
    service->base = (Ss__Feedback_Service){
        .base = SS__FEEDBACK__BASE_INIT,
        .log_spawn = feedback_write_spawn,
        .record_outcome = feedback_write_outcome,
        .report_community = feedback_write_report,
        .personal_scores = feedback_read_scores,
        .community_scores = feedback_read_community,
        .spawn_stats = feedback_read_stats,
    };
}

void
feedback_service_fail(void *call, enum status status, const char *message)
{
    switch (status) {
    case STATUS_UNAVAILABLE:
    case STATUS_RESOURCE_EXHAUSTED:
    case STATUS_ABORTED:
    case STATUS_DEADLINE_EXCEEDED:
    case STATUS_CANCELLED:
        rpc_fail_retry(call, STATUS_UNAVAILABLE, "UNAVAILABLE", message,
                       FEEDBACK_RETRY_MS);
        return;
    case STATUS_OK:
    case STATUS_UNKNOWN:
    case STATUS_INVALID_ARGUMENT:
    case STATUS_NOT_FOUND:
    case STATUS_ALREADY_EXISTS:
    case STATUS_PERMISSION_DENIED:
    case STATUS_FAILED_PRECONDITION:
    case STATUS_OUT_OF_RANGE:
    case STATUS_UNIMPLEMENTED:
    case STATUS_INTERNAL:
    case STATUS_DATA_LOSS:
    case STATUS_UNAUTHENTICATED:
        break;
    }
    rpc_fail(call, STATUS_INTERNAL, "INTERNAL", message);
}
