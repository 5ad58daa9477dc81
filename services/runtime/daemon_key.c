/* The deployment's key as a daemon gets it, and what is said of a new one.
 *
 * A key that is missing is made without asking, so that a first start needs
 * no step of its own. It is told all the same: with another key than before
 * every decision id that was given out is just text. */
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
                                   "back and starts again"));
    else
        log_event(LOG_INFO, "deployment-key-made", LOG_STR("path", path),
                  LOG_STR("means", "it seals decision ids: keep it, without "
                                   "it those given out do not open"));
}

enum status
daemon_key_load(const struct daemon *daemon, struct secret_key *ret_key)
{
    char error[SECRET_ERROR_MAX];
    bool made = false;
    enum status status = secret_key_load(
        daemon->home, config_text(daemon->config, "deployment.key"), ret_key,
        &made, error);
    if (status != STATUS_OK)
        log_event(LOG_ERROR, "no-deployment-key", LOG_STR("why", error));
    else if (made)
        tell_made(daemon);
    return status;
}
