/* routerd/answers: what replies hold, field by field. */
#include <stdarg.h>
#include <stddef.h>

#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include "services/routerd/answers.h"
#include "services/routerd/table_state.h"
#include "tests/services/routerd/view_kit.h"

#include "decision.pb-c.h"

static char coding[] = "coding";

static Ss__PickReply *
pick(struct view_kit *kit, const Ss__PickRequest *request)
{
    Ss__PickReply *reply = NULL;
    struct refusal refusal = {.message = ""};
    if (answers_pick(&kit->view, request, &reply, &refusal) != STATUS_OK)
        fail_msg("refused: %s", refusal.message);
    /* What cannot be packed is no reply. */
    assert_true(protobuf_c_message_check(&reply->base));
    return reply;
}

static void
a_pick_holds_what_clients_know(void **state)
{
    Ss__PickRequest request = SS__PICK_REQUEST__INIT;
    request.task = coding;
    Ss__Pick *data = pick(*state, &request)->data;
    assert_string_equal(data->id, "acme/titan");
    assert_string_equal(data->name, "acme/titan");
    assert_string_equal(data->provider, "acme");
    assert_true(data->has_score && data->score == 88);
    assert_true(data->interval->low == 85 && data->interval->high == 91);
    assert_true(data->interval->level == 0.9);
    assert_true(data->has_benchmark_score && data->benchmark_score == 88);
    assert_false(data->has_personal_score);
    assert_false(data->has_community_score);
    assert_false(data->has_context_boost);
    assert_true(data->pricing->prompt->nanos == 5 * PRICE_USD);
    assert_int_equal(data->budget, SS__BUDGET__BUDGET_MEDIUM);
    assert_true(data->tier->min->nanos == 0);
    assert_true(data->tier->max->nanos == 5 * PRICE_USD);
    assert_int_equal(data->candidate_count, 11);
    assert_int_equal(data->category, SS__CATEGORY__CATEGORY_CODING);
    assert_non_null(data->decision_id);
    assert_null(data->note);
    assert_null(data->explain);
}

static void
the_meta_says_what_it_was_made_from(void **state)
{
    char constructor[] = "constructor";
    char rust[] = "rust";
    char *context[] = {constructor, rust};
    struct view_kit *kit = *state;
    Ss__PickRequest request = SS__PICK_REQUEST__INIT;
    request.task = coding;
    request.n_context = 2;
    request.context = context;
    Ss__PickReply *reply = pick(kit, &request);
    char version[32];
    (void)snprintf(version, sizeof(version), "%016llx",
                   (unsigned long long)kit->table->version);
    assert_string_equal(reply->meta->version, version);
    assert_true(reply->meta->table_time->ms == kit->table->made_at);
    assert_int_equal(reply->meta->n_sources, SOURCE_COUNT);
    assert_string_equal(reply->meta->sources[0]->key, "openrouter");
    assert_int_equal(reply->meta->n_ignored_context, 1);
    assert_string_equal(reply->meta->ignored_context[0], "constructor");
    assert_int_equal(reply->data->n_context_tags, 1);
    assert_string_equal(reply->data->context_tags[0], "rust");
    assert_true(reply->data->has_context_boost);
    assert_true(reply->data->context_boost == 0);
}

static void
a_tenant_gets_its_own_scores_and_nobody_elses(void **state)
{
    struct view_kit *kit = *state;
    char reasoning[] = "reasoning";
    Ss__PickRequest request = SS__PICK_REQUEST__INIT;
    request.task = reasoning;
    assert_false(pick(kit, &request)->data->has_personal_score);
    kit->view.tenant = SLICE("bob");
    Ss__Pick *data = pick(kit, &request)->data;
    kit->view.tenant = SLICE("default");
    assert_string_equal(data->id, "hail/twin-b");
    assert_true(data->has_personal_score && data->personal_score == 0.95);
}

