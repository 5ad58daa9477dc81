/* The variants; see replay_variants.h. Each differs from "ours" in what its
 * name says and in nothing else. "Tried" is the one that is proposed: it adds
 * to a model's mean what its own ratings leave open, the same for all that
 * have none, whatever is known of them otherwise. */
#include "tests/bench/replay_variants.h"

#define BEST .rule = REPLAY_RULE_UPPER, .reach = 0
#define UPPER(r) .rule = REPLAY_RULE_UPPER, .reach = (r)
#define DRAW(r) .rule = REPLAY_RULE_THOMPSON, .reach = (r)
#define ALL .width = REPLAY_WIDTH_ALL
#define TRIED .width = REPLAY_WIDTH_TRIED
#define CAPPED .width = REPLAY_WIDTH_TRIED_CAPPED
#define OPEN .shape = REPLAY_SHAPE_OPEN
#define ODDS .shape = REPLAY_SHAPE_ODDS
#define DAYS .prompts_a_day = 100

const struct replay_variant replay_variants[] = {
    /* Time and baseline. */
    {.name = "20 a day", .style = {.prompts_a_day = 20}},
    {.name = "100 a day, baseline 4",
     .style = {DAYS, .baseline = REPLAY_BASELINE_FIXED}},
    {.name = "100 a day, baseline over models",
     .style = {DAYS, .baseline = REPLAY_BASELINE_MODELS}},
    /* Masses and the cap; 0.1 is out of bounds, to see what they cost. */
    {.name = "prior mass 8", .style = {.mass = 8}},
    {.name = "prior mass 12", .style = {.mass = 12}},
    {.name = "benchmark share 0.1", .share_least = 0.1},
    /* How a shift moves a benchmark. */
    {.name = "p not clamped", .style = {BEST, OPEN}},
    {.name = "p by odds", .style = {BEST, ODDS}},
    /* Optimism. */
    {.name = "upper end", .style = {UPPER(1)}},
    {.name = "upper end, all ratings", .style = {UPPER(1), ALL}},
    {.name = "1/2 upper end, all ratings", .style = {UPPER(0.5), ALL}},
    {.name = "draw", .style = {DRAW(1)}},
    {.name = "draw, all ratings", .style = {DRAW(1), ALL}},
    {.name = "1/2 draw, all ratings", .style = {DRAW(0.5), ALL}},
    {.name = "1/2 tried, ratings to the cap", .style = {UPPER(0.5), CAPPED}},
    {.name = "1/4 tried", .style = {UPPER(0.25), TRIED}},
    {.name = "1/2 tried", .style = {UPPER(0.5), TRIED}},
    {.name = "tried", .style = {UPPER(1), TRIED}},
    {.name = "1/2 tried, 100 a day", .style = {UPPER(0.5), TRIED, DAYS}},
    {.name = "1/2 tried, p by odds", .style = {UPPER(0.5), TRIED, ODDS}},
    /* Less told apart, or lent from one category to another. */
    {.name = "one category", .style = {.one_category = true}},
    {.name = "one category, 1/2 tried",
     .style = {UPPER(0.5), TRIED, .one_category = true}},
    {.name = "4 lent", .style = {BEST, .pool = 4}},
    {.name = "4 lent, 1/2 tried", .style = {UPPER(0.5), TRIED, .pool = 4}},
    {.name = "text, 1/2 tried", .style = {UPPER(0.5), TRIED}, .by_text = true},
    {.name = "text, 4 lent, 1/2 tried",
     .style = {UPPER(0.5), TRIED, .pool = 4},
     .by_text = true},
    /* Value, with intervals that go on shrinking past the cap. */
    {.name = "value, intervals of all ratings",
     .style = {.objective = OBJECTIVE_VALUE},
     .share_least = 0.01},
};

const size_t replay_variant_count =
    sizeof(replay_variants) / sizeof(replay_variants[0]);
