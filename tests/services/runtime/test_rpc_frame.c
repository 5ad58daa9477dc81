/* Frames from outside: what is a header, what is a sound body. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "services/runtime/rpc_frame.h"

#include "router.pb-c.h"
#include "snapshot.pb-c.h"

#include <stdio.h>
#include <string.h>

static int
set_up(void **state)
{
    *state = arena_new(RPC_REQUEST_ARENA);
    return *state == NULL;
}

static int
tear_down(void **state)
{
    struct arena *arena = *state;
    arena_free(&arena);
    return 0;
}

static Ss__FrameHeader
make_request(void)
{
    static char method[] = "ss.Router/Pick";
    Ss__FrameHeader header = SS__FRAME_HEADER__INIT;
    header.kind = SS__FRAME_KIND__FRAME_REQ;
    header.version = RPC_VERSION;
    header.call_id = 42;
    header.method = method;
    return header;
}

static enum status
parse(struct arena *arena, const Ss__FrameHeader *header,
      Ss__FrameHeader **ret_header)
{
    static uint8_t bytes[16384];
    assert_true(ss__frame_header__get_packed_size(header) <= sizeof bytes);
    size_t len = ss__frame_header__pack(header, bytes);
    return rpc_frame_parse(slice_make((const char *)bytes, len), arena,
                           ret_header);
}

static enum status
unpack_pick(struct arena *arena, struct slice bytes,
            ProtobufCMessage **ret_message)
{
    return rpc_body_unpack(&ss__pick_request__descriptor, bytes, arena,
                           ret_message);
}

/* --- normal use ----------------------------------------------------------- */

static void
a_header_comes_out_as_it_went_in(void **state)
{
    Ss__FrameHeader header = make_request(), *out;
    char caller[] = "gatewayd-1", key[] = "colour", value[] = "bl\xc3\xbc";
    Ss__MetadataEntry entry = SS__METADATA_ENTRY__INIT, *entries = &entry;
    entry.key = key;
    entry.value = value;
    header.caller = caller;
    header.n_metadata = 1;
    header.metadata = &entries;
    assert_int_equal(parse(*state, &header, &out), STATUS_OK);
    assert_int_equal(out->call_id, 42);
    assert_string_equal(out->method, "ss.Router/Pick");
    assert_string_equal(out->caller, caller);
    assert_string_equal(out->metadata[0]->value, value);
}

static void
a_body_is_unpacked_into_the_arena(void **state)
{
    ProtobufCMessage *message;
    assert_int_equal(unpack_pick(*state,
                                 SLICE("\x0a\x03"
                                       "abc"),
                                 &message),
                     STATUS_OK);
    const Ss__PickRequest *pick = (const Ss__PickRequest *)message;
    assert_string_equal(pick->task, "abc");
    assert_true(arena_used(*state) > 0);
}

static void
an_empty_body_is_a_message_without_fields(void **state)
{
    ProtobufCMessage *message;
    assert_int_equal(unpack_pick(*state, SLICE(""), &message), STATUS_OK);
}

/* --- edges ---------------------------------------------------------------- */

