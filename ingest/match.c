/* Matching by cores: one map from a core to the models that carry it. A
 * lookup parses the row's name once or twice, filters the few models of that
 * core and ranks what is left. Never merges what only looks alike. */
#include "ingest/match.h"

#include "core/base/check.h"
#include "core/base/map.h"
#include "core/base/text.h"
#include "ingest/record.h"

#include <stdio.h>
#include <stdlib.h>

#define ENTRIES_PER_MODEL 4
#define NO_ENTRY UINT32_MAX

/* One name of one model. */
struct entry {
    uint32_t model;
    enum match_rule via;
    struct name name;
    uint32_t next; /* with the same core */
};

struct match_index {
    const struct model *models;
    size_t model_count;
    const struct alias_table *aliases;
    struct entry *entries;
    size_t entry_count;
    struct map *by_core;         /* -> first entry */
    struct map *by_id;           /* -> model */
    struct map *providers;       /* that have models */
    struct map *by_hugging_face; /* lower case -> model */
    struct name_date *canonical; /* date of each model's canonical slug */
    struct arena *scratch;       /* for the row being looked up */
};

static const struct slice thinking = {.ptr = ":thinking", .len = 9};

struct slice
match_base_id(struct slice id)
{
    ptrdiff_t colon = slice_find(id, SLICE(":"));

    return colon > 0 ? slice_cut(id, 0, (size_t)colon) : id;
}

static struct slice
tail(struct slice id)
{
    for (size_t i = id.len; i > 0; i--)
        if (id.ptr[i - 1] == '/')
            return slice_cut(id, i, id.len);
    return id;
}

/* A model that rows may be about: no alias id, no router, and of a base and
 * its variants only one, the base where it exists. */
static bool
is_matchable(const struct match_index *index, uint32_t at)
{
    const struct model *model = &index->models[at];
    struct slice base = match_base_id(model->id);
    uint32_t other;

    if (slice_starts(model->id, SLICE("~")) ||
        model->standing == MODEL_ROUTER || model->standing == MODEL_ALIAS)
        return false;
    if (base.len == model->id.len || slice_ends(model->id, thinking))
        return true;
    if (map_find(index->by_id, base, &other))
        return false;
    /* Ascending ids: an earlier variant of the same base comes just before. */
    return at == 0 || !slice_eq(match_base_id(index->models[at - 1].id), base);
}

static enum status
add_entry(struct match_index *index, uint32_t model, enum match_rule via,
          const struct name *name)
{
    struct entry *entry = &index->entries[index->entry_count];
    uint32_t first;

    if (name->core.len == 0)
        return STATUS_OK;
    *entry = (struct entry){
        .model = model, .via = via, .name = *name, .next = NO_ENTRY};
    if (map_find(index->by_core, name->core, &first))
        entry->next = first;
    index->entry_count++;
    return map_set(index->by_core, name->core,
                   (uint32_t)(index->entry_count - 1));
}

static struct name
parse_id(struct arena *arena, struct slice id)
{
    struct name name;
    struct slice base = slice_ends(id, thinking) ? id : match_base_id(id);

    name_parse(arena, tail(base), false, &name);
    return name;
}

static enum status
add_hugging_face(struct match_index *index, struct arena *arena, uint32_t at)
{
    const struct model *model = &index->models[at];
    struct slice key;
    enum status status;
    struct name name;

    if (model->hugging_face_id.len == 0)
        return STATUS_OK;
    key = text_lower(arena, model->hugging_face_id);
    status = map_add(index->by_hugging_face, key, at);
    if (status == STATUS_ALREADY_EXISTS) {
        uint32_t other = at;

        (void)map_find(index->by_hugging_face, key, &other);
        if (index->models[other].standing == MODEL_RETIRED &&
            model->standing != MODEL_RETIRED)
            status = map_set(index->by_hugging_face, key, at);
        else
            status = STATUS_OK;
    }
    if (status != STATUS_OK)
        return status;
    name_parse(arena, tail(model->hugging_face_id), false, &name);
    return add_entry(index, at, MATCH_HUGGING_FACE, &name);
}

/* A canonical slug also dates its model: "claude-4-opus-20250522". It stands
 * for the model by itself only when it does not contradict a date that the id
 * has. */
