/* A fixed table of cells, found by name and labels; owners keep the pointer,
 * so looking up costs nothing after the first mention. */
#include "services/runtime/metrics.h"

#include "core/base/check.h"

#include <stdlib.h>
#include <string.h>

#define METRICS_MAGIC 0x6d657472u
#define LABELS_MAX 256 /* bytes of one cell's labels */

enum metric_kind { METRIC_COUNTER, METRIC_GAUGE };

struct metric {
    const char *name, *help;
    char *labels; /* owned; "" is NULL */
    enum metric_kind kind;
    union {
        uint64_t counter;
        int64_t gauge;
    };
};

struct metrics {
    unsigned magic;
    size_t count;
    struct metric cells[METRICS_MAX];
    struct metric overflow; /* where everything past the maximum lands */
    uint64_t refused;       /* mentions that got the overflow cell */
    struct {
        metrics_fn fn;
        void *context;
    } hooks[METRICS_HOOKS_MAX];
    size_t hook_count;
};

struct metrics *
metrics_new(void)
{
    struct metrics *metrics = calloc(1, sizeof(*metrics));
    CHECK(metrics != NULL);
    metrics->magic = METRICS_MAGIC;
    return metrics;
}

void
metrics_free(struct metrics **metrics)
{
    if (*metrics == NULL)
        return;
    CHECK_OBJ(*metrics, METRICS_MAGIC);
    for (size_t i = 0; i < (*metrics)->count; i++)
        free((*metrics)->cells[i].labels);
    (*metrics)->magic = 0;
    free(*metrics);
    *metrics = NULL;
}

static const char *
cell_labels(const struct metric *cell)
{
    return cell->labels != NULL ? cell->labels : "";
}

static struct metric *
find_or_add(struct metrics *metrics, enum metric_kind kind, const char *name,
            const char *labels, const char *help)
{
    CHECK_OBJ(metrics, METRICS_MAGIC);
    for (size_t i = 0; i < metrics->count; i++) {
        struct metric *cell = &metrics->cells[i];
        if (strcmp(cell->name, name) != 0)
            continue;
        CHECK(cell->kind == kind);
        if (strcmp(cell_labels(cell), labels) == 0)
            return cell;
    }
    if (metrics->count == METRICS_MAX || strlen(labels) > LABELS_MAX) {
        metrics->refused++;
        return &metrics->overflow;
    }
    struct metric *cell = &metrics->cells[metrics->count];
    if (labels[0] != '\0') {
        cell->labels = strdup(labels);
        CHECK(cell->labels != NULL);
    }
    cell->name = name;
    cell->help = help;
    cell->kind = kind;
    metrics->count++;
    return cell;
}

uint64_t *
metrics_counter(struct metrics *metrics, const char *name, const char *labels,
                const char *help)
{
    return &find_or_add(metrics, METRIC_COUNTER, name, labels, help)->counter;
}

int64_t *
metrics_gauge(struct metrics *metrics, const char *name, const char *labels,
              const char *help)
{
    return &find_or_add(metrics, METRIC_GAUGE, name, labels, help)->gauge;
}

static void
write_head(struct buf *out, const char *name, const char *help,
           enum metric_kind kind)
{
    buf_putf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name,
             kind == METRIC_COUNTER ? "counter" : "gauge");
}

static void
write_cell(struct buf *out, const struct metric *cell)
{
    buf_put_text(out, cell->name);
    if (cell->labels != NULL)
        buf_putf(out, "{%s}", cell->labels);
    buf_put_char(out, ' ');
    if (cell->kind == METRIC_COUNTER)
        buf_put_u64(out, cell->counter);
    else
        buf_put_i64(out, cell->gauge);
    buf_put_char(out, '\n');
}

static bool
is_first_of_name(const struct metrics *metrics, size_t at)
{
    for (size_t i = 0; i < at; i++) {
        if (strcmp(metrics->cells[i].name, metrics->cells[at].name) == 0)
            return false;
    }
    return true;
}

void
metrics_on_write(struct metrics *metrics, metrics_fn fn, void *context)
{
    CHECK_OBJ(metrics, METRICS_MAGIC);
    CHECK(metrics->hook_count < METRICS_HOOKS_MAX);
    metrics->hooks[metrics->hook_count].fn = fn;
    metrics->hooks[metrics->hook_count++].context = context;
}

void
metrics_off_write(struct metrics *metrics, const void *context)
{
    CHECK_OBJ(metrics, METRICS_MAGIC);
    size_t kept = 0;
    for (size_t i = 0; i < metrics->hook_count; i++)
        if (metrics->hooks[i].context != context)
            metrics->hooks[kept++] = metrics->hooks[i];
    metrics->hook_count = kept;
}

void
metrics_write(const struct metrics *metrics, struct buf *out)
{
    CHECK_OBJ(metrics, METRICS_MAGIC);
    for (size_t i = 0; i < metrics->hook_count; i++)
        metrics->hooks[i].fn(metrics->hooks[i].context);
    /* The format wants all cells of a name together, under one head. */
    for (size_t i = 0; i < metrics->count; i++) {
        const struct metric *first = &metrics->cells[i];
        if (!is_first_of_name(metrics, i))
            continue;
        write_head(out, first->name, first->help, first->kind);
        for (size_t k = i; k < metrics->count; k++) {
            if (strcmp(metrics->cells[k].name, first->name) == 0)
                write_cell(out, &metrics->cells[k]);
        }
    }
    if (metrics->refused > 0) {
        struct metric refused = {
            .name = "smart_spawn_metrics_refused_total",
            .kind = METRIC_COUNTER,
            .counter = metrics->refused,
        };
        write_head(out, refused.name, "Metrics past the process's maximum.",
                   METRIC_COUNTER);
        write_cell(out, &refused);
    }
}