static void
the_decision_id_is_a_function_of_question_tenant_and_table(void **state)
{
    struct view_kit *kit = *state;
    char task[] = "write a function";
    Ss__PickRequest request = SS__PICK_REQUEST__INIT;
    request.task = coding;
    char *first = pick(kit, &request)->data->decision_id;
    assert_string_equal(pick(kit, &request)->data->decision_id, first);
    /* Another text, but the same question. */
    request.task = task;
    assert_string_equal(pick(kit, &request)->data->decision_id, first);
    request.has_budget = true;
    request.budget = SS__BUDGET__BUDGET_HIGH;
    assert_string_not_equal(pick(kit, &request)->data->decision_id, first);
    request.has_budget = false;
    kit->view.tenant = SLICE("eve");
    assert_string_not_equal(pick(kit, &request)->data->decision_id, first);
    kit->view.tenant = SLICE("default");
    kit->table->version++;
    assert_string_not_equal(pick(kit, &request)->data->decision_id, first);
    kit->table->version--;
}

static void
the_decision_id_opens_with_the_deployments_key_alone(void **state)
{
    struct view_kit *kit = *state;
    Ss__PickRequest request = SS__PICK_REQUEST__INIT;
    struct secret_key other = {.seal = {1}};
    struct buf plain;

    request.task = coding;
    const Ss__Pick *data = pick(kit, &request)->data;
    buf_init(&plain, SECRET_PLAIN_MAX);
    assert_int_equal(secret_open(&other, slice_of(data->decision_id), &plain),
                     STATUS_INVALID_ARGUMENT);
    assert_int_equal(
        secret_open(kit->view.seal, slice_of(data->decision_id), &plain),
        STATUS_OK);
    Ss__Decision *decision =
        ss__decision__unpack(NULL, plain.len, (const uint8_t *)plain.data);
    assert_non_null(decision);
    assert_string_equal(decision->model, data->id);
    assert_string_equal(decision->tenant, "default");
    assert_string_equal(decision->category, "coding");
    assert_true(decision->table_version == kit->table->version);
    ss__decision__free_unpacked(decision, NULL);
    buf_fini(&plain);
}

static void
an_explanation_tells_parts_runners_up_removals_and_words(void **state)
{
    char task[] = "write a function";
    Ss__PickRequest request = SS__PICK_REQUEST__INIT;
    request.task = task;
    request.has_explain = true;
    request.explain = true;
    Ss__Explanation *explain = pick(*state, &request)->data->explain;
    assert_non_null(explain);
    assert_true(explain->benchmark_share == 1.0);
    assert_int_equal(explain->n_runners_up, 3);
    assert_string_equal(explain->runners_up[0]->id, "bolt/coder");
    assert_true(explain->n_evidence > 0);
    assert_true(explain->has_category_margin);
    assert_int_equal(explain->n_removed, 4);
    assert_string_equal(explain->removed[0]->key, "standing");
    assert_int_equal(explain->removed[0]->value, 2);
    request.has_category = true;
    request.category = SS__CATEGORY__CATEGORY_CODING;
    explain = pick(*state, &request)->data->explain;
    assert_false(explain->has_category_margin);
    assert_int_equal(explain->n_evidence, 0);
}

static void
a_budget_without_upper_bound_has_no_max(void **state)
{
    Ss__PickRequest request = SS__PICK_REQUEST__INIT;
    request.task = coding;
    request.has_budget = true;
    request.budget = SS__BUDGET__BUDGET_ANY;
    Ss__Pick *data = pick(*state, &request)->data;
    assert_non_null(data->tier->min);
    assert_null(data->tier->max);
}

static void
no_model_left_is_not_found_with_a_way_out(void **state)
{
    struct view_kit *kit = *state;
    char fast[] = "fast-cheap";
    Ss__PickReply *reply = NULL;
    struct refusal refusal;
    Ss__PickRequest request = SS__PICK_REQUEST__INIT;
    request.task = fast;
    request.has_budget = true;
    request.budget = SS__BUDGET__BUDGET_HIGH;
    assert_int_equal(answers_pick(&kit->view, &request, &reply, &refusal),
                     STATUS_NOT_FOUND);
    assert_string_equal(refusal.reason, "NO_MODEL");
    assert_string_equal(
        refusal.message,
        "no fast-cheap model at high budget ($2-20/M) is left; removed by "
        "standing 2, expired 1, budgetCeiling 1, budgetFloor 7, noScore 5; "
        "try to choose a lower budget");
    assert_null(reply);
}

