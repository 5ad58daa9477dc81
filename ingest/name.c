/* Names taken apart: pieces between separators, each read as a date, a word
 * with a meaning of its own (name_word.def), a size, or as letters and
 * numbers. Works in a fixed workspace; the only allocation is the core. */
#include "ingest/name.h"

#include "core/base/check.h"
#include "core/base/text.h"
#include "ingest/name_date.h"
#include "ingest/record.h"

#include <stdlib.h>

enum word_kind {
    WORD_MODE_ON,
    WORD_MODE_OFF,
    WORD_EFFORT,
    WORD_EFFORT_BRACKETS,
    WORD_EARLY,
    WORD_INSTRUCT,
    WORD_LATEST,
    WORD_DROP,
    WORD_DROP_FIRST,
};

static const struct word {
    struct slice text;
    enum word_kind kind;
    struct slice effort;
} known_words[] = {
#define NAME_WORD(word, what, effort) {SLICE(word), WORD_##what, SLICE(effort)},
#include "ingest/name_word.def"
#undef NAME_WORD
};

struct workspace {
    char lower[RECORD_NAME_MAX]; /* the name in lower case */
    struct name_piece pieces[NAME_TOKENS_MAX];
    size_t piece_count;
    struct slice words[NAME_TOKENS_MAX];
    size_t word_count;
    struct slice numbers[NAME_TOKENS_MAX];
    size_t number_count;
    bool last_was_number;
    bool overflow;
    bool medium_is_effort;
    struct name *name;
};

static bool
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* What may stand in a piece. Bytes of other scripts count as letters. */
static bool
is_inner(char c)
{
    return (c >= 'a' && c <= 'z') || is_digit(c) || c == '.' || c == '+' ||
           (unsigned char)c >= 0x80;
}

static void
push_word(struct workspace *ws, struct slice word)
{
    ws->last_was_number = false;
    for (size_t i = 0; i < ws->word_count; i++)
        if (slice_eq(ws->words[i], word))
            return;
    if (ws->word_count == NAME_TOKENS_MAX)
        ws->overflow = true;
    else
        ws->words[ws->word_count++] = word;
}

/* A zero after a number says nothing: 2.0 is 2. */
static void
push_number(struct workspace *ws, struct slice number)
{
    while (number.len > 1 && number.ptr[0] == '0')
        number = slice_cut(number, 1, number.len);
    if (ws->last_was_number && slice_eq(number, SLICE("0")))
        return;
    ws->last_was_number = true;
    if (ws->number_count == NAME_TOKENS_MAX)
        ws->overflow = true;
    else
        ws->numbers[ws->number_count++] = number;
}

/* Lower-case the name and cut it into pieces. A remark in brackets that ends
 * in "fallback" names another model: its pieces are taken back. */
static void
cut(struct workspace *ws, struct slice text)
{
    size_t depth = 0, part = 0, at = 0;
    char before = ' ';

    while (at < text.len) {
        char c = ws->lower[at];
        size_t start = at;
        struct slice piece;

        if (!is_inner(c)) {
            depth += c == '(' || c == '[';
            depth -= depth > 0 && (c == ')' || c == ']');
            if (c == ',' || c == '(')
                part = ws->piece_count;
            before = c;
            at++;
            continue;
        }
        while (at < text.len && is_inner(ws->lower[at]))
            at++;
        piece = slice_make(ws->lower + start, at - start);
        while (piece.len > 0 && piece.ptr[piece.len - 1] == '.')
            piece.len--;
        if (depth > 0 && slice_eq(piece, SLICE("fallback"))) {
            ws->piece_count = part;
            continue;
        }
        if (piece.len == 0)
            continue;
        if (ws->piece_count == NAME_TOKENS_MAX) {
            ws->overflow = true;
            return;
        }
        ws->pieces[ws->piece_count++] =
            (struct name_piece){piece, depth > 0, before};
        before = ' ';
    }
}

/* Digits with at most one point from *at on; moves *at past them. */
static bool
skip_number(struct slice text, size_t *at)
{
    size_t start = *at;

    while (*at < text.len && is_digit(text.ptr[*at]))
        ++*at;
    if (*at == start)
        return false;
    if (*at + 1 < text.len && text.ptr[*at] == '.' &&
        is_digit(text.ptr[*at + 1])) {
        ++*at;
        while (*at < text.len && is_digit(text.ptr[*at]))
            ++*at;
    }
    return true;
}

/* 70b, 1.5b, a22b, e4b, 8x7b, 128e, 1t, 270m, 32k. */
static bool
is_size(struct slice text)
{
    size_t at = text.len > 1 && (text.ptr[0] == 'a' || text.ptr[0] == 'e');

    if (!skip_number(text, &at))
        return false;
    if (at < text.len && text.ptr[at] == 'x') {
        at++;
        if (!skip_number(text, &at))
            return false;
    }
    return at + 1 == text.len && strchr("bmtke", text.ptr[at]) != NULL;
}

