/* Outcomes of real models on real prompts, replayed: prompts come in a random
 * order, one model is picked for each, and only its outcome is seen, before
 * the next. Ours beside what it has to beat and what it cannot reach.
 * links: scorer feedback router ingest services_runtime
 *
 * bench_replay [MATRIX] [--orders N] [--catalog | --equal] [--variants]
 * MATRIX is by default ../shared/routing/outcomes.jsonl beside the source tree;
 * its form stands in replay_matrix.h. Every policy plays the same N random
 * orders (seeds 1 to N, 100 unless told) of at most 6000 prompts. Nothing here
 * is fitted to a matrix.
 *
 * "ours" is the product: feedback folds, scorer blends, router picks
 * (replay_learner.h says how, with what priors and stars; --catalog and --equal
 * choose the priors). "label" takes a prompt's category from its task's label
 * (replay_label.def), "text" from our classifier; all ratings fall on one day
 * but where a line says otherwise. "fixed 70/30" is the seed's blend: below 3
 * ratings the benchmark alone, then 70 % benchmark and 30 % the share of
 * ratings with 3 stars or more. The constants are the best in hindsight. Costs
 * are list prices: the matrix's, else the catalog's, else those of
 * tests/tables/replay_price.tsv.
 *
 * Intervals are the 5 % and 95 % quantiles over the orders; targets are judged
 * by means over orders. --variants adds what the product does not do, to see
 * what it would be worth (replay_variants.h). Ends with 0 whatever came out. */
#include "core/base/text.h"
#include "tests/bench/replay_run.h"
#include "tests/bench/replay_variants.h"
#include "tests/ingest/ingest_files.h"

#include <math.h>

#define MATRIX "../shared/routing/outcomes.jsonl"
#define PRICES "tests/tables/replay_price.tsv"
#define ORDERS 100
#define ORDERS_MAX 200
#define POLICIES_MAX 64
#define WORSE_MOST 0.01 /* than the best constant, per prompt */
#define A_DAY 100       /* prompts, where time is of interest */

struct arguments {
    char path[HOME_PATH_MAX];
    size_t orders;
    bool variants;
    enum replay_prior prior;
};

/* A policy with what it earned on each order. */
struct line {
    struct replay_policy policy;
    struct replay_result results[ORDERS_MAX];
};

#define NO_LINE SIZE_MAX

/* A number of a line that should lie above the same of another. */
struct target {
    const char *what;
    size_t line, other;
    size_t field; /* FIELD() */
    double least;
};

/* Of the cost-quality plane. */
struct point {
    struct slice name;
    const char *prefix;
    double good, cost;
};

struct bench {
    struct replay_matrix *matrix;
    struct replay_priors priors;
    struct replay_field field;
    struct line lines[POLICIES_MAX];
    size_t line_count;
    size_t ours, ours_text, fixed, best, random; /* lines */
    size_t orders;
    size_t steps; /* prompts of an order */
    uint32_t *order;
};

/* --- numbers over orders -------------------------------------------------- */

/* Which number of a result: its offset. */
#define FIELD(name) offsetof(struct replay_result, name)

static int
by_value(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;

    return (x > y) - (x < y);
}

static double
value_of(const struct bench *bench, size_t line, size_t order, size_t offset)
{
    const char *result =
        (const char *)&bench->lines[line].results[order] + offset;
    double value;

    memcpy(&value, result, sizeof(value));
    return value;
}

struct spread {
    double mean, low, high;
};

static double
quantile(const double *sorted, size_t count, double share)
{
    double at = share * (double)(count - 1);
    size_t below = (size_t)at;
    size_t above = below + 1 < count ? below + 1 : below;

    return sorted[below] +
           (at - (double)below) * (sorted[above] - sorted[below]);
}

static struct spread
spread_of(const struct bench *bench, size_t line, size_t offset)
{
    double values[ORDERS_MAX];
    double sum = 0;

    for (size_t i = 0; i < bench->orders; i++) {
        values[i] = value_of(bench, line, i, offset);
        sum += values[i];
    }
    qsort(values, bench->orders, sizeof(values[0]), by_value);
    return (struct spread){sum / (double)bench->orders,
                           quantile(values, bench->orders, 0.05),
                           quantile(values, bench->orders, 0.95)};
}

static double
mean_of(const struct bench *bench, size_t line, size_t offset)
{
    return spread_of(bench, line, offset).mean;
}

/* --- policies ------------------------------------------------------------- */

