/* Assembly in five steps: models, matches, figures, variants, copy. Works in
 * the scratch arena; only the last step makes what stays. */
#include "ingest/assemble.h"

#include "core/base/check.h"
#include "ingest/evidence.h"
#include "ingest/traits.h"

#include <math.h>
#include <stdlib.h>

/* A model on its way: from an offer, from the catalog before, or both. */
struct draft {
    struct model model;
    const struct offer *offer;    /* NULL: not offered this time */
    const struct model *previous; /* NULL: new */
    utc_day day;                  /* of the offer */
};

struct assembly {
    const struct assemble_input *input;
    struct arena *scratch;
    struct draft *drafts;
    struct model *models; /* the drafts' models, in one row */
    size_t count;
    struct evidence evidence;
    struct assemble_match *matches;
    size_t match_count;
    uint32_t matched[SOURCE_COUNT];
    bool is_fresh[SOURCE_COUNT]; /* a payload of it was given */
};

/* By id; of one id the newest offer first, the catalog before last. */
static int
compare_drafts(const void *a, const void *b)
{
    const struct draft *x = a, *y = b;
    int order = slice_cmp(x->model.id, y->model.id);

    if (order != 0)
        return order;
    if ((x->offer != NULL) != (y->offer != NULL))
        return x->offer != NULL ? -1 : 1;
    return (x->day < y->day) - (x->day > y->day);
}

static void
add_offers(struct assembly *work, const struct record_set *set)
{
    for (size_t i = 0; i < set->count; i++) {
        const struct record *record = &set->records[i];
        struct draft *draft = &work->drafts[work->count];

        if (record->offer == NULL)
            continue;
        *draft = (struct draft){.offer = record->offer, .day = record->day};
        traits_from_offer(record->offer, record->name, work->input->today,
                          &draft->model);
        work->count++;
    }
}

static void
add_previous(struct assembly *work, const struct catalog *previous)
{
    for (size_t i = 0; i < previous->count; i++) {
        struct draft *draft = &work->drafts[work->count++];

        *draft = (struct draft){.model = previous->models[i],
                                .previous = &previous->models[i],
                                .day = UTC_DAY_NONE};
        if (work->is_fresh[SOURCE_OPENROUTER])
            draft->model.standing = MODEL_RETIRED;
        else
            traits_set_day(&draft->model, work->input->today);
    }
}

/* One draft an id; what the catalog before knew is kept beside it. */
static void
merge_drafts(struct assembly *work)
{
    size_t kept = 0;

    qsort(work->drafts, work->count, sizeof(work->drafts[0]), compare_drafts);
    for (size_t i = 0; i < work->count; i++) {
        struct draft *last = kept > 0 ? &work->drafts[kept - 1] : NULL;

        if (last != NULL &&
            slice_eq(last->model.id, work->drafts[i].model.id)) {
            if (work->drafts[i].previous != NULL)
                last->previous = work->drafts[i].previous;
            continue;
        }
        work->drafts[kept++] = work->drafts[i];
    }
    work->count = kept;
}

static enum status
make_models(struct assembly *work)
{
    const struct assemble_input *input = work->input;
    size_t most = input->previous != NULL ? input->previous->count : 0;

    for (size_t i = 0; i < input->payload_count; i++) {
        work->is_fresh[input->payloads[i].source] = true;
        if (input->payloads[i].source == SOURCE_OPENROUTER)
            most += input->payloads[i].set->count;
    }
    work->drafts = ARENA_ARRAY(work->scratch, struct draft, most);
    work->models = ARENA_ARRAY(work->scratch, struct model, most);
    if (!arena_ok(work->scratch))
        return STATUS_RESOURCE_EXHAUSTED;
    for (size_t i = 0; i < input->payload_count; i++)
        if (input->payloads[i].source == SOURCE_OPENROUTER)
            add_offers(work, input->payloads[i].set);
    if (input->previous != NULL)
        add_previous(work, input->previous);
    if (work->count == 0)
        return STATUS_FAILED_PRECONDITION;
    merge_drafts(work);
    if (work->count > CATALOG_MODELS_MAX)
        return STATUS_RESOURCE_EXHAUSTED;
    for (size_t i = 0; i < work->count; i++)
        work->models[i] = work->drafts[i].model;
    return STATUS_OK;
}

