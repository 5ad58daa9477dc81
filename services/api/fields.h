/* Where a field lies in a generated message's C structure, by descriptor.
 *
 * protobuf-c lays a message out as plain members: a scalar with a has_ flag
 * when optional, a pointer for text and messages, a count and a pointer when
 * repeated. These few functions are the only place that knows. */
#ifndef SERVICES_API_FIELDS_H
#define SERVICES_API_FIELDS_H

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>

/* The member itself. */
const void *fields_at(const ProtobufCMessage *message,
                      const ProtobufCFieldDescriptor *field);
void *
fields_edit(ProtobufCMessage *message, const ProtobufCFieldDescriptor *field);
/* Items of a repeated field. */
size_t fields_count(const ProtobufCMessage *message,
                    const ProtobufCFieldDescriptor *field);
/* Bytes of one value of the field. */
size_t fields_item_size(const ProtobufCFieldDescriptor *field);
/* Repeated fields always are, required scalars too. */
bool fields_is_set(const ProtobufCMessage *message,
                   const ProtobufCFieldDescriptor *field);
/* Raise the has_ flag, or set the count of a repeated field. */
void fields_mark(ProtobufCMessage *message,
                 const ProtobufCFieldDescriptor *field, size_t count);
/* A message …Entry {string key = 1; value = 2}: an item of an object. */
bool fields_is_entry(const ProtobufCMessageDescriptor *type);

#endif
