/* The lexicon: words and phrases with a weight per category.
 *
 * Its rows are data (lexicon.def); this turns them into a table that is asked
 * by key (router/words.h). A phrase is found word by word: the key of "write
 * a" is there as the beginning of something, the key of "write a function" as
 * a feature. Weights that were learned instead of written take the same
 * shape: one row of weights per feature. */
#ifndef ROUTER_LEXICON_H
#define ROUTER_LEXICON_H

#include "core/base/arena.h"
#include "core/types/vocabulary.h"

#include <stdint.h>

#define LEXICON_FEATURES_MAX 4096
#define LEXICON_PHRASE_MAX 5 /* words */

/* What the shape of a text says, beside its words. */
enum lexicon_mark {
#define MARK(symbol, category, weight, why) LEXICON_MARK_##symbol,
#define FEATURE(phrase, category, weight)
#include "router/lexicon.def"
#undef FEATURE
#undef MARK
    LEXICON_MARK_COUNT
};

struct lexicon_entry {
    float weight[CATEGORY_COUNT]; /* added to a category's score */
    uint16_t feature; /* its number, below LEXICON_FEATURES_MAX; same for the
                         table's life */
    bool is_feature;  /* carries weights */
    bool is_prefix;   /* a longer phrase begins with it */
};

struct lexicon;

/* The built-in lexicon, in the arena. NULL when the arena is full. */
const struct lexicon *lexicon_new(struct arena *arena);
/* The entry of a key, or NULL. */
const struct lexicon_entry *
lexicon_find(const struct lexicon *lexicon, uint64_t key);
/* What a text of no known words scores. */
const float *lexicon_bias(const struct lexicon *lexicon);
/* The category a mark speaks for, and how loudly. */
enum category lexicon_mark_category(enum lexicon_mark mark);
float lexicon_mark_weight(enum lexicon_mark mark);

#endif
