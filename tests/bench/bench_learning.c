/* Learning from ratings, simulated: what ratings are worth, how true the
 * intervals are, what hostile and lazy raters can do.
 * links: ingest scorer feedback
 *
 *   bench_learning         judges constants.def on seeds 101 to 120
 *   bench_learning tune    searches better constants on seeds 1 to 20
 *
 * A world is one category and one seed. Its models are the candidates of
 * data/catalog.json with the benchmarks they really have; the figures are
 * drawn anew and go through the real scorer, ratings through the real fold.
 * What is assumed (learning_world.c has the numbers):
 *
 * - Sources scatter around a quality they have in common as they do in the
 *   real catalog, and so do single benchmarks of a source. What raters find
 *   lies as far from that quality as one more source would; it is the same for
 *   all of them. Nothing else is known about how well benchmarks predict use,
 *   and all depends on it: other assumptions stand at the end of the report.
 * - 75 points are worth 4 stars, 100 points make a difference of 4, one rating
 *   scatters by one star, rounded and cut to 1..5: good models are hard to
 *   tell apart. Of twenty instances ten are honest, two harsh (-1), three
 *   generous (+0.7), three give only fours, two give only ones.
 * - Everybody rates what is best in their own table, nothing else. Five
 *   (honest, honest, harsh, generous, lazy) rate four times a day and are
 *   those whose regret is told; the others every second day. All report to
 *   one community. A tenth of the models arrive within the 250 days, the best
 *   of the first loses 20 points on day 125.
 *
 * Left out: price and budget (candidates of all prices compete), the kind of
 * task within a category, tenants that share an instance, research (general
 * plus context) and fast-cheap (price and speed), raters who come and go.
 *
 * The fixed blend has own ratings per tenant and our category weights here,
 * and every candidate has a benchmark, so that its made-up 50 never shows: all
 * of it better than the rule it stands for. Regret is summed over a rater's
 * ratings and is the mean over five categories and five raters: one number a
 * seed. */
#include "core/base/check.h"
#include "core/base/text.h"
#include "ingest/bundle.h"
#include "tests/bench/learning_attack.h"
#include "tests/bench/learning_trial.h"
#include "tests/bench/learning_tune.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SEEDS 20
#define TUNING_FROM 1
#define JUDGING_FROM 101
#define WAYS 6 /* that are run */
#define WAY_CONSTANT WAYS
#define NOTICES 3 /* ours, fixed, ours of the newest ratings */
#define NO_DAY 20656

static const enum category CATEGORIES[] = {CATEGORY_GENERAL, CATEGORY_CODING,
                                           CATEGORY_REASONING,
                                           CATEGORY_CREATIVE, CATEGORY_VISION};
#define WORLDS (SEEDS * ARRAY_LEN(CATEGORIES))
#define PART 0.2 /* of a seed's mean: one of five categories */

_Static_assert(ARRAY_LEN(CATEGORIES) == 5, "PART");

/* One number for each seed: the mean over its categories. */
struct series {
    double values[SEEDS];
};

struct outcome {
    struct series regret[WAYS + 1][TRIAL_MARKS];
    struct series notice[NOTICES];
    double inside[TRIAL_BUCKETS], seen[TRIAL_BUCKETS];
    double least_share;
    struct attack attack;
};

/* --- numbers -------------------------------------------------------------- */

static int
double_cmp(const void *a, const void *b)
{
    const double *left = a;
    const double *right = b;
    return (*left > *right) - (*left < *right);
}

/* The value below which the share of a series lies, between neighbours. */
static double
quantile(const struct series *series, double share)
{
    struct series sorted = *series;
    qsort(sorted.values, SEEDS, sizeof(double), double_cmp);
    double place = share * (SEEDS - 1);
    size_t below = (size_t)place;
    if (below + 1 >= SEEDS)
        return sorted.values[SEEDS - 1];
    return sorted.values[below] +
           (place - (double)below) *
               (sorted.values[below + 1] - sorted.values[below]);
}

