/* Recordings to a bundle: a table of files, two assemblies, one write. */
#include "services/ingestd/recordings.h"

#include "core/base/buf.h"
#include "core/base/check.h"
#include "ingest/bundle.h"
#include "ingest/source.h"
#include "services/ingestd/data_files.h"
#include "services/runtime/home.h"

#include <stdio.h>
#include <stdlib.h>

#define RECORDING_PARTS_MAX (64u << 20) /* bytes of all sets' arenas */

/* Boards older than another of the same source are listed too: assembly takes
 * of each benchmark the newest day, so they fill only what the newer lack. */
static const struct recording recordings[] = {
    {SOURCE_OPENROUTER, true, false, "2026-05-01",
     "openrouter/models-2026-05-01.json", NULL},
    {SOURCE_OPENROUTER, false, false, "2026-07-22",
     "openrouter/models-2026-07-22.json", NULL},
    {SOURCE_ARTIFICIAL_ANALYSIS, false, false, "2026-07-22",
     "artificial-analysis/models-2026-07-22.json", NULL},
    {SOURCE_ARTIFICIAL_ANALYSIS, false, false, "2026-06-27",
     "artificial-analysis/models-paged-2026-06-27-page1.json", NULL},
    {SOURCE_HF_LEADERBOARD, false, false, "2025-06-09",
     "hf-leaderboard/open-llm-leaderboard-v2-2025-06-09.csv", NULL},
    {SOURCE_LMARENA, false, false, "2026-06-25",
     "lmarena/leaderboard-dataset-text-latest-2026-06-25.json", NULL},
    {SOURCE_LMARENA, false, false, "2025-12-11",
     "lmarena/arena-catalog-text-2025-12-11.json", NULL},
    {SOURCE_LMARENA, false, true, "2025-12-11",
     "lmarena/arena-catalog-vision-2025-12-11.json", NULL},
    {SOURCE_LMARENA, false, false, "2025-08-04",
     "lmarena/lmarena_text-2025-08-04.csv", NULL},
    {SOURCE_LMARENA, false, true, "2025-08-04",
     "lmarena/lmarena_vision-2025-08-04.csv", NULL},
    {SOURCE_LIVEBENCH, false, false, "2026-07-01",
     "livebench/table_2026_01_08.csv", "livebench/categories_2026_01_08.json"},
    {SOURCE_LIVEBENCH, false, false, "2025-11-25",
     "livebench/table_2025_11_25.csv", "livebench/categories_2025_11_25.json"},
};

const struct recording *
recordings_at(size_t i)
{
    return i < ARRAY_LEN(recordings) ? &recordings[i] : NULL;
}

static enum status
read_part(const char *folder, const char *file, char **ret_bytes,
          size_t *ret_len)
{
    char path[HOME_PATH_MAX];
    enum status status = data_files_path(folder, file, path);

    if (status == STATUS_OK)
        status =
            home_read_file(path, DATA_FILES_PAYLOAD_MAX, ret_bytes, ret_len);
    if (status != STATUS_OK)
        (void)fprintf(stderr, "%s/%s: %s\n", folder, file, status_text(status));
    return status;
}

static utc_day
day_of(const struct recording *recording)
{
    utc_day day = UTC_DAY_NONE;

    CHECK(utc_day_parse(slice_of(recording->day), &day) == STATUS_OK);
    return day;
}

/* One recording understood, its set in the arena. */
static enum status
read_recording(const char *folder, const struct recording *recording,
               struct arena *arena, struct assemble_payload *ret_payload)
{
    struct record_set *set = ARENA_NEW(arena, struct record_set);
    struct source_input input = {.day = day_of(recording),
                                 .is_vision = recording->is_vision};
    char *bytes = NULL, *companion = NULL;
    enum status status;

    if (set == NULL)
        return STATUS_RESOURCE_EXHAUSTED;
    record_set_init(set, arena);
    status = read_part(folder, recording->file, &bytes, &input.bytes.len);
    if (status == STATUS_OK && recording->companion != NULL)
        status = read_part(folder, recording->companion, &companion,
                           &input.companion.len);
    input.bytes.ptr = bytes;
    input.companion.ptr = companion;
    if (status == STATUS_OK) {
        status = source_adapter(recording->source)(&input, set);
        if (status != STATUS_OK)
            (void)fprintf(stderr, "%s: %s\n", recording->file, set->reason);
    }
    free(bytes);
    free(companion);
    if (status != STATUS_OK)
        return status;
    *ret_payload = (struct assemble_payload){
        .source = recording->source,
        .set = set,
        .fetched_at = utc_day_start(input.day),
    };
    return STATUS_OK;
}

