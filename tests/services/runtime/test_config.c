/* Configuration: precedence, bounds and messages as rows of
 * tests/tables/config.tsv; printing; limits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/base/check.h"
#include "core/base/slice.h"
#include "services/runtime/config.h"
#include "services/runtime/home.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WORDS_MAX 32

static const struct config_key keys[] = {
    {"test.port", CONFIG_INT, "3000", 1024, 65535, "", "A port.", "PORT"},
    {"test.long_name", CONFIG_TEXT, "", 0, 20, "", "A text.", NULL},
    {"test.secret", CONFIG_SECRET, "", 0, 20, "", "A secret.", NULL},
    {"test.seal", CONFIG_SECRET_HEX, "", 0, 6, "", "A key.", NULL},
    {"test.url", CONFIG_URL, "none", 0, 200, "", "A URL.", NULL},
    {"test.to", CONFIG_ENDPOINTS, "", 0, 200, "", "Endpoints.", NULL},
    {"test.on", CONFIG_BOOL, "no", 0, 0, "", "A switch.", NULL},
    {"test.wait", CONFIG_DURATION, "5s", 0, 600000, "ms", "A wait.", NULL},
    {"test.room", CONFIG_SIZE, "4KiB", 0, 1 << 20, "bytes", "A room.", NULL},
    {"test.at", CONFIG_ADDRESSES, "::1", 1, 3, "", "Addresses.", NULL},
    {"test.from", CONFIG_NETWORKS, "", 0, 2, "", "Networks.", NULL},
};

struct place {
    char folder[64];
    char file[96];
};

static int
open_place(void **state)
{
    struct place *place = calloc(1, sizeof(*place));
    assert_non_null(place);
    (void)snprintf(place->folder, sizeof(place->folder),
                   "/tmp/ss-config-XXXXXX");
    assert_non_null(mkdtemp(place->folder));
    (void)snprintf(place->file, sizeof(place->file), "%s/test.conf",
                   place->folder);
    *state = place;
    return 0;
}

static int
close_place(void **state)
{
    struct place *place = *state;
    (void)unlink(place->file);
    assert_int_equal(rmdir(place->folder), 0);
    free(place);
    return 0;
}

/* "a\nb\xff" as bytes. */
static size_t
unescape(struct slice text, char *out)
{
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] != '\\') {
            out[len++] = text.ptr[i];
        } else if (text.ptr[++i] == 'x') {
            char hex[3] = {text.ptr[i + 1], text.ptr[i + 2], '\0'};
            static const char digits[] = "0123456789abcdef";
            out[len++] = (char)((strchr(digits, hex[0]) - digits) * 16 +
                                (strchr(digits, hex[1]) - digits));
            i += 2;
        } else {
            out[len++] = text.ptr[i] == 'n' ? '\n' : '\r';
        }
    }
    return len;
}

/* Words of a column into argv-like pointers; "-" is none. */
static int
split_words(struct slice column, char separator, char *storage, char **words,
            int count)
{
    struct slice word;
    if (slice_eq(column, SLICE("-")))
        return count;
    while (slice_split(&column, separator, &word)) {
        CHECK(count < WORDS_MAX - 1);
        words[count++] = storage;
        memcpy(storage, word.ptr, word.len);
        storage[word.len] = '\0';
        storage += word.len + 1;
    }
    return count;
}

static enum status
load(char *const *environment, int argc, char *const *argv, char *error,
     struct config **config)
{
    const struct config_key *const tables[] = {keys};
    const size_t counts[] = {ARRAY_LEN(keys)};
    struct config_input input = {.tables = tables,
                                 .table_counts = counts,
                                 .table_count = 1,
                                 .environment = environment,
                                 .argc = argc,
                                 .argv = argv};
    return config_load(&input, error, config);
}

