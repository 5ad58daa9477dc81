/* Looks as in tenant_keeper.c: one at a time, wishes that come meanwhile are
 * remembered. Every other call is one statement and one answer. */
#include "services/ingestd/catalog_store.h"

#include "core/base/buf.h"
#include "core/base/check.h"
#include "core/base/text.h"
#include "services/ingestd/catalog_sql.h"
#include "services/runtime/log.h"
#include "services/store/migrate.h"
#include "services/store/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CATALOG_STORE_MAGIC 0x43545354u
#define HEX_MAX (2 * (size_t)CATALOG_STORE_BYTES_MAX)
#define NUMBER_MAX 24
#define QUEUE_MAX 256 /* calls of people */

struct catalog_store {
    unsigned magic;
    struct catalog_store_options options;
    struct store *store;
    struct loop_timer *timer;
    int64_t revision; /* known; -1 before the first look */
    bool looking, look_wanted;
    /* The one claim that may be under way. */
    catalog_claim_fn claimed;
    void *claim_context;
    struct catalog_claim claim;
    struct asked *pin; /* done, and waiting for a look; NULL: none */
};

/* A call of somebody else; freed with its answer. */
struct asked {
    struct catalog_store *store;
    catalog_done_fn done;
    catalog_rows_fn rows;
    void *context;
};

/* --- bytes as text --- */

static void
put_hex(struct buf *out, struct slice bytes)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < bytes.len; i++) {
        unsigned char byte = (unsigned char)bytes.ptr[i];

        buf_put_char(out, digits[byte >> 4]);
        buf_put_char(out, digits[byte & 15]);
    }
}

/* Bytes of a column in hexadecimal, at the end of out; false when they are
 * none. The column is encode()'s, so only a lack of memory can be wrong. */
static bool
take_hex(const struct pg_result *rows, int column, struct buf *out)
{
    struct slice text = rows_text(rows, 0, column);

    for (size_t i = 0; i + 1 < text.len; i += 2)
        buf_put_char(out, (char)(text_hex_digit(text.ptr[i]) << 4 |
                                 text_hex_digit(text.ptr[i + 1])));
    return buf_ok(out);
}

/* --- looking --- */

static void go(struct catalog_store *store);
static void end_pin(struct catalog_store *store);

static void
hand_over(struct catalog_store *store, const struct pg_result *rows)
{
    struct catalog_stored stored = {.pinned =
                                        rows_i64(rows, 0, LOAD_PINNED, 0)};
    struct buf newest, report, pinned;

    buf_init(&newest, CATALOG_STORE_BYTES_MAX);
    buf_init(&report, CATALOG_STORE_BYTES_MAX);
    buf_init(&pinned, CATALOG_STORE_BYTES_MAX);
    if (take_hex(rows, LOAD_BYTES, &newest) &&
        take_hex(rows, LOAD_REPORT, &report) &&
        take_hex(rows, LOAD_PINNED_BYTES, &pinned)) {
        stored.newest = buf_slice(&newest);
        stored.report = buf_slice(&report);
        stored.pinned_bytes = buf_slice(&pinned);
        store->revision = rows_i64(rows, 0, LOAD_REVISION, 0);
        store->options.changed(store->options.context, &stored);
    } else {
        log_event(LOG_WARN, "stored-catalog-too-large",
                  LOG_STR("next", "what is held goes on serving"));
    }
    buf_fini(&newest);
    buf_fini(&report);
    buf_fini(&pinned);
}

static void
end_claim(struct catalog_store *store, enum catalog_claim_outcome outcome)
{
    catalog_claim_fn claimed = store->claimed;

    store->claim.outcome = outcome;
    store->claimed = NULL;
    if (claimed != NULL)
        claimed(store->claim_context, &store->claim);
}

