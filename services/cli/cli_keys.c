/* A word after `keys` chooses what to do; each is one call of ss.Tenants. */
#include "services/cli/cli_keys.h"

#include "core/base/check.h"
#include "core/types/layers.h"
#include "services/cli/cli_ask.h"
#include "services/runtime/secret.h"

#include "tenants.pb-c.h"

#include <stdio.h>
#include <string.h>

#define KEY_BEGIN "ssk_" /* of a whole key, see secret.h */
#define HOW_TO_SEND "Authorization: Bearer"

/* In the order of the service. */
enum { ADD_KEY, LIST_KEYS, REVOKE_KEY };

static struct cli_ask
asking(unsigned method, const ProtobufCMessage *request)
{
    return (struct cli_ask){.target = "feedback",
                            .service = &ss__tenants__descriptor,
                            .method = method,
                            .request = request,
                            /* Revoking again says the same; adding again would
                             * add another. */
                            .only_once = method == ADD_KEY};
}

/* Nobody answered: the call may have arrived all the same. */
static void
on_add_failed(const struct cli_ask *ask, const struct rpc_result *result)
{
    (void)ask;
    if ((result->status == STATUS_UNAVAILABLE ||
         result->status == STATUS_DEADLINE_EXCEEDED) &&
        result->served_by[0] == '\0')
        command_say("whether a key was added is not known: smart-spawn keys "
                    "list shows it, and nobody has its text");
}

/* --- what was answered --- */

static int
print_key(const struct cli_ask *ask, const ProtobufCMessage *reply)
{
    const Ss__AddKeyReply *added = (const Ss__AddKeyReply *)reply;
    (void)ask;
    printf("%s\n", added->key);
    (void)fflush(stdout); /* before the words about it */
    (void)fprintf(stderr,
                  "This is key %s of tenant %s. It cannot be shown again.\n"
                  "Send it as " HOW_TO_SEND " %s...\n",
                  added->id, added->tenant, KEY_BEGIN);
    return COMMAND_OK;
}

static int
print_first_key(const struct cli_ask *ask, const ProtobufCMessage *reply)
{
    const Ss__AddKeyReply *added = (const Ss__AddKeyReply *)reply;
    (void)ask;
    printf("writing from other machines needs an API key; the first one, for "
           "tenant %s, cannot be shown again (send it as " HOW_TO_SEND
           "): %s\n",
           added->tenant, added->key);
    return COMMAND_OK;
}

static int
print_revoked(const struct cli_ask *ask, const ProtobufCMessage *reply)
{
    const Ss__RevokeKeyReply *revoked = (const Ss__RevokeKeyReply *)reply;
    char time[UTC_TEXT_MAX];
    const Ss__RevokeKeyRequest *request =
        (const Ss__RevokeKeyRequest *)ask->request;
    utc_format(revoked->revoked_at->ms, time);
    printf("key %s of tenant %s is revoked since %s\n", request->id,
           revoked->tenant, time);
    return COMMAND_OK;
}

/* --- what was asked --- */

static int
run_add(struct command_line *line)
{
    Ss__AddKeyRequest request = SS__ADD_KEY_REQUEST__INIT;
    struct cli_ask ask = asking(ADD_KEY, &request.base);
    /* Longer than may be, so that feedbackd words what is wrong. */
    char tenant[TENANT_MAX + 2];
    char text[256];
    const char *label = NULL;
    if (!command_option(line, "--label", &label))
        return COMMAND_USAGE;
    const char *name = command_only(line, "a tenant", CLI_KEYS_USAGE);
    if (name == NULL)
        return COMMAND_USAGE;
    ask.print = print_key;
    ask.failed = on_add_failed;
    request.tenant = cli_ask_text(name, tenant, sizeof(tenant));
    if (label != NULL)
        request.label = cli_ask_text(label, text, sizeof(text));
    return cli_ask_run(line, &ask);
}

static int
run_list(struct command_line *line)
{
    Ss__ListKeysRequest request = SS__LIST_KEYS_REQUEST__INIT;
    struct cli_ask ask = asking(LIST_KEYS, &request.base);
    ask.print = cli_ask_print;
    ask.json = command_switch(line, "--json");
    return command_no_more(line) ? cli_ask_run(line, &ask) : COMMAND_USAGE;
}

static int
run_revoke(struct command_line *line)
{
    Ss__RevokeKeyRequest request = SS__REVOKE_KEY_REQUEST__INIT;
    struct cli_ask ask = asking(REVOKE_KEY, &request.base);
    char text[64];
    const char *id = command_only(line, "the id of a key", CLI_KEYS_USAGE);
    if (id == NULL)
        return COMMAND_USAGE;
    if (strncmp(id, KEY_BEGIN, strlen(KEY_BEGIN)) == 0) {
        command_say("that is a whole key; its id is what stands between the "
                    "first two \"_\" of it");
        return COMMAND_USAGE;
    }
    ask.print = print_revoked;
    request.id = cli_ask_text(id, text, sizeof(text));
    return cli_ask_run(line, &ask);
}

int
cli_keys_run(struct command_line *line)
{
    static const struct command_word words[] = {
        {"add", run_add}, {"list", run_list}, {"revoke", run_revoke}};
    return command_dispatch(line, words, ARRAY_LEN(words), CLI_KEYS_USAGE);
}

void
cli_keys_first(const struct command_line *line)
{
    static const char first[] = "first";
    Ss__AddKeyRequest request = SS__ADD_KEY_REQUEST__INIT;
    struct cli_ask ask = asking(ADD_KEY, &request.base);
    char tenant[sizeof(TENANT_DEFAULT)];
    char label[sizeof(first)];
    ask.print = print_first_key;
    ask.expected = STATUS_FAILED_PRECONDITION; /* there are keys */
    request.tenant = cli_ask_text(TENANT_DEFAULT, tenant, sizeof(tenant));
    request.label = cli_ask_text(first, label, sizeof(label));
    request.has_only_first = true;
    request.only_first = true;
    if (cli_ask_run(line, &ask) != COMMAND_OK)
        command_say("the first API key could not be made: smart-spawn keys "
                    "add " TENANT_DEFAULT " makes one");
}
