/* LogSpawn, RecordOutcome and ReportCommunity: check, record, answer after
 * the commit.
 *
 * A client's idempotency key is claimed in the statement that records. When
 * the claim finds an earlier one, the same request gets the first answer and
 * another request a conflict. When the earlier one committed while we waited
 * for it, our statement could not see it: it is asked again.
 *
 * A rating that names a spawn (spawnId) is joined with it only when the spawn
 * was logged by the same tenant. Whether the id is another tenant's, was never
 * given, or its log is no longer kept: the rating counts without it, and the
 * answer is the same. */
#include "services/feedbackd/feedback_service.h"

#include "core/base/check.h"
#include "core/base/hash.h"
#include "core/types/model.h"
#include "services/feedbackd/decision_check.h"
#include "services/feedbackd/feedback_input.h"
#include "services/feedbackd/feedback_sql.h"
#include "services/runtime/log.h"

#include <stdio.h>
#include <sys/random.h>

#define FEEDBACK_WRITE_TRIES 3
#define FEEDBACK_WRITE_PARAMS_MAX 13
#define FEEDBACK_WRITE_HASH_MAX 17
#define FEEDBACK_WRITE_MS_MAX 24 /* of a duration as text */
#define HOUR_MS 3600000

static const char away[] =
    "the database is not reachable; nothing was recorded; try again";
static const char in_doubt[] =
    "the database went away; whether this was recorded is not known; send it "
    "again with the same Idempotency-Key";
static const char busy[] =
    "too many writes are waiting; nothing was recorded; try again";

/* One write under way; lives in the call's arena. */
struct feedback_write {
    struct feedback_service *service;
    void *call;
    enum write_statement statement;
    const char *params[FEEDBACK_WRITE_PARAMS_MAX];
    const char *key; /* NULL: none */
    char hash[FEEDBACK_WRITE_HASH_MAX];
    char spawn_id[INPUT_UUID_TEXT + 1];
    char retention[FEEDBACK_WRITE_MS_MAX], window[FEEDBACK_WRITE_MS_MAX];
    struct input_event event;
    unsigned tries;
    union {
        Ss__LogSpawnReply_Closure spawn;
        Ss__RecordOutcomeReply_Closure outcome;
        Ss__ReportCommunityReply_Closure report;
    } done;
};

/* A version 7 UUID: 48 bits of time, then random ones. Ids of one time lie
 * together in the index. */
static bool
feedback_write_make_id(ms_time now, char out[INPUT_UUID_TEXT + 1])
{
    uint8_t random[10];
    uint64_t time = (uint64_t)now;

    if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
        return false;
    (void)snprintf(out, INPUT_UUID_TEXT + 1,
                   "%08x-%04x-7%01x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
                   (unsigned)(time >> 16), (unsigned)(time & 0xffff),
                   random[0] & 0xfu, random[1], 0x80u | (random[2] & 0x3fu),
                   random[3], random[4], random[5], random[6], random[7],
                   random[8], random[9]);
    return true;
}

/* The hash of method and request, so that a key used for another call or
 * another body is noticed. Not for secrets. */
static bool
feedback_write_hash(struct feedback_write *write,
                    const ProtobufCMessage *request)
{
    size_t len = protobuf_c_message_get_packed_size(request);
    uint8_t *bytes = arena_alloc(rpc_call_arena(write->call), len + 1);
    uint64_t hash = 0;

    if (!bytes)
        return false;
    (void)protobuf_c_message_pack(request, bytes);
    hash = hash_mix((uint64_t)write->statement, hash_bytes(bytes, len));
    (void)snprintf(write->hash, sizeof(write->hash), "%016llx",
                   (unsigned long long)hash);
    return true;
}

static struct feedback_write *
feedback_write_begin(Ss__Feedback_Service *base, enum write_statement statement,
                     const ProtobufCMessage *request, void *call)
{
    struct feedback_write *write =
        ARENA_NEW(rpc_call_arena(call), struct feedback_write);
    const char *key = rpc_call_idempotency_key(call);

    if (!write)
        goto full;
    write->service = (struct feedback_service *)base;
    write->call = call;
    (void)snprintf(write->retention, sizeof(write->retention), "%lld",
                   (long long)write->service->retention);
    (void)snprintf(write->window, sizeof(write->window), "%lld",
                   (long long)write->service->report_window);
    write->statement = statement;
    if (strlen(key) > INPUT_KEY_MAX) {
        rpc_fail(call, STATUS_INVALID_ARGUMENT, "INVALID_PARAM",
                 "Idempotency-Key must be at most 256 bytes");
        return NULL;
    }
    write->key = key[0] ? key : NULL;
    if (write->key && !feedback_write_hash(write, request))
        goto full;
    return write;
full:
    rpc_fail(call, STATUS_RESOURCE_EXHAUSTED, "", "the request is too large");
    return NULL;
}

static void
feedback_write_answer_spawn(const struct feedback_write *write,
                            struct slice first)
{
    Ss__LoggedSpawn logged = SS__LOGGED_SPAWN__INIT;
    Ss__LogSpawnReply reply = SS__LOG_SPAWN_REPLY__INIT;
    char spawn_id[INPUT_UUID_TEXT + 1];

