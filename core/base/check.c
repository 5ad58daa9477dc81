/* The end of a process whose invariant broke: say where, then abort so that a
 * core and a stack remain. The one place of core that writes anywhere. */
#include "core/base/check.h"

#include <stdio.h>
#include <stdlib.h>

void
check_failed(const char *file, int line, const char *what)
{
    (void)fprintf(stderr, "%s:%d: broken invariant: %s\n", file, line, what);
    abort();
}
