/* Ingest beside bare parsing: all recorded payloads, from their bytes to the
 * assembled catalog, and the same bytes through json_loadb and csv_parse.
 * links: services_ingestd
 *
 * "bare" is jansson with the flags of core/base/json_in.c and libcsv with
 * callbacks that do nothing; "ingest" is everything between the bytes and the
 * catalog: adapters, match index, matching, assembly, copy and hash. Both free
 * what they made. Reading files and data/aliases.tsv lies outside, as a daemon
 * does it once or waits for it. They take turns in one process; processor time
 * of the thread counts, the median of all turns, with (largest - smallest) /
 * median beside it.
 *
 * Peak memory is that of a child that ingests once, and how far it lies above
 * a child that does nothing. The second row is ten times as much: every row
 * nine times more, with other names that are matched just as well. */
#include "core/base/buf.h"
#include "core/base/check.h"
#include "core/base/csv_in.h"
#include "ingest/assemble.h"
#include "ingest/source.h"
#include "services/ingestd/data_files.h"
#include "services/ingestd/recordings.h"
#include "tests/ingest/ingest_files.h"

#include <csv.h>
#include <jansson.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PARSE_FLAGS (JSON_DECODE_ANY | JSON_REJECT_DUPLICATES)
#define RECORDINGS_MAX 32
#define TURNS 11
#define TIMES 10      /* as many rows */
#define TIMES_TURNS 5 /* of those */
#define DISTURBED 20  /* percent of spread */
#define NAME_TEXT_MAX 512
#define MB 1048576.0

struct payload {
    const struct recording *recording;
    struct slice bytes, companion; /* malloc'd */
};

/* What is ingested. */
struct pile {
    struct payload payloads[RECORDINGS_MAX];
    size_t count;
    size_t bytes;
    const struct alias_table *aliases;
};

/* What came of it. */
struct harvest {
    size_t models, rows, matched;
};

struct span {
    double median_ms, spread; /* percent */
};

struct figures {
    struct harvest harvest;
    struct span bare, ingest;
    double peak_mb, above_mb;
};

/* --- the recordings ------------------------------------------------------- */

static bool
read_into(const char *file, struct pile *pile, struct slice *ret_bytes)
{
    *ret_bytes = files_recorded(file);
    if (ret_bytes->ptr == NULL)
        printf("skipped: ../shared/sources/%s is absent\n", file);
    pile->bytes += ret_bytes->len;
    return ret_bytes->ptr != NULL;
}

static bool
read_pile(struct pile *pile)
{
    const struct recording *recording;

    for (size_t i = 0; (recording = recordings_at(i)) != NULL; i++) {
        struct payload *payload = &pile->payloads[i];

        CHECK(i < RECORDINGS_MAX);
        pile->count = i + 1;
        payload->recording = recording;
        if (!read_into(recording->file, pile, &payload->bytes))
            return false;
        if (recording->companion != NULL &&
            !read_into(recording->companion, pile, &payload->companion))
            return false;
    }
    return true;
}

static void
free_pile(struct pile *pile)
{
    for (size_t i = 0; i < pile->count; i++) {
        files_free(pile->payloads[i].bytes);
        files_free(pile->payloads[i].companion);
    }
    pile->count = 0;
}

static bool
is_csv(const struct payload *payload)
{
    return slice_ends(slice_of(payload->recording->file), SLICE(".csv"));
}

/* --- ten times as many rows ----------------------------------------------- */

/* Another model's name: a word after the first one of what follows the vendor.
 * "openai/gpt-5:free" gives "openai/gpt-xc-5:free", and every spelling of one
 * model gives spellings of one other. */
static struct slice
renamed(struct slice name, unsigned copy, char out[NAME_TEXT_MAX])
{
    ptrdiff_t colon = slice_find(name, SLICE(": "));
    size_t at = colon > 0 ? (size_t)colon + 2 : 0;
    int len;

    for (size_t i = at; i < name.len; i++)
        if (name.ptr[i] == '/')
            at = i + 1;
    while (at < name.len && strchr(" -_:(", name.ptr[at]) == NULL)
        at++;
    len = snprintf(out, NAME_TEXT_MAX, "%.*s-x%c%.*s", (int)at, name.ptr,
                   (char)('a' + copy), (int)(name.len - at), name.ptr + at);
    CHECK(len > 0 && len < NAME_TEXT_MAX);
    return slice_make(out, (size_t)len);
}

static struct slice
text_of(const json_t *text)
{
    return slice_make(json_string_value(text), json_string_length(text));
}

