/* Runs `<daemon> --config-show` and reads its paragraphs: comment lines, then
 * `key = value` (or `# key = (set)` for a secret), then an empty line. */
#include "services/cli/daemon_config.h"

#include "core/base/arena.h"
#include "core/base/map.h"
#include "services/local/child.h"
#include "services/store/database_url.h"

#include <stdio.h>
#include <string.h>

#define ASK_TIMEOUT_MS 10000
#define SHOWN_MAX (256u << 10)
#define KEYS_ARENA (1u << 20)

enum status
daemon_config_ask(const struct command_line *line, const char *process,
                  struct buf *out)
{
    char name[HOME_INSTANCE_MAX + 16];
    char program[HOME_PATH_MAX];
    int exit_status = 0;
    (void)snprintf(name, sizeof(name), "smart-spawn-%s", process);
    enum status status = home_join(line->programs, name, program);
    if (status != STATUS_OK)
        return status;
    const char *const argv[] = {program, "--home", line->home, "--config-show",
                                NULL};
    struct child_options options = {
        .argv = argv, .output = out, .timeout = ASK_TIMEOUT_MS};
    status = child_run(&options, &exit_status);
    if (status != STATUS_OK || exit_status == 0)
        return status;
    return exit_status == COMMAND_USAGE ? STATUS_INVALID_ARGUMENT
                                        : STATUS_UNAVAILABLE;
}

enum status
daemon_config_check(const struct command_line *line)
{
    char instance[HOME_INSTANCE_MAX];
    char last[HOME_INSTANCE_MAX] = "";
    const char *process;
    enum status status = STATUS_OK;
    for (size_t i = 0;
         status == STATUS_OK && home_instance(i, instance, &process); i++) {
        if (strcmp(last, process) == 0)
            continue;
        (void)snprintf(last, sizeof(last), "%s", process);
        struct buf shown;
        buf_init(&shown, SHOWN_MAX);
        status = daemon_config_ask(line, process, &shown);
        if (status == STATUS_NOT_FOUND)
            command_say("%s/smart-spawn-%s is missing: build it first (./dev "
                        "build)",
                        line->programs, process);
        else if (status != STATUS_OK)
            command_say("%s", buf_text(&shown));
        buf_fini(&shown);
    }
    return status;
}

/* The next paragraph of a shown configuration and the key it is about. */
static bool
next_paragraph(struct slice *rest, struct slice *ret_text,
               struct slice *ret_key)
{
    struct slice whole = *rest;
    struct slice line;
    struct slice key = {NULL, 0};
    while (rest->ptr != NULL && slice_split(rest, '\n', &line)) {
        if (line.len == 0)
            break;
        if (slice_starts(line, SLICE("# ")))
            line = slice_cut(line, 2, line.len);
        ptrdiff_t equals = slice_find(line, SLICE(" ="));
        if (equals > 0)
            key = slice_cut(line, 0, (size_t)equals);
    }
    size_t used =
        rest->ptr != NULL ? (size_t)(rest->ptr - whole.ptr) : whole.len;
    *ret_text = slice_cut(whole, 0, used);
    *ret_key = key;
    return used > 0;
}

struct slice
daemon_config_value(struct slice shown, const char *key)
{
    struct slice line;
    while (shown.ptr != NULL && slice_split(&shown, '\n', &line)) {
        ptrdiff_t equals = slice_find(line, SLICE(" ="));
        if (equals > 0 &&
            slice_eq(slice_cut(line, 0, (size_t)equals), slice_of(key)))
            return slice_trim(slice_cut(line, (size_t)equals + 2, line.len));
    }
    return (struct slice){NULL, 0};
}

/* Print the paragraphs whose keys were not printed yet. */
static void
print_new(struct slice shown, struct map *seen)
{
    struct slice text;
    struct slice key;
    while (shown.ptr != NULL && next_paragraph(&shown, &text, &key)) {
        if (key.len > 0 && map_add(seen, key, 1) == STATUS_OK)
            printf("%.*s", SLICE_ARG(text));
    }
}