static size_t
add_line(struct bench *bench, const char *name, enum replay_kind kind)
{
    struct line *line = &bench->lines[bench->line_count];

    CHECK(bench->line_count < POLICIES_MAX);
    line->policy = (struct replay_policy){.name = name, .kind = kind};
    line->policy.style.tuning = tuning_default;
    return bench->line_count++;
}

static struct replay_style *
add_ours(struct bench *bench, const char *name)
{
    size_t line = add_line(bench, name, REPLAY_LEARNER);

    return &bench->lines[line].policy.style;
}

static void
add_policies(struct bench *bench)
{
    bench->ours = bench->line_count;
    (void)add_ours(bench, "ours, label");
    if (bench->matrix->texts > 0) {
        bench->ours_text = bench->line_count;
        (void)add_ours(bench, "ours, text");
        bench->lines[bench->ours_text].policy.by_text = true;
    }
    add_ours(bench, "ours, label, 100 a day")->prompts_a_day = A_DAY;
    if (replay_matrix_is_priced(bench->matrix))
        add_ours(bench, "ours, label, value")->objective = OBJECTIVE_VALUE;
    bench->fixed = add_line(bench, "fixed 70/30, label", REPLAY_FIXED);
    (void)add_line(bench, "benchmarks alone", REPLAY_BENCHMARKS);
    bench->random = add_line(bench, "random", REPLAY_RANDOM);
    bench->best = add_line(bench, "best constant", REPLAY_BEST);
    (void)add_line(bench, "best per category", REPLAY_BEST_OF_KIND);
    (void)add_line(bench, "best per task", REPLAY_BEST_OF_TASK);
    (void)add_line(bench, "oracle", REPLAY_ORACLE);
}

/* What the product does not do; see replay_variants.h. */
static void
add_variants(struct bench *bench)
{
    for (size_t i = 0; i < replay_variant_count; i++) {
        const struct replay_variant *variant = &replay_variants[i];
        size_t line = add_line(bench, variant->name, REPLAY_LEARNER);
        struct replay_policy *policy = &bench->lines[line].policy;
        policy->by_text = variant->by_text;
        policy->style = variant->style;
        policy->style.tuning = tuning_default;
        if (variant->share_least > 0)
            policy->style.tuning.benchmark_share_least = variant->share_least;
    }
}

/* --- playing -------------------------------------------------------------- */

static void
shuffle(struct bench *bench, uint64_t seed)
{
    size_t count = bench->matrix->count;

    for (size_t i = 0; i < count; i++)
        bench->order[i] = (uint32_t)i;
    for (size_t i = count; i > 1; i--) {
        size_t j = replay_random(&seed) % i;
        uint32_t kept = bench->order[i - 1];
        bench->order[i - 1] = bench->order[j];
        bench->order[j] = kept;
    }
}

static void
play(struct bench *bench)
{
    for (size_t i = 0; i < bench->orders; i++) {
        shuffle(bench, i + 1);
        for (size_t l = 0; l < bench->line_count; l++) {
            struct line *line = &bench->lines[l];
            line->results[i] = replay_run(&bench->field, &line->policy,
                                          bench->order, bench->steps, i + 1);
        }
    }
}

/* --- printing ------------------------------------------------------------- */

static void
print_matrix(const struct bench *bench, const char *path)
{
    const struct replay_matrix *matrix = bench->matrix;
    size_t counts[CATEGORY_COUNT] = {0};
    size_t agreed = 0;

    for (size_t i = 0; i < matrix->count; i++) {
        counts[matrix->prompts[i].by_label]++;
        agreed += matrix->prompts[i].by_label == matrix->prompts[i].by_text;
    }
    printf("replay of %s\n", path);
    printf("%zu prompts, %zu tasks, %zu models; %zu lines and %zu outcomes "
           "refused; %zu orders of %zu prompts\n",
           matrix->count, matrix->task_count, matrix->model_count,
           matrix->lines_refused, matrix->refused, bench->orders, bench->steps);
    printf("categories by label:");
    for (size_t i = 0; i < CATEGORY_COUNT; i++) {
        if (counts[i] > 0)
            printf(" %s %zu", category_name((enum category)i), counts[i]);
    }
    if (matrix->texts > 0)
        printf("; the classifier says the same of %.0f %%",
               100.0 * (double)agreed / (double)matrix->count);
    printf("\nthe catalog knows %zu of the models: %s\n",
           bench->priors.known_count,
           bench->priors.equal
               ? "all have the same prior"
               : "those have its priors, the others one at their mean");
    printf("%-34s %8s %9s\n", "model", "mean", "USD/Mtok");
    for (size_t i = 0; i < matrix->model_count; i++)
        printf("%-34.*s %8.4f %9.3f%s\n", SLICE_ARG(matrix->models[i]),
               bench->field.means[i], replay_matrix_cost(matrix, i),
               bench->priors.known[i] ? "  in the catalog" : "");
}

