/* Requests to questions: one check a field, the first that fails is told. It
 * never answers anything and never repeats a task's text in a message. */
#include "services/routerd/questions.h"

#include "core/base/check.h"
#include "core/base/text.h"
#include "services/routerd/refusals.h"

/* What pick and recommend have in common. */
struct fields {
    const char *task;
    const Ss__Category *category; /* NULL: unset, as the next ones */
    const Ss__Budget *budget;
    const Ss__Objective *objective;
    const int64_t *min_context;
    char *const *exclude, *const *allow, *const *context, *const *require;
    size_t exclude_count, allow_count, context_count, require_count;
};

/* The contract's numbers are ours: a new name needs a line in both. */
_Static_assert((int)SS__CATEGORY__CATEGORY_FAST_CHEAP ==
                   (int)CATEGORY_FAST_CHEAP,
               "categories");
_Static_assert((int)SS__BUDGET__BUDGET_ANY == (int)BUDGET_ANY, "budgets");
_Static_assert((int)SS__TIER__TIER_BUDGET == (int)TIER_BUDGET, "tiers");
_Static_assert((int)SS__OBJECTIVE__OBJECTIVE_VALUE == (int)OBJECTIVE_VALUE,
               "objectives");

static int64_t
clamp(int64_t value, int64_t lowest, int64_t highest)
{
    if (value < lowest)
        return lowest;
    return value > highest ? highest : value;
}

/* Enums arrive as any number: protobuf-c does not look. */
static bool
is_below(int value, int count)
{
    return value >= 0 && value < count;
}

static enum status
read_enums(const struct fields *fields, struct question *question,
           struct refusal *refusal)
{
    if (fields->category != NULL) {
        if (!is_below((int)*fields->category, CATEGORY_COUNT))
            return refusals_invalid(refusal, "category", "must be a category");
        question->category = (enum category) * fields->category;
    }
    if (fields->budget != NULL) {
        if (!is_below((int)*fields->budget, BUDGET_COUNT))
            return refusals_invalid(refusal, "budget",
                                    "must be low, medium, high or any");
        question->budget = (enum budget) * fields->budget;
    }
    if (fields->objective != NULL) {
        if (!is_below((int)*fields->objective, OBJECTIVE_COUNT))
            return refusals_invalid(refusal, "objective",
                                    "must be quality or value");
        question->objective = (enum objective) * fields->objective;
    }
    if (fields->min_context != NULL)
        question->min_context =
            (uint32_t)clamp(*fields->min_context, 0, QUESTION_MIN_CONTEXT_MAX);
    return STATUS_OK;
}

static bool
is_id(struct slice id)
{
    return model_id_is_valid(id);
}

/* An id, or "vendor/" and a star. */
static bool
is_pattern(struct slice pattern)
{
    char id[MODEL_ID_MAX];
    if (!slice_ends(pattern, SLICE("/*")) || pattern.len > sizeof(id))
        return is_id(pattern);
    memcpy(id, pattern.ptr, pattern.len);
    id[pattern.len - 1] = 'x';
    return is_id(slice_make(id, pattern.len));
}

struct items {
    char *const *texts;
    size_t count;
};

struct list_rule {
    const char *field;
    size_t max;
    bool (*is_valid)(struct slice item);
    const char *count_rule;
    const char *item_rule;
};

/* Bare ids of a list; empty items are passed over. */
static enum status
read_ids(const struct list_rule *rule, struct items items, struct slice *ids,
         size_t *ret_count, struct refusal *refusal)
{
    size_t kept = 0;

    if (items.count > rule->max)
        return refusals_invalid(refusal, rule->field, rule->count_rule);
    for (size_t i = 0; i < items.count; i++) {
        struct slice id = slice_trim(slice_of(items.texts[i]));
        if (id.len == 0)
            continue;
        id = model_id_bare(id);
        if (!rule->is_valid(id))
            return refusals_invalid(refusal, rule->field, rule->item_rule);
        ids[kept++] = id;
    }
    *ret_count = kept;
    return STATUS_OK;
}

