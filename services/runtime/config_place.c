/* The three places values come from: flags, environment, file.
 *
 * Each reader walks its place once, hands texts to config_set and words the
 * error when one is refused. Text is quoted in an error only when it is
 * printable and not a secret's. */
#include "services/runtime/config_value.h"

#include "core/base/check.h"
#include "core/base/text.h"
#include "services/runtime/home.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_NAME "smart-spawn.conf"
#define FILE_VARIABLE "SMART_SPAWN_CONFIG"
#define FILE_FLAG "--config"
#define QUOTED_MAX 60     /* bytes of a refused value that are shown */
#define SHOWN_PATH_MAX 80 /* bytes of a path's end that are shown */

static void say(char *ret_error, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void
say(char *ret_error, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(ret_error, CONFIG_ERROR_MAX, format, arguments);
    va_end(arguments);
}

/* Why a text was refused at a place: "<where>: <key> must be … (it is "x")". */
static void
say_refused(char *ret_error, const char *where, const struct config_key *key,
            struct slice text)
{
    int64_t number;
    char rule[CONFIG_RULE_MAX] = "is wrong";
    enum status status = config_parse(key, text, &number, rule);
    CHECK(status != STATUS_OK);
    bool show = !config_is_secret(key->type) && text.len <= QUOTED_MAX &&
                text_is_utf8(text) && !text_has_control(text, "");
    if (show)
        say(ret_error, "%s: %s %s (it is \"%.*s\")", where, key->name, rule,
            SLICE_ARG(text));
    else
        say(ret_error, "%s: %s %s", where, key->name, rule);
}

void
config_variable(const struct config_key *key, char *out)
{
    size_t len = strlen(CONFIG_VARIABLE_PREFIX);
    CHECK(strlen(key->name) < CONFIG_NAME_MAX);
    memcpy(out, CONFIG_VARIABLE_PREFIX, len);
    for (const char *c = key->name; *c != '\0'; c++) {
        out[len] = *c;
        if (*c == '.')
            out[len] = '_';
        else if (*c >= 'a' && *c <= 'z')
            out[len] = (char)(*c - 'a' + 'A');
        len++;
    }
    out[len] = '\0';
}

void
config_flag_name(const struct config_key *key, char *out)
{
    size_t len = 2;
    CHECK(strlen(key->name) < CONFIG_NAME_MAX);
    memcpy(out, "--", len);
    for (const char *c = key->name; *c != '\0'; c++) {
        out[len] = *c;
        if (*c == '.' || *c == '_')
            out[len] = '-';
        len++;
    }
    out[len] = '\0';
}

static size_t
min3(size_t a, size_t b, size_t c)
{
    size_t least = a < b ? a : b;
    return least < c ? least : c;
}

/* Levenshtein's distance, one row at a time. */
size_t
config_distance(struct slice a, struct slice b)
{
    size_t row[CONFIG_NAME_MAX + 1];
    if (a.len > CONFIG_NAME_MAX || b.len > CONFIG_NAME_MAX)
        return SIZE_MAX;
    for (size_t k = 0; k <= b.len; k++)
        row[k] = k;
    for (size_t i = 1; i <= a.len; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t k = 1; k <= b.len; k++) {
            bool same = config_same_name(slice_cut(a, i - 1, i),
                                         slice_cut(b, k - 1, k));
            size_t cost = diagonal + (same ? 0 : 1);
            diagonal = row[k];
            row[k] = min3(row[k] + 1, row[k - 1] + 1, cost);
        }
    }
    return row[b.len];
}

const char *
config_nearest(const struct config *config, struct slice name)
{
    const char *best = NULL;
    size_t best_edits = CONFIG_NEAR + 1;
    for (size_t i = 0; i < config->value_count; i++) {
        struct slice candidate = slice_of(config->values[i].key->name);
        /* As many letters are missing in one of them at least. */
        if (candidate.len + best_edits <= name.len ||
            name.len + best_edits <= candidate.len)
            continue;
        size_t distance = config_distance(name, candidate);
        if (distance < best_edits) {
            best = candidate.ptr;
            best_edits = distance;
        }
    }
    return best;
}

/* --- flags --- */

struct flag_reader {
    struct config *config;
    const struct config_input *input;
    char *ret_error;
    int at; /* in argv */
};

static enum status
say_unknown_flag(struct flag_reader *reader, struct slice name)
{
    const char *nearest = config_nearest(reader->config, name);
    int shown = name.len > QUOTED_MAX ? QUOTED_MAX : (int)name.len;
    if (nearest != NULL) {
        char flag[CONFIG_PLACE_NAME_MAX];
        struct config_value *meant =
            config_find(reader->config, slice_of(nearest), true);
        config_flag_name(meant->key, flag);
        say(reader->ret_error, "unknown flag --%.*s; did you mean %s?", shown,
            name.ptr, flag);
    } else {
        say(reader->ret_error, "unknown flag --%.*s; --help lists them", shown,
            name.ptr);
    }
    return STATUS_INVALID_ARGUMENT;
}