static enum status
add_canonical(struct match_index *index, struct arena *arena, uint32_t at,
              const struct name *id)
{
    const struct model *model = &index->models[at];
    struct name name;

    if (model->canonical_slug.len == 0)
        return STATUS_OK;
    name_parse(arena, tail(match_base_id(model->canonical_slug)), false, &name);
    index->canonical[at] = name.date;
    if (!name_date_fits(&name.date, &id->date))
        return STATUS_OK;
    if (name.mode == NAME_MODE_NONE)
        name.mode = id->mode;
    return add_entry(index, at, MATCH_CANONICAL, &name);
}

static enum status
add_model(struct match_index *index, struct arena *arena, uint32_t at)
{
    const struct model *model = &index->models[at];
    struct name id = parse_id(arena, model->id), name;
    enum status status = add_entry(index, at, MATCH_ID, &id);

    if (status == STATUS_OK && model->name.len > 0) {
        name_parse(arena, model->name, false, &name);
        if (name.mode == NAME_MODE_NONE)
            name.mode = id.mode;
        status = add_entry(index, at, MATCH_NAME, &name);
    }
    /* Both have one Hugging Face id; it is the base's. */
    if (status == STATUS_OK && !slice_ends(model->id, thinking))
        status = add_hugging_face(index, arena, at);
    if (status == STATUS_OK)
        status = add_canonical(index, arena, at, &id);
    return status;
}

struct match_index *
match_index_new(struct arena *arena, const struct model *models, size_t count,
                const struct alias_table *aliases)
{
    struct match_index *index = ARENA_NEW(arena, struct match_index);

    if (index == NULL)
        return NULL;
    index->models = models;
    index->model_count = count;
    index->aliases = aliases;
    index->entries =
        ARENA_ARRAY(arena, struct entry, count * ENTRIES_PER_MODEL);
    index->canonical = ARENA_ARRAY(arena, struct name_date, count);
    index->by_core = map_new(arena, count * ENTRIES_PER_MODEL);
    index->by_id = map_new(arena, count);
    index->providers = map_new(arena, count);
    index->by_hugging_face = map_new(arena, count);
    index->scratch = arena;
    if (!arena_ok(arena))
        return NULL;
    for (uint32_t i = 0; i < count; i++)
        if (map_set(index->by_id, models[i].id, i) != STATUS_OK ||
            map_set(index->providers, models[i].provider, i) != STATUS_OK)
            return NULL;
    for (uint32_t i = 0; i < count; i++)
        if (is_matchable(index, i) && add_model(index, arena, i) != STATUS_OK)
            return NULL;
    return arena_ok(arena) ? index : NULL;
}

/* The row's date is the model's own. */
static bool
date_is_of(const struct match_index *index, const struct entry *entry,
           const struct name *row)
{
    const struct model *model = &index->models[entry->model];
    const struct name_date *canonical = &index->canonical[entry->model];
    bool is_early = row->is_early && !entry->name.is_early;
    int32_t distance;

    if (name_date_is_known(canonical) && name_date_fits(canonical, &row->date))
        return true;
    if (model->created == UTC_DAY_NONE)
        return false;
    distance = name_date_distance(&row->date, model->created);
    if (is_early)
        return abs(distance) <= MATCH_DAYS_EARLY;
    return distance >= -MATCH_DAYS_AFTER && distance <= MATCH_DAYS_BEFORE;
}

static bool
dates_agree(const struct match_index *index, const struct entry *entry,
            const struct name *row)
{
    bool row_dated = name_date_is_known(&row->date);
    bool entry_dated = name_date_is_known(&entry->name.date);

    if (row->build != 0 && entry->name.build != 0 &&
        row->build != entry->name.build)
        return false;
    if (row_dated && entry_dated)
        return name_date_fits(&row->date, &entry->name.date);
    if (row_dated)
        return date_is_of(index, entry, row);
    return !entry_dated || row->has_version;
}

/* Some vendors have two names, of which one is longer: meta and meta-llama. */
static bool
is_vendor(struct slice a, struct slice b)
{
    return slice_starts(a, b) || slice_starts(b, a);
}

