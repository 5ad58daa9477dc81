/* A source's run as a small state machine: (listing, categories,) the first
 * page of a board, its other pages beside each other, the next board, end.
 * Each answer is parsed at once into the run's own arena, whatever the order
 * in which pages come; only a whole good run replaces what is held. */
#include "services/ingestd/source_fetch.h"

#include "core/base/check.h"
#include "core/base/hash.h"
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

/* A place for one request under way. */
struct slot {
    struct source_fetch *source;
    bool busy;
    size_t page; /* from 0 */
    unsigned tries;
    char url[FETCH_URL_MAX];
    struct fetch *fetch;
    struct loop_timer *timer; /* for the first try and for retries */
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
    size_t page_count; /* of this board; 1 until its first page came */
    size_t next_page;  /* the first that nobody asked for yet */
    size_t pages_done;
    size_t boards_done; /* pages of the boards before */
    size_t row_total;   /* of this board, as its first page said */
    char board_url[FETCH_URL_MAX];
    struct source_fetch_good next;
    char *companion; /* malloc'd */
    size_t companion_len;
    struct slot slots[SOURCE_FETCH_PARALLEL];
    struct loop_timer *deadline; /* of the run */

    /* Of the first answer of the last good run, and of this one. */
    bool was_single; /* one board of one page */
    char etag[FETCH_VALIDATOR_MAX];
    char last_modified[FETCH_VALIDATOR_MAX];
    char next_etag[FETCH_VALIDATOR_MAX];
    char next_last_modified[FETCH_VALIDATOR_MAX];
};

static void ask(struct slot *slot);

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
    loop_timer_stop(source->deadline);
    for (size_t i = 0; i < SOURCE_FETCH_PARALLEL; i++) {
        fetcher_cancel(&source->slots[i].fetch);
        loop_timer_stop(source->slots[i].timer);
        source->slots[i].busy = false;
    }
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
    source->was_single = source->board == 0 && source->page_count == 1;
    source->good.fetched_at = loop_wall(source->loop);
    source->next = (struct source_fetch_good){.arena = NULL};
    memcpy(source->etag, source->next_etag, sizeof(source->etag));
    memcpy(source->last_modified, source->next_last_modified,
           sizeof(source->last_modified));
    end(source, "");
}

/* The answer that stands for the whole run: a listing, else the first page. */
static bool
is_first_answer(const struct slot *slot)
{
    const struct source_fetch *source = slot->source;

    return source->board == 0 && slot->page == 0 &&
           source->step == (source->has_listing ? STEP_LISTING : STEP_PAGE);
}

/* Only where "not modified" speaks for all there is: of many pages the first
 * may be as it was and another not. */
static bool
is_conditional(const struct slot *slot)
{
    const struct source_fetch *source = slot->source;

    return is_first_answer(slot) && source->good.arena != NULL &&
           (source->has_listing || source->was_single);
}

/* Where the slot's request goes. */
static enum status
make_url(struct slot *slot)
{
    const struct source_fetch *source = slot->source;
    const char *url = source->board_url;

    if (source->step == STEP_COMPANION)
        return source_url_categories(url, slot->url);
    if (source->step == STEP_PAGE && source_url_is_paged(url))
        return source_url_page(url, slot->page * SOURCE_FETCH_PAGE_ROWS,
                               SOURCE_FETCH_PAGE_ROWS, slot->url);
    if (source->step == STEP_PAGE && slot->page > 0)
        return source_url_numbered(url, slot->page + 1, slot->url);
    (void)snprintf(slot->url, FETCH_URL_MAX, "%s", url);
    return STATUS_OK;
}

/* Give every idle slot a page that nobody asked for yet. */
static void
ask_more(struct source_fetch *source)
{
    for (size_t i = 0; i < SOURCE_FETCH_PARALLEL && source->running; i++) {
        struct slot *slot = &source->slots[i];

        if (slot->busy || source->next_page >= source->page_count)
            continue;
        slot->busy = true;
        slot->page = source->next_page++;
        slot->tries = 0;
        ask(slot);
    }
}

/* From the first page of source->board_url on. */
static void
begin_board(struct source_fetch *source)
{
    source->page_count = 1;
    source->next_page = source->pages_done = 0;
    source->row_total = 0;
    ask_more(source);
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
    source->boards_done += source->page_count;
    return true;
}