/* The text after '=', or the next argument. */
static bool
take_value(struct flag_reader *reader, struct slice after,
           struct slice *ret_text)
{
    if (after.ptr != NULL) {
        *ret_text = after;
        return true;
    }
    if (reader->at + 1 >= reader->input->argc)
        return false;
    *ret_text = slice_of(reader->input->argv[++reader->at]);
    return true;
}

static enum status
read_flag(struct flag_reader *reader, struct slice name, struct slice after)
{
    struct slice text;
    struct config_value *value = config_find(reader->config, name, false);
    if (value == NULL && !slice_eq(name, SLICE("config")))
        return STATUS_NOT_FOUND;
    if (value != NULL && value->key->type == CONFIG_BOOL && after.ptr == NULL) {
        text = SLICE("yes");
    } else if (!take_value(reader, after, &text)) {
        say(reader->ret_error, "flag --%.*s needs a value", SLICE_ARG(name));
        return STATUS_INVALID_ARGUMENT;
    }
    if (value == NULL) {
        reader->config->file = text.ptr; /* ends with its argument */
        return STATUS_OK;
    }
    if (config_set(value, text, CONFIG_PLACE_FLAG) == STATUS_OK)
        return STATUS_OK;
    char flag[CONFIG_PLACE_NAME_MAX];
    char where[CONFIG_PLACE_NAME_MAX + 8];
    config_flag_name(value->key, flag);
    (void)snprintf(where, sizeof(where), "flag %s", flag);
    say_refused(reader->ret_error, where, value->key, text);
    return STATUS_INVALID_ARGUMENT;
}

static void
leave(struct config *config, const char *argument)
{
    config->rest[config->rest_count++] = argument;
}

static enum status
read_argument(struct flag_reader *reader)
{
    const char *argument = reader->input->argv[reader->at];
    struct slice text = slice_of(argument);
    if (!slice_starts(text, SLICE("-")) || text.len == 1) {
        leave(reader->config, argument);
        return STATUS_OK;
    }
    struct slice name = slice_cut(text, 2, text.len);
    struct slice after = {NULL, 0};
    ptrdiff_t equals = slice_find(name, SLICE("="));
    if (equals >= 0) {
        after = slice_cut(name, (size_t)equals + 1, name.len);
        name = slice_cut(name, 0, (size_t)equals);
    }
    enum status status = slice_starts(text, SLICE("--"))
                             ? read_flag(reader, name, after)
                             : STATUS_NOT_FOUND;
    if (status != STATUS_NOT_FOUND)
        return status;
    if (reader->input->leave_unknown_flags) {
        leave(reader->config, argument);
        return STATUS_OK;
    }
    if (slice_starts(text, SLICE("--")))
        return say_unknown_flag(reader, name);
    say(reader->ret_error, "unknown flag %.*s; --help lists them", QUOTED_MAX,
        argument);
    return STATUS_INVALID_ARGUMENT;
}

enum status
config_read_flags(struct config *config, const struct config_input *input,
                  char *ret_error)
{
    struct flag_reader reader = {.config = config, .input = input, .at = 1};
    reader.ret_error = ret_error;
    size_t room = input->argc > 0 ? (size_t)input->argc : 1;
    config->rest = calloc(room, sizeof(*config->rest));
    CHECK(config->rest != NULL);
    for (; reader.at < input->argc; reader.at++) {
        if (strcmp(input->argv[reader.at], "--") == 0)
            break;
        enum status status = read_argument(&reader);
        if (status != STATUS_OK)
            return status;
    }
    /* Who reads the unknown flags needs to see where they end. */
    if (!input->leave_unknown_flags)
        reader.at++;
    for (; reader.at < input->argc; reader.at++)
        leave(config, input->argv[reader.at]);
    return STATUS_OK;
}

/* --- environment --- */

/* NULL for a variable that is not there or empty. */
static const char *
find_variable(char *const *environment, const char *name)
{
    size_t len = strlen(name);
    for (; environment != NULL && *environment != NULL; environment++) {
        if (strncmp(*environment, name, len) == 0 && (*environment)[len] == '=')
            return (*environment)[len + 1] != '\0' ? *environment + len + 1
                                                   : NULL;
    }
    return NULL;
}

enum status
config_read_environment(struct config *config, const struct config_input *input,
                        char *ret_error)
{
    for (size_t i = 0; i < config->value_count; i++) {
        struct config_value *value = &config->values[i];
        char own[CONFIG_PLACE_NAME_MAX];
        config_variable(value->key, own);
        const char *name = own;
        const char *text = find_variable(input->environment, own);
        if (text == NULL && value->key->alias != NULL) {
            name = value->key->alias;
            text = find_variable(input->environment, name);
        }
        if (text == NULL || config_set(value, slice_of(text),
                                       CONFIG_PLACE_ENVIRONMENT) == STATUS_OK)
            continue;
        char where[CONFIG_PLACE_NAME_MAX + 16];
        (void)snprintf(where, sizeof(where), "environment %s", name);
        say_refused(ret_error, where, value->key, slice_of(text));
        return STATUS_INVALID_ARGUMENT;
    }
    return STATUS_OK;
}

/* --- file --- */

