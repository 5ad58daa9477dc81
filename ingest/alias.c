/* The alias table: lines to a map from "source tab name" to an alias. */
#include "ingest/alias.h"

#include "core/base/map.h"
#include "core/base/text.h"
#include "core/types/model.h"
#include "ingest/record.h"

#define COLUMNS 6
#define SOURCE_ALL "*"

struct alias_table {
    struct map *by_key;
    struct alias *aliases;
    size_t count;
};

/* Room for "source\tname". */
struct key {
    char bytes[RECORD_NAME_MAX + 64];
};

static struct slice
make_key(const char *source, struct slice name, struct key *key)
{
    size_t len = strlen(source);

    memcpy(key->bytes, source, len);
    key->bytes[len++] = '\t';
    name_lower(name, key->bytes + len);
    for (size_t i = len; i < len + name.len; i++)
        if (key->bytes[i] == ' ' || key->bytes[i] == '.' ||
            key->bytes[i] == '_')
            key->bytes[i] = '-';
    return slice_make(key->bytes, len + name.len);
}

/* The source's name as a static text, or NULL. */
static const char *
find_source(struct slice text)
{
    enum source source;

    if (slice_eq(text, SLICE(SOURCE_ALL)))
        return SOURCE_ALL;
    return source_find(text, &source) ? source_name(source) : NULL;
}

static bool
find_mode(struct slice text, enum name_mode *ret_mode)
{
    static const struct {
        const char *text;
        enum name_mode mode;
    } modes[] = {
        {"-", NAME_MODE_NONE}, {"on", NAME_MODE_ON}, {"off", NAME_MODE_OFF}};

    for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
        if (!slice_eq(text, slice_of(modes[i].text)))
            continue;
        *ret_mode = modes[i].mode;
        return true;
    }
    return false;
}

static enum status
read_line(struct arena *arena, struct alias_table *table, struct slice line)
{
    struct alias *alias = &table->aliases[table->count];
    struct slice columns[COLUMNS];
    const char *source;
    struct key key;
    size_t count = 0;

    while (count < COLUMNS && slice_split(&line, '\t', &columns[count]))
        count++;
    if (count != COLUMNS || line.ptr != NULL)
        return STATUS_INVALID_ARGUMENT;
    source = find_source(columns[0]);
    if (source == NULL || !record_name_is_valid(columns[1]) ||
        !find_mode(columns[3], &alias->mode) ||
        columns[4].len > RECORD_EFFORT_MAX)
        return STATUS_INVALID_ARGUMENT;
    alias->id = alias->effort = SLICE("");
    if (!slice_eq(columns[2], SLICE("-"))) {
        if (!model_id_is_valid(columns[2]))
            return STATUS_INVALID_ARGUMENT;
        alias->id = arena_slice(arena, columns[2]);
    }
    if (!slice_eq(columns[4], SLICE("-")))
        alias->effort = arena_slice(arena, columns[4]);
    if (map_add(table->by_key, make_key(source, columns[1], &key),
                (uint32_t)table->count) != STATUS_OK)
        return arena_ok(arena) ? STATUS_INVALID_ARGUMENT
                               : STATUS_RESOURCE_EXHAUSTED;
    table->count++;
    return STATUS_OK;
}

static size_t
count_lines(struct slice text)
{
    size_t lines = 1;

    for (size_t i = 0; i < text.len; i++)
        lines += text.ptr[i] == '\n';
    return lines;
}

enum status
alias_table_read(struct arena *arena, struct slice text, size_t *ret_line,
                 struct alias_table **ret_table)
{
    struct alias_table *table = ARENA_NEW(arena, struct alias_table);
    size_t lines = count_lines(text), number = 0;
    struct slice line;
    enum status status;

    if (table == NULL || lines > ALIAS_ROWS_MAX || text.len > ALIAS_FILE_MAX)
        return STATUS_RESOURCE_EXHAUSTED;
    table->aliases = ARENA_ARRAY(arena, struct alias, lines);
    table->by_key = map_new(arena, lines);
    if (!arena_ok(arena))
        return STATUS_RESOURCE_EXHAUSTED;
    while (slice_split(&text, '\n', &line)) {
        number++;
        if (line.len == 0 || line.ptr[0] == '#')
            continue;
        status = read_line(arena, table, line);
        if (status == STATUS_OK)
            continue;
        *ret_line = number;
        return status;
    }
    *ret_table = table;
    return STATUS_OK;
}

const struct alias *
alias_find_general(const struct alias_table *table, struct slice name)
{
    struct key key;
    uint32_t at;

    if (table == NULL || name.len > RECORD_NAME_MAX ||
        !map_find(table->by_key, make_key(SOURCE_ALL, name, &key), &at))
        return NULL;
    return &table->aliases[at];
}

const struct alias *
alias_find(const struct alias_table *table, enum source source,
           struct slice name)
{
    struct key key;
    uint32_t at;

    if (table == NULL || name.len > RECORD_NAME_MAX)
        return NULL;
    if (map_find(table->by_key, make_key(source_name(source), name, &key),
                 &at) ||
        map_find(table->by_key, make_key(SOURCE_ALL, name, &key), &at))
        return &table->aliases[at];
    return NULL;
}