/* "4.6" is the numbers 4 and 6. */
static void
push_numbers(struct workspace *ws, struct slice digits)
{
    struct slice part;

    while (slice_split(&digits, '.', &part))
        if (part.len > 0)
            push_number(ws, part);
}

/* Letters and numbers of a piece in turn: qwen2.5, k2, 4o, r7b. A "v" before a
 * number only says that a version follows. */
static void
split(struct workspace *ws, struct slice piece)
{
    size_t at = 0;

    while (at < piece.len) {
        struct slice rest = slice_cut(piece, at, piece.len);
        size_t end = 0;

        if (is_size(rest)) {
            push_word(ws, rest);
            return;
        }
        if (rest.ptr[0] == '+') {
            push_word(ws, SLICE("plus"));
            at++;
            continue;
        }
        if (is_digit(rest.ptr[0]) || rest.ptr[0] == '.') {
            while (end < rest.len &&
                   (is_digit(rest.ptr[end]) || rest.ptr[end] == '.'))
                end++;
            push_numbers(ws, slice_cut(rest, 0, end));
        } else {
            while (end < rest.len && !is_digit(rest.ptr[end]) &&
                   rest.ptr[end] != '.' && rest.ptr[end] != '+')
                end++;
            if (end != 1 || rest.ptr[0] != 'v' || rest.len == 1)
                push_word(ws, slice_cut(rest, 0, end));
        }
        at += end;
    }
}

static const struct word *
find_word(struct slice text)
{
    for (size_t i = 0; i < ARRAY_LEN(known_words); i++)
        if (slice_eq(text, known_words[i].text))
            return &known_words[i];
    return NULL;
}

static bool
piece_is(const struct workspace *ws, size_t at, const char *text)
{
    return at < ws->piece_count &&
           slice_eq(ws->pieces[at].text, slice_of(text));
}

/* An effort word counts in brackets, before "effort", or as the last piece. */
static bool
is_effort(struct workspace *ws, size_t at, const struct word *word)
{
    bool is_last = at + 1 == ws->piece_count || ws->pieces[at + 1].in_brackets;

    if (ws->pieces[at].in_brackets || piece_is(ws, at + 1, "effort"))
        return true;
    if (!is_last || at == 0)
        return false;
    if (word->kind == WORD_EFFORT)
        return true;
    if (!slice_eq(word->text, SLICE("medium")))
        return false;
    ws->name->ends_in_medium = true;
    return ws->medium_is_effort;
}

/* After "thinking" may follow a token budget (32k) or "auto". */
static size_t
mode_tail(const struct workspace *ws, size_t at)
{
    if (at >= ws->piece_count)
        return 0;
    if (piece_is(ws, at, "auto"))
        return 1;
    return is_size(ws->pieces[at].text) &&
                   slice_ends(ws->pieces[at].text, SLICE("k"))
               ? 1
               : 0;
}

/* Pieces from `at` on that are a known word; 0 when it is part of the name. */
static size_t
read_word(struct workspace *ws, size_t at)
{
    const struct word *word = find_word(ws->pieces[at].text);
    struct name *name = ws->name;

    if (piece_is(ws, at, "non") || piece_is(ws, at, "no")) {
        const struct word *next = at + 1 < ws->piece_count
                                      ? find_word(ws->pieces[at + 1].text)
                                      : NULL;

        if (next == NULL || next->kind != WORD_MODE_ON)
            return 0;
        name->mode = NAME_MODE_OFF;
        return 2;
    }
    if (word == NULL)
        return 0;
    switch (word->kind) {
    case WORD_MODE_ON:
    case WORD_MODE_OFF:
        name->mode = word->kind == WORD_MODE_ON ? NAME_MODE_ON : NAME_MODE_OFF;
        if (word->effort.len > 0)
            name->effort = word->effort;
        return 1 + mode_tail(ws, at + 1);
    case WORD_EFFORT:
    case WORD_EFFORT_BRACKETS:
        if (!is_effort(ws, at, word))
            return 0;
        name->effort = word->effort;
        return 1;
    case WORD_EARLY:
        name->is_early = true;
        return 1;
    case WORD_INSTRUCT:
        name->is_instruct = true;
        return 1;
    case WORD_LATEST:
        name->is_latest = true;
        return 1;
    case WORD_DROP:
        return 1;
    case WORD_DROP_FIRST:
        return at == 0 && ws->piece_count > 1 ? 1 : 0;
    }
    return 0;
}

/* Two dates in one name complete each other ("0528 (May '25)"); of two that
 * differ the first stays. */
static void
take_date(struct name *name, const struct name_date *date)
{
    if (!name_date_fits(&name->date, date))
        return;
    if (name->date.year == 0)
        name->date.year = date->year;
    if (name->date.month == 0)
        name->date.month = date->month;
    if (name->date.day == 0)
        name->date.day = date->day;
}

