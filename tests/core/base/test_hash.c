/* Content hashes: known values, so that they are the same everywhere. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/base/hash.h"

#include <math.h>

static void
hashes_are_xxh64(void **state)
{
    (void)state;
    /* The published test values of XXH64 with seed 0. */
    assert_true(hash_slice(SLICE("")) == UINT64_C(0xef46db3751d8e999));
    assert_true(hash_slice(SLICE("a")) == UINT64_C(0xd24ec4f1a98c6e5b));
    assert_true(hash_bytes("abc", 3) == UINT64_C(0x44bc2cf5ad770999));
}

static void
the_order_of_a_pair_matters(void **state)
{
    (void)state;
    assert_true(hash_mix(1, 2) != hash_mix(2, 1));
    assert_true(hash_mix(0, 0) != 0);
}

static void
equal_numbers_have_equal_hashes(void **state)
{
    (void)state;
    assert_true(hash_of_double(0.0) == hash_of_double(-0.0));
    assert_true(hash_of_double(NAN) == hash_of_double(-NAN));
    assert_true(hash_of_double(1) != hash_of_double(1 + 0x1p-52));
    assert_true(hash_of_double(NAN) != hash_of_double(0));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hashes_are_xxh64),
        cmocka_unit_test(the_order_of_a_pair_matters),
        cmocka_unit_test(equal_numbers_have_equal_hashes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
