/* Time for the synchronous parts: commands and stack set-up have no loop. */
#ifndef SERVICES_LOCAL_PAUSE_H
#define SERVICES_LOCAL_PAUSE_H

#include "core/base/utc.h"

/* Monotonic ms, for deadlines and durations. */
ms_time pause_now(void);
/* Wait; a signal may end it early. */
void pause_for(ms_dur time);

#endif
