/* libcurl's multi interface on our loop: it tells which sockets to watch and
 * when to wake it (multi_socket); we tell it what became ready and collect
 * what is finished. One handle a fetch, connections shared and kept. */
#include "services/fetch/fetcher.h"

#include "core/base/buf.h"
#include "core/base/check.h"
#include "services/fetch/fetch_status.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#define FETCHER_MAGIC 0x66744352u
#define FETCH_MAGIC 0x66744631u
#define CONNECT_TIMEOUT_MS 15000L
#define USER_AGENT "smart-spawn/" SS_VERSION

struct fetcher {
    unsigned magic;
    struct loop *loop;
    struct loop_timer *timer;
    CURLM *multi;
    struct fetch *first; /* all under way */
    size_t count;
};

struct fetch {
    unsigned magic;
    struct fetcher *fetcher;
    struct fetch *next, *previous;
    CURL *easy;
    struct curl_slist *headers;
    struct buf body;
    bool too_large;
    fetch_done_fn done;
    void *context;
    char error[CURL_ERROR_SIZE];
    char etag[FETCH_VALIDATOR_MAX];
    char last_modified[FETCH_VALIDATOR_MAX];
};

/* A socket that libcurl asked us to watch. */
struct watched {
    struct fetcher *fetcher;
    curl_socket_t fd;
    struct loop_watch *watch;
};

static size_t
on_body(char *bytes, size_t size, size_t count, void *context)
{
    struct fetch *fetch = context;

    buf_put(&fetch->body, bytes, size * count);
    if (buf_ok(&fetch->body))
        return size * count;
    fetch->too_large = true;
    return 0; /* libcurl ends the transfer */
}

/* The value of a header line when it is `name`, cut to the room there is. A
 * redirect's headers come first; the last answer's stay. */
static void
take_header(struct slice line, const char *name, char *out)
{
    size_t len = strlen(name);
    struct slice value;

    if (line.len <= len || line.ptr[len] != ':' ||
        strncasecmp(line.ptr, name, len) != 0)
        return;
    value = slice_trim(slice_cut(line, len + 1, line.len));
    if (value.len < FETCH_VALIDATOR_MAX)
        (void)snprintf(out, FETCH_VALIDATOR_MAX, "%.*s", SLICE_ARG(value));
}

static size_t
on_header(char *bytes, size_t size, size_t count, void *context)
{
    struct fetch *fetch = context;
    struct slice line = slice_make(bytes, size * count);

    if (slice_starts(line, SLICE("HTTP/")))
        fetch->etag[0] = fetch->last_modified[0] = '\0';
    take_header(line, "ETag", fetch->etag);
    take_header(line, "Last-Modified", fetch->last_modified);
    return line.len;
}

static void
unlink_fetch(struct fetch *fetch)
{
    struct fetcher *fetcher = fetch->fetcher;

    if (fetch->previous != NULL)
        fetch->previous->next = fetch->next;
    else
        fetcher->first = fetch->next;
    if (fetch->next != NULL)
        fetch->next->previous = fetch->previous;
    fetcher->count--;
}

static void
fetch_free(struct fetch *fetch)
{
    CHECK_OBJ(fetch, FETCH_MAGIC);
    unlink_fetch(fetch);
    (void)curl_multi_remove_handle(fetch->fetcher->multi, fetch->easy);
    curl_easy_cleanup(fetch->easy);
    curl_slist_free_all(fetch->headers);
    buf_fini(&fetch->body);
    fetch->magic = 0;
    free(fetch);
}

static void
read_answer(struct fetch *fetch, struct fetch_result *result, char *message)
{
    curl_off_t retry_after = 0, modified = -1;
    long http = 0;

    (void)curl_easy_getinfo(fetch->easy, CURLINFO_RESPONSE_CODE, &http);
    (void)curl_easy_getinfo(fetch->easy, CURLINFO_RETRY_AFTER, &retry_after);
    (void)curl_easy_getinfo(fetch->easy, CURLINFO_FILETIME_T, &modified);
    result->http_status = (int)http;
    result->retry_after = retry_after > 0 ? retry_after * 1000 : 0;
    result->modified_at = modified > 0 ? modified * 1000 : 0;
    /* A file has no answer code. */
    result->status = http == 0 ? STATUS_OK : fetch_status_of_http(http);
    result->not_modified = http == 304;
    if (result->status != STATUS_OK)
        (void)snprintf(message, FETCH_MESSAGE_MAX, "HTTP status %ld", http);
}