/* The place of an id, or -1. */
static ptrdiff_t
find_model(const struct assembly *work, struct slice id)
{
    size_t low = 0, high = work->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = slice_cmp(work->models[middle].id, id);

        if (order == 0)
            return (ptrdiff_t)middle;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return -1;
}

/* Match one row; OpenRouter's own are about the id they carry. */
static void
match_record(struct assembly *work, const struct match_index *index,
             enum source source, const struct record *record)
{
    struct assemble_match *row = &work->matches[work->match_count++];

    *row = (struct assemble_match){.source = source, .record = record};
    if (record->offer != NULL) {
        row->match.rule = MATCH_ID;
        row->match.effort = SLICE("");
        row->match.model = (uint32_t)find_model(work, record->offer->id);
    } else {
        match_find(index, source, record->name, &row->match);
        /* A second name may be in the alias table. */
        if (row->match.rule == MATCH_NONE && record->slug.len > 0 &&
            alias_find(work->input->aliases, source, record->slug) != NULL)
            match_find(index, source, record->slug, &row->match);
    }
    if (match_found(&row->match))
        work->matched[source]++;
}

/* What the matched rows say. Most rows of a large board match nothing, so the
 * room is measured once it is known which do. */
static enum status
gather(struct assembly *work)
{
    size_t most = 0;

    for (size_t i = 0; i < work->match_count; i++)
        if (match_found(&work->matches[i].match))
            most += work->matches[i].record->reading_count + 2;
    if (evidence_init(&work->evidence, work->scratch, most,
                      work->input->today) != STATUS_OK)
        return STATUS_RESOURCE_EXHAUSTED;
    for (size_t i = 0; i < work->match_count; i++) {
        const struct assemble_match *row = &work->matches[i];

        if (match_found(&row->match))
            evidence_add(&work->evidence, row->source, row->record,
                         &row->match);
    }
    evidence_sort(&work->evidence);
    return STATUS_OK;
}

static enum status
match_all(struct assembly *work)
{
    const struct assemble_input *input = work->input;
    const struct match_index *index;
    size_t records = 0;

    for (size_t i = 0; i < input->payload_count; i++)
        records += input->payloads[i].set->count;
    work->matches = ARENA_ARRAY(work->scratch, struct assemble_match, records);
    index = match_index_new(work->scratch, work->models, work->count,
                            input->aliases);
    if (index == NULL || !arena_ok(work->scratch))
        return STATUS_RESOURCE_EXHAUSTED;
    for (size_t i = 0; i < input->payload_count; i++) {
        const struct record_set *set = input->payloads[i].set;

        for (size_t r = 0; r < set->count; r++)
            match_record(work, index, input->payloads[i].source,
                         &set->records[r]);
    }
    return arena_ok(work->scratch) ? gather(work) : STATUS_RESOURCE_EXHAUSTED;
}

/* Figures that no board of this time replaces. */
static void
carry_over(const struct assembly *work, const struct model *previous,
           struct evidence_result *result)
{
    const struct evidence *evidence = &work->evidence;

    if (previous == NULL)
        return;
    for (size_t i = 0; i < previous->figure_count; i++) {
        struct figure figure = previous->figures[i];
        utc_day board = evidence->boards[figure.via][figure.benchmark];

        if (figure.day > evidence->today)
            figure.day = evidence->today;
        if (board < figure.day || board == UTC_DAY_NONE)
            evidence_take(result, &figure);
    }
    if (work->is_fresh[SOURCE_ARTIFICIAL_ANALYSIS])
        return;
    result->speed = previous->output_tokens_per_second;
    result->first_token_s = previous->time_to_first_token_s;
}

/* Put a result's figures on a model, in the scratch arena. */
static void
set_figures(struct assembly *work, struct model *model,
            const struct evidence_result *result)
{
    struct figure *figures =
        ARENA_ARRAY(work->scratch, struct figure, BENCHMARK_COUNT);

    model->figures = figures;
    model->figure_count = 0;
    model->sources = BIT(SOURCE_OPENROUTER);
    if (figures == NULL)
        return;
    for (size_t b = 0; b < BENCHMARK_COUNT; b++) {
        if (!result->has[b])
            continue;
        figures[model->figure_count++] = result->figures[b];
        model->sources |= BIT(benchmark_source((enum benchmark)b));
    }
}

