/* A request from cli_request, one call, its answer printed. */
#include "services/cli/cli_call.h"

#include "core/base/arena.h"
#include "core/base/check.h"
#include "services/api/api_error.h"
#include "services/api/names.h"
#include "services/api/transcode.h"
#include "services/cli/cli_link.h"
#include "services/cli/cli_print.h"
#include "services/cli/cli_request.h"

#include "router.pb-c.h"

#include <stdio.h>
#include <string.h>

#define CALL_TIMEOUT_MS 10000
#define ARENA_MAX (8u << 20)

struct answer {
    const struct api_call *call;
    const ProtobufCMessage *request;
    bool json;
    bool few; /* fewer arguments than the command can take */
    int exit_status;
};

static void
print_error(const struct answer *answer, enum status status, const char *reason,
            const char *message)
{
    if (answer->json) {
        struct buf out;
        buf_init(&out, COMMAND_OUT_MAX);
        api_error_write(&out, api_error_code(status, reason), message);
        puts(buf_text(&out));
        buf_fini(&out);
    }
    if (status == STATUS_UNAVAILABLE || status == STATUS_DEADLINE_EXCEEDED)
        command_say("%s does not answer (%s); see smart-spawn status",
                    answer->call->target,
                    message[0] != '\0' ? message : status_text(status));
    else
        command_say("%s", message[0] != '\0' ? message : status_text(status));
    if (status == STATUS_INVALID_ARGUMENT && answer->few)
        cli_request_say_usage(answer->call);
}

/* Which of a model's scores is the one to show: the category that was asked
 * for or sorted by. */
static const char *
shown_category(const ProtobufCMessage *request, char *out)
{
    int sorted;
    if (request->descriptor != &ss__models_request__descriptor)
        return "general";
    const Ss__ModelsRequest *models = (const Ss__ModelsRequest *)request;
    if (models->has_category)
        (void)names_enum(&ss__category__descriptor, (int)models->category, out);
    else if (models->sort != NULL &&
             names_enum_find(&ss__category__descriptor, slice_of(models->sort),
                             &sorted))
        (void)names_enum(&ss__category__descriptor, sorted, out);
    else
        return "general";
    return out;
}

static void
on_answer(void *context, const struct rpc_result *result)
{
    struct answer *answer = context;
    answer->exit_status = api_error_exit(result->status);
    if (result->status != STATUS_OK) {
        print_error(answer, result->status, result->reason, result->message);
        return;
    }
    struct buf out;
    buf_init(&out, COMMAND_OUT_MAX);
    if (answer->json) {
        transcode_write(result->reply, &out);
        buf_put_char(&out, '\n');
    } else {
        char category[NAMES_MAX];
        cli_print_reply(result->reply,
                        shown_category(answer->request, category), &out);
    }
    (void)fputs(buf_text(&out), stdout);
    buf_fini(&out);
    if (cli_print_is_nothing(result->reply))
        answer->exit_status = COMMAND_NOTHING;
}

static int
make_call(const struct command_line *line, struct answer *answer)
{
    const struct api_call *call = answer->call;
    struct cli_link *link;
    struct cli_link_call link_call = {
        .service = call->service,
        .method = call->method,
        .request = answer->request,
        .options = {.timeout = CALL_TIMEOUT_MS, .idempotent = call->idempotent},
        .done = on_answer,
        .context = answer,
    };
    answer->exit_status = COMMAND_UNAVAILABLE;
    if (cli_link_new(&link) != STATUS_OK) {
        command_say("no descriptors or memory");
        return COMMAND_UNAVAILABLE;
    }
    enum status status =
        cli_link_service(link, line, call->target, &link_call.channel);
    if (status == STATUS_OK) {
        cli_link_call(link, &link_call);
        cli_link_wait(link);
    } else if (status == STATUS_UNAVAILABLE) {
        command_say_unheard(line, call->target);
    } else {
        command_say("%s.target is no list of endpoints", call->target);
        answer->exit_status = COMMAND_USAGE;
    }
    cli_link_free(&link);
    return answer->exit_status;
}

int
cli_call_run(struct command_line *line, const struct api_call *call)
{
    struct cli_request request;
    bool json = command_switch(line, "--json");
    struct arena *arena = arena_new(ARENA_MAX);
    CHECK(arena != NULL);
    int result = cli_request_read(line, call, arena, &request);
    if (result == COMMAND_OK) {
        struct answer answer = {.call = call,
                                .request = request.message,
                                .json = json,
                                .few = request.few};
        result = make_call(line, &answer);
    }
    arena_free(&arena);
    return result;
}

void
cli_call_first_pick(const struct command_line *line)
{
    static const char task[] = "build a react app";
    const struct api_call *call = call_table_command(SLICE("pick"));
    Ss__PickRequest request = SS__PICK_REQUEST__INIT;
    char text[sizeof(task)];
    CHECK(call != NULL);
    memcpy(text, task, sizeof(task));
    request.task = text;
    printf("smart-spawn pick \"%s\"\n", task);
    struct answer answer = {.call = call, .request = &request.base};
    (void)make_call(line, &answer);
}

/* --- help --- */

static void
print_field(const ProtobufCFieldDescriptor *field)
{
    char flag[NAMES_MAX];
    struct buf values;
    size_t len = strlen(field->name);
    CHECK(len < sizeof(flag));
    for (size_t i = 0; i <= len; i++) {
        flag[i] = field->name[i];
        if (flag[i] == '_')
            flag[i] = '-';
    }
    buf_init(&values, 4096);
    if (field->type == PROTOBUF_C_TYPE_ENUM)
        names_enum_list(field->descriptor, &values);
    else if (field->type != PROTOBUF_C_TYPE_BOOL)
        buf_put_text(&values,
                     field->type == PROTOBUF_C_TYPE_STRING ? "TEXT" : "NUMBER");
    printf("  --%-14s %s%s\n", flag, buf_text(&values),
           field->label == PROTOBUF_C_LABEL_REPEATED ? " (list: a,b)" : "");
    buf_fini(&values);
}

void
cli_call_help(const struct api_call *call)
{
    const ProtobufCMessageDescriptor *input = call_input(call);
    cli_request_put_usage(stdout, call);
    printf("\n%s\nAlso %s /api%s.\n\n", call->summary, call->verb, call->route);
    for (unsigned i = 0; i < input->n_fields; i++)
        print_field(&input->fields[i]);
    printf("  --%-14s %s\n", "json", "print the HTTP body");
}
