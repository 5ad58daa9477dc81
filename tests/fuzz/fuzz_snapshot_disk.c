/* The copy of a snapshot on disk: bytes that were cut, changed or made up are
 * refused; a sound file says what was written into it.
 * links: services_runtime
 * options: -max_len=512
 * The first byte says what is wrong with a file that is built here from the
 * rest (0: nothing); from 128 on the rest is the file itself. */
#include "core/base/hash.h"
#include "services/runtime/snapshot_disk.h"
#include "tests/fuzz/fuzz.h"

#define MADE_UP 128
#define FILE_MAX 4096

enum wrong {
    WRONG_MAGIC = 1,
    WRONG_NAME = 2,
    WRONG_LENGTH = 4,
    WRONG_HASH = 8,
    WRONG_CUT = 16,
};

static void
put_number(struct buf *out, uint64_t number)
{
    for (unsigned i = 0; i < 8; i++)
        buf_put_char(out, (char)(uint8_t)(number >> (8 * i)));
}

/* As snapshot_disk.h tells the format. */
static void
build(struct slice rest, unsigned wrong, struct buf *out,
      struct snapshot_version *ret_version, struct slice *ret_content)
{
    char name[SNAPSHOT_NAME_MAX] = "table";
    if ((wrong & WRONG_NAME) != 0)
        name[fuzz_choice(&rest, sizeof name)] ^= 1;
    ret_version->epoch = fuzz_number(&rest, 8);
    ret_version->sequence = fuzz_number(&rest, 8);
    ret_version->hash = fuzz_number(&rest, 8);
    ret_version->since = (ms_time)fuzz_number(&rest, 8);
    *ret_content = rest;
    buf_put_text(out, (wrong & WRONG_MAGIC) != 0 ? "SSSNAP2\n" : "SSSNAP1\n");
    buf_put(out, name, sizeof name);
    put_number(out, ret_version->epoch);
    put_number(out, ret_version->sequence);
    put_number(out, ret_version->hash);
    put_number(out, (uint64_t)ret_version->since);
    put_number(out, rest.len + ((wrong & WRONG_LENGTH) != 0));
    put_number(out, hash_slice(rest) + ((wrong & WRONG_HASH) != 0));
    CHECK(out->len == SNAPSHOT_DISK_HEADER);
    buf_put_slice(out, rest);
    if ((wrong & WRONG_CUT) != 0)
        out->len--;
}

static enum status
parse(struct slice bytes, struct snapshot_version *ret_version,
      struct slice *ret_content)
{
    static const struct snapshot_version untouched = {1, 2, 3, 4};
    char *file = fuzz_copy(bytes, false);
    *ret_version = untouched;
    *ret_content = SLICE("untouched");
    enum status status = snapshot_disk_parse(slice_make(file, bytes.len),
                                             "table", ret_version, ret_content);
    if (status == STATUS_OK) {
        CHECK(bytes.len == SNAPSHOT_DISK_HEADER + ret_content->len);
        CHECK(ret_content->ptr == file + SNAPSHOT_DISK_HEADER);
        ret_content->ptr = bytes.ptr + SNAPSHOT_DISK_HEADER;
    } else {
        CHECK(status == STATUS_DATA_LOSS);
        CHECK(memcmp(ret_version, &untouched, sizeof untouched) == 0);
        CHECK(slice_eq(*ret_content, SLICE("untouched")));
    }
    free(file);
    return status;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice rest = fuzz_slice(data, size), content, found;
    struct snapshot_version version, read;
    struct buf file;
    unsigned wrong = (unsigned)fuzz_number(&rest, 1);
    if (wrong >= MADE_UP) {
        (void)!parse(rest, &read, &found);
        return 0;
    }
    buf_init(&file, FILE_MAX);
    build(rest, wrong, &file, &version, &content);
    enum status status = parse(buf_slice(&file), &read, &found);
    CHECK((status == STATUS_OK) == (wrong % 32 == 0));
    if (status == STATUS_OK) {
        CHECK(memcmp(&version, &read, sizeof version) == 0);
        CHECK(slice_eq(content, found));
    }
    buf_fini(&file);
    return 0;
}