static void
rename_row(json_t *row, unsigned copy)
{
    static const char *const keys[] = {"id",         "name",
                                       "slug",       "canonical_slug",
                                       "model_name", "hugging_face_id"};
    json_t *inner = json_object_get(row, "row");
    char text[NAME_TEXT_MAX];

    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        json_t *name = json_object_get(row, keys[i]);
        struct slice other;

        if (!json_is_string(name) || json_string_length(name) == 0)
            continue;
        other = renamed(text_of(name), copy, text);
        CHECK(json_string_setn(name, other.ptr, other.len) == 0);
    }
    if (inner != NULL)
        rename_row(inner, copy);
}

static void
multiply_rows(json_t *rows)
{
    size_t count = json_array_size(rows);

    for (unsigned copy = 1; copy < TIMES; copy++)
        for (size_t i = 0; i < count; i++) {
            json_t *row = json_deep_copy(json_array_get(rows, i));

            rename_row(row, copy);
            CHECK(json_array_append_new(rows, row) == 0);
        }
}

/* {model: figures}: as many members more. */
static void
multiply_members(json_t *object)
{
    json_t *all = json_object();
    char text[NAME_TEXT_MAX];
    const char *key;
    json_t *value;

    for (unsigned copy = 1; copy < TIMES; copy++)
        json_object_foreach(object, key, value)
        {
            (void)renamed(slice_of(key), copy, text);
            CHECK(json_object_set_new(all, text, json_deep_copy(value)) == 0);
        }
    CHECK(json_object_update(object, all) == 0);
    json_decref(all);
}

static struct slice
multiply_json(struct slice bytes)
{
    json_t *document = json_loadb(bytes.ptr, bytes.len, PARSE_FLAGS, NULL);
    json_t *rows, *board;
    const char *category;
    char *text;

    CHECK(document != NULL);
    rows = json_object_get(document, "data");
    if (rows == NULL)
        rows = json_object_get(document, "rows");
    if (rows != NULL)
        multiply_rows(rows);
    else
        json_object_foreach(document, category, board) multiply_members(board);
    text = json_dumps(document, JSON_INDENT(2) | JSON_REAL_PRECISION(15));
    CHECK(text != NULL);
    json_decref(document);
    return slice_of(text);
}

struct table {
    struct buf *out;
    unsigned copy;
    size_t name; /* column of the model's name */
};

static void
put_field(struct buf *out, struct slice field)
{
    /* No recording has quotes inside quotes. */
    bool is_quoted = slice_find(field, SLICE(",")) >= 0;

    CHECK(slice_find(field, SLICE("\"")) < 0);
    buf_put_text(out, is_quoted ? "\"" : "");
    buf_put_slice(out, field);
    buf_put_text(out, is_quoted ? "\"" : "");
}

static enum status
put_row(void *context, size_t number, const struct slice *columns, size_t count)
{
    struct table *table = context;
    char text[NAME_TEXT_MAX];

    for (size_t i = 0; number == 0 && i < count; i++)
        if (slice_eq(columns[i], SLICE("model")) ||
            slice_eq(columns[i], SLICE("model_name")))
            table->name = i;
    if (number == 0 && table->copy > 0)
        return STATUS_OK;
    for (size_t i = 0; i < count; i++) {
        bool is_other = table->copy > 0 && i == table->name;

        buf_put_text(table->out, i > 0 ? "," : "");
        put_field(table->out, is_other ? renamed(columns[i], table->copy, text)
                                       : columns[i]);
    }
    buf_put_char(table->out, '\n');
    return STATUS_OK;
}

static struct slice
multiply_csv(struct slice bytes)
{
    struct buf out;
    struct table table = {.out = &out};

    buf_init(&out, SIZE_MAX / 2);
    for (; table.copy < TIMES; table.copy++)
        CHECK(csv_read(bytes, put_row, &table) == STATUS_OK);
    CHECK(buf_ok(&out));
    return buf_slice(&out);
}

static void
multiply_pile(const struct pile *pile, struct pile *ret_pile)
{
    *ret_pile = (struct pile){.count = pile->count, .aliases = pile->aliases};
    for (size_t i = 0; i < pile->count; i++) {
        const struct payload *from = &pile->payloads[i];
        struct payload *to = &ret_pile->payloads[i];
        char *companion = malloc(from->companion.len + 1);

        CHECK(companion != NULL);
        if (from->companion.len > 0)
            memcpy(companion, from->companion.ptr, from->companion.len);
        *to = (struct payload){
            .recording = from->recording,
            .bytes = is_csv(from) ? multiply_csv(from->bytes)
                                  : multiply_json(from->bytes),
            .companion = slice_make(companion, from->companion.len)};
        ret_pile->bytes += to->bytes.len + to->companion.len;
    }
}

