/* Meta: the same few facts about the table beside every answer. */
#include "services/routerd/meta.h"

#include "services/routerd/messages.h"

ms_time
meta_last_refresh(const struct catalog *catalog)
{
    ms_time newest = 0;
    for (unsigned i = 0; i < SOURCE_COUNT; i++) {
        if (catalog->sources[i].last_success > newest)
            newest = catalog->sources[i].last_success;
    }
    return newest;
}

static void
add_source_times(const struct view *view, Ss__Meta *out)
{
    const struct catalog *catalog = view->table->catalog;

    out->sources =
        ARENA_ARRAY(view->arena, Ss__SourceTimesEntry *, SOURCE_COUNT);
    for (unsigned i = 0; out->sources != NULL && i < SOURCE_COUNT; i++) {
        ms_time time = catalog->sources[i].last_success;
        if (time == 0)
            continue;
        Ss__SourceTimesEntry *entry =
            messages_new(view->arena, &ss__source_times_entry__descriptor);
        if (entry == NULL)
            return;
        entry->key =
            messages_text(view->arena, slice_of(source_name((enum source)i)));
        entry->value = messages_time(view->arena, time);
        out->sources[out->n_sources++] = entry;
    }
}

Ss__Meta *
meta_new(const struct view *view, const struct slice *ignored,
         size_t ignored_count)
{
    struct arena *arena = view->arena;
    Ss__Meta *out = messages_new(arena, &ss__meta__descriptor);
    if (out == NULL)
        return NULL;
    out->version = messages_version(arena, view->table->version);
    out->table_time = messages_time(arena, view->table->made_at);
    add_source_times(view, out);
    out->ignored_context = ARENA_ARRAY(arena, char *, ignored_count);
    for (size_t i = 0; out->ignored_context != NULL && i < ignored_count; i++)
        out->ignored_context[out->n_ignored_context++] =
            messages_text(arena, ignored[i]);
    return out;
}

void
meta_set_page(const struct view *view, const struct browse_page *page,
              Ss__Meta *meta)
{
    ms_time refresh = meta_last_refresh(view->table->catalog);

    meta->has_total = meta->has_filtered = meta->has_returned = true;
    meta->total = page->total;
    meta->filtered = page->filtered;
    meta->returned = (uint32_t)page->count;
    if (refresh > 0)
        meta->last_refresh = messages_time(view->arena, refresh);
}

void
meta_set_question(const struct view *view, const struct question *question,
                  const char *task, uint32_t candidates, Ss__Meta *meta)
{
    if (task == NULL || task[0] == '\0')
        task = category_name(question->category);
    meta->has_task = meta->has_budget = meta->has_candidates_considered = true;
    meta->task = (Ss__Category)question->category;
    meta->task_raw = messages_text(view->arena, slice_of(task));
    meta->budget = (Ss__Budget)question->budget;
    meta->candidates_considered = candidates;
}
