/* A word after `ingest` chooses the call; `refresh` asks again until the
 * refresh is over. */
#include "services/cli/cli_ingest.h"

#include "core/base/check.h"
#include "core/base/text.h"
#include "services/api/api_error.h"
#include "services/api/transcode.h"
#include "services/cli/cli_link.h"
#include "services/cli/cli_print.h"
#include "services/local/pause.h"

#include "ingest.pb-c.h"

#include <stdio.h>
#include <string.h>

#define CALL_TIMEOUT_MS 10000
#define REPORT_ROWS 100000 /* all */
#define NAME_MAX_BYTES 1024
#define WORD_MAX 64
#define POLL_MS 200
#define WATCH_MAX_MS 900000
#define SOURCES_MAX 16

/* In the order of the service. */
enum { SOURCES, REFRESH, REPORT, MATCH, VERSIONS, ROLLBACK };

struct asking {
    struct cli_link *link;
    struct rpc_channel *channel;
    unsigned method;
    const ProtobufCMessage *request;
    bool json;
    /* Print the answer; says the exit status. */
    int (*print)(const struct asking *asking, const ProtobufCMessage *reply);
    int exit_status;
    void *context;
};

static void
print_error(const struct asking *asking, const struct rpc_result *result)
{
    bool is_away = result->status == STATUS_UNAVAILABLE ||
                   result->status == STATUS_DEADLINE_EXCEEDED;
    const char *message = result->message[0] != '\0'
                              ? result->message
                              : status_text(result->status);
    if (asking->json) {
        struct buf out;
        buf_init(&out, COMMAND_OUT_MAX);
        api_error_write(&out, api_error_code(result->status, result->reason),
                        message);
        puts(buf_text(&out));
        buf_fini(&out);
    }
    command_say("%s%s", message, is_away ? "; see smart-spawn status" : "");
}

static void
on_answer(void *context, const struct rpc_result *result)
{
    struct asking *asking = context;
    if (result->status != STATUS_OK) {
        asking->exit_status = api_error_exit(result->status);
        print_error(asking, result);
        return;
    }
    asking->exit_status = asking->print(asking, result->reply);
}

/* Make the call and wait for it; the exit status. */
static int
call(struct asking *asking)
{
    struct cli_link_call link_call = {
        .channel = asking->channel,
        .service = &ss__ingest__descriptor,
        .method = asking->method,
        .request = asking->request,
        /* Progress is known to the ingestd that fetches. */
        .options = {.timeout = CALL_TIMEOUT_MS,
                    .idempotent = asking->method != REFRESH,
                    .sticky = true},
        .done = on_answer,
        .context = asking,
    };
    asking->exit_status = COMMAND_UNAVAILABLE;
    cli_link_call(asking->link, &link_call);
    cli_link_wait(asking->link);
    return asking->exit_status;
}

/* A link to ingestd; false, and said, when there is none. */
static bool
connect_to(const struct command_line *line, struct asking *asking)
{
    if (cli_link_new(&asking->link) != STATUS_OK) {
        command_say("no descriptors or memory");
        return false;
    }
    enum status status =
        cli_link_service(asking->link, line, "ingest", &asking->channel);
    if (status == STATUS_OK)
        return true;
    if (status == STATUS_UNAVAILABLE)
        command_say_unheard(line, "ingest");
    else
        command_say("ingest.target is no list of endpoints");
    cli_link_free(&asking->link);
    return false;
}

static int
ask(const struct command_line *line, struct asking *asking)
{
    if (!connect_to(line, asking))
        return COMMAND_UNAVAILABLE;
    int result = call(asking);
    cli_link_free(&asking->link);
    return result;
}

/* --- answers --- */

static int
print_any(const struct asking *asking, const ProtobufCMessage *reply)
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
    return cli_print_is_nothing(reply) ? COMMAND_NOTHING : COMMAND_OK;
}

static int
print_match(const struct asking *asking, const ProtobufCMessage *reply)
{
    const Ss__MatchReply *match = (const Ss__MatchReply *)reply;
    int result = match->id != NULL ? COMMAND_OK : COMMAND_NOTHING;
    if (asking->json) {
        (void)print_any(asking, reply);
        return result;
    }
    if (match->id != NULL)
        printf("%s%s%s  by %s, %s\n", match->id,
               match->variant != NULL ? ", " : "",
               match->variant != NULL ? match->variant : "", match->rule,
               match->standing);
    else
        printf("%s\n",
               match->n_candidates > 0 ? "no model; near are:" : "no model");
    for (size_t i = 0; i < match->n_candidates; i++)
        printf("  %s  (%s)\n", match->candidates[i]->id,
               match->candidates[i]->why);
    return result;
}