static void
headers_break_at_each_rule(void **state)
{
    struct arena *arena = *state;
    char long_method[RPC_METHOD_MAX + 2], long_text[RPC_MESSAGE_MAX + 2];
    memset(long_method, 'a', sizeof long_method - 1);
    long_method[2] = '/';
    long_method[sizeof long_method - 1] = '\0';
    memset(long_text, 'a', sizeof long_text - 1);
    long_text[sizeof long_text - 1] = '\0';
    char newline[] = "a\nb", delete[] = "a\x7f", latin[] = "\xe9",
         c1[] = "\xc2\x85", no_slash[] = "ss.Router", ends[] = "ss.Router/",
         begins[] = "/Pick", two[] = "ss.Router/Pick/x", empty[] = "";
    const struct {
        const char *why;
        char *method, *caller, *message;
        uint32_t version;
        int kind;
    } rows[] = {
        {"another version", NULL, NULL, NULL, 2, 1},
        {"version 0", NULL, NULL, NULL, 0, 1},
        {"kind 0", NULL, NULL, NULL, 1, 0},
        {"kind 7", NULL, NULL, NULL, 1, 7},
        {"method too long", long_method, NULL, NULL, 1, 1},
        {"method without slash", no_slash, NULL, NULL, 1, 1},
        {"method without name", ends, NULL, NULL, 1, 1},
        {"method without service", begins, NULL, NULL, 1, 1},
        {"method with two slashes", two, NULL, NULL, 1, 1},
        {"empty method", empty, NULL, NULL, 1, 1},
        {"newline", NULL, newline, NULL, 1, 1},
        {"DEL", NULL, delete, NULL, 1, 1},
        {"C1 control", NULL, c1, NULL, 1, 1},
        {"Latin-1", NULL, latin, NULL, 1, 1},
        {"message too long", NULL, NULL, long_text, 1, 2},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        Ss__FrameHeader header = make_request(), *out = NULL;
        header.kind = (Ss__FrameKind)rows[i].kind;
        header.version = rows[i].version;
        if (rows[i].method != NULL)
            header.method = rows[i].method;
        header.caller = rows[i].caller;
        header.message = rows[i].message;
        arena_reset(arena);
        if (parse(arena, &header, &out) != STATUS_INVALID_ARGUMENT)
            fail_msg("accepted: %s", rows[i].why);
        assert_null(out);
    }
}

static void
a_header_has_at_most_16_metadata_entries(void **state)
{
    char text[] = "x";
    Ss__MetadataEntry entry = SS__METADATA_ENTRY__INIT;
    Ss__MetadataEntry *entries[RPC_METADATA_MAX + 1];
    Ss__FrameHeader header = make_request(), *out;
    entry.key = entry.value = text;
    for (size_t i = 0; i <= RPC_METADATA_MAX; i++)
        entries[i] = &entry;
    header.metadata = entries;
    header.n_metadata = RPC_METADATA_MAX;
    assert_int_equal(parse(*state, &header, &out), STATUS_OK);
    header.n_metadata++;
    assert_int_equal(parse(*state, &header, &out), STATUS_INVALID_ARGUMENT);
}

static void
a_header_larger_than_its_maximum_is_refused(void **state)
{
    static char key[RPC_HEADER_MAX + 1];
    Ss__FrameHeader header = make_request(), *out;
    header.idempotency_key = key;
    size_t fixed = ss__frame_header__get_packed_size(&header);
    memset(key, 'a', RPC_HEADER_MAX - fixed - 1); /* its length: 2 bytes */
    assert_int_equal(ss__frame_header__get_packed_size(&header),
                     RPC_HEADER_MAX);
    assert_int_equal(parse(*state, &header, &out), STATUS_OK);
    key[strlen(key)] = 'a';
    assert_int_equal(parse(*state, &header, &out), STATUS_INVALID_ARGUMENT);
}

