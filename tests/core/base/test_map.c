/* The map: adding, finding, growing, and a full arena. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/base/map.h"

#include <stdio.h>

static struct slice
key_of(char *text, size_t size, unsigned i)
{
    int len = snprintf(text, size, "vendor/model-%u", i);
    return slice_make(text, (size_t)len);
}

static void
keys_are_found_with_their_values(void **state)
{
    (void)state;
    struct arena *arena = arena_new(1 << 20);
    struct map *map = map_new(arena, 0);
    uint32_t value = 42;
    assert_false(map_find(map, SLICE("a"), &value));
    assert_int_equal(map_add(map, SLICE("a"), 1), STATUS_OK);
    assert_int_equal(map_add(map, SLICE(""), 2), STATUS_OK);
    assert_true(map_find(map, SLICE("a"), &value));
    assert_int_equal(value, 1);
    assert_true(map_find(map, (struct slice){0}, &value));
    assert_int_equal(value, 2);
    assert_false(map_find(map, SLICE("b"), &value));
    assert_int_equal(value, 2);
    assert_int_equal(map_count(map), 2);
    arena_free(&arena);
}

static void
adding_keeps_and_setting_replaces(void **state)
{
    (void)state;
    struct arena *arena = arena_new(1 << 20);
    struct map *map = map_new(arena, 4);
    char key[] = "key";
    uint32_t value = 0;
    assert_int_equal(map_add(map, slice_of(key), 1), STATUS_OK);
    assert_int_equal(map_add(map, slice_of(key), 2), STATUS_ALREADY_EXISTS);
    key[0] = 'K'; /* the map has its own copy */
    assert_true(map_find(map, SLICE("key"), &value));
    assert_int_equal(value, 1);
    assert_int_equal(map_set(map, SLICE("key"), 3), STATUS_OK);
    assert_int_equal(map_set(map, SLICE("new"), 4), STATUS_OK);
    assert_true(map_find(map, SLICE("key"), &value));
    assert_int_equal(value, 3);
    assert_int_equal(map_count(map), 2);
    arena_free(&arena);
}

static void
it_grows_past_what_was_expected(void **state)
{
    (void)state;
    struct arena *arena = arena_new(64 << 20);
    struct map *map = map_new(arena, 10);
    char text[32];
    for (unsigned i = 0; i < 50000; i++)
        assert_int_equal(map_add(map, key_of(text, sizeof text, i), i),
                         STATUS_OK);
    assert_int_equal(map_count(map), 50000);
    for (unsigned i = 0; i < 50000; i++) {
        uint32_t value = 0;
        assert_true(map_find(map, key_of(text, sizeof text, i), &value));
        assert_int_equal(value, i);
    }
    uint32_t value;
    assert_false(map_find(map, key_of(text, sizeof text, 50000), &value));
    arena_free(&arena);
}

static void
a_full_arena_is_said_and_nothing_is_lost(void **state)
{
    (void)state;
    struct arena *arena = arena_new(4096);
    struct map *map = map_new(arena, 0);
    char text[32];
    unsigned added = 0;
    while (map_add(map, key_of(text, sizeof text, added), added) == STATUS_OK)
        added++;
    assert_false(arena_ok(arena));
    assert_true(added > 0);
    assert_int_equal(map_count(map), added);
    for (unsigned i = 0; i < added; i++) {
        uint32_t value = 0;
        assert_true(map_find(map, key_of(text, sizeof text, i), &value));
        assert_int_equal(value, i);
    }
    arena_free(&arena);
    arena = arena_new(16);
    assert_null(map_new(arena, 1000));
    arena_free(&arena);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_are_found_with_their_values),
        cmocka_unit_test(adding_keeps_and_setting_replaces),
        cmocka_unit_test(it_grows_past_what_was_expected),
        cmocka_unit_test(a_full_arena_is_said_and_nothing_is_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
