/* Asks ss.Health of every instance at the same time and prints one row each.
 *
 * Silence has three reasons, each with its own words: no stack runs, a process
 * of one that runs has no socket, or it has one and does not answer in time.
 *
 * JSON: {"home", "processes": [HealthReply, …]} in the face of the transcoder;
 * a process that did not answer has instance, serving:false and detail. */
#include "services/cli/cli_status.h"

#include "core/base/check.h"
#include "core/base/json_out.h"
#include "core/base/utc.h"
#include "services/api/transcode.h"
#include "services/cli/cli_link.h"
#include "services/local/stack.h"

#include "rpc.pb-c.h"

#include <stdio.h>
#include <time.h>

#define INSTANCES_MAX CLI_LINK_CHANNELS_MAX
/* A daemon answers within milliseconds; on a machine that has more to do than
 * it can, within a second or two. */
#define ASK_TIMEOUT_MS 2000
#define TEXT_MAX 192
#define SILENT_TEXT_MAX 4096

struct asked {
    char instance[HOME_INSTANCE_MAX];
    const char *process;
    bool is_heard; /* somebody listens at its socket */
    bool answered, serving;
    struct buf json; /* the reply */
    char row[TEXT_MAX * 2];
};

struct asking {
    struct asked of[INSTANCES_MAX];
    size_t count;
    bool runs; /* a supervisor, or somebody listens */
};

static void
put_age(ms_dur age, char *out, size_t size)
{
    static const struct {
        ms_dur ms;
        char unit;
    } units[] = {{86400000, 'd'}, {3600000, 'h'}, {60000, 'm'}, {1000, 's'}};
    size_t i = 0;
    while (i + 1 < ARRAY_LEN(units) && age < units[i].ms)
        i++;
    (void)snprintf(out, size, "%lld%c", (long long)(age / units[i].ms),
                   units[i].unit);
}

