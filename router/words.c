/* Words of a text: reads code points, folds them, stems, hashes. It never
 * allocates and never looks at a byte more than a few times. */
#include "router/words.h"

#include "core/base/check.h"
#include "core/base/hash.h"
#include "core/base/text.h"

/* A normalised word as it is built. */
struct stem {
    char bytes[WORDS_KEY_BYTES];
    size_t len;
    bool ascii; /* only then is English stemming tried */
};

struct range {
    uint32_t first, last;
};

/* Code points from 0x80 that are no letters: they separate words. */
static const struct range separators[] = {
    {0x80, 0xBF},        /* controls, signs, superscripts */
    {0x2000, 0x2BFF},    /* punctuation, arrows, mathematics, boxes */
    {0x3000, 0x303F},    /* ideographic punctuation */
    {0xFE00, 0xFE4F},    /* variation selectors, vertical forms */
    {0xFF00, 0xFF0F},    /* full-width punctuation */
    {0xFF1A, 0xFF20},    /* the same */
    {0xFFF0, 0xFFFF},    /* specials, the replacement character */
    {0x1F000, 0x1FAFF},  /* pictographs */
    {0xE0000, 0x10FFFF}, /* tags, private use */
};

/* Scripts written without spaces: every code point is a word. */
static const struct range lone[] = {
    {0x3040, 0x30FF},   /* kana */
    {0x3400, 0x4DBF},   /* ideographs, extension A */
    {0x4E00, 0x9FFF},   /* ideographs */
    {0x20000, 0x3FFFF}, /* ideographs, further extensions */
};

static bool
is_in(uint32_t c, const struct range *ranges, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (c >= ranges[i].first && c <= ranges[i].last)
            return true;
    }
    return false;
}

static bool
is_ascii_word(uint32_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
           (c >= 'A' && c <= 'Z');
}

static bool
is_word(uint32_t c)
{
    if (c < 0x80)
        return is_ascii_word(c);
    if (c >= 0xC0 && c < 0x2000) /* letters but for two signs */
        return c != 0xD7 && c != 0xF7;
    return !is_in(c, separators, ARRAY_LEN(separators));
}

/* Lower case, and Latin-1 letters without their accents. */
static uint32_t
fold(uint32_t c)
{
    /* U+00E0 to U+00FF; the division sign never gets here. */
    static const char plain[] = "aaaaaaaceeeeiiiidnooooo?ouuuuyty";

    if (c >= 'A' && c <= 'Z')
        return c + 0x20;
    if (c < 0x80)
        return c;
    if (c == 0xDF)
        return 's';
    if (c >= 0xC0 && c <= 0xDE)
        c += 0x20;
    if (c >= 0xE0 && c <= 0xFF)
        return (unsigned char)plain[c - 0xE0];
    if (c >= 0x391 && c <= 0x3A9) /* Greek capitals */
        return c + 0x20;
    if (c >= 0x410 && c <= 0x42F) /* Cyrillic capitals */
        return c + 0x20;
    if (c >= 0x400 && c <= 0x40F)
        return c + 0x50;
    if (c >= 0x100 && c <= 0x17F && c % 2 == 0) /* most pairs of Latin A */
        return c + 1;
    return c;
}

static void
stem_add(struct stem *stem, uint32_t c)
{
    char utf8[4];
    size_t len = 0;

    if (c < 0x80) {
        utf8[len++] = (char)c;
    } else if (c < 0x800) {
        utf8[len++] = (char)(0xC0 | (c >> 6));
        utf8[len++] = (char)(0x80 | (c & 0x3F));
    } else if (c < 0x10000) {
        utf8[len++] = (char)(0xE0 | (c >> 12));
        utf8[len++] = (char)(0x80 | ((c >> 6) & 0x3F));
        utf8[len++] = (char)(0x80 | (c & 0x3F));
    } else {
        utf8[len++] = (char)(0xF0 | (c >> 18));
        utf8[len++] = (char)(0x80 | ((c >> 12) & 0x3F));
        utf8[len++] = (char)(0x80 | ((c >> 6) & 0x3F));
        utf8[len++] = (char)(0x80 | (c & 0x3F));
    }
    if (stem->len + len > sizeof(stem->bytes))
        return;
    memcpy(stem->bytes + stem->len, utf8, len);
    stem->len += len;
    stem->ascii = stem->ascii && c < 0x80;
}

static bool
stem_ends(const struct stem *stem, struct slice end)
{
    return slice_ends(slice_make(stem->bytes, stem->len), end);
}