static bool
print_daemons(const struct command_line *line, struct map *seen)
{
    char instance[HOME_INSTANCE_MAX];
    const char *process;
    bool fine = true;
    for (size_t i = 0; home_instance(i, instance, &process); i++) {
        struct buf shown;
        buf_init(&shown, SHOWN_MAX);
        enum status status = daemon_config_ask(line, process, &shown);
        if (status == STATUS_OK)
            print_new(buf_slice(&shown), seen);
        else if (status != STATUS_NOT_FOUND)
            command_say("%s", buf_text(&shown));
        fine = fine && (status == STATUS_OK || status == STATUS_NOT_FOUND);
        buf_fini(&shown);
    }
    return fine;
}

/* A key of the file that no process knows is a slip of the pen. */
static void
warn_unknown(const struct command_line *line, const struct map *seen)
{
    for (size_t i = 0; i < config_unknown_count(line->config); i++) {
        const char *nearest;
        const char *name = config_unknown(line->config, i, &nearest);
        uint32_t found;
        if (map_find(seen, slice_of(name), &found))
            continue;
        if (nearest != NULL)
            command_say("the file sets %s, which nobody knows; did you mean "
                        "%s?",
                        name, nearest);
        else
            command_say("the file sets %s, which nobody knows", name);
    }
}

/* The text of a key as the daemons have it; an empty slice when none knows
 * it. `shown` must outlive it. */
static struct slice
find_value(const struct command_line *line, const char *key, struct buf *shown)
{
    char instance[HOME_INSTANCE_MAX];
    const char *process;
    struct slice value;
    config_show(line->config, shown);
    value = daemon_config_value(buf_slice(shown), key);
    for (size_t i = 0;
         value.ptr == NULL && home_instance(i, instance, &process); i++) {
        buf_reset(shown);
        if (daemon_config_ask(line, process, shown) == STATUS_OK)
            value = daemon_config_value(buf_slice(shown), key);
    }
    return value;
}

/* One value as in force, for scripts: the home and the database's address are
 * found the way the daemons find them. */
static int
print_value(const struct command_line *line, const char *key)
{
    char url[DATABASE_URL_MAX];
    struct buf shown;
    if (strcmp(key, "home") == 0) {
        puts(line->home);
        return COMMAND_OK;
    }
    if (strcmp(key, "database.url") == 0) {
        if (database_url_find(config_text(line->config, key), line->home,
                              url) != STATUS_OK) {
            command_say_no_stack(line);
            return COMMAND_UNAVAILABLE;
        }
        puts(url);
        return COMMAND_OK;
    }
    buf_init(&shown, SHOWN_MAX);
    struct slice value = find_value(line, key, &shown);
    if (value.ptr != NULL)
        printf("%.*s\n", SLICE_ARG(value));
    else
        command_say("no process has a key %s; smart-spawn config lists them",
                    key);
    buf_fini(&shown);
    return value.ptr != NULL ? COMMAND_OK : COMMAND_USAGE;
}

int
daemon_config_run(struct command_line *line)
{
    (void)command_switch(line, "--show");
    if (line->count == 1)
        return print_value(line, line->arguments[0]);
    if (!command_no_more(line))
        return COMMAND_USAGE;
    struct arena *arena = arena_new(KEYS_ARENA);
    struct map *seen = arena != NULL ? map_new(arena, 64) : NULL;
    struct buf own;
    if (seen == NULL)
        return COMMAND_UNAVAILABLE;
    buf_init(&own, SHOWN_MAX);
    config_show(line->config, &own);
    print_new(buf_slice(&own), seen);
    bool fine = print_daemons(line, seen);
    warn_unknown(line, seen);
    buf_fini(&own);
    arena_free(&arena);
    return fine ? COMMAND_OK : COMMAND_USAGE;
}