static enum status
read_lists(const struct fields *fields, struct arena *arena,
           struct question *question, struct refusal *refusal)
{
    static const struct list_rule exclude_rule = {
        "exclude", QUESTION_EXCLUDE_MAX, is_id, "takes at most 50 model ids",
        "contains an invalid model id (vendor/name)"};
    static const struct list_rule allow_rule = {
        "allow", QUESTION_ALLOW_MAX, is_pattern, "takes at most 200 entries",
        "contains an invalid entry (vendor/name or vendor/*)"};
    struct slice *exclude =
        ARENA_ARRAY(arena, struct slice, QUESTION_EXCLUDE_MAX);
    struct slice *allow = ARENA_ARRAY(arena, struct slice, QUESTION_ALLOW_MAX);

    if (!arena_ok(arena))
        return refusals_full(refusal);
    question->exclude = exclude;
    question->allow = allow;
    struct items excluded = {fields->exclude, fields->exclude_count};
    struct items allowed = {fields->allow, fields->allow_count};
    enum status status = read_ids(&exclude_rule, excluded, exclude,
                                  &question->exclude_count, refusal);
    if (status != STATUS_OK)
        return status;
    return read_ids(&allow_rule, allowed, allow, &question->allow_count,
                    refusal);
}

static enum status
read_require(const struct fields *fields, struct question *question,
             struct refusal *refusal)
{
    if (fields->require_count > QUESTIONS_REQUIRE_MAX)
        return refusals_invalid(refusal, "require", "takes at most 20 names");
    for (size_t i = 0; i < fields->require_count; i++) {
        struct slice name = slice_trim(slice_of(fields->require[i]));
        enum capability capability = CAPABILITY_VISION;
        if (name.len == 0)
            continue;
        if (!capability_find(name, &capability))
            return refusals_invalid(
                refusal, "require",
                "contains an invalid capability (vision, functionCalling, "
                "streaming, json, reasoning)");
        question->require |= BIT(capability);
    }
    return STATUS_OK;
}

static enum status
read_context(const struct fields *fields, struct asked *asked,
             struct refusal *refusal)
{
    if (fields->context_count > QUESTION_CONTEXT_MAX)
        return refusals_invalid(refusal, "context", "takes at most 20 tags");
    for (size_t i = 0; i < fields->context_count; i++) {
        struct slice tag = slice_trim(slice_of(fields->context[i]));
        if (tag.len == 0)
            continue;
        if (tag.len > QUESTIONS_TAG_MAX || !text_is_utf8(tag) ||
            text_has_control(tag, ""))
            return refusals_invalid(
                refusal, "context",
                "takes tags of at most 64 bytes of printable text");
        if (!question_add_context(&asked->question, tag))
            asked->ignored[asked->ignored_count++] = tag;
    }
    return STATUS_OK;
}

/* The task's category, unless one was given. */
static enum status
read_task(const struct view *view, const struct fields *fields,
          struct asked *asked, struct refusal *refusal)
{
    struct slice task = slice_of(fields->task);

    if (task.len > QUESTIONS_TASK_MAX)
        return refusals_invalid(refusal, "task", "takes at most 8192 bytes");
    if (!text_is_utf8(task) || text_has_control(task, "\n\r\t"))
        return refusals_invalid(
            refusal, "task",
            "must be UTF-8 text without control characters other than tab "
            "and line breaks");
    if (fields->category != NULL)
        return STATUS_OK;
    if (slice_trim(task).len == 0)
        return refusals_missing(refusal, "task");
    classify_text(view->classifier, task, &asked->classification);
    asked->question.category = asked->classification.category;
    return STATUS_OK;
}

static enum status
read_fields(const struct view *view, const struct fields *fields,
            struct asked *asked, struct refusal *refusal)
{
    struct question *question = &asked->question;

    question_init(question);
    question->tenant = view->tenant;
    question->today = view->today;
    enum status status = read_task(view, fields, asked, refusal);
    if (status == STATUS_OK)
        status = read_enums(fields, question, refusal);
    if (status == STATUS_OK)
        status = read_lists(fields, view->arena, question, refusal);
    if (status == STATUS_OK)
        status = read_require(fields, question, refusal);
    if (status == STATUS_OK)
        status = read_context(fields, asked, refusal);
    return status;
}