static void
print_spread(const struct bench *bench, size_t line, size_t offset)
{
    struct spread spread = spread_of(bench, line, offset);

    printf("  %6.3f [%6.3f %6.3f]", spread.mean, spread.low, spread.high);
}

static void
print_lines(const struct bench *bench)
{
    printf("\nmean outcome [90 %% over orders] of the first %d, %d, all "
           "prompts and of all after the first %d;\nbest: what the latter lies "
           "above the best constant; oracle: what all lies below it\n",
           REPLAY_EARLY, REPLAY_TRIAL, REPLAY_TRIAL);
    printf("%-34s  %-22s  %-22s  %-22s  %-22s  %-22s %7s %9s\n", "policy",
           "100", "500", "all", "after 500", "best", "oracle", "USD/Mtok");
    for (size_t i = 0; i < bench->line_count; i++) {
        printf("%-34s", bench->lines[i].policy.name);
        print_spread(bench, i, FIELD(early));
        print_spread(bench, i, FIELD(trial));
        print_spread(bench, i, FIELD(all));
        print_spread(bench, i, FIELD(late));
        print_spread(bench, i, FIELD(late_gap));
        printf(" %7.3f %9.3f\n", mean_of(bench, i, FIELD(oracle_gap)),
               mean_of(bench, i, FIELD(cost)));
    }
}

/* Who can be played without knowing outcomes, and every constant model. */
static size_t
find_points(const struct bench *bench, struct point *points)
{
    const struct replay_matrix *matrix = bench->matrix;
    size_t count = 0;

    for (size_t i = 0; i < bench->line_count; i++) {
        const struct replay_policy *policy = &bench->lines[i].policy;
        if (policy->kind > REPLAY_LAST_PLAYABLE)
            continue;
        points[count++] = (struct point){slice_of(policy->name), "",
                                         mean_of(bench, i, FIELD(all)),
                                         mean_of(bench, i, FIELD(cost))};
    }
    for (size_t i = 0; i < matrix->model_count; i++)
        points[count++] =
            (struct point){matrix->models[i], "always ", bench->field.means[i],
                           replay_matrix_cost(matrix, i)};
    return count;
}

/* No other is as good and as cheap and in one of both better. */
static bool
is_on_hull(const struct point *points, size_t count, const struct point *point)
{
    for (size_t i = 0; i < count; i++) {
        const struct point *other = &points[i];
        if (other->good >= point->good && other->cost <= point->cost &&
            (other->good > point->good || other->cost < point->cost))
            return false;
    }
    return true;
}

static void
print_hull(const struct bench *bench)
{
    struct point points[POLICIES_MAX + REPLAY_MODELS_MAX];

    if (!replay_matrix_is_priced(bench->matrix)) {
        printf("\nno cost-quality hull: some model has no list price (%s)\n",
               PRICES);
        return;
    }
    size_t count = find_points(bench, points);
    printf("\ncost (USD per 1 M tokens, 3 parts prompt and 1 completion) and "
           "mean outcome of all;\nnot dominated among what needs no hindsight "
           "and every constant model:\n");
    for (size_t i = 0; i < count; i++) {
        if (is_on_hull(points, count, &points[i]))
            printf("  %6.3f at %.3f  %s%.*s\n", points[i].good, points[i].cost,
                   points[i].prefix, SLICE_ARG(points[i].name));
    }
}

/* How far a number lies above the same of another line (NO_LINE: above 0):
 * mean and standard error over the orders. */
static void
print_target(const struct bench *bench, const struct target *target)
{
    double sum = 0;
    double squares = 0;
    double count = (double)bench->orders;

    for (size_t i = 0; i < bench->orders; i++) {
        double gap = value_of(bench, target->line, i, target->field);
        if (target->other != NO_LINE)
            gap -= value_of(bench, target->other, i, target->field);
        sum += gap;
        squares += gap * gap;
    }
    double mean = sum / count;
    double error = sqrt(fmax(squares / count - mean * mean, 0) / count);
    if (isnan(mean))
        printf("  %-8s %s\n", "too few", target->what);
    else
        printf("  %-8s %-62s %+.4f +- %.4f (at least %+.2f)\n",
               mean >= target->least ? "met" : "NOT MET", target->what, mean,
               error, target->least);
}