struct file_reader {
    struct config *config;
    const char *shown; /* the end of the path */
    unsigned line;
    char *ret_error;
};

static bool
is_name(struct slice name)
{
    if (name.len == 0 || name.len >= CONFIG_NAME_MAX)
        return false;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        bool fine = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                    c == '_' || c == '.';
        if (!fine)
            return false;
    }
    return true;
}

static enum status
keep_unknown(struct file_reader *reader, struct slice name)
{
    struct config *config = reader->config;
    if (config->unknown_count == CONFIG_UNKNOWN_MAX) {
        say(reader->ret_error, "%s:%u: more than %d unknown keys",
            reader->shown, reader->line, CONFIG_UNKNOWN_MAX);
        return STATUS_RESOURCE_EXHAUSTED;
    }
    struct config_unknown *unknown = &config->unknown[config->unknown_count++];
    unknown->name = strndup(name.ptr, name.len);
    CHECK(unknown->name != NULL);
    unknown->nearest = config_nearest(config, name);
    return STATUS_OK;
}

bool
config_is_of_file(const struct config_key *key)
{
    return strcmp(key->name, "home") != 0;
}

static enum status
read_pair(struct file_reader *reader, struct slice name, struct slice text)
{
    struct config_value *value = config_find(reader->config, name, true);
    if (value == NULL)
        return keep_unknown(reader, name);
    if (!config_is_of_file(value->key)) {
        say(reader->ret_error,
            "%s:%u: the file cannot set home, which it is found through; use "
            "SMART_SPAWN_HOME or --home",
            reader->shown, reader->line);
        return STATUS_INVALID_ARGUMENT;
    }
    if (value->line != 0) {
        say(reader->ret_error, "%s:%u: %s is set twice, first on line %u",
            reader->shown, reader->line, value->key->name, value->line);
        return STATUS_INVALID_ARGUMENT;
    }
    value->line = reader->line;
    if (config_set(value, text, CONFIG_PLACE_FILE) == STATUS_OK)
        return STATUS_OK;
    char where[SHOWN_PATH_MAX + 32];
    (void)snprintf(where, sizeof(where), "%s:%u", reader->shown, reader->line);
    say_refused(reader->ret_error, where, value->key, text);
    return STATUS_INVALID_ARGUMENT;
}

static enum status
read_line(struct file_reader *reader, struct slice line)
{
    line = slice_trim(line);
    if (line.len == 0 || line.ptr[0] == '#')
        return STATUS_OK;
    ptrdiff_t equals = slice_find(line, SLICE("="));
    struct slice name =
        slice_trim(slice_cut(line, 0, equals < 0 ? 0 : (size_t)equals));
    if (equals < 0 || !is_name(name)) {
        say(reader->ret_error, "%s:%u: must be a line `section.key = value`",
            reader->shown, reader->line);
        return STATUS_INVALID_ARGUMENT;
    }
    struct slice text =
        slice_trim(slice_cut(line, (size_t)equals + 1, line.len));
    if (text.len >= 2 && text.ptr[0] == '"' && text.ptr[text.len - 1] == '"')
        text = slice_cut(text, 1, text.len - 1);
    return read_pair(reader, name, text);
}

/* The end of a long path says more than its beginning. */
static const char *
path_end(const char *path)
{
    size_t len = strlen(path);
    return len > SHOWN_PATH_MAX ? path + len - SHOWN_PATH_MAX : path;
}

static enum status
read_lines(struct config *config, const char *shown, struct slice rest,
           char *ret_error)
{
    struct file_reader reader = {.config = config, .shown = shown};
    enum status status = STATUS_OK;
    struct slice line;
    reader.ret_error = ret_error;
    while (status == STATUS_OK && slice_split(&rest, '\n', &line)) {
        reader.line++;
        status = read_line(&reader, line);
    }
    return status;
}

static enum status
read_file(struct config *config, const char *path, char *ret_error)
{
    char *bytes;
    size_t len;
    enum status status = home_read_file(path, CONFIG_FILE_MAX, &bytes, &len);
    if (status != STATUS_OK) {
        say(ret_error, "cannot read configuration file %s: %s%s",
            path_end(path), status_text(status),
            status == STATUS_RESOURCE_EXHAUSTED ? " (at most 256 KiB)" : "");
        return status;
    }
    status =
        read_lines(config, path_end(path), slice_make(bytes, len), ret_error);
    free(bytes);
    return status;
}

enum status
config_read_file(struct config *config, const struct config_input *input,
                 char *ret_error)
{
    if (config->file == NULL)
        config->file = find_variable(input->environment, FILE_VARIABLE);
    if (input->file.ptr != NULL)
        return read_lines(config, FILE_NAME, input->file, ret_error);
    if (config->file != NULL)
        return read_file(config, config->file, ret_error);
    struct config_value *home = config_find(config, SLICE("home"), true);
    char path[HOME_PATH_MAX];
    if (home == NULL || home_find(home->text, path) != STATUS_OK ||
        home_join(path, FILE_NAME, path) != STATUS_OK)
        return STATUS_OK; /* a bad home is told by whoever uses it */
    enum status status = read_file(config, path, ret_error);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}
