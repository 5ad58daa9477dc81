/* What every answer says about the knowledge behind it, and the state of that
 * knowledge as a call of its own. */
#ifndef SERVICES_ROUTERD_META_H
#define SERVICES_ROUTERD_META_H

#include "router/browse.h"
#include "router/question.h"
#include "services/routerd/view.h"

#include "router.pb-c.h"

/* Version, times and the context tags nobody knows; NULL or with fields
 * missing when the arena overflowed. */
Ss__Meta *meta_new(const struct view *view, const struct slice *ignored,
                   size_t ignored_count);
/* Add a list's counts. */
void meta_set_page(const struct view *view, const struct browse_page *page,
                   Ss__Meta *meta);
/* Add what was asked: the task as it was sent ("" when only a category was)
 * and how many models passed the filters. */
void meta_set_question(const struct view *view, const struct question *question,
                       const char *task, uint32_t candidates, Ss__Meta *meta);
/* The newest success of any source; 0 when there was none. */
ms_time meta_last_refresh(const struct catalog *catalog);

#endif
