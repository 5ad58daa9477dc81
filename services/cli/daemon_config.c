/* Runs `<daemon> --config-show` and reads its paragraphs: comment lines, then
 * `key = value` (or `# key = (set)` for a secret), then an empty line. */
#include "services/cli/daemon_config.h"

#include "core/base/arena.h"
#include "core/base/map.h"
#include "core/base/text.h"
#include "services/local/child.h"
#include "services/store/database_url.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define ASK_TIMEOUT_MS 10000
#define SHOWN_MAX (256u << 10)
#define KEYS_ARENA (1u << 20)
#define KNOWN_MAX 512 /* keys of all processes */

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

/* What a daemon says of its configuration names the daemon already. */
static void
say_refusal(const struct buf *shown)
{
    (void)fprintf(stderr, "%.*s\n", SLICE_ARG(slice_trim(buf_slice(shown))));
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
        if (slice_starts(line, SLICE("# "))) /* a secret's: "(set)" */
            line = slice_cut(line, 2, line.len);
        ptrdiff_t equals = slice_find(line, SLICE(" ="));
        if (equals > 0 &&
            slice_eq(slice_cut(line, 0, (size_t)equals), slice_of(key)))
            return slice_trim(slice_cut(line, (size_t)equals + 2, line.len));
    }
    return (struct slice){NULL, 0};
}

/* Every key that is known, for finding and for guessing. */
struct known {
    struct arena *arena;
    struct map *seen;
    struct slice names[KNOWN_MAX];
};

static bool
known_open(struct known *known)
{
    known->arena = arena_new(KEYS_ARENA);
    known->seen =
        known->arena != NULL ? map_new(known->arena, KNOWN_MAX) : NULL;
    if (known->seen == NULL)
        command_say("no memory");
    return known->seen != NULL;
}

/* Take the keys of a shown configuration in; what is new is printed. */
static void
learn(struct known *known, struct slice shown, bool print)
{
    struct slice text;
    struct slice key;
    while (shown.ptr != NULL && next_paragraph(&shown, &text, &key)) {
        size_t count = map_count(known->seen);
        if (key.len == 0 || count == KNOWN_MAX ||
            map_add(known->seen, key, 1) != STATUS_OK)
            continue;
        known->names[count] = arena_slice(known->arena, key);
        if (print)
            printf("%.*s", SLICE_ARG(text));
    }
}

/* Ask each program once; the first that refuses its configuration ends it. */
static enum status
ask_all(const struct command_line *line, struct known *known, bool print)
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
        if (status == STATUS_OK)
            learn(known, buf_slice(&shown), print);
        else if (status == STATUS_NOT_FOUND)
            command_say("%s/smart-spawn-%s is missing: build it first (./dev "
                        "build)",
                        line->programs, process);
        else
            say_refusal(&shown);
        buf_fini(&shown);
    }
    return status;
}

static struct slice
nearest_of(const struct known *known, struct slice name)
{
    struct slice best = {NULL, 0};
    size_t least = CONFIG_NEAR + 1;
    for (size_t i = 0; i < map_count(known->seen); i++) {
        size_t distance = config_distance(name, known->names[i]);
        if (distance < least) {
            best = known->names[i];
            least = distance;
        }
    }
    return best;
}

/* A key of the file that no process knows is a slip of the pen. */
static void
warn_unknown(const struct command_line *line, const struct known *known)
{
    for (size_t i = 0; i < config_unknown_count(line->config); i++) {
        const char *nearest_here;
        uint32_t found;
        struct slice name =
            slice_of(config_unknown(line->config, i, &nearest_here));
        if (map_find(known->seen, name, &found))
            continue;
        struct slice nearest = nearest_of(known, name);
        if (nearest.len > 0)
            command_say("warning: the file sets %.*s, which no process knows; "
                        "did you mean %.*s?",
                        SLICE_ARG(name), SLICE_ARG(nearest));
        else
            command_say("warning: the file sets %.*s, which no process knows; "
                        "smart-spawn config lists the keys",
                        SLICE_ARG(name));
    }
}

/* A variable nearly like a key's is one, too; others with our prefix may be
 * another program's. */
static void
warn_variables(const struct known *known)
{
    for (char *const *at = environ; *at != NULL; at++) {
        struct slice name = slice_of(*at);
        ptrdiff_t equals = slice_find(name, SLICE("="));
        if (equals < 0 || !slice_starts(name, SLICE(CONFIG_VARIABLE_PREFIX)))
            continue;
        name = slice_cut(name, 0, (size_t)equals);
        struct slice key = text_lower(
            known->arena,
            slice_cut(name, strlen(CONFIG_VARIABLE_PREFIX), name.len));
        struct slice nearest = nearest_of(known, key);
        if (nearest.len == 0 || config_distance(key, nearest) == 0)
            continue;
        struct config_key meant = {.name = arena_text(known->arena, nearest)};
        char variable[CONFIG_VARIABLE_MAX];
        if (meant.name == NULL)
            return;
        config_variable(&meant, variable);
        command_say("warning: the environment sets %.*s, which no process "
                    "knows; did you mean %s?",
                    SLICE_ARG(name), variable);
    }
}

/* The keys of all, ours first; OK when every daemon agrees. What a daemon that
 * refused would know cannot be called unknown. */
static enum status
survey(const struct command_line *line, bool print)
{
    struct known known = {.arena = NULL};
    struct buf own;
    if (!known_open(&known)) {
        arena_free(&known.arena);
        return STATUS_RESOURCE_EXHAUSTED;
    }
    buf_init(&own, SHOWN_MAX);
    config_show(line->config, &own);
    learn(&known, buf_slice(&own), print);
    enum status status = ask_all(line, &known, print);
    if (status == STATUS_OK)
        warn_unknown(line, &known);
    if (status == STATUS_OK)
        warn_variables(&known);
    buf_fini(&own);
    arena_free(&known.arena);
    return status;
}

enum status
daemon_config_check(const struct command_line *line)
{
    return survey(line, false);
}

/* The text of a key as the daemons have it; an empty slice, and a word why,
 * when none knows it or one refuses its configuration. `shown` must outlive it.
 */
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
        enum status status = daemon_config_ask(line, process, shown);
        if (status == STATUS_OK)
            value = daemon_config_value(buf_slice(shown), key);
        else if (status == STATUS_INVALID_ARGUMENT) {
            say_refusal(shown);
            return value;
        }
    }
    if (value.ptr == NULL)
        command_say("no process has a key %s; smart-spawn config lists them",
                    key);
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
            command_say_no_database(line);
            return COMMAND_UNAVAILABLE;
        }
        puts(url);
        return COMMAND_OK;
    }
    buf_init(&shown, SHOWN_MAX);
    struct slice value = find_value(line, key, &shown);
    if (value.ptr != NULL)
        printf("%.*s\n", SLICE_ARG(value));
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
    enum status status = survey(line, true);
    if (status == STATUS_OK)
        return COMMAND_OK;
    return status == STATUS_INVALID_ARGUMENT ? COMMAND_USAGE
                                             : COMMAND_UNAVAILABLE;
}
