/* gatewayd: the HTTP face. It holds no state but its counters, so there may
 * be any number of it. */
#include "services/gatewayd/client_address.h"
#include "services/gatewayd/gateway.h"
#include "services/gatewayd/http_listen.h"
#include "services/runtime/daemon.h"
#include "services/runtime/home.h"
#include "services/runtime/log.h"

#include "core/base/check.h"

#include <unistd.h>

#define URL_MAX 256
/* How long a start waits for the keys before it is called one: without them
 * the first write would be told to come again. */
#define KEYS_WAIT_MS 2000
/* And how long a request waits for a service that was not up since: a stack's
 * daemons listen within a tenth of a second of each other on a machine that is
 * busy, and one that dies is back after a second. */
#define STARTUP_MS 2000

static const struct config_key keys[] = {
#define CONFIG CONFIG_ROW
#include "services/gatewayd/config.def"
#undef CONFIG
};

static const struct daemon_spec spec = {
    .name = "gatewayd",
    .purpose = "HTTP and JSON for people and programs.",
    .keys = keys,
    .key_count = ARRAY_LEN(keys),
    .startup = STARTUP_MS,
};

/* The services that rows of the call table go to. */
static const char *const targets[] = {"router", "feedback", "ingest"};

enum { EXIT_UNAVAILABLE = 3 };

struct gatewayd {
    struct daemon daemon;
    struct gateway_options options;
    struct keyring *keyring;
    struct gateway *gateway;
    struct loop_timer *patience; /* with the keys */
    bool is_ready;
};

/* --- ready when it listens, and knows the keys or waited for them --- */

static void
become_ready(void *context)
{
    struct gatewayd *gatewayd = context;

    if (gatewayd->is_ready || !gatewayd->gateway)
        return;
    gatewayd->is_ready = true;
    daemon_ready(&gatewayd->daemon);
}

static void
await_keys(struct gatewayd *gatewayd)
{
    if (keyring_keys(gatewayd->keyring) != ADMISSION_KEYS_UNKNOWN) {
        become_ready(gatewayd);
        return;
    }
    daemon_not_ready(&gatewayd->daemon, "waiting for the keys");
    loop_timer_start(gatewayd->patience, KEYS_WAIT_MS);
}

/* --- set-up --- */

static enum status
open_channels(struct daemon *daemon, struct gateway_options *options)
{
    for (size_t i = 0; i < ARRAY_LEN(targets); i++) {
        struct gateway_channel *channel = &options->channels[i];
        enum status status =
            daemon_channel(daemon, targets[i], &channel->channel);

        if (status != STATUS_OK) {
            log_event(LOG_ERROR, "bad-target", LOG_STR("service", targets[i]),
                      LOG_STR("status", status_text(status)));
            return status;
        }
        channel->target = targets[i];
        options->channel_count++;
    }
    return STATUS_OK;
}

static enum status
open_keyring(struct gatewayd *gatewayd)
{
    const struct daemon *daemon = &gatewayd->daemon;
    struct keyring_options options = {.loop = daemon->loop,
                                      .home = daemon->home,
                                      .instance = daemon->instance,
                                      .changed = become_ready,
                                      .context = gatewayd};
    enum status status;

    for (size_t i = 0; i < ARRAY_LEN(targets); i++)
        if (slice_eq(slice_of(targets[i]), SLICE("feedback")))
            options.feedback = gatewayd->options.channels[i].channel;
    status = keyring_new(&options, &gatewayd->keyring);
    if (status != STATUS_OK) {
        log_event(LOG_ERROR, "no-keyring",
                  LOG_STR("status", status_text(status)),
                  LOG_STR("mend", "the home must be a folder that can be "
                                  "written"));
        return status;
    }
    gatewayd->options.keyring = gatewayd->keyring;
    daemon_follow(&gatewayd->daemon, "tenants",
                  keyring_follower(gatewayd->keyring));
    return STATUS_OK;
}

static void
close_channels(struct gateway_options *options)
{
    for (size_t i = 0; i < options->channel_count; i++)
        rpc_channel_free(&options->channels[i].channel);
}

