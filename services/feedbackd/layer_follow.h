/* Keeping the layers equal to the events in PostgreSQL.
 *
 * Loads everything page by page, then follows: it remembers the transaction
 * snapshot of its last look, asks which events became visible since, and
 * folds the cells they touched again from all their events. So an event is
 * neither missed when its transaction commits late nor counted twice when it
 * is seen twice. It looks
 *
 *   at once, when layer_follow_nudge says that this process committed one;
 *   when another feedbackd says so (NOTIFY, outside the inserts);
 *   every `interval` in any case.
 *
 * A new UTC day, a late event of an earlier day, too many changes, and NOTIFY
 * with "reload" (something was erased) load everything anew; meanwhile the
 * old layers stay. Never touches a store that is down: layer_follow_up says
 * when it is usable. */
#ifndef SERVICES_FEEDBACKD_LAYER_FOLLOW_H
#define SERVICES_FEEDBACKD_LAYER_FOLLOW_H

#include "services/feedbackd/layer_state.h"
#include "services/runtime/loop.h"
#include "services/store/store.h"

struct layer_follow;

struct layer_follow_options {
    struct store *store; /* with layer_statements */
    struct layer_state *state;
    ms_dur interval;
    void (*loaded)(void *context); /* after each whole load */
    void *context;
    struct metrics *metrics;
};

/* RESOURCE_EXHAUSTED. store and state are borrowed. */
enum status layer_follow_new(struct loop *loop,
                             const struct layer_follow_options *options,
                             struct layer_follow **ret_follow) MUST_CHECK;
/* After its store was freed. */
void layer_follow_free(struct layer_follow **follow);
/* The store became usable (again): catch up, or load. */
void layer_follow_up(struct layer_follow *follow);
/* An event was committed here: look now, and tell the others. */
void layer_follow_nudge(struct layer_follow *follow);
/* NOTIFY from another session: "" or "reload". */
void layer_follow_notice(struct layer_follow *follow, struct slice payload);

#endif
