/* What the parts of config share: the values and how a place is read.
 * Private to config.c, config_place.c and config_show.c. */
#ifndef SERVICES_RUNTIME_CONFIG_VALUE_H
#define SERVICES_RUNTIME_CONFIG_VALUE_H

#include "core/base/slice.h"
#include "services/runtime/config.h"

#define CONFIG_MAGIC 0x636f6e66u
#define CONFIG_RULE_MAX 96     /* bytes of "must be …" */
#define CONFIG_UNKNOWN_MAX 256 /* unknown keys of a file that are kept */
#define CONFIG_NAME_MAX 64     /* bytes of a key's name */

/* From weak to strong. */
enum config_place {
    CONFIG_PLACE_DEFAULT,
    CONFIG_PLACE_FILE,
    CONFIG_PLACE_ENVIRONMENT,
    CONFIG_PLACE_FLAG,
};

struct config_value {
    const struct config_key *key;
    char *text;     /* owned, never NULL */
    int64_t number; /* of INT, BOOL, DURATION, SIZE */
    enum config_place place;
    unsigned line; /* of the file; 0: not in it */
};

struct config_unknown {
    char *name; /* owned */
    const char *nearest;
};

struct config {
    unsigned magic;
    struct config_value values[CONFIG_KEYS_MAX];
    size_t value_count;
    struct config_unknown unknown[CONFIG_UNKNOWN_MAX];
    size_t unknown_count;
    const char **rest; /* borrowed from argv; the array is owned */
    size_t rest_count;
    const char *file; /* named one, borrowed from argv or environment */
};

/* Check a text against a row. On INVALID_ARGUMENT ret_rule (CONFIG_RULE_MAX)
 * says what it must be. */
enum status config_parse(const struct config_key *key, struct slice text,
                         int64_t *ret_number, char *ret_rule) MUST_CHECK;
/* Whether config_text gives the value. */
bool config_is_text(enum config_type type);
/* Whether it is never printed. */
bool config_is_secret(enum config_type type);
/* Check, and keep it unless a stronger place spoke. */
enum status config_set(struct config_value *value, struct slice text,
                       enum config_place place) MUST_CHECK;
bool config_same_name(struct slice a, struct slice b);
/* exact: as the file writes it; else as a flag does. NULL when unknown. */
struct config_value *
config_find(struct config *config, struct slice name, bool exact);
/* The key that is spelled most like name, NULL when none is near. */
const char *config_nearest(const struct config *config, struct slice name);

/* False for home: the file is found through it. */
bool config_is_of_file(const struct config_key *key);

/* The three places. On failure ret_error (CONFIG_ERROR_MAX) is filled. */
enum status config_read_flags(struct config *config,
                              const struct config_input *input,
                              char *ret_error) MUST_CHECK;
enum status config_read_environment(struct config *config,
                                    const struct config_input *input,
                                    char *ret_error) MUST_CHECK;
enum status config_read_file(struct config *config,
                             const struct config_input *input,
                             char *ret_error) MUST_CHECK;
/* A key as a flag, "--router-target"; out has CONFIG_PLACE_NAME_MAX bytes. */
#define CONFIG_PLACE_NAME_MAX CONFIG_VARIABLE_MAX
void config_flag_name(const struct config_key *key, char *out);

#endif