/* How many pages a board has, once its first was read. A file is all there
 * is, even when it is a recorded page of many. */
static size_t
count_pages(const struct source_fetch *source, struct record_set *set)
{
    size_t rows = SOURCE_FETCH_PAGE_ROWS;

    if (source_url_is_file(source->board_url)) {
        set->total = 0;
        return 1;
    }
    if (source_url_is_paged(source->board_url))
        return set->total > rows ? (set->total + rows - 1) / rows : 1;
    return set->pages > 1 ? set->pages : 1;
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
end_board(struct source_fetch *source, struct record_set *set)
{
    if (record_set_verdict_whole(set) != STATUS_OK)
        fail(source, set->reason);
    else if (next_board(source))
        begin_board(source);
    else
        succeed(source);
}

/* What the page said of the board: its size at the first, no other after. */
static const char *
check_size(struct source_fetch *source, const struct slot *slot,
           struct record_set *set)
{
    if (set->page != 0 && set->page != slot->page + 1 &&
        !source_url_is_file(source->board_url))
        return "another page came than was asked for";
    if (slot->page == 0) {
        source->page_count = count_pages(source, set);
        source->row_total = set->total;
    }
    if (source->page_count > SOURCE_FETCH_PAGES_MAX)
        return "more pages than are read";
    return set->total == source->row_total ? NULL
                                           : "it changed while it was read";
}

static void
on_page(struct slot *slot, const struct fetch_result *result)
{
    struct source_fetch *source = slot->source;
    struct record_set *set = board_set(source);
    const char *trouble;
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
    if (source_adapter(source->options.source)(&input, set) != STATUS_OK) {
        fail(source, set->reason);
        return;
    }
    trouble = check_size(source, slot, set);
    if (trouble != NULL) {
        fail(source, trouble);
        return;
    }
    slot->busy = false;
    source->next.content +=
        hash_mix(hash_slice(slice_of(slot->url)), hash_slice(result->body));
    source->pages_done++;
    if (source->pages_done == source->page_count)
        end_board(source, set);
    else
        ask_more(source);
}

static void
on_companion(struct slot *slot, const struct fetch_result *result)
{
    struct source_fetch *source = slot->source;

    source->companion = malloc(result->body.len + 1);
    if (source->companion == NULL) {
        fail(source, "out of memory");
        return;
    }
    if (result->body.len > 0)
        memcpy(source->companion, result->body.ptr, result->body.len);
    source->companion_len = result->body.len;
    source->step = STEP_PAGE;
    ask(slot);
}

static void
on_listing(struct slot *slot, const struct fetch_result *result)
{
    struct source_fetch *source = slot->source;

    if (source_url_newest_table(result->body, source->board_url) != STATUS_OK) {
        fail(source, "no table in the listing");
        return;
    }
    source->step = STEP_COMPANION;
    ask(slot);
}

/* The first page of a board whose address was made from another's: where
 * there is none, the other is all there is. */
static bool
is_extra(const struct slot *slot)
{
    return slot->source->board > 0 && slot->page == 0;
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
retry(struct slot *slot, const struct fetch_result *result)
{
    ms_dur pause = (ms_dur)RETRY_FIRST_MS << (2 * slot->tries);

    if (!may_pass(result) || slot->tries >= SOURCE_FETCH_RETRIES ||
        result->retry_after > RETRY_AFTER_MAX_MS)
        return false;
    slot->tries++;
    pause += loop_jitter(pause / 2);
    if (pause < result->retry_after)
        pause = result->retry_after;
    loop_timer_start(slot->timer, pause);
    return true;
}

static void
on_answer(void *context, const struct fetch_result *result)
{
    struct slot *slot = context;
    struct source_fetch *source = slot->source;

    slot->fetch = NULL;
    if (result->status == STATUS_NOT_FOUND && is_extra(slot)) {
        succeed(source);
        return;
    }
    if (result->status != STATUS_OK) {
        if (!retry(slot, result))
            fail(source, result->message);
        return;
    }
    slot->tries = 0;
    if (result->not_modified) {
        source->good.fetched_at = loop_wall(source->loop);
        end(source, "");
        return;
    }
    if (is_first_answer(slot)) {
        (void)snprintf(source->next_etag, FETCH_VALIDATOR_MAX, "%s",
                       result->etag);
        (void)snprintf(source->next_last_modified, FETCH_VALIDATOR_MAX, "%s",
                       result->last_modified);
    }
    switch (source->step) {
    case STEP_LISTING:
        on_listing(slot, result);
        break;
    case STEP_COMPANION:
        on_companion(slot, result);
        break;
    case STEP_PAGE:
        on_page(slot, result);
        break;
    }
}

/* Send the slot's request of the present step. */
static void
ask(struct slot *slot)
{
    struct source_fetch *source = slot->source;
    const char *headers[] = {source->key_header};
    bool has_key = source->key_header[0] != '\0';
    struct fetch_request request = {
        .url = slot->url,
        .headers = headers,
        .header_count = has_key ? 1 : 0,
        .has_secret = has_key,
        .max_bytes = source->options.max_bytes,
        .timeout = source->options.timeout,
    };
    enum status status;

    if (make_url(slot) != STATUS_OK) {
        fail(source, "no address for the next part");
        return;
    }
    if (is_conditional(slot)) {
        request.etag = source->etag;
        request.last_modified = source->last_modified;
    }
    status =
        fetcher_get(source->fetcher, &request, on_answer, slot, &slot->fetch);
    if (status != STATUS_OK)
        fail(source, status == STATUS_FAILED_PRECONDITION
                         ? "its address is no regular file"
                         : "cannot fetch");
}

static void
on_slot_timer(void *context)
{
    ask(context);
}

static void
on_deadline(void *context)
{
    fail(context, "it takes too long in all");
}

static enum status
make_timers(struct source_fetch *source)
{
    enum status status =
        loop_timer_new(source->loop, on_deadline, source, &source->deadline);

    for (size_t i = 0; i < SOURCE_FETCH_PARALLEL && status == STATUS_OK; i++) {
        source->slots[i].source = source;
        status = loop_timer_new(source->loop, on_slot_timer, &source->slots[i],
                                &source->slots[i].timer);
    }
    return status;
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
    if (make_timers(source) != STATUS_OK)
        goto fail;
    source->has_listing =
        options->source == SOURCE_LIVEBENCH &&
        source_url_categories(source->url, categories) != STATUS_OK;
    *ret_source = source;
    return STATUS_OK;
fail:
    source_fetch_free(&source);
    return STATUS_RESOURCE_EXHAUSTED;
}

void
source_fetch_free(struct source_fetch **source)
{
    struct source_fetch *self = *source;

    if (self == NULL)
        return;
    for (size_t i = 0; i < SOURCE_FETCH_PARALLEL; i++) {
        fetcher_cancel(&self->slots[i].fetch);
        loop_timer_free(&self->slots[i].timer);
    }
    loop_timer_free(&self->deadline);
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
    source->board = 0;
    source->companion_len = 0;
    memcpy(source->board_url, source->url, sizeof(source->url));
    source->step = first_step(source);
    source->page_count = source->next_page = 1;
    source->pages_done = source->row_total = source->boards_done = 0;
    source->slots[0].busy = true;
    source->slots[0].page = source->slots[0].tries = 0;
    loop_timer_start(source->deadline,
                     source->options.timeout * SOURCE_FETCH_RUN_TIMEOUTS);
    /* Through the timer: nothing ends from inside start. */
    loop_timer_start(source->slots[0].timer, 0);
    return STATUS_OK;
}

const struct source_fetch_good *
source_fetch_good(const struct source_fetch *source)
{
    return &source->good;
}

struct source_fetch_progress
source_fetch_progress(const struct source_fetch *source)
{
    struct source_fetch_progress progress = {
        .pages_done = source->boards_done + source->pages_done,
        .pages = source->boards_done + source->page_count,
    };
    const struct source_fetch_good *sets =
        source->running ? &source->next : &source->good;

    for (size_t i = 0; i < sets->set_count; i++)
        progress.rows += sets->sets[i]->count;
    return progress;
}

uint64_t
source_fetch_address(const struct source_fetch *source)
{
    return hash_slice(slice_of(source->url));
}