static void
read_options(const struct daemon *daemon, struct gateway_options *options)
{
    const struct config *config = daemon->config;

    options->http = (struct http_server_options){
        .addresses = config_text(config, "http.address"),
        .port = (int)config_int(config, "http.port"),
        .max_head = (size_t)config_size(config, "http.max_head"),
        .max_body = (size_t)config_size(config, "http.max_body"),
        .max_connections = (size_t)config_int(config, "http.max_connections"),
        .max_per_address =
            (uint32_t)config_int(config, "http.max_connections_per_address"),
        .max_buffered = (uint64_t)config_size(config, "http.max_buffered"),
        .idle_timeout = config_duration_ms(config, "http.idle_timeout"),
        .receive_timeout = config_duration_ms(config, "http.receive_timeout"),
        .send_timeout = config_duration_ms(config, "http.send_timeout"),
    };
    options->hosts = config_text(config, "http.hosts");
    options->trusted_proxies = config_text(config, "http.trusted_proxies");
    options->refresh_key = config_text(config, "refresh.api_key");
    options->per_minute = (uint32_t)config_int(config, "rate_limit.per_minute");
    options->refreshes_per_hour =
        (uint32_t)config_int(config, "rate_limit.refreshes_per_hour");
    options->write_open = config_bool(config, "write_open");
    options->spend_enabled = config_bool(config, "spend.enabled");
    options->exec_enabled = config_bool(config, "exec.enabled");
    options->call_timeout = config_duration_ms(config, "http.call_timeout");
    options->metrics = daemon->metrics;
}

/* Where HTTP answers, for `smart-spawn up`: only this process knows what it
 * got. Without the file nothing else is missing. */
static void
keep_address(const struct daemon *daemon, const struct gateway *gateway)
{
    char path[HOME_PATH_MAX];
    struct buf url;
    enum status status =
        home_address_file(daemon->home, daemon->instance, path);

    buf_init(&url, URL_MAX);
    gateway_url(gateway, &url);
    buf_put_char(&url, '\n');
    if (status == STATUS_OK)
        status = home_write_file(path, url.data, url.len);
    if (status != STATUS_OK)
        log_event(LOG_WARN, "address-not-kept",
                  LOG_STR("status", status_text(status)));
    buf_fini(&url);
}

static void
forget_address(const struct daemon *daemon)
{
    char path[HOME_PATH_MAX];

    if (home_address_file(daemon->home, daemon->instance, path) == STATUS_OK)
        (void)unlink(path);
}

static enum status
set_up(struct gatewayd *gatewayd)
{
    struct daemon *daemon = &gatewayd->daemon;
    enum status status = loop_timer_new(daemon->loop, become_ready, gatewayd,
                                        &gatewayd->patience);

    read_options(daemon, &gatewayd->options);
    if (status == STATUS_OK)
        status = open_channels(daemon, &gatewayd->options);
    if (status == STATUS_OK)
        status = open_keyring(gatewayd);
    if (status != STATUS_OK)
        return status;
    status = gateway_new(daemon->loop, &gatewayd->options, &gatewayd->gateway);
    if (status != STATUS_OK)
        log_event(LOG_ERROR, "cannot-listen",
                  LOG_I64("port", gatewayd->options.http.port),
                  LOG_STR("mend",
                          "the line above says why; choose another PORT or "
                          "http.address, or stop what uses it"));
    return status;
}

static void
tear_down(struct gatewayd *gatewayd)
{
    forget_address(&gatewayd->daemon);
    gateway_free(&gatewayd->gateway);
    keyring_free(&gatewayd->keyring);
    close_channels(&gatewayd->options);
    loop_timer_free(&gatewayd->patience);
    daemon_end(&gatewayd->daemon);
}

int
main(int argc, char **argv)
{
    struct gatewayd gatewayd = {0};
    struct daemon *daemon = &gatewayd.daemon;
    int exit_status;

    /* 1. Configuration, log, loop, RPC endpoint. */
    if (!daemon_start(daemon, &spec, argc, argv, &exit_status))
        return exit_status;

    /* 2. Channels to the services behind, the keys, and the HTTP face. */
    exit_status = EXIT_UNAVAILABLE;
    if (set_up(&gatewayd) == STATUS_OK) {
        daemon_on_drain(daemon, gateway_drain, gatewayd.gateway);

        /* 3. Ready: /readyz tells whether a router answers. */
        keep_address(daemon, gatewayd.gateway);
        await_keys(&gatewayd);

        /* 4. Serve until told to stop. */
        exit_status = daemon_run(daemon);
    }

    /* 5. Down in the other order. */
    tear_down(&gatewayd);
    return exit_status;
}
