/* Finding, making and describing the private cluster.
 *
 * A cluster is made beside its place ("<data>.new") and renamed when it is
 * complete, so a broken start leaves nothing that looks like one. Role and
 * database are made in single-user mode: no server has to run for it. */
#include "services/local/cluster.h"

#include "core/base/check.h"
#include "core/base/text.h"
#include "services/local/child.h"

#include <dirent.h>
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define STATE_OF_ROOT "/var/lib/smart-spawn"
#define RUN_OF_ROOT "/run/smart-spawn"
#define PORT "5432" /* only in the socket's name */
#define NAME "smart_spawn"
#define INITDB_TIMEOUT_MS 120000 /* seconds on a slow disk */
#define OUTPUT_MAX (64u << 10)

/* --- where --- */

static bool
has_programs(unsigned version)
{
    char path[HOME_PATH_MAX];
    (void)snprintf(path, sizeof(path), "%s/%u/bin/initdb", CLUSTER_PROGRAMS,
                   version);
    return access(path, X_OK) == 0;
}

static unsigned
newest_version(void)
{
    unsigned newest = 0;
    DIR *folder = opendir(CLUSTER_PROGRAMS);
    if (folder == NULL)
        return 0;
    for (const struct dirent *entry = readdir(folder); entry != NULL;
         entry = readdir(folder)) {
        uint64_t version;
        if (text_u64(slice_of(entry->d_name), &version) == STATUS_OK &&
            version >= CLUSTER_VERSION_MIN && version < 1000 &&
            version > newest && has_programs((unsigned)version))
            newest = (unsigned)version;
    }
    (void)closedir(folder);
    return newest;
}

/* The version of a cluster that is there; 0 when there is none. */
static unsigned
existing_version(const char *data)
{
    char path[HOME_PATH_MAX];
    char *bytes;
    size_t len;
    uint64_t version;
    if (home_join(data, "PG_VERSION", path) != STATUS_OK ||
        home_read_file(path, 64, &bytes, &len) != STATUS_OK)
        return 0;
    enum status status = text_u64(slice_trim(slice_make(bytes, len)), &version);
    free(bytes);
    return status == STATUS_OK && version < 1000 ? (unsigned)version : 0;
}

static enum status
find_folders(const char *home, struct cluster *cluster)
{
    enum status status;
    if (!cluster->drops) {
        status = home_join(home, "postgres", cluster->data);
        return status == STATUS_OK ? home_run_folder(home, cluster->socket)
                                   : status;
    }
    unsigned long long hash = home_hash(home);
    (void)snprintf(cluster->data, sizeof(cluster->data), "%s/%016llx/postgres",
                   STATE_OF_ROOT, hash);
    (void)snprintf(cluster->socket, sizeof(cluster->socket), "%s/%016llx",
                   RUN_OF_ROOT, hash);
    return STATUS_OK;
}

static enum status
find_programs(struct cluster *cluster, char *ret_error)
{
    unsigned existing = existing_version(cluster->data);
    cluster->version = existing != 0 ? existing : newest_version();
    if (cluster->version == 0 || !has_programs(cluster->version)) {
        (void)snprintf(
            ret_error, CLUSTER_ERROR_MAX,
            "PostgreSQL %u is not installed: apt-get install "
            "postgresql-%u, or name a server with SMART_SPAWN_DATABASE_URL",
            existing != 0 ? existing : CLUSTER_VERSION_MIN,
            existing != 0 ? existing : CLUSTER_VERSION_MIN);
        return STATUS_NOT_FOUND;
    }
    (void)snprintf(cluster->programs, sizeof(cluster->programs), "%s/%u/bin",
                   CLUSTER_PROGRAMS, cluster->version);
    return STATUS_OK;
}

enum status
cluster_find(const char *home, char *ret_error, struct cluster *ret_cluster)
{
    struct cluster cluster = {.drops = geteuid() == 0};
    if (cluster.drops && getpwnam(CLUSTER_ACCOUNT) == NULL) {
        (void)snprintf(
            ret_error, CLUSTER_ERROR_MAX,
            "the account %s is missing: apt-get install postgresql-%d",
            CLUSTER_ACCOUNT, CLUSTER_VERSION_MIN);
        return STATUS_NOT_FOUND;
    }
    enum status status = find_folders(home, &cluster);
    if (status != STATUS_OK) {
        (void)snprintf(ret_error, CLUSTER_ERROR_MAX,
                       "the home's path is too long");
        return status;
    }
    status = find_programs(&cluster, ret_error);
    if (status == STATUS_OK)
        *ret_cluster = cluster;
    return status;
}

bool
cluster_exists(const struct cluster *cluster)
{
    return existing_version(cluster->data) != 0;
}

/* --- make --- */

