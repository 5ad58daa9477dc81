/* initdb, start, stop and remove a cluster; see the header. The one cluster
 * of the program is this file's only state: exit handlers take no argument. */
#include "tests/support/temp_postgres.h"

#include <fcntl.h>
#include <ftw.h>
#include <glob.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define TEMP_POSTGRES_START_MS 20000
#define TEMP_POSTGRES_PATH_MAX 300
#define TEMP_POSTGRES_PROGRAM_MAX (TEMP_POSTGRES_PATH_MAX + 16)

static struct {
    char folder[64];
    char bin[TEMP_POSTGRES_PATH_MAX];
    struct passwd *account; /* NULL: the one we are */
    pid_t server;
    pid_t owner; /* forked children must not clean up */
} cluster;

/* Debian keeps the server's programs in a folder per version. */
static bool
temp_postgres_find(void)
{
    glob_t found = {0};
    bool fine = glob("/usr/lib/postgresql/*/bin/initdb", 0, NULL, &found) == 0;

    if (fine) {
        const char *newest = found.gl_pathv[found.gl_pathc - 1];

        (void)snprintf(cluster.bin, sizeof(cluster.bin), "%.*s",
                       (int)(strrchr(newest, '/') - newest), newest);
    }
    globfree(&found);
    return fine;
}

/* In a child: become the account, write to the log, die with the parent. */
static void
temp_postgres_become(pid_t parent)
{
    char log[96];
    int fd = -1;

    (void)snprintf(log, sizeof(log), "%s/log", cluster.folder);
    if (cluster.account &&
        (initgroups(cluster.account->pw_name, cluster.account->pw_gid) != 0 ||
         setgid(cluster.account->pw_gid) != 0 ||
         setuid(cluster.account->pw_uid) != 0))
        _exit(126);
    fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0 || dup2(fd, 1) < 0 || dup2(fd, 2) < 0 || chdir("/") != 0)
        _exit(126);
    (void)prctl(PR_SET_PDEATHSIG, SIGQUIT);
    if (getppid() != parent)
        _exit(126);
    (void)setenv("LC_ALL", "C", 1);
}

/* The path of a program of the server. */
static void
temp_postgres_program(const char *name, char out[TEMP_POSTGRES_PROGRAM_MAX])
{
    (void)snprintf(out, TEMP_POSTGRES_PROGRAM_MAX, "%s/%s", cluster.bin, name);
}

static bool
temp_postgres_initdb(void)
{
    char data[80];
    char program[TEMP_POSTGRES_PROGRAM_MAX];
    int status = 1;
    pid_t parent = getpid();
    pid_t child = -1;

    (void)snprintf(data, sizeof(data), "%s/data", cluster.folder);
    temp_postgres_program("initdb", program);
    child = fork();
    if (child == 0) {
        temp_postgres_become(parent);
        (void)execl(program, program, "-D", data, "-A", "trust", "-E", "UTF8",
                    "-U", "postgres", "--locale", "C", "--no-sync",
                    (char *)NULL);
        _exit(127);
    }
    return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}

/* The server writes "ready" as line 8 of postmaster.pid. */
static bool
temp_postgres_is_ready(void)
{
    char path[96];
    char line[256];
    FILE *file = NULL;
    bool ready = false;

    (void)snprintf(path, sizeof(path), "%s/data/postmaster.pid",
                   cluster.folder);
    file = fopen(path, "re");
    if (!file)
        return false;
    for (unsigned i = 1; i <= 8 && fgets(line, sizeof(line), file); i++)
        ready = i == 8 && strncmp(line, "ready", 5) == 0;
    (void)fclose(file);
    return ready;
}

static bool
temp_postgres_wait(void)
{
    for (unsigned waited = 0; waited < TEMP_POSTGRES_START_MS; waited += 5) {
        int status = 0;

        if (temp_postgres_is_ready())
            return true;
        if (waitpid(cluster.server, &status, WNOHANG) == cluster.server)
            break;
        (void)poll(NULL, 0, 5);
    }
    cluster.server = 0;
    return false;
}

bool
temp_postgres_restart(void)
{
    char data[80];
    char stale[96];
    char program[TEMP_POSTGRES_PROGRAM_MAX];
    pid_t parent = getpid();

    (void)snprintf(data, sizeof(data), "%s/data", cluster.folder);
    (void)snprintf(stale, sizeof(stale), "%s/postmaster.pid", data);
    (void)unlink(stale); /* a crashed one would read as ready */
    temp_postgres_program("postgres", program);
    cluster.server = fork();
    if (cluster.server == 0) {
        temp_postgres_become(parent);
        (void)execl(program, program, "-D", data, "-k", cluster.folder, "-c",
                    "listen_addresses=", "-c", "fsync=off", "-c",
                    "shared_buffers=16MB", "-c", "max_connections=40", "-c",
                    "autovacuum=off", (char *)NULL);
        _exit(127);
    }
    if (cluster.server > 0 && temp_postgres_wait())
        return true;
    (void)fprintf(stderr, "temp_postgres: see %s/log\n", cluster.folder);
    return false;
}

bool
temp_postgres_start(void)
{
    if (!temp_postgres_find()) {
        (void)fprintf(stderr, "temp_postgres: no PostgreSQL server here\n");
        return false;
    }
    cluster.account = geteuid() == 0 ? getpwnam("postgres") : NULL;
    cluster.owner = getpid();
    (void)snprintf(cluster.folder, sizeof(cluster.folder), "/tmp/ss-pg-XXXXXX");
    if (!mkdtemp(cluster.folder) || atexit(temp_postgres_end) != 0)
        return false;
    if (cluster.account && chown(cluster.folder, cluster.account->pw_uid,
                                 cluster.account->pw_gid) != 0)
        return false;
    if (!temp_postgres_initdb()) {
        (void)fprintf(stderr, "temp_postgres: initdb failed\n");
        return false;
    }
    return temp_postgres_restart();
}

void
temp_postgres_crash(void)
{
    int status = 0;

    if (cluster.server <= 0)
        return;
    (void)kill(cluster.server, SIGCONT);
    (void)kill(cluster.server, SIGQUIT);
    (void)waitpid(cluster.server, &status, 0);
    cluster.server = 0;
}

void
temp_postgres_retire(void)
{
    (void)kill(cluster.server, SIGTERM);
}

bool
temp_postgres_has_ended(void)
{
    int status = 0;

    if (cluster.server > 0 &&
        waitpid(cluster.server, &status, WNOHANG) == cluster.server)
        cluster.server = 0;
    return cluster.server <= 0;
}

static int
temp_postgres_remove(const char *path, const struct stat *info, int kind,
                     struct FTW *place)
{
    (void)info;
    (void)kind;
    (void)place;
    (void)remove(path);
    return 0;
}

void
temp_postgres_end(void)
{
    if (!cluster.folder[0] || cluster.owner != getpid())
        return;
    temp_postgres_crash();
    (void)nftw(cluster.folder, temp_postgres_remove, 16, FTW_DEPTH | FTW_PHYS);
    cluster.folder[0] = '\0';
}

void
temp_postgres_url(const char *database, char out[TEMP_POSTGRES_URL_MAX])
{
    (void)snprintf(out, TEMP_POSTGRES_URL_MAX,
                   "host=%s user=postgres dbname=%s", cluster.folder, database);
}
