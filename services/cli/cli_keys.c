/* A word after `keys` chooses what to do; each is one call of ss.Tenants. */
#include "services/cli/cli_keys.h"

#include "core/base/check.h"
#include "core/types/layers.h"
#include "services/api/api_error.h"
#include "services/api/transcode.h"
#include "services/cli/cli_link.h"
#include "services/cli/cli_print.h"
#include "services/runtime/secret.h"

#include "tenants.pb-c.h"

#include <stdio.h>
#include <string.h>

#define CALL_TIMEOUT_MS 10000
#define KEY_BEGIN "ssk_" /* of a whole key, see secret.h */
#define HOW_TO_SEND "Authorization: Bearer"

/* In the order of the service. */
enum { ADD_KEY, LIST_KEYS, REVOKE_KEY };

struct asking {
    unsigned method;
    const ProtobufCMessage *request;
    bool json;
    bool first; /* the first key of all: nobody asked for it in words */
    /* Print the answer. */
    void (*print)(const struct asking *asking, const ProtobufCMessage *reply);
    int exit_status;
};

static void
print_error(const struct asking *asking, const struct rpc_result *result)
{
    const char *message = result->message[0] != '\0'
                              ? result->message
                              : status_text(result->status);
    bool is_away = result->status == STATUS_UNAVAILABLE ||
                   result->status == STATUS_DEADLINE_EXCEEDED;
    if (asking->json) {
        struct buf out;
        buf_init(&out, COMMAND_OUT_MAX);
        api_error_write(&out, api_error_code(result->status, result->reason),
                        message);
        puts(buf_text(&out));
        buf_fini(&out);
    }
    command_say("%s%s", message, is_away ? "; see smart-spawn status" : "");
    /* Nobody answered: the call may have arrived all the same. */
    if (is_away && result->served_by[0] == '\0' && asking->method == ADD_KEY)
        command_say("whether a key was added is not known: smart-spawn keys "
                    "list shows it, and nobody has its text");
}

static void
on_answer(void *context, const struct rpc_result *result)
{
    struct asking *asking = context;
    if (asking->first && result->status == STATUS_FAILED_PRECONDITION) {
        asking->exit_status = COMMAND_OK; /* there are keys */
        return;
    }
    asking->exit_status = api_error_exit(result->status);
    if (result->status != STATUS_OK)
        print_error(asking, result);
    else
        asking->print(asking, result->reply);
    if (result->status == STATUS_OK && asking->method == LIST_KEYS &&
        cli_print_is_nothing(result->reply))
        asking->exit_status = COMMAND_NOTHING;
}

static int
ask(const struct command_line *line, struct asking *asking)
{
    struct cli_link *link;
    struct cli_link_call call = {
        .service = &ss__tenants__descriptor,
        .method = asking->method,
        .request = asking->request,
        /* Revoking again says the same; adding again would add another. */
        .options = {.timeout = CALL_TIMEOUT_MS,
                    .idempotent = asking->method != ADD_KEY},
        .done = on_answer,
        .context = asking,
    };
    asking->exit_status = COMMAND_UNAVAILABLE;
    if (cli_link_new(&link) != STATUS_OK) {
        command_say("no descriptors or memory");
        return COMMAND_UNAVAILABLE;
    }
    enum status status =
        cli_link_service(link, line, "feedback", &call.channel);
    if (status == STATUS_OK) {
        cli_link_call(link, &call);
        cli_link_wait(link);
    } else if (status == STATUS_UNAVAILABLE) {
        command_say_unheard(line, "feedback");
    } else {
        command_say("feedback.target is no list of endpoints");
        asking->exit_status = COMMAND_USAGE;
    }
    cli_link_free(&link);
    return asking->exit_status;
}

/* --- what was answered --- */

static void
print_key(const struct asking *asking, const ProtobufCMessage *reply)
{
    const Ss__AddKeyReply *added = (const Ss__AddKeyReply *)reply;
    (void)asking;
    printf("%s\n", added->key);
    (void)fflush(stdout); /* before the words about it */
    (void)fprintf(stderr,
                  "This is key %s of tenant %s. It cannot be shown again.\n"
                  "Send it as " HOW_TO_SEND " %s...\n",
                  added->id, added->tenant, KEY_BEGIN);
}

static void
print_first_key(const struct asking *asking, const ProtobufCMessage *reply)
{
    const Ss__AddKeyReply *added = (const Ss__AddKeyReply *)reply;
    (void)asking;
    printf("writing from other machines needs an API key; the first one, for "
           "tenant %s, cannot be shown again (send it as " HOW_TO_SEND
           "): %s\n",
           added->tenant, added->key);
}

