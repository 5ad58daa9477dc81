/* A stage for both ends of RPC: no socket, and a clock that moves only when
 * told to.
 *
 * A target that says "stage: rpc" is linked so that rpc_socket_*, the loop's
 * clock and timers, and getrandom come from here (stage_rpc.wrap lists them).
 * The code under test runs as it is, thousands of times a second, and the
 * same for the same input. */
#ifndef TESTS_FUZZ_STAGE_RPC_H
#define TESTS_FUZZ_STAGE_RPC_H

#include "core/base/slice.h"
#include "core/base/utc.h"

#include "rpc.pb-c.h"

#include <stdbool.h>
#include <stddef.h>

struct loop;

/* Where the ends of a message are told apart by their routing id. */
struct stage_message {
    struct slice route, header, body;
};

/* Whatever a socket sends: where, its parsed header, its body. */
typedef void (*stage_sent_fn)(void *context, size_t socket,
                              const struct stage_message *message,
                              const Ss__FrameHeader *header);

/* An empty stage at time 1,000,000 ms; nothing may be left on it. */
void stage_open(stage_sent_fn sent, void *context);
/* Everything on it must have been freed. */
void stage_close(void);
struct loop *stage_loop(void);

/* Sockets are numbered in the order they were made; one that was freed keeps
 * its number. */
size_t stage_sockets(void);
bool stage_is_open(size_t socket);
/* What a peer sends. Nothing happens at a socket that was freed. */
void stage_deliver(size_t socket, const struct stage_message *message);
void stage_garble(size_t socket);
/* The round after it: turn is called until it wants no other. */
void stage_turn(size_t socket, size_t received);
/* Whether sends are taken, for all sockets. */
void stage_set_writable(bool writable);
/* Time passes; timers fire at their times, each in its turn. */
void stage_pass(ms_dur time);
/* Time passes, and this process does nothing: it was stopped. */
void stage_stand_still(ms_dur time);

#endif
