/* Arguments become pairs of the transcoder, so a command understands exactly
 * what the HTTP route of its row does. */
#include "services/cli/cli_request.h"

#include "core/base/check.h"
#include "services/api/names.h"
#include "services/api/transcode.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define STDIN_MAX (64u << 10) /* of a task; the service's limit is 8 KiB */
#define PAIRS_MAX 64

/* Which fields the arguments without a flag fill. */
static const struct positional {
    const char *command;
    const char *fields[4]; /* in order; NULL ends */
    bool joins;            /* further arguments go on in the last one */
    const char *glue;
} positionals[] = {
    {"pick", {"task"}, true, " "},
    {"recommend", {"task"}, true, " "},
    {"decompose", {"task"}, true, " "},
    {"swarm", {"task"}, true, " "},
    {"compose", {"task"}, true, " "},
    {"compare", {"models"}, true, ","},
    {"models", {"category"}, false, ""},
    {"rate", {"model", "category", "rating"}, false, ""},
    {"log", {"model", "category"}, false, ""},
    {"report", {"model", "category", "rating"}, false, ""},
    {"refresh", {"sources"}, true, ","},
    {"scores", {"category"}, false, ""},
    {"community", {"category"}, false, ""},
    {"stats", {"days"}, false, ""},
};

struct reading {
    struct command_line *line;
    const struct api_call *call;
    struct arena *arena;
    struct transcode_pair pairs[PAIRS_MAX];
    size_t pair_count;
    bool from_flag[PAIRS_MAX]; /* who set each pair */
    size_t taken;              /* arguments without a flag so far */
    bool from_stdin;           /* "-" stands for the task */
};

static const struct positional *
positional_of(const struct api_call *call)
{
    for (size_t i = 0; i < ARRAY_LEN(positionals); i++) {
        if (strcmp(positionals[i].command, call->command) == 0)
            return &positionals[i];
    }
    return NULL;
}

/* Whether its words are a task, which may come on standard input. */
static bool
takes_task(const struct api_call *call)
{
    const struct positional *row = positional_of(call);
    return row != NULL && strcmp(row->fields[0], "task") == 0;
}

void
cli_request_put_usage(FILE *out, const struct api_call *call)
{
    const struct positional *row = positional_of(call);
    (void)fprintf(out, "smart-spawn %s", call->command);
    for (size_t i = 0;
         row != NULL && i < ARRAY_LEN(row->fields) && row->fields[i] != NULL;
         i++)
        (void)fprintf(out, " [%s%s]", row->fields[i], row->joins ? "..." : "");
    (void)fputs(" [FLAGS]\n", out);
}

void
cli_request_say_usage(const struct api_call *call)
{
    (void)fputs("usage: ", stderr);
    cli_request_put_usage(stderr, call);
}

/* "min-context", "min_context" and "minContext" are the field min_context. */
static bool
is_flag_of(const char *field, struct slice flag)
{
    if (names_field_is(field, flag))
        return true;
    size_t len = strlen(field);
    for (size_t i = 0; i < len && i < flag.len; i++) {
        char c = flag.ptr[i];
        if (c == '-')
            c = '_';
        if (c != field[i])
            return false;
    }
    return len == flag.len;
}

static const ProtobufCFieldDescriptor *
find_field(const struct api_call *call, struct slice flag)
{
    const ProtobufCMessageDescriptor *input = call_input(call);
    for (unsigned i = 0; i < input->n_fields; i++) {
        if (is_flag_of(input->fields[i].name, flag))
            return &input->fields[i];
    }
    return NULL;
}

static bool
join(struct reading *reading, struct transcode_pair *pair, struct slice value,
     struct slice glue)
{
    size_t len = pair->value.len + glue.len + value.len;
    char *joined = arena_alloc(reading->arena, len);
    if (joined == NULL)
        return false;
    memcpy(joined, pair->value.ptr, pair->value.len);
    memcpy(joined + pair->value.len, glue.ptr, glue.len);
    memcpy(joined + pair->value.len + glue.len, value.ptr, value.len);
    pair->value = slice_make(joined, len);
    return true;
}

struct setting {
    const ProtobufCFieldDescriptor *field;
    struct slice value;
    struct slice glue; /* between two values of one field */
    bool is_flag;
};

/* Set a field; again is one more item of a list, or one more word of a text
 * that has no flag. Nothing else can be meant twice. */
static int
add(struct reading *reading, const struct setting *setting)
{
    char camel[NAMES_MAX];
    struct slice name = names_field(setting->field->name, camel);
    bool is_list = setting->field->label == PROTOBUF_C_LABEL_REPEATED;
    size_t at = 0;
    while (at < reading->pair_count && !slice_eq(reading->pairs[at].name, name))
        at++;
    if (at < reading->pair_count) {
        if (!is_list && (setting->is_flag || reading->from_flag[at])) {
            command_say("%.*s is given twice", SLICE_ARG(name));
            return COMMAND_USAGE;
        }
        return join(reading, &reading->pairs[at], setting->value, setting->glue)
                   ? COMMAND_OK
                   : COMMAND_USAGE;
    }
    CHECK(at < PAIRS_MAX); /* no message has so many fields */
    reading->from_flag[at] = setting->is_flag;
    reading->pairs[reading->pair_count++] = (struct transcode_pair){
        arena_slice(reading->arena, name), setting->value};
    return arena_ok(reading->arena) ? COMMAND_OK : COMMAND_USAGE;
}

static int
say_fields(const struct api_call *call, struct slice flag)
{
    command_say("%s has no flag --%.*s; see smart-spawn help %s", call->command,
                flag.len > 80 ? 80 : (int)flag.len, flag.ptr, call->command);
    return COMMAND_USAGE;
}

