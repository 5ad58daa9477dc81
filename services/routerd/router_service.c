/* The service ss.Router: each handler makes a view of the call and hands it
 * to the function that answers. Task text is not logged at any level. */
#include "services/routerd/router_service.h"

#include "core/base/check.h"
#include "services/routerd/answers.h"
#include "services/routerd/table_state.h"
#include "services/runtime/rpc_server.h"

#define ROUTER_SERVICE_MAGIC 0x0a57e400u
#define NO_TABLE_RETRY_MS 1000

/* False, and the call is answered, while there is no table. */
static bool
make_view(Ss__Router_Service *base, void *done_data, struct view *ret_view)
{
    struct router_service *service = (struct router_service *)base;
    struct rpc_call *call = done_data;

    CHECK_OBJ(service, ROUTER_SERVICE_MAGIC);
    const struct score_table *table =
        service->holder == NULL ? NULL : table_holder_table(service->holder);
    if (table == NULL) {
        rpc_fail_retry(done_data, STATUS_UNAVAILABLE, "UNAVAILABLE",
                       "no score table yet: the scorer has not published one",
                       NO_TABLE_RETRY_MS);
        return false;
    }
    ms_time now = loop_wall(service->loop);
    *ret_view =
        (struct view){.table = table,
                      .classifier = service->classifier,
                      .seal = service->seal,
                      .tenant = slice_of(rpc_call_tenant(call)),
                      .now = now,
                      .today = utc_day_of(now),
                      .is_current = table_holder_is_current(service->holder),
                      .scorer_heard = snapshot_follower_heard(
                          table_holder_follower(service->holder)),
                      .arena = rpc_call_arena(call)};
    return true;
}

static void
refuse(void *done_data, const struct refusal *refusal)
{
    rpc_fail(done_data, refusal->status, refusal->reason, refusal->message);
}

static void
on_pick(Ss__Router_Service *base, const Ss__PickRequest *input,
        Ss__PickReply_Closure done, void *done_data)
{
    struct view view;
    struct refusal refusal;
    Ss__PickReply *reply = NULL;

    if (!make_view(base, done_data, &view))
        return;
    if (answers_pick(&view, input, &reply, &refusal) == STATUS_OK)
        done(reply, done_data);
    else
        refuse(done_data, &refusal);
}

static void
on_recommend(Ss__Router_Service *base, const Ss__RecommendRequest *input,
             Ss__RecommendReply_Closure done, void *done_data)
{
    struct view view;
    struct refusal refusal;
    Ss__RecommendReply *reply = NULL;

    if (!make_view(base, done_data, &view))
        return;
    if (answers_recommend(&view, input, &reply, &refusal) == STATUS_OK)
        done(reply, done_data);
    else
        refuse(done_data, &refusal);
}

static void
on_compare(Ss__Router_Service *base, const Ss__CompareRequest *input,
           Ss__CompareReply_Closure done, void *done_data)
{
    struct view view;
    struct refusal refusal;
    Ss__CompareReply *reply = NULL;

    if (!make_view(base, done_data, &view))
        return;
    if (answers_compare(&view, input, &reply, &refusal) == STATUS_OK)
        done(reply, done_data);
    else
        refuse(done_data, &refusal);
}

static void
on_models(Ss__Router_Service *base, const Ss__ModelsRequest *input,
          Ss__ModelsReply_Closure done, void *done_data)
{
    struct view view;
    struct refusal refusal;
    Ss__ModelsReply *reply = NULL;

    if (!make_view(base, done_data, &view))
        return;
    if (answers_models(&view, input, &reply, &refusal) == STATUS_OK)
        done(reply, done_data);
    else
        refuse(done_data, &refusal);
}

static void
on_state(Ss__Router_Service *base, const Ss__RouterStateRequest *input,
         Ss__RouterStateReply_Closure done, void *done_data)
{
    struct view view;
    struct refusal refusal;
    Ss__RouterStateReply *reply = NULL;

    (void)input;
    if (!make_view(base, done_data, &view))
        return;
    if (table_state_answer(&view, &reply, &refusal) == STATUS_OK)
        done(reply, done_data);
    else
        refuse(done_data, &refusal);
}

static void
refuse_unimplemented(void *done_data, const char *message)
{
    rpc_fail(done_data, STATUS_UNIMPLEMENTED, "", message);
}

static void
on_decompose(Ss__Router_Service *base, const Ss__DecomposeRequest *input,
             Ss__DecomposeReply_Closure done, void *done_data)
{
    (void)base;
    (void)input;
    (void)done;
    refuse_unimplemented(done_data,
                         "splitting a task into steps is not there yet");
}

static void
on_swarm(Ss__Router_Service *base, const Ss__SwarmRequest *input,
         Ss__SwarmReply_Closure done, void *done_data)
{
    (void)base;
    (void)input;
    (void)done;
    refuse_unimplemented(done_data, "swarms are not there yet");
}

static void
on_compose_role(Ss__Router_Service *base, const Ss__ComposeRoleRequest *input,
                Ss__ComposeRoleReply_Closure done, void *done_data)
{
    (void)base;
    (void)input;
    (void)done;
    refuse_unimplemented(done_data, "composing roles is not there yet");
}

static void
on_role_blocks(Ss__Router_Service *base, const Ss__RoleBlocksRequest *input,
               Ss__RoleBlocksReply_Closure done, void *done_data)
{
    (void)base;
    (void)input;
    (void)done;
    refuse_unimplemented(done_data, "role blocks are not there yet");
}

void
router_service_init(struct router_service *service, const struct loop *loop,
                    const struct classifier *classifier,
                    const struct secret_key *seal)
{
    static const Ss__Router_Service handlers = SS__ROUTER__INIT(on_);

    *service = (struct router_service){.base = handlers,
                                       .magic = ROUTER_SERVICE_MAGIC,
                                       .loop = loop,
                                       .classifier = classifier,
                                       .seal = seal};
}