static int
print_rollback(const struct asking *asking, const ProtobufCMessage *reply)
{
    const Ss__RollbackReply *done = (const Ss__RollbackReply *)reply;
    (void)asking;
    if (done->has_number)
        printf("version %llu is served from now on; refreshes go on beside "
               "it, and `smart-spawn ingest newest` serves what they made\n",
               (unsigned long long)done->number);
    else
        printf("the newest catalog is served\n");
    return COMMAND_OK;
}

/* --- words of ingest --- */

/* protobuf-c's fields are not const; what it is given it does not write to. */
static char *
copy(const char *text, char *out, size_t size)
{
    (void)snprintf(out, size, "%s", text);
    return out;
}

static int
run_report(struct command_line *line)
{
    Ss__ReportRequest request = SS__REPORT_REQUEST__INIT;
    struct asking asking = {
        .method = REPORT, .request = &request.base, .print = print_any};
    char source[WORD_MAX], which[WORD_MAX];
    const char *only = NULL, *from = NULL;
    asking.json = command_switch(line, "--json");
    if (!command_option(line, "--source", &from) ||
        !command_option(line, "--only", &only) || !command_no_more(line))
        return COMMAND_USAGE;
    if (from != NULL)
        request.source = copy(from, source, sizeof(source));
    if (only != NULL)
        request.which = copy(only, which, sizeof(which));
    request.has_limit = true;
    request.limit = REPORT_ROWS;
    return ask(line, &asking);
}

static int
run_match(struct command_line *line)
{
    Ss__MatchRequest request = SS__MATCH_REQUEST__INIT;
    struct asking asking = {
        .method = MATCH, .request = &request.base, .print = print_match};
    char name[NAME_MAX_BYTES], source[WORD_MAX];
    const char *from = NULL;
    asking.json = command_switch(line, "--json");
    if (!command_option(line, "--source", &from))
        return COMMAND_USAGE;
    const char *text = command_only(line, "a name", CLI_INGEST_USAGE);
    if (text == NULL)
        return COMMAND_USAGE;
    request.name = copy(text, name, sizeof(name));
    if (from != NULL)
        request.source = copy(from, source, sizeof(source));
    return ask(line, &asking);
}

static int
run_versions(struct command_line *line)
{
    Ss__VersionsRequest request = SS__VERSIONS_REQUEST__INIT;
    struct asking asking = {
        .method = VERSIONS, .request = &request.base, .print = print_any};
    asking.json = command_switch(line, "--json");
    return command_no_more(line) ? ask(line, &asking) : COMMAND_USAGE;
}

static int
run_rollback(struct command_line *line)
{
    Ss__RollbackRequest request = SS__ROLLBACK_REQUEST__INIT;
    struct asking asking = {
        .method = ROLLBACK, .request = &request.base, .print = print_rollback};
    const char *number =
        command_only(line, "the number of a version", CLI_INGEST_USAGE);
    if (number == NULL)
        return COMMAND_USAGE;
    if (text_u64(slice_of(number), &request.number) != STATUS_OK) {
        command_say("a version's number is what smart-spawn ingest versions "
                    "lists first");
        return COMMAND_USAGE;
    }
    request.has_number = true;
    return ask(line, &asking);
}

static int
run_newest(struct command_line *line)
{
    Ss__RollbackRequest request = SS__ROLLBACK_REQUEST__INIT;
    struct asking asking = {
        .method = ROLLBACK, .request = &request.base, .print = print_rollback};
    return command_no_more(line) ? ask(line, &asking) : COMMAND_USAGE;
}

int
cli_ingest_run(struct command_line *line)
{
    static const struct {
        const char *word;
        int (*run)(struct command_line *line);
    } words[] = {{"report", run_report},
                 {"match", run_match},
                 {"versions", run_versions},
                 {"rollback", run_rollback},
                 {"newest", run_newest}};
    const char *word = command_word(line, CLI_INGEST_USAGE);
    if (word == NULL)
        return COMMAND_USAGE;
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (strcmp(words[i].word, word) == 0)
            return words[i].run(line);
    }
    command_say("ingest has no \"%.60s\"; usage: smart-spawn ingest %s", word,
                CLI_INGEST_USAGE);
    return COMMAND_USAGE;
}