static void
finish(struct fetch *fetch, CURLcode code)
{
    char message[FETCH_MESSAGE_MAX] = "";
    struct fetch_result result = {
        .message = message,
        .etag = fetch->etag,
        .last_modified = fetch->last_modified,
    };

    if (fetch->too_large || code == CURLE_FILESIZE_EXCEEDED) {
        result.status = STATUS_RESOURCE_EXHAUSTED;
        (void)snprintf(message, sizeof(message), "more than %zu bytes",
                       fetch->body.max);
    } else if (code != CURLE_OK) {
        result.status = fetch_status_of_curl(code);
        (void)snprintf(message, sizeof(message), "%.200s",
                       fetch->error[0] != '\0' ? fetch->error
                                               : curl_easy_strerror(code));
    } else {
        read_answer(fetch, &result, message);
        result.body = buf_slice(&fetch->body);
    }
    fetch->done(fetch->context, &result);
    fetch_free(fetch);
}

/* Hand over what is finished. A callback may start and cancel others, so the
 * queue is asked again after each. */
static void
collect(struct fetcher *fetcher)
{
    struct CURLMsg *message;
    int left;

    while ((message = curl_multi_info_read(fetcher->multi, &left)) != NULL) {
        struct fetch *fetch = NULL;
        CURLcode code = message->data.result;

        if (message->msg != CURLMSG_DONE)
            continue;
        (void)curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &fetch);
        CHECK_OBJ(fetch, FETCH_MAGIC);
        finish(fetch, code);
    }
}

static void
act(struct fetcher *fetcher, curl_socket_t fd, int events)
{
    int running;

    (void)curl_multi_socket_action(fetcher->multi, fd, events, &running);
    collect(fetcher);
}

static void
on_ready(void *context, bool readable, bool writable)
{
    struct watched *watched = context;
    int events =
        (readable ? CURL_CSELECT_IN : 0) | (writable ? CURL_CSELECT_OUT : 0);

    act(watched->fetcher, watched->fd, events); /* may free `watched` */
}

static void
on_timer(void *context)
{
    act(context, CURL_SOCKET_TIMEOUT, 0);
}

static int
on_timeout(CURLM *multi, long timeout_ms, void *context)
{
    struct fetcher *fetcher = context;

    (void)multi;
    if (timeout_ms < 0)
        loop_timer_stop(fetcher->timer);
    else
        loop_timer_start(fetcher->timer, timeout_ms);
    return 0;
}

static void
watch_new(struct fetcher *fetcher, curl_socket_t fd, int what)
{
    struct watched *watched = calloc(1, sizeof(*watched));

    if (watched == NULL)
        return; /* the fetch ends with its timeout */
    watched->fetcher = fetcher;
    watched->fd = fd;
    if (loop_watch_new(fetcher->loop, fd, (what & CURL_POLL_IN) != 0,
                       (what & CURL_POLL_OUT) != 0, on_ready, watched,
                       &watched->watch) != STATUS_OK) {
        free(watched);
        return;
    }
    (void)curl_multi_assign(fetcher->multi, fd, watched);
}

static int
on_socket(CURL *easy, curl_socket_t fd, int what, void *context,
          void *socket_context)
{
    struct fetcher *fetcher = context;
    struct watched *watched = socket_context;

    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        if (watched != NULL) {
            loop_watch_free(&watched->watch);
            free(watched);
            (void)curl_multi_assign(fetcher->multi, fd, NULL);
        }
    } else if (watched == NULL) {
        watch_new(fetcher, fd, what);
    } else {
        loop_watch_set(watched->watch, (what & CURL_POLL_IN) != 0,
                       (what & CURL_POLL_OUT) != 0);
    }
    return 0;
}

