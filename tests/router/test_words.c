/* router/words: which words share a key. */
#include <stdarg.h>
#include <stddef.h>

#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/base/check.h"
#include "router/words.h"

#define WORDS_MAX 16

static size_t
keys_of(const char *text, uint64_t *keys)
{
    struct words words;
    struct word word;
    size_t count = 0;

    words_init(&words, slice_of(text));
    while (count < WORDS_MAX && words_next(&words, &word))
        keys[count++] = word.key;
    return count;
}

static void
assert_same(const char *a, const char *b)
{
    uint64_t left[WORDS_MAX];
    uint64_t right[WORDS_MAX];
    size_t count = keys_of(a, left);
    assert_int_equal(keys_of(b, right), count);
    for (size_t i = 0; i < count; i++) {
        if (left[i] != right[i])
            fail_msg("%s and %s differ", a, b);
    }
}

static void
assert_other(const char *a, const char *b)
{
    uint64_t left[WORDS_MAX];
    uint64_t right[WORDS_MAX];
    assert_int_equal(keys_of(a, left), 1);
    assert_int_equal(keys_of(b, right), 1);
    if (left[0] == right[0])
        fail_msg("%s and %s share a key", a, b);
}

static void
forms_of_a_word_share_a_key(void **state)
{
    (void)state;
    assert_same("write write", "Writing WRITES");
}

static void
case_and_accents_do_not_matter(void **state)
{
    (void)state;
    assert_same("\xC3\x89"
                "cris \xC3\xBC"
                "ber",
                "ecris UBER");
    assert_same("\xD0\x9A\xD0\xBE\xD0\xB4", "\xD0\xBA\xD0\xBE\xD0\xB4");
}

static void
verbs_and_plurals_lose_their_endings(void **state)
{
    static const char *const pairs[][2] = {
        {"query", "queries"}, {"debug", "debugging"},
        {"test", "tests"},    {"class", "classes"},
        {"code", "coding"},   {"refactor", "refactored"},
        {"pass", "passing"},  {"schema", "schemas"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(pairs); i++)
        assert_same(pairs[i][0], pairs[i][1]);
}

static void
different_words_stay_apart(void **state)
{
    (void)state;
    assert_other("good", "go");
    assert_other("improve", "pr");
    assert_other("string", "str1ng");
    assert_other("c", "c++");
    assert_other("c#", "c++");
    assert_other("this", "thi");
    assert_other("bring", "br");
}

static void
punctuation_separates_and_apostrophes_do_not(void **state)
{
    uint64_t keys[WORDS_MAX];
    (void)state;
    assert_same("unit-test", "unit test");
    assert_same("don't", "dont");
    assert_same("don\xE2\x80\x99t", "dont");
    assert_int_equal(keys_of("'quoted' a.b_c", keys), 4);
    assert_int_equal(keys_of(" \t.,;!? ", keys), 0);
}

static void
every_ideograph_is_a_word(void **state)
{
    uint64_t keys[WORDS_MAX];
    (void)state;
    assert_int_equal(keys_of("\xE5\x86\x99\xE8\xAF\x97 a", keys), 3);
    assert_int_equal(keys_of("ab\xE8\xAF\x97"
                             "cd",
                             keys),
                     3);
}

static void
a_very_long_word_is_one_word(void **state)
{
    static char text[9000];
    struct words words;
    struct word word;

    (void)state;
    memset(text, 'x', sizeof(text));
    words_init(&words, slice_make(text, sizeof(text)));
    assert_true(words_next(&words, &word));
    assert_int_equal(word.start, 0);
    assert_int_equal(word.end, sizeof(text));
    assert_false(words_next(&words, &word));
}

static void
malformed_utf8_separates(void **state)
{
    uint64_t keys[WORDS_MAX];
    (void)state;
    assert_int_equal(keys_of("ab\xFF"
                             "cd\xC3",
                             keys),
                     2);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forms_of_a_word_share_a_key),
        cmocka_unit_test(case_and_accents_do_not_matter),
        cmocka_unit_test(verbs_and_plurals_lose_their_endings),
        cmocka_unit_test(different_words_stay_apart),
        cmocka_unit_test(punctuation_separates_and_apostrophes_do_not),
        cmocka_unit_test(every_ideograph_is_a_word),
        cmocka_unit_test(a_very_long_word_is_one_word),
        cmocka_unit_test(malformed_utf8_separates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
