/* A private PostgreSQL cluster for one home: where it lies, how it is made.
 *
 * It listens on a unix socket in a folder of mode 0700 and nowhere else, so
 * every local connection is trusted; root passes. It never runs as root: a
 * home of root keeps its cluster in /var/lib/smart-spawn/<hash of home>,
 * owned by Debian's service account, because that account cannot enter
 * /root. Starting and stopping is the supervisor's work. */
#ifndef SERVICES_LOCAL_CLUSTER_H
#define SERVICES_LOCAL_CLUSTER_H

#include "core/base/buf.h"
#include "core/base/status.h"
#include "services/runtime/home.h"

#include <stdbool.h>

#define CLUSTER_VERSION_MIN 15
#define CLUSTER_ERROR_MAX 1024
#define CLUSTER_PROGRAMS "/usr/lib/postgresql" /* Debian's <version>/bin */
#define CLUSTER_ACCOUNT "postgres"             /* Debian's service account */

struct cluster {
    char programs[HOME_PATH_MAX]; /* "/usr/lib/postgresql/15/bin" */
    char data[HOME_PATH_MAX];
    char socket[HOME_PATH_MAX]; /* the folder of its socket */
    unsigned version;           /* 15 */
    bool drops;                 /* runs as CLUSTER_ACCOUNT, as we are root */
};

/* Where the cluster of a home is or will be; changes nothing. An existing
 * cluster needs the programs of its own version, a new one gets the newest.
 * NOT_FOUND: no fitting PostgreSQL (or account) is installed; OUT_OF_RANGE:
 * a path is too long. ret_error (CLUSTER_ERROR_MAX) says what to do. */
enum status cluster_find(const char *home, char *ret_error,
                         struct cluster *ret_cluster) MUST_CHECK;
bool cluster_exists(const struct cluster *cluster);
/* initdb, role and database smart_spawn; complete or not there at all. Nothing
 * when it exists. INTERNAL with the output's end in ret_error. */
enum status
cluster_create(const struct cluster *cluster, char *ret_error) MUST_CHECK;
/* Remove a cluster that does not run, with everything in it. INTERNAL. */
enum status
cluster_delete(const struct cluster *cluster, char *ret_error) MUST_CHECK;
/* The folder of the socket, with its owner; under /run it is gone after each
 * boot. */
enum status
cluster_make_socket_folder(const struct cluster *cluster) MUST_CHECK;
/* libpq's connection string. */
void cluster_url(const struct cluster *cluster, struct buf *out);
/* A run script of sh that replaces itself with the server. */
void cluster_run_script(const struct cluster *cluster, struct buf *out);
/* A script that exits 0 when the server answers. */
void cluster_check_script(const struct cluster *cluster, struct buf *out);
/* Text as one word of sh. */
void cluster_quote(struct buf *out, const char *text);

#endif