static void
make_figures(struct assembly *work)
{
    size_t cursor = 0;

    for (uint32_t i = 0; i < work->count; i++) {
        const struct draft *draft = &work->drafts[i];
        struct model *model = &work->models[i];
        struct combine_served served = {model->reasoning,
                                        model->default_effort};
        struct evidence_result result;

        /* Newer entries of OpenRouter may leave the limit out. */
        if (model->max_output_tokens == 0 && draft->previous != NULL)
            model->max_output_tokens = draft->previous->max_output_tokens;
        evidence_of(&work->evidence, i, &served, &cursor, &result);
        carry_over(work, draft->previous, &result);
        set_figures(work, model, &result);
        model->output_tokens_per_second = result.speed;
        model->time_to_first_token_s = result.first_token_s;
        traits_set_speed(model);
    }
}

/* The model that a variant inherits from, or NULL. Where the base itself is
 * not offered its first variant stands for it. */
static const struct model *
base_of(const struct assembly *work, size_t at)
{
    struct slice id = work->models[at].id, base = match_base_id(id);
    ptrdiff_t found;

    if (base.len == id.len)
        return NULL;
    found = find_model(work, base);
    if (found >= 0)
        return &work->models[found];
    while (at > 0 && slice_eq(match_base_id(work->models[at - 1].id), base))
        at--;
    return slice_eq(work->models[at].id, id) ? NULL : &work->models[at];
}

static void
inherit(struct assembly *work)
{
    for (size_t i = 0; i < work->count; i++) {
        const struct model *base = base_of(work, i);
        struct evidence_result result = {.speed = NAN};
        struct model *model = &work->models[i];

        if (base == NULL)
            continue;
        for (size_t f = 0; f < base->figure_count; f++)
            evidence_take(&result, &base->figures[f]);
        for (size_t f = 0; f < model->figure_count; f++) {
            enum benchmark benchmark = model->figures[f].benchmark;

            result.figures[benchmark] = model->figures[f];
            result.has[benchmark] = true;
        }
        set_figures(work, model, &result);
    }
}

/* The status of one source; false when its reason found no room. */
static void
set_source(const struct assembly *work, enum source source,
           struct catalog *catalog)
{
    const struct assemble_input *input = work->input;
    struct source_status *status = &catalog->sources[source];
    struct slice failure = input->failures[source];

    if (input->previous != NULL) {
        *status = input->previous->sources[source];
        status->reason = arena_slice(catalog->arena, status->reason);
    }
    if (work->is_fresh[source])
        *status = (struct source_status){.state = SOURCE_STATE_OK,
                                         .reason = SLICE(""),
                                         .matched_rows = work->matched[source]};
    for (size_t i = 0; i < input->payload_count; i++) {
        const struct assemble_payload *payload = &input->payloads[i];

        if (payload->source != source)
            continue;
        status->rows += (uint32_t)payload->set->count;
        status->refused += (uint32_t)payload->set->figures_refused;
        status->rows_refused += (uint32_t)payload->set->rows_refused;
        status->content = status->content * 31 + payload->content;
        status->address = payload->address;
        if (payload->fetched_at > status->last_success)
            status->last_success = payload->fetched_at;
    }
    if (failure.len == 0)
        return;
    status->state =
        status->last_success != 0 ? SOURCE_STATE_STALE : SOURCE_STATE_ERROR;
    status->reason = arena_slice(catalog->arena, failure);
}

enum status
assemble_catalog(const struct assemble_input *input, struct arena *scratch,
                 struct assemble_report *ret_report,
                 struct catalog **ret_catalog)
{
    struct assembly work = {.input = input, .scratch = scratch};
    struct catalog *catalog = NULL;
    enum status status;

    if (input->payload_count > ASSEMBLE_PAYLOADS_MAX)
        return STATUS_RESOURCE_EXHAUSTED;
    status = make_models(&work);
    if (status == STATUS_OK)
        status = match_all(&work);
    if (status != STATUS_OK)
        return status;
    make_figures(&work);
    inherit(&work);
    if (!arena_ok(scratch))
        return STATUS_RESOURCE_EXHAUSTED;
    status = assemble_copy(work.models, work.count, &catalog);
    if (status != STATUS_OK)
        return status;
    for (size_t s = 0; s < SOURCE_COUNT; s++)
        set_source(&work, (enum source)s, catalog);
    catalog->made_at = input->made_at;
    if (ret_report != NULL)
        *ret_report = (struct assemble_report){work.matches, work.match_count};
    *ret_catalog = catalog;
    return STATUS_OK;
}
