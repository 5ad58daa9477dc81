/* router/classify: tests/tables/classify.tsv, the outside yardstick when it
 * is there, and the promises of the header. */
#include <stdarg.h>
#include <stddef.h>

#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include "router/classify.h"
#include "tests/router/table_kit.h"

#define YARDSTICK SS_SOURCE_DIR "/../shared/prompts/labelled.tsv"
/* A floor under what this model reaches there (0.77), not a wish. */
#define YARDSTICK_ACCURACY 0.70

struct fixture {
    struct arena *arena;
    const struct classifier *classifier;
};

static int
set_up(void **state)
{
    static struct fixture fixture;
    fixture.arena = arena_new(16 << 20);
    fixture.classifier = classify_new(fixture.arena);
    *state = &fixture;
    return fixture.classifier == NULL;
}

static int
tear_down(void **state)
{
    struct fixture *fixture = *state;
    arena_free(&fixture->arena);
    return 0;
}

static struct classification
classify(struct fixture *fixture, struct slice task)
{
    struct classification found;
    classify_text(fixture->classifier, task, &found);
    return found;
}

/* The two characters \n of a row as a line break. */
static struct slice
unfold(struct slice text, char *out)
{
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        bool is_break =
            text.ptr[i] == '\\' && i + 1 < text.len && text.ptr[i + 1] == 'n';
        out[len] = text.ptr[i];
        if (is_break)
            out[len] = '\n';
        len++;
        i += is_break;
    }
    return slice_make(out, len);
}

static void
check_row(void *context, const struct slice *columns, size_t count)
{
    char task[1024];
    enum category want;

    assert_int_equal(count, 3);
    assert_true(columns[1].len < sizeof(task));
    assert_true(category_find(columns[0], &want));
    struct classification found = classify(context, unfold(columns[1], task));
    if (found.category != want)
        fail_msg("%.*s is %s, not %s (%.*s)", SLICE_ARG(columns[1]),
                 category_name(found.category), category_name(want),
                 SLICE_ARG(columns[2]));
}

static void
every_row_of_classify_tsv_gets_its_category(void **state)
{
    table_kit_rows("classify.tsv", *state, check_row);
}

static void
a_category_name_is_certain(void **state)
{
    struct classification found = classify(*state, SLICE(" FAST-cheap "));
    assert_int_equal(found.category, CATEGORY_FAST_CHEAP);
    assert_true(found.margin == CLASSIFY_CERTAIN);
    assert_int_equal(found.evidence_count, 1);
}

static void
the_evidence_is_words_of_the_task_loudest_first(void **state)
{
    struct slice task = SLICE("Please write a function that adds two numbers");
    struct classification found = classify(*state, task);
    assert_int_equal(found.category, CATEGORY_CODING);
    assert_true(found.evidence_count >= 2);
    assert_true(slice_eq(found.evidence[0], SLICE("function")) ||
                slice_eq(found.evidence[0], SLICE("write a function")));
    for (size_t i = 0; i < found.evidence_count; i++)
        assert_true(slice_find(task, found.evidence[i]) >= 0);
    assert_true(found.margin > 1.0);
}

static void
an_empty_task_is_general_without_evidence(void **state)
{
    struct classification found = classify(*state, SLICE(""));
    assert_int_equal(found.category, CATEGORY_GENERAL);
    assert_int_equal(found.evidence_count, 0);
}

/* Filled with `pasted` again and again after the request. */
static struct slice
paste_after(struct slice request, struct slice pasted, char *out, size_t size)
{
    size_t len = request.len;
    memcpy(out, request.ptr, request.len);
    while (len + pasted.len <= size) {
        memcpy(out + len, pasted.ptr, pasted.len);
        len += pasted.len;
    }
    return slice_make(out, len);
}

static void
eight_kilobytes_of_pasted_log_do_not_drown_the_request(void **state)
{
    static char text[CLASSIFY_BYTES_MAX];
    struct slice task = paste_after(
        SLICE("Write a haiku about this log.\n\n"),
        SLICE("Traceback: TypeError in function main, python script api.py\n"),
        text, sizeof(text));
    assert_int_equal(classify(*state, task).category, CATEGORY_CREATIVE);
}

static void
a_fence_left_open_does_not_drown_the_request(void **state)
{
    static char text[CLASSIFY_BYTES_MAX];
    struct slice task =
        paste_after(SLICE("Write a haiku about this:\n```\n"),
                    SLICE("int main(void) { return 1; } /* function */\n"),
                    text, sizeof(text));
    assert_int_equal(classify(*state, task).category, CATEGORY_CREATIVE);
}

static void
what_lies_beyond_the_limit_is_not_read(void **state)
{
    static char text[2 * CLASSIFY_BYTES_MAX];
    memset(text, ' ', sizeof(text));
    memcpy(text + CLASSIFY_BYTES_MAX, "poem", sizeof("poem") - 1);
    assert_int_equal(classify(*state, slice_make(text, sizeof(text))).category,
                     CATEGORY_GENERAL);
}

static void
broken_utf8_and_nul_bytes_are_read_around(void **state)
{
    struct slice task = SLICE("\xFF\xC3 write\0a function\xE2\x82");
    assert_int_equal(classify(*state, task).category, CATEGORY_CODING);
}

static void
the_same_text_is_always_the_same(void **state)
{
    struct slice task = SLICE("Compare these two photos of our product");
    struct classification first = classify(*state, task);
    struct classification second = classify(*state, task);
    assert_memory_equal(first.sums, second.sums, sizeof(first.sums));
    assert_int_equal(first.category, second.category);
}

struct tally {
    struct fixture *fixture;
    size_t right, all;
};

static void
tally_line(struct tally *tally, struct slice line)
{
    struct slice source;
    struct slice name;
    enum category want;
    if (!slice_split(&line, '\t', &source) ||
        !slice_split(&line, '\t', &name) || !category_find(name, &want))
        return;
    struct classification found = classify(tally->fixture, line);
    tally->all++;
    tally->right += found.category == want;
}

static void
prompts_that_others_labelled_are_mostly_right(void **state)
{
    struct tally tally = {.fixture = *state};
    char *line = NULL;
    size_t capacity = 0;
    ssize_t len = 0;
    FILE *file = fopen(YARDSTICK, "r");
    if (file == NULL) {
        print_message("skipped: no " YARDSTICK "\n");
        skip();
    }
    while ((len = getline(&line, &capacity, file)) > 0)
        tally_line(&tally, slice_trim(slice_make(line, (size_t)len)));
    free(line);
    (void)fclose(file);
    print_message("%zu of %zu\n", tally.right, tally.all);
    assert_true((double)tally.right >= YARDSTICK_ACCURACY * (double)tally.all);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_of_classify_tsv_gets_its_category),
        cmocka_unit_test(a_category_name_is_certain),
        cmocka_unit_test(the_evidence_is_words_of_the_task_loudest_first),
        cmocka_unit_test(an_empty_task_is_general_without_evidence),
        cmocka_unit_test(
            eight_kilobytes_of_pasted_log_do_not_drown_the_request),
        cmocka_unit_test(a_fence_left_open_does_not_drown_the_request),
        cmocka_unit_test(what_lies_beyond_the_limit_is_not_read),
        cmocka_unit_test(broken_utf8_and_nul_bytes_are_read_around),
        cmocka_unit_test(the_same_text_is_always_the_same),
        cmocka_unit_test(prompts_that_others_labelled_are_mostly_right),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
