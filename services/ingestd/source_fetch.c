/* A source's run as a small state machine: (listing,) table or first page,
 * more pages, the next board, end. Each answer is parsed at once into the
 * run's own arena; only a whole good run replaces what is held. */
#include "services/ingestd/source_fetch.h"

#include "core/base/check.h"
#include "ingest/source.h"
#include "services/ingestd/source_url.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RETRY_FIRST_MS 1000
#define RETRY_AFTER_MAX_MS 30000 /* longer waits are left to the next run */

enum step {
    STEP_LISTING,   /* LiveBench: which table is the newest */
    STEP_COMPANION, /* LiveBench: the categories */
    STEP_PAGE,      /* a table, body or page */
};

struct source_fetch {
    struct loop *loop;
    struct fetcher *fetcher;
    struct source_fetch_options options; /* texts copied below */
    char url[FETCH_URL_MAX];
    char key_header[600]; /* "x-api-key: …", or "" */
    struct source_fetch_good good;

    /* The run under way. */
    bool running;
    bool has_listing;
    enum step step;
    size_t board;
    size_t page; /* from 0 */
    unsigned tries;
    char board_url[FETCH_URL_MAX]; /* of this board */
    char asked_url[FETCH_URL_MAX]; /* of the request under way */
    struct source_fetch_good next;
    char *companion; /* malloc'd */
    size_t companion_len;
    struct fetch *fetch;
    struct loop_timer *timer; /* for retries */

    /* Of the first answer of the last good run, and of this one. */
    bool was_single; /* one board of one page */
    char etag[FETCH_VALIDATOR_MAX];
    char last_modified[FETCH_VALIDATOR_MAX];
    char next_etag[FETCH_VALIDATOR_MAX];
    char next_last_modified[FETCH_VALIDATOR_MAX];
};

static void ask(struct source_fetch *source);

static void
good_reset(struct source_fetch_good *good)
{
    arena_free(&good->arena);
    *good = (struct source_fetch_good){.arena = NULL};
}

static void
end(struct source_fetch *source, const char *reason)
{
    source->running = false;
    good_reset(&source->next);
    free(source->companion);
    source->companion = NULL;
    source->options.ended(source->options.context, source->options.source,
                          reason);
}

static void
fail(struct source_fetch *source, const char *what)
{
    char reason[SOURCE_FETCH_REASON_MAX];

    (void)snprintf(reason, sizeof(reason), "%.300s", what);
    end(source, reason);
}

/* The run is whole: what it understood replaces what was held. */
static void
succeed(struct source_fetch *source)
{
    good_reset(&source->good);
    source->good = source->next;
    source->was_single = source->board == 0 && source->page == 0;
    source->good.fetched_at = loop_wall(source->loop);
    source->next = (struct source_fetch_good){.arena = NULL};
    memcpy(source->etag, source->next_etag, sizeof(source->etag));
    memcpy(source->last_modified, source->next_last_modified,
           sizeof(source->last_modified));
    end(source, "");
}

/* The answer that stands for the whole run: a listing, else the first page. */
static bool
is_first_answer(const struct source_fetch *source)
{
    return source->board == 0 && source->page == 0 &&
           source->step == (source->has_listing ? STEP_LISTING : STEP_PAGE);
}

/* Only where "not modified" speaks for all there is: of many pages the first
 * may be as it was and another not. */
static bool
is_conditional(const struct source_fetch *source)
{
    return is_first_answer(source) && source->good.arena != NULL &&
           (source->has_listing || source->was_single);
}

/* Where the next request goes. */
static enum status
next_url(struct source_fetch *source)
{
    const char *url = source->board_url;

    if (source->step == STEP_COMPANION)
        return source_url_categories(url, source->asked_url);
    if (source->step == STEP_PAGE && source_url_is_paged(url))
        return source_url_page(url, source->page * SOURCE_FETCH_PAGE_ROWS,
                               SOURCE_FETCH_PAGE_ROWS, source->asked_url);
    if (source->step == STEP_PAGE && source->page > 0)
        return source_url_numbered(url, source->page + 1, source->asked_url);
    (void)snprintf(source->asked_url, FETCH_URL_MAX, "%s", url);
    return STATUS_OK;
}

