/* Field checks, one function a rule; see the header. */
#include "services/feedbackd/feedback_input.h"

#include "core/base/check.h"
#include "core/base/text.h"
#include "core/types/model.h"

#include <stdio.h>

/* Proto numbers and core/types are one order. */
_Static_assert((int)SS__CATEGORY__CATEGORY_FAST_CHEAP ==
                   (int)CATEGORY_COUNT - 1,
               "categories of proto and core differ");
_Static_assert((int)SS__BUDGET__BUDGET_ANY == (int)BUDGET_COUNT - 1,
               "budgets of proto and core differ");

static const char *const mode_names[] = {
    [SS__MODE__MODE_SINGLE] = "single",
    [SS__MODE__MODE_COLLECTIVE] = "collective",
    [SS__MODE__MODE_CASCADE] = "cascade",
    [SS__MODE__MODE_PLAN] = "plan",
    [SS__MODE__MODE_SWARM] = "swarm",
};

static enum status
feedback_input_refuse(char *ret_message, const char *field, const char *rule)
{
    (void)snprintf(ret_message, INPUT_MESSAGE_MAX, "%s %s", field, rule);
    return STATUS_INVALID_ARGUMENT;
}

static enum status
feedback_input_model(const char *text, struct arena *arena,
                     struct input_event *event, char *ret_message)
{
    struct slice bare = model_id_bare(slice_of(text));

    if (!model_id_is_valid(bare))
        return feedback_input_refuse(ret_message, "model",
                                     "must be an id like vendor/name");
    event->model = arena_text(arena, bare);
    return event->model
               ? STATUS_OK
               : feedback_input_refuse(ret_message, "model", "is too long");
}

enum status
feedback_input_category(protobuf_c_boolean set, Ss__Category category,
                        const char **ret_name, char *ret_message)
{
    if (set && ((int)category < 0 || (int)category >= (int)CATEGORY_COUNT))
        return feedback_input_refuse(ret_message, "category", "is unknown");
    *ret_name = set ? category_name((enum category)category) : NULL;
    return STATUS_OK;
}

static enum status
feedback_input_budget(protobuf_c_boolean set, Ss__Budget budget,
                      struct input_event *event, char *ret_message)
{
    if (set && ((int)budget < 0 || (int)budget >= (int)BUDGET_COUNT))
        return feedback_input_refuse(ret_message, "budget", "is unknown");
    event->budget = set ? budget_name((enum budget)budget) : NULL;
    return STATUS_OK;
}

static enum status
feedback_input_mode(protobuf_c_boolean set, Ss__Mode mode,
                    struct input_event *event, char *ret_message)
{
    if (set && ((int)mode < 0 || (size_t)mode >= ARRAY_LEN(mode_names)))
        return feedback_input_refuse(ret_message, "mode", "is unknown");
    event->mode = set ? mode_names[mode] : NULL;
    return STATUS_OK;
}

static enum status
feedback_input_rating(int64_t rating, struct input_event *event,
                      char *ret_message)
{
    if (rating < 1 || rating > 5)
        return feedback_input_refuse(ret_message, "rating",
                                     "must be a whole number from 1 to 5");
    (void)snprintf(event->rating, sizeof(event->rating), "%d", (int)rating);
    return STATUS_OK;
}

/* A short text; empty counts as unset. */
static enum status
feedback_input_text(const char *field, const char *text, size_t max,
                    const char **ret_text, char *ret_message)
{
    char rule[80];

    *ret_text = text && text[0] ? text : NULL;
    if (!*ret_text)
        return STATUS_OK;
    if (strlen(text) > max) {
        (void)snprintf(rule, sizeof(rule), "must be at most %zu bytes", max);
        return feedback_input_refuse(ret_message, field, rule);
    }
    if (text_has_control(slice_of(text), ""))
        return feedback_input_refuse(ret_message, field,
                                     "must hold no control characters");
    return STATUS_OK;
}

static bool
feedback_input_is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') ||
           (c >= 'A' && c <= 'F');
}

static bool
feedback_input_is_uuid(struct slice text)
{
    if (text.len != INPUT_UUID_TEXT)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;

        if (dash ? text.ptr[i] != '-' : !feedback_input_is_hex(text.ptr[i]))
            return false;
    }
    return true;
}

static enum status
feedback_input_spawn_id(const char *text, struct input_event *event,
                        char *ret_message)
{
    event->spawn_id = text && text[0] ? text : NULL;
    if (event->spawn_id && !feedback_input_is_uuid(slice_of(text)))
        return feedback_input_refuse(
            ret_message, "spawnId",
            "must be the spawnId that logging a spawn gave");
    return STATUS_OK;
}

