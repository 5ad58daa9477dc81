/* The parts of a process put together in one order, and taken apart in the
 * other.
 *
 * A stopping daemon goes through: signal → Health says draining → its own
 * drain (HTTP) → the RPC server's drain → the loop stops. A timer
 * (rpc.drain_timeout) or a second signal cuts it short. One process per
 * instance and home: a lock beside the socket refuses a second one, which
 * would otherwise take the socket over without a word. */
#include "services/runtime/daemon_private.h"

#include "core/base/check.h"
#include "core/base/text.h"
#include "services/runtime/home.h"
#include "services/runtime/log.h"
#include "services/runtime/zmq_context.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <unistd.h>

#define TEXT_OUT_MAX (256u << 10) /* of --help and --config-show */
#define LARGE_BYTES (128 << 10)   /* glibc's own first bound for mmap */
#define NOTIFY_VARIABLE "SMART_SPAWN_NOTIFY_FD"
#define NOTIFY_FD_MAX 1023

enum exit_status { EXIT_FINE = 0, EXIT_USAGE = 2, EXIT_UNAVAILABLE = 3 };

/* --- start --- */

static void
print_help(const struct daemon_spec *spec)
{
    struct buf out;
    buf_init(&out, TEXT_OUT_MAX);
    buf_putf(&out,
             "smart-spawn-%s: %s\n\n"
             "  --help, --version, --config-show\n"
             "  --config FILE  `key = value` lines; file < environment < "
             "flags\n",
             spec->name, spec->purpose);
    size_t counts[2] = {0, spec->key_count};
    const struct config_key *tables[2] = {config_runtime_keys(&counts[0]),
                                          spec->keys};
    config_help(tables, counts, 2, &out);
    (void)fputs(buf_text(&out), stdout);
    buf_fini(&out);
}

static bool
has_switch(int argc, char **argv, const char *name)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strcmp(argv[i], name) == 0)
            return true;
    }
    return false;
}

/* The switches that print and end; true when there was one. --config-show is
 * taken out of argv and reported, as it needs the configuration. */
static bool
print_switches(const struct daemon_spec *spec, int argc, char **argv)
{
    if (has_switch(argc, argv, "--help")) {
        print_help(spec);
        return true;
    }
    if (has_switch(argc, argv, "--version")) {
        printf("smart-spawn-%s %s\n", spec->name, SS_VERSION);
        return true;
    }
    return false;
}

/* "smart-spawn-routerd: why" on stderr, for the one who started it. */
static bool
refuse(const struct daemon_spec *spec, const char *why, int status,
       int *ret_exit)
{
    (void)fprintf(stderr, "smart-spawn-%s: %s\n", spec->name, why);
    *ret_exit = status;
    return false;
}

static bool
load_config(struct daemon *daemon, int argc, char **argv, bool *ret_show,
            int *ret_exit)
{
    const struct daemon_spec *spec = daemon->spec;
    size_t counts[2] = {0, spec->key_count};
    const struct config_key *tables[2] = {config_runtime_keys(&counts[0]),
                                          spec->keys};
    char **kept = calloc((size_t)argc + 1, sizeof(*kept));
    CHECK(kept != NULL);
    int kept_count = 0;
    *ret_show = has_switch(argc, argv, "--config-show");
    for (int i = 0; i < argc; i++) {
        if (strcmp(argv[i], "--config-show") != 0)
            kept[kept_count++] = argv[i];
    }
    struct config_input input = {.tables = tables,
                                 .table_counts = counts,
                                 .table_count = 2,
                                 .environment = environ,
                                 .argc = kept_count,
                                 .argv = kept};
    char error[CONFIG_ERROR_MAX];
    enum status status = config_load(&input, error, &daemon->config);
    free(kept);
    if (status != STATUS_OK)
        return refuse(spec, error, EXIT_USAGE, ret_exit);
    if (config_rest_count(daemon->config) == 0)
        return true;
    (void)snprintf(error, sizeof(error),
                   "takes no argument \"%.60s\"; see --help",
                   config_rest(daemon->config, 0));
    return refuse(spec, error, EXIT_USAGE, ret_exit);
}

static void
print_config(const struct daemon *daemon)
{
    struct buf out;
    buf_init(&out, TEXT_OUT_MAX);
    config_show(daemon->config, &out);
    (void)fputs(buf_text(&out), stdout);
    buf_fini(&out);
}

