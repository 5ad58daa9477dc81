/* Content hashes over xxhash. Numbers are hashed as little-endian bytes, so
 * that every machine gets the same. */
#include "core/base/hash.h"

#include <endian.h>
#include <math.h>
#include <xxhash.h>

uint64_t
hash_bytes(const void *bytes, size_t len)
{
    return XXH64(bytes, len, 0);
}

uint64_t
hash_slice(struct slice text)
{
    return hash_bytes(text.ptr, text.len);
}

uint64_t
hash_mix(uint64_t a, uint64_t b)
{
    uint64_t pair[2] = {htole64(a), htole64(b)};
    return hash_bytes(pair, sizeof pair);
}

uint64_t
hash_of_double(double value)
{
    if (isnan(value))
        return UINT64_MAX; /* itself the bits of some NaN, so free */
    if (value == 0)
        return 0;
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}