static void
print_series(const struct series *series)
{
    printf("  %7.1f [%7.1f, %7.1f]", quantile(series, 0.5),
           quantile(series, 0.05), quantile(series, 0.95));
}

static struct series
ratio(const struct series *a, const struct series *b)
{
    struct series out;
    for (size_t i = 0; i < SEEDS; i++)
        out.values[i] = a->values[i] / b->values[i];
    return out;
}

/* --- worlds --------------------------------------------------------------- */

static struct catalog *
read_catalog(void)
{
    struct catalog *catalog = NULL;
    char error[BUNDLE_ERROR_MAX];
    char *bytes = malloc(BUNDLE_BYTES_MAX);
    FILE *file = fopen(SS_SOURCE_DIR "/data/catalog.json", "rb");
    if (bytes == NULL || file == NULL) {
        printf("skipped: data/catalog.json is absent\n");
        exit(0);
    }
    size_t len = fread(bytes, 1, BUNDLE_BYTES_MAX, file);
    (void)fclose(file);
    CHECK(bundle_read(slice_make(bytes, len), NO_DAY, error, &catalog) ==
          STATUS_OK);
    free(bytes);
    return catalog;
}

static void
make_worlds(const struct catalog *catalog, uint64_t first,
            const struct world_manner *manner, struct world *ret_worlds)
{
    for (size_t i = 0; i < WORLDS; i++)
        world_make(catalog, first + i / ARRAY_LEN(CATEGORIES),
                   CATEGORIES[i % ARRAY_LEN(CATEGORIES)], manner,
                   &ret_worlds[i]);
}

static void
free_worlds(struct world *worlds)
{
    for (size_t i = 0; i < WORLDS; i++)
        world_free(&worlds[i]);
}

static void
add_trial(const struct trial *trial, size_t way, size_t seed,
          struct outcome *outcome)
{
    for (size_t m = 0; m < TRIAL_MARKS; m++)
        outcome->regret[way][m].values[seed] += PART * trial->regret[m];
    if (way != 0)
        return;
    outcome->least_share = fmin(outcome->least_share, trial->least_share);
    for (size_t b = 0; b < TRIAL_BUCKETS; b++) {
        outcome->inside[b] += trial->inside[b];
        outcome->seen[b] += trial->seen[b];
    }
}

static void
run_ways(const struct world *worlds, const struct rule *rules,
         struct outcome *outcome)
{
    for (size_t i = 0; i < WORLDS; i++) {
        struct trial trial = {0};
        size_t seed = i / ARRAY_LEN(CATEGORIES);
        for (size_t w = 0; w < WAYS; w++) {
            trial_run(&worlds[i], &rules[w], TRIAL_MARKS, &trial);
            add_trial(&trial, w, seed, outcome);
        }
        trial_constant(&worlds[i], trial.regret);
        add_trial(&trial, WAY_CONSTANT, seed, outcome);
    }
}

static void
run_notice(struct world *worlds, const struct rule *rules,
           struct outcome *outcome)
{
    for (size_t i = 0; i < WORLDS; i++)
        for (size_t w = 0; w < NOTICES; w++)
            outcome->notice[w].values[i / ARRAY_LEN(CATEGORIES)] +=
                PART * trial_notice(&worlds[i], &rules[w]);
}

/* --- what is said --------------------------------------------------------- */

static double
coverage(const struct outcome *outcome, size_t from, size_t to)
{
    double inside = 0;
    double seen = 0;
    for (size_t b = from; b < to; b++) {
        inside += outcome->inside[b];
        seen += outcome->seen[b];
    }
    return 100 * inside / seen;
}

