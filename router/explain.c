/* Explaining: puts sentences together from an answer's own numbers. */
#include "router/explain.h"

#include "router/rank.h"

/* From these shown scores on a recommendation is called Top and Strong. */
#define TOP_SCORE 80.0
#define STRONG_SCORE 60.0

static void
put_score(struct buf *out, double score)
{
    buf_put_double(out, rank_shown(score));
}

static void
put_usd(struct buf *out, nusd_per_mtok price)
{
    buf_put_double(out, (double)price / (double)PRICE_USD);
}

/* "medium budget ($0-5/M)"; a budget without an upper bound says none. */
static void
put_budget(struct buf *out, enum budget budget)
{
    buf_put_text(out, budget_name(budget));
    buf_put_text(out, " budget");
    if (budget_highest(budget) == PRICE_UNBOUNDED)
        return;
    buf_put_text(out, " ($");
    put_usd(out, budget_lowest(budget));
    buf_put_char(out, '-');
    put_usd(out, budget_highest(budget));
    buf_put_text(out, "/M)");
}

void
explain_pick(const struct question *question, const struct pick *pick,
             struct buf *out)
{
    bool is_value = question->objective == OBJECTIVE_VALUE;

    buf_put_text(out, is_value ? "Best value " : "Best ");
    buf_put_text(out, category_name(question->category));
    buf_put_text(out, " model at ");
    put_budget(out, question->budget);
    buf_put_text(out, " — score: ");
    put_score(out, pick->best.score->mean);
    if (!is_value || pick->best.index == pick->top.index)
        return;
    buf_put_text(out, ", cheaper than ");
    buf_put_slice(out, pick->top.model->id);
    buf_put_text(out, " (");
    put_score(out, pick->top.score->mean);
    buf_put_text(out, ") and not told apart from it by the evidence");
}

static const char *
grade(double score)
{
    double shown = rank_shown(score);
    if (shown >= TOP_SCORE)
        return "Top ";
    return shown >= STRONG_SCORE ? "Strong " : "Fair ";
}

void
explain_recommendation(const struct question *question,
                       const struct candidate *candidate, struct buf *out)
{
    buf_put_text(out, grade(candidate->score->mean));
    buf_put_text(out, category_name(question->category));
    buf_put_text(out, " model at ");
    buf_put_text(out, budget_name(question->budget));
    buf_put_text(out, " budget");
    if ((candidate->model->tags & BIT(TAG_FAST)) != 0)
        buf_put_text(out, " (fast)");
    buf_put_text(out, " (");
    buf_put_u64(out, candidate->score->sources);
    buf_put_text(out, candidate->score->sources == 1 ? " benchmark source)"
                                                     : " benchmark sources)");
}

/* Why the hidden model is not the answer. */
static void
put_hiding(struct buf *out, const struct question *question, enum filter filter)
{
    if (filter == FILTER_FLOOR) {
        buf_put_text(out, "the lower bound of the budget ");
        buf_put_text(out, budget_name(question->budget));
        buf_put_text(out, " ($");
        put_usd(out, budget_lowest(question->budget));
        buf_put_text(out, "/M)");
    } else if (filter == FILTER_CONTEXT) {
        buf_put_text(out, "a context of at least ");
        buf_put_u64(out, question->min_context);
        buf_put_text(out, " tokens");
    } else if (filter == FILTER_REQUIRE) {
        buf_put_text(out, "a required capability");
    } else {
        buf_put_text(out, "the list of allowed models");
    }
}

void
explain_hidden(const struct question *question, const struct pick *pick,
               struct buf *out)
{
    if (!pick->has_hidden)
        return;
    buf_put_slice(out, pick->hidden.model->id);
    buf_put_text(out, " scores higher (");
    put_score(out, pick->hidden.score->mean);
    buf_put_text(out, ") and costs less, but ");
    put_hiding(out, question, pick->hidden_by);
    buf_put_text(out, " leaves it out");
}

/* The filter to relax first: of those that can be, the one that removed
 * most. FILTER_COUNT when none can. */
static enum filter
filter_to_relax(const struct question *question,
                const uint32_t removed[FILTER_COUNT])
{
    enum filter most = FILTER_COUNT;
    for (unsigned i = 0; i < FILTER_COUNT; i++) {
        if (removed[i] == 0 || filter_advice((enum filter)i)[0] == '\0')
            continue;
        /* Vision needs vision: nobody asked for it that could take it back. */
        if (i == FILTER_REQUIRE && question->require == 0)
            continue;
        if (most == FILTER_COUNT || removed[i] > removed[most])
            most = (enum filter)i;
    }
    return most;
}

void
explain_no_model(const struct question *question,
                 const uint32_t removed[FILTER_COUNT], struct buf *out)
{
    const char *separator = "; removed by ";

    buf_put_text(out, "no ");
    buf_put_text(out, category_name(question->category));
    buf_put_text(out, " model at ");
    put_budget(out, question->budget);
    buf_put_text(out, " is left");
    for (unsigned i = 0; i < FILTER_COUNT; i++) {
        if (removed[i] == 0)
            continue;
        buf_put_text(out, separator);
        buf_put_text(out, filter_name((enum filter)i));
        buf_put_char(out, ' ');
        buf_put_u64(out, removed[i]);
        separator = ", ";
    }
    enum filter relax = filter_to_relax(question, removed);
    if (relax == FILTER_COUNT)
        return;
    buf_put_text(out, "; try to ");
    buf_put_text(out, filter_advice(relax));
}