static ms_time
wall_ms(void)
{
    struct timespec now;
    CHECK(clock_gettime(CLOCK_REALTIME, &now) == 0);
    return (ms_time)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* "catalog 3m, table 3s (not current)" */
static void
put_snapshots(const Ss__HealthReply *reply, char *out, size_t size)
{
    size_t len = 0;
    out[0] = '\0';
    for (size_t i = 0; i < reply->n_snapshots && len + 1 < size; i++) {
        const Ss__SnapshotAge *age = reply->snapshots[i];
        char since[32] = "";
        if (age->since != NULL) {
            since[0] = ' ';
            put_age(wall_ms() - age->since->ms, since + 1, sizeof(since) - 1);
        }
        int put = snprintf(
            out + len, size - len, "%s%s%s%s", i > 0 ? ", " : "", age->name,
            since, age->has_current && !age->current ? " (not current)" : "");
        len += put > 0 ? (size_t)put : 0;
    }
}

static void
fill_row(struct asked *asked, const Ss__HealthReply *reply)
{
    char up[32] = "";
    char snapshots[TEXT_MAX];
    if (reply->started_at != NULL)
        put_age(wall_ms() - reply->started_at->ms, up, sizeof(up));
    put_snapshots(reply, snapshots, sizeof(snapshots));
    (void)snprintf(
        asked->row, sizeof(asked->row), "%-7s %7u  %-8.8s %5s  %.100s%s%.150s",
        reply->serving ? "serving" : "waiting", reply->has_pid ? reply->pid : 0,
        reply->version != NULL ? reply->version : "", up, snapshots,
        reply->detail != NULL && snapshots[0] != '\0' ? "; " : "",
        reply->detail != NULL ? reply->detail : "");
}

static void
on_health(void *context, const struct rpc_result *result)
{
    struct asked *asked = context;
    if (result->status != STATUS_OK)
        return;
    const Ss__HealthReply *reply = (const Ss__HealthReply *)result->reply;
    asked->answered = true;
    asked->serving = reply->serving;
    transcode_write(result->reply, &asked->json);
    fill_row(asked, reply);
}

/* Why there is no reply. */
static void
put_silence(const struct asked *asked, char out[static TEXT_MAX])
{
    if (asked->is_heard)
        (void)snprintf(out, TEXT_MAX, "did not answer within %d s",
                       ASK_TIMEOUT_MS / 1000);
    else
        (void)snprintf(out, TEXT_MAX, "does not listen");
}

static void
ask(struct cli_link *link, const struct command_line *line, struct asked *asked)
{
    char endpoint[HOME_PATH_MAX];
    Ss__HealthRequest request = SS__HEALTH_REQUEST__INIT;
    struct cli_link_call call = {
        .service = &ss__health__descriptor,
        .request = &request.base,
        .options = {.timeout = ASK_TIMEOUT_MS, .idempotent = true},
        .done = on_health,
        .context = asked,
    };
    asked->is_heard =
        home_endpoint(line->home, asked->instance, endpoint) == STATUS_OK &&
        cli_link_is_heard(slice_of(endpoint));
    if (asked->is_heard &&
        cli_link_channel(link, endpoint, &call.channel) == STATUS_OK)
        cli_link_call(link, &call);
}

static void
put_process(struct json_out *json, const struct asked *asked)
{
    char why[TEXT_MAX];
    if (asked->answered) {
        json_out_raw(json, buf_slice(&asked->json));
        return;
    }
    put_silence(asked, why);
    json_out_object(json);
    json_out_key(json, SLICE("serving"));
    json_out_bool(json, false);
    json_out_key(json, SLICE("process"));
    json_out_text(json, slice_of(asked->process));
    json_out_key(json, SLICE("instance"));
    json_out_text(json, slice_of(asked->instance));
    json_out_key(json, SLICE("detail"));
    json_out_text(json, slice_of(why));
    json_out_object_end(json);
}

static void
print_json(const struct command_line *line, const struct asking *asking)
{
    struct buf out;
    struct json_out json;
    buf_init(&out, COMMAND_OUT_MAX);
    json_out_init(&json, &out);
    json_out_object(&json);
    json_out_key(&json, SLICE("home"));
    json_out_text(&json, slice_of(line->home));
    json_out_key(&json, SLICE("processes"));
    json_out_list(&json);
    for (size_t i = 0; i < asking->count; i++)
        put_process(&json, &asking->of[i]);
    json_out_list_end(&json);
    json_out_object_end(&json);
    puts(buf_text(&out));
    buf_fini(&out);
}

static void
print_table(const struct asking *asking)
{
    printf("%-14s %-7s %7s  %-8s %5s  %s\n", "INSTANCE", "STATE", "PID",
           "VERSION", "UP", "SNAPSHOTS");
    for (size_t i = 0; i < asking->count; i++) {
        const struct asked *asked = &asking->of[i];
        char why[TEXT_MAX];
        put_silence(asked, why);
        printf("%-14s %s\n", asked->instance,
               asked->answered ? asked->row : why);
    }
}

/* Who of a stack that runs did not answer, and what to do about it. */
static void
say_silent(const struct command_line *line, const struct asking *asking)
{
    struct buf silent;
    buf_init(&silent, SILENT_TEXT_MAX);
    for (size_t i = 0; i < asking->count; i++) {
        const struct asked *asked = &asking->of[i];
        char why[TEXT_MAX];
        if (asked->answered)
            continue;
        put_silence(asked, why);
        buf_putf(&silent, "%s%s %s", silent.len > 0 ? ", " : "",
                 asked->instance, why);
    }
    if (silent.len > 0)
        command_say("the stack at %s runs, but %s; ask again, and if it stays "
                    "so look into %s/log, then smart-spawn down and up",
                    line->home, buf_text(&silent), line->home);
    buf_fini(&silent);
}

/* COMMAND_UNAVAILABLE, with nothing asked, when there is no memory. */
static int
ask_all(const struct command_line *line, struct asking *asking)
{
    struct cli_link *link;
    if (cli_link_new(&link) != STATUS_OK)
        return COMMAND_UNAVAILABLE;
    while (asking->count < INSTANCES_MAX &&
           home_instance(asking->count, asking->of[asking->count].instance,
                         &asking->of[asking->count].process)) {
        struct asked *asked = &asking->of[asking->count++];
        buf_init(&asked->json, COMMAND_OUT_MAX);
        ask(link, line, asked);
    }
    cli_link_wait(link);
    cli_link_free(&link);
    bool all = true;
    asking->runs = stack_is_running(line->home);
    for (size_t i = 0; i < asking->count; i++) {
        all = all && asking->of[i].serving;
        asking->runs = asking->runs || asking->of[i].is_heard;
    }
    return all ? COMMAND_OK : COMMAND_UNAVAILABLE;
}

static void
forget(struct asking *asking)
{
    for (size_t i = 0; i < asking->count; i++)
        buf_fini(&asking->of[i].json);
}

void
cli_status_table(const struct command_line *line)
{
    struct asking asking = {.count = 0};
    int result = ask_all(line, &asking);
    (void)result; /* the table says it */
    print_table(&asking);
    forget(&asking);
}

int
cli_status_run(struct command_line *line)
{
    struct asking asking = {.count = 0};
    bool json = command_switch(line, "--json");
    if (!command_no_more(line))
        return COMMAND_USAGE;
    int result = ask_all(line, &asking);
    if (json)
        print_json(line, &asking);
    else if (asking.runs)
        print_table(&asking);
    if (asking.runs)
        say_silent(line, &asking);
    else
        command_say_no_stack(line);
    forget(&asking);
    return result;
}
