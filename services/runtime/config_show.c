/* Keys for people: the values in force as a file, the table as --help. */
#include "services/runtime/config_value.h"

#include "core/base/check.h"

#include <string.h>

#define HELP_WIDTH 78

static const char *
type_words(enum config_type type)
{
    switch (type) {
    case CONFIG_TEXT:
        return "text";
    case CONFIG_SECRET:
        return "secret text";
    case CONFIG_SECRET_HEX:
        return "secret";
    case CONFIG_URL:
    case CONFIG_ENDPOINTS:
        return "text";
    case CONFIG_INT:
        return "number";
    case CONFIG_BOOL:
        return "yes or no";
    case CONFIG_DURATION:
        return "duration";
    case CONFIG_SIZE:
        return "size";
    case CONFIG_ADDRESSES:
        return "IP addresses";
    case CONFIG_NETWORKS:
        return "IP addresses or networks";
    default:
        return "";
    }
}

/* "number, 1 to 1000000 calls"; the bounds of a text are bytes. */
static void
put_type(const struct config_key *key, struct buf *out)
{
    bool is_text = key->type == CONFIG_TEXT || key->type == CONFIG_ENDPOINTS ||
                   key->type == CONFIG_URL || config_is_secret(key->type);
    buf_put_text(out, type_words(key->type));
    if (is_text && key->unit[0] != '\0')
        buf_putf(out, " (%s)", key->unit);
    if (key->type == CONFIG_BOOL || key->type == CONFIG_SECRET_HEX)
        return;
    const char *unit = is_text ? "bytes" : key->unit;
    buf_putf(out, ", %lld to %lld%s%s", (long long)key->lowest,
             (long long)key->highest, unit[0] != '\0' ? " " : "", unit);
}

/* Words of a text in lines that start with prefix. */
static void
put_wrapped(const char *prefix, const char *text, struct buf *out)
{
    struct slice rest = slice_of(text);
    struct slice word;
    size_t column = 0;
    while (slice_split(&rest, ' ', &word)) {
        if (column > 0 && column + 1 + word.len > HELP_WIDTH) {
            buf_put_char(out, '\n');
            column = 0;
        }
        if (column == 0) {
            buf_put_text(out, prefix);
            column = strlen(prefix);
        } else {
            buf_put_char(out, ' ');
            column++;
        }
        buf_put_slice(out, word);
        column += word.len;
    }
    buf_put_char(out, '\n');
}

/* Quotes keep blanks at the ends, and quotes. */
static bool
needs_quotes(struct slice text)
{
    return slice_trim(text).len != text.len ||
           (text.len >= 2 && text.ptr[0] == '"' &&
            text.ptr[text.len - 1] == '"');
}

static void
put_value(const struct config *config, const struct config_value *value,
          struct buf *out)
{
    const struct config_key *key = value->key;
    put_wrapped("# ", key->help, out);
    buf_put_text(out, "# ");
    put_type(key, out);
    buf_putf(out, "; from %s\n", config_origin(config, key->name));
    if (config_is_secret(key->type)) {
        buf_putf(out, "# %s = %s\n\n", key->name,
                 value->text[0] != '\0' ? "(set)" : "");
        return;
    }
    bool quoted = needs_quotes(slice_of(value->text));
    if (!config_is_of_file(key))
        buf_put_text(out, "# ");
    buf_putf(out, quoted ? "%s = \"%s\"\n\n" : "%s = %s\n\n", key->name,
             value->text);
}

void
config_show(const struct config *config, struct buf *out)
{
    CHECK_OBJ(config, CONFIG_MAGIC);
    for (size_t i = 0; i < config->value_count; i++)
        put_value(config, &config->values[i], out);
}

static void
put_help(const struct config_key *key, struct buf *out)
{
    char flag[CONFIG_PLACE_NAME_MAX];
    char variable[CONFIG_PLACE_NAME_MAX];
    config_flag_name(key, flag);
    config_variable(key, variable);
    buf_putf(out, "  %s  ", flag);
    put_type(key, out);
    if (key->fallback[0] != '\0')
        buf_putf(out, "; default %s", key->fallback);
    buf_put_char(out, '\n');
    put_wrapped("      ", key->help, out);
    buf_putf(out, "      Environment: %s", variable);
    if (key->alias != NULL)
        buf_putf(out, " or %s", key->alias);
    if (config_is_of_file(key))
        buf_putf(out, "; in the file: %s", key->name);
    buf_put_char(out, '\n');
}

void
config_help(const struct config_key *const *tables, const size_t *table_counts,
            size_t table_count, struct buf *out)
{
    for (size_t t = 0; t < table_count; t++) {
        for (size_t i = 0; i < table_counts[t]; i++)
            put_help(&tables[t][i], out);
    }
}
