/* How much this router knows and how fresh it is, as a call of its own. */
#ifndef SERVICES_ROUTERD_TABLE_STATE_H
#define SERVICES_ROUTERD_TABLE_STATE_H

#include "core/base/status.h"
#include "services/routerd/view.h"

#include "router.pb-c.h"

/* "ok" unless no scorer was heard from lately or a source has no data at all;
 * then "degraded" with a detail. RESOURCE_EXHAUSTED when the arena is full. */
enum status table_state_answer(const struct view *view,
                               Ss__RouterStateReply **ret_reply,
                               struct refusal *ret_refusal) MUST_CHECK;

#endif