static bool
is_one_of(char c, const char *set)
{
    return c != '\0' && strchr(set, c) != NULL;
}

static bool
has_vowel(const char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (is_one_of(bytes[i], "aeiouy"))
            return true;
    }
    return false;
}

/* Take `cut` bytes of a verb's ending off where something like a word is
 * left, and undo the doubled consonant of "debugging". */
static bool
cut_verb(struct stem *stem, size_t cut)
{
    size_t left = stem->len - cut;
    if (left < 3 || !has_vowel(stem->bytes, left))
        return false;
    char last = stem->bytes[left - 1];
    if (left > 3 && last == stem->bytes[left - 2] && !is_one_of(last, "lsz"))
        left--;
    stem->len = left;
    return true;
}

/* The ending of a plural or a verb goes, then a silent e: "queries" is
 * "query", "writing" and "writes" are "writ". */
static void
stem_cut(struct stem *stem)
{
    if (stem->len >= 5 && stem_ends(stem, SLICE("ies"))) {
        stem->len -= 2;
        stem->bytes[stem->len - 1] = 'y';
    } else if (stem->len >= 4 && stem_ends(stem, SLICE("s")) &&
               !stem_ends(stem, SLICE("ss")) && !stem_ends(stem, SLICE("us")) &&
               !stem_ends(stem, SLICE("is"))) {
        stem->len--;
    }
    bool cut = false;
    if (stem_ends(stem, SLICE("ing")))
        cut = cut_verb(stem, 3);
    else if (stem_ends(stem, SLICE("ed")))
        cut = cut_verb(stem, 2);
    if (!cut && stem->len >= 4 && stem_ends(stem, SLICE("e")))
        stem->len--;
}

/* "C++", "C#", "F#": the sign belongs to a word of one letter. */
static void
take_sign(struct words *words, struct stem *stem)
{
    struct slice rest = slice_cut(words->text, words->offset, words->text.len);
    if (stem->len != 1)
        return;
    if (slice_starts(rest, SLICE("++"))) {
        stem_add(stem, '+');
        stem_add(stem, '+');
        words->offset += 2;
    } else if (slice_starts(rest, SLICE("#"))) {
        stem_add(stem, '#');
        words->offset += 1;
    }
}

/* The code point at `offset`, and where the next one is. */
static uint32_t
peek(const struct words *words, size_t offset, size_t *ret_next)
{
    unsigned char byte = (unsigned char)words->text.ptr[offset];
    if (byte < 0x80) { /* most of all text */
        *ret_next = offset + 1;
        return byte;
    }
    uint32_t c = text_next(words->text, &offset);
    *ret_next = offset;
    return c;
}

/* An apostrophe at `offset` with a letter after it is part of the word. */
static bool
is_inner_apostrophe(const struct words *words, uint32_t c, size_t next)
{
    if ((c != '\'' && c != 0x2019) || next >= words->text.len)
        return false;
    size_t after = next;
    return is_word(peek(words, after, &after));
}

/* The letters from words->offset on; at least one is there. */
static void
read_word(struct words *words, struct stem *stem)
{
    while (words->offset < words->text.len) {
        size_t next = 0;
        uint32_t c = peek(words, words->offset, &next);
        bool apart = c >= 0x3000 && is_in(c, lone, ARRAY_LEN(lone));
        if (is_inner_apostrophe(words, c, next)) {
            words->offset = next;
            continue;
        }
        if (!is_word(c) || (apart && stem->len > 0))
            return;
        words->offset = next;
        stem_add(stem, fold(c));
        if (apart)
            return;
    }
}

void
words_init(struct words *words, struct slice text)
{
    *words = (struct words){.text = text};
}

bool
words_next(struct words *words, struct word *ret_word)
{
    while (words->offset < words->text.len) {
        size_t start = words->offset;
        size_t next = 0;
        if (!is_word(peek(words, start, &next))) {
            words->offset = next;
            continue;
        }
        struct stem stem = {.ascii = true};
        read_word(words, &stem);
        take_sign(words, &stem);
        if (stem.ascii)
            stem_cut(&stem);
        *ret_word = (struct word){.key = hash_bytes(stem.bytes, stem.len),
                                  .start = start,
                                  .end = words->offset};
        return true;
    }
    return false;
}

uint64_t
words_join(uint64_t phrase, uint64_t word)
{
    return hash_mix(phrase, word);
}
