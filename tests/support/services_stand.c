/* Three services with made-up answers. */
#include "tests/support/services_stand.h"

#include "core/base/check.h"

#include "feedback.pb-c.h"
#include "ingest.pb-c.h"
#include "router.pb-c.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

static struct {
    Ss__Router_Service router;
    Ss__Feedback_Service feedback;
    Ss__Ingest_Service ingest;
    struct loop_timer *timer;
    Ss__PickReply_Closure slow_done;
    void *slow_data;
    atomic_int writes, refreshes;
    char key[160]; /* idempotency key of the last write */
} stand;

static void
answer_pick(char *id, Ss__PickReply_Closure done, void *data)
{
    Ss__Decimal price = SS__DECIMAL__INIT;
    Ss__Pricing pricing = SS__PRICING__INIT;
    Ss__Pick pick = SS__PICK__INIT;
    Ss__PickReply reply = SS__PICK_REPLY__INIT;

    price.nanos = 400000000;
    pricing.prompt = &price;
    pick.id = id;
    pick.pricing = &pricing;
    reply.data = &pick;
    done(&reply, data);
}

static void
on_slow(void *context)
{
    char id[] = "slow";

    (void)context;
    answer_pick(id, stand.slow_done, stand.slow_data);
}

static void
on_pick(Ss__Router_Service *service, const Ss__PickRequest *request,
        Ss__PickReply_Closure done, void *data)
{
    const char *task = request->task ? request->task : "";

    (void)service;
    if (!*task) {
        rpc_fail(data, STATUS_INVALID_ARGUMENT, "MISSING_PARAM",
                 "task is required");
    } else if (strcmp(task, "none") == 0) {
        rpc_fail(data, STATUS_NOT_FOUND, "NO_MODEL", "no model is left");
    } else if (strcmp(task, "busy") == 0) {
        rpc_fail_retry(data, STATUS_RESOURCE_EXHAUSTED, "", "too much to do",
                       2500);
    } else if (strcmp(task, "slow") == 0) {
        stand.slow_done = done;
        stand.slow_data = data;
        loop_timer_start(stand.timer, SERVICES_STAND_SLOW_MS);
    } else if (strcmp(task, "whose") == 0) {
        char tenant[80];

        (void)snprintf(tenant, sizeof(tenant), "%s", rpc_call_tenant(data));
        answer_pick(tenant, done, data);
    } else if (strcmp(task, "never") != 0) {
        answer_pick(request->task, done, data);
    }
}

static void
on_decompose(Ss__Router_Service *service, const Ss__DecomposeRequest *request,
             Ss__DecomposeReply_Closure done, void *data)
{
    Ss__DecomposeReply reply = SS__DECOMPOSE_REPLY__INIT;

    (void)service;
    reply.original_task = request->task;
    done(&reply, data);
}

static void
on_state(Ss__Router_Service *service, const Ss__RouterStateRequest *request,
         Ss__RouterStateReply_Closure done, void *data)
{
    Ss__RouterState router = SS__ROUTER_STATE__INIT;
    Ss__RouterStateReply reply = SS__ROUTER_STATE_REPLY__INIT;

    (void)service;
    (void)request;
    router.status = (char[]){"ok"};
    reply.data = &router;
    done(&reply, data);
}

/* The rest is not asked for. */
#define NOT_HERE(Service, function, Request, Reply)                            \
    static void function(Ss__##Service##_Service *service,                     \
                         const Ss__##Request *request,                         \
                         Ss__##Reply##_Closure done, void *data)               \
    {                                                                          \
        (void)service;                                                         \
        (void)request;                                                         \
        (void)done;                                                            \
        rpc_fail(data, STATUS_UNIMPLEMENTED, "", "not in this test");          \
    }
NOT_HERE(Router, on_recommend, RecommendRequest, RecommendReply)
NOT_HERE(Router, on_compare, CompareRequest, CompareReply)
NOT_HERE(Router, on_models, ModelsRequest, ModelsReply)
NOT_HERE(Router, on_swarm, SwarmRequest, SwarmReply)
NOT_HERE(Router, on_compose_role, ComposeRoleRequest, ComposeRoleReply)
NOT_HERE(Router, on_role_blocks, RoleBlocksRequest, RoleBlocksReply)
NOT_HERE(Feedback, on_record_outcome, RecordOutcomeRequest, RecordOutcomeReply)
NOT_HERE(Feedback, on_report_community, ReportCommunityRequest,
         ReportCommunityReply)
NOT_HERE(Feedback, on_personal_scores, PersonalScoresRequest,
         PersonalScoresReply)
NOT_HERE(Feedback, on_community_scores, CommunityScoresRequest,
         CommunityScoresReply)
NOT_HERE(Feedback, on_spawn_stats, SpawnStatsRequest, SpawnStatsReply)
NOT_HERE(Ingest, on_sources, SourcesRequest, SourcesReply)
NOT_HERE(Ingest, on_report, ReportRequest, ReportReply)
NOT_HERE(Ingest, on_match, MatchRequest, MatchReply)
NOT_HERE(Ingest, on_versions, VersionsRequest, VersionsReply)
NOT_HERE(Ingest, on_rollback, RollbackRequest, RollbackReply)
#undef NOT_HERE

static void
on_log_spawn(Ss__Feedback_Service *service, const Ss__LogSpawnRequest *request,
             Ss__LogSpawnReply_Closure done, void *data)
{
    Ss__LoggedSpawn logged = SS__LOGGED_SPAWN__INIT;
    Ss__LogSpawnReply reply = SS__LOG_SPAWN_REPLY__INIT;

    (void)service;
    (void)request;
    atomic_fetch_add(&stand.writes, 1);
    (void)snprintf(stand.key, sizeof(stand.key), "%s",
                   rpc_call_idempotency_key(data));
    logged.logged = 1;
    logged.spawn_id = stand.key;
    reply.data = &logged;
    done(&reply, data);
}

static void
on_refresh(Ss__Ingest_Service *service, const Ss__RefreshRequest *request,
           Ss__RefreshReply_Closure done, void *data)
{
    Ss__RefreshReply reply = SS__REFRESH_REPLY__INIT;

    (void)service;
    (void)request;
    atomic_fetch_add(&stand.refreshes, 1);
    reply.started = 1;
    done(&reply, data);
}

void
services_stand_start(struct loop *loop, struct rpc_server *server)
{
    CHECK(loop_timer_new(loop, on_slow, NULL, &stand.timer) == STATUS_OK);
    stand.router = (Ss__Router_Service)SS__ROUTER__INIT(on_);
    stand.feedback = (Ss__Feedback_Service)SS__FEEDBACK__INIT(on_);
    stand.ingest = (Ss__Ingest_Service)SS__INGEST__INIT(on_);
    rpc_server_add(server, &stand.router.base);
    rpc_server_add(server, &stand.feedback.base);
    rpc_server_add(server, &stand.ingest.base);
}

void
services_stand_stop(void)
{
    loop_timer_free(&stand.timer);
}

int
services_stand_writes(void)
{
    return atomic_load(&stand.writes);
}

int
services_stand_refreshes(void)
{
    return atomic_load(&stand.refreshes);
}
