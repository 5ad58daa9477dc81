/* JSON out: written straight into a buffer, without a tree.
 *
 * The writer puts commas and colons; the caller says what comes next. Errors
 * are the buffer's (sticky). Text must be UTF-8: what is not is replaced by
 * U+FFFD. "</" is written "<\/" so that output may stand in a page. */
#ifndef CORE_BASE_JSON_OUT_H
#define CORE_BASE_JSON_OUT_H

#include "core/base/buf.h"
#include "core/base/slice.h"

#include <stdbool.h>
#include <stdint.h>

#define JSON_OUT_DEPTH_MAX 32

struct json_out {
    struct buf *out;                   /* borrowed */
    unsigned depth;                    /* open objects and lists */
    bool has_item[JSON_OUT_DEPTH_MAX]; /* a comma is due */
    bool after_key;                    /* a value is due */
};

void json_out_init(struct json_out *json, struct buf *out);
void json_out_object(struct json_out *json);
void json_out_object_end(struct json_out *json);
void json_out_list(struct json_out *json);
void json_out_list_end(struct json_out *json);
void json_out_key(struct json_out *json, struct slice key);
void json_out_null(struct json_out *json);
void json_out_bool(struct json_out *json, bool value);
void json_out_i64(struct json_out *json, int64_t value);
void json_out_u64(struct json_out *json, uint64_t value);
/* Shortest form; null for NaN and infinities. */
void json_out_double(struct json_out *json, double value);
/* value * 10^-scale, exact, without trailing zeros: 400000000 at scale 9 is
 * 0.4. */
void json_out_decimal(struct json_out *json, int64_t value, unsigned scale);
void json_out_text(struct json_out *json, struct slice text);
/* Bytes that already are one JSON value. */
void json_out_raw(struct json_out *json, struct slice value);

#endif
