/* The arena: alignment, limits, stickiness, reset. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/base/arena.h"

static void
memory_is_zeroed_and_aligned(void **state)
{
    (void)state;
    struct arena *arena = arena_new(1 << 20);
    for (size_t size = 0; size < 200; size++) {
        unsigned char *memory = arena_alloc(arena, size);
        assert_non_null(memory);
        assert_int_equal((uintptr_t)memory % _Alignof(max_align_t), 0);
        for (size_t i = 0; i < size; i++)
            assert_int_equal(memory[i], 0);
        memset(memory, 0xff, size);
    }
    assert_true(arena_ok(arena));
    arena_free(&arena);
    assert_null(arena);
    arena_free(&arena);
}

static void
texts_are_copied_with_a_nul(void **state)
{
    (void)state;
    struct arena *arena = arena_new(4096);
    char source[] = "abc";
    char *text = arena_text(arena, slice_of(source));
    struct slice slice = arena_slice(arena, slice_of(source));
    source[0] = 'x';
    assert_string_equal(text, "abc");
    assert_true(slice_eq(slice, SLICE("abc")));
    assert_int_equal(slice.ptr[slice.len], '\0');
    assert_string_equal(arena_text(arena, (struct slice){0}), "");
    arena_free(&arena);
}

static void
a_request_larger_than_a_block_gets_its_own(void **state)
{
    (void)state;
    struct arena *arena = arena_new(64 << 20);
    char *small = arena_alloc(arena, 10);
    char *large = arena_alloc(arena, 30 << 20);
    assert_non_null(small);
    assert_non_null(large);
    large[(30 << 20) - 1] = 1;
    small[9] = 1;
    assert_non_null(arena_alloc(arena, 10));
    arena_free(&arena);
}

static void
the_maximum_is_exact_and_used_counts_up_to_it(void **state)
{
    (void)state;
    struct arena *arena = arena_new(1024);
    assert_int_equal(arena_used(arena), 0);
    assert_non_null(arena_alloc(arena, 1008));
    assert_non_null(arena_alloc(arena, 16));
    assert_int_equal(arena_used(arena), 1024);
    assert_null(arena_alloc(arena, 0));
    assert_false(arena_ok(arena));
    arena_free(&arena);
}

static void
overflow_is_sticky_until_reset(void **state)
{
    (void)state;
    struct arena *arena = arena_new(100);
    assert_null(arena_alloc(arena, 101));
    assert_false(arena_ok(arena));
    assert_null(arena_alloc(arena, 1));
    assert_null(arena_text(arena, SLICE("a")));
    assert_null(arena_slice(arena, SLICE("a")).ptr);
    assert_int_equal(arena_slice(arena, SLICE("a")).len, 0);
    arena_reset(arena);
    assert_true(arena_ok(arena));
    assert_non_null(arena_alloc(arena, 1));
    arena_free(&arena);
}

static void
sizes_that_wrap_around_are_an_overflow(void **state)
{
    (void)state;
    struct arena *arena = arena_new(SIZE_MAX);
    assert_null(arena_array(arena, SIZE_MAX / 2, 3));
    arena_reset(arena);
    assert_null(arena_alloc(arena, SIZE_MAX));
    arena_reset(arena);
    assert_null(arena_alloc(arena, SIZE_MAX - 8));
    arena_reset(arena);
    assert_null(arena_text(arena, slice_make("", SIZE_MAX)));
    arena_free(&arena);
}

static void
a_reset_arena_gives_zeroed_memory_again(void **state)
{
    (void)state;
    struct arena *arena = arena_new(1 << 20);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 100; i++) {
            unsigned char *memory = arena_alloc(arena, 1000);
            for (size_t at = 0; at < 1000; at++)
                assert_int_equal(memory[at], 0);
            memset(memory, 0xaa, 1000);
        }
        arena_reset(arena);
        assert_int_equal(arena_used(arena), 0);
    }
    arena_free(&arena);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_is_zeroed_and_aligned),
        cmocka_unit_test(texts_are_copied_with_a_nul),
        cmocka_unit_test(a_request_larger_than_a_block_gets_its_own),
        cmocka_unit_test(the_maximum_is_exact_and_used_counts_up_to_it),
        cmocka_unit_test(overflow_is_sticky_until_reset),
        cmocka_unit_test(sizes_that_wrap_around_are_an_overflow),
        cmocka_unit_test(a_reset_arena_gives_zeroed_memory_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