static void
print_regret(const struct outcome *outcome, const struct rule *rules)
{
    printf("regret, points summed over a rater's ratings"
           " (median and 90 %% of %d seeds)\n",
           SEEDS);
    printf("  %-22s  %-26s  %-26s  %-26s\n", "", "after 50", "200", "1000");
    for (size_t w = 0; w <= WAYS; w++) {
        printf("  %-22s",
               w == WAY_CONSTANT ? "best constant model" : rules[w].name);
        for (size_t m = 0; m < TRIAL_MARKS; m++)
            print_series(&outcome->regret[w][m]);
        printf("\n");
    }
}

static void
print_calibration(const struct outcome *outcome)
{
    printf("the 90 %% interval holds the truth, by the cell's own ratings\n ");
    for (size_t b = 0; b < TRIAL_BUCKETS; b++)
        printf("  %s: %.1f %% of %.0f", trial_bucket_names[b],
               coverage(outcome, b, b + 1), outcome->seen[b]);
    printf("\n");
}

static void
print_attack(const struct attack *attack)
{
    printf("worst movement of a score, points\n");
    printf("  10 %% hostile among the raters of a cell: %.2f (fixed blend:"
           " %.2f); of the worst active crowd there is: %.2f; where the others"
           " rated a year ago: %.2f\n",
           attack->hostile, attack->hostile_fixed, attack->bound,
           attack->hostile_idle);
    printf("  ten lazy fours, own score: %.2f (fixed blend: %.2f); everybody"
           " else's: median %.2f, worst %.2f\n",
           attack->lazy, attack->lazy_fixed, attack->lazy_others_median,
           attack->lazy_others);
}

static void
print_target(const char *what, double got, double low, double high)
{
    bool met = got >= low - 1e-9 && got <= high + 1e-9;
    printf("  %-7s  %-52s  %.2f", met ? "met" : "NOT MET", what, got);
    if (low > -INFINITY && high < INFINITY)
        printf(" (%g to %g)\n", low, high);
    else if (high < INFINITY)
        printf(" (at most %g)\n", high);
    else
        printf(" (at least %g)\n", low);
}

/* A rule's regret after 200 ratings beside the fixed blend's, and its coverage;
 * `fixed` is what the fixed blend had in these worlds, NULL to run it. */
static void
print_ratio(const char *what, const struct world *worlds,
            const struct rule *rule, struct series *fixed)
{
    struct rule other = rule_fixed(true);
    struct outcome outcome = {.least_share = 1};
    for (size_t i = 0; i < WORLDS; i++) {
        struct trial trial;
        size_t seed = i / ARRAY_LEN(CATEGORIES);
        trial_run(&worlds[i], rule, 2, &trial);
        add_trial(&trial, 0, seed, &outcome);
        if (fixed != NULL)
            continue;
        trial_run(&worlds[i], &other, 2, &trial);
        add_trial(&trial, 1, seed, &outcome);
    }
    if (fixed == NULL)
        fixed = &outcome.regret[1][1];
    struct series ratios = ratio(&outcome.regret[0][1], fixed);
    printf("  %-40s  %.2f [%.2f, %.2f]  %.0f / %.0f / %.0f %%\n", what,
           quantile(&ratios, 0.5), quantile(&ratios, 0.05),
           quantile(&ratios, 0.95), coverage(&outcome, 0, 1),
           coverage(&outcome, 1, TRIAL_PICKED),
           coverage(&outcome, TRIAL_PICKED, TRIAL_BUCKETS));
}

/* Ours with one thing changed, in the same worlds. */
static void
print_changes(const struct world *worlds, struct series *fixed)
{
    struct rule rule = rule_ours();
    rule.newest = 16;
    print_ratio("only a cell's newest 16 own ratings", worlds, &rule, fixed);
    rule.surplus_pseudo_ratings = 16;
    print_ratio("and read against what benchmarks promise", worlds, &rule,
                fixed);
    rule.tuning.community_share_most = 1;
    print_ratio("and k_c up to k0, not k0/4", worlds, &rule, fixed);
    rule = rule_ours();
    rule.tuning.community_share_most = 1;
    print_ratio("k_c up to k0 alone", worlds, &rule, fixed);
}

