/* Answers: the router's results as messages. */
#include "services/routerd/answers.h"

#include "router/explain.h"
#include "router/rank.h"
#include "router/recommend.h"
#include "services/routerd/decision.h"
#include "services/routerd/entries.h"
#include "services/routerd/messages.h"
#include "services/routerd/meta.h"
#include "services/routerd/questions.h"
#include "services/routerd/refusals.h"

#include <math.h>

#define SENTENCE_MAX 1024 /* bytes of a reason or a note */

/* Without a model left there is no answer, but a way out. */
static enum status
refuse_no_model(const struct question *question,
                const uint32_t removed[FILTER_COUNT], struct refusal *refusal)
{
    struct buf message;
    buf_init(&message, SENTENCE_MAX);
    explain_no_model(question, removed, &message);
    enum status status = refusals_no_model(refusal, &message);
    buf_fini(&message);
    return status;
}

static void
set_rate(double value, protobuf_c_boolean *ret_has, double *ret_value)
{
    *ret_has = !isnan(value);
    if (*ret_has)
        *ret_value = rank_shown(value);
}

static Ss__PriceBounds *
bounds_of(struct arena *arena, enum budget budget)
{
    Ss__PriceBounds *bounds =
        messages_new(arena, &ss__price_bounds__descriptor);
    if (bounds == NULL)
        return NULL;
    bounds->min = messages_price(arena, budget_lowest(budget));
    if (budget_highest(budget) != PRICE_UNBOUNDED)
        bounds->max = messages_price(arena, budget_highest(budget));
    return bounds;
}

static void
add_context_tags(struct arena *arena, uint32_t tags, Ss__Pick *out)
{
    if (tags == 0)
        return;
    out->context_tags = ARENA_ARRAY(arena, char *, CONTEXT_TAG_COUNT);
    if (out->context_tags == NULL)
        return;
    for (unsigned i = 0; i < CONTEXT_TAG_COUNT; i++) {
        if ((tags & BIT(i)) != 0)
            out->context_tags[out->n_context_tags++] = messages_text(
                arena, slice_of(context_tag_name((enum context_tag)i)));
    }
    /* The scores do not know stacks yet, so no tag moves one. */
    out->has_context_boost = true;
    out->context_boost = 0.0;
}

static Ss__RunnerUp *
runner_up_of(struct arena *arena, const struct candidate *candidate)
{
    Ss__RunnerUp *out = messages_new(arena, &ss__runner_up__descriptor);
    if (out == NULL)
        return NULL;
    out->id = messages_text(arena, candidate->model->id);
    out->has_score = true;
    out->score = rank_shown(candidate->score->mean);
    out->interval = messages_interval(arena, candidate->score);
    out->pricing = messages_pricing(arena, candidate->model);
    return out;
}

static void
add_removed(struct arena *arena, const struct pick *pick, Ss__Explanation *out)
{
    out->removed = ARENA_ARRAY(arena, Ss__RemovedEntry *, FILTER_COUNT);
    for (unsigned i = 0; out->removed != NULL && i < FILTER_COUNT; i++) {
        if (pick->removed[i] == 0)
            continue;
        Ss__RemovedEntry *entry =
            messages_new(arena, &ss__removed_entry__descriptor);
        if (entry == NULL)
            return;
        entry->key =
            messages_text(arena, slice_of(filter_name((enum filter)i)));
        entry->value = pick->removed[i];
        out->removed[out->n_removed++] = entry;
    }
}

static void
add_evidence(struct arena *arena, const struct classification *found,
             Ss__Explanation *out)
{
    out->evidence = ARENA_ARRAY(arena, char *, CLASSIFY_EVIDENCE_MAX);
    for (size_t i = 0; out->evidence != NULL && i < found->evidence_count; i++)
        out->evidence[out->n_evidence++] =
            messages_text(arena, found->evidence[i]);
}

