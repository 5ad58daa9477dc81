/* A model as the catalog knows it: identity, price, limits, abilities,
 * figures.
 *
 * Plain data; every slice points into the arena of the catalog it is in. */
#ifndef CORE_TYPES_MODEL_H
#define CORE_TYPES_MODEL_H

#include "core/base/slice.h"
#include "core/base/utc.h"
#include "core/types/vocabulary.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MODEL_ID_MAX 128    /* bytes of "vendor/name[:variant]" */
#define MODEL_EFFORT_MAX 16 /* bytes of an effort's name */

/* Why a model is in the catalog but not picked. */
enum model_standing {
    MODEL_CANDIDATE = 0,
    MODEL_RETIRED,  /* no longer offered; old names and ratings resolve */
    MODEL_ROUTER,   /* price -1: it only forwards to others */
    MODEL_ALIAS,    /* id starts with "~": another name of a model */
    MODEL_EXPIRED,  /* its expiration date has passed */
    MODEL_NOT_TEXT, /* does not answer with text */
    MODEL_STANDING_COUNT
};

/* What a model does when nobody asks it to think, or not to. */
enum reasoning_default {
    REASONING_DEFAULT_UNKNOWN, /* not said */
    REASONING_DEFAULT_ON,      /* thinks unless told not to, or always */
    REASONING_DEFAULT_OFF,     /* thinks only when asked */
};

/* One figure of one benchmark. Missing figures are absent, never 0. */
struct figure {
    enum benchmark benchmark;
    double value;     /* in the benchmark's unit, finite, within its bounds */
    double spread;    /* half-range over the rows combined into it; 0 for one */
    utc_day day;      /* when the source published it */
    enum source via;  /* who delivered it: Artificial Analysis figures may come
                         inside OpenRouter's entries */
    struct slice row; /* the name the source used */
};

struct model {
    struct slice id;              /* "anthropic/claude-opus-4.6", unique */
    struct slice name;            /* for people, without the vendor's prefix */
    struct slice provider;        /* "anthropic": the id's part before '/' */
    struct slice canonical_slug;  /* may be empty */
    struct slice hugging_face_id; /* may be empty */
    nusd_per_mtok prompt_price;
    nusd_per_mtok completion_price;
    uint32_t context_tokens;    /* 0 unknown */
    uint32_t max_output_tokens; /* 0 unknown */
    uint32_t capabilities;      /* BIT(enum capability) */
    uint32_t tags;              /* BIT(enum tag) */
    uint32_t sources;           /* BIT(enum source) with evidence */
    enum tier tier;
    enum model_standing standing;
    /* What is served by default, here and in default_effort. It says which rows
     * of a source are about the model as it is served, nothing else: it is not
     * of the content hash. */
    enum reasoning_default reasoning;
    utc_day created;                 /* UTC_DAY_NONE unknown */
    utc_day expires;                 /* UTC_DAY_NONE never */
    double output_tokens_per_second; /* NaN unknown */
    double time_to_first_token_s;    /* NaN unknown */
    struct slice default_effort;     /* "medium", …; empty unknown */
    const struct figure *figures;    /* ascending by benchmark, one each */
    size_t figure_count;
};

/* "candidate", "retired", … as clients see it; static storage. */
const char *model_standing_name(enum model_standing standing);
bool model_standing_find(struct slice name, enum model_standing *ret_standing);

/* The figure of a benchmark, or NULL. */
const struct figure *
model_figure(const struct model *model, enum benchmark benchmark);

/* "vendor/name", 3 to MODEL_ID_MAX bytes of [A-Za-z0-9._:~+-] and one '/'
 * or more, none at an end and no two in a row. What clients may send as a
 * model id. */
bool model_id_is_valid(struct slice id);
/* The id without a leading "openrouter/" (the prefix clients put before
 * ids) when a vendor follows: "openrouter/openai/x" is "openai/x", but
 * "openrouter/auto" is itself. */
struct slice model_id_bare(struct slice id);

#endif
