/* The call table: rows are complete, unique and point at real methods. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "services/api/call_table.h"
#include "services/api/fields.h"
#include "services/api/names.h"

#include <string.h>

#define NESTING_MAX 16

static void
a_route_finds_its_row(void **state)
{
    const char *verbs;
    const struct api_call *call =
        call_table_route(SLICE("GET"), SLICE("/pick"), &verbs);

    (void)state;
    assert_non_null(call);
    assert_string_equal(call->command, "pick");
    assert_string_equal(call->service->name, "ss.Router");
    assert_string_equal(call->service->methods[call->method].name, "Pick");
    assert_string_equal(call_input(call)->name, "ss.PickRequest");
    assert_string_equal(call_output(call)->name, "ss.PickReply");
    assert_string_equal(verbs, "GET, HEAD, OPTIONS");
}

static void
the_methods_are_those_that_the_rows_name(void **state)
{
    static const struct {
        const char *route, *method;
    } expected[] = {
        {"/recommend", "Recommend"},
        {"/compare", "Compare"},
        {"/models", "Models"},
        {"/decompose", "Decompose"},
        {"/swarm", "Swarm"},
        {"/roles/compose", "ComposeRole"},
        {"/roles/blocks", "RoleBlocks"},
        {"/status", "State"},
        {"/refresh", "Refresh"},
        {"/spawn-log", "LogSpawn"},
        {"/spawn-log/outcome", "RecordOutcome"},
        {"/spawn-log/scores", "PersonalScores"},
        {"/spawn-log/stats", "SpawnStats"},
        {"/community/report", "ReportCommunity"},
        {"/community/scores", "CommunityScores"},
    };
    size_t count;
    const struct api_call *calls = call_table(&count);

    (void)state;
    assert_int_equal(count, sizeof(expected) / sizeof(expected[0]) + 1);
    for (size_t i = 1; i < count; i++) {
        assert_string_equal(calls[i].route, expected[i - 1].route);
        assert_string_equal(calls[i].service->methods[calls[i].method].name,
                            expected[i - 1].method);
    }
}

static void
head_is_get(void **state)
{
    (void)state;
    assert_ptr_equal(call_table_route(SLICE("HEAD"), SLICE("/pick"), NULL),
                     call_table_route(SLICE("GET"), SLICE("/pick"), NULL));
}

static void
a_command_finds_its_row(void **state)
{
    (void)state;
    assert_string_equal(call_table_command(SLICE("rate"))->route,
                        "/spawn-log/outcome");
    assert_null(call_table_command(SLICE("ratex")));
    assert_null(call_table_command(SLICE("")));
}

static void
a_known_path_with_another_verb_tells_the_verbs(void **state)
{
    const char *verbs = NULL;

    (void)state;
    assert_null(call_table_route(SLICE("POST"), SLICE("/pick"), &verbs));
    assert_string_equal(verbs, "GET, HEAD, OPTIONS");
    assert_null(call_table_route(SLICE("GET"), SLICE("/refresh"), &verbs));
    assert_string_equal(verbs, "POST, OPTIONS");
    assert_null(call_table_route(SLICE("HEAD"), SLICE("/refresh"), &verbs));
}

static void
an_unknown_path_has_no_verbs(void **state)
{
    const char *verbs = "";

    (void)state;
    assert_null(call_table_route(SLICE("GET"), SLICE("/pick/"), &verbs));
    assert_null(verbs);
    assert_null(call_table_route(SLICE("GET"), SLICE(""), &verbs));
    assert_null(verbs);
}

static void
routes_and_names_are_unique_and_rows_complete(void **state)
{
    size_t count;
    const struct api_call *calls = call_table(&count);

    (void)state;
    for (size_t i = 0; i < count; i++) {
        const struct api_call *call = &calls[i];

        assert_true(call->method < call->service->n_methods);
        assert_true(call->route[0] == '/');
        assert_true(strlen(call->summary) > 10);
        for (size_t j = i + 1; j < count; j++) {
            assert_string_not_equal(call->route, calls[j].route);
            if (call->tool && calls[j].tool)
                assert_string_not_equal(call->tool, calls[j].tool);
            if (call->command && calls[j].command)
                assert_string_not_equal(call->command, calls[j].command);
        }
    }
}

static void
a_get_never_writes(void **state)
{
    size_t count;
    const struct api_call *calls = call_table(&count);

    (void)state;
    for (size_t i = 0; i < count; i++)
        if (strcmp(calls[i].verb, "GET") == 0)
            assert_true(calls[i].class == CALL_READ ||
                        calls[i].class == CALL_PRIVATE);
        else
            assert_string_equal(calls[i].verb, "POST");
}

/* What the transcoder relies on: no recursion, no oneof, short names. */
static void
check_type(const ProtobufCMessageDescriptor *type, unsigned depth)
{
    assert_true(depth < NESTING_MAX);
    for (unsigned i = 0; i < type->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &type->fields[i];

        assert_true(strlen(field->name) < NAMES_MAX - 1);
        assert_int_equal(field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF, 0);
        if (field->type == PROTOBUF_C_TYPE_MESSAGE)
            check_type(field->descriptor, depth + 1);
    }
}

static void
no_message_recurses_or_has_a_oneof(void **state)
{
    size_t count;
    const struct api_call *calls = call_table(&count);

    (void)state;
    for (size_t i = 0; i < count; i++) {
        check_type(call_input(&calls[i]), 0);
        check_type(call_output(&calls[i]), 0);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_route_finds_its_row),
        cmocka_unit_test(the_methods_are_those_that_the_rows_name),
        cmocka_unit_test(head_is_get),
        cmocka_unit_test(a_command_finds_its_row),
        cmocka_unit_test(a_known_path_with_another_verb_tells_the_verbs),
        cmocka_unit_test(an_unknown_path_has_no_verbs),
        cmocka_unit_test(routes_and_names_are_unique_and_rows_complete),
        cmocka_unit_test(a_get_never_writes),
        cmocka_unit_test(no_message_recurses_or_has_a_oneof),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