static void
print_list(const struct asking *asking, const ProtobufCMessage *reply)
{
    struct buf out;
    buf_init(&out, COMMAND_OUT_MAX);
    if (asking->json) {
        transcode_write(reply, &out);
        buf_put_char(&out, '\n');
    } else {
        cli_print_reply(reply, "", &out);
    }
    (void)fputs(buf_text(&out), stdout);
    buf_fini(&out);
}

static void
print_revoked(const struct asking *asking, const ProtobufCMessage *reply)
{
    const Ss__RevokeKeyReply *revoked = (const Ss__RevokeKeyReply *)reply;
    char time[UTC_TEXT_MAX];
    const Ss__RevokeKeyRequest *request =
        (const Ss__RevokeKeyRequest *)asking->request;
    utc_format(revoked->revoked_at->ms, time);
    printf("key %s of tenant %s is revoked since %s\n", request->id,
           revoked->tenant, time);
}

/* --- what was asked --- */

/* protobuf-c's fields are not const; what it is given it does not write to. */
static char *
copy(const char *text, char *out, size_t size)
{
    (void)snprintf(out, size, "%s", text);
    return out;
}

static int
run_add(struct command_line *line)
{
    Ss__AddKeyRequest request = SS__ADD_KEY_REQUEST__INIT;
    struct asking asking = {
        .method = ADD_KEY, .request = &request.base, .print = print_key};
    /* Longer than may be, so that feedbackd words what is wrong. */
    char tenant[TENANT_MAX + 2];
    char text[256];
    const char *label = NULL;
    if (!command_option(line, "--label", &label))
        return COMMAND_USAGE;
    const char *name = command_only(line, "a tenant", CLI_KEYS_USAGE);
    if (name == NULL)
        return COMMAND_USAGE;
    request.tenant = copy(name, tenant, sizeof(tenant));
    if (label != NULL)
        request.label = copy(label, text, sizeof(text));
    return ask(line, &asking);
}

static int
run_list(struct command_line *line)
{
    Ss__ListKeysRequest request = SS__LIST_KEYS_REQUEST__INIT;
    struct asking asking = {
        .method = LIST_KEYS, .request = &request.base, .print = print_list};
    asking.json = command_switch(line, "--json");
    return command_no_more(line) ? ask(line, &asking) : COMMAND_USAGE;
}

static int
run_revoke(struct command_line *line)
{
    Ss__RevokeKeyRequest request = SS__REVOKE_KEY_REQUEST__INIT;
    struct asking asking = {
        .method = REVOKE_KEY, .request = &request.base, .print = print_revoked};
    char text[64];
    const char *id = command_only(line, "the id of a key", CLI_KEYS_USAGE);
    if (id == NULL)
        return COMMAND_USAGE;
    if (strncmp(id, KEY_BEGIN, strlen(KEY_BEGIN)) == 0) {
        command_say("that is a whole key; its id is what stands between the "
                    "first two \"_\" of it");
        return COMMAND_USAGE;
    }
    request.id = copy(id, text, sizeof(text));
    return ask(line, &asking);
}

int
cli_keys_run(struct command_line *line)
{
    static const struct {
        const char *word;
        int (*run)(struct command_line *line);
    } words[] = {{"add", run_add}, {"list", run_list}, {"revoke", run_revoke}};
    const char *word = command_word(line, CLI_KEYS_USAGE);
    if (word == NULL)
        return COMMAND_USAGE;
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (strcmp(words[i].word, word) == 0)
            return words[i].run(line);
    }
    command_say("keys has no \"%.60s\"; usage: smart-spawn keys %s", word,
                CLI_KEYS_USAGE);
    return COMMAND_USAGE;
}

void
cli_keys_first(const struct command_line *line)
{
    static const char first[] = "first";
    Ss__AddKeyRequest request = SS__ADD_KEY_REQUEST__INIT;
    struct asking asking = {.method = ADD_KEY,
                            .request = &request.base,
                            .first = true,
                            .print = print_first_key};
    char tenant[sizeof(TENANT_DEFAULT)];
    char label[sizeof(first)];
    request.tenant = copy(TENANT_DEFAULT, tenant, sizeof(tenant));
    request.label = copy(first, label, sizeof(label));
    request.has_only_first = true;
    request.only_first = true;
    if (ask(line, &asking) != COMMAND_OK)
        command_say("the first API key could not be made: smart-spawn keys "
                    "add " TENANT_DEFAULT " makes one");
}