/* Run a program as the cluster's owner. */
static enum status
run_as_owner(const struct cluster *cluster, const char *const *argv,
             const char *input, char *ret_error)
{
    const char *all[CHILD_ARGUMENTS_MAX];
    const char *program = argv[0];
    size_t count = 0;
    struct buf output;
    int exit_status = 0;
    if (cluster->drops) {
        /* Our folder may be closed to the account. */
        all[count++] = "env";
        all[count++] = "-C";
        all[count++] = "/";
        all[count++] = "s6-setuidgid";
        all[count++] = CLUSTER_ACCOUNT;
    }
    for (; *argv != NULL; argv++) {
        CHECK(count + 1 < CHILD_ARGUMENTS_MAX);
        all[count++] = *argv;
    }
    all[count] = NULL;
    buf_init(&output, OUTPUT_MAX);
    struct child_options options = {.argv = all,
                                    .input = input,
                                    .output = &output,
                                    .timeout = INITDB_TIMEOUT_MS};
    enum status status = child_run(&options, &exit_status);
    if (status == STATUS_OK && exit_status != 0)
        status = STATUS_INTERNAL;
    if (status != STATUS_OK) {
        /* The last words say why. */
        struct slice said = slice_trim(buf_slice(&output));
        if (said.len > CLUSTER_ERROR_MAX / 2)
            said = slice_cut(said, said.len - CLUSTER_ERROR_MAX / 2, said.len);
        (void)snprintf(ret_error, CLUSTER_ERROR_MAX,
                       "%.200s failed (%s, exit %d): %.*s", program,
                       status_text(status), exit_status, SLICE_ARG(said));
    }
    buf_fini(&output);
    return status;
}

/* A folder of the account inside one of root. */
static enum status
make_account_folder(const char *outer, const char *inner)
{
    const struct passwd *account = getpwnam(CLUSTER_ACCOUNT);
    if (account == NULL)
        return STATUS_NOT_FOUND;
    if (mkdir(outer, 0755) != 0 && errno != EEXIST)
        return STATUS_PERMISSION_DENIED;
    if (mkdir(inner, 0700) != 0 && errno != EEXIST)
        return STATUS_PERMISSION_DENIED;
    /* Nobody but root can have put anything into outer. */
    if (lchown(inner, account->pw_uid, account->pw_gid) != 0)
        return STATUS_PERMISSION_DENIED;
    return STATUS_OK;
}

enum status
cluster_make_socket_folder(const struct cluster *cluster)
{
    return cluster->drops ? make_account_folder(RUN_OF_ROOT, cluster->socket)
                          : home_make_private_folder(cluster->socket);
}

static enum status
make_data_parent(const struct cluster *cluster, char *ret_error)
{
    char parent[HOME_PATH_MAX];
    (void)snprintf(parent, sizeof(parent), "%s", cluster->data);
    *strrchr(parent, '/') = '\0';
    enum status status = cluster->drops
                             ? make_account_folder(STATE_OF_ROOT, parent)
                             : home_make_folder(parent);
    if (status != STATUS_OK)
        (void)snprintf(ret_error, CLUSTER_ERROR_MAX, "cannot make %.500s: %s",
                       parent, status_text(status));
    return status;
}

static enum status
make_new(const struct cluster *cluster, const char *new, char *ret_error)
{
    char initdb[HOME_PATH_MAX];
    char postgres[HOME_PATH_MAX];
    enum status status = home_join(cluster->programs, "initdb", initdb);
    if (status == STATUS_OK)
        status = home_join(cluster->programs, "postgres", postgres);
    if (status != STATUS_OK)
        return status;
    const char *const remove[] = {"rm", "-rf", "--", new, NULL};
    const char *const init[] = {
        initdb, "-D",   new,           "-U", "postgres",          "-A", "trust",
        "-E",   "UTF8", "--no-locale", "-k", "--no-instructions", NULL};
    /* One line a statement is what single-user mode reads. */
    const char *const single[] = {
        postgres,   "--single", "-j", "-D", new, "-c", "log_min_messages=error",
        "postgres", NULL};
    static const char sql[] = "CREATE ROLE " NAME " LOGIN;\n\n"
                              "CREATE DATABASE " NAME " OWNER " NAME ";\n\n";
    status = run_as_owner(cluster, remove, NULL, ret_error);
    if (status == STATUS_OK)
        status = run_as_owner(cluster, init, NULL, ret_error);
    if (status == STATUS_OK)
        status = run_as_owner(cluster, single, sql, ret_error);
    return status;
}

enum status
cluster_create(const struct cluster *cluster, char *ret_error)
{
    char new[HOME_PATH_MAX + 8];
    if (cluster_exists(cluster))
        return STATUS_OK;
    enum status status = make_data_parent(cluster, ret_error);
    if (status != STATUS_OK)
        return status;
    (void)snprintf(new, sizeof(new), "%s.new", cluster->data);
    status = make_new(cluster, new, ret_error);
    if (status == STATUS_OK && rename(new, cluster->data) != 0) {
        (void)snprintf(ret_error, CLUSTER_ERROR_MAX, "cannot name %.500s: %s",
                       cluster->data, strerrordesc_np(errno));
        status = STATUS_INTERNAL;
    }
    return status;
}