    (void)snprintf(spawn_id, sizeof(spawn_id), "%.*s", SLICE_ARG(first));
    logged.logged = true;
    logged.spawn_id = spawn_id;
    reply.data = &logged;
    write->done.spawn(&reply, write->call);
}

static void
feedback_write_answer_outcome(const struct feedback_write *write)
{
    Ss__RecordedOutcome recorded = SS__RECORDED_OUTCOME__INIT;
    Ss__RecordOutcomeReply reply = SS__RECORD_OUTCOME_REPLY__INIT;
    char model[MODEL_ID_MAX + 1];
    enum category category = CATEGORY_GENERAL;

    (void)snprintf(model, sizeof(model), "%s", write->event.model);
    CHECK(category_find(slice_of(write->event.category), &category));
    recorded.recorded = true;
    recorded.model = model;
    recorded.has_category = true;
    recorded.category = (Ss__Category)category;
    recorded.has_rating = true;
    recorded.rating = (uint32_t)(write->event.rating[0] - '0');
    reply.data = &recorded;
    write->done.outcome(&reply, write->call);
}

static void
feedback_write_answer_report(const struct feedback_write *write)
{
    Ss__ReportedCommunity recorded = SS__REPORTED_COMMUNITY__INIT;
    Ss__ReportCommunityReply reply = SS__REPORT_COMMUNITY_REPLY__INIT;

    recorded.recorded = true;
    reply.data = &recorded;
    write->done.report(&reply, write->call);
}

/* It is committed, now or earlier; `first` is what was answered first. */
static void
feedback_write_answer(const struct feedback_write *write, struct slice first)
{
    switch (write->statement) {
    case WRITE_SPAWN:
        feedback_write_answer_spawn(write, first);
        return;
    case WRITE_OUTCOME:
        feedback_write_answer_outcome(write);
        return;
    case WRITE_REPORT:
        feedback_write_answer_report(write);
        return;
    case WRITE_SPAWN_PLAIN:
    case WRITE_OUTCOME_PLAIN:
    case WRITE_ADD_KEY:
    case WRITE_REVOKE_KEY:
    case WRITE_STATEMENTS:
        break;
    }
    CHECK(false);
}

static void feedback_write_send(struct feedback_write *write);

/* The words of the usual window are known to clients. */
static void
feedback_write_over_quota(const struct feedback_write *write, ms_dur retry)
{
    ms_dur window = write->service->report_window;
    char message[80];

    if (window == HOUR_MS)
        (void)snprintf(message, sizeof(message), "Rate limit exceeded (%d/hr)",
                       COMMUNITY_REPORTS_PER_HOUR);
    else
        (void)snprintf(
            message, sizeof(message), "Rate limit exceeded (%d in %lld s)",
            COMMUNITY_REPORTS_PER_HOUR, (long long)(window + 999) / 1000);
    rpc_fail_retry(write->call, STATUS_RESOURCE_EXHAUSTED, "RATE_LIMITED",
                   message, retry);
}

/* Not recorded: refused by the quota, or the key was used before. */
static void
feedback_write_not_recorded(struct feedback_write *write,
                            const struct pg_result *rows)
{
    if (rows_null(rows, 0, WRITE_FIRST_HASH)) {
        if (rows_i64(rows, 0, WRITE_IN_QUOTA, 0) == 0)
            feedback_write_over_quota(write,
                                      rows_i64(rows, 0, WRITE_RETRY_MS, 0));
        else if (write->tries < FEEDBACK_WRITE_TRIES)
            feedback_write_send(write);
        else
            feedback_service_fail(write->call, STATUS_UNAVAILABLE, busy);
        return;
    }
    if (!slice_eq(rows_text(rows, 0, WRITE_FIRST_HASH),
                  slice_of(write->hash))) {
        rpc_fail(write->call, STATUS_ALREADY_EXISTS, "CONFLICT",
                 "this Idempotency-Key was used for another request");
        return;
    }
    feedback_write_answer(write, rows_text(rows, 0, WRITE_FIRST_RESULT));
}

static void
feedback_write_failed(const struct feedback_write *write,
                      const struct store_result *result)
{
    const char *message = result->in_doubt ? in_doubt : away;

    log_event(LOG_WARN, "write-failed",
              LOG_STR("statement", write_statements[write->statement].name),
              LOG_STR("status", status_text(result->status)),
              LOG_STR("why", result->message),
              LOG_STR("next", "the client is told to try again"));
    /* Our own checks let it through, so a refusal is no client's fault. */
    if (result->status == STATUS_INVALID_ARGUMENT ||
        result->status == STATUS_INTERNAL ||
        result->status == STATUS_FAILED_PRECONDITION)
        rpc_fail(write->call, STATUS_INTERNAL, "INTERNAL",
                 "the database refused the write; nothing was recorded");
    else
        feedback_service_fail(write->call, result->status, message);
}