static bool
is_instance_name(struct slice name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        bool fine = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                    (c >= 'A' && c <= 'Z') || c == '-' || c == '_' ||
                    (c == '.' && i > 0);
        if (!fine)
            return false;
    }
    return name.len > 0 && name.len < HOME_INSTANCE_MAX;
}

static bool
read_timing(struct daemon *daemon, int *ret_exit)
{
    const char *why;
    if (timing_read(daemon->config, &daemon->private->timing, &why) ==
        STATUS_OK)
        return true;
    return refuse(daemon->spec, why, EXIT_USAGE, ret_exit);
}

static bool
start_log(struct daemon *daemon, int *ret_exit)
{
    struct daemon_private *private = daemon->private;
    const char *named = config_text(daemon->config, "instance");
    if (named[0] != '\0')
        (void)snprintf(private->instance, sizeof(private->instance), "%s",
                       named);
    else
        (void)snprintf(private->instance, sizeof(private->instance), "%s-1",
                       daemon->spec->name);
    if (!is_instance_name(slice_of(private->instance)))
        return refuse(daemon->spec,
                      "instance must be letters, digits, '-', '_' and '.'",
                      EXIT_USAGE, ret_exit);
    daemon->instance = private->instance;
    enum log_level level;
    if (!log_level_find(slice_of(config_text(daemon->config, "log.level")),
                        &level))
        return refuse(daemon->spec,
                      "log.level must be debug, info, warn or error",
                      EXIT_USAGE, ret_exit);
    log_start(daemon->instance, level, STDERR_FILENO);
    return true;
}

/* A key of the file that this process does not have is another's, unless it
 * is spelled almost like one of ours. */
static void
warn_unknown_keys(const struct config *config)
{
    for (size_t i = 0; i < config_unknown_count(config); i++) {
        const char *nearest;
        const char *name = config_unknown(config, i, &nearest);
        if (nearest != NULL)
            log_event(LOG_WARN, "unknown-key-ignored", LOG_STR("key", name),
                      LOG_STR("nearest", nearest));
        else
            log_event(LOG_DEBUG, "key-of-others", LOG_STR("key", name));
    }
}

static bool
make_folders(struct daemon *daemon, int *ret_exit)
{
    struct daemon_private *private = daemon->private;
    char run[HOME_PATH_MAX];
    char path[HOME_PATH_MAX];
    enum status status =
        home_find(config_text(daemon->config, "home"), private->home);
    if (status == STATUS_OK)
        status = home_make_folder(private->home);
    if (status == STATUS_OK)
        status = home_run_folder(private->home, run);
    if (status == STATUS_OK)
        status = home_make_private_folder(run);
    if (status == STATUS_OK)
        status = home_join(run, daemon->instance, path);
    if (status == STATUS_OK && strlen(path) + sizeof(".lock") > sizeof(path))
        status = STATUS_OUT_OF_RANGE;
    if (status != STATUS_OK) {
        (void)snprintf(path, sizeof(path), "cannot use the home %.200s: %s",
                       private->home, home_trouble(private->home, status));
        return refuse(daemon->spec, path, EXIT_UNAVAILABLE, ret_exit);
    }
    daemon->home = private->home;
    memcpy(path + strlen(path), ".lock", sizeof(".lock"));
    private->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (private->lock >= 0 && flock(private->lock, LOCK_EX | LOCK_NB) == 0)
        return true;
    (void)snprintf(path, sizeof(path), "%s of this home runs already (%s)",
                   daemon->instance, strerrordesc_np(errno));
    return refuse(daemon->spec, path, EXIT_UNAVAILABLE, ret_exit);
}

static bool
start_server(struct daemon *daemon, int *ret_exit)
{
    char endpoint[HOME_PATH_MAX];
    char why[320];
    const char *listen = config_text(daemon->config, "listen");
    enum status status = STATUS_OK;
    if (listen[0] == '\0') {
        status = home_endpoint(daemon->home, daemon->instance, endpoint);
        listen = endpoint;
    }
    struct rpc_server_options options = {
        .endpoint = listen,
        .instance = daemon->instance,
        .max_calls = (uint32_t)config_int(daemon->config, "rpc.max_calls"),
        .metrics = daemon->metrics,
        .zmq = daemon->zmq,
        .timing = &daemon->private->timing};
    if (status == STATUS_OK)
        status = rpc_server_new(daemon->loop, &options, &daemon->server);
    if (status != STATUS_OK) {
        (void)snprintf(why, sizeof(why), "cannot answer at %.150s: %s", listen,
                       rpc_server_advice(status));
        return refuse(daemon->spec, why, EXIT_UNAVAILABLE, ret_exit);
    }
    daemon_health_serve(daemon);
    log_event(LOG_INFO, "started", LOG_STR("listen", listen),
              LOG_STR("version", SS_VERSION), LOG_I64("pid", getpid()),
              LOG_STR("home", daemon->home));
    return true;
}