static Ss__Explanation *
explanation_of(struct arena *arena, const struct asked *asked,
               bool is_classified, const struct pick *pick)
{
    const struct score *score = pick->best.score;
    Ss__Explanation *out = messages_new(arena, &ss__explanation__descriptor);
    if (out == NULL)
        return NULL;
    set_rate(score->benchmark_share, &out->has_benchmark_share,
             &out->benchmark_share);
    set_rate(score->community_share, &out->has_community_share,
             &out->community_share);
    set_rate(score->personal_share, &out->has_personal_share,
             &out->personal_share);
    out->runners_up = ARENA_ARRAY(arena, Ss__RunnerUp *, PICK_RUNNERS_UP);
    for (size_t i = 0; out->runners_up != NULL && i < pick->runner_up_count;
         i++)
        out->runners_up[out->n_runners_up++] =
            runner_up_of(arena, &pick->runners_up[i]);
    add_removed(arena, pick, out);
    if (is_classified) {
        add_evidence(arena, &asked->classification, out);
        out->has_category_margin = true;
        out->category_margin = rank_shown(asked->classification.margin);
    }
    return out;
}

static void
set_scores(struct arena *arena, const struct score *score, Ss__Pick *out)
{
    out->has_score = true;
    out->score = rank_shown(score->mean);
    out->interval = messages_interval(arena, score);
    set_rate(score->benchmark, &out->has_benchmark_score,
             &out->benchmark_score);
    set_rate(score->personal, &out->has_personal_score, &out->personal_score);
    set_rate(score->community, &out->has_community_score,
             &out->community_score);
    out->has_confidence = true;
    out->confidence = rank_shown(score->confidence);
}

static void
set_sentences(struct arena *arena, const struct question *question,
              const struct pick *pick, Ss__Pick *out)
{
    struct buf reason;
    struct buf note;

    buf_init(&reason, SENTENCE_MAX);
    explain_pick(question, pick, &reason);
    out->reason = messages_sentence(arena, &reason);
    if (!pick->has_hidden)
        return;
    buf_init(&note, SENTENCE_MAX);
    explain_hidden(question, pick, &note);
    out->note = messages_sentence(arena, &note);
}

static Ss__Pick *
pick_message(const struct view *view, const struct asked *asked,
             const struct pick *pick)
{
    struct arena *arena = view->arena;
    const struct question *question = &asked->question;
    const struct model *model = pick->best.model;
    Ss__Pick *out = messages_new(arena, &ss__pick__descriptor);
    if (out == NULL)
        return NULL;
    out->id = messages_text(arena, model->id);
    out->name = messages_text(arena, model->name);
    out->provider = messages_text(arena, model->provider);
    set_scores(arena, pick->best.score, out);
    add_context_tags(arena, question->context_tags, out);
    out->pricing = messages_pricing(arena, model);
    out->has_budget = true;
    out->budget = (Ss__Budget)question->budget;
    out->tier = bounds_of(arena, question->budget);
    out->has_candidate_count = true;
    out->candidate_count = pick->candidate_count;
    out->has_category = true;
    out->category = (Ss__Category)question->category;
    set_sentences(arena, question, pick, out);
    out->decision_id = decision_id(arena, view->seal, view->table->version,
                                   question, model->id);
    return out;
}

enum status
answers_pick(const struct view *view, const Ss__PickRequest *request,
             Ss__PickReply **ret_reply, struct refusal *ret_refusal)
{
    struct asked asked;
    struct pick pick;
    enum status status = questions_pick(view, request, &asked, ret_refusal);
    if (status != STATUS_OK)
        return status;
    status = pick_best(view->table, &asked.question, view->arena, &pick);
    if (status != STATUS_OK)
        return refusals_full(ret_refusal);
    if (pick.candidate_count == 0)
        return refuse_no_model(&asked.question, pick.removed, ret_refusal);

    Ss__PickReply *reply =
        messages_new(view->arena, &ss__pick_reply__descriptor);
    Ss__Pick *data = pick_message(view, &asked, &pick);
    if (data != NULL && request->has_explain && request->explain)
        data->explain =
            explanation_of(view->arena, &asked, !request->has_category, &pick);
    Ss__Meta *meta = meta_new(view, asked.ignored, asked.ignored_count);
    if (!arena_ok(view->arena))
        return refusals_full(ret_refusal);
    reply->data = data;
    reply->meta = meta;
    *ret_reply = reply;
    return STATUS_OK;
}

static Ss__Recommendation *
recommendation_message(const struct view *view, const struct question *question,
                       const struct candidate *candidate)
{
    struct arena *arena = view->arena;
    struct buf reason;
    Ss__Recommendation *out =
        messages_new(arena, &ss__recommendation__descriptor);
    if (out == NULL)
        return NULL;
    out->model = entries_model(view, candidate->index);
    buf_init(&reason, SENTENCE_MAX);
    explain_recommendation(question, candidate, &reason);
    out->reason = messages_sentence(arena, &reason);
    out->has_confidence = true;
    out->confidence = rank_shown(candidate->score->confidence);
    out->has_score = true;
    out->score = rank_shown(candidate->score->mean);
    out->interval = messages_interval(arena, candidate->score);
    return out;
}