/* What a row promises, said by the configuration itself. */
static void
describe(const struct config *config, struct slice outcome, char *out,
         size_t size)
{
    char key[64];
    size_t len = 0;
    if (slice_starts(outcome, SLICE("rest"))) {
        len = (size_t)snprintf(out, size, "rest");
        for (size_t i = 0; i < config_rest_count(config); i++)
            len += (size_t)snprintf(out + len, size - len, " %s",
                                    config_rest(config, i));
        return;
    }
    if (slice_starts(outcome, SLICE("unknown"))) {
        const char *nearest;
        assert_int_equal(config_unknown_count(config), 1);
        const char *name = config_unknown(config, 0, &nearest);
        (void)snprintf(out, size, "unknown %s %s", name,
                       nearest != NULL ? nearest : "-");
        return;
    }
    ptrdiff_t equals = slice_find(outcome, SLICE("="));
    assert_true(equals > 0);
    (void)snprintf(key, sizeof(key), "%.*s", (int)equals, outcome.ptr);
    const char *origin = config_origin(config, key);
    if (strcmp(key, "test.port") == 0)
        (void)snprintf(out, size, "%s=%lld@%s", key,
                       (long long)config_int(config, key), origin);
    else if (strcmp(key, "test.on") == 0)
        (void)snprintf(out, size, "%s=%d@%s", key, config_bool(config, key),
                       origin);
    else if (strcmp(key, "test.wait") == 0)
        (void)snprintf(out, size, "%s=%lld@%s", key,
                       (long long)config_duration_ms(config, key), origin);
    else if (strcmp(key, "test.room") == 0)
        (void)snprintf(out, size, "%s=%lld@%s", key,
                       (long long)config_size(config, key), origin);
    else
        (void)snprintf(out, size, "%s=%s@%s", key, config_text(config, key),
                       origin);
}

/* "error words": words are in the message; a last '$' is its end. */
static bool
error_fits(const char *error, struct slice outcome)
{
    struct slice said = slice_of(error);
    struct slice want = slice_cut(outcome, strlen("error "), outcome.len);
    if (want.ptr[want.len - 1] == '$')
        return slice_ends(said, slice_cut(want, 0, want.len - 1));
    return slice_find(said, want) >= 0;
}

static bool
row_holds(const struct place *place, struct slice row)
{
    struct slice column[5] = {{NULL, 0}};
    struct slice rest = row;
    char bytes[1024];
    char environment_text[1024];
    char flag_text[1024];
    char file_variable[128];
    char got[512] = "";
    char error[CONFIG_ERROR_MAX] = "";
    char program[] = "test";
    char *environment[WORDS_MAX] = {NULL};
    char *flags[WORDS_MAX] = {program};
    struct config *config = NULL;
    for (size_t i = 0; i < 5; i++)
        assert_true(slice_split(&rest, '\t', &column[i]));
    int count = 0;
    if (!slice_eq(column[0], SLICE("-"))) {
        size_t len = unescape(column[0], bytes);
        assert_int_equal(home_write_file(place->file, bytes, len), STATUS_OK);
        (void)snprintf(file_variable, sizeof(file_variable),
                       "SMART_SPAWN_CONFIG=%s", place->file);
        environment[count++] = file_variable;
    }
    (void)split_words(column[1], ';', environment_text, environment, count);
    int argc = split_words(column[2], ' ', flag_text, flags, 1);
    enum status status = load(environment, argc, flags, error, &config);
    bool holds;
    if (slice_starts(column[3], SLICE("error "))) {
        holds = status != STATUS_OK && error_fits(error, column[3]);
    } else if (status == STATUS_OK) {
        describe(config, column[3], got, sizeof(got));
        holds = slice_eq(slice_of(got), column[3]);
    } else {
        holds = false;
    }
    if (!holds)
        print_error("row: %.*s\n got: %s %s\n", SLICE_ARG(row), got, error);
    config_free(&config);
    return holds;
}

static void
every_row_of_the_table_holds(void **state)
{
    char *bytes;
    size_t len;
    size_t rows = 0;
    size_t broken = 0;
    struct slice line;
    assert_int_equal(home_read_file(SS_SOURCE_DIR "/tests/tables/config.tsv",
                                    1 << 20, &bytes, &len),
                     STATUS_OK);
    struct slice rest = slice_make(bytes, len);
    while (slice_split(&rest, '\n', &line)) {
        if (line.len == 0 || line.ptr[0] == '#')
            continue;
        rows++;
        if (!row_holds(*state, line))
            broken++;
    }
    free(bytes);
    assert_true(rows > 40);
    assert_int_equal(broken, 0);
}

