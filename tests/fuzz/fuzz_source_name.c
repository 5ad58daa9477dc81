/* Attacks the taking apart of names, and the alias table, with any bytes.
 * links: ingest
 * A core never holds a blank at its ends, and a name in capitals has the same
 * core as in small letters. */
#include "core/base/check.h"
#include "ingest/alias.h"
#include "ingest/name.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_case(struct arena *arena, struct slice text)
{
    char *upper = arena_text(arena, text);
    struct name name, same;

    CHECK(upper != NULL);
    for (size_t i = 0; i < text.len; i++)
        if (upper[i] >= 'a' && upper[i] <= 'z')
            upper[i] = (char)(upper[i] - ('a' - 'A'));
    for (int medium = 0; medium < 2; medium++) {
        name_parse(arena, text, medium != 0, &name);
        name_parse(arena, slice_make(upper, text.len), medium != 0, &same);
        CHECK(slice_eq(name.core, same.core));
        CHECK(name.mode == same.mode);
        CHECK(slice_eq(slice_trim(name.core), name.core));
        if (name_date_is_known(&name.date))
            (void)name_date_distance(&name.date, 20000);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice text = slice_make((const char *)data, size);
    struct arena *arena = arena_new(16u << 20);
    struct alias_table *table = NULL;
    size_t line = 0;

    CHECK(arena != NULL);
    if (alias_table_read(arena, text, &line, &table) == STATUS_OK)
        (void)alias_find(table, SOURCE_LMARENA, SLICE("x"));
    check_case(arena, text);
    arena_free(&arena);
    return 0;
}
