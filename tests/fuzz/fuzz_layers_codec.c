/* links: proto
 * options: -max_len=2048
 * Any bytes as layers and as a delta of them: what is read can be sent on, a
 * merge keeps the order, takes the delta's side and does nothing twice.
 *
 * The input is a whole (a text) and the rest a delta; the whole's bytes are
 * tried as a delta too. */
#include "proto/layers_codec.h"
#include "tests/fuzz/fuzz.h"

#define ENCODED_MAX (1 << 26)

typedef enum status (*encode_fn)(const struct layers *, struct buf *);
typedef enum status (*decode_fn)(struct slice, struct layers **);

static void
check_order(const struct layers *layers, bool may_be_gone)
{
    for (size_t i = 0; i < layers->personal_count; i++) {
        const struct personal_cell *cell = &layers->personal[i];
        CHECK(may_be_gone || cell->mass != 0 || cell->ratings != 0);
        CHECK(i == 0 || personal_cell_cmp(cell - 1, cell) < 0);
        CHECK(cell->category < CATEGORY_COUNT && cell->mass >= 0);
    }
    for (size_t i = 0; i < layers->community_count; i++) {
        const struct community_cell *cell = &layers->community[i];
        CHECK(may_be_gone || cell->mass != 0 || cell->ratings != 0);
        CHECK(i == 0 || community_cell_cmp(cell - 1, cell) < 0);
        CHECK(cell->category < CATEGORY_COUNT && cell->mass >= 0);
    }
}

/* Sent, read and sent again: the same bytes. */
static void
check_sent(const struct layers *layers, encode_fn encode, decode_fn decode)
{
    struct layers *copy = NULL;
    struct buf once, twice;
    buf_init(&once, ENCODED_MAX);
    buf_init(&twice, ENCODED_MAX);
    CHECK(encode(layers, &once) == STATUS_OK);
    CHECK(decode(buf_slice(&once), &copy) == STATUS_OK);
    CHECK(layers_hash(copy) == layers_hash(layers));
    CHECK(encode(copy, &twice) == STATUS_OK);
    CHECK(slice_eq(buf_slice(&once), buf_slice(&twice)));
    buf_fini(&once);
    buf_fini(&twice);
    layers_free(&copy);
}

static struct layers *
try_decode(struct slice bytes, encode_fn encode, decode_fn decode, bool delta)
{
    struct layers *layers = NULL;
    enum status status = decode(bytes, &layers);
    CHECK((status == STATUS_OK) == (layers != NULL));
    if (layers == NULL)
        return NULL;
    check_order(layers, delta);
    check_sent(layers, encode, decode);
    return layers;
}

/* Each changed cell is in the merged layers, or gone when it says so. */
static void
check_changes(const struct layers *merged, const struct layers *changes)
{
    size_t at = 0;
    for (size_t i = 0; i < changes->personal_count; i++) {
        const struct personal_cell *cell = &changes->personal[i];
        while (at < merged->personal_count &&
               personal_cell_cmp(&merged->personal[at], cell) < 0)
            at++;
        bool there = at < merged->personal_count &&
                     personal_cell_cmp(&merged->personal[at], cell) == 0;
        CHECK(there == (cell->mass != 0 || cell->ratings != 0));
        if (there)
            CHECK(merged->personal[at].mass == cell->mass &&
                  merged->personal[at].shift == cell->shift &&
                  merged->personal[at].ratings == cell->ratings);
    }
}

static void
check_merge(const struct layers *old, const struct layers *changes)
{
    struct layers *once = NULL, *twice = NULL;
    uint64_t before = layers_hash(old);
    CHECK(layers_merge(old, changes, &once) == STATUS_OK);
    CHECK(layers_hash(old) == before);
    CHECK(once->day == changes->day);
    CHECK(once->personal_count <=
          old->personal_count + changes->personal_count);
    check_order(once, false);
    check_changes(once, changes);
    check_sent(once, layers_encode, layers_decode);
    CHECK(layers_merge(once, changes, &twice) == STATUS_OK);
    CHECK(layers_hash(once) == layers_hash(twice));
    layers_free(&once);
    layers_free(&twice);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct layers nothing = {.day = 1};
    struct slice rest = fuzz_slice(data, size);
    struct slice first = fuzz_text(&rest);
    struct layers *whole =
        try_decode(first, layers_encode, layers_decode, false);
    struct layers *early =
        try_decode(first, layers_delta_encode, layers_delta_decode, true);
    struct layers *late =
        try_decode(rest, layers_delta_encode, layers_delta_decode, true);
    const struct layers *base = whole != NULL ? whole : &nothing;
    /* A whole is also a delta of all its cells. */
    CHECK(whole == NULL || early != NULL);
    if (early != NULL)
        check_merge(base, early);
    if (late != NULL)
        check_merge(base, late);
    layers_free(&whole);
    layers_free(&early);
    layers_free(&late);
    return 0;
}
