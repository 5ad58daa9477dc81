/* JSON in: one strict parse through jansson, then typed questions.
 *
 * Refuses what is no JSON (RFC 8259), duplicate keys, invalid UTF-8, \u0000,
 * more than JSON_DEPTH_MAX levels or JSON_MARKS_MAX marks and anything after
 * the value. The tree is
 * borrowed: every struct json * lives until json_free of its document. This is
 * the only file that knows jansson. */
#ifndef CORE_BASE_JSON_IN_H
#define CORE_BASE_JSON_IN_H

#include "core/base/slice.h"
#include "core/base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JSON_DEPTH_MAX 64
/* Opening brackets, commas and colons: a value takes up to 140 bytes a mark in
 * memory, so a document at most 140 MB. The largest payload that was ever
 * recorded has 60,000. */
#define JSON_MARKS_MAX 1000000
#define JSON_ERROR_MAX 160

struct json; /* one value */

enum json_kind {
    JSON_KIND_NULL,
    JSON_KIND_BOOL,
    JSON_KIND_NUMBER,
    JSON_KIND_TEXT,
    JSON_KIND_ARRAY,
    JSON_KIND_OBJECT,
};

/* Parse all of `bytes`. On failure ret_error (JSON_ERROR_MAX bytes, may be
 * NULL) says where and why, for a person: UTF-8 without control characters,
 * whatever the bytes are. INVALID_ARGUMENT. The caller owns the document and
 * ends it with json_free. */
enum status json_parse(struct slice bytes, char *ret_error,
                       struct json **ret_document) MUST_CHECK;
/* Free a document (only what json_parse gave) and set it to NULL. */
void json_free(struct json **document);

enum json_kind json_kind(const struct json *value);
/* The kind as a person reads it: "text", "a number", "a list", … */
const char *json_kind_text(enum json_kind kind);

/* A member, or NULL when the value is no object or has none. */
const struct json *json_get(const struct json *object, const char *key);
/* Items of a list, members of an object; 0 for the rest. */
size_t json_count(const struct json *value);
/* Item i of a list; NULL outside. */
const struct json *json_at(const struct json *list, size_t i);
/* Walk an object: pass NULL first; false at the end. */
bool json_next(const struct json *object, void **iterator,
               struct slice *ret_key, const struct json **ret_value);

/* True, and the value, only when the kind fits. NULL in is false. */
bool json_text(const struct json *value, struct slice *ret_text);
bool json_bool(const struct json *value, bool *ret_bool);
/* Any number; integers come exact up to 2^53. A document that holds an integer
 * beyond int64_t is read with all its integers as doubles. */
bool json_double(const struct json *value, double *ret_number);
/* Only a number without fraction that fits. */
bool json_i64(const struct json *value, int64_t *ret_number);

#endif
