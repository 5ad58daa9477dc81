/* What is known of a catalog's sources, as JSON for people who look into the
 * table catalog_versions: {"openrouter": {"state": …, "rows": …}, …}. */
#ifndef SERVICES_INGESTD_SOURCE_STATES_H
#define SERVICES_INGESTD_SOURCE_STATES_H

#include "core/base/buf.h"
#include "core/types/catalog.h"

#define SOURCE_STATES_MAX 65536

void source_states_write(const struct catalog *catalog, struct buf *out);

#endif
