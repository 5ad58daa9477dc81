/* Configuration: file < environment < flags, from one table of keys.
 *
 * A key is "section.name" ("router.target"); in the environment it is
 * SMART_SPAWN_SECTION_NAME (empty is unset), as a flag --section-name VALUE or
 * --section-name=VALUE; a BOOL flag stands alone or takes =VALUE. Each row has
 * a type, bounds, unit, default and a sentence; --help and `config --show`
 * print them. The file holds `key = value` lines and '#' comments; a value
 * with blanks at its ends stands in double quotes. Every error names the key,
 * where it was set and the rule; an unknown flag names the nearest key. */
#ifndef SERVICES_RUNTIME_CONFIG_H
#define SERVICES_RUNTIME_CONFIG_H

#include "core/base/buf.h"
#include "core/base/slice.h"
#include "core/base/status.h"

#include <stdbool.h>
#include <stdint.h>

#define CONFIG_ERROR_MAX 256
#define CONFIG_FILE_MAX (256 << 10) /* bytes */
#define CONFIG_KEYS_MAX 128

enum config_type {
    CONFIG_TEXT,       /* bounds are bytes */
    CONFIG_SECRET,     /* a text that is never printed */
    CONFIG_SECRET_HEX, /* such a text of hex digits; the highest bound is how
                          many, or none at all */
    CONFIG_INT,
    CONFIG_BOOL,
    CONFIG_DURATION, /* "250ms", "6h"; bounds and value in ms */
    CONFIG_SIZE,     /* "1MiB"; bounds and value in bytes */
    CONFIG_URL,      /* a text: http://, https:// or file://, "none" or empty */
    /* A text of RPC endpoints, comma-separated, or empty; bounds are bytes. */
    CONFIG_ENDPOINTS, /* "ipc:///run/a.sock, tcp://127.0.0.1:7001" */
    /* A text of IP addresses, comma-separated; bounds are how many. */
    CONFIG_ADDRESSES, /* "127.0.0.1, ::1" */
    CONFIG_NETWORKS,  /* with address/bits too: "10.0.0.0/8, ::1" */
};

struct config_key {
    const char *name; /* "http.port" */
    enum config_type type;
    const char *fallback; /* the default, as text; "" is empty */
    int64_t lowest, highest;
    const char *unit;  /* "port", "bytes", "" */
    const char *help;  /* one sentence */
    const char *alias; /* another environment variable ("PORT"), or NULL */
};

/* The rows of a config.def: CONFIG(name, type, default, lowest, highest,
 * unit, help, alias). */
#define CONFIG_ROW(name, type, fallback, lowest, highest, unit, help, alias)   \
    {name, CONFIG_##type, fallback, lowest, highest, unit, help, alias},

/* The keys every process has (runtime.def): home, log.level, instance, …
 * config_runtime_keys is a static table of *ret_count rows. */
const struct config_key *config_runtime_keys(size_t *ret_count);

struct config;

struct config_input {
    const struct config_key *const *tables; /* key tables … */
    const size_t *table_counts;             /* … and their lengths */
    size_t table_count;
    char *const *environment; /* environ, or a test's */
    int argc;                 /* flags; what is no flag is left over */
    char *const *argv;        /* argv[0] is skipped */
    /* For the command, whose subcommands have flags of their own: flags that
     * are no keys, and "--", are left over instead of being an error. */
    bool leave_unknown_flags;
    /* With ptr not NULL: the bytes of the file; then none is opened. */
    struct slice file;
};

/* Read the three places. The file is the flag --config, else
 * SMART_SPAWN_CONFIG, else <home>/smart-spawn.conf when it exists; it cannot
 * set home, which it is found through. One file
 * serves all processes, so a key of the file that is in no table of this one
 * is no error: config_unknown lists it. On failure ret_error
 * (CONFIG_ERROR_MAX bytes) tells a person what to mend. INVALID_ARGUMENT,
 * NOT_FOUND (a named file is missing), PERMISSION_DENIED, RESOURCE_EXHAUSTED
 * (CONFIG_FILE_MAX). */
enum status config_load(const struct config_input *input, char *ret_error,
                        struct config **ret_config) MUST_CHECK;
void config_free(struct config **config);

/* Values by key name; the key must be in a table and of that type (for
 * config_text any that is a text). Texts live as long as the config. */
const char *config_text(const struct config *config, const char *key);
int64_t config_int(const struct config *config, const char *key);
bool config_bool(const struct config *config, const char *key);
int64_t config_duration_ms(const struct config *config, const char *key);
int64_t config_size(const struct config *config, const char *key);
/* Where the value came from: "default", "file", "environment", "flag". */
const char *config_origin(const struct config *config, const char *key);

/* Any value as the text it was given as; for handing it to another process,
 * never for printing (it may be a secret). */
void config_value_text(const struct config *config, const char *key,
                       struct buf *out);
#define CONFIG_VARIABLE_PREFIX "SMART_SPAWN_"
/* The environment variable of a key into out (CONFIG_VARIABLE_MAX bytes). */
#define CONFIG_VARIABLE_MAX 80
void config_variable(const struct config_key *key, char *out);
/* The file that was named by flag or environment, NULL when none was. */
const char *config_file(const struct config *config);

/* What is left of argv: arguments that are no flags, after "--" too. */
size_t config_rest_count(const struct config *config);
const char *config_rest(const struct config *config, size_t i);

/* Keys of the file that are in no table here: another process's, or a slip of
 * the pen. ret_nearest is a key spelled nearly like it, or NULL. */
size_t config_unknown_count(const struct config *config);
const char *
config_unknown(const struct config *config, size_t i, const char **ret_nearest);

/* How many letters differ between two names of keys; SIZE_MAX for names that
 * no key could have. Up to CONFIG_NEAR it may be a slip of the pen. */
size_t config_distance(struct slice a, struct slice b);
#define CONFIG_NEAR 2

/* Every key with value, origin, unit, bounds and sentence, as a valid config
 * file; a secret is a comment that says "(set)", and so is home, which no file
 * can set. */
void config_show(const struct config *config, struct buf *out);
/* The table as text for --help. */
void config_help(const struct config_key *const *tables,
                 const size_t *table_counts, size_t table_count,
                 struct buf *out);

#endif
