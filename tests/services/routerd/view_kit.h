/* A view over the hand-made table, for tests of what routerd makes of it.
 * Header-only; cmocka.h comes first. */
#ifndef TESTS_SERVICES_ROUTERD_VIEW_KIT_H
#define TESTS_SERVICES_ROUTERD_VIEW_KIT_H

#include "services/routerd/view.h"
#include "tests/router/table_kit.h"

struct view_kit {
    struct view view;
    struct arena *model;
    struct score_table *table;
    struct arena *arena;    /* the call's */
    struct secret_key seal; /* of a deployment that tests are alone in */
};

static inline int
view_kit_set_up(void **state)
{
    static struct view_kit kit;
    kit.model = arena_new(16 << 20);
    kit.table = table_kit_new();
    kit.arena = arena_new(4 << 20);
    kit.view = (struct view){.table = kit.table,
                             .classifier = classify_new(kit.model),
                             .seal = &kit.seal,
                             .tenant = SLICE("default"),
                             .now = (ms_time)TABLE_KIT_DAY * UTC_MS_PER_DAY,
                             .today = TABLE_KIT_DAY,
                             .is_current = true,
                             .arena = kit.arena};
    *state = &kit;
    return 0;
}

static inline int
view_kit_tear_down(void **state)
{
    struct view_kit *kit = *state;
    score_table_free(&kit->table);
    arena_free(&kit->arena);
    arena_free(&kit->model);
    return 0;
}

#endif
