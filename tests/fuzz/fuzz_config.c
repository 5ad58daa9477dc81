/* Any bytes as flags, environment and configuration file: values within their
 * bounds or an error text; what is shown of a configuration reads back, and a
 * value means the same wherever it stands.
 * links: services_runtime
 * options: -max_len=512
 * The first line is the flags, split at blanks ("~" first: unknown ones are
 * left over); the second the environment, split at ";"; the rest the file. */
#include "services/runtime/config.h"
#include "tests/fuzz/fuzz.h"

#define WORDS_MAX 12
#define SHOWN_MAX (1 << 16)

static const struct config_key keys[] = {
    CONFIG_ROW("home", TEXT, "", 0, 60, "folder", "Where.", NULL) CONFIG_ROW(
        "test.text", TEXT, "", 0, 20, "", "A text.", "TEXT")
        CONFIG_ROW("test.long_name", TEXT, "abc", 1, 40, "", "A text.", NULL)
            CONFIG_ROW("test.secret", SECRET, "", 0, 16, "", "A secret.",
                       NULL) CONFIG_ROW("test.port", INT, "3000", 1, 65535,
                                        "port", "A number.", "PORT")
                CONFIG_ROW("test.on", BOOL, "no", 0, 1, "", "Yes or no.", NULL)
                    CONFIG_ROW("test.wait", DURATION, "1s", 0, 600000, "ms",
                               "A time.", NULL)
                        CONFIG_ROW("test.room", SIZE, "1MiB", 0, 1 << 30,
                                   "bytes", "A size.", NULL)
                            CONFIG_ROW("test.at", ADDRESSES, "::1", 1, 3, "",
                                       "Addresses.", NULL)
                                CONFIG_ROW("test.from", NETWORKS, "", 0, 3, "",
                                           "Networks.", NULL)};

static enum status
load(struct config_input *input, struct config **ret_config)
{
    static const struct config_key *const tables[] = {keys};
    static const size_t count = ARRAY_LEN(keys);
    char error[CONFIG_ERROR_MAX];
    input->tables = tables;
    input->table_counts = &count;
    input->table_count = 1;
    memset(error, '\0', sizeof error);
    enum status status = config_load(input, error, ret_config);
    CHECK(memchr(error, '\0', sizeof error) != NULL);
    CHECK((status == STATUS_OK) == (error[0] == '\0'));
    return status;
}

/* A part with a '.' or a ':' is one: nothing else may be taken. */
static int64_t
count_addresses(const char *text)
{
    int64_t count = 0;
    for (size_t len; *text != '\0'; text += len + (text[len] == ',')) {
        len = strcspn(text, ",");
        count += strcspn(text, ".:") < len;
    }
    return count;
}

static int64_t
number_of(const struct config *config, const struct config_key *key)
{
    switch (key->type) {
    case CONFIG_TEXT:
    case CONFIG_SECRET:
    case CONFIG_SECRET_HEX:
    case CONFIG_URL:
    case CONFIG_ENDPOINTS:
        return (int64_t)strlen(config_text(config, key->name));
    case CONFIG_INT:
        return config_int(config, key->name);
    case CONFIG_BOOL:
        return config_bool(config, key->name);
    case CONFIG_DURATION:
        return config_duration_ms(config, key->name);
    case CONFIG_SIZE:
        return config_size(config, key->name);
    case CONFIG_ADDRESSES:
    case CONFIG_NETWORKS:
        return count_addresses(config_text(config, key->name));
    }
    return 0;
}

static bool
same_value(const struct config *a, const struct config *b,
           const struct config_key *key)
{
    bool is_text = key->type != CONFIG_INT && key->type != CONFIG_BOOL &&
                   key->type != CONFIG_DURATION && key->type != CONFIG_SIZE;
    return number_of(a, key) == number_of(b, key) &&
           (!is_text ||
            strcmp(config_text(a, key->name), config_text(b, key->name)) == 0);
}