enum status
fetcher_new(struct loop *loop, struct fetcher **ret_fetcher)
{
    struct fetcher *fetcher;

    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return STATUS_RESOURCE_EXHAUSTED;
    fetcher = calloc(1, sizeof(*fetcher));
    if (fetcher == NULL)
        goto fail;
    fetcher->magic = FETCHER_MAGIC;
    fetcher->loop = loop;
    fetcher->multi = curl_multi_init();
    if (fetcher->multi == NULL ||
        loop_timer_new(loop, on_timer, fetcher, &fetcher->timer) != STATUS_OK)
        goto fail;
    (void)curl_multi_setopt(fetcher->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    (void)curl_multi_setopt(fetcher->multi, CURLMOPT_SOCKETDATA, fetcher);
    (void)curl_multi_setopt(fetcher->multi, CURLMOPT_TIMERFUNCTION, on_timeout);
    (void)curl_multi_setopt(fetcher->multi, CURLMOPT_TIMERDATA, fetcher);
    *ret_fetcher = fetcher;
    return STATUS_OK;
fail:
    if (fetcher != NULL)
        (void)curl_multi_cleanup(fetcher->multi);
    free(fetcher);
    curl_global_cleanup();
    return STATUS_RESOURCE_EXHAUSTED;
}

void
fetcher_free(struct fetcher **fetcher)
{
    struct fetcher *self = *fetcher;

    if (self == NULL)
        return;
    CHECK_OBJ(self, FETCHER_MAGIC);
    for (struct fetch *fetch = self->first, *next; fetch != NULL;
         fetch = next) {
        next = fetch->next;
        fetch_free(fetch);
    }
    (void)curl_multi_cleanup(self->multi);
    loop_timer_free(&self->timer);
    self->magic = 0;
    free(self);
    curl_global_cleanup();
    *fetcher = NULL;
}

static bool
add_header(struct fetch *fetch, const char *line)
{
    struct curl_slist *more = curl_slist_append(fetch->headers, line);

    if (more == NULL)
        return false;
    fetch->headers = more;
    return true;
}

/* "If-None-Match: …", when there is a value that fits on a line. */
static bool
add_validator(struct fetch *fetch, const char *name, const char *value)
{
    char line[FETCH_VALIDATOR_MAX + 32];

    if (value == NULL || value[0] == '\0' ||
        strlen(value) >= FETCH_VALIDATOR_MAX)
        return true;
    (void)snprintf(line, sizeof(line), "%s: %s", name, value);
    return add_header(fetch, line);
}

static bool
add_headers(struct fetch *fetch, const struct fetch_request *request)
{
    for (size_t i = 0; i < request->header_count; i++)
        if (!add_header(fetch, request->headers[i]))
            return false;
    return add_validator(fetch, "If-None-Match", request->etag) &&
           add_validator(fetch, "If-Modified-Since", request->last_modified);
}

/* All options of a transfer; false when libcurl has no memory for them. */
static bool
set_options(struct fetch *fetch, const struct fetch_request *request)
{
    CURL *easy = fetch->easy;
    bool is_https = strncasecmp(request->url, "https:", 6) == 0;
    CURLcode code = CURLE_OK;

#define SET(option, value)                                                     \
    do {                                                                       \
        if (code == CURLE_OK)                                                  \
            code = curl_easy_setopt(easy, (option), (value));                  \
    } while (0)
    SET(CURLOPT_URL, request->url);
    SET(CURLOPT_PRIVATE, fetch);
    SET(CURLOPT_ERRORBUFFER, fetch->error);
    SET(CURLOPT_HTTPHEADER, fetch->headers);
    SET(CURLOPT_PROTOCOLS_STR, "http,https,file");
    SET(CURLOPT_REDIR_PROTOCOLS_STR, is_https ? "https" : "http,https");
    SET(CURLOPT_FOLLOWLOCATION, request->has_secret ? 0L : 1L);
    SET(CURLOPT_MAXREDIRS, (long)FETCH_REDIRECTS_MAX);
    SET(CURLOPT_ACCEPT_ENCODING, "");
    SET(CURLOPT_USERAGENT, USER_AGENT);
    /* What says that it is too long is not read at all. */
    SET(CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)request->max_bytes);
    SET(CURLOPT_TIMEOUT_MS, (long)request->timeout);
    SET(CURLOPT_CONNECTTIMEOUT_MS, CONNECT_TIMEOUT_MS);
    SET(CURLOPT_FILETIME, 1L);
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_QUICK_EXIT, 1L); /* do not wait for a slow resolver at exit */
    SET(CURLOPT_SSL_VERIFYPEER, 1L);
    SET(CURLOPT_SSL_VERIFYHOST, 2L);
    SET(CURLOPT_WRITEFUNCTION, on_body);
    SET(CURLOPT_WRITEDATA, fetch);
    SET(CURLOPT_HEADERFUNCTION, on_header);
    SET(CURLOPT_HEADERDATA, fetch);
