/* gatewayd: the HTTP face. It holds no state but its counters, so there may
 * be any number of it. */
#include "services/gatewayd/gateway.h"
#include "services/runtime/daemon.h"
#include "services/runtime/home.h"
#include "services/runtime/log.h"

#include "core/base/check.h"

#include <unistd.h>

#define URL_MAX 256

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
};

/* The services that rows of the call table go to. */
static const char *const targets[] = {"router", "feedback", "ingest"};

enum { EXIT_UNAVAILABLE = 3 };

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

int
main(int argc, char **argv)
{
    struct gateway_options options = {0};
    struct gateway *gateway = NULL;
    struct daemon daemon;
    int exit_status;

    /* 1. Configuration, log, loop, RPC endpoint. */
    if (!daemon_start(&daemon, &spec, argc, argv, &exit_status))
        return exit_status;

    /* 2. Channels to the services behind, and the HTTP face. */
    read_options(&daemon, &options);
    exit_status = EXIT_UNAVAILABLE;
    if (open_channels(&daemon, &options) == STATUS_OK &&
        gateway_new(daemon.loop, &options, &gateway) == STATUS_OK) {
        daemon_on_drain(&daemon, gateway_drain, gateway);

        /* 3. Ready when it listens: /readyz tells whether a router answers. */
        keep_address(&daemon, gateway);
        daemon_ready(&daemon);

        /* 4. Serve until told to stop. */
        exit_status = daemon_run(&daemon);
    } else {
        log_event(LOG_ERROR, "cannot-listen",
                  LOG_I64("port", options.http.port),
                  LOG_STR("mend", "choose another PORT, or stop what uses it"));
    }

    /* 5. Down in the other order. */
    forget_address(&daemon);
    gateway_free(&gateway);
    close_channels(&options);
    daemon_end(&daemon);
    return exit_status;
}