/* A claim that is ours waits for the look that shows what is newest. */
static bool
is_claim_waiting(const struct catalog_store *store)
{
    return store->claimed != NULL &&
           (store->claim.outcome == CATALOG_CLAIM_OURS ||
            store->claim.outcome == CATALOG_CLAIM_INHERITED);
}

static void
on_loaded(void *context, const struct store_result *result)
{
    struct catalog_store *store = context;

    CHECK_OBJ(store, CATALOG_STORE_MAGIC);
    store->looking = false;
    if (result->status != STATUS_OK) {
        /* The timer or the connection's return looks again. */
        if (store_is_up(store->store))
            log_event(LOG_WARN, "catalog-not-read",
                      LOG_STR("why", result->message),
                      LOG_STR("next", "looked at again soon"));
        if (is_claim_waiting(store))
            end_claim(store, CATALOG_CLAIM_AWAY);
        end_pin(store);
        return;
    }
    if (rows_count(result->rows) > 0)
        hand_over(store, result->rows);
    if (is_claim_waiting(store))
        end_claim(store, store->claim.outcome);
    if (!store->look_wanted) /* else this one may have come too early */
        end_pin(store);
    go(store);
}

static void
go(struct catalog_store *store)
{
    char revision[NUMBER_MAX];
    const char *params[] = {revision};

    if (!store->look_wanted || store->looking || !store_is_up(store->store))
        return;
    (void)snprintf(revision, sizeof(revision), "%lld",
                   (long long)store->revision);
    store->look_wanted = false;
    store->looking = store_read(store->store, CATALOG_LOAD, params, on_loaded,
                                store) == STATUS_OK;
}

static void
look(struct catalog_store *store)
{
    store->look_wanted = true;
    go(store);
}

static void
on_timer(void *context)
{
    struct catalog_store *store = context;

    loop_timer_start(store->timer, store->options.look_every);
    look(store);
}

static void
on_up(void *context)
{
    struct catalog_store *store = context;

    look(store);
    store->options.moved(store->options.context);
}

static void
on_down(void *context, const char *why)
{
    struct catalog_store *store = context;

    log_event(LOG_WARN, "database-away", LOG_STR("why", why),
              LOG_STR("next", "connecting goes on; nothing is fetched, the "
                              "catalog serves"));
    store->options.moved(store->options.context);
}

static void
on_notice(void *context, struct slice payload)
{
    struct catalog_store *store = context;

    look(store);
    if (slice_eq(payload, SLICE("claimed")) ||
        slice_eq(payload, SLICE("released")))
        store->options.moved(store->options.context);
}

/* --- other calls, to be answered --- */

static void
answer(struct asked *asked, enum status status, const char *message)
{
    asked->done(asked->context, status, message);
    free(asked);
}

static void
end_pin(struct catalog_store *store)
{
    struct asked *asked = store->pin;

    store->pin = NULL;
    if (asked != NULL)
        answer(asked, STATUS_OK, "");
}

/* --- claiming --- */

static enum catalog_claim_outcome
outcome_of(const struct store_result *result)
{
    struct slice word;

    if (result->status != STATUS_OK || rows_count(result->rows) == 0)
        return CATALOG_CLAIM_AWAY;
    word = rows_text(result->rows, 0, CLAIM_OUTCOME);
    if (slice_eq(word, SLICE(CLAIM_OURS)))
        return CATALOG_CLAIM_OURS;
    if (slice_eq(word, SLICE(CLAIM_INHERITED)))
        return CATALOG_CLAIM_INHERITED;
    return slice_eq(word, SLICE(CLAIM_IDLE)) ? CATALOG_CLAIM_IDLE
                                             : CATALOG_CLAIM_BUSY;
}

