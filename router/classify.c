/* Classifying: one pass over the words of a task, adding up weights.
 *
 * Between two words lie separators; they tell where we are: a fence opens, a
 * quotation begins, a colon announces given text. From that comes the factor
 * by which the next words count. It never allocates and never looks back
 * further than a phrase is long. */
#include "router/classify.h"

#include "core/base/check.h"
#include "router/lexicon.h"
#include "router/words.h"

/* Where the request ends and pasted text begins, in bytes: three long
 * sentences. */
#define HEAD_BYTES 400
/* The last words of a long text are often the request again. */
#define TAIL_BYTES 200
#define LEAD_WORDS 4 /* where a request's verb stands */
#define TOPIC_WORDS 8
#define MATCHES_MAX 64 /* kept for the evidence */
#define CODE_SIGNS_SOME 3
#define CODE_SIGNS_MANY 12
#define FORMULA_SIGNS_SOME 2
#define FORMULA_SIGNS_MANY 6
#define NUMBERS_SOME 4
#define WORDS_PER_NUMBER 12 /* fewer words to a number: a word problem */
#define HEAD_WORDS 3        /* fewer before a blank line are no request yet */
/* All that stands outside the request may add to one category: less than one
 * clear phrase of the request. */
#define OUTSIDE_CAP 2.5

/* How much a word counts, in hundredths. */
enum factor {
    FACTOR_LEAD = 125,
    FACTOR_HEAD = 100,
    FACTOR_TAIL = 60,
    FACTOR_BODY = 20,
    FACTOR_GIVEN = 55,  /* after a colon: what the request works on */
    FACTOR_TOPIC = 35,  /* after "about" or "that": not what is asked for */
    FACTOR_QUOTED = 35, /* between quotation marks */
};

struct classifier {
    const struct lexicon *lexicon;
    uint64_t topic_keys[5]; /* words before a topic or a clause */
};

struct match {
    const struct lexicon_entry *entry;
    size_t start, end;
    unsigned factor;
};

/* The state of one pass. */
struct pass {
    const struct classifier *classifier;
    struct slice task;
    struct classification *out;
    double outside[CATEGORY_COUNT];
    uint8_t seen[LEXICON_FEATURES_MAX]; /* factor a feature was counted with */
    struct match matches[MATCHES_MAX];
    size_t match_count;
    size_t word_number;
    size_t topic_left; /* words that are still topic */
    size_t code_signs;
    size_t formula_signs;
    size_t numbers; /* words that begin with a digit */
    size_t fences;  /* marks seen; odd: inside */
    bool quoted;
    bool given;      /* after a colon */
    bool is_outside; /* after the blank line that ends the request */
    /* Keys and starts of the phrases that end at the last word. */
    uint64_t open_key[LEXICON_PHRASE_MAX];
    size_t open_start[LEXICON_PHRASE_MAX];
    size_t open_count;
};

static bool
is_fenced(const struct pass *pass)
{
    return pass->fences % 2 == 1;
}

/* "::", "()", "=>", "==", "</", "->", "{", "}", ";": prose has few of them. */
static bool
is_code_sign(char c, char after)
{
    switch (c) {
    case '{':
    case '}':
    case ';':
        return true;
    case '(':
        return after == ')';
    case '=':
        return after == '>' || after == '=';
    case '<':
        return after == '/';
    case '-':
        return after == '>';
    case ':':
        return after == ':';
    default:
        return false;
    }
}

static bool
is_formula_sign(char c, char after)
{
    if (c == '\\')
        return (after >= 'a' && after <= 'z') || after == '(' || after == '[';
    return c == '^' || (c == '=' && after != '=' && after != '>') ||
           (c == '+' && after == ' ');
}

/* NUL is in no set. */
static bool
is_one_of(char c, const char *set)
{
    return c != '\0' && strchr(set, c) != NULL;
}

/* Three backquotes at i. */
static bool
is_fence(struct slice task, size_t i)
{
    return slice_starts(slice_cut(task, i, task.len), SLICE("```"));
}

static void
read_sign(struct pass *pass, size_t i)
{
    char c = pass->task.ptr[i];
    char after = '\0';

    if (i + 1 < pass->task.len)
        after = pass->task.ptr[i + 1];

    pass->code_signs += is_code_sign(c, after);
    pass->formula_signs += is_formula_sign(c, after);
    if (c == '"')
        pass->quoted = !pass->quoted;
    if (c == '\n')
        pass->quoted = false;
    bool is_blank_line = c == '\n' && is_one_of(after, "\n\r");
    if (is_blank_line && pass->word_number >= HEAD_WORDS)
        pass->is_outside = true;
    if (c == ':' && (after == ' ' || after == '\n') && i < HEAD_BYTES)
        pass->given = true;
    if (is_one_of(c, ".?!\n"))
        pass->topic_left = 0;
}

