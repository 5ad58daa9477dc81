/* What a client may write: each field checked, with words that name it and
 * its rule. Values come out as the texts that are stored. */
#ifndef SERVICES_FEEDBACKD_FEEDBACK_INPUT_H
#define SERVICES_FEEDBACKD_FEEDBACK_INPUT_H

#include "core/base/arena.h"
#include "core/base/status.h"

#include "feedback.pb-c.h"

#define INPUT_MESSAGE_MAX 160
#define INPUT_NAME_MAX 64     /* bytes of role and source */
#define INPUT_CONTEXT_MAX 256 /* bytes of context tags */
#define INPUT_INSTANCE_MAX 64
#define INPUT_DECISION_MAX 512 /* bytes of a decision id */
#define INPUT_KEY_MAX 256      /* bytes of an idempotency key */
#define INPUT_UUID_TEXT 36

/* Fields as stored; NULL is unset. Texts live in the arena or the request. */
struct input_event {
    const char *model; /* without "openrouter/" */
    const char *category;
    const char *budget, *mode, *role, *source;
    const char *context, *decision_id, *spawn_id;
    const char *instance;
    char rating[4]; /* "1" to "5" */
};

/* INVALID_ARGUMENT, and in ret_message (INPUT_MESSAGE_MAX bytes) why. */
enum status feedback_input_spawn(const Ss__LogSpawnRequest *request,
                                 struct arena *arena,
                                 struct input_event *ret_event,
                                 char *ret_message) MUST_CHECK;
enum status feedback_input_outcome(const Ss__RecordOutcomeRequest *request,
                                   struct arena *arena,
                                   struct input_event *ret_event,
                                   char *ret_message) MUST_CHECK;
enum status feedback_input_report(const Ss__ReportCommunityRequest *request,
                                  struct arena *arena,
                                  struct input_event *ret_event,
                                  char *ret_message) MUST_CHECK;
/* A category of a question; unset is fine and gives NULL. */
enum status
feedback_input_category(protobuf_c_boolean set, Ss__Category category,
                        const char **ret_name, char *ret_message) MUST_CHECK;

#endif
