/* The deployment's key as a daemon gets it, and what is said of a new one.
 *
 * A key that is missing is made without asking, so that a first start needs
 * no step of its own. It is told all the same: with another key than before
 * every decision id that was given out is just text. Where the file is lost
 * while processes run, the first to start again makes another key: the others
 * take it, or what one seals the next could not open. */
#include "services/runtime/daemon_private.h"

#include "services/runtime/log.h"
#include "services/runtime/secret.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

/* The daemons of a first start write their first copies side by side with the
 * one that makes the key. */
#define FIRST_START_MS 10000

/* Whether a snapshot lies here that this start cannot have written. */
static bool
has_earlier_life(const struct daemon *daemon)
{
    char path[HOME_PATH_MAX];
    enum status status = home_join(daemon->home, "snapshots", path);
    DIR *copies = status == STATUS_OK ? opendir(path) : NULL;
    ms_time since = loop_wall(daemon->loop) - FIRST_START_MS;
    bool found = false;
    if (copies == NULL)
        return false;
    for (const struct dirent *entry;
         !found && (entry = readdir(copies)) != NULL;) {
        struct stat about;
        found = fstatat(dirfd(copies), entry->d_name, &about, 0) == 0 &&
                S_ISREG(about.st_mode) &&
                (ms_time)about.st_mtim.tv_sec * 1000 < since;
    }
    (void)closedir(copies);
    return found;
}

static void
tell_made(const struct daemon *daemon)
{
    char path[HOME_PATH_MAX] = "";
    enum status status = home_join(daemon->home, SECRET_KEY_FILE, path);
    (void)status; /* it was just written there */
    if (has_earlier_life(daemon))
        log_event(LOG_WARN, "deployment-key-made", LOG_STR("path", path),
                  LOG_STR("means", "the former key is gone: decision ids of "
                                   "before do not open any more and are "
                                   "refused; who has the former file puts it "
                                   "back"));
    else
        log_event(LOG_INFO, "deployment-key-made", LOG_STR("path", path),
                  LOG_STR("means", "it seals decision ids: keep it, without "
                                   "it those given out do not open"));
}

static bool
is_same(const struct secret_key *a, const struct secret_key *b)
{
    return secret_equal(slice_make((const char *)a, sizeof(*a)),
                        slice_make((const char *)b, sizeof(*b)));
}

static void
look_at_file(struct daemon *daemon)
{
    struct daemon_private *private = daemon->private;
    char error[SECRET_ERROR_MAX];
    struct secret_key now;
    enum status status = secret_key_read(daemon->home, &now, error);
    bool is_ill = status != STATUS_OK && status != STATUS_NOT_FOUND;
    if (is_ill && !private->key_doubted)
        log_event(LOG_WARN, "deployment-key-unread", LOG_STR("why", error),
                  LOG_STR("next", "the key that is held stays, but a process "
                                  "that starts now gets none"));
    private->key_doubted = is_ill;
    if (status == STATUS_OK && !is_same(&now, private->key)) {
        *private->key = now;
        log_event(LOG_WARN, "deployment-key-changed",
                  LOG_STR("means", "decision ids of the former key do not open "
                                   "any more and are refused"));
    }
    secret_key_forget(&now);
}

static void
on_key_timer(void *context)
{
    struct daemon *daemon = context;
    look_at_file(daemon);
    loop_timer_start(daemon->private->key_timer,
                     daemon->private->timing.socket_check);
}

enum status
daemon_key_load(struct daemon *daemon, struct secret_key *key)
{
    const char *configured = config_text(daemon->config, "deployment.key");
    char error[SECRET_ERROR_MAX];
    bool made = false;
    enum status status =
        secret_key_load(daemon->home, configured, key, &made, error);
    if (status != STATUS_OK) {
        log_event(LOG_ERROR, "no-deployment-key", LOG_STR("why", error));
        return status;
    }
    if (made)
        tell_made(daemon);
    if (configured[0] != '\0')
        return STATUS_OK;
    daemon->private->key = key;
    status = loop_timer_new(daemon->loop, on_key_timer, daemon,
                            &daemon->private->key_timer);
    if (status == STATUS_OK)
        loop_timer_start(daemon->private->key_timer,
                         daemon->private->timing.socket_check);
    return status;
}