/* Follow the separators in [from, to). A phrase goes over blanks, hyphens,
 * underscores and commas, but not over the end of a sentence. */
static void
read_gap(struct pass *pass, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++) {
        char c = pass->task.ptr[i];
        if (is_fence(pass->task, i)) {
            pass->fences++;
            pass->open_count = 0;
            i += 2;
            continue;
        }
        if (is_fenced(pass))
            continue;
        if (is_one_of(c, ".?!:;\n\""))
            pass->open_count = 0;
        read_sign(pass, i);
    }
}

/* Behind the request: after a blank line, or far into a long text. */
static bool
is_outside(const struct pass *pass, size_t start)
{
    bool is_long = pass->task.len > HEAD_BYTES + TAIL_BYTES;
    return pass->is_outside || (is_long && start >= HEAD_BYTES);
}

static unsigned
factor_at(const struct pass *pass, size_t start)
{
    unsigned factor = FACTOR_HEAD;

    if (is_outside(pass, start))
        factor =
            start + TAIL_BYTES >= pass->task.len ? FACTOR_TAIL : FACTOR_BODY;
    else if (pass->word_number < LEAD_WORDS)
        factor = FACTOR_LEAD;
    if (pass->quoted)
        return factor * FACTOR_QUOTED / 100;
    if (pass->topic_left > 0)
        return factor * FACTOR_TOPIC / 100;
    if (pass->given && factor == FACTOR_HEAD)
        return FACTOR_GIVEN;
    return factor;
}

/* Count a feature, once, with the best factor it was seen with. */
static void
count_feature(struct pass *pass, const struct lexicon_entry *entry,
              size_t start, size_t end)
{
    unsigned factor = factor_at(pass, start);
    uint8_t *seen = &pass->seen[entry->feature];
    if (factor <= *seen)
        return;
    double more = (double)(factor - *seen) / 100.0;
    double *sums = is_outside(pass, start) ? pass->outside : pass->out->sums;
    for (size_t c = 0; c < CATEGORY_COUNT; c++)
        sums[c] += more * (double)entry->weight[c];
    *seen = (uint8_t)factor;
    if (pass->match_count < MATCHES_MAX)
        pass->matches[pass->match_count++] =
            (struct match){entry, start, end, factor};
}

/* Lengthen the open phrases by a word, and open one that begins with it. */
static void
read_word(struct pass *pass, const struct word *word)
{
    const struct lexicon *lexicon = pass->classifier->lexicon;
    size_t kept = 0;

    for (size_t i = 0; i <= pass->open_count; i++) {
        bool is_new = i == pass->open_count;
        uint64_t key =
            is_new ? word->key : words_join(pass->open_key[i], word->key);
        size_t start = is_new ? word->start : pass->open_start[i];
        const struct lexicon_entry *entry = lexicon_find(lexicon, key);
        if (entry == NULL)
            continue;
        if (entry->is_feature)
            count_feature(pass, entry, start, word->end);
        if (entry->is_prefix && kept < LEXICON_PHRASE_MAX - 1) {
            pass->open_key[kept] = key;
            pass->open_start[kept] = start;
            kept++;
        }
    }
    pass->open_count = kept;
}

static void
follow_topic(struct pass *pass, uint64_t key)
{
    const struct classifier *classifier = pass->classifier;

    if (pass->topic_left > 0)
        pass->topic_left--;
    for (size_t i = 0; i < ARRAY_LEN(classifier->topic_keys); i++) {
        if (key == classifier->topic_keys[i])
            pass->topic_left = TOPIC_WORDS;
    }
}

static void
add_mark(struct pass *pass, enum lexicon_mark mark)
{
    pass->out->sums[lexicon_mark_category(mark)] +=
        (double)lexicon_mark_weight(mark);
}

