/* Aliases: names that no rule can know, from data/aliases.tsv.
 *
 * A line is: source, name, id, mode, effort, why; tab-separated. source is a
 * source's name or * for all. id is an OpenRouter id, or - to say that the
 * name is none of them however alike it looks. mode is on, off or -; effort an
 * effort's name or -. '#' starts a comment line. An alias wins over every
 * rule; a source's own alias over one for all. Letter case does not matter, and
 * blanks, dots, dashes and underscores are one. */
#ifndef INGEST_ALIAS_H
#define INGEST_ALIAS_H

#include "core/base/arena.h"
#include "core/base/slice.h"
#include "core/base/status.h"
#include "core/types/vocabulary.h"
#include "ingest/name.h"

#include <stddef.h>

#define ALIAS_ROWS_MAX 20000
#define ALIAS_FILE_MAX (4u << 20) /* bytes */

struct alias {
    struct slice id; /* empty: the name is no model we know */
    enum name_mode mode;
    struct slice effort; /* may be empty */
};

struct alias_table;

/* Read the file's text; everything is copied into the arena. On failure
 * ret_line is the line that is wrong (from 1). INVALID_ARGUMENT for a wrong
 * line (also a second alias for one name), RESOURCE_EXHAUSTED past a limit. */
enum status alias_table_read(struct arena *arena, struct slice text,
                             size_t *ret_line,
                             struct alias_table **ret_table) MUST_CHECK;
/* The alias of a name in a source as it is compared, or NULL. table may be
 * NULL. */
const struct alias *alias_find(const struct alias_table *table,
                               enum source source, struct slice name);
/* Only one for all sources. */
const struct alias *
alias_find_general(const struct alias_table *table, struct slice name);

#endif
