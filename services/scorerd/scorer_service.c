/* ss.Scorer; see scorer_service.h. Answers from memory. */
#include "services/scorerd/scorer_service.h"

static void
on_state(Ss__Scorer_Service *base, const Ss__ScorerStateRequest *request,
         Ss__ScorerStateReply_Closure done, void *done_data)
{
    const struct scorer_service *service =
        (const struct scorer_service *)(const void *)base;
    const struct score_table *table = table_keeper_table(service->keeper);
    struct table_keeper_counts counts = table_keeper_counts(service->keeper);
    Ss__ScorerStateReply reply = SS__SCORER_STATE_REPLY__INIT;
    Ss__Timestamp made_at = SS__TIMESTAMP__INIT;
    (void)request;
    reply.has_rebuilds = true;
    reply.rebuilds = counts.rebuilds;
    reply.has_deltas = true;
    reply.deltas = counts.deltas;
    reply.has_community_cells = true;
    reply.community_cells = (uint32_t)counts.community_cells;
    if (table != NULL) {
        reply.ready = true;
        made_at.ms = table->made_at;
        reply.made_at = &made_at;
        reply.has_table_version = true;
        reply.table_version = table->version;
        reply.has_models = true;
        reply.models = (uint32_t)table->catalog->count;
        reply.has_personal_cells = true;
        reply.personal_cells = (uint32_t)table->personal_count;
    }
    done(&reply, done_data);
}

void
scorer_service_init(struct scorer_service *service,
                    const struct table_keeper *keeper,
                    struct rpc_server *server)
{
    *service = (struct scorer_service){
        .base = SS__SCORER__INIT(on_),
        .keeper = keeper,
    };
    rpc_server_add(server, &service->base.base);
}
