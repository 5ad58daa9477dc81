/* Matching: which model of OpenRouter a source's row is about.
 *
 * First data/aliases.tsv decides. Rows of the Hugging Face board are then
 * matched by hugging_face_id alone. Every other name is taken apart (name.h)
 * and compared with the four names a model has, strongest first: its id, its
 * name, its Hugging Face id, its canonical slug. The core must be equal; what
 * stands beside it must agree:
 *
 *   date    two known dates must fit. A dated row is an undated model only
 *           when the date is the model's own: in its canonical slug, or at
 *           most MATCH_DAYS_BEFORE days before it appeared. An undated row is
 *           a dated model only when a version number pins it and there is no
 *           undated one.
 *   mode    a thinking row is a model that can think; a model whose id says
 *           thinking is matched by thinking rows only.
 *   effort  an id that says high is matched by high rows only.
 *   latest  a row that says latest is a model only beside a version number:
 * what else would be the newest changes. vendor  a vendor before a slash that
 * has models must be the model's own. early   a preview row is a final model
 * only within MATCH_DAYS_EARLY days; a row that leaves "preview" out may be the
 * preview.
 *
 * Of several models that pass the one that agrees in most is taken; a tie is
 * ambiguous and matches nothing. ":free" and its like are not matched: they
 * inherit from their base. Ids with '~' and routers are never matched. */
#ifndef INGEST_MATCH_H
#define INGEST_MATCH_H

#include "core/base/arena.h"
#include "core/base/slice.h"
#include "core/types/model.h"
#include "ingest/alias.h"
#include "ingest/name.h"
#include "ingest/record.h"

#include <stdint.h>

#define MATCH_CANDIDATES_MAX 8
#define MATCH_DAYS_BEFORE 45 /* snapshots are dated before they are offered */
#define MATCH_DAYS_AFTER 7   /* or named a few days after */
#define MATCH_DAYS_EARLY 7

enum match_rule {
    MATCH_NONE,         /* no model */
    MATCH_AMBIGUOUS,    /* several, equally likely */
    MATCH_ALIAS,        /* data/aliases.tsv */
    MATCH_ID,           /* the model's id */
    MATCH_NAME,         /* its name for people */
    MATCH_HUGGING_FACE, /* its Hugging Face id */
    MATCH_CANONICAL,    /* its canonical slug */
    MATCH_RULE_COUNT
};

/* Why a model of the same core is not the one. */
enum match_miss {
    MATCH_MISS_TIE,    /* it is as near as another */
    MATCH_MISS_DATE,   /* a date or build of its own */
    MATCH_MISS_MODE,   /* one is about thinking, the other cannot or does not */
    MATCH_MISS_EFFORT, /* its id says an effort, the row another or none */
    MATCH_MISS_EARLY,  /* the row is a preview of it */
    MATCH_MISS_LATEST, /* the row names no version, but the latest */
    MATCH_MISS_VENDOR, /* the row names another vendor */
    MATCH_MISS_COUNT
};

struct match_candidate {
    uint32_t model;
    enum match_miss why;
};

struct match {
    enum match_rule rule;
    uint32_t model; /* index, where a model was found */
    /* Which variant of the model the row is about. */
    enum name_mode mode;
    struct slice effort; /* lives with the index or is static; may be empty */
    /* Models of the same core, for NONE and AMBIGUOUS. */
    struct match_candidate candidates[MATCH_CANDIDATES_MAX];
    size_t candidate_count;
};

struct match_index;

/* An index over models (ascending by id, borrowed), in the arena. NULL when
 * the arena is full. aliases may be NULL. */
struct match_index *match_index_new(struct arena *arena,
                                    const struct model *models, size_t count,
                                    const struct alias_table *aliases);
/* Answer for one name of a source. */
void match_find(const struct match_index *index, enum source source,
                struct slice name, struct match *ret_match);
bool match_found(const struct match *match);
/* Answer for a name of which nobody says where it is from: an id itself; what
 * the aliases for all sources and the rules say; Hugging Face ids; the aliases
 * of single sources; where those differ it is ambiguous. */
void match_find_anywhere(const struct match_index *index, struct slice name,
                         struct match *ret_match);

/* "id", "hugging-face", …; "date", …: static storage. */
const char *match_rule_name(enum match_rule rule);
const char *match_miss_name(enum match_miss miss);
/* Which variant it is about in words, into out (MATCH_VARIANT_MAX bytes):
 * "thinking", "non-thinking", "high", "thinking high"; "" when the row says
 * neither. */
#define MATCH_VARIANT_MAX (16 + RECORD_EFFORT_MAX)
void match_variant(const struct match *match, char *out);

/* The model a variant inherits from: "a/b" for "a/b:free". */
struct slice match_base_id(struct slice id);

#endif