static void
feedback_write_done(void *context, const struct store_result *result)
{
    struct feedback_write *write = context;

    if (result->status != STATUS_OK) {
        feedback_write_failed(write, result);
        return;
    }
    if (rows_i64(result->rows, 0, WRITE_RECORDED, 0) == 0) {
        feedback_write_not_recorded(write, result->rows);
        return;
    }
    if (write->statement != WRITE_SPAWN)
        layer_follow_nudge(write->service->follow);
    /* No word of it to the caller: who may not know of a spawn is told the
     * same as one who names none that ever was. */
    if (write->event.spawn_id &&
        rows_i64(result->rows, 0, WRITE_LINKED, 0) == 0)
        (*write->service->unlinked)++;
    feedback_write_answer(write, slice_of(write->spawn_id));
}

static void
feedback_write_send(struct feedback_write *write)
{
    static const enum write_statement plain[] = {
        [WRITE_SPAWN] = WRITE_SPAWN_PLAIN,
        [WRITE_OUTCOME] = WRITE_OUTCOME_PLAIN,
        [WRITE_REPORT] = WRITE_REPORT, /* its quota needs the long form */
    };
    bool is_plain = !write->key && !write->event.spawn_id;
    enum write_statement statement =
        is_plain ? plain[write->statement] : write->statement;
    enum status status = store_write(write->service->write, (unsigned)statement,
                                     write->params, feedback_write_done, write);

    write->tries++;
    if (status == STATUS_RESOURCE_EXHAUSTED)
        feedback_service_fail(write->call, status, busy);
    else if (status != STATUS_OK)
        feedback_service_fail(write->call, status, away);
}

void
feedback_write_spawn(Ss__Feedback_Service *base,
                     const Ss__LogSpawnRequest *request,
                     Ss__LogSpawnReply_Closure done, void *call)
{
    char message[INPUT_MESSAGE_MAX];
    struct feedback_write *write =
        feedback_write_begin(base, WRITE_SPAWN, &request->base, call);
    const struct input_event *event = NULL;

    if (!write)
        return;
    write->done.spawn = done;
    if (feedback_input_spawn(request, rpc_call_arena(call), &write->event,
                             message) != STATUS_OK ||
        decision_check(write->service->seal, write->event.decision_id,
                       rpc_call_tenant(call), message) != STATUS_OK) {
        rpc_fail(call, STATUS_INVALID_ARGUMENT, "INVALID_BODY", message);
        return;
    }
    if (!feedback_write_make_id(loop_wall(write->service->loop),
                                write->spawn_id)) {
        rpc_fail(call, STATUS_INTERNAL, "INTERNAL", "no random numbers");
        return;
    }
    event = &write->event;
    memcpy(write->params,
           ((const char *[]){write->spawn_id, rpc_call_tenant(call),
                             event->model, event->category, event->budget,
                             event->mode, event->role, event->source,
                             event->context, event->decision_id, write->key,
                             write->hash, write->retention}),
           13 * sizeof(write->params[0]));
    feedback_write_send(write);
}

void
feedback_write_outcome(Ss__Feedback_Service *base,
                       const Ss__RecordOutcomeRequest *request,
                       Ss__RecordOutcomeReply_Closure done, void *call)
{
    char message[INPUT_MESSAGE_MAX];
    struct feedback_write *write =
        feedback_write_begin(base, WRITE_OUTCOME, &request->base, call);
    const struct input_event *event = NULL;

    if (!write)
        return;
    write->done.outcome = done;
    if (feedback_input_outcome(request, rpc_call_arena(call), &write->event,
                               message) != STATUS_OK ||
        decision_check(write->service->seal, write->event.decision_id,
                       rpc_call_tenant(call), message) != STATUS_OK) {
        rpc_fail(call, STATUS_INVALID_ARGUMENT, "INVALID_BODY", message);
        return;
    }
    event = &write->event;
    memcpy(write->params,
           ((const char *[]){rpc_call_tenant(call), event->model,
                             event->category, event->rating, event->context,
                             event->decision_id, event->spawn_id, write->key,
                             write->hash, write->retention}),
           10 * sizeof(write->params[0]));
    feedback_write_send(write);
}

void
feedback_write_report(Ss__Feedback_Service *base,
                      const Ss__ReportCommunityRequest *request,
                      Ss__ReportCommunityReply_Closure done, void *call)
{
    char message[INPUT_MESSAGE_MAX];
    struct feedback_write *write =
        feedback_write_begin(base, WRITE_REPORT, &request->base, call);
    const struct input_event *event = NULL;

    if (!write)
        return;
    write->done.report = done;
    if (feedback_input_report(request, rpc_call_arena(call), &write->event,
                              message) != STATUS_OK) {
        rpc_fail(call, STATUS_INVALID_ARGUMENT, "INVALID_BODY", message);
        return;
    }
    event = &write->event;
    memcpy(
        write->params,
        ((const char *[]){rpc_call_tenant(call), event->instance, event->model,
                          event->category, event->rating, write->key,
                          write->hash, write->retention, write->window}),
        9 * sizeof(write->params[0]));
    feedback_write_send(write);
}
