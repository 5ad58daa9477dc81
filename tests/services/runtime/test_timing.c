/* The intervals as configuration: the defaults of the keys are the code's,
 * each may be made shorter, what cannot work is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "services/runtime/timing.h"

#include <string.h>

#define SHORTER 144 /* a day in ten minutes */

static struct config *
load(int argc, char **argv)
{
    size_t count;
    const struct config_key *keys = config_runtime_keys(&count);
    static char *nothing[] = {NULL};
    const struct config_input input = {.tables = &keys,
                                       .table_counts = &count,
                                       .table_count = 1,
                                       .environment = nothing,
                                       .argc = argc,
                                       .argv = argv};
    char error[CONFIG_ERROR_MAX];
    struct config *config = NULL;
    if (config_load(&input, error, &config) != STATUS_OK)
        fail_msg("%s", error);
    return config;
}

static void
the_defaults_of_the_keys_are_those_of_the_code(void **state)
{
    (void)state;
    struct config *config = load(0, NULL);
    struct timing read, usual = timing_default();
    const char *why;
    memset(&read, 0, sizeof read);
    assert_int_equal(timing_read(config, &read, &why), STATUS_OK);
    assert_memory_equal(&read, &usual, sizeof read);
    config_free(&config);
}

static void
a_key_sets_its_interval(void **state)
{
    (void)state;
    char program[] = "toyd", flag[] = "--snapshot-wait=70ms",
         other[] = "--rpc-backoff-max=15ms";
    char *argv[] = {program, flag, other};
    struct config *config = load(3, argv);
    struct timing timing;
    const char *why;
    assert_int_equal(timing_read(config, &timing, &why), STATUS_OK);
    assert_int_equal(timing.watch_wait, 70);
    assert_int_equal(timing.backoff_longest, 15);
    assert_int_equal(timing.disk_every, SNAPSHOT_DISK_EVERY_MS);
    config_free(&config);
}

/* A test that runs a day in ten minutes sets every interval so; pings stay. */
static void
every_interval_may_be_a_day_in_ten_minutes(void **state)
{
    static const char *const keys[] = {
        "rpc.connect_timeout", "rpc.backoff_max",      "rpc.socket_check",
        "snapshot.wait",       "snapshot.disk_every",  "snapshot.backoff_max",
        "database.ping_every", "database.backoff_max",
    };
    (void)state;
    size_t count;
    const struct config_key *rows = config_runtime_keys(&count);
    struct config *config = load(0, NULL);
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        int64_t usual = config_duration_ms(config, keys[i]);
        for (size_t k = 0; k < count; k++)
            if (strcmp(rows[k].name, keys[i]) == 0 &&
                rows[k].lowest > usual / SHORTER)
                fail_msg("%s: at least %lld ms", keys[i],
                         (long long)rows[k].lowest);
    }
    config_free(&config);
}

static void
a_silence_shorter_than_two_pings_is_refused(void **state)
{
    (void)state;
    char program[] = "toyd", flag[] = "--rpc-silence=400ms";
    char *argv[] = {program, flag};
    struct config *config = load(2, argv);
    struct timing timing;
    const char *why = NULL;
    assert_int_equal(timing_read(config, &timing, &why),
                     STATUS_INVALID_ARGUMENT);
    assert_non_null(strstr(why, "rpc.ping_every"));
    config_free(&config);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_defaults_of_the_keys_are_those_of_the_code),
        cmocka_unit_test(a_key_sets_its_interval),
        cmocka_unit_test(every_interval_may_be_a_day_in_ten_minutes),
        cmocka_unit_test(a_silence_shorter_than_two_pings_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
