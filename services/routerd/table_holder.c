/* The newest table: a snapshot follower with the table codec behind it. */
#include "services/routerd/table_holder.h"

#include "core/base/check.h"
#include "proto/table_codec.h"
#include "services/runtime/home.h"
#include "services/runtime/log.h"

#include <stdio.h>
#include <stdlib.h>

#define TABLE_HOLDER_MAGIC 0x7ab1e401u

struct table_holder {
    unsigned magic;
    struct score_table *table; /* owned; NULL until the first */
    struct snapshot_follower *follower;
    loop_fn changed;
    void *context;
    char disk_path[HOME_PATH_MAX];
};

static enum status
on_whole(void *context, struct slice bytes, uint64_t wanted, uint64_t *ret_hash)
{
    struct table_holder *holder = context;
    struct score_table *table = NULL;

    CHECK_OBJ(holder, TABLE_HOLDER_MAGIC);
    enum status status = table_decode(bytes, &table);
    if (status != STATUS_OK)
        return status;
    *ret_hash = score_table_snapshot_hash(table);
    if (*ret_hash != wanted) {
        score_table_free(&table);
        return STATUS_OK;
    }
    score_table_free(&holder->table);
    holder->table = table;
    return STATUS_OK;
}

static enum status
on_delta(void *context, struct slice bytes, uint64_t *ret_hash)
{
    struct table_holder *holder = context;

    CHECK_OBJ(holder, TABLE_HOLDER_MAGIC);
    if (holder->table == NULL)
        return STATUS_FAILED_PRECONDITION;
    enum status status = table_delta_apply(holder->table, bytes);
    if (status == STATUS_OK)
        *ret_hash = score_table_snapshot_hash(holder->table);
    return status;
}

static enum status
on_encode(void *context, struct buf *out)
{
    struct table_holder *holder = context;

    CHECK_OBJ(holder, TABLE_HOLDER_MAGIC);
    if (holder->table == NULL)
        return STATUS_FAILED_PRECONDITION;
    return table_encode(holder->table, out);
}

static void
on_changed(void *context)
{
    struct table_holder *holder = context;

    CHECK_OBJ(holder, TABLE_HOLDER_MAGIC);
    if (holder->table != NULL)
        log_event(LOG_DEBUG, "table",
                  LOG_HEX("version", holder->table->version),
                  LOG_U64("models", holder->table->catalog->count),
                  LOG_U64("personal", holder->table->personal_count));
    holder->changed(holder->context);
}

/* <home>/snapshots/table-<instance>.snap, with its folder made. */
static enum status
find_disk_path(struct table_holder *holder,
               const struct table_holder_options *options)
{
    char *path = holder->disk_path;
    size_t room = sizeof(holder->disk_path);
    int len = snprintf(path, room, "%s/snapshots", options->home);
    if (len < 0 || (size_t)len >= room)
        return STATUS_OUT_OF_RANGE;
    enum status status = home_make_folder(path);
    if (status != STATUS_OK)
        return status;
    len = snprintf(path, room, "%s/snapshots/table-%s.snap", options->home,
                   options->instance);
    return len < 0 || (size_t)len >= room ? STATUS_OUT_OF_RANGE : STATUS_OK;
}

enum status
table_holder_new(const struct table_holder_options *options,
                 struct table_holder **ret_holder)
{
    struct table_holder *holder = calloc(1, sizeof(*holder));
    if (holder == NULL)
        return STATUS_RESOURCE_EXHAUSTED;
    holder->magic = TABLE_HOLDER_MAGIC;
    holder->changed = options->changed;
    holder->context = options->context;

    struct snapshot_follower_options follow = {.name = "table",
                                               .disk_path = holder->disk_path,
                                               .whole = on_whole,
                                               .delta = on_delta,
                                               .changed = on_changed,
                                               .encode = on_encode,
                                               .context = holder};
    enum status status = find_disk_path(holder, options);
    if (status == STATUS_OK)
        status = snapshot_follower_new(options->loop, options->scorer, &follow,
                                       &holder->follower);
    if (status != STATUS_OK) {
        table_holder_free(&holder);
        return status;
    }
    *ret_holder = holder;
    return STATUS_OK;
}

void
table_holder_free(struct table_holder **holder)
{
    if (*holder == NULL)
        return;
    CHECK_OBJ(*holder, TABLE_HOLDER_MAGIC);
    if ((*holder)->follower != NULL)
        snapshot_follower_free(&(*holder)->follower);
    score_table_free(&(*holder)->table);
    (*holder)->magic = 0;
    free(*holder);
    *holder = NULL;
}

const struct score_table *
table_holder_table(const struct table_holder *holder)
{
    CHECK_OBJ(holder, TABLE_HOLDER_MAGIC);
    return holder->table;
}

bool
table_holder_is_current(const struct table_holder *holder)
{
    CHECK_OBJ(holder, TABLE_HOLDER_MAGIC);
    return holder->follower != NULL &&
           snapshot_follower_is_current(holder->follower);
}

const struct snapshot_follower *
table_holder_follower(const struct table_holder *holder)
{
    CHECK_OBJ(holder, TABLE_HOLDER_MAGIC);
    return holder->follower;
}
