/* Query strings: any bytes give a message or an error that can be shown; the
 * same pairs, decoded before, give the same.
 * links: services_api
 * options: -max_len=512
 * The first byte chooses the message. */
#include "tests/fuzz/transcode_check.h"

#include "router.pb-c.h"

#define PAIRS_MAX 64

static const ProtobufCMessageDescriptor *const types[] = {
    &ss__pick_request__descriptor,    &ss__models_request__descriptor,
    &ss__compare_request__descriptor, &ss__interval__descriptor,
    &ss__price_bounds__descriptor,    &ss__meta__descriptor,
};

/* What a command line would give for the query; false when it cannot be
 * decoded, or has more pairs than are tried here. */
static bool
decode_pairs(struct slice query, struct arena *arena,
             struct transcode_pairs *ret_pairs)
{
    struct transcode_pair *pairs =
        ARENA_ARRAY(arena, struct transcode_pair, PAIRS_MAX);
    struct slice part;
    *ret_pairs = (struct transcode_pairs){.items = pairs};
    while (slice_split(&query, '&', &part)) {
        ptrdiff_t equals = slice_find(part, SLICE("="));
        size_t end = equals < 0 ? part.len : (size_t)equals;
        struct transcode_pair pair;
        if (part.len == 0)
            continue;
        if (ret_pairs->count == PAIRS_MAX ||
            text_percent_decode(arena, slice_cut(part, 0, end), true,
                                &pair.name) != STATUS_OK ||
            text_percent_decode(arena, slice_cut(part, end + 1, part.len), true,
                                &pair.value) != STATUS_OK)
            return false;
        pairs[ret_pairs->count++] = pair;
    }
    return true;
}

static void
check_pairs(const ProtobufCMessageDescriptor *type, struct slice query,
            enum status expected, struct slice expected_text)
{
    static struct arena *kept;
    struct arena *arena = fuzz_arena(&kept, 4 << 20);
    struct transcode_pairs pairs;
    struct transcode_error error = {"", ""};
    ProtobufCMessage *message;
    struct buf json;
    if (!decode_pairs(query, arena, &pairs))
        return;
    enum status status = transcode_pairs(type, pairs, arena, &message, &error);
    CHECK(status == expected);
    if (status != STATUS_OK) {
        CHECK(slice_eq(slice_of(error.message), expected_text));
        return;
    }
    buf_init(&json, TRANSCODE_PRINTED_MAX);
    transcode_write(message, &json);
    CHECK(slice_eq(buf_slice(&json), expected_text));
    buf_fini(&json);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct arena *kept;
    struct arena *arena = fuzz_arena(&kept, 4 << 20);
    struct slice text = fuzz_slice(data, size);
    struct transcode_error error = {"", ""};
    ProtobufCMessage *message = NULL;
    struct buf json;
    const ProtobufCMessageDescriptor *type =
        transcode_type((size_t)fuzz_number(&text, 1), types, ARRAY_LEN(types));
    enum status status = transcode_query(type, text, arena, &message, &error);
    if (status != STATUS_OK) {
        CHECK(message == NULL);
        transcode_check_error(status, &error);
        check_pairs(type, text, status, slice_of(error.message));
        return 0;
    }
    buf_init(&json, TRANSCODE_PRINTED_MAX);
    transcode_check_message(message, &json);
    check_pairs(type, text, status, buf_slice(&json));
    buf_fini(&json);
    return 0;
}