static struct config *
load_flags(int argc, char *const *argv)
{
    char error[CONFIG_ERROR_MAX] = "";
    struct config *config = NULL;
    char *const none[] = {NULL};
    if (load(none, argc, argv, error, &config) != STATUS_OK)
        fail_msg("%s", error);
    return config;
}

static void
what_is_shown_reads_back_as_the_same_configuration(void **state)
{
    const struct place *place = *state;
    char program[] = "test";
    char name[] = "--test-long-name=\" a \"";
    char port[] = "--test-port=4321";
    char on[] = "--test-on";
    char *argv[] = {program, name, port, on};
    struct buf shown;
    char file[128];
    struct config *config = load_flags(4, argv);
    buf_init(&shown, 1 << 16);
    config_show(config, &shown);
    config_free(&config);
    assert_int_equal(home_write_file(place->file, shown.data, shown.len),
                     STATUS_OK);
    buf_fini(&shown);
    (void)snprintf(file, sizeof(file), "--config=%s", place->file);
    char *again[] = {program, file};
    config = load_flags(2, again);
    assert_int_equal(config_int(config, "test.port"), 4321);
    assert_string_equal(config_text(config, "test.long_name"), "\" a \"");
    assert_true(config_bool(config, "test.on"));
    assert_string_equal(config_origin(config, "test.wait"), "file");
    assert_int_equal(config_duration_ms(config, "test.wait"), 5000);
    config_free(&config);
}

static void
a_secret_is_never_shown(void **state)
{
    char program[] = "test";
    char secret[] = "--test-secret=hush";
    char *argv[] = {program, secret};
    struct buf shown;
    struct config *config = load_flags(2, argv);
    (void)state;
    buf_init(&shown, 1 << 16);
    config_show(config, &shown);
    assert_null(strstr(buf_text(&shown), "hush"));
    assert_non_null(strstr(buf_text(&shown), "# test.secret = (set)\n"));
    assert_string_equal(config_text(config, "test.secret"), "hush");
    buf_fini(&shown);
    config_free(&config);
}

static void
help_names_flag_variable_alias_bounds_and_default(void **state)
{
    const struct config_key *const tables[] = {keys};
    const size_t counts[] = {ARRAY_LEN(keys)};
    struct buf help;
    (void)state;
    buf_init(&help, 1 << 16);
    config_help(tables, counts, 1, &help);
    assert_non_null(
        strstr(buf_text(&help),
               "  --test-port  number, 1024 to 65535; default 3000\n"
               "      A port.\n"
               "      Environment: SMART_SPAWN_TEST_PORT or PORT; in the file: "
               "test.port\n"));
    buf_fini(&help);
}

static void
the_commands_flags_are_left_over_in_order(void **state)
{
    const struct config_key *const tables[] = {keys};
    const size_t counts[] = {ARRAY_LEN(keys)};
    char error[CONFIG_ERROR_MAX] = "";
    char words[] = "t\0pick\0--budget\0low\0--test-port\0006000\0--\0--x";
    char *argv[] = {words,      words + 2,  words + 7,  words + 16,
                    words + 20, words + 32, words + 37, words + 40};
    static const char *const want[] = {"pick", "--budget", "low", "--", "--x"};
    char *const none[] = {NULL};
    struct config *config = NULL;
    struct config_input input = {.tables = tables,
                                 .table_counts = counts,
                                 .table_count = 1,
                                 .environment = none,
                                 .argc = 8,
                                 .argv = argv,
                                 .leave_unknown_flags = true};
    (void)state;
    assert_int_equal(config_load(&input, error, &config), STATUS_OK);
    assert_int_equal(config_rest_count(config), ARRAY_LEN(want));
    for (size_t i = 0; i < ARRAY_LEN(want); i++)
        assert_string_equal(config_rest(config, i), want[i]);
    assert_int_equal(config_int(config, "test.port"), 6000);
    config_free(&config);
}

