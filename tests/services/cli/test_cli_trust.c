/* The machine's token, and whether a gateway is open to other machines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/base/check.h"
#include "services/cli/cli_trust.h"
#include "services/runtime/secret.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct home {
    struct command_line line;
    char token[HOME_PATH_MAX];
};

static void
home_open(struct home *home)
{
    memset(home, 0, sizeof(*home));
    (void)snprintf(home->line.home, HOME_PATH_MAX, "/tmp/ss-trust-XXXXXX");
    assert_non_null(mkdtemp(home->line.home));
    assert_int_equal(home_join(home->line.home, "token", home->token),
                     STATUS_OK);
}

static void
home_close(struct home *home)
{
    (void)unlink(home->token);
    assert_int_equal(rmdir(home->line.home), 0); /* nothing else was left */
}

/* The token without its line's end; the caller frees it. */
static char *
token_of(const struct home *home)
{
    char *bytes = NULL;
    size_t len = 0;
    assert_int_equal(home_read_file(home->token, 4096, &bytes, &len),
                     STATUS_OK);
    assert_int_equal(len, SECRET_API_KEY_LEN + 1);
    assert_int_equal(bytes[len - 1], '\n');
    bytes[len - 1] = '\0';
    return bytes;
}

static void
the_token_is_made_once_for_this_user_alone(void **state)
{
    struct home home;
    struct stat about;
    (void)state;
    home_open(&home);
    assert_true(cli_trust_prepare(&home.line));
    char *first = token_of(&home);
    assert_int_equal(strlen(first), SECRET_API_KEY_LEN);
    assert_int_equal(strncmp(first, "ssk_", 4), 0);
    assert_int_equal(stat(home.token, &about), 0);
    assert_int_equal(about.st_mode & 07777, 0600);
    assert_true(cli_trust_prepare(&home.line));
    char *again = token_of(&home);
    assert_string_equal(again, first);
    free(first);
    free(again);
    home_close(&home);
}

static void
a_token_that_a_user_chose_stays(void **state)
{
    struct home home;
    char *bytes = NULL;
    size_t len = 0;
    (void)state;
    home_open(&home);
    assert_int_equal(home_write_file(home.token, "chosen by myself", 16),
                     STATUS_OK);
    assert_true(cli_trust_prepare(&home.line));
    assert_int_equal(home_read_file(home.token, 4096, &bytes, &len), STATUS_OK);
    assert_string_equal(bytes, "chosen by myself");
    free(bytes);
    home_close(&home);
}

static void
what_is_no_token_is_replaced_and_hidden_from_others(void **state)
{
    struct home home;
    struct stat info;
    char *bytes = NULL;
    size_t len = 0;
    (void)state;
    home_open(&home);
    assert_int_equal(home_write_file(home.token, "garbage", 7), STATUS_OK);
    assert_int_equal(chmod(home.token, 0644), 0);
    assert_true(cli_trust_prepare(&home.line));
    assert_int_equal(home_read_file(home.token, 4096, &bytes, &len), STATUS_OK);
    assert_true(slice_starts(slice_of(bytes), SLICE("ssk_")));
    free(bytes);
    assert_int_equal(chmod(home.token, 0644), 0);
    assert_true(cli_trust_prepare(&home.line));
    assert_int_equal(stat(home.token, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    home_close(&home);
}

static void
two_homes_have_two_tokens(void **state)
{
    struct home a, b;
    (void)state;
    home_open(&a);
    home_open(&b);
    assert_true(cli_trust_prepare(&a.line));
    assert_true(cli_trust_prepare(&b.line));
    char *first = token_of(&a);
    char *second = token_of(&b);
    assert_string_not_equal(first, second);
    free(first);
    free(second);
    home_close(&a);
    home_close(&b);
}

static void
a_home_that_is_not_there_is_said(void **state)
{
    struct command_line line = {.home = "/nonexistent/home"};
    (void)state;
    assert_false(cli_trust_prepare(&line));
}

static void
only_loopback_is_closed_to_other_machines(void **state)
{
    static const struct {
        const char *addresses;
        bool is_open;
    } rows[] = {
        {"127.0.0.1,::1", false},
        {" 127.0.0.1 , ::1 ", false},
        {"127.8.9.10", false},
        {"::ffff:127.0.0.1", false},
        {"", false},
        {"0.0.0.0", true},
        {"::", true},
        {"127.0.0.1,192.168.1.2", true},
        {"128.0.0.1", true},
        {"::ffff:10.0.0.1", true},
        {"::2", true},
        {"fe80::1", true},
        {"no-address", true},
        {"1111111111111111111111111111111111111111111111111", true},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_int_equal(cli_trust_is_open(slice_of(rows[i].addresses)),
                         rows[i].is_open);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_token_is_made_once_for_this_user_alone),
        cmocka_unit_test(a_token_that_a_user_chose_stays),
        cmocka_unit_test(what_is_no_token_is_replaced_and_hidden_from_others),
        cmocka_unit_test(two_homes_have_two_tokens),
        cmocka_unit_test(a_home_that_is_not_there_is_said),
        cmocka_unit_test(only_loopback_is_closed_to_other_machines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
