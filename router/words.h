/* Words of a text, normalised: free text in, one key per word out.
 *
 * A word is a run of letters and digits; an ideograph or kana is a word of
 * its own. "C++", "C#" and "F#" keep their signs, an apostrophe inside a word
 * is dropped, everything else separates. Normalising is lower case (ASCII,
 * Latin, Greek, Cyrillic), Latin accents off, and a light English stem, so that
 * "Writing", "writes" and "write" share a key. The stem need not be a word: a
 * lexicon passes through the same door. Nothing is allocated; a pass over a
 * text is linear. Malformed UTF-8 separates words. */
#ifndef ROUTER_WORDS_H
#define ROUTER_WORDS_H

#include "core/base/slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of a normalised word that count; what follows is ignored. */
#define WORDS_KEY_BYTES 48

struct words {
    struct slice text; /* borrowed */
    size_t offset;     /* of the next byte to read */
};

struct word {
    uint64_t key;      /* of the normalised word */
    size_t start, end; /* its bytes in the text */
};

void words_init(struct words *words, struct slice text);
/* The next word; false at the end. */
bool words_next(struct words *words, struct word *ret_word);
/* The key of a phrase one word longer: words_join(key of "write a", key of
 * "function"). */
uint64_t words_join(uint64_t phrase, uint64_t word);

#endif
