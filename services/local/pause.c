/* The clock and the wait of pause.h, straight from the system. */
#include "services/local/pause.h"

#include "core/base/check.h"

#include <time.h>

ms_time
pause_now(void)
{
    struct timespec now;
    CHECK(clock_gettime(CLOCK_MONOTONIC, &now) == 0);
    return (ms_time)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void
pause_for(ms_dur time)
{
    struct timespec duration = {time / 1000, time % 1000 * 1000000};
    (void)nanosleep(&duration, NULL); /* early is fine: callers look again */
}
