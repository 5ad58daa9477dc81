/* A word after `ingest` chooses the call; `refresh` asks again until the
 * refresh is over. */
#include "services/cli/cli_ingest.h"

#include "core/base/check.h"
#include "core/base/text.h"
#include "services/cli/cli_ask.h"
#include "services/local/pause.h"

#include "ingest.pb-c.h"

#include <stdio.h>
#include <string.h>

#define REPORT_ROWS 100000 /* all */
#define NAME_MAX_BYTES 1024
#define WORD_MAX 64
#define POLL_MS 200
#define WATCH_MAX_MS 900000
#define SOURCES_MAX 16

/* In the order of the service. */
enum { SOURCES, REFRESH, REPORT, MATCH, VERSIONS, ROLLBACK };

static struct cli_ask
asking(unsigned method, const ProtobufCMessage *request)
{
    return (struct cli_ask){.target = "ingest",
                            .service = &ss__ingest__descriptor,
                            .method = method,
                            .request = request,
                            .only_once = method == REFRESH,
                            .print = cli_ask_print};
}

/* --- answers --- */

static int
print_match(const struct cli_ask *ask, const ProtobufCMessage *reply)
{
    const Ss__MatchReply *match = (const Ss__MatchReply *)reply;
    int result = match->id != NULL ? COMMAND_OK : COMMAND_NOTHING;
    if (ask->json) {
        (void)cli_ask_print(ask, reply);
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
print_rollback(const struct cli_ask *ask, const ProtobufCMessage *reply)
{
    const Ss__RollbackReply *done = (const Ss__RollbackReply *)reply;
    (void)ask;
    if (done->has_number)
        printf("version %llu is served from now on; refreshes go on beside "
               "it, and `smart-spawn ingest newest` serves what they made\n",
               (unsigned long long)done->number);
    else
        printf("the newest catalog is served\n");
    return COMMAND_OK;
}

/* --- words of ingest --- */

static int
run_report(struct command_line *line)
{
    Ss__ReportRequest request = SS__REPORT_REQUEST__INIT;
    struct cli_ask ask = asking(REPORT, &request.base);
    char source[WORD_MAX], which[WORD_MAX];
    const char *only = NULL, *from = NULL;
    ask.json = command_switch(line, "--json");
    if (!command_option(line, "--source", &from) ||
        !command_option(line, "--only", &only) || !command_no_more(line))
        return COMMAND_USAGE;
    if (from != NULL)
        request.source = cli_ask_text(from, source, sizeof(source));
    if (only != NULL)
        request.which = cli_ask_text(only, which, sizeof(which));
    request.has_limit = true;
    request.limit = REPORT_ROWS;
    return cli_ask_run(line, &ask);
}

static int
run_match(struct command_line *line)
{
    Ss__MatchRequest request = SS__MATCH_REQUEST__INIT;
    struct cli_ask ask = asking(MATCH, &request.base);
    ask.print = print_match;
    char name[NAME_MAX_BYTES], source[WORD_MAX];
    const char *from = NULL;
    ask.json = command_switch(line, "--json");
    if (!command_option(line, "--source", &from))
        return COMMAND_USAGE;
    const char *text = command_only(line, "a name", CLI_INGEST_USAGE);
    if (text == NULL)
        return COMMAND_USAGE;
    request.name = cli_ask_text(text, name, sizeof(name));
    if (from != NULL)
        request.source = cli_ask_text(from, source, sizeof(source));
    return cli_ask_run(line, &ask);
}

static int
run_versions(struct command_line *line)
{
    Ss__VersionsRequest request = SS__VERSIONS_REQUEST__INIT;
    struct cli_ask ask = asking(VERSIONS, &request.base);
    ask.json = command_switch(line, "--json");
    return command_no_more(line) ? cli_ask_run(line, &ask) : COMMAND_USAGE;
}

static int
run_rollback(struct command_line *line)
{
    Ss__RollbackRequest request = SS__ROLLBACK_REQUEST__INIT;
    struct cli_ask ask = asking(ROLLBACK, &request.base);
    ask.print = print_rollback;
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
    return cli_ask_run(line, &ask);
}

static int
run_newest(struct command_line *line)
{
    Ss__RollbackRequest request = SS__ROLLBACK_REQUEST__INIT;
    struct cli_ask ask = asking(ROLLBACK, &request.base);
    ask.print = print_rollback;
    return command_no_more(line) ? cli_ask_run(line, &ask) : COMMAND_USAGE;
}

int
cli_ingest_run(struct command_line *line)
{
    static const struct command_word words[] = {{"report", run_report},
                                                {"match", run_match},
                                                {"versions", run_versions},
                                                {"rollback", run_rollback},
                                                {"newest", run_newest}};
    return command_dispatch(line, words, ARRAY_LEN(words), CLI_INGEST_USAGE);
}

/* --- refresh --- */

/* A refresh that is watched. */
struct watch {
    const Ss__RefreshRequest *asked;
    bool is_over;
    char told[SOURCES_MAX][WORD_MAX]; /* the state of each that was said */
    size_t read, failed;              /* sources at their end */
};

static int
on_started(const struct cli_ask *ask, const ProtobufCMessage *reply)
{
    const Ss__RefreshReply *started = (const Ss__RefreshReply *)reply;
    if (ask->json)
        return cli_ask_print(ask, reply);
    if (!started->started)
        command_say("a refresh is under way%s%s%s",
                    started->fetching_by != NULL ? ", by " : "",
                    started->fetching_by != NULL ? started->fetching_by : "",
                    started->fetching_by != NULL ? ""
                                                 : "; this is how it goes");
    return COMMAND_OK;
}

static bool
is_asked(const struct watch *watch, const char *source)
{
    for (size_t i = 0; i < watch->asked->n_sources; i++) {
        if (strcmp(watch->asked->sources[i], source) == 0)
            return true;
    }
    return watch->asked->n_sources == 0;
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
on_sources(const struct cli_ask *ask, const ProtobufCMessage *reply)
{
    const Ss__SourcesReply *sources = (const Ss__SourcesReply *)reply;
    struct watch *watch = ask->context;
    for (size_t i = 0; i < sources->n_sources; i++) {
        if (sources->sources[i]->value->run != NULL &&
            is_asked(watch, sources->sources[i]->key))
            tell(watch, i, sources->sources[i]);
    }
    watch->is_over = !sources->fetching;
    if (!watch->is_over)
        return COMMAND_OK;
    if (sources->trouble != NULL) {
        command_say("the catalog stays as it was: %s; tried again soon",
                    sources->trouble);
        return COMMAND_UNAVAILABLE;
    }
    printf("%u models\n", sources->model_count);
    if (sources->has_pinned)
        printf("version %llu is served instead; smart-spawn ingest newest ends "
               "that\n",
               (unsigned long long)sources->pinned);
    return COMMAND_OK;
}

/* Ask every now and then until it is over; the exit status. */
static int
watch_on(struct cli_ask *ask)
{
    static const Ss__SourcesRequest request = SS__SOURCES_REQUEST__INIT;
    struct watch *watch = ask->context;
    ms_time end = pause_now() + WATCH_MAX_MS;
    ask->method = SOURCES;
    ask->request = &request.base;
    ask->print = on_sources;
    ask->only_once = false;
    while (!watch->is_over && pause_now() < end) {
        int result = cli_ask_call(ask);
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
    struct watch watch = {.asked = &request};
    struct cli_ask ask = asking(REFRESH, &request.base);
    char names[SOURCES_MAX][WORD_MAX];
    char *list[SOURCES_MAX];
    ask.print = on_started;
    ask.context = &watch;
    ask.json = command_switch(line, "--json");
    if (line->count > SOURCES_MAX) {
        command_say("more sources than there are");
        return COMMAND_USAGE;
    }
    for (size_t i = 0; i < line->count; i++) {
        if (line->arguments[i][0] == '-') {
            command_say("refresh does not take \"%.80s\"; usage: smart-spawn "
                        "refresh %s",
                        line->arguments[i], CLI_REFRESH_USAGE);
            return COMMAND_USAGE;
        }
        list[i] = cli_ask_text(line->arguments[i], names[i], WORD_MAX);
    }
    request.sources = list;
    request.n_sources = line->count;
    if (!cli_ask_open(line, &ask))
        return COMMAND_UNAVAILABLE;
    int result = cli_ask_call(&ask);
    if (result == COMMAND_OK && !ask.json)
        result = watch_on(&ask);
    cli_ask_close(&ask);
    return result;
}
