/* A file, and one question to the gateway's configuration. */
#include "services/cli/cli_trust.h"

#include "core/base/text.h"
#include "services/cli/cli_keys.h"
#include "services/cli/daemon_config.h"
#include "services/runtime/secret.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TOKEN_FILE "token"
#define TOKEN_LEAST 16 /* bytes; a shorter one is no secret */
#define TOKEN_FILE_MAX 512
#define SHOWN_MAX (256u << 10)
#define IPV4_LOOPBACK 127 /* the first byte of 127.0.0.0/8 */
#define IPV4_IN_IPV6 12   /* where the IPv4 address begins in ::ffff:1.2.3.4 */

static enum status
make_token(const char *path)
{
    char text[SECRET_API_KEY_LEN + 2];
    char id[SECRET_API_KEY_ID_LEN + 1];
    secret_new_api_key(text, id);
    text[SECRET_API_KEY_LEN] = '\n';
    enum status status = home_write_file(path, text, SECRET_API_KEY_LEN + 1);
    explicit_bzero(text, sizeof(text));
    return status;
}

/* Whether the gateway would take what lies there (keyring.h); a user may have
 * chosen it. */
static bool
is_token(const char *path)
{
    char *text = NULL;
    size_t len = 0;
    if (home_read_file(path, TOKEN_FILE_MAX, &text, &len) != STATUS_OK)
        return false;
    struct slice token = slice_trim(slice_make(text, len));
    bool is_good = token.len >= TOKEN_LEAST;
    explicit_bzero(text, len);
    free(text);
    return is_good;
}

bool
cli_trust_prepare(const struct command_line *line)
{
    char path[HOME_PATH_MAX];
    enum status status = home_join(line->home, TOKEN_FILE, path);
    bool is_there = status == STATUS_OK && access(path, F_OK) == 0;
    if (is_there && is_token(path) && chmod(path, S_IRUSR | S_IWUSR) == 0)
        return true;
    if (is_there)
        command_say(
            "%s holds no token of %d to %d bytes; it is replaced by a new one",
            path, TOKEN_LEAST, TOKEN_FILE_MAX);
    if (status == STATUS_OK)
        status = make_token(path);
    if (status != STATUS_OK)
        command_say("the machine's token cannot be written to %s/" TOKEN_FILE
                    ": %s",
                    line->home, home_trouble(line->home, status));
    return status == STATUS_OK;
}

static bool
is_loopback(struct slice address)
{
    char text[INET6_ADDRSTRLEN];
    struct in_addr v4;
    struct in6_addr v6;
    if (address.len >= sizeof(text))
        return false;
    memcpy(text, address.ptr, address.len);
    text[address.len] = '\0';
    if (inet_pton(AF_INET, text, &v4) == 1)
        return ntohl(v4.s_addr) >> 24 == IPV4_LOOPBACK;
    if (inet_pton(AF_INET6, text, &v6) != 1)
        return false;
    return IN6_IS_ADDR_LOOPBACK(&v6) ||
           (IN6_IS_ADDR_V4MAPPED(&v6) &&
            v6.s6_addr[IPV4_IN_IPV6] == IPV4_LOOPBACK);
}

bool
cli_trust_is_open(struct slice addresses)
{
    struct slice part;
    while (slice_split(&addresses, ',', &part)) {
        part = slice_trim(part);
        if (part.len > 0 && !is_loopback(part))
            return true;
    }
    return false;
}

/* Whether others can reach the gateway but may not write without a key. */
static bool
needs_key(const struct command_line *line)
{
    struct buf shown;
    bool is_needed = false;
    bool write_open = false;
    buf_init(&shown, SHOWN_MAX);
    if (daemon_config_ask(line, "gatewayd", &shown) == STATUS_OK) {
        struct slice text = buf_slice(&shown);
        if (text_bool(daemon_config_value(text, "write_open"), &write_open) !=
            STATUS_OK)
            write_open = false;
        is_needed =
            !write_open &&
            cli_trust_is_open(daemon_config_value(text, "http.address"));
    }
    buf_fini(&shown);
    return is_needed;
}

void
cli_trust_report(const struct command_line *line, bool was_running)
{
    printf("token of this machine's user: %s/" TOKEN_FILE "\n", line->home);
    if (!was_running && needs_key(line))
        cli_keys_first(line);
}