static void
print_elsewhere(const struct catalog *catalog, struct world *worlds)
{
    struct rule rule = rule_ours();
    for (size_t m = 1; m < WORLD_MANNERS; m++) {
        free_worlds(worlds);
        make_worlds(catalog, JUDGING_FROM, &world_manners[m], worlds);
        print_ratio(world_manners[m].name, worlds, &rule, NULL);
    }
}

static void
print_targets(const struct outcome *outcome)
{
    struct series seed_ratio =
        ratio(&outcome->regret[0][1], &outcome->regret[1][1]);
    printf("targets, judged on seeds %d to %d\n", JUDGING_FROM,
           JUDGING_FROM + SEEDS - 1);
    print_target("regret after 200 ratings / the fixed blend's",
                 quantile(&seed_ratio, 0.5), -INFINITY, 0.5);
    print_target("coverage of cells without own ratings, %",
                 coverage(outcome, 0, 1), 85, 95);
    print_target("coverage of rated cells, %",
                 coverage(outcome, 1, TRIAL_PICKED), 85, 95);
    print_target("coverage of what is picked, %",
                 coverage(outcome, TRIAL_PICKED, TRIAL_BUCKETS), 85, 95);
    print_target("10 % hostile raters of a cell move, points",
                 fmax(outcome->attack.hostile, outcome->attack.bound),
                 -INFINITY, 3);
    print_target("the same where the others rated a year ago",
                 outcome->attack.hostile_idle, -INFINITY, 3);
    print_target("ten fours of a lazy rater move his score, points",
                 outcome->attack.lazy, -INFINITY, 0.5);
    print_target("and everybody else's (worst crowd tried)",
                 outcome->attack.lazy_others, -INFINITY, 0.5);
    print_target("least benchmark share, %", 100 * outcome->least_share, 40,
                 INFINITY);
}

static void
judge(const struct catalog *catalog)
{
    static struct world worlds[WORLDS];
    const struct rule rules[WAYS] = {rule_ours(),         rule_fixed(true),
                                     rule_fixed(false),   rule_benchmarks(),
                                     rule_knowing(false), rule_knowing(true)};
    struct rule noticing[NOTICES] = {rules[0], rules[1], rules[0]};
    struct outcome outcome = {.least_share = 1};
    noticing[2].name = "newest 16 own ratings";
    noticing[2].newest = 16;
    make_worlds(catalog, JUDGING_FROM, &world_manners[0], worlds);
    run_ways(worlds, rules, &outcome);
    run_notice(worlds, noticing, &outcome);
    attack_try(worlds, ARRAY_LEN(CATEGORIES) * 4, &rules[0], &outcome.attack);
    print_regret(&outcome, rules);
    print_calibration(&outcome);
    printf("ratings spent on a favourite after it lost 25 points (of %d)\n ",
           TRIAL_PATIENCE);
    for (size_t w = 0; w < NOTICES; w++) {
        printf("  %s:", noticing[w].name);
        print_series(&outcome.notice[w]);
    }
    printf("\n");
    print_attack(&outcome.attack);
    printf("ours with one thing changed, then in other worlds: regret after 200"
           " ratings / the fixed blend's, and coverage (unrated / rated /"
           " picked)\n");
    print_changes(worlds, &outcome.regret[1][1]);
    print_elsewhere(catalog, worlds);
    print_targets(&outcome);
    free_worlds(worlds);
}

static void
tune(const struct catalog *catalog)
{
    static struct world worlds[WORLDS];
    make_worlds(catalog, TUNING_FROM, &world_manners[0], worlds);
    tune_search(worlds, WORLDS);
    free_worlds(worlds);
}

int
main(int argc, char **argv)
{
    struct catalog *catalog = read_catalog();
    if (argc > 1 && strcmp(argv[1], "tune") == 0)
        tune(catalog);
    else
        judge(catalog);
    catalog_free(&catalog);
    return 0;
}
