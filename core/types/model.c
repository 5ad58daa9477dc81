/* Questions to one model, and what a model id looks like. */
#include "core/types/model.h"

#include "core/base/check.h"

static const char *const standing_names[] = {
    [MODEL_CANDIDATE] = "candidate", [MODEL_RETIRED] = "retired",
    [MODEL_ROUTER] = "router",       [MODEL_ALIAS] = "alias",
    [MODEL_EXPIRED] = "expired",     [MODEL_NOT_TEXT] = "not-text",
};
_Static_assert(ARRAY_LEN(standing_names) == MODEL_STANDING_COUNT,
               "every standing has a name");

const char *
model_standing_name(enum model_standing standing)
{
    CHECK((size_t)standing < MODEL_STANDING_COUNT);
    return standing_names[standing];
}

bool
model_standing_find(struct slice name, enum model_standing *ret_standing)
{
    for (size_t i = 0; i < MODEL_STANDING_COUNT; i++) {
        if (slice_eq(slice_of(standing_names[i]), name)) {
            *ret_standing = (enum model_standing)i;
            return true;
        }
    }
    return false;
}

const struct figure *
model_figure(const struct model *model, enum benchmark benchmark)
{
    /* A handful, at most BENCHMARK_COUNT, ascending. */
    for (size_t i = 0; i < model->figure_count; i++) {
        if (model->figures[i].benchmark == benchmark)
            return &model->figures[i];
    }
    return NULL;
}

static bool
is_id_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '0' && c <= '9') || (c != '\0' && strchr("._:~+-", c) != NULL);
}

bool
model_id_is_valid(struct slice id)
{
    if (id.len < 3 || id.len > MODEL_ID_MAX || id.ptr[0] == '/' ||
        id.ptr[id.len - 1] == '/')
        return false;
    bool has_slash = false;
    for (size_t i = 0; i < id.len; i++) {
        if (id.ptr[i] == '/') {
            if (id.ptr[i - 1] == '/')
                return false; /* an empty part names nothing */
            has_slash = true;
        } else if (!is_id_char(id.ptr[i])) {
            return false;
        }
    }
    return has_slash;
}

struct slice
model_id_bare(struct slice id)
{
    struct slice prefix = SLICE("openrouter/");
    if (!slice_starts(id, prefix))
        return id;
    struct slice rest = slice_cut(id, prefix.len, id.len);
    return slice_find(rest, SLICE("/")) > 0 ? rest : id;
}
