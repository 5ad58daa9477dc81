/* The transcoder, by a table of inputs and by hand-made messages.
 *
 * The table's outcome is the message written back as JSON without its unset
 * fields and empty lists, or the error's code and message (a '*' at the end
 * stands for anything). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/base/check.h"
#include "core/base/json_in.h"
#include "core/base/json_out.h"
#include "core/base/text.h"
#include "services/api/transcode.h"
#include "services/runtime/home.h"

#include "feedback.pb-c.h"
#include "router.pb-c.h"
#include "tenants.pb-c.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TABLE_MAX (1 << 20)
#define COLUMNS 5

static const ProtobufCMessageDescriptor *const types[] = {
    &ss__pick_request__descriptor,
    &ss__decompose_request__descriptor,
    &ss__swarm_request__descriptor,
    &ss__record_outcome_request__descriptor,
    &ss__compose_role_request__descriptor,
    &ss__price_bounds__descriptor,
    &ss__interval__descriptor,
    &ss__pick__descriptor,
    &ss__meta__descriptor,
    &ss__model__descriptor,
    &ss__tenant_key__descriptor,
};

static const ProtobufCMessageDescriptor *
type_named(struct slice name)
{
    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        if (slice_eq(slice_of(types[i]->short_name), name))
            return types[i];
    fail_msg("the table names an unknown message: %.*s", SLICE_ARG(name));
    return NULL;
}

/* Copy a JSON value without nulls and empty lists and objects. */
static void copy_set(const struct json *value, struct json_out *out);

static bool
is_empty(const struct json *value)
{
    enum json_kind kind = json_kind(value);

    if (kind == JSON_KIND_ARRAY || kind == JSON_KIND_OBJECT)
        return json_count(value) == 0;
    return kind == JSON_KIND_NULL;
}

static void
copy_object(const struct json *object, struct json_out *out)
{
    const struct json *member;
    void *iterator = NULL;
    struct slice key;

    json_out_object(out);
    while (json_next(object, &iterator, &key, &member)) {
        if (is_empty(member))
            continue;
        json_out_key(out, key);
        copy_set(member, out);
    }
    json_out_object_end(out);
}

static void
copy_set(const struct json *value, struct json_out *out)
{
    struct slice text;
    double number;
    int64_t whole;
    bool flag;

    if (json_kind(value) == JSON_KIND_OBJECT) {
        copy_object(value, out);
    } else if (json_kind(value) == JSON_KIND_ARRAY) {
        json_out_list(out);
        for (size_t i = 0; i < json_count(value); i++)
            copy_set(json_at(value, i), out);
        json_out_list_end(out);
    } else if (json_text(value, &text)) {
        json_out_text(out, text);
    } else if (json_i64(value, &whole)) {
        json_out_i64(out, whole);
    } else if (json_double(value, &number)) {
        json_out_double(out, number);
    } else if (json_bool(value, &flag)) {
        json_out_bool(out, flag);
    } else {
        json_out_null(out);
    }
}

/* What the transcoder makes of an input, as the table writes it. */
static void
outcome_of(struct slice type, bool is_json, struct slice input, struct buf *out)
{
    struct arena *arena = arena_new(1 << 20);
    struct transcode_error error = {"", ""};
    ProtobufCMessage *message = NULL;
    enum status status;

    if (is_json)
        status =
            transcode_json(type_named(type), input, arena, &message, &error);
    else
        status =
            transcode_query(type_named(type), input, arena, &message, &error);
    if (status == STATUS_OK) {
        char why[JSON_ERROR_MAX];
        struct json *document;
        struct json_out json;
        struct buf whole;

        buf_init(&whole, 1 << 20);
        transcode_write(message, &whole);
        assert_true(buf_ok(&whole));
        if (json_parse(buf_slice(&whole), why, &document) != STATUS_OK)
            fail_msg("not JSON: %s: %s", why, buf_text(&whole));
        json_out_init(&json, out);
        copy_set(document, &json);
        json_free(&document);
        buf_fini(&whole);
    } else {
        assert_int_equal(status, STATUS_INVALID_ARGUMENT);
        assert_null(message);
        buf_putf(out, "%s %s", error.code, error.message);
    }
    arena_free(&arena);
}

static bool
outcome_fits(struct slice got, struct slice expected)
{
    if (slice_ends(expected, SLICE("*")))
        return slice_starts(got, slice_cut(expected, 0, expected.len - 1));
    return slice_eq(got, expected);
}