/* --- bare ----------------------------------------------------------------- */

static void
bare_json(struct slice bytes)
{
    json_t *document = json_loadb(bytes.ptr, bytes.len, PARSE_FLAGS, NULL);

    CHECK(document != NULL);
    json_decref(document);
}

static void
no_field(void *field, size_t len, void *context)
{
    (void)field;
    (void)len;
    (void)context;
}

static void
no_row(int terminator, void *context)
{
    (void)terminator;
    (void)context;
}

static void
bare_csv(struct slice bytes)
{
    struct csv_parser parser;

    CHECK(csv_init(&parser, CSV_STRICT | CSV_STRICT_FINI) == 0);
    CHECK(csv_parse(&parser, bytes.ptr, bytes.len, no_field, no_row, NULL) ==
          bytes.len);
    CHECK(csv_fini(&parser, no_field, no_row, NULL) == 0);
    csv_free(&parser);
}

static void
bare(const struct pile *pile, struct harvest *harvest)
{
    (void)harvest;
    for (size_t i = 0; i < pile->count; i++) {
        const struct payload *payload = &pile->payloads[i];

        if (is_csv(payload))
            bare_csv(payload->bytes);
        else
            bare_json(payload->bytes);
        if (payload->companion.len > 0)
            bare_json(payload->companion);
    }
}

/* --- ingest --------------------------------------------------------------- */

static void
understand(const struct payload *payload, struct arena *arena,
           struct assemble_payload *ret_payload)
{
    struct record_set *set = ARENA_NEW(arena, struct record_set);
    struct source_input input = {.bytes = payload->bytes,
                                 .companion = payload->companion,
                                 .is_vision = payload->recording->is_vision};

    CHECK(set != NULL);
    CHECK(utc_day_parse(slice_of(payload->recording->day), &input.day) ==
          STATUS_OK);
    record_set_init(set, arena);
    CHECK(source_adapter(payload->recording->source)(&input, set) == STATUS_OK);
    *ret_payload =
        (struct assemble_payload){.source = payload->recording->source,
                                  .set = set,
                                  .fetched_at = utc_day_start(input.day)};
}

static struct catalog *
assemble(const struct pile *pile, bool older, const struct catalog *previous,
         struct arena *arena)
{
    struct assemble_payload payloads[RECORDINGS_MAX];
    struct assemble_input input = {
        .previous = previous, .payloads = payloads, .aliases = pile->aliases};
    struct catalog *catalog = NULL;

    for (size_t i = 0; i < pile->count; i++) {
        struct assemble_payload *payload = &payloads[input.payload_count];

        if (pile->payloads[i].recording->is_older != older)
            continue;
        understand(&pile->payloads[i], arena, payload);
        if (payload->fetched_at > input.made_at)
            input.made_at = payload->fetched_at;
        input.payload_count++;
    }
    input.today = utc_day_of(input.made_at);
    CHECK(assemble_catalog(&input, arena, NULL, &catalog) == STATUS_OK);
    return catalog;
}

/* As recordings_assemble does it, from bytes. */
static void
ingest(const struct pile *pile, struct harvest *harvest)
{
    struct arena *arena = arena_new(RECORD_BYTES_MAX + ASSEMBLE_SCRATCH_MAX);
    struct catalog *older, *catalog;

    CHECK(arena != NULL);
    older = assemble(pile, true, NULL, arena);
    catalog = assemble(pile, false, older, arena);
    *harvest = (struct harvest){.models = catalog->count};
    for (size_t s = 0; s < SOURCE_COUNT; s++) {
        harvest->rows += catalog->sources[s].rows;
        harvest->matched += catalog->sources[s].matched_rows;
    }
    catalog_free(&older);
    catalog_free(&catalog);
    arena_free(&arena);
}

static void
idle(const struct pile *pile, struct harvest *harvest)
{
    (void)pile;
    (void)harvest;
}

/* --- measuring ------------------------------------------------------------ */

typedef void (*work_fn)(const struct pile *pile, struct harvest *harvest);

static double
cpu_ms(work_fn work, const struct pile *pile, struct harvest *harvest)
{
    struct timespec before, after;

    CHECK(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &before) == 0);
    work(pile, harvest);
    CHECK(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &after) == 0);
    return (double)(after.tv_sec - before.tv_sec) * 1e3 +
           (double)(after.tv_nsec - before.tv_nsec) / 1e6;
}

