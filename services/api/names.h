/* Names of the JSON face: "min_context" is "minContext", CATEGORY_FAST_CHEAP
 * of enum Category is "fast-cheap".
 *
 * Names are derived on the fly: a dozen bytes cost less than finding them in
 * a table would. */
#ifndef SERVICES_API_NAMES_H
#define SERVICES_API_NAMES_H

#include "core/base/buf.h"
#include "core/base/slice.h"

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>

#define NAMES_MAX 64 /* bytes of the longest name and its NUL */

/* lowerCamelCase of a proto field's name into out (NAMES_MAX bytes; longer is
 * cut), NUL-terminated. Returns it as a slice of out. */
struct slice names_field(const char *proto_name, char *out);
/* True when text is the lowerCamelCase of the proto name. */
bool names_field_is(const char *proto_name, struct slice text);

/* The value's name into out; the empty slice for a number the enum does not
 * have. */
struct slice
names_enum(const ProtobufCEnumDescriptor *type, int value, char *out);
/* A name as a value, ASCII case ignored; false when there is none. */
bool names_enum_find(const ProtobufCEnumDescriptor *type, struct slice text,
                     int *ret_value);
/* Append "low, medium, high, any". */
void names_enum_list(const ProtobufCEnumDescriptor *type, struct buf *out);

#endif