/* What both assemblies share. */
struct workplace {
    const char *folder;
    struct arena *arena;
    struct assemble_input input;
};

/* Assemble the recordings that are (or are not) older on top of `previous`. */
static enum status
assemble_some(struct workplace *workplace, bool older,
              struct assemble_report *report, struct catalog **ret_catalog)
{
    struct assemble_input *input = &workplace->input;
    struct assemble_payload payloads[ARRAY_LEN(recordings)];
    size_t count = 0;
    bool has_models = false;

    input->made_at = 0;
    for (size_t i = 0; i < ARRAY_LEN(recordings); i++) {
        const struct recording *recording = &recordings[i];

        if (recording->is_older != older ||
            read_recording(workplace->folder, recording, workplace->arena,
                           &payloads[count]) != STATUS_OK)
            continue;
        if (payloads[count].fetched_at > input->made_at)
            input->made_at = payloads[count].fetched_at;
        has_models |= recording->source == SOURCE_OPENROUTER;
        count++;
    }
    if (!has_models)
        return STATUS_NOT_FOUND;
    input->payloads = payloads;
    input->payload_count = count;
    input->today = utc_day_of(input->made_at);
    return assemble_catalog(input, workplace->arena, report, ret_catalog);
}

enum status
recordings_assemble(const char *folder, const struct alias_table *aliases,
                    struct arena *arena, struct assemble_report *ret_report,
                    struct catalog **ret_catalog)
{
    struct workplace workplace = {
        .folder = folder, .arena = arena, .input = {.aliases = aliases}};
    struct catalog *older = NULL;
    enum status status;

    for (size_t s = 0; s < SOURCE_COUNT; s++)
        workplace.input.failures[s] = SLICE("");
    status = assemble_some(&workplace, true, NULL, &older);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND)
        return status;
    workplace.input.previous = older;
    status = assemble_some(&workplace, false, ret_report, ret_catalog);
    catalog_free(&older);
    return status;
}

static void
summarise(const struct catalog *catalog, size_t bytes)
{
    size_t standing[MODEL_STANDING_COUNT] = {0};
    size_t covered[SOURCE_COUNT] = {0}, figures = 0;

    for (size_t i = 0; i < catalog->count; i++) {
        const struct model *model = &catalog->models[i];

        standing[model->standing]++;
        figures += model->figure_count;
        if (model->standing == MODEL_RETIRED)
            continue;
        for (size_t s = 0; s < SOURCE_COUNT; s++)
            covered[s] += (model->sources & BIT(s)) != 0;
    }
    (void)printf("%zu models, %zu figures, %zu bytes, version %016llx\n",
                 catalog->count, figures, bytes,
                 (unsigned long long)catalog->version);
    for (size_t s = 0; s < MODEL_STANDING_COUNT; s++)
        (void)printf("  %-10s %zu\n",
                     model_standing_name((enum model_standing)s), standing[s]);
    for (size_t s = 0; s < SOURCE_COUNT; s++)
        (void)printf("  %-20s %zu of the models on offer, %u of %u rows\n",
                     source_name((enum source)s), covered[s],
                     catalog->sources[s].matched_rows,
                     catalog->sources[s].rows);
}

static int
write_bundle(const struct catalog *catalog, const char *out_path)
{
    struct buf out;
    enum status status;

    buf_init(&out, BUNDLE_BYTES_MAX);
    bundle_write(catalog, &out);
    status = buf_ok(&out) ? home_write_file(out_path, out.data, out.len)
                          : STATUS_RESOURCE_EXHAUSTED;
    if (status == STATUS_OK)
        summarise(catalog, out.len);
    else
        (void)fprintf(stderr, "%s: %s\n", out_path, status_text(status));
    buf_fini(&out);
    return status == STATUS_OK ? 0 : 1;
}

int
recordings_bundle(const char *data_folder, const char *recordings_folder,
                  const char *out_path)
{
    struct arena *arena = arena_new(RECORDING_PARTS_MAX + ASSEMBLE_SCRATCH_MAX);
    struct alias_table *aliases = NULL;
    struct catalog *catalog = NULL;
    char error[DATA_FILES_ERROR_MAX];
    int code = 1;

    if (arena == NULL)
        return 1;
    if (data_files_aliases(data_folder, arena, error, &aliases) != STATUS_OK)
        (void)fprintf(stderr, "%s\n", error);
    else if (recordings_assemble(recordings_folder, aliases, arena, NULL,
                                 &catalog) == STATUS_OK)
        code = write_bundle(catalog, out_path);
    catalog_free(&catalog);
    arena_free(&arena);
    return code;
}
