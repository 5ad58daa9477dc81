/* The bundled catalog, made from recorded payloads of the sources.
 *
 * The table in recordings.c names each recording: file, source, shape, day. A
 * recording that is not there is left out and said so; what is made is a pure
 * function of the recordings and of data/aliases.tsv. */
#ifndef SERVICES_INGESTD_RECORDINGS_H
#define SERVICES_INGESTD_RECORDINGS_H

#include "core/base/arena.h"
#include "core/base/status.h"
#include "core/types/catalog.h"
#include "ingest/alias.h"
#include "ingest/assemble.h"

struct recording {
    enum source source;
    bool is_older; /* only its ids count: what left OpenRouter since */
    bool is_vision;
    const char *day;
    const char *file;      /* below the folder */
    const char *companion; /* or NULL */
};

/* The recordings one by one, in the table's order; NULL past the last. */
const struct recording *recordings_at(size_t i);

/* Read the recordings under a folder and assemble them: the older OpenRouter
 * payload first, so that ids only it knows end as retired. ret_report (may be
 * NULL) and what it points to live in the arena. Expiry dates are judged as
 * of the newest recording. NOT_FOUND when no OpenRouter recording is there.
 * Problems are told on stderr. */
enum status
recordings_assemble(const char *folder, const struct alias_table *aliases,
                    struct arena *arena, struct assemble_report *ret_report,
                    struct catalog **ret_catalog) MUST_CHECK;

/* The whole errand of `--bundle`: aliases from data_folder, recordings from
 * recordings_folder, the bundle written to out_path, a summary on stdout.
 * Returns the exit status of the process. */
int recordings_bundle(const char *data_folder, const char *recordings_folder,
                      const char *out_path);

#endif