static struct record_set *
board_set(struct source_fetch *source)
{
    struct source_fetch_good *next = &source->next;

    if (next->arena == NULL)
        next->arena = arena_new(RECORD_BYTES_MAX);
    if (next->arena == NULL)
        return NULL;
    if (next->set_count == source->board) {
        struct record_set *set = ARENA_NEW(next->arena, struct record_set);

        if (set == NULL)
            return NULL;
        record_set_init(set, next->arena);
        next->sets[next->set_count++] = set;
    }
    return next->sets[source->board];
}

/* The board that comes after this one, if there is one. */
static bool
next_board(struct source_fetch *source)
{
    char url[FETCH_URL_MAX];

    if (source->options.source != SOURCE_LMARENA || source->board > 0 ||
        source_url_vision(source->board_url, url) != STATUS_OK)
        return false;
    memcpy(source->board_url, url, sizeof(url));
    source->board++;
    source->page = 0;
    return true;
}

static bool
has_next_page(const struct source_fetch *source, const struct record_set *set)
{
    size_t asked = (source->page + 1) * SOURCE_FETCH_PAGE_ROWS;

    if (source_url_is_paged(source->board_url))
        return asked < set->total;
    return set->has_more;
}

/* The day of figures that name none: what the address says (LMArena's release
 * files), else when the answer was last changed, else today. LiveBench goes on
 * editing a table under the date of its release, so there the address says
 * nothing. */
static utc_day
payload_day(const struct source_fetch *source,
            const struct fetch_result *result)
{
    utc_day day = UTC_DAY_NONE;

    if (source->options.source == SOURCE_LMARENA)
        day = source_url_day(source->board_url);
    if (day == UTC_DAY_NONE && result->modified_at > 0)
        day = utc_day_of(result->modified_at);
    return day != UTC_DAY_NONE ? day : utc_day_of(loop_wall(source->loop));
}

static void
on_page(struct source_fetch *source, const struct fetch_result *result)
{
    struct record_set *set = board_set(source);
    struct source_input input = {
        .bytes = result->body,
        .companion = slice_make(source->companion, source->companion_len),
        .day = payload_day(source, result),
        .is_vision = source->board > 0,
    };

    if (set == NULL) {
        fail(source, "out of memory");
        return;
    }
    set->has_more = false;
    if (source_adapter(source->options.source)(&input, set) != STATUS_OK) {
        fail(source, set->reason);
        return;
    }
    if (!has_next_page(source, set)) {
        if (next_board(source))
            ask(source);
        else
            succeed(source);
        return;
    }
    if (source->page + 1 >= SOURCE_FETCH_PAGES_MAX) {
        fail(source, "more pages than are read");
        return;
    }
    source->page++;
    ask(source);
}

static void
on_companion(struct source_fetch *source, const struct fetch_result *result)
{
    source->companion = malloc(result->body.len + 1);
    if (source->companion == NULL) {
        fail(source, "out of memory");
        return;
    }
    if (result->body.len > 0)
        memcpy(source->companion, result->body.ptr, result->body.len);
    source->companion_len = result->body.len;
    source->step = STEP_PAGE;
    ask(source);
}

static void
on_listing(struct source_fetch *source, const struct fetch_result *result)
{
    if (source_url_newest_table(result->body, source->board_url) != STATUS_OK) {
        fail(source, "no table in the listing");
        return;
    }
    source->step = STEP_COMPANION;
    ask(source);
}

static bool
may_pass(const struct fetch_result *result)
{
    return result->status == STATUS_UNAVAILABLE ||
           result->status == STATUS_DEADLINE_EXCEEDED ||
           result->status == STATUS_DATA_LOSS || result->http_status == 429;
}

/* A pause before the next try: doubling, plus up to half of it, so that many
 * daemons do not come back at once; false when it is not worth it. */
static bool
retry(struct source_fetch *source, const struct fetch_result *result)
{
    ms_dur pause = (ms_dur)RETRY_FIRST_MS << (2 * source->tries);

    if (!may_pass(result) || source->tries >= SOURCE_FETCH_RETRIES ||
        result->retry_after > RETRY_AFTER_MAX_MS)
        return false;
    source->tries++;
    pause += loop_now(source->loop) % (pause / 2);
    if (pause < result->retry_after)
        pause = result->retry_after;
    loop_timer_start(source->timer, pause);
    return true;
}