static void
texts_are_cleaned_to_fit_a_header(void **state)
{
    (void)state;
    static const struct {
        const char *in, *expected;
        size_t size;
    } rows[] = {
        {"plain", "plain", 16},
        {"", "", 16},
        {"two\nlines\t.", "two lines .", 16},
        {"cut here", "cut", 4},
        {"\xc3\xa9\xc3\xa9", "\xc3\xa9", 4}, /* between characters */
        {"\xff\xfe!", "\?\?!", 16},
        {"\xef\xbf\xbd", "\xef\xbf\xbd", 16}, /* U+FFFD itself stays */
        {"\xc2\x85", " ", 16},
        {"abc", "", 1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char out[16];
        rpc_frame_clean_text(rows[i].in, out, rows[i].size);
        assert_string_equal(out, rows[i].expected);
    }
}

static void
types_know_how_deep_they_are(void **state)
{
    (void)state;
    assert_int_equal(rpc_body_depth(&ss__health_request__descriptor), 1);
    assert_int_equal(rpc_body_depth(&ss__watch_request__descriptor), 2);
    assert_true(rpc_body_depth(&ss__table_snapshot__descriptor) >= 4);
    /* A message within itself has no depth. */
    static ProtobufCFieldDescriptor field;
    static ProtobufCMessageDescriptor within;
    field = (ProtobufCFieldDescriptor){.type = PROTOBUF_C_TYPE_MESSAGE,
                                       .descriptor = &within};
    within = (ProtobufCMessageDescriptor){.n_fields = 1, .fields = &field};
    assert_int_equal(rpc_body_depth(&within), 0);
}

/* --- failures ------------------------------------------------------------- */

static void
texts_that_are_not_utf8_or_hold_nul_are_refused_everywhere(void **state)
{
    static const struct {
        struct slice bytes;
        const char *why;
    } rows[] = {
        {{"\x0a\x02\xc0\xaf", 4}, "overlong, in a text"},
        {{"\x0a\x03"
          "a\0b",
          5},
         "NUL inside a text"},
        {{"\x0a\x01\0", 3}, "nothing but NUL"},
        {{"\x22\x02ok\x22\x01\xff", 7}, "second of a list"},
    };
    ProtobufCMessage *message = NULL;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        arena_reset(*state);
        if (unpack_pick(*state, rows[i].bytes, &message) !=
            STATUS_INVALID_ARGUMENT)
            fail_msg("accepted: %s", rows[i].why);
    }
    /* Two levels down: TableSnapshot.catalog.models[0].id. */
    char deep[] = "\x08\x00\x10\x00\x19\0\0\0\0\0\0\0\0"
                  "\x22\x14\x08\x00\x11\0\0\0\0\0\0\0\0"
                  "\x1a\x07\x0a\x02ok\x12\x01n";
    struct slice bytes = slice_make(deep, sizeof deep - 1);
    assert_int_equal(rpc_body_unpack(&ss__table_snapshot__descriptor, bytes,
                                     *state, &message),
                     STATUS_OK);
    deep[sizeof deep - 2] = '\xff';
    assert_int_equal(rpc_body_unpack(&ss__table_snapshot__descriptor, bytes,
                                     *state, &message),
                     STATUS_INVALID_ARGUMENT);
}

static void
a_body_that_does_not_fit_the_arena_is_exhausted(void **state)
{
    (void)state;
    struct arena *small = arena_new(4096);
    static char bytes[8192];
    ProtobufCMessage *message = NULL;
    size_t len = 0;
    while (len + 3 <= sizeof bytes) { /* 2,730 texts of one byte */
        bytes[len++] = '\x22';
        bytes[len++] = '\x01';
        bytes[len++] = 'x';
    }
    assert_int_equal(unpack_pick(small, slice_make(bytes, len), &message),
                     STATUS_RESOURCE_EXHAUSTED);
    assert_null(message);
    arena_free(&small);
}

static void
every_cut_of_a_header_is_refused_or_sound(void **state)
{
    Ss__FrameHeader header = make_request(), *out;
    uint8_t bytes[256];
    header.has_timeout_ms = true;
    header.timeout_ms = 1000;
    size_t len = ss__frame_header__pack(&header, bytes);
    size_t sound = 0;
    for (size_t cut = 0; cut <= len; cut++) {
        arena_reset(*state);
        sound += rpc_frame_parse(slice_make((const char *)bytes, cut), *state,
                                 &out) == STATUS_OK;
    }
    assert_int_equal(sound, 2); /* all of it, and without the timeout */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_header_comes_out_as_it_went_in),
        TEST(a_body_is_unpacked_into_the_arena),
        TEST(an_empty_body_is_a_message_without_fields),
        TEST(headers_break_at_each_rule),
        TEST(a_header_has_at_most_16_metadata_entries),
        TEST(a_header_larger_than_its_maximum_is_refused),
        TEST(texts_are_cleaned_to_fit_a_header),
        TEST(types_know_how_deep_they_are),
        TEST(texts_that_are_not_utf8_or_hold_nul_are_refused_everywhere),
        TEST(a_body_that_does_not_fit_the_arena_is_exhausted),
        TEST(every_cut_of_a_header_is_refused_or_sound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