/* --- refresh --- */

/* A refresh that is watched. */
struct watch {
    bool started, is_over;
    char told[SOURCES_MAX][WORD_MAX]; /* the state of each that was said */
    size_t read, failed;              /* sources at their end */
};

static int
on_started(const struct asking *asking, const ProtobufCMessage *reply)
{
    const Ss__RefreshReply *started = (const Ss__RefreshReply *)reply;
    struct watch *watch = asking->context;
    watch->started = started->started;
    if (asking->json)
        return print_any(asking, reply);
    if (!started->started)
        command_say("a refresh is under way%s%s%s",
                    started->fetching_by != NULL ? ", by " : "",
                    started->fetching_by != NULL ? started->fetching_by : "",
                    started->fetching_by != NULL ? ""
                                                 : "; this is how it goes");
    return COMMAND_OK;
}

/* A line when a source is at its end. */
static void
tell(struct watch *watch, size_t at, const Ss__SourcesEntry *entry)
{
    const Ss__SourceReport *report = entry->value;
    const Ss__SourceRun *run = report->run;
    bool done = strcmp(run->state, "done") == 0;
    bool failed = strcmp(run->state, "failed") == 0;
    if (at >= SOURCES_MAX || strcmp(watch->told[at], run->state) == 0)
        return;
    (void)snprintf(watch->told[at], WORD_MAX, "%s", run->state);
    watch->read += done;
    watch->failed += failed;
    if (done)
        printf("%-20s %u rows, %u page%s, %.1f s\n", entry->key, run->rows,
               run->pages_done, run->pages_done == 1 ? "" : "s",
               run->elapsed_ms / 1000.0);
    else if (failed)
        printf("%-20s failed after %.1f s: %s; its last figures stay\n",
               entry->key, run->elapsed_ms / 1000.0, run->reason);
    else if (strcmp(run->state, "fetching") == 0)
        printf("%-20s fetching\n", entry->key);
    (void)fflush(stdout);
}

static int
on_sources(const struct asking *asking, const ProtobufCMessage *reply)
{
    const Ss__SourcesReply *sources = (const Ss__SourcesReply *)reply;
    struct watch *watch = asking->context;
    for (size_t i = 0; i < sources->n_sources; i++) {
        if (sources->sources[i]->value->run != NULL)
            tell(watch, i, sources->sources[i]);
    }
    watch->is_over = !sources->fetching;
    if (watch->is_over)
        printf("%u models\n", sources->model_count);
    return COMMAND_OK;
}

/* Ask every now and then until it is over; the exit status. */
static int
watch_on(struct asking *asking)
{
    static const Ss__SourcesRequest request = SS__SOURCES_REQUEST__INIT;
    struct watch *watch = asking->context;
    ms_time end = pause_now() + WATCH_MAX_MS;
    asking->method = SOURCES;
    asking->request = &request.base;
    asking->print = on_sources;
    while (!watch->is_over && pause_now() < end) {
        int result = call(asking);
        if (result != COMMAND_OK)
            return result;
        if (!watch->is_over)
            pause_for(POLL_MS);
    }
    return watch->read > 0 || watch->failed == 0 ? COMMAND_OK
                                                 : COMMAND_UNAVAILABLE;
}

int
cli_ingest_refresh(struct command_line *line)
{
    Ss__RefreshRequest request = SS__REFRESH_REQUEST__INIT;
    struct watch watch = {.started = false};
    struct asking asking = {.method = REFRESH,
                            .request = &request.base,
                            .print = on_started,
                            .context = &watch};
    char names[SOURCES_MAX][WORD_MAX];
    char *list[SOURCES_MAX];
    asking.json = command_switch(line, "--json");
    if (line->count > SOURCES_MAX) {
        command_say("more sources than there are");
        return COMMAND_USAGE;
    }
    for (size_t i = 0; i < line->count; i++)
        list[i] = copy(line->arguments[i], names[i], WORD_MAX);
    request.sources = list;
    request.n_sources = line->count;
    if (!connect_to(line, &asking))
        return COMMAND_UNAVAILABLE;
    int result = call(&asking);
    if (result == COMMAND_OK && !asking.json)
        result = watch_on(&asking);
    cli_link_free(&asking.link);
    return result;
}
