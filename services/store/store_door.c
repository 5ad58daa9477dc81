/* One connection that is closed as soon as it is accepted or refused.
 *
 * PostgreSQL decides about the state it is in before anything else, so a
 * refusal for another reason (too many connections, a role that may not log
 * in) means that the door is open. */
#include "services/store/store_door.h"

#include "core/base/slice.h"

/* cannot_connect_now. Starting up and recovery are called so too, but not by
 * a server that somebody is inside of. */
#define SHUT "57P03"

void
store_door_leave(struct store_door *door)
{
    pg_link_free(&door->link);
}

static void
store_door_open(void *context)
{
    store_door_leave(context);
}

static void
store_door_refused(void *context, const char *why)
{
    struct store_door *door = context;
    bool is_shut = slice_ends(slice_of(why), SLICE(SHUT));

    store_door_leave(door);
    if (is_shut)
        door->shut(door->context);
}

void
store_door_knock(struct store_door *door, const char *url,
                 struct pg_link *inside)
{
    struct pg_link_events events = {
        .up = store_door_open, .broken = store_door_refused, .context = door};
    enum status status;

    if (door->link)
        return;
    status = pg_link_open_like(door->loop, url, inside, &events, &door->link);
    (void)status; /* no memory: the next knock may find some */
}
