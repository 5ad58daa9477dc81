/* Bringing a database's schema to the program's version.
 *
 * Migrations are services/store/migrations/NNNN_what.sql, compiled in. They
 * are applied in order, each in a transaction of its own together with its
 * row in schema_migrations (version, name, hash of the text, time). An
 * advisory lock lets one migrator work at a time; others wait for it and
 * then find nothing to do. Synchronous: for a command, never for a daemon.
 *
 * Refused, with nothing changed: a database that is newer than the program,
 * an applied file whose text is another now, a gap in the numbers. */
#ifndef SERVICES_STORE_MIGRATE_H
#define SERVICES_STORE_MIGRATE_H

#include "core/base/status.h"

#include <stddef.h>

#define MIGRATE_ERROR_MAX 640
#define MIGRATE_WAIT_S 60 /* for another migrator */

struct migration {
    unsigned version; /* 1, 2, 3, … without gaps */
    const char *name; /* "0001_feedback" */
    const char *sql;
};

/* The compiled-in migrations, ascending. */
const struct migration *migrate_list(size_t *ret_count);
/* The version of a database after migrate_run; what a store must find. */
unsigned migrate_newest(void);

typedef void (*migrate_applied_fn)(void *context,
                                   const struct migration *migration);

struct migrate_job {
    const char *url;
    const struct migration *migrations; /* NULL: migrate_list() */
    size_t count;
    migrate_applied_fn applied; /* after each commit; may be NULL */
    void *context;
};

/* Apply what is missing. UNAVAILABLE (no connection), FAILED_PRECONDITION
 * (refused, see above), ABORTED (another migrator held the lock too long),
 * or the status of the failing SQL, whose migration is rolled back while
 * earlier ones stay. ret_error (MIGRATE_ERROR_MAX bytes) tells a person. */
enum status
migrate_run(const struct migrate_job *job, char *ret_error) MUST_CHECK;

#endif