/* Whether the row may be about the entry's model; if not, *ret_why. */
static bool
may_be(const struct match_index *index, const struct entry *entry,
       const struct name *row, enum match_miss *ret_why)
{
    const struct name *name = &entry->name;
    const struct model *model = &index->models[entry->model];
    bool thinks = (model->capabilities & BIT(CAPABILITY_REASONING)) != 0;

    *ret_why = MATCH_MISS_TIE;
    if (row->vendor.len > 0 && !is_vendor(row->vendor, model->provider))
        *ret_why = MATCH_MISS_VENDOR;
    else if (row->is_latest && !row->has_version && !name->is_latest)
        *ret_why = MATCH_MISS_LATEST;
    else if (!dates_agree(index, entry, row))
        *ret_why = MATCH_MISS_DATE;
    else if (name->mode == NAME_MODE_ON ? row->mode != NAME_MODE_ON
                                        : row->mode == NAME_MODE_ON && !thinks)
        *ret_why = MATCH_MISS_MODE;
    else if (name->effort.len > 0 && !slice_eq(name->effort, row->effort))
        *ret_why = MATCH_MISS_EFFORT;
    else if (row->is_early && !name->is_early &&
             !name_date_is_known(&row->date))
        *ret_why = MATCH_MISS_EARLY;
    return *ret_why == MATCH_MISS_TIE;
}

/* How far two names that may be one differ; the weights order what matters. */
static unsigned
difference(const struct match_index *index, const struct entry *entry,
           const struct name *row)
{
    const struct name *name = &entry->name;
    bool row_dated = name_date_is_known(&row->date);
    bool entry_dated = name_date_is_known(&name->date);
    unsigned sum = 0;

    /* An undated name is the undated model before it is anything else: a
     * dated one of the same core is a later release. */
    sum += name->mode != row->mode ? 64 : 0;
    sum += !slice_eq(name->effort, row->effort) ? 32 : 0;
    sum += !row_dated && entry_dated ? 128 : 0;
    sum += row_dated && !entry_dated ? 8 : 0;
    sum += name->is_early != row->is_early ? 4 : 0;
    sum += name->is_instruct != row->is_instruct ? 2 : 0;
    sum += index->models[entry->model].standing == MODEL_RETIRED ? 1 : 0;
    return sum;
}

/* By its strongest name that was looked at, which comes first. */
static void
note_candidate(struct match *match, uint32_t model, enum match_miss why)
{
    for (size_t i = 0; i < match->candidate_count; i++)
        if (match->candidates[i].model == model)
            return;
    if (match->candidate_count < MATCH_CANDIDATES_MAX)
        match->candidates[match->candidate_count++] =
            (struct match_candidate){model, why};
}

/* Look among the names of one kind; false when none passes. */
static bool
resolve(const struct match_index *index, uint32_t first, enum match_rule via,
        const struct name *row, struct match *match)
{
    unsigned best = UINT32_MAX;
    bool found = false, tie = false;

    for (uint32_t i = first; i != NO_ENTRY; i = index->entries[i].next) {
        const struct entry *entry = &index->entries[i];
        enum match_miss why;
        unsigned sum;

        if (entry->via != via)
            continue;
        if (!may_be(index, entry, row, &why)) {
            note_candidate(match, entry->model, why);
            continue;
        }
        note_candidate(match, entry->model, MATCH_MISS_TIE);
        sum = difference(index, entry, row);
        if (!found || sum < best) {
            match->model = entry->model;
            best = sum;
            tie = false;
        } else if (sum == best && entry->model != match->model) {
            tie = true;
        }
        found = true;
    }
    if (found)
        match->rule = tie ? MATCH_AMBIGUOUS : via;
    return found;
}

static bool
find_parsed(const struct match_index *index, const struct name *row,
            struct match *match)
{
    uint32_t first;

    match->mode = row->mode;
    match->effort = row->effort;
    if (row->core.len == 0 || !map_find(index->by_core, row->core, &first))
        return false;
    for (int via = MATCH_ID; via < MATCH_RULE_COUNT; via++)
        if (resolve(index, first, (enum match_rule)via, row, match))
            return true;
    return false;
}

/* The vendor before a slash; empty when it is none that has models. */
static struct slice
vendor_of(const struct match_index *index, struct slice text)
{
    ptrdiff_t slash = slice_find(text, SLICE("/"));
    struct slice vendor;
    uint32_t any;

    if (slash <= 0)
        return SLICE("");
    vendor = text_lower(index->scratch, slice_cut(text, 0, (size_t)slash));
    return map_find(index->providers, vendor, &any) ? vendor : SLICE("");
}

static void
find_by_name(const struct match_index *index, struct slice text,
             struct match *match)
{
    struct slice vendor = vendor_of(index, text);
    struct name row;

    name_parse(index->scratch, text, false, &row);
    row.vendor = vendor;
    if (find_parsed(index, &row, match) || !row.ends_in_medium)
        return;
    name_parse(index->scratch, text, true, &row);
    row.vendor = vendor;
    (void)find_parsed(index, &row, match);
}

static void
find_by_alias(const struct match_index *index, const struct alias *alias,
              struct match *match)
{
    uint32_t model;

