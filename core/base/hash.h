/* Content hashes (XXH64 through xxhash): stable on every machine, not for
 * secrets. */
#ifndef CORE_BASE_HASH_H
#define CORE_BASE_HASH_H

#include "core/base/slice.h"

#include <stdint.h>

uint64_t hash_bytes(const void *bytes, size_t len);
uint64_t hash_slice(struct slice text);
/* The hash of a pair, order matters. */
uint64_t hash_mix(uint64_t a, uint64_t b);
/* The bits of a double as a number to hash: one for every NaN, one for both
 * zeros. */
uint64_t hash_of_double(double value);

#endif
