/* One object a source. */
#include "services/ingestd/source_states.h"

#include "core/base/json_out.h"

#include <stdio.h>

static void
put(struct json_out *json, const struct source_status *status)
{
    char text[UTC_TEXT_MAX];

    json_out_object(json);
    json_out_key(json, SLICE("state"));
    json_out_text(json, slice_of(source_state_name(status->state)));
    if (status->last_success != 0) {
        utc_format(status->last_success, text);
        json_out_key(json, SLICE("lastSuccess"));
        json_out_text(json, slice_of(text));
    }
    json_out_key(json, SLICE("rows"));
    json_out_u64(json, status->rows);
    json_out_key(json, SLICE("matched"));
    json_out_u64(json, status->matched_rows);
    if (status->content != 0) {
        (void)snprintf(text, sizeof(text), "%016llx",
                       (unsigned long long)status->content);
        json_out_key(json, SLICE("content"));
        json_out_text(json, slice_of(text));
    }
    json_out_object_end(json);
}

void
source_states_write(const struct catalog *catalog, struct buf *out)
{
    struct json_out json;

    json_out_init(&json, out);
    json_out_object(&json);
    for (size_t s = 0; s < SOURCE_COUNT; s++) {
        json_out_key(&json, slice_of(source_name((enum source)s)));
        put(&json, &catalog->sources[s]);
    }
    json_out_object_end(&json);
}