static void on_signal(void *context);

/* A supervised daemon does not outlive a supervisor that was killed: the next
 * supervisor's daemon would find the instance taken. */
static void
end_with_supervisor(void)
{
    if (getenv(NOTIFY_VARIABLE) != NULL)
        (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
}

static bool
start_loop(struct daemon *daemon, int *ret_exit)
{
    /* A peer that went away is an error of write(), not the end of us. */
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    CHECK(sigaction(SIGPIPE, &ignore, NULL) == 0);
    end_with_supervisor();
    daemon->metrics = metrics_new();
    daemon->zmq = zmq_context_new();
    daemon->loop = loop_new();
    if (daemon->zmq == NULL || daemon->loop == NULL ||
        loop_on_signal(daemon->loop, SIGTERM, on_signal, daemon) != STATUS_OK ||
        loop_on_signal(daemon->loop, SIGINT, on_signal, daemon) != STATUS_OK)
        return refuse(daemon->spec, "no descriptors or memory for a loop",
                      EXIT_UNAVAILABLE, ret_exit);
    daemon->private->started_at = loop_wall(daemon->loop);
    return true;
}

bool
daemon_start(struct daemon *daemon, const struct daemon_spec *spec, int argc,
             char **argv, int *ret_exit)
{
    *daemon = (struct daemon){.spec = spec};
    *ret_exit = EXIT_FINE;
    /* What is large (snapshots, payloads) goes back to the system when it is
     * freed. Left to itself glibc raises this bound with each large block that
     * is freed, and then keeps them: measured, twice the memory after some
     * refreshes, and never the same. */
    (void)mallopt(M_MMAP_THRESHOLD, LARGE_BYTES);
    if (print_switches(spec, argc, argv))
        return false;
    daemon->private = calloc(1, sizeof(*daemon->private));
    CHECK(daemon->private != NULL);
    daemon->private->daemon = daemon;
    daemon->private->lock = -1;
    (void)snprintf(daemon->private->detail, DAEMON_DETAIL_MAX, "starting");
    bool show = false;
    bool started = load_config(daemon, argc, argv, &show, ret_exit) &&
                   read_timing(daemon, ret_exit) && start_log(daemon, ret_exit);
    if (started && show) {
        print_config(daemon);
        started = false;
    }
    started = started && make_folders(daemon, ret_exit) &&
              start_loop(daemon, ret_exit) && start_server(daemon, ret_exit);
    if (started)
        warn_unknown_keys(daemon->config);
    else
        daemon_end(daemon);
    return started;
}

/* --- what a daemon may ask --- */

enum status
daemon_channel(struct daemon *daemon, const char *service,
               struct rpc_channel **ret_channel)
{
    char key[64];
    struct buf target;
    (void)snprintf(key, sizeof(key), "%s.target", service);
    buf_init(&target, (size_t)RPC_ENDPOINTS_MAX * HOME_PATH_MAX);
    const char *configured = config_text(daemon->config, key);
    enum status status = STATUS_OK;
    if (configured[0] != '\0')
        buf_put_text(&target, configured);
    else
        status = home_target(daemon->home, service, &target);
    struct rpc_channel_options options = {
        .target = buf_text(&target),
        .caller = daemon->instance,
        .max_calls = (uint32_t)config_int(daemon->config, "rpc.max_calls"),
        .metrics = daemon->metrics,
        .zmq = daemon->zmq,
        .timing = &daemon->private->timing,
        .startup = daemon->spec->startup};
    if (status == STATUS_OK)
        status = rpc_channel_new(daemon->loop, &options, ret_channel);
    if (status != STATUS_OK)
        log_event(LOG_ERROR, "no-channel", LOG_STR("service", service),
                  LOG_STR("target", options.target),
                  LOG_STR("status", status_text(status)));
    buf_fini(&target);
    return status;
}

/* Tell the supervisor: a newline on the descriptor it opened for us. */
static void
notify(struct daemon_private *private)
{
    const char *named = getenv(NOTIFY_VARIABLE);
    uint64_t fd;
    if (private->notified || named == NULL)
        return;
    private->notified = true;
    if (text_u64(slice_of(named), &fd) != STATUS_OK || fd <= STDERR_FILENO ||
        fd > NOTIFY_FD_MAX || write((int)fd, "\n", 1) != 1) {
        log_event(LOG_WARN, "supervisor-not-told",
                  LOG_STR(NOTIFY_VARIABLE, named));
        return;
    }
    (void)close((int)fd);
}

void
daemon_ready(struct daemon *daemon)
{
    struct daemon_private *private = daemon->private;
    if (!private->ready)
        log_event(
            LOG_INFO, "ready",
            LOG_I64("start_ms", loop_wall(daemon->loop) - private->started_at));
    private->ready = true;
    notify(private);
}

void
daemon_not_ready(struct daemon *daemon, const char *detail)
{
    struct daemon_private *private = daemon->private;
    if (private->ready ||
        strncmp(private->detail, detail, DAEMON_DETAIL_MAX - 1) != 0)
        log_event(LOG_WARN, "not-ready", LOG_STR("detail", detail));
    private->ready = false;
    (void)snprintf(private->detail, DAEMON_DETAIL_MAX, "%s", detail);
}

void
daemon_follow(struct daemon *daemon, const char *name,
              const struct snapshot_follower *follower)
{
    struct daemon_private *private = daemon->private;
    CHECK(private->followed_count < DAEMON_FOLLOWED_MAX);
    private->followed[private->followed_count++] =
        (struct daemon_followed){name, follower};
}

void
daemon_on_drain(struct daemon *daemon, daemon_drain_fn drain, void *context)
{
    daemon->private->drain = drain;
    daemon->private->drain_context = context;
}

/* --- stop --- */

static void
on_drained(void *context)
{
    struct daemon *daemon = context;
    log_event(LOG_INFO, "drained", LOG_STR("instance", daemon->instance));
    loop_stop(daemon->loop);
}

static void
on_own_drained(void *context)
{
    struct daemon *daemon = context;
    rpc_server_drain(daemon->server, on_drained, daemon);
}

static void
on_drain_timeout(void *context)
{
    struct daemon *daemon = context;
    log_event(LOG_WARN, "drain-cut-short",
              LOG_I64("after_ms",
                      config_duration_ms(daemon->config, "rpc.drain_timeout")));
    loop_stop(daemon->loop);
}

static void
on_signal(void *context)
{
    struct daemon *daemon = context;
    struct daemon_private *private = daemon->private;
    if (private->draining) {
        log_event(LOG_WARN, "stopped-at-once",
                  LOG_STR("reason", "a second signal while draining"));
        loop_stop(daemon->loop);
        return;
    }
    private->draining = true;
    (void)snprintf(private->detail, DAEMON_DETAIL_MAX, "draining");
    ms_dur timeout = config_duration_ms(daemon->config, "rpc.drain_timeout");
    log_event(LOG_INFO, "draining", LOG_I64("timeout_ms", timeout));
    loop_timer_start(private->drain_timer, timeout);
    if (private->drain != NULL)
    private->drain(private->drain_context, on_own_drained, daemon);
    else on_own_drained(daemon);
}

int
daemon_run(struct daemon *daemon)
{
    struct daemon_private *private = daemon->private;
    enum status status = loop_timer_new(daemon->loop, on_drain_timeout, daemon,
                                        &private->drain_timer);
    if (status != STATUS_OK) {
        log_event(LOG_ERROR, "no-timer",
                  LOG_STR("status", status_text(status)));
        return EXIT_UNAVAILABLE;
    }
    loop_run(daemon->loop);
    log_event(LOG_INFO, "stopped", LOG_I64("exit", private->exit_status));
    return private->exit_status;
}

void
daemon_end(struct daemon *daemon)
{
    struct daemon_private *private = daemon->private;
    if (private == NULL)
        return;
    log_start(daemon->spec->name, LOG_INFO, STDERR_FILENO);
    if (private->drain_timer != NULL)
        loop_timer_free(&private->drain_timer);
    loop_timer_free(&private->key_timer);
    if (daemon->server != NULL)
        rpc_server_free(&daemon->server);
    if (daemon->loop != NULL)
        loop_free(&daemon->loop);
    zmq_context_free(&daemon->zmq);
    metrics_free(&daemon->metrics);
    config_free(&daemon->config);
    if (private->lock >= 0)
        (void)close(private->lock);
    free(private);
    *daemon = (struct daemon){0};
}