#undef SET
    return code == CURLE_OK;
}

static bool
request_is_valid(const struct fetch_request *request)
{
    return request->url != NULL && strlen(request->url) < FETCH_URL_MAX &&
           request->header_count <= FETCH_HEADERS_MAX &&
           request->max_bytes > 0 && request->timeout > 0;
}

/* Opening what is no regular file (a FIFO, a device) may block the loop. */
static bool
may_block(const char *url)
{
    CURLU *parts = curl_url();
    char *scheme = NULL, *path = NULL;
    struct stat about;
    bool blocks = false;

    if (parts != NULL && curl_url_set(parts, CURLUPART_URL, url, 0) == 0 &&
        curl_url_get(parts, CURLUPART_SCHEME, &scheme, 0) == 0 &&
        strcmp(scheme, "file") == 0 &&
        curl_url_get(parts, CURLUPART_PATH, &path, CURLU_URLDECODE) == 0)
        blocks = stat(path, &about) == 0 && !S_ISREG(about.st_mode) &&
                 !S_ISDIR(about.st_mode);
    curl_free(scheme);
    curl_free(path);
    curl_url_cleanup(parts);
    return blocks;
}

static void
link_fetch(struct fetcher *fetcher, struct fetch *fetch)
{
    fetch->fetcher = fetcher;
    fetch->next = fetcher->first;
    if (fetcher->first != NULL)
        fetcher->first->previous = fetch;
    fetcher->first = fetch;
    fetcher->count++;
}

enum status
fetcher_get(struct fetcher *fetcher, const struct fetch_request *request,
            fetch_done_fn done, void *context, struct fetch **ret_fetch)
{
    struct fetch *fetch;

    CHECK_OBJ(fetcher, FETCHER_MAGIC);
    if (!request_is_valid(request))
        return STATUS_INVALID_ARGUMENT;
    if (fetcher->count >= FETCH_CONCURRENT_MAX)
        return STATUS_RESOURCE_EXHAUSTED;
    if (may_block(request->url))
        return STATUS_FAILED_PRECONDITION;
    fetch = calloc(1, sizeof(*fetch));
    if (fetch == NULL)
        return STATUS_RESOURCE_EXHAUSTED;
    fetch->magic = FETCH_MAGIC;
    fetch->done = done;
    fetch->context = context;
    buf_init(&fetch->body, request->max_bytes);
    fetch->easy = curl_easy_init();
    link_fetch(fetcher, fetch);
    if (fetch->easy == NULL || !add_headers(fetch, request) ||
        !set_options(fetch, request) ||
        curl_multi_add_handle(fetcher->multi, fetch->easy) != CURLM_OK) {
        fetch_free(fetch);
        return STATUS_RESOURCE_EXHAUSTED;
    }
    if (ret_fetch != NULL)
        *ret_fetch = fetch;
    return STATUS_OK;
}

void
fetcher_cancel(struct fetch **fetch)
{
    if (*fetch == NULL)
        return;
    fetch_free(*fetch);
    *fetch = NULL;
}
