/* Decay in fixed point; see decay.h.
 *
 * A day's factor is a literal, its power comes by squaring, whole half-lives
 * are exact shifts. Never calls exp2 or pow: glibc picks different code for
 * different processors. */
#include "feedback/decay.h"

#include <math.h>

struct half_life {
    int32_t days;
    double daily; /* 2^(-1/days), the nearest double */
};

static const struct half_life HALF_LIVES[] = {
    [DECAY_PERSONAL] = {FOLD_personal_half_life, 0x1.fa1e827a1b38cp-1},
    [DECAY_COMMUNITY] = {FOLD_community_half_life, 0x1.fd0d14b150a9cp-1},
};

static double
power(double base, int32_t exponent)
{
    double result = 1;
    for (; exponent > 0; exponent >>= 1) {
        if ((exponent & 1) != 0)
            result *= base;
        base *= base;
    }
    return result;
}

uint64_t
decay_weight(enum decay_layer layer, utc_day day, utc_day today)
{
    const struct half_life *half_life = &HALF_LIVES[layer];
    int64_t age = (int64_t)today - day;
    if (age <= 0)
        return DECAY_ONE;
    int64_t halvings = age / half_life->days;
    if (halvings >= DECAY_BITS)
        return 0;
    double weight = power(half_life->daily, (int32_t)(age % half_life->days));
    return (uint64_t)ldexp(weight, DECAY_BITS - (int)halvings);
}

double
decay_mass(uint64_t weights)
{
    return ldexp((double)weights, -DECAY_BITS);
}