static void
on_claimed(void *context, const struct store_result *result)
{
    struct catalog_store *store = context;
    struct catalog_claim *claim = &store->claim;

    CHECK_OBJ(store, CATALOG_STORE_MAGIC);
    *claim = (struct catalog_claim){.outcome = outcome_of(result), .age = -1};
    if (claim->outcome == CATALOG_CLAIM_AWAY) {
        log_event(LOG_WARN, "catalog-not-claimed",
                  LOG_STR("why", result->message));
        end_claim(store, claim->outcome);
        return;
    }
    claim->age = rows_i64(result->rows, 0, CLAIM_AGE_MS, -1);
    claim->was_own = slice_eq(rows_text(result->rows, 0, CLAIM_LAST_BY),
                              slice_of(store->options.instance));
    (void)snprintf(claim->holder, sizeof(claim->holder), "%.*s",
                   SLICE_ARG(rows_text(result->rows, 0, CLAIM_HOLDER)));
    /* A look under way may have been asked before the claim was ours. */
    if (is_claim_waiting(store) &&
        rows_i64(result->rows, 0, CLAIM_REVISION, 0) != store->revision)
        look(store);
    else
        end_claim(store, claim->outcome);
}

void
catalog_store_claim(struct catalog_store *store, bool only_inherit,
                    catalog_claim_fn done, void *context)
{
    const char *params[] = {store->options.instance,
                            only_inherit ? "true" : "false"};

    CHECK_OBJ(store, CATALOG_STORE_MAGIC);
    CHECK(store->claimed == NULL);
    store->claim = (struct catalog_claim){.outcome = CATALOG_CLAIM_BUSY};
    store->claimed = done;
    store->claim_context = context;
    if (store_write(store->store, CATALOG_CLAIM, params, on_claimed, store) !=
        STATUS_OK)
        end_claim(store, CATALOG_CLAIM_AWAY);
}

void
catalog_store_release(struct catalog_store *store)
{
    static const char *const none[1];
    enum status status =
        store_write(store->store, CATALOG_RELEASE, none, NULL, NULL);

    (void)status; /* without a connection there is no claim either */
}

/* --- other calls --- */

static struct asked *
asked_new(struct catalog_store *store, void *context)
{
    struct asked *asked = calloc(1, sizeof(*asked));

    CHECK_OBJ(store, CATALOG_STORE_MAGIC);
    CHECK(asked != NULL);
    asked->store = store;
    asked->context = context;
    return asked;
}

static void
on_published(void *context, const struct store_result *result)
{
    struct asked *asked = context;

    if (result->status != STATUS_OK) {
        answer(asked, result->status, result->message);
        return;
    }
    if (rows_null(result->rows, 0, 0)) {
        answer(asked, STATUS_FAILED_PRECONDITION,
               "another ingestd fetches by now");
        return;
    }
    /* Not when another change came in between, which has to be looked at. */
    if (rows_i64(result->rows, 0, 0, 0) == asked->store->revision + 1)
        asked->store->revision++;
    answer(asked, STATUS_OK, "");
}

void
catalog_store_publish(struct catalog_store *store,
                      const struct catalog_publication *publication,
                      catalog_done_fn done, void *context)
{
    struct asked *asked = asked_new(store, context);
    char version[NUMBER_MAX], models[NUMBER_MAX];
    struct buf bytes, report;
    enum status status = STATUS_RESOURCE_EXHAUSTED;

    asked->done = done;
    (void)snprintf(version, sizeof(version), "%016llx",
                   (unsigned long long)publication->version);
    (void)snprintf(models, sizeof(models), "%zu", publication->models);
    buf_init(&bytes, HEX_MAX);
    buf_init(&report, HEX_MAX);
    put_hex(&bytes, publication->bytes);
    put_hex(&report, publication->report);
    if (buf_ok(&bytes) && buf_ok(&report)) {
        const char *params[] = {store->options.instance,
                                version,
                                models,
                                publication->sources,
                                buf_text(&bytes),
                                publication->report.len > 0 ? buf_text(&report)
                                                            : NULL};

        status = store_write(store->store, CATALOG_PUBLISH, params,
                             on_published, asked);
    }
    buf_fini(&bytes);
    buf_fini(&report);
    if (status != STATUS_OK)
        answer(asked, status, "the database is away");
}

