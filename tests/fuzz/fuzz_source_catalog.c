/* Whatever the sources send, the catalog that comes of it can be sent on: it
 * is read on the other side as the same one, and a catalog that is assembled
 * over it too. What poisons a catalog stops every router.
 * links: ingest proto
 * options: -max_len=4096
 * The input: for each source a text, empty for one that was not asked. */
#include "ingest/assemble.h"
#include "proto/catalog_codec.h"
#include "tests/fuzz/source_check.h"

#define ENCODED_MAX (1 << 26)
#define NOW (INT64_C(86400000) * SOURCE_CHECK_DAY)

static void
check_sent(const struct catalog *catalog)
{
    struct catalog *copy = NULL;
    struct buf bytes;
    buf_init(&bytes, ENCODED_MAX);
    CHECK(catalog->version == catalog_hash(catalog));
    CHECK(catalog_encode(catalog, &bytes) == STATUS_OK);
    CHECK(catalog_decode(buf_slice(&bytes), &copy) == STATUS_OK);
    CHECK(catalog_snapshot_hash(copy) == catalog_snapshot_hash(catalog));
    buf_fini(&bytes);
    catalog_free(&copy);
}

/* Read what a source sent into a set; why not goes into the catalog. */
static void
read_source(struct assemble_input *input, struct assemble_payload *payloads,
            struct record_set *set, enum source source, struct slice text)
{
    const struct source_input given = {
        .bytes = text, .companion = SLICE("[]"), .day = SOURCE_CHECK_DAY};
    enum status status = source_adapter(source)(&given, set);
    source_check_set(status, set);
    if (status == STATUS_OK)
        payloads[input->payload_count++] = (struct assemble_payload){
            .source = source, .set = set, .fetched_at = NOW};
    else
        input->failures[source] = slice_of(set->reason);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct arena *kept, *kept_scratch;
    struct arena *arena = fuzz_arena(&kept, RECORD_BYTES_MAX);
    struct arena *scratch = fuzz_arena(&kept_scratch, ASSEMBLE_SCRATCH_MAX);
    struct slice rest = fuzz_slice(data, size);
    struct record_set sets[SOURCE_COUNT];
    struct assemble_payload payloads[SOURCE_COUNT];
    struct catalog *first = NULL, *second = NULL;
    struct assemble_input input = {
        .payloads = payloads, .today = SOURCE_CHECK_DAY, .made_at = NOW};
    for (unsigned s = 0; s < SOURCE_COUNT; s++) {
        struct slice text = fuzz_text(&rest);
        input.failures[s] = SLICE("");
        record_set_init(&sets[s], arena);
        if (text.len > 0)
            read_source(&input, payloads, &sets[s], (enum source)s, text);
    }
    if (assemble_catalog(&input, scratch, NULL, &first) != STATUS_OK)
        return 0;
    check_sent(first);
    /* The same again over it: nothing is lost. */
    input.previous = first;
    arena_reset(scratch);
    CHECK(assemble_catalog(&input, scratch, NULL, &second) == STATUS_OK);
    CHECK(second->count >= first->count);
    check_sent(second);
    catalog_free(&first);
    catalog_free(&second);
    return 0;
}