static void
add_marks(struct pass *pass)
{
    if (pass->fences > 0)
        add_mark(pass, LEXICON_MARK_FENCE);
    if (pass->code_signs >= CODE_SIGNS_SOME)
        add_mark(pass, LEXICON_MARK_SOME_CODE);
    if (pass->code_signs >= CODE_SIGNS_MANY)
        add_mark(pass, LEXICON_MARK_MUCH_CODE);
    if (pass->code_signs >= CODE_SIGNS_SOME)
        return; /* what looks like a formula is code */
    if (pass->formula_signs >= FORMULA_SIGNS_SOME)
        add_mark(pass, LEXICON_MARK_SOME_FORMULA);
    if (pass->formula_signs >= FORMULA_SIGNS_MANY)
        add_mark(pass, LEXICON_MARK_MUCH_FORMULA);
    if (pass->numbers >= NUMBERS_SOME &&
        pass->numbers * WORDS_PER_NUMBER >= pass->word_number)
        add_mark(pass, LEXICON_MARK_NUMBERS);
}

static bool
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static void
read_task(struct pass *pass)
{
    struct words words;
    struct word word;
    size_t at = 0;

    words_init(&words, pass->task);
    while (words_next(&words, &word)) {
        read_gap(pass, at, word.start);
        at = word.end;
        if (is_fenced(pass))
            continue;
        read_word(pass, &word);
        follow_topic(pass, word.key);
        pass->numbers += is_digit(pass->task.ptr[word.start]);
        pass->word_number++;
    }
    read_gap(pass, at, pass->task.len);
    add_marks(pass);
    for (size_t c = 0; c < CATEGORY_COUNT; c++) {
        double outside = pass->outside[c];
        pass->out->sums[c] += outside > OUTSIDE_CAP ? OUTSIDE_CAP : outside;
    }
}

static void
choose(struct classification *out)
{
    enum category best = CATEGORY_GENERAL;
    for (size_t c = 1; c < CATEGORY_COUNT; c++) {
        if (out->sums[c] > out->sums[best])
            best = (enum category)c;
    }
    double second = -CLASSIFY_CERTAIN;
    for (size_t c = 0; c < CATEGORY_COUNT; c++) {
        if (c != best && out->sums[c] > second)
            second = out->sums[c];
    }
    out->category = best;
    out->margin = out->sums[best] - second;
}

static double
match_weight(const struct match *match, enum category category)
{
    return (double)match->factor / 100.0 *
           (double)match->entry->weight[category];
}

/* The loudest matches for the winner, taken one by one: few of few. */
static void
pick_evidence(struct pass *pass)
{
    struct classification *out = pass->out;

    while (out->evidence_count < CLASSIFY_EVIDENCE_MAX) {
        struct match *loudest = NULL;
        double most = 0.0;
        for (size_t i = 0; i < pass->match_count; i++) {
            double weight = match_weight(&pass->matches[i], out->category);
            if (weight > most) {
                most = weight;
                loudest = &pass->matches[i];
            }
        }
        if (loudest == NULL)
            return;
        out->evidence[out->evidence_count++] =
            slice_cut(pass->task, loudest->start, loudest->end);
        loudest->factor = 0;
    }
}

const struct classifier *
classify_new(struct arena *arena)
{
    static const char *const topics[] = {"about", "regarding", "titled",
                                         "called", "that"};
    struct classifier *classifier = ARENA_NEW(arena, struct classifier);
    const struct lexicon *lexicon = lexicon_new(arena);
    if (classifier == NULL || lexicon == NULL)
        return NULL;
    classifier->lexicon = lexicon;
    for (size_t i = 0; i < ARRAY_LEN(classifier->topic_keys); i++) {
        struct words words;
        struct word word = {0};
        words_init(&words, slice_of(topics[i]));
        CHECK(words_next(&words, &word));
        classifier->topic_keys[i] = word.key;
    }
    return classifier;
}

void
classify_text(const struct classifier *classifier, struct slice task,
              struct classification *ret_classification)
{
    struct classification out = {0};
    struct slice name = slice_trim(task);

    if (category_find(name, &out.category)) {
        out.margin = CLASSIFY_CERTAIN;
        out.sums[out.category] = CLASSIFY_CERTAIN;
        out.evidence[0] = name;
        out.evidence_count = 1;
        *ret_classification = out;
        return;
    }
    const float *bias = lexicon_bias(classifier->lexicon);
    for (size_t c = 0; c < CATEGORY_COUNT; c++)
        out.sums[c] = (double)bias[c];
    struct pass pass = {.classifier = classifier,
                        .task = slice_cut(task, 0, CLASSIFY_BYTES_MAX),
                        .out = &out};
    read_task(&pass);
    choose(&out);
    pick_evidence(&pass);
    *ret_classification = out;
}
