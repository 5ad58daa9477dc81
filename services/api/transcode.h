/* Between JSON, query strings or arguments and messages, by descriptor.
 *
 * In: a field is named in lowerCamelCase (min_context is "minContext").
 * Numbers are numbers, enums their names ("fast-cheap"), repeated scalars a
 * list, or in queries and arguments comma-separated text. Unknown fields are
 * ignored; of a repeated parameter the first wins; an empty value is unset.
 * A null is unset. Out: written straight from the message, in field order; an
 * unset scalar, Decimal or Timestamp is null, any other unset message is left
 * out, an empty list is [], a repeated …Entry {key, value} is an object,
 * Decimal an exact number, Timestamp RFC 3339 text, 64-bit integers numbers,
 * bytes hexadecimal. */
#ifndef SERVICES_API_TRANSCODE_H
#define SERVICES_API_TRANSCODE_H

#include "core/base/arena.h"
#include "core/base/buf.h"
#include "core/base/status.h"

#include <protobuf-c/protobuf-c.h>

#define TRANSCODE_ITEMS_MAX 1024 /* items of one list */

/* Why input was refused, for {"error":{code,message}}. */
struct transcode_error {
    char code[32];     /* INVALID_PARAM, INVALID_BODY */
    char message[256]; /* names the field and the rule */
};

struct transcode_pair {
    struct slice name, value; /* decoded, e.g. "minContext" = "100000" */
};

struct transcode_pairs {
    const struct transcode_pair *items;
    size_t count;
};

/* All make a message in the arena. INVALID_ARGUMENT (ret_error is filled),
 * RESOURCE_EXHAUSTED. */

/* "task=build+a+react+app&budget=medium", percent-encoded. */
enum status transcode_query(const ProtobufCMessageDescriptor *type,
                            struct slice query, struct arena *arena,
                            ProtobufCMessage **ret_message,
                            struct transcode_error *ret_error) MUST_CHECK;
enum status transcode_pairs(const ProtobufCMessageDescriptor *type,
                            struct transcode_pairs pairs, struct arena *arena,
                            ProtobufCMessage **ret_message,
                            struct transcode_error *ret_error) MUST_CHECK;
/* A JSON object; an empty body is an empty object. */
enum status transcode_json(const ProtobufCMessageDescriptor *type,
                           struct slice body, struct arena *arena,
                           ProtobufCMessage **ret_message,
                           struct transcode_error *ret_error) MUST_CHECK;
/* Append the message as one JSON object. */
void transcode_write(const ProtobufCMessage *message, struct buf *out);

#endif