enum status
answers_recommend(const struct view *view, const Ss__RecommendRequest *request,
                  Ss__RecommendReply **ret_reply, struct refusal *ret_refusal)
{
    struct asked asked;
    struct recommendation found;
    size_t wanted = 0;
    enum status status =
        questions_recommend(view, request, &asked, &wanted, ret_refusal);
    if (status != STATUS_OK)
        return status;
    status = recommend_models(view->table, &asked.question, wanted, view->arena,
                              &found);
    if (status != STATUS_OK)
        return refusals_full(ret_refusal);
    if (found.count == 0)
        return refuse_no_model(&asked.question, found.removed, ret_refusal);

    Ss__RecommendReply *reply =
        messages_new(view->arena, &ss__recommend_reply__descriptor);
    Ss__Recommendation **data =
        ARENA_ARRAY(view->arena, Ss__Recommendation *, found.count);
    for (size_t i = 0; data != NULL && i < found.count; i++)
        data[i] =
            recommendation_message(view, &asked.question, &found.models[i]);
    Ss__Meta *meta = meta_new(view, asked.ignored, asked.ignored_count);
    if (meta != NULL)
        meta_set_question(view, &asked.question, request->task,
                          found.candidate_count, meta);
    if (!arena_ok(view->arena))
        return refusals_full(ret_refusal);
    reply->data = data;
    reply->n_data = found.count;
    reply->meta = meta;
    *ret_reply = reply;
    return STATUS_OK;
}

static Ss__Model **
entry_list(const struct view *view, const uint32_t *models, size_t count)
{
    Ss__Model **list = ARENA_ARRAY(view->arena, Ss__Model *, count);
    for (size_t i = 0; list != NULL && i < count; i++)
        list[i] = entries_model(view, models[i]);
    return list;
}

enum status
answers_compare(const struct view *view, const Ss__CompareRequest *request,
                Ss__CompareReply **ret_reply, struct refusal *ret_refusal)
{
    struct arena *arena = view->arena;
    struct slice ids[COMPARE_MAX];
    size_t count = 0;
    struct comparison found;
    enum status status = questions_compare(request, ids, &count, ret_refusal);
    if (status != STATUS_OK)
        return status;
    compare_models(view->table, ids, count, &found);

    Ss__CompareReply *reply =
        messages_new(arena, &ss__compare_reply__descriptor);
    Ss__Comparison *data = messages_new(arena, &ss__comparison__descriptor);
    Ss__Model **models = entry_list(view, found.models, found.model_count);
    char **missing = ARENA_ARRAY(arena, char *, COMPARE_MAX);
    for (size_t i = 0; missing != NULL && i < found.missing_count; i++)
        missing[i] = messages_text(arena, found.missing[i]);
    Ss__Meta *meta = meta_new(view, NULL, 0);
    if (!arena_ok(arena))
        return refusals_full(ret_refusal);
    data->models = models;
    data->n_models = found.model_count;
    data->missing = missing;
    data->n_missing = found.missing_count;
    reply->data = data;
    reply->meta = meta;
    *ret_reply = reply;
    return STATUS_OK;
}

enum status
answers_models(const struct view *view, const Ss__ModelsRequest *request,
               Ss__ModelsReply **ret_reply, struct refusal *ret_refusal)
{
    struct browse_request wanted;
    struct browse_page page;
    enum status status = questions_models(view, request, &wanted, ret_refusal);
    if (status != STATUS_OK)
        return status;
    if (browse_models(view->table, &wanted, view->arena, &page) != STATUS_OK)
        return refusals_full(ret_refusal);

    Ss__ModelsReply *reply =
        messages_new(view->arena, &ss__models_reply__descriptor);
    Ss__Model **data = entry_list(view, page.models, page.count);
    Ss__Meta *meta = meta_new(view, NULL, 0);
    if (!arena_ok(view->arena))
        return refusals_full(ret_refusal);
    meta_set_page(view, &page, meta);
    reply->data = data;
    reply->n_data = page.count;
    reply->meta = meta;
    *ret_reply = reply;
    return STATUS_OK;
}
