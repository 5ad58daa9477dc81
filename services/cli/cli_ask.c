/* Calls of services by commands that are no rows of the call table. */
#include "services/cli/cli_ask.h"

#include "services/api/api_error.h"
#include "services/api/transcode.h"
#include "services/cli/cli_print.h"

#include <stdio.h>

#define CALL_TIMEOUT_MS 10000

static void
print_error(const struct cli_ask *ask, const struct rpc_result *result)
{
    const char *message = result->message[0] != '\0'
                              ? result->message
                              : status_text(result->status);
    bool is_away = result->status == STATUS_UNAVAILABLE ||
                   result->status == STATUS_DEADLINE_EXCEEDED;
    if (ask->json) {
        struct buf out;
        buf_init(&out, COMMAND_OUT_MAX);
        api_error_write(&out, api_error_code(result->status, result->reason),
                        message);
        puts(buf_text(&out));
        buf_fini(&out);
    }
    command_say("%s%s", message, is_away ? "; see smart-spawn status" : "");
    if (ask->failed != NULL)
        ask->failed(ask, result);
}

static void
on_answer(void *context, const struct rpc_result *result)
{
    struct cli_ask *ask = context;
    if (result->status == STATUS_OK) {
        ask->exit_status = ask->print(ask, result->reply);
    } else if (result->status == ask->expected) {
        ask->exit_status = COMMAND_OK;
    } else {
        ask->exit_status = api_error_exit(result->status);
        print_error(ask, result);
    }
}

bool
cli_ask_open(const struct command_line *line, struct cli_ask *ask)
{
    if (cli_link_new(&ask->link) != STATUS_OK) {
        command_say("no descriptors or memory");
        return false;
    }
    enum status status =
        cli_link_service(ask->link, line, ask->target, &ask->channel);
    if (status == STATUS_OK)
        return true;
    if (status == STATUS_UNAVAILABLE)
        command_say_unheard(line, ask->target);
    else
        command_say("%s.target is no list of endpoints", ask->target);
    cli_ask_close(ask);
    return false;
}

int
cli_ask_call(struct cli_ask *ask)
{
    struct cli_link_call call = {
        .channel = ask->channel,
        .service = ask->service,
        .method = ask->method,
        .request = ask->request,
        /* Who knows of the last call is asked again. */
        .options = {.timeout = CALL_TIMEOUT_MS,
                    .idempotent = !ask->only_once,
                    .sticky = true},
        .done = on_answer,
        .context = ask,
    };
    ask->exit_status = COMMAND_UNAVAILABLE;
    cli_link_call(ask->link, &call);
    cli_link_wait(ask->link);
    return ask->exit_status;
}

void
cli_ask_close(struct cli_ask *ask)
{
    cli_link_free(&ask->link);
}

int
cli_ask_run(const struct command_line *line, struct cli_ask *ask)
{
    if (!cli_ask_open(line, ask))
        return COMMAND_UNAVAILABLE;
    int result = cli_ask_call(ask);
    cli_ask_close(ask);
    return result;
}

int
cli_ask_print(const struct cli_ask *ask, const ProtobufCMessage *reply)
{
    struct buf out;
    buf_init(&out, COMMAND_OUT_MAX);
    if (ask->json) {
        transcode_write(reply, &out);
        buf_put_char(&out, '\n');
    } else {
        cli_print_reply(reply, "", &out);
    }
    (void)fputs(buf_text(&out), stdout);
    buf_fini(&out);
    return cli_print_is_nothing(reply) ? COMMAND_NOTHING : COMMAND_OK;
}

char *
cli_ask_text(const char *text, char *out, size_t size)
{
    (void)snprintf(out, size, "%s", text);
    return out;
}