enum status
cluster_delete(const struct cluster *cluster, char *ret_error)
{
    const char *const remove[] = {"rm", "-rf", "--", cluster->data, NULL};
    enum status status = run_as_owner(cluster, remove, NULL, ret_error);
    if (status != STATUS_OK || !cluster->drops)
        return status;
    /* The folders that only ever held this cluster and its socket. */
    char parent[HOME_PATH_MAX];
    (void)snprintf(parent, sizeof(parent), "%s", cluster->data);
    *strrchr(parent, '/') = '\0';
    (void)rmdir(parent);
    (void)rmdir(cluster->socket);
    return STATUS_OK;
}

/* --- describe --- */

void
cluster_quote(struct buf *out, const char *text)
{
    buf_put_char(out, '\'');
    for (; *text != '\0'; text++) {
        if (*text == '\'')
            buf_put_text(out, "'\\''");
        else
            buf_put_char(out, *text);
    }
    buf_put_char(out, '\'');
}

void
cluster_url(const struct cluster *cluster, struct buf *out)
{
    buf_put_text(out, "host='");
    for (const char *c = cluster->socket; *c != '\0'; c++) {
        if (*c == '\'' || *c == '\\')
            buf_put_char(out, '\\');
        buf_put_char(out, *c);
    }
    buf_put_text(out, "' port=" PORT " user=" NAME " dbname=" NAME);
}

/* A pid that was given to another process since (a container's restart) would
 * make the server refuse to start; the server's own process stands in the data
 * folder. One that does and is still there lost its supervisor: it is asked to
 * end, and the next try finds it gone. */
static void
put_stale_pid_check(const struct cluster *cluster, struct buf *out)
{
    buf_put_text(out, "pid=$(head -n 1 \"$data/postmaster.pid\" 2>/dev/null)\n"
                      "if [ -n \"$pid\" ]; then\n"
                      "    if [ \"$(readlink \"/proc/$pid/cwd\")\" = "
                      "\"$(readlink -f \"$data\")\" ]; then\n"
                      "        kill -s INT \"$pid\"\n"
                      "    else\n"
                      "        rm -f \"$data/postmaster.pid\" ");
    cluster_quote(out, cluster->socket);
    buf_put_text(out, "/.s.PGSQL." PORT ".lock\n    fi\nfi\n");
}

void
cluster_run_script(const struct cluster *cluster, struct buf *out)
{
    buf_put_text(out, "#!/bin/sh\n"
                      "# Made by smart-spawn up; changes are lost.\n"
                      "exec 2>&1\n"
                      "data=");
    cluster_quote(out, cluster->data);
    buf_put_text(out, "\nsocket=");
    cluster_quote(out, cluster->socket);
    buf_put_char(out, '\n');
    if (cluster->drops)
        buf_put_text(out,
                     "install -d -m 0755 " RUN_OF_ROOT "\n"
                     "install -d -m 0700 -o " CLUSTER_ACCOUNT " \"$socket\"\n");
    else
        buf_put_text(out, "mkdir -p -m 0700 \"$socket\"\n");
    put_stale_pid_check(cluster, out);
    /* The operator's PGPORT and others are about other servers. */
    buf_put_text(out, "unset PGPORT PGHOST PGDATA PGUSER PGDATABASE PGOPTIONS "
                      "PGSERVICE\n"
                      "exec s6-notifyoncheck -d -3 3 -w 50 -n 600 -T 60000 ");
    if (cluster->drops)
        buf_put_text(out, "env -C / s6-setuidgid " CLUSTER_ACCOUNT " ");
    cluster_quote(out, cluster->programs);
    buf_put_text(out,
                 "/postgres -D \"$data\" -k \"$socket\" -p " PORT " \\\n"
                 "    -c listen_addresses= -c unix_socket_permissions=0700 \\\n"
                 "    -c shared_buffers=32MB -c max_connections=50 \\\n"
                 /* After a crash one call flushes the file system; each file
                  * of the cluster by itself takes seconds on a busy disk. */
                 "    -c recovery_init_sync_method=syncfs \\\n"
                 "    -c log_destination=stderr -c logging_collector=off \\\n"
                 "    -c log_timezone=UTC -c timezone=UTC\n");
}

void
cluster_check_script(const struct cluster *cluster, struct buf *out)
{
    buf_put_text(out, "#!/bin/sh\nexec ");
    cluster_quote(out, cluster->programs);
    buf_put_text(out, "/pg_isready -q -U " NAME " -d " NAME " -p " PORT " -h ");
    cluster_quote(out, cluster->socket);
    buf_put_char(out, '\n');
}
