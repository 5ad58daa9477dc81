/* A throw-away PostgreSQL cluster for a test program.
 *
 * initdb in a folder of its own under /tmp, unix socket only, fsync off (a
 * test of durability against power loss would need it; none is here). Started
 * as root it belongs to, and runs as, the account `postgres`. It ends and its
 * folder is removed when the program exits; when the program is killed the
 * server ends too, but the folder stays. One cluster per test program:
 * databases are cheap. */
#ifndef TESTS_SUPPORT_TEMP_POSTGRES_H
#define TESTS_SUPPORT_TEMP_POSTGRES_H

#include <stdbool.h>

#define TEMP_POSTGRES_URL_MAX 256

/* Make and start the cluster; returns when it takes connections. False, with
 * the reason on stderr, when PostgreSQL is not installed or does not start. */
bool temp_postgres_start(void);
/* Stop the server at once (as a crash does; data stays) and start it again. */
void temp_postgres_crash(void);
bool temp_postgres_restart(void);
/* Tell the server to end when its clients have left (SIGTERM), and whether it
 * did; then it can be started again. */
void temp_postgres_retire(void);
bool temp_postgres_has_ended(void);
/* Stop and remove; also runs at exit. */
void temp_postgres_end(void);
/* The connection string of a database of the cluster. */
void temp_postgres_url(const char *database, char out[TEMP_POSTGRES_URL_MAX]);

#endif
