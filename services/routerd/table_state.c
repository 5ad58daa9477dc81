/* The state of what this router knows, from the table's own catalog. */
#include "services/routerd/table_state.h"

#include "core/base/buf.h"
#include "services/routerd/messages.h"
#include "services/routerd/meta.h"
#include "services/routerd/refusals.h"

#define DETAIL_MAX 400 /* bytes */

static Ss__RouterSourceEntry *
source_entry(struct arena *arena, const struct source_status *source,
             enum source which)
{
    Ss__RouterSourceEntry *entry =
        messages_new(arena, &ss__router_source_entry__descriptor);
    Ss__RouterSource *out = messages_new(arena, &ss__router_source__descriptor);
    if (entry == NULL || out == NULL)
        return NULL;
    out->status =
        messages_text(arena, slice_of(source_state_name(source->state)));
    if (source->reason.len > 0)
        out->reason = messages_text(arena, source->reason);
    if (source->last_success > 0)
        out->last_pull = messages_time(arena, source->last_success);
    out->has_count = out->has_matched = true;
    out->count = source->rows;
    out->matched = source->matched_rows;
    out->attribution =
        messages_text(arena, slice_of(source_attribution(which)));
    entry->key = messages_text(arena, slice_of(source_name(which)));
    entry->value = out;
    return entry;
}

static void
add_sources(const struct view *view, Ss__RouterState *out)
{
    out->sources =
        ARENA_ARRAY(view->arena, Ss__RouterSourceEntry *, SOURCE_COUNT);
    for (unsigned i = 0; out->sources != NULL && i < SOURCE_COUNT; i++) {
        const struct source_status *source = &view->table->catalog->sources[i];
        Ss__RouterSourceEntry *entry =
            source_entry(view->arena, source, (enum source)i);
        if (entry != NULL)
            out->sources[out->n_sources++] = entry;
    }
}

static bool
has_score(const struct score_table *table, uint32_t model)
{
    for (unsigned c = 0; c < CATEGORY_COUNT; c++) {
        if (table->base[model * CATEGORY_COUNT + c].present)
            return true;
    }
    return false;
}

static void
count_models(const struct score_table *table, Ss__RouterState *out)
{
    out->has_model_count = out->has_models_with_scores =
        out->has_models_with_benchmarks = true;
    out->model_count = (uint32_t)table->catalog->count;
    for (uint32_t i = 0; i < table->catalog->count; i++) {
        out->models_with_scores += has_score(table, i);
        out->models_with_benchmarks +=
            table->catalog->models[i].figure_count > 0;
    }
}

/* What keeps the state from being ok; nothing when it is. A stale source
 * still serves good values and says so itself. */
static void
put_detail(const struct view *view, struct buf *out)
{
    const char *separator = "";

    if (!view->is_current) {
        buf_put_text(out, "no scorer heard from lately: answers come from the "
                          "last table");
        separator = "; ";
    }
    for (unsigned i = 0; i < SOURCE_COUNT; i++) {
        enum source_state state = view->table->catalog->sources[i].state;
        if (state != SOURCE_STATE_ERROR && state != SOURCE_STATE_NEVER)
            continue;
        buf_put_text(out, separator);
        buf_put_text(out, source_name((enum source)i));
        buf_put_text(out, ": no data");
        separator = "; ";
    }
}

static void
set_status(const struct view *view, Ss__RouterState *out)
{
    struct buf detail;

    buf_init(&detail, DETAIL_MAX);
    put_detail(view, &detail);
    bool is_ok = detail.len == 0;
    out->status =
        messages_text(view->arena, is_ok ? SLICE("ok") : SLICE("degraded"));
    if (!is_ok)
        out->detail = messages_text(view->arena, buf_slice(&detail));
    buf_fini(&detail);
}

enum status
table_state_answer(const struct view *view, Ss__RouterStateReply **ret_reply,
                   struct refusal *ret_refusal)
{
    struct arena *arena = view->arena;
    const struct score_table *table = view->table;
    ms_time refresh = meta_last_refresh(table->catalog);
    Ss__RouterStateReply *reply =
        messages_new(arena, &ss__router_state_reply__descriptor);
    Ss__RouterState *out = messages_new(arena, &ss__router_state__descriptor);

    if (reply == NULL || out == NULL)
        return refusals_full(ret_refusal);
    set_status(view, out);
    if (refresh > 0)
        out->last_refresh = messages_time(arena, refresh);
    count_models(table, out);
    add_sources(view, out);
    out->table_version = messages_version(arena, table->version);
    out->table_time = messages_time(arena, table->made_at);
    out->has_table_age_s = true;
    out->table_age_s = view->now > table->made_at
                           ? (uint64_t)(view->now - table->made_at) / 1000
                           : 0;
    if (view->scorer_heard != 0)
        out->scorer_heard = messages_time(arena, view->scorer_heard);
    out->has_table_current = true;
    out->table_current = view->is_current;
    out->version = messages_text(arena, slice_of(SS_VERSION));
    if (!arena_ok(arena))
        return refusals_full(ret_refusal);
    reply->data = out;
    *ret_reply = reply;
    return STATUS_OK;
}