/* In a child of its own. */
static double
child_peak_mb(work_fn work, const struct pile *pile)
{
    struct rusage usage;
    struct harvest harvest;
    int code;
    pid_t child = fork();

    CHECK(child >= 0);
    if (child == 0) {
        work(pile, &harvest);
        _exit(0);
    }
    CHECK(wait4(child, &code, 0, &usage) == child && code == 0);
    return (double)usage.ru_maxrss * 1024 / MB;
}

static int
compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static struct span
span_of(double *turns, size_t count)
{
    double median;

    qsort(turns, count, sizeof(turns[0]), compare);
    median = turns[count / 2];
    return (struct span){median, (turns[count - 1] - turns[0]) / median * 100};
}

static void
measure(const struct pile *pile, size_t turns, struct figures *ret_figures)
{
    double bare_ms[TURNS], ingest_ms[TURNS];

    /* What was freed would lie ready for the child. */
    (void)malloc_trim(0);
    ret_figures->peak_mb = child_peak_mb(ingest, pile);
    ret_figures->above_mb = ret_figures->peak_mb - child_peak_mb(idle, pile);
    CHECK(turns <= TURNS);
    (void)cpu_ms(bare, pile, NULL); /* warm up */
    (void)cpu_ms(ingest, pile, &ret_figures->harvest);
    for (size_t i = 0; i < turns; i++) {
        bare_ms[i] = cpu_ms(bare, pile, NULL);
        ingest_ms[i] = cpu_ms(ingest, pile, &ret_figures->harvest);
    }
    ret_figures->bare = span_of(bare_ms, turns);
    ret_figures->ingest = span_of(ingest_ms, turns);
}

static void
print_row(const char *name, const struct pile *pile,
          const struct figures *figures)
{
    const struct harvest *harvest = &figures->harvest;

    printf("%-6s  %5.1f  %6zu  %7zu  %6zu  %8.1f  %4.0f%%  %8.1f  %4.0f%%  "
           "%5.2f  %7.1f  %8.1f%s\n",
           name, (double)pile->bytes / MB, harvest->rows, harvest->matched,
           harvest->models, figures->bare.median_ms, figures->bare.spread,
           figures->ingest.median_ms, figures->ingest.spread,
           figures->ingest.median_ms / figures->bare.median_ms,
           figures->peak_mb, figures->above_mb,
           figures->bare.spread > DISTURBED ||
                   figures->ingest.spread > DISTURBED
               ? "  disturbed"
               : "");
}

static void
print_growth(const struct pile *piles, const struct figures *figures)
{
    const struct harvest *one = &figures[0].harvest, *ten = &figures[1].harvest;

    printf("growth  %5.1f  %6.1f  %7.1f  %6.1f  %8.1f         %8.1f         "
           "%5.2f  %7.1f  %8.1f\n",
           (double)piles[1].bytes / (double)piles[0].bytes,
           (double)ten->rows / (double)one->rows,
           (double)ten->matched / (double)one->matched,
           (double)ten->models / (double)one->models,
           figures[1].bare.median_ms / figures[0].bare.median_ms,
           figures[1].ingest.median_ms / figures[0].ingest.median_ms,
           figures[1].ingest.median_ms / figures[1].bare.median_ms /
               (figures[0].ingest.median_ms / figures[0].bare.median_ms),
           figures[1].peak_mb / figures[0].peak_mb,
           figures[1].above_mb / figures[0].above_mb);
}

int
main(void)
{
    struct arena *arena = arena_new(ALIAS_FILE_MAX);
    struct alias_table *aliases = NULL;
    char error[DATA_FILES_ERROR_MAX];
    struct pile piles[2] = {{.count = 0}};
    struct figures figures[2];

    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    CHECK(arena != NULL);
    printf("ingest of all recorded payloads beside bare parsing; ms of "
           "processor time, peak in MB\n");
    if (read_pile(&piles[0])) {
        CHECK(data_files_aliases(SS_SOURCE_DIR "/data", arena, error,
                                 &aliases) == STATUS_OK);
        piles[0].aliases = aliases;
        printf("rows       MB    rows  matched  models      bare  spread    "
               "ingest  spread  ratio     peak  over idle\n");
        measure(&piles[0], TURNS, &figures[0]);
        print_row("x 1", &piles[0], &figures[0]);
        multiply_pile(&piles[0], &piles[1]);
        measure(&piles[1], TIMES_TURNS, &figures[1]);
        print_row("x 10", &piles[1], &figures[1]);
        print_growth(piles, figures);
    }
    free_pile(&piles[0]);
    free_pile(&piles[1]);
    arena_free(&arena);
    return 0;
}
