/* The lexicon as an open-addressing table: keys apart from entries, so that
 * the many words that are not in it cost one line of cache. It is built once
 * and never changes. */
#include "router/lexicon.h"

#include "core/base/check.h"
#include "router/words.h"

/* A power of two, at most half full with every phrase's prefixes. */
#define SLOTS 16384u

struct row {
    const char *phrase;
    enum category category;
    float weight;
};

struct mark {
    enum category category;
    float weight;
};

static const struct row rows[] = {
#define MARK(symbol, category, weight, why)
#define FEATURE(phrase, category, weight)                                      \
    {phrase, CATEGORY_##category, (float)(weight)},
#include "router/lexicon.def"
#undef FEATURE
#undef MARK
};

static const struct mark marks[] = {
#define MARK(symbol, category, weight, why)                                    \
    [LEXICON_MARK_##symbol] = {CATEGORY_##category, (float)(weight)},
#define FEATURE(phrase, category, weight)
#include "router/lexicon.def"
#undef FEATURE
#undef MARK
};

/* `general` is an answer: a text has to speak up for another category. The
 * figure is the weight of one clear hint. */
static const float bias[CATEGORY_COUNT] = {[CATEGORY_GENERAL] = 1.0f};

struct lexicon {
    uint64_t *keys;                /* 0: free */
    struct lexicon_entry *entries; /* beside keys */
    size_t used;                   /* slots */
    size_t features;
};

static size_t
slot_of(const struct lexicon *lexicon, uint64_t key)
{
    size_t slot = (size_t)(key & (SLOTS - 1));
    while (lexicon->keys[slot] != 0 && lexicon->keys[slot] != key)
        slot = (slot + 1) & (SLOTS - 1);
    return slot;
}

static struct lexicon_entry *
take(struct lexicon *lexicon, uint64_t key)
{
    size_t slot = slot_of(lexicon, key);
    if (lexicon->keys[slot] == 0) {
        CHECK(key != 0);
        CHECK(++lexicon->used <= SLOTS / 2);
        lexicon->keys[slot] = key;
    }
    return &lexicon->entries[slot];
}

static void
add_row(struct lexicon *lexicon, const struct row *row)
{
    struct words words;
    struct word word;
    uint64_t key = 0;
    size_t count = 0;
    struct lexicon_entry *entry = NULL;

    words_init(&words, slice_of(row->phrase));
    while (words_next(&words, &word)) {
        CHECK(count < LEXICON_PHRASE_MAX);
        if (entry != NULL)
            entry->is_prefix = true;
        key = count == 0 ? word.key : words_join(key, word.key);
        entry = take(lexicon, key);
        count++;
    }
    CHECK(entry != NULL);
    if (!entry->is_feature) {
        CHECK(lexicon->features < LEXICON_FEATURES_MAX);
        entry->is_feature = true;
        entry->feature = (uint16_t)lexicon->features++;
    }
    entry->weight[row->category] += row->weight;
}

const struct lexicon *
lexicon_new(struct arena *arena)
{
    struct lexicon *lexicon = ARENA_NEW(arena, struct lexicon);
    uint64_t *keys = ARENA_ARRAY(arena, uint64_t, SLOTS);
    struct lexicon_entry *entries =
        ARENA_ARRAY(arena, struct lexicon_entry, SLOTS);
    if (!arena_ok(arena))
        return NULL;
    *lexicon = (struct lexicon){.keys = keys, .entries = entries};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        add_row(lexicon, &rows[i]);
    return lexicon;
}

const struct lexicon_entry *
lexicon_find(const struct lexicon *lexicon, uint64_t key)
{
    size_t slot = slot_of(lexicon, key);
    return lexicon->keys[slot] == 0 ? NULL : &lexicon->entries[slot];
}

const float *
lexicon_bias(const struct lexicon *lexicon)
{
    (void)lexicon; /* a learned one brings its own */
    return bias;
}

enum category
lexicon_mark_category(enum lexicon_mark mark)
{
    CHECK(mark < LEXICON_MARK_COUNT);
    return marks[mark].category;
}

float
lexicon_mark_weight(enum lexicon_mark mark)
{
    CHECK(mark < LEXICON_MARK_COUNT);
    return marks[mark].weight;
}