enum status
questions_pick(const struct view *view, const Ss__PickRequest *request,
               struct asked *ret_asked, struct refusal *ret_refusal)
{
    struct fields fields = {
        .task = request->task,
        .category = request->has_category ? &request->category : NULL,
        .budget = request->has_budget ? &request->budget : NULL,
        .objective = request->has_objective ? &request->objective : NULL,
        .min_context = request->has_min_context ? &request->min_context : NULL,
        .exclude = request->exclude,
        .allow = request->allow,
        .context = request->context,
        .require = request->require,
        .exclude_count = request->n_exclude,
        .allow_count = request->n_allow,
        .context_count = request->n_context,
        .require_count = request->n_require};
    struct asked asked = {0};

    /* A pick is for a task, even when its category is given. */
    if (slice_trim(slice_of(request->task)).len == 0)
        return refusals_missing(ret_refusal, "task");
    enum status status = read_fields(view, &fields, &asked, ret_refusal);
    if (status == STATUS_OK)
        *ret_asked = asked;
    return status;
}

enum status
questions_recommend(const struct view *view,
                    const Ss__RecommendRequest *request,
                    struct asked *ret_asked, size_t *ret_count,
                    struct refusal *ret_refusal)
{
    struct fields fields = {
        .task = request->task,
        .category = request->has_category ? &request->category : NULL,
        .budget = request->has_budget ? &request->budget : NULL,
        .objective = request->has_objective ? &request->objective : NULL,
        .min_context = request->has_min_context ? &request->min_context : NULL,
        .exclude = request->exclude,
        .allow = request->allow,
        .context = request->context,
        .require = request->require,
        .exclude_count = request->n_exclude,
        .allow_count = request->n_allow,
        .context_count = request->n_context,
        .require_count = request->n_require};
    struct asked asked = {0};

    enum status status = read_fields(view, &fields, &asked, ret_refusal);
    if (status != STATUS_OK)
        return status;
    *ret_count = request->has_count
                     ? (size_t)clamp(request->count, 1, RECOMMEND_MAX)
                     : 1;
    *ret_asked = asked;
    return STATUS_OK;
}

enum status
questions_compare(const Ss__CompareRequest *request, struct slice *ret_ids,
                  size_t *ret_count, struct refusal *ret_refusal)
{
    static const struct list_rule rule = {
        "models", COMPARE_MAX, is_id, "must be two to five model ids",
        "contains an invalid model id (vendor/name)"};
    struct slice ids[COMPARE_MAX];
    size_t count = 0;

    if (request->n_models == 0)
        return refusals_missing(ret_refusal, "models");
    struct items items = {request->models, request->n_models};
    enum status status = read_ids(&rule, items, ids, &count, ret_refusal);
    if (status != STATUS_OK)
        return status;
    if (count < COMPARE_MIN)
        return refusals_invalid(ret_refusal, "models", rule.count_rule);
    memcpy(ret_ids, ids, count * sizeof(ids[0]));
    *ret_count = count;
    return STATUS_OK;
}

enum status
questions_models(const struct view *view, const Ss__ModelsRequest *request,
                 struct browse_request *ret_request,
                 struct refusal *ret_refusal)
{
    struct browse_request out = {.tenant = view->tenant,
                                 .limit = BROWSE_LIMIT_DEFAULT};

    if (request->has_category) {
        if (!is_below((int)request->category, CATEGORY_COUNT))
            return refusals_invalid(ret_refusal, "category",
                                    "must be a category");
        out.has_category = true;
        out.category = (enum category)request->category;
    }
    if (request->has_tier) {
        if (!is_below((int)request->tier, TIER_COUNT))
            return refusals_invalid(ret_refusal, "tier",
                                    "must be premium, standard or budget");
        out.has_tier = true;
        out.tier = (enum tier)request->tier;
    }
    struct slice sort = slice_of(request->sort);
    if (!browse_find_sort(sort.len == 0 ? SLICE("score") : sort, &out))
        return refusals_invalid(ret_refusal, "sort",
                                "must be score, cost, efficiency or a "
                                "category");
    if (request->has_limit && request->limit != 0)
        out.limit = (size_t)clamp(request->limit, 1, BROWSE_LIMIT_MAX);
    *ret_request = out;
    return STATUS_OK;
}