static void
on_answer(void *context, const struct fetch_result *result)
{
    struct source_fetch *source = context;

    source->fetch = NULL;
    if (result->status != STATUS_OK) {
        if (!retry(source, result))
            fail(source, result->message);
        return;
    }
    source->tries = 0;
    if (result->not_modified) {
        source->good.fetched_at = loop_wall(source->loop);
        end(source, "");
        return;
    }
    if (is_first_answer(source)) {
        (void)snprintf(source->next_etag, FETCH_VALIDATOR_MAX, "%s",
                       result->etag);
        (void)snprintf(source->next_last_modified, FETCH_VALIDATOR_MAX, "%s",
                       result->last_modified);
    }
    switch (source->step) {
    case STEP_LISTING:
        on_listing(source, result);
        break;
    case STEP_COMPANION:
        on_companion(source, result);
        break;
    case STEP_PAGE:
        on_page(source, result);
        break;
    }
}

/* Send the request of the present step. */
static void
ask(struct source_fetch *source)
{
    const char *headers[] = {source->key_header};
    bool has_key = source->key_header[0] != '\0';
    struct fetch_request request = {
        .url = source->asked_url,
        .headers = headers,
        .header_count = has_key ? 1 : 0,
        .has_secret = has_key,
        .max_bytes = source->options.max_bytes,
        .timeout = source->options.timeout,
    };

    if (next_url(source) != STATUS_OK) {
        fail(source, "no address for the next part");
        return;
    }
    if (is_conditional(source)) {
        request.etag = source->etag;
        request.last_modified = source->last_modified;
    }
    if (fetcher_get(source->fetcher, &request, on_answer, source,
                    &source->fetch) != STATUS_OK)
        fail(source, "cannot fetch");
}

static void
on_timer(void *context)
{
    ask(context);
}

enum status
source_fetch_new(struct loop *loop, struct fetcher *fetcher,
                 const struct source_fetch_options *options,
                 struct source_fetch **ret_source)
{
    struct source_fetch *source = calloc(1, sizeof(*source));
    char categories[FETCH_URL_MAX];

    if (source == NULL)
        return STATUS_RESOURCE_EXHAUSTED;
    source->loop = loop;
    source->fetcher = fetcher;
    source->options = *options;
    if (snprintf(source->url, sizeof(source->url), "%s", options->url) >=
        (int)sizeof(source->url))
        goto fail;
    if (options->api_key[0] != '\0' &&
        snprintf(source->key_header, sizeof(source->key_header),
                 "x-api-key: %s",
                 options->api_key) >= (int)sizeof(source->key_header))
        goto fail;
    if (loop_timer_new(loop, on_timer, source, &source->timer) != STATUS_OK)
        goto fail;
    source->has_listing =
        options->source == SOURCE_LIVEBENCH &&
        source_url_categories(source->url, categories) != STATUS_OK;
    *ret_source = source;
    return STATUS_OK;
fail:
    free(source);
    return STATUS_RESOURCE_EXHAUSTED;
}

void
source_fetch_free(struct source_fetch **source)
{
    struct source_fetch *self = *source;

    if (self == NULL)
        return;
    fetcher_cancel(&self->fetch);
    loop_timer_free(&self->timer);
    good_reset(&self->good);
    good_reset(&self->next);
    free(self->companion);
    free(self);
    *source = NULL;
}

bool
source_fetch_is_on(const struct source_fetch *source)
{
    return source->url[0] != '\0' && strcmp(source->url, "none") != 0;
}

/* LiveBench's address may be a listing; everything else is asked directly. */
static enum step
first_step(const struct source_fetch *source)
{
    if (source->options.source != SOURCE_LIVEBENCH)
        return STEP_PAGE;
    return source->has_listing ? STEP_LISTING : STEP_COMPANION;
}

enum status
source_fetch_start(struct source_fetch *source)
{
    if (source->running || !source_fetch_is_on(source))
        return STATUS_FAILED_PRECONDITION;
    source->running = true;
    source->board = source->page = 0;
    source->tries = 0;
    source->companion_len = 0;
    memcpy(source->board_url, source->url, sizeof(source->url));
    source->step = first_step(source);
    /* Through the timer: nothing ends from inside start. */
    loop_timer_start(source->timer, 0);
    return STATUS_OK;
}

const struct source_fetch_good *
source_fetch_good(const struct source_fetch *source)
{
    return &source->good;
}