/* A notice is for other sessions: what this one pinned it looks at itself, and
 * answers when it has seen it. */
static void
on_pinned(void *context, const struct store_result *result)
{
    struct asked *asked = context;
    struct catalog_store *store = asked->store;

    if (result->status != STATUS_OK) {
        answer(asked, result->status, result->message);
        return;
    }
    if (rows_null(result->rows, 0, 0)) {
        answer(asked, STATUS_NOT_FOUND, "there is no version of this number");
        return;
    }
    end_pin(store); /* another's, which this one overrules */
    store->pin = asked;
    look(store);
}

void
catalog_store_pin(struct catalog_store *store, int64_t number,
                  catalog_done_fn done, void *context)
{
    struct asked *asked = asked_new(store, context);
    char text[NUMBER_MAX];
    const char *params[] = {number != 0 ? text : NULL};

    asked->done = done;
    (void)snprintf(text, sizeof(text), "%lld", (long long)number);
    if (store_write(store->store, CATALOG_PIN, params, on_pinned, asked) !=
        STATUS_OK)
        answer(asked, STATUS_UNAVAILABLE, "the database is away");
}

static void
on_versions(void *context, const struct store_result *result)
{
    struct asked *asked = context;

    asked->rows(asked->context,
                result->status == STATUS_OK ? result->rows : NULL,
                result->message);
    free(asked);
}

void
catalog_store_versions(struct catalog_store *store, unsigned count,
                       catalog_rows_fn done, void *context)
{
    struct asked *asked = asked_new(store, context);
    char text[NUMBER_MAX];
    const char *params[] = {text};

    asked->rows = done;
    (void)snprintf(text, sizeof(text), "%u", count);
    if (store_read(store->store, CATALOG_VERSIONS, params, on_versions,
                   asked) == STATUS_OK)
        return;
    done(context, NULL, "the database is away");
    free(asked);
}

/* --- life --- */

static enum status
open_store(struct catalog_store *store)
{
    const struct catalog_store_options *options = &store->options;
    struct store_options store_options = {
        .name = options->instance,
        .url = options->url,
        .home = options->home,
        .statements = catalog_statements,
        .statement_count = CATALOG_STATEMENTS,
        .channel = CATALOG_CHANNEL,
        .schema = migrate_newest(),
        .queue_max = QUEUE_MAX,
        .param_bytes = 2 * HEX_MAX,
        .statement_timeout = options->timeout,
        .ping_every = options->ping_every,
        .backoff_max = options->backoff_max,
        .up = on_up,
        .down = on_down,
        .notified = on_notice,
        .context = store,
        .metrics = options->metrics,
    };

    return store_new(options->loop, &store_options, &store->store);
}

enum status
catalog_store_new(const struct catalog_store_options *options,
                  struct catalog_store **ret_store)
{
    struct catalog_store *store = calloc(1, sizeof(*store));
    enum status status;

    if (store == NULL)
        return STATUS_RESOURCE_EXHAUSTED;
    store->magic = CATALOG_STORE_MAGIC;
    store->options = *options;
    store->revision = -1;
    status = loop_timer_new(options->loop, on_timer, store, &store->timer);
    if (status == STATUS_OK)
        status = open_store(store);
    if (status != STATUS_OK) {
        catalog_store_free(&store);
        return status;
    }
    loop_timer_start(store->timer, options->look_every);
    *ret_store = store;
    return STATUS_OK;
}

void
catalog_store_free(struct catalog_store **store)
{
    struct catalog_store *self = *store;

    if (self == NULL)
        return;
    store_free(&self->store);
    free(self->pin); /* its call ended with the server */
    loop_timer_free(&self->timer);
    self->magic = 0;
    free(self);
    *store = NULL;
}

bool
catalog_store_is_up(const struct catalog_store *store)
{
    return store_is_up(store->store);
}