static void
a_file_past_its_maximum_is_refused(void **state)
{
    const struct place *place = *state;
    char program[] = "test";
    char flag[] = "--config";
    char file[96];
    char *argv[] = {program, flag, file};
    char *const none[] = {NULL};
    char error[CONFIG_ERROR_MAX] = "";
    struct config *config = NULL;
    char *big = malloc(CONFIG_FILE_MAX + 1);
    assert_non_null(big);
    memset(big, '#', CONFIG_FILE_MAX + 1);
    (void)snprintf(file, sizeof(file), "%s", place->file);
    assert_int_equal(home_write_file(file, big, CONFIG_FILE_MAX), STATUS_OK);
    assert_int_equal(load(none, 3, argv, error, &config), STATUS_OK);
    config_free(&config);
    assert_int_equal(home_write_file(file, big, CONFIG_FILE_MAX + 1),
                     STATUS_OK);
    free(big);
    assert_int_equal(load(none, 3, argv, error, &config),
                     STATUS_RESOURCE_EXHAUSTED);
    assert_non_null(strstr(error, "256 KiB"));
}

static void
the_runtimes_own_keys_fit_their_bounds(void **state)
{
    size_t count;
    const struct config_key *const tables[] = {config_runtime_keys(&count)};
    char error[CONFIG_ERROR_MAX] = "";
    char *const none[] = {NULL};
    struct config *config = NULL;
    char program[] = "test";
    char home[] = "--home=/nowhere";
    char *argv[] = {program, home};
    struct config_input input = {.tables = tables,
                                 .table_counts = &count,
                                 .table_count = 1,
                                 .environment = none,
                                 .argc = 2,
                                 .argv = argv};
    (void)state;
    assert_int_equal(config_load(&input, error, &config), STATUS_OK);
    assert_int_equal(config_int(config, "rpc.max_calls"), 4096);
    assert_int_equal(config_duration_ms(config, "rpc.drain_timeout"), 5000);
    config_free(&config);
}

static void
a_file_cannot_set_the_home_it_is_found_through(void **state)
{
    const struct place *place = *state;
    static const char text[] = "# mine\nhome = /elsewhere\n";
    size_t count;
    const struct config_key *const tables[] = {config_runtime_keys(&count)};
    char error[CONFIG_ERROR_MAX] = "";
    char *const none[] = {NULL};
    struct config *config = NULL;
    char program[] = "test";
    char file[128];
    char *argv[] = {program, file};
    struct config_input input = {.tables = tables,
                                 .table_counts = &count,
                                 .table_count = 1,
                                 .environment = none,
                                 .argc = 2,
                                 .argv = argv};
    struct buf help;
    (void)snprintf(file, sizeof(file), "--config=%s", place->file);
    assert_int_equal(home_write_file(place->file, text, sizeof(text) - 1),
                     STATUS_OK);
    assert_int_equal(config_load(&input, error, &config),
                     STATUS_INVALID_ARGUMENT);
    assert_non_null(strstr(error, ":2: the file cannot set home"));
    buf_init(&help, 1 << 16);
    config_help(tables, &count, 1, &help);
    assert_null(strstr(buf_text(&help), "in the file: home"));
    assert_non_null(strstr(buf_text(&help), "SMART_SPAWN_HOME\n"));
    buf_fini(&help);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_row_of_the_table_holds,
                                        open_place, close_place),
        cmocka_unit_test_setup_teardown(
            what_is_shown_reads_back_as_the_same_configuration, open_place,
            close_place),
        cmocka_unit_test(a_secret_is_never_shown),
        cmocka_unit_test(help_names_flag_variable_alias_bounds_and_default),
        cmocka_unit_test(the_commands_flags_are_left_over_in_order),
        cmocka_unit_test(the_runtimes_own_keys_fit_their_bounds),
        cmocka_unit_test_setup_teardown(
            a_file_cannot_set_the_home_it_is_found_through, open_place,
            close_place),
        cmocka_unit_test_setup_teardown(a_file_past_its_maximum_is_refused,
                                        open_place, close_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