static void
input_becomes_what_the_table_says(void **state)
{
    char *bytes;
    size_t len, rows = 0, wrong = 0;
    struct slice rest, line;

    (void)state;
    assert_int_equal(home_read_file(SS_SOURCE_DIR
                                    "/tests/tables/http_transcode.tsv",
                                    TABLE_MAX, &bytes, &len),
                     STATUS_OK);
    rest = slice_make(bytes, len);
    while (slice_split(&rest, '\n', &line)) {
        struct slice columns[COLUMNS];
        struct buf got;
        size_t count = 0;

        if (line.len == 0 || line.ptr[0] == '#')
            continue;
        while (count < COLUMNS && slice_split(&line, '\t', &columns[count]))
            count++;
        assert_int_equal(count, COLUMNS);
        buf_init(&got, 1 << 20);
        outcome_of(columns[0], slice_eq(columns[1], SLICE("json")), columns[2],
                   &got);
        if (!outcome_fits(buf_slice(&got), columns[3])) {
            print_error("%.*s %.*s\n  got      %s\n  expected %.*s\n",
                        SLICE_ARG(columns[0]), SLICE_ARG(columns[2]),
                        buf_text(&got), SLICE_ARG(columns[3]));
            wrong++;
        }
        buf_fini(&got);
        rows++;
    }
    free(bytes);
    assert_true(rows > 60);
    assert_int_equal(wrong, 0);
}

static void
expect_json(const ProtobufCMessage *message, const char *expected)
{
    struct buf out;

    buf_init(&out, 1 << 16);
    transcode_write(message, &out);
    assert_true(buf_ok(&out));
    assert_string_equal(buf_text(&out), expected);
    buf_fini(&out);
}

static void
an_unset_scalar_is_null_and_an_unset_message_is_left_out(void **state)
{
    Ss__ChosenModel model = SS__CHOSEN_MODEL__INIT;

    (void)state;
    model.id = (char[]){"a/b"};
    expect_json(&model.base, "{\"id\":\"a/b\",\"name\":null,"
                             "\"provider\":null,\"score\":null}");
}

static void
an_unset_decimal_or_time_is_null_like_a_scalar(void **state)
{
    Ss__Decimal zero = SS__DECIMAL__INIT;
    Ss__PriceBounds bounds = SS__PRICE_BOUNDS__INIT;

    (void)state;
    bounds.min = &zero;
    expect_json(&bounds.base, "{\"min\":0,\"max\":null}");
}

static void
a_pick_prints_in_field_order_with_exact_prices(void **state)
{
    Ss__Decimal prompt = SS__DECIMAL__INIT, completion = SS__DECIMAL__INIT;
    Ss__Pricing pricing = SS__PRICING__INIT;
    Ss__ChosenModel model = SS__CHOSEN_MODEL__INIT;

    (void)state;
    prompt.nanos = 400000000;
    completion.nanos = 1200000000;
    pricing.prompt = &prompt;
    pricing.completion = &completion;
    model.id = (char[]){"deepseek/x"};
    model.name = (char[]){"Deep \"Seek\""};
    model.has_score = 1;
    model.score = 81.25;
    model.pricing = &pricing;
    expect_json(&model.base,
                "{\"id\":\"deepseek/x\",\"name\":\"Deep \\\"Seek\\\"\","
                "\"provider\":null,\"score\":81.25,"
                "\"pricing\":{\"prompt\":0.4,\"completion\":1.2}}");
}

static void
entries_print_as_an_object_even_when_there_are_none(void **state)
{
    Ss__CountEntry one = SS__COUNT_ENTRY__INIT, two = SS__COUNT_ENTRY__INIT;
    Ss__CountEntry *entries[] = {&one, &two};
    Ss__SpawnStats stats = SS__SPAWN_STATS__INIT;

    (void)state;
    one.key = (char[]){"a/b"};
    one.value = 3;
    two.key = (char[]){"c"};
    two.value = UINT64_C(18446744073709551615);
    stats.n_by_model = 2;
    stats.by_model = entries;
    expect_json(&stats.base,
                "{\"totalSpawns\":null,\"byModel\":{\"a/b\":3,"
                "\"c\":18446744073709551615},\"byCategory\":{},\"byMode\":{},"
                "\"totalEstimatedCost\":null,\"savings\":null,"
                "\"since\":null,\"daily\":[]}");
}

static void
a_list_of_messages_and_of_enums_prints_as_lists(void **state)
{
    Ss__Category categories[] = {SS__CATEGORY__CATEGORY_FAST_CHEAP,
                                 SS__CATEGORY__CATEGORY_GENERAL};
    Ss__Model model = SS__MODEL__INIT;
    Ss__Model *models[] = {&model};
    Ss__ModelsReply reply = SS__MODELS_REPLY__INIT;
    struct buf out;

    (void)state;
    model.id = (char[]){"a/b"};
    model.n_categories = 2;
    model.categories = categories;
    reply.n_data = 1;
    reply.data = models;
    buf_init(&out, 1 << 16);
    transcode_write(&reply.base, &out);
    assert_non_null(strstr(buf_text(&out), "{\"data\":[{\"id\":\"a/b\","));
    assert_non_null(
        strstr(buf_text(&out), "\"categories\":[\"fast-cheap\",\"general\"],"));
    assert_null(strstr(buf_text(&out), "meta"));
    buf_fini(&out);
}

