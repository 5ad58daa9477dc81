/* Catalogs and decision tables for scorer's tests.
 *
 * kit_catalog makes a catalog from rows that name only what matters; kit_rows
 * walks a .tsv of tests/tables. Header-only: each test is one program, which
 * includes cmocka.h first. */
#ifndef TESTS_SCORER_CATALOG_KIT_H
#define TESTS_SCORER_CATALOG_KIT_H

#include "core/base/text.h"
#include "core/types/catalog.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define KIT_FIGURES_MAX 32
#define KIT_COLUMNS_MAX 16

struct kit_figure {
    enum benchmark benchmark;
    double value;
};

struct kit_model {
    const char *id;
    double prompt_usd, completion_usd;
    uint32_t context_tokens;
    uint32_t capabilities;
    double speed; /* 0: unknown */
    enum model_standing standing;
    size_t figure_count;
    struct kit_figure figures[KIT_FIGURES_MAX]; /* ascending */
};

static inline void
kit_fill(struct arena *arena, const struct kit_model *from, struct model *to)
{
    struct figure *figures =
        ARENA_ARRAY(arena, struct figure, from->figure_count);
    for (size_t i = 0; i < from->figure_count; i++)
        figures[i] = (struct figure){
            .benchmark = from->figures[i].benchmark,
            .value = from->figures[i].value,
            .via = benchmark_source(from->figures[i].benchmark)};
    *to = (struct model){
        .id = arena_slice(arena, slice_of(from->id)),
        .name = arena_slice(arena, slice_of(from->id)),
        .prompt_price = (nusd_per_mtok)llround(from->prompt_usd * 1e9),
        .completion_price = (nusd_per_mtok)llround(from->completion_usd * 1e9),
        .context_tokens = from->context_tokens,
        .capabilities = from->capabilities,
        .standing = from->standing,
        .created = UTC_DAY_NONE,
        .expires = UTC_DAY_NONE,
        .output_tokens_per_second = from->speed > 0 ? from->speed : NAN,
        .time_to_first_token_s = NAN,
        .figures = figures,
        .figure_count = from->figure_count,
    };
}

/* |got - wanted| <= within, said with the numbers when not. */
static inline void
assert_near(double got, double wanted, double within)
{
    if (!(fabs(got - wanted) <= within))
        fail_msg("%.17g is not %.17g within %g", got, wanted, within);
}

/* Rows must come ascending by id. */
static inline struct catalog *
kit_catalog(const struct kit_model *rows, size_t count)
{
    struct arena *arena = arena_new(CATALOG_BYTES_MAX);
    struct catalog *catalog = ARENA_NEW(arena, struct catalog);
    struct model *models = ARENA_ARRAY(arena, struct model, count);
    *catalog = (struct catalog){.arena = arena,
                                .models = models,
                                .count = count,
                                .by_id = map_new(arena, count)};
    for (size_t i = 0; i < count; i++) {
        kit_fill(arena, &rows[i], &models[i]);
        if (map_add(catalog->by_id, models[i].id, (uint32_t)i) != STATUS_OK)
            abort();
    }
    catalog->version = catalog_hash(catalog);
    return catalog;
}

/* A row of a decision table: columns as text, NUL-terminated. */
typedef void (*kit_row_fn)(char *const *columns, size_t count);

/* Call row for every line of tests/tables/<name> but comments (#), blank
 * lines and the header; returns how many. */
static inline size_t
kit_rows(const char *name, size_t columns_wanted, kit_row_fn row)
{
    char path[4096];
    char line[4096];
    size_t rows = 0;
    (void)snprintf(path, sizeof path, "%s/tests/tables/%s", SS_SOURCE_DIR,
                   name);
    FILE *file = fopen(path, "r");
    if (file == NULL)
        abort();
    for (bool header = true; fgets(line, sizeof line, file) != NULL;) {
        char *columns[KIT_COLUMNS_MAX];
        size_t count = 0;
        line[strcspn(line, "\n")] = '\0';
        if (line[0] == '#' || line[0] == '\0')
            continue;
        if (header) {
            header = false;
            continue;
        }
        for (char *rest = line; rest != NULL && count < KIT_COLUMNS_MAX;)
            columns[count++] = strsep(&rest, "\t");
        if (count != columns_wanted) {
            (void)fprintf(stderr, "%s: %zu columns: %s\n", name, count, line);
            abort();
        }
        row(columns, count);
        rows++;
    }
    (void)fclose(file);
    return rows;
}

/* A column as a number; "-" is NaN. */
static inline double
kit_number(const char *text)
{
    double number = NAN;
    if (strcmp(text, "-") != 0 &&
        text_double(slice_of(text), &number) != STATUS_OK)
        abort();
    return number;
}

#endif
