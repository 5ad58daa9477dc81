/* What reading JSON and reading query text share: making a message, storing a
 * checked value at a field, refusing.
 *
 * Internal to this folder. Every refusal fills the error and returns
 * INVALID_ARGUMENT; a full arena is RESOURCE_EXHAUSTED. */
#ifndef SERVICES_API_TRANSCODE_IN_H
#define SERVICES_API_TRANSCODE_IN_H

#include "services/api/transcode.h"

#include <stdint.h>

struct transcode_in {
    struct arena *arena;
    struct transcode_error *error;
};

/* An initialised message in the arena; NULL when it is full. */
ProtobufCMessage *transcode_in_message(const struct transcode_in *in,
                                       const ProtobufCMessageDescriptor *type);

/* Fill the error: the code, and what and why put together. */
enum status transcode_in_say(struct transcode_error *error, const char *code,
                             const char *what, const char *why) MUST_CHECK;
/* "<field> <rule>", e.g. "maxParallel must be a whole number". */
enum status transcode_in_refuse(const struct transcode_in *in,
                                const ProtobufCFieldDescriptor *field,
                                const char *rule) MUST_CHECK;
/* The rule that the field's type stands for. */
enum status
transcode_in_wrong_type(const struct transcode_in *in,
                        const ProtobufCFieldDescriptor *field) MUST_CHECK;
/* MISSING_PARAM. */
enum status
transcode_in_missing(const struct transcode_in *in,
                     const ProtobufCFieldDescriptor *field) MUST_CHECK;

/* Store a value of the field's type at `at` (the field's place or an item's).
 * The kind of the field must fit the function. */
enum status transcode_in_whole(const struct transcode_in *in,
                               const ProtobufCFieldDescriptor *field,
                               int64_t value, void *at) MUST_CHECK;
enum status transcode_in_text(const struct transcode_in *in,
                              const ProtobufCFieldDescriptor *field,
                              struct slice text, void *at) MUST_CHECK;
enum status transcode_in_enum(const struct transcode_in *in,
                              const ProtobufCFieldDescriptor *field,
                              struct slice name, void *at) MUST_CHECK;
enum status transcode_in_bytes(const struct transcode_in *in,
                               const ProtobufCFieldDescriptor *field,
                               struct slice hex, void *at) MUST_CHECK;
void transcode_in_double(const ProtobufCFieldDescriptor *field, double value,
                         void *at);
enum status transcode_in_decimal(const struct transcode_in *in, int64_t nanos,
                                 void *at) MUST_CHECK;
enum status transcode_in_time(const struct transcode_in *in,
                              const ProtobufCFieldDescriptor *field,
                              struct slice text, void *at) MUST_CHECK;

/* Kinds of a field as input sees them. */
enum transcode_kind {
    TRANSCODE_TEXT,
    TRANSCODE_WHOLE,
    TRANSCODE_NUMBER,
    TRANSCODE_BOOL,
    TRANSCODE_ENUM,
    TRANSCODE_BYTES,
    TRANSCODE_DECIMAL,
    TRANSCODE_TIME,
    TRANSCODE_MESSAGE,
};
enum transcode_kind transcode_in_kind(const ProtobufCFieldDescriptor *field);

#endif