static bool
feedback_input_is_instance(struct slice text)
{
    static const char more[] = "._-";

    if (text.len == 0 || text.len > INPUT_INSTANCE_MAX)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        bool alnum = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                     (c >= '0' && c <= '9');

        if (!alnum && !memchr(more, c, sizeof(more) - 1))
            return false;
    }
    return true;
}

enum status
feedback_input_spawn(const Ss__LogSpawnRequest *request, struct arena *arena,
                     struct input_event *ret_event, char *ret_message)
{
    struct input_event event = {0};
    enum status status = STATUS_OK;

    if (!request->model || !request->model[0] || !request->has_category)
        return feedback_input_refuse(ret_message, "model and category",
                                     "are required");
    status = feedback_input_model(request->model, arena, &event, ret_message);
    if (status == STATUS_OK)
        status = feedback_input_category(true, request->category,
                                         &event.category, ret_message);
    if (status == STATUS_OK)
        status = feedback_input_budget(request->has_budget, request->budget,
                                       &event, ret_message);
    if (status == STATUS_OK)
        status = feedback_input_mode(request->has_mode, request->mode, &event,
                                     ret_message);
    if (status == STATUS_OK)
        status = feedback_input_text("role", request->role, INPUT_NAME_MAX,
                                     &event.role, ret_message);
    if (status == STATUS_OK)
        status = feedback_input_text("source", request->source, INPUT_NAME_MAX,
                                     &event.source, ret_message);
    if (status == STATUS_OK)
        status =
            feedback_input_text("context", request->context, INPUT_CONTEXT_MAX,
                                &event.context, ret_message);
    if (status == STATUS_OK)
        status = feedback_input_text("decisionId", request->decision_id,
                                     INPUT_DECISION_MAX, &event.decision_id,
                                     ret_message);
    if (status == STATUS_OK)
        *ret_event = event;
    return status;
}

enum status
feedback_input_outcome(const Ss__RecordOutcomeRequest *request,
                       struct arena *arena, struct input_event *ret_event,
                       char *ret_message)
{
    struct input_event event = {0};
    enum status status = STATUS_OK;

    if (!request->model || !request->model[0] || !request->has_category ||
        !request->has_rating)
        return feedback_input_refuse(
            ret_message, "model, category, and rating (1-5)", "are required");
    status = feedback_input_model(request->model, arena, &event, ret_message);
    if (status == STATUS_OK)
        status = feedback_input_category(true, request->category,
                                         &event.category, ret_message);
    if (status == STATUS_OK)
        status = feedback_input_rating(request->rating, &event, ret_message);
    if (status == STATUS_OK)
        status =
            feedback_input_text("context", request->context, INPUT_CONTEXT_MAX,
                                &event.context, ret_message);
    if (status == STATUS_OK)
        status = feedback_input_text("decisionId", request->decision_id,
                                     INPUT_DECISION_MAX, &event.decision_id,
                                     ret_message);
    if (status == STATUS_OK)
        status =
            feedback_input_spawn_id(request->spawn_id, &event, ret_message);
    if (status == STATUS_OK)
        *ret_event = event;
    return status;
}

enum status
feedback_input_report(const Ss__ReportCommunityRequest *request,
                      struct arena *arena, struct input_event *ret_event,
                      char *ret_message)
{
    struct input_event event = {0};
    enum status status = STATUS_OK;

    if (!request->model || !request->model[0] || !request->has_category ||
        !request->has_rating || !request->instance_id ||
        !request->instance_id[0])
        return feedback_input_refuse(
            ret_message, "model, category, rating (1-5), and instanceId",
            "are required");
    status = feedback_input_model(request->model, arena, &event, ret_message);
    if (status == STATUS_OK)
        status = feedback_input_category(true, request->category,
                                         &event.category, ret_message);
    if (status == STATUS_OK)
        status = feedback_input_rating(request->rating, &event, ret_message);
    if (status == STATUS_OK &&
        !feedback_input_is_instance(slice_of(request->instance_id)))
        status =
            feedback_input_refuse(ret_message, "instanceId",
                                  "must be 1 to 64 bytes of A-Z a-z 0-9 . _ -");
    if (status != STATUS_OK)
        return status;
    event.instance = request->instance_id;
    *ret_event = event;
    return STATUS_OK;
}