/* What is shown is a file that says the same, but for home and secrets. */
static void
check_shown(const struct config *config)
{
    char *none[] = {NULL};
    struct config *again = NULL;
    struct buf shown;
    buf_init(&shown, SHOWN_MAX);
    config_show(config, &shown);
    CHECK(buf_ok(&shown));
    struct config_input input = {.environment = none,
                                 .file = buf_slice(&shown)};
    CHECK(load(&input, &again) == STATUS_OK);
    CHECK(config_unknown_count(again) == 0);
    for (size_t i = 1; i < ARRAY_LEN(keys); i++)
        CHECK(keys[i].type == CONFIG_SECRET ||
              same_value(config, again, &keys[i]));
    config_free(&again);
    buf_fini(&shown);
}

/* The same text as a flag or in the environment, where empty is unset. */
static void
check_place(const struct config *config, const struct config_key *key,
            bool as_flag)
{
    static char program[] = "fuzz";
    char variable[CONFIG_VARIABLE_MAX];
    struct buf setting;
    struct config *again = NULL;
    buf_init(&setting, SHOWN_MAX);
    config_variable(key, variable);
    buf_putf(&setting, "%s%s=", as_flag ? "--" : "",
             as_flag ? key->name : variable);
    size_t empty = setting.len;
    config_value_text(config, key->name, &setting);
    char *argv[] = {program, setting.data};
    char *environment[] = {setting.data, NULL};
    struct config_input input = {.environment = environment + as_flag,
                                 .argc = as_flag ? 2 : 0,
                                 .argv = argv,
                                 .file = SLICE("")};
    CHECK(load(&input, &again) == STATUS_OK);
    if (as_flag || setting.len > empty) {
        CHECK(same_value(config, again, key));
        CHECK(strcmp(config_origin(again, key->name),
                     as_flag ? "flag" : "environment") == 0);
    }
    config_free(&again);
    buf_fini(&setting);
}

static void
check_config(const struct config *config, size_t chosen)
{
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        int64_t number = number_of(config, &keys[i]);
        CHECK(number >= keys[i].lowest && number <= keys[i].highest);
    }
    for (size_t i = 0; i < config_unknown_count(config); i++) {
        const char *nearest;
        const char *name = config_unknown(config, i, &nearest);
        CHECK(name[0] != '\0');
        CHECK(nearest == NULL ||
              config_distance(slice_of(name), slice_of(nearest)) <=
                  CONFIG_NEAR);
    }
    if (chosen % 3 == 0)
        check_shown(config);
    else
        check_place(config, &keys[chosen / 3 % ARRAY_LEN(keys)],
                    chosen % 3 == 1);
}

/* A line off the front, cut into NUL-terminated words on the heap; the first
 * word is the line itself's memory. */
static size_t
take_words(struct slice *rest, char separator, char **ret_line, char **words)
{
    struct slice line = {0};
    if (!slice_split(rest, '\n', &line))
        line = SLICE("");
    *ret_line = fuzz_copy(line, true);
    size_t count = 0;
    for (char *word = *ret_line; word != NULL && count < WORDS_MAX;) {
        words[count++] = word;
        word = strchr(word, separator);
        if (word != NULL)
            *word++ = '\0';
    }
    return count;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char program[] = "fuzz";
    struct slice rest = fuzz_slice(data, size);
    char *flags, *settings, *words[1 + WORDS_MAX] = {program};
    char *environment[WORDS_MAX + 1];
    struct config *config = NULL;
    size_t count = take_words(&rest, ' ', &flags, words + 1);
    size_t variables = take_words(&rest, ';', &settings, environment);
    environment[variables] = NULL;
    bool leaves = strcmp(words[1], "~") == 0;
    size_t first = leaves || words[1][0] == '\0' ? 1 : 0;
    words[first] = program;
    struct config_input input = {.environment = environment,
                                 .argc = (int)(count + 1 - first),
                                 .argv = words + first,
                                 .leave_unknown_flags = leaves,
                                 .file = rest.ptr ? rest : SLICE("")};
    if (load(&input, &config) == STATUS_OK) {
        CHECK(config_rest_count(config) <= count);
        check_config(config, size);
    } else {
        CHECK(config == NULL);
    }
    config_free(&config);
    free(flags);
    free(settings);
    return 0;
}