static void
recommendations_hold_full_entries(void **state)
{
    struct view_kit *kit = *state;
    Ss__RecommendReply *reply = NULL;
    struct refusal refusal;
    Ss__RecommendRequest request = SS__RECOMMEND_REQUEST__INIT;
    request.task = coding;
    request.has_count = true;
    request.count = 2;
    assert_int_equal(answers_recommend(&kit->view, &request, &reply, &refusal),
                     STATUS_OK);
    assert_true(protobuf_c_message_check(&reply->base));
    assert_int_equal(reply->n_data, 2);
    Ss__Recommendation *second = reply->data[1];
    assert_string_equal(second->model->id, "bolt/coder");
    assert_string_equal(second->reason, "Top coding model at medium budget "
                                        "(2 benchmark sources)");
    assert_true(second->confidence == 0.75);
    assert_true(second->score == 87);
    assert_int_equal(second->model->context_length, 128000);
    assert_false(second->model->capabilities->vision);
    assert_true(second->model->capabilities->json);
    assert_int_equal(second->model->n_scores, 6); /* none for vision */
    assert_string_equal(second->model->scores[1]->key, "coding");
    assert_string_equal(second->model->cost_efficiency[1]->key, "coding");
    assert_true(second->model->cost_efficiency[1]->value == 54.38);
    assert_int_equal(second->model->n_categories, 6);
    assert_int_equal(second->model->n_sources_covered, 2);
    assert_string_equal(second->model->standing, "candidate");
    assert_false(second->model->speed->has_output_tokens_per_second);
}

static void
compare_lists_models_and_what_is_missing(void **state)
{
    char known[] = "openrouter/router/auto";
    char unknown[] = "no/body";
    char *ids[] = {known, unknown};
    struct view_kit *kit = *state;
    Ss__CompareReply *reply = NULL;
    struct refusal refusal;
    Ss__CompareRequest request = SS__COMPARE_REQUEST__INIT;
    request.n_models = 2;
    request.models = ids;
    assert_int_equal(answers_compare(&kit->view, &request, &reply, &refusal),
                     STATUS_OK);
    assert_true(protobuf_c_message_check(&reply->base));
    assert_int_equal(reply->data->n_models, 1);
    assert_string_equal(reply->data->models[0]->standing, "router");
    assert_null(reply->data->models[0]->pricing->prompt); /* -1 is unknown */
    assert_int_equal(reply->data->models[0]->n_cost_efficiency, 0);
    assert_int_equal(reply->data->n_missing, 1);
    assert_string_equal(reply->data->missing[0], "no/body");
}

static void
models_counts_what_there_is(void **state)
{
    struct view_kit *kit = *state;
    Ss__ModelsReply *reply = NULL;
    struct refusal refusal;
    Ss__ModelsRequest request = SS__MODELS_REQUEST__INIT;
    request.has_category = true;
    request.category = SS__CATEGORY__CATEGORY_VISION;
    request.has_limit = true;
    request.limit = 2;
    assert_int_equal(answers_models(&kit->view, &request, &reply, &refusal),
                     STATUS_OK);
    assert_true(protobuf_c_message_check(&reply->base));
    assert_int_equal(reply->n_data, 2);
    assert_string_equal(reply->data[0]->id, "iris/eye");
    assert_int_equal(reply->meta->total, 16);
    assert_int_equal(reply->meta->filtered, 6);
    assert_int_equal(reply->meta->returned, 2);
    assert_non_null(reply->meta->last_refresh);
}

