/* Whether the server still lets anybody in. Internal to services/store.
 *
 * A server that is told to end in its smart way (SIGTERM, `pg_ctl stop -m
 * smart`) waits until its clients have left, tells them nothing, and takes no
 * new ones. A client that stays keeps it in that state for ever: serving what
 * is connected, dead for everybody else. So a store knocks now and then, and
 * leaves when it hears that the door is shut. */
#ifndef SERVICES_STORE_STORE_DOOR_H
#define SERVICES_STORE_STORE_DOOR_H

#include "services/store/pg_link.h"

struct store_door {
    struct loop *loop;
    struct pg_link *link; /* while a knock is under way */
    void (*shut)(void *context);
    void *context;
};

/* Try to get into the server that `inside` is connected to; shut is called,
 * later, when it takes nobody any more (it must not free the door's owner).
 * Nothing while the last knock is unanswered. Whatever else happens outside is
 * no concern of who is inside. */
void store_door_knock(struct store_door *door, const char *url,
                      struct pg_link *inside);
/* Forget a knock that is under way. */
void store_door_leave(struct store_door *door);

#endif
