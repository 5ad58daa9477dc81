/* A pulse that comes late says how long there was none. It may be asked before
 * the late pulse itself was seen: a socket's turn can come first. */
#include "services/runtime/stall.h"

void
stall_init(struct stall *stall, ms_time now)
{
    *stall = (struct stall){.seen_at = now};
}

static ms_dur
late(const struct stall *stall, ms_time now)
{
    ms_dur gap = now - stall->seen_at - STALL_EVERY_MS;
    return gap >= STALL_LEAST_MS ? gap : 0;
}

void
stall_see(struct stall *stall, ms_time now)
{
    ms_dur lost = late(stall, now);
    if (lost > 0) {
        stall->lost = lost;
        stall->until = now + STALL_AFTER_MS;
    }
    stall->seen_at = now;
}

ms_dur
stall_lost(const struct stall *stall, ms_time now)
{
    ms_dur lost = late(stall, now);
    if (lost > 0)
        return lost;
    return now < stall->until ? stall->lost : 0;
}