/* A flag at argument *at, which moves on past its value. */
static int
read_flag(struct reading *reading, size_t *at)
{
    struct slice flag = slice_of(reading->line->arguments[*at]);
    struct slice value = {NULL, 0};
    flag = slice_cut(flag, 2, flag.len);
    ptrdiff_t equals = slice_find(flag, SLICE("="));
    if (equals >= 0) {
        value = slice_cut(flag, (size_t)equals + 1, flag.len);
        flag = slice_cut(flag, 0, (size_t)equals);
    }
    const ProtobufCFieldDescriptor *field = find_field(reading->call, flag);
    if (field == NULL)
        return say_fields(reading->call, flag);
    if (equals < 0 && field->type == PROTOBUF_C_TYPE_BOOL) {
        value = SLICE("true");
    } else if (equals < 0) {
        if (*at + 1 >= reading->line->count) {
            command_say("--%.*s needs a value", SLICE_ARG(flag));
            return COMMAND_USAGE;
        }
        value = slice_of(reading->line->arguments[++*at]);
    }
    return add(reading, &(struct setting){field, value, SLICE(","), true});
}

static int
read_positional(struct reading *reading, const char *argument)
{
    const struct positional *row = positional_of(reading->call);
    size_t fields = 0;
    while (row != NULL && fields < ARRAY_LEN(row->fields) &&
           row->fields[fields] != NULL)
        fields++;
    if (strcmp(argument, "-") == 0 && takes_task(reading->call)) {
        reading->from_stdin = true;
        return COMMAND_OK;
    }
    size_t at = reading->taken++;
    if (at >= fields && (row == NULL || !row->joins)) {
        command_say("%s does not take \"%.80s\"; see smart-spawn help %s",
                    reading->call->command, argument, reading->call->command);
        return COMMAND_USAGE;
    }
    CHECK(fields > 0);
    const char *name = row->fields[at < fields ? at : fields - 1];
    const ProtobufCFieldDescriptor *field =
        find_field(reading->call, slice_of(name));
    CHECK(field != NULL);
    return add(reading, &(struct setting){field, slice_of(argument),
                                          slice_of(row->glue), false});
}

static int
read_arguments(struct reading *reading)
{
    const struct command_line *line = reading->line;
    bool flags = true;
    int result = COMMAND_OK;
    for (size_t i = 0; i < line->count && result == COMMAND_OK; i++) {
        const char *argument = line->arguments[i];
        if (flags && strcmp(argument, "--") == 0)
            flags = false;
        else if (flags && strncmp(argument, "--", 2) == 0)
            result = read_flag(reading, &i);
        else
            result = read_positional(reading, argument);
    }
    return result;
}

/* A task that was not given as an argument comes from a pipe or a file. */
static int
read_task(struct reading *reading)
{
    bool wants = takes_task(reading->call);
    for (size_t i = 0; i < reading->pair_count; i++) {
        if (slice_eq(reading->pairs[i].name, SLICE("task")) ||
            slice_eq(reading->pairs[i].name, SLICE("category")))
            wants = false;
    }
    if (!wants && !reading->from_stdin)
        return COMMAND_OK;
    if (isatty(STDIN_FILENO) && !reading->from_stdin) {
        command_say("%s needs a task, as arguments or on standard input",
                    reading->call->command);
        cli_request_say_usage(reading->call);
        return COMMAND_USAGE;
    }
    char *bytes = arena_alloc(reading->arena, STDIN_MAX + 1);
    CHECK(bytes != NULL);
    size_t len = fread(bytes, 1, STDIN_MAX + 1, stdin);
    if (len > STDIN_MAX) {
        command_say("the task is longer than %u bytes", STDIN_MAX);
        return COMMAND_USAGE;
    }
    struct slice task = slice_trim(slice_make(bytes, len));
    if (task.len == 0)
        return COMMAND_OK; /* the service words what is missing */
    const ProtobufCFieldDescriptor *field =
        find_field(reading->call, SLICE("task"));
    CHECK(field != NULL);
    return add(reading, &(struct setting){field, task, SLICE(" "), false});
}

/* Fewer arguments than fields: what is missing may be one of them. */
static bool
is_short(const struct reading *reading)
{
    const struct positional *row = positional_of(reading->call);
    return row != NULL && reading->taken < ARRAY_LEN(row->fields) &&
           row->fields[reading->taken] != NULL;
}

static int
read_message(struct reading *reading, ProtobufCMessage **ret_message)
{
    struct transcode_error error;
    int result = read_arguments(reading);
    if (result == COMMAND_OK)
        result = read_task(reading);
    if (result != COMMAND_OK)
        return result;
    enum status status = transcode_pairs(
        call_input(reading->call),
        (struct transcode_pairs){reading->pairs, reading->pair_count},
        reading->arena, ret_message, &error);
    if (status == STATUS_OK)
        return COMMAND_OK;
    command_say("%s", status == STATUS_INVALID_ARGUMENT ? error.message
                                                        : status_text(status));
    if (is_short(reading))
        cli_request_say_usage(reading->call);
    return COMMAND_USAGE;
}

int
cli_request_read(struct command_line *line, const struct api_call *call,
                 struct arena *arena, struct cli_request *ret_request)
{
    struct reading reading = {.line = line, .call = call, .arena = arena};
    ProtobufCMessage *message;
    int result = read_message(&reading, &message);
    if (result == COMMAND_OK)
        *ret_request =
            (struct cli_request){.message = message, .few = is_short(&reading)};
    return result;
}
