/* Files that ingest needs, read whole: payloads, aliases, the bundled
 * catalog. */
#ifndef SERVICES_INGESTD_DATA_FILES_H
#define SERVICES_INGESTD_DATA_FILES_H

#include "core/base/status.h"
#include "core/types/catalog.h"
#include "ingest/alias.h"

#define DATA_FILES_PAYLOAD_MAX (32u << 20) /* bytes of a payload */
#define DATA_FILES_ERROR_MAX 512

/* The data folder, which holds catalog.json or aliases.tsv: `configured` when
 * it is not empty, else SMART_SPAWN_DATA, else the first of the source tree's
 * (beside the build) and /usr/share/smart-spawn/data. out has HOME_PATH_MAX
 * bytes. NOT_FOUND when there is none, or the one that was named is none. */
enum status data_files_folder(const char *configured, char *out) MUST_CHECK;
/* "folder/name" into out (HOME_PATH_MAX bytes). OUT_OF_RANGE. */
enum status
data_files_path(const char *folder, const char *name, char *out) MUST_CHECK;

/* Read folder/aliases.tsv into the arena. error (DATA_FILES_ERROR_MAX bytes)
 * tells a person what is wrong. */
enum status data_files_aliases(const char *folder, struct arena *arena,
                               char *error,
                               struct alias_table **ret_table) MUST_CHECK;
/* Read folder/catalog.json. */
enum status data_files_bundle(const char *folder, utc_day today, char *error,
                              struct catalog **ret_catalog) MUST_CHECK;

#endif