static void
an_enum_value_of_a_newer_peer_is_null(void **state)
{
    Ss__RecordedOutcome recorded = SS__RECORDED_OUTCOME__INIT;

    (void)state;
    recorded.recorded = 1;
    recorded.has_category = 1;
    recorded.category = (Ss__Category)99;
    expect_json(&recorded.base, "{\"recorded\":true,\"model\":null,"
                                "\"category\":null,\"rating\":null}");
}

static void
numbers_that_json_cannot_say_are_null(void **state)
{
    Ss__CostRange range = SS__COST_RANGE__INIT;

    (void)state;
    range.has_low = 1;
    range.low = (double)NAN;
    range.has_high = 1;
    range.high = (double)INFINITY;
    expect_json(&range.base, "{\"low\":null,\"high\":null}");
}

static void
a_time_outside_the_calendar_is_null(void **state)
{
    Ss__Timestamp time = SS__TIMESTAMP__INIT;
    Ss__RouterState router = SS__ROUTER_STATE__INIT;
    struct buf out;

    (void)state;
    router.status = (char[]){"ok"};
    time.ms = INT64_MAX;
    router.table_time = &time;
    buf_init(&out, 1 << 16);
    transcode_write(&router.base, &out);
    assert_non_null(strstr(buf_text(&out), "\"tableTime\":null"));
    buf_fini(&out);
}

static void
output_past_its_maximum_fails_the_buffer(void **state)
{
    Ss__ChosenModel model = SS__CHOSEN_MODEL__INIT;
    struct buf out;

    (void)state;
    model.id = (char[]){"a/b"};
    buf_init(&out, 8);
    transcode_write(&model.base, &out);
    assert_false(buf_ok(&out));
    buf_fini(&out);
}

static void
a_list_past_its_maximum_is_refused(void **state)
{
    struct arena *arena = arena_new(1 << 20);
    struct transcode_error error;
    ProtobufCMessage *message;
    struct buf query;

    (void)state;
    buf_init(&query, 1 << 20);
    buf_put_text(&query, "exclude=");
    for (int i = 0; i <= TRANSCODE_ITEMS_MAX; i++)
        buf_put_text(&query, "a,");
    assert_int_equal(transcode_query(&ss__pick_request__descriptor,
                                     buf_slice(&query), arena, &message,
                                     &error),
                     STATUS_INVALID_ARGUMENT);
    assert_string_equal(error.message, "exclude has too many items");
    buf_fini(&query);
    arena_free(&arena);
}

static void
a_full_arena_is_resource_exhausted(void **state)
{
    struct arena *arena = arena_new(64);
    struct transcode_error error;
    ProtobufCMessage *message;

    (void)state;
    assert_int_equal(transcode_query(&ss__pick_request__descriptor,
                                     SLICE("task=x"), arena, &message, &error),
                     STATUS_RESOURCE_EXHAUSTED);
    arena_free(&arena);
}

static void
pairs_of_the_command_line_are_read_like_a_query(void **state)
{
    struct arena *arena = arena_new(1 << 16);
    const struct transcode_pair pairs[] = {
        {SLICE("task"), SLICE("a 100% + b")},
        {SLICE("minContext"), SLICE("5")},
    };
    struct transcode_error error;
    ProtobufCMessage *message;
    Ss__PickRequest *request;

    (void)state;
    assert_int_equal(
        transcode_pairs(&ss__pick_request__descriptor,
                        (struct transcode_pairs){pairs, ARRAY_LEN(pairs)},
                        arena, &message, &error),
        STATUS_OK);
    request = (Ss__PickRequest *)message;
    assert_string_equal(request->task, "a 100% + b");
    assert_true(request->has_min_context);
    assert_int_equal(request->min_context, 5);
    assert_false(request->has_budget);
    arena_free(&arena);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(input_becomes_what_the_table_says),
        cmocka_unit_test(
            an_unset_scalar_is_null_and_an_unset_message_is_left_out),
        cmocka_unit_test(an_unset_decimal_or_time_is_null_like_a_scalar),
        cmocka_unit_test(a_pick_prints_in_field_order_with_exact_prices),
        cmocka_unit_test(entries_print_as_an_object_even_when_there_are_none),
        cmocka_unit_test(a_list_of_messages_and_of_enums_prints_as_lists),
        cmocka_unit_test(pairs_of_the_command_line_are_read_like_a_query),
        cmocka_unit_test(an_enum_value_of_a_newer_peer_is_null),
        cmocka_unit_test(numbers_that_json_cannot_say_are_null),
        cmocka_unit_test(a_time_outside_the_calendar_is_null),
        cmocka_unit_test(output_past_its_maximum_fails_the_buffer),
        cmocka_unit_test(a_list_past_its_maximum_is_refused),
        cmocka_unit_test(a_full_arena_is_resource_exhausted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