/* "001": a build, as Google counts them. */
static bool
read_build(struct slice piece, unsigned *build)
{
    if (piece.len != 3 || piece.ptr[0] != '0' || !is_digit(piece.ptr[1]) ||
        !is_digit(piece.ptr[2]))
        return false;
    *build =
        (unsigned)(piece.ptr[1] - '0') * 10 + (unsigned)(piece.ptr[2] - '0');
    return true;
}

static size_t
read_piece(struct workspace *ws, size_t at)
{
    const struct name_piece *piece = &ws->pieces[at];
    struct name_date date;
    size_t used = 0;

    if (at > 0)
        used = name_date_read(piece, ws->piece_count - at, &date);
    if (used > 0) {
        take_date(ws->name, &date);
        return used;
    }
    if (at > 0 && read_build(piece->text, &ws->name->build))
        return 1;
    used = read_word(ws, at);
    if (used > 0)
        return used;
    /* "GPT-5 (ChatGPT)" is what others call gpt-5-chat. */
    if (piece->in_brackets && slice_eq(piece->text, SLICE("chatgpt")))
        push_word(ws, SLICE("chat"));
    else
        split(ws, piece->text);
    return 1;
}

static int
compare_words(const void *a, const void *b)
{
    return slice_cmp(*(const struct slice *)a, *(const struct slice *)b);
}

static char *
put(char *out, const struct slice *parts, size_t count, char between)
{
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            *out++ = between;
        memcpy(out, parts[i].ptr, parts[i].len);
        out += parts[i].len;
    }
    return out;
}

static struct slice
make_core(struct arena *arena, struct workspace *ws)
{
    size_t room = 1;
    char *text, *end;

    qsort(ws->words, ws->word_count, sizeof(ws->words[0]), compare_words);
    for (size_t i = 0; i < ws->word_count; i++)
        room += ws->words[i].len + 1;
    for (size_t i = 0; i < ws->number_count; i++)
        room += ws->numbers[i].len + 1;
    text = arena_alloc(arena, room);
    if (text == NULL)
        return SLICE("");
    end = put(text, ws->words, ws->word_count, ' ');
    *end++ = '|';
    end = put(end, ws->numbers, ws->number_count, '.');
    return slice_make(text, (size_t)(end - text));
}

void
name_lower(struct slice text, char *out)
{
    for (size_t i = 0; i < text.len; i++) {
        out[i] = text.ptr[i];
        if (out[i] >= 'A' && out[i] <= 'Z')
            out[i] = (char)(out[i] - 'A' + 'a');
    }
}

/* Typographic blanks and dashes, and what is invisible, separate as well:
 * U+00A0, U+2000 to U+2015, U+202F, U+2060, U+FEFF. In place; a separator of
 * several bytes becomes as many blanks. */
static void
blank_separators(char *bytes, size_t len)
{
    static const struct {
        unsigned char lead, second, first, last; /* of the third byte */
    } threes[] = {{0xe2, 0x80, 0x80, 0x95},
                  {0xe2, 0x80, 0xaf, 0xaf},
                  {0xe2, 0x81, 0xa0, 0xa0},
                  {0xef, 0xbb, 0xbf, 0xbf}};
    unsigned char *at = (unsigned char *)bytes;

    for (size_t i = 0; i + 1 < len; i++) {
        if (at[i] == 0xc2 && at[i + 1] == 0xa0)
            memset(bytes + i, ' ', 2);
        for (size_t t = 0; t < ARRAY_LEN(threes) && i + 2 < len; t++)
            if (at[i] == threes[t].lead && at[i + 1] == threes[t].second &&
                at[i + 2] >= threes[t].first && at[i + 2] <= threes[t].last)
                memset(bytes + i, ' ', 3);
    }
}

void
name_parse(struct arena *arena, struct slice text, bool medium_is_effort,
           struct name *ret_name)
{
    struct workspace ws;

    *ret_name = (struct name){
        .core = SLICE(""), .effort = SLICE(""), .vendor = SLICE("")};
    if (text.len > RECORD_NAME_MAX)
        return;
    ws.piece_count = ws.word_count = ws.number_count = 0;
    ws.last_was_number = ws.overflow = false;
    ws.medium_is_effort = medium_is_effort;
    ws.name = ret_name;
    memset(ws.lower, 0, sizeof(ws.lower));
    name_lower(text, ws.lower);
    if (!text_is_plain(text))
        blank_separators(ws.lower, text.len);
    cut(&ws, text);
    for (size_t at = 0; at < ws.piece_count && !ws.overflow;)
        at += read_piece(&ws, at);
    if (ws.overflow || ws.word_count == 0)
        return;
    ret_name->has_version = ws.number_count > 0;
    ret_name->core = make_core(arena, &ws);
}
