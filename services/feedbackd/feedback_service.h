/* The calls of ss.Feedback (proto/feedback.proto) as handlers.
 *
 * feedback_write records: it answers OK only after the commit, and then has
 * the layers looked at. feedback_read answers questions. Bad input is
 * INVALID_ARGUMENT with a message that names field and rule. While PostgreSQL
 * is away writes and questions to it are UNAVAILABLE with a hint. */
#ifndef SERVICES_FEEDBACKD_FEEDBACK_SERVICE_H
#define SERVICES_FEEDBACKD_FEEDBACK_SERVICE_H

#include "services/feedbackd/layer_follow.h"
#include "services/feedbackd/layer_state.h"
#include "services/runtime/rpc_server.h"
#include "services/runtime/secret.h"
#include "services/store/store.h"

#include "feedback.pb-c.h"

#define FEEDBACK_RETRY_MS 1000 /* the hint while PostgreSQL is away */

struct feedback_service {
    Ss__Feedback_Service base; /* first: handlers get its address */
    struct loop *loop;         /* all borrowed */
    struct store *write;       /* write_statements */
    struct store *read;        /* read_statements */
    struct layer_follow *follow;
    struct layer_state *state;
    const struct secret_key *seal; /* of decision ids */
    ms_dur retention;              /* of idempotency keys */
    ms_dur report_window;          /* of the reports' quota */
    uint64_t *unlinked;            /* ratings whose spawn was not theirs */
};

/* Set the handlers; the rest is the caller's to set. */
void feedback_service_init(struct feedback_service *service);
/* A question or write that the store did not take or finish. */
void feedback_service_fail(void *call, enum status status, const char *message);

/* feedback_write.c */
void feedback_write_spawn(Ss__Feedback_Service *base,
                          const Ss__LogSpawnRequest *request,
                          Ss__LogSpawnReply_Closure done, void *call);
void feedback_write_outcome(Ss__Feedback_Service *base,
                            const Ss__RecordOutcomeRequest *request,
                            Ss__RecordOutcomeReply_Closure done, void *call);
void feedback_write_report(Ss__Feedback_Service *base,
                           const Ss__ReportCommunityRequest *request,
                           Ss__ReportCommunityReply_Closure done, void *call);
/* feedback_read.c */
void feedback_read_scores(Ss__Feedback_Service *base,
                          const Ss__PersonalScoresRequest *request,
                          Ss__PersonalScoresReply_Closure done, void *call);
void feedback_read_community(Ss__Feedback_Service *base,
                             const Ss__CommunityScoresRequest *request,
                             Ss__CommunityScoresReply_Closure done, void *call);
void feedback_read_stats(Ss__Feedback_Service *base,
                         const Ss__SpawnStatsRequest *request,
                         Ss__SpawnStatsReply_Closure done, void *call);

#endif