    match->mode = alias->mode;
    match->effort = alias->effort;
    if (alias->id.len == 0 || !map_find(index->by_id, alias->id, &model))
        return;
    match->model = model;
    match->rule = MATCH_ALIAS;
}

static void
find_hugging_face(const struct match_index *index, struct slice name,
                  struct match *match)
{
    char lower[RECORD_NAME_MAX];
    uint32_t model;

    if (name.len > sizeof(lower))
        return;
    name_lower(name, lower);
    if (!map_find(index->by_hugging_face, slice_make(lower, name.len), &model))
        return;
    match->model = model;
    match->rule = MATCH_HUGGING_FACE;
}

void
match_find(const struct match_index *index, enum source source,
           struct slice name, struct match *ret_match)
{
    const struct alias *alias = alias_find(index->aliases, source, name);

    *ret_match = (struct match){.rule = MATCH_NONE, .effort = SLICE("")};
    if (alias != NULL) {
        find_by_alias(index, alias, ret_match);
        return;
    }
    if (source == SOURCE_HF_LEADERBOARD) {
        find_hugging_face(index, name, ret_match);
        return;
    }
    find_by_name(index, name, ret_match);
}

/* What aliases of single sources say, when they say one thing. */
static void
find_by_any_alias(const struct match_index *index, struct slice name,
                  struct match *match)
{
    for (size_t s = 0; s < SOURCE_COUNT; s++) {
        const struct alias *alias =
            alias_find(index->aliases, (enum source)s, name);
        struct match one = {.rule = MATCH_NONE, .effort = SLICE("")};

        if (alias != NULL)
            find_by_alias(index, alias, &one);
        if (one.rule == MATCH_NONE)
            continue;
        note_candidate(match, one.model, MATCH_MISS_TIE);
        one.candidate_count = match->candidate_count;
        memcpy(one.candidates, match->candidates, sizeof(one.candidates));
        if (match->rule != MATCH_NONE && match->model != one.model)
            one.rule = MATCH_AMBIGUOUS;
        *match = one;
        if (one.rule == MATCH_AMBIGUOUS)
            return;
    }
}

void
match_find_anywhere(const struct match_index *index, struct slice name,
                    struct match *ret_match)
{
    const struct alias *alias = alias_find_general(index->aliases, name);

    *ret_match = (struct match){.rule = MATCH_NONE, .effort = SLICE("")};
    if (map_find(index->by_id, name, &ret_match->model)) {
        ret_match->rule = MATCH_ID;
        return;
    }
    if (alias != NULL) {
        find_by_alias(index, alias, ret_match);
        return;
    }
    find_by_name(index, name, ret_match);
    if (ret_match->rule == MATCH_NONE)
        find_hugging_face(index, name, ret_match);
    if (ret_match->rule == MATCH_NONE)
        find_by_any_alias(index, name, ret_match);
}

const char *
match_rule_name(enum match_rule rule)
{
    static const char *const names[MATCH_RULE_COUNT] = {
        [MATCH_NONE] = "none",
        [MATCH_AMBIGUOUS] = "ambiguous",
        [MATCH_ALIAS] = "alias",
        [MATCH_ID] = "id",
        [MATCH_NAME] = "name",
        [MATCH_HUGGING_FACE] = "hugging-face",
        [MATCH_CANONICAL] = "canonical-slug",
    };

    return names[rule];
}

const char *
match_miss_name(enum match_miss miss)
{
    static const char *const names[MATCH_MISS_COUNT] = {
        [MATCH_MISS_TIE] = "tie",       [MATCH_MISS_DATE] = "date",
        [MATCH_MISS_MODE] = "mode",     [MATCH_MISS_EFFORT] = "effort",
        [MATCH_MISS_EARLY] = "preview", [MATCH_MISS_LATEST] = "latest",
        [MATCH_MISS_VENDOR] = "vendor",
    };

    return names[miss];
}

void
match_variant(const struct match *match, char *out)
{
    static const char *const modes[] = {[NAME_MODE_NONE] = "",
                                        [NAME_MODE_ON] = "thinking",
                                        [NAME_MODE_OFF] = "non-thinking"};
    const char *mode = modes[match->mode];

    (void)snprintf(out, MATCH_VARIANT_MAX, "%s%s%.*s", mode,
                   *mode && match->effort.len > 0 ? " " : "",
                   SLICE_ARG(match->effort));
}

bool
match_found(const struct match *match)
{
    return match->rule > MATCH_AMBIGUOUS;
}
