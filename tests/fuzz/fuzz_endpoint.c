/* Texts that say where and whose: endpoints, targets of channels, trace
 * parents. What is accepted is within its limits and comes back as it was;
 * what is not starts afresh.
 * links: services_runtime
 * options: -max_len=320 */
#include "core/base/text.h"
#include "services/runtime/rpc_target.h"
#include "services/runtime/trace.h"
#include "tests/fuzz/fuzz.h"

static void
try_target(struct slice text)
{
    struct rpc_target target, again;
    memset(&target, 0x55, sizeof target);
    again = target;
    enum status status = rpc_target_parse(text, &target);
    if (status != STATUS_OK) {
        CHECK(status == STATUS_INVALID_ARGUMENT);
        CHECK(memcmp(&target, &again, sizeof target) == 0);
        return;
    }
    CHECK(slice_eq(slice_of(target.text), text));
    CHECK(text_is_utf8(text) && !text_has_control(text, ""));
    CHECK(slice_starts(text, target.ipc ? SLICE("ipc://") : SLICE("tcp://")));
    CHECK(!target.ipc || target.loopback);
    CHECK(!target.ipc ||
          (text.len - 6 <= RPC_IPC_PATH_MAX && text.ptr[6] != '@'));
    CHECK(rpc_target_parse(slice_of(target.text), &again) == STATUS_OK);
    CHECK(again.loopback == target.loopback && again.ipc == target.ipc);
}

static bool
is_parent(struct slice text, const struct trace *trace)
{
    char id[TRACE_ID_TEXT_MAX];
    trace_id_format(trace, id);
    return text.len >= 55 &&
           slice_eq(slice_cut(text, 3, 35), slice_make(id, 32));
}

/* A trace that is continued keeps its id and gets a new span; what is sent on
 * is continued by the next. */
static void
try_trace(struct slice text)
{
    char printed[TRACE_TEXT_MAX];
    struct trace trace = trace_continue(text);
    CHECK((trace.id_high | trace.id_low) != 0 && trace.span != 0);
    trace_format(&trace, printed);
    CHECK(strlen(printed) == TRACE_TEXT_MAX - 1);
    struct trace next = trace_continue(slice_of(printed));
    CHECK(next.id_high == trace.id_high && next.id_low == trace.id_low);
    CHECK(next.flags == trace.flags && next.span != trace.span);
    if (is_parent(text, &trace)) {
        CHECK(text.ptr[2] == '-' && text.ptr[35] == '-' && text.ptr[52] == '-');
        CHECK(!slice_starts(text, SLICE("ff")));
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *copy = fuzz_copy(fuzz_slice(data, size), false);
    struct slice text = slice_make(copy, size), rest = text, part;
    try_trace(text);
    while (slice_split(&rest, ',', &part))
        try_target(slice_trim(part));
    free(copy);
    return 0;
}