static void
the_state_counts_models_and_sources(void **state)
{
    struct view_kit *kit = *state;
    Ss__RouterStateReply *reply = NULL;
    struct refusal refusal;
    assert_int_equal(table_state_answer(&kit->view, &reply, &refusal),
                     STATUS_OK);
    assert_true(protobuf_c_message_check(&reply->base));
    assert_string_equal(reply->data->status, "ok");
    assert_int_equal(reply->data->model_count, 16);
    assert_int_equal(reply->data->models_with_scores, 15);
    assert_int_equal(reply->data->models_with_benchmarks, 0);
    assert_int_equal(reply->data->n_sources, SOURCE_COUNT);
    assert_string_equal(reply->data->sources[1]->key, "artificial-analysis");
    assert_int_equal(reply->data->sources[1]->value->count, 101);
    assert_string_equal(reply->data->sources[1]->value->status, "ok");
    assert_true(reply->data->table_current);
}

static void
an_old_table_or_an_empty_source_degrades_the_state(void **state)
{
    struct view_kit *kit = *state;
    struct source_status *source =
        &kit->table->catalog->sources[SOURCE_LIVEBENCH];
    Ss__RouterStateReply *reply = NULL;
    struct refusal refusal;
    kit->view.is_current = false;
    kit->view.now = kit->table->made_at + 90500;
    kit->view.scorer_heard = kit->table->made_at + 500;
    source->state = SOURCE_STATE_ERROR;
    assert_int_equal(table_state_answer(&kit->view, &reply, &refusal),
                     STATUS_OK);
    kit->view.is_current = true;
    source->state = SOURCE_STATE_OK;
    assert_string_equal(reply->data->status, "degraded");
    assert_string_equal(reply->data->detail,
                        "no scorer heard from lately: answers come from the "
                        "last table; livebench: no data");
    assert_false(reply->data->table_current);
    assert_int_equal(reply->data->table_age_s, 90);
    assert_int_equal(reply->data->scorer_heard->ms, kit->table->made_at + 500);
}

/* Whatever the arena's size: a whole reply or a refusal, never a part. */
static void
an_arena_too_small_is_a_refusal(void **state)
{
    struct view_kit *kit = *state;
    Ss__PickRequest request = SS__PICK_REQUEST__INIT;
    bool was_refused = false;
    bool was_answered = false;
    request.task = coding;
    request.has_explain = true;
    request.explain = true;
    for (size_t size = 256; size < 16384; size += 64) {
        Ss__PickReply *reply = NULL;
        struct refusal refusal = {.message = ""};
        kit->view.arena = arena_new(size);
        enum status status =
            answers_pick(&kit->view, &request, &reply, &refusal);
        if (status == STATUS_OK) {
            was_answered = true;
            assert_true(protobuf_c_message_check(&reply->base));
        } else {
            was_refused = true;
            assert_int_equal(status, STATUS_RESOURCE_EXHAUSTED);
            assert_int_equal(refusal.status, STATUS_RESOURCE_EXHAUSTED);
        }
        arena_free(&kit->view.arena);
    }
    kit->view.arena = kit->arena;
    assert_true(was_refused && was_answered);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pick_holds_what_clients_know),
        cmocka_unit_test(the_meta_says_what_it_was_made_from),
        cmocka_unit_test(a_tenant_gets_its_own_scores_and_nobody_elses),
        cmocka_unit_test(
            the_decision_id_is_a_function_of_question_tenant_and_table),
        cmocka_unit_test(the_decision_id_opens_with_the_deployments_key_alone),
        cmocka_unit_test(
            an_explanation_tells_parts_runners_up_removals_and_words),
        cmocka_unit_test(a_budget_without_upper_bound_has_no_max),
        cmocka_unit_test(no_model_left_is_not_found_with_a_way_out),
        cmocka_unit_test(recommendations_hold_full_entries),
        cmocka_unit_test(compare_lists_models_and_what_is_missing),
        cmocka_unit_test(models_counts_what_there_is),
        cmocka_unit_test(the_state_counts_models_and_sources),
        cmocka_unit_test(an_old_table_or_an_empty_source_degrades_the_state),
        cmocka_unit_test(an_arena_too_small_is_a_refusal),
    };
    return cmocka_run_group_tests(tests, view_kit_set_up, view_kit_tear_down);
}