static void
print_targets_of(const struct bench *bench, size_t line)
{
    const struct target targets[] = {
        {"all after the first 500, above the best constant", line, NO_LINE,
         FIELD(late_gap), -WORSE_MOST},
        {"all, above the best constant", line, bench->best, FIELD(all),
         -WORSE_MOST},
        {"all so far, at its lowest from prompt 500 on, above it", line,
         NO_LINE, FIELD(least_gap), -WORSE_MOST},
        {"first 500, above random", line, bench->random, FIELD(trial), 0},
        {"all, above random", line, bench->random, FIELD(all), 0},
        {"first 500, above the fixed blend", line, bench->fixed, FIELD(trial),
         0},
        {"all, above the fixed blend", line, bench->fixed, FIELD(all), 0},
    };

    printf("\n%s (+- standard error)\n", bench->lines[line].policy.name);
    for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++)
        print_target(bench, &targets[i]);
}

/* --- the program ---------------------------------------------------------- */

/* List prices for models that neither the matrix nor the catalog prices. */
static void
read_prices(struct replay_matrix *matrix)
{
    struct slice bytes = files_read(PRICES);
    struct slice rest = bytes;
    struct slice row;

    while (bytes.ptr != NULL && slice_split(&rest, '\n', &row)) {
        struct replay_price price = {NAN, NAN};
        struct slice model = {0};
        struct slice prompt = {0};
        struct slice completion = {0};
        if (row.len == 0 || row.ptr[0] == '#')
            continue;
        (void)slice_split(&row, '\t', &model);
        (void)slice_split(&row, '\t', &prompt);
        (void)slice_split(&row, '\t', &completion);
        if (text_double(prompt, &price.prompt) == STATUS_OK &&
            text_double(completion, &price.completion) == STATUS_OK)
            replay_matrix_set_price(matrix, model, price);
    }
    files_free(bytes);
}

static bool
is_understood(int argc, char **argv, struct arguments *arguments)
{
    *arguments = (struct arguments){.orders = ORDERS};
    (void)snprintf(arguments->path, sizeof(arguments->path), "%s/%s",
                   SS_SOURCE_DIR, MATRIX);
    for (int i = 1; i < argc; i++) {
        uint64_t orders = 0;
        if (strcmp(argv[i], "--variants") == 0) {
            arguments->variants = true;
        } else if (strcmp(argv[i], "--equal") == 0) {
            arguments->prior = REPLAY_PRIOR_EQUAL;
        } else if (strcmp(argv[i], "--catalog") == 0) {
            arguments->prior = REPLAY_PRIOR_CATALOG;
        } else if (strcmp(argv[i], "--orders") == 0) {
            if (i + 1 == argc ||
                text_u64(slice_of(argv[++i]), &orders) != STATUS_OK ||
                orders < 1 || orders > ORDERS_MAX)
                return false;
            arguments->orders = orders;
        } else {
            (void)snprintf(arguments->path, sizeof(arguments->path), "%s",
                           argv[i]);
        }
    }
    return true;
}

static void
run(struct bench *bench, const struct arguments *arguments)
{
    struct replay_matrix *matrix = bench->matrix;

    if (replay_priors_make(matrix, arguments->prior, &bench->priors) !=
        STATUS_OK) {
        printf("skipped: out of memory\n");
        return;
    }
    read_prices(matrix);
    replay_field_init(&bench->field, matrix, &bench->priors);
    bench->orders = arguments->orders;
    bench->steps = matrix->count < REPLAY_STEPS ? matrix->count : REPLAY_STEPS;
    bench->order = ARENA_ARRAY(matrix->arena, uint32_t, matrix->count);
    CHECK(arena_ok(matrix->arena));
    add_policies(bench);
    if (arguments->variants)
        add_variants(bench);
    print_matrix(bench, arguments->path);
    play(bench);
    print_lines(bench);
    print_hull(bench);
    print_targets_of(bench, bench->ours);
    if (matrix->texts > 0)
        print_targets_of(bench, bench->ours_text);
}

int
main(int argc, char **argv)
{
    static struct bench bench;
    struct arguments arguments;

    if (!is_understood(argc, argv, &arguments)) {
        printf("usage: bench_replay [MATRIX] [--orders 1..%d] "
               "[--catalog | --equal] [--variants]\n",
               ORDERS_MAX);
        return 0;
    }
    enum status status = replay_matrix_read(arguments.path, &bench.matrix);
    if (status != STATUS_OK) {
        printf("skipped: %s: %s\n", arguments.path, status_text(status));
        return 0;
    }
    run(&bench, &arguments);
    replay_matrix_free(&bench.matrix);
    return 0;
}
