/* Values of one process's keys: parsed against their rows, looked up by name.
 *
 * Flags are taken first, the environment next, the file last; a value gives
 * way only to a stronger place. Each place is checked whole, so a wrong line
 * in the file is told even when a flag overrides it. Keys are few (at most
 * CONFIG_KEYS_MAX), so finding one is a walk. */
#include "services/runtime/config_value.h"

#include "core/base/check.h"
#include "core/base/text.h"
#include "services/runtime/home.h"
#include "services/runtime/ip.h"
#include "services/runtime/rpc_target.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ADDRESSES_BYTES_MAX 4000 /* of a text of addresses */

static const struct config_key runtime_keys[] = {
#define CONFIG CONFIG_ROW
#include "services/runtime/runtime.def"
#undef CONFIG
};

static const char *const place_names[] = {
    [CONFIG_PLACE_DEFAULT] = "default",
    [CONFIG_PLACE_FILE] = "file",
    [CONFIG_PLACE_ENVIRONMENT] = "environment",
    [CONFIG_PLACE_FLAG] = "flag",
};

const struct config_key *
config_runtime_keys(size_t *ret_count)
{
    *ret_count = ARRAY_LEN(runtime_keys);
    return runtime_keys;
}

static enum status
rule_number(enum status status, const struct config_key *key, int64_t number,
            const char *shape, char *ret_rule)
{
    if (status == STATUS_INVALID_ARGUMENT) {
        (void)snprintf(ret_rule, CONFIG_RULE_MAX, "must be %s", shape);
        return STATUS_INVALID_ARGUMENT;
    }
    if (status == STATUS_OK && number >= key->lowest && number <= key->highest)
        return STATUS_OK;
    (void)snprintf(ret_rule, CONFIG_RULE_MAX, "must be from %lld to %lld%s%s",
                   (long long)key->lowest, (long long)key->highest,
                   key->unit[0] != '\0' ? " " : "", key->unit);
    return STATUS_INVALID_ARGUMENT;
}

static enum status
rule_text(const struct config_key *key, struct slice text, char *ret_rule)
{
    if (!text_is_utf8(text) || text_has_control(text, "")) {
        (void)snprintf(ret_rule, CONFIG_RULE_MAX,
                       "must be UTF-8 without control characters");
        return STATUS_INVALID_ARGUMENT;
    }
    if ((int64_t)text.len >= key->lowest && (int64_t)text.len <= key->highest)
        return STATUS_OK;
    (void)snprintf(ret_rule, CONFIG_RULE_MAX,
                   "must have from %lld to %lld bytes", (long long)key->lowest,
                   (long long)key->highest);
    return STATUS_INVALID_ARGUMENT;
}

static enum status
rule_addresses(const struct config_key *key, struct slice text,
               int64_t *ret_count, char *ret_rule)
{
    bool networks = key->type == CONFIG_NETWORKS;
    bool fine = text.len <= ADDRESSES_BYTES_MAX && !text_has_control(text, "");
    int64_t count = 0;
    struct ip_network network;
    struct slice part;
    while (fine && slice_split(&text, ',', &part)) {
        part = slice_trim(part);
        if (part.len == 0)
            continue;
        fine = networks ? ip_network_parse(part, &network)
                        : ip_parse(part, &network.base);
        count++;
    }
    if (!fine) {
        (void)snprintf(ret_rule, CONFIG_RULE_MAX,
                       "must be IP addresses%s, comma-separated, such as %s",
                       networks ? " or address/bits" : "",
                       networks ? "10.0.0.0/8,::1" : "127.0.0.1,::1");
        return STATUS_INVALID_ARGUMENT;
    }
    *ret_count = count;
    if (count >= key->lowest && count <= key->highest)
        return STATUS_OK;
    (void)snprintf(ret_rule, CONFIG_RULE_MAX,
                   "must be from %lld to %lld addresses",
                   (long long)key->lowest, (long long)key->highest);
    return STATUS_INVALID_ARGUMENT;
}

static enum status
rule_url(const struct config_key *key, struct slice text, char *ret_rule)
{
    static const char *const schemes[] = {"http://", "https://", "file://"};
    enum status status = rule_text(key, text, ret_rule);
    bool fine = text.len == 0 || slice_eq(text, SLICE("none"));
    for (size_t i = 0; i < ARRAY_LEN(schemes); i++)
        fine = fine || (slice_starts(text, slice_of(schemes[i])) &&
                        text.len > strlen(schemes[i]));
    if (status != STATUS_OK || fine)
        return status;
    (void)snprintf(ret_rule, CONFIG_RULE_MAX,
                   "must be an http://, https:// or file:// URL, or none");
    return STATUS_INVALID_ARGUMENT;
}

static enum status
rule_endpoints(const struct config_key *key, struct slice text, char *ret_rule)
{
    struct rpc_target target;
    struct slice part;
    enum status status = rule_text(key, text, ret_rule);
    while (status == STATUS_OK && slice_split(&text, ',', &part)) {
        part = slice_trim(part);
        if (part.len > 0)
            status = rpc_target_parse(part, &target);
        if (status != STATUS_OK)
            (void)snprintf(ret_rule, CONFIG_RULE_MAX,
                           "must be endpoints, comma-separated, such as "
                           "ipc:///run/a.sock,tcp://127.0.0.1:7001");
    }
    return status;
}

static enum status
rule_hex(const struct config_key *key, struct slice text, char *ret_rule)
{
    bool fine = text.len == 0 || (int64_t)text.len == key->highest;
    for (size_t i = 0; i < text.len && fine; i++)
        fine = text_hex_digit(text.ptr[i]) >= 0;
    if (fine)
        return STATUS_OK;
    (void)snprintf(ret_rule, CONFIG_RULE_MAX, "must be %lld hex digits",
                   (long long)key->highest);
    return STATUS_INVALID_ARGUMENT;
}

bool
config_is_secret(enum config_type type)
{
    return type == CONFIG_SECRET || type == CONFIG_SECRET_HEX;
}

bool
config_is_text(enum config_type type)
{
    return type == CONFIG_TEXT || config_is_secret(type) ||
           type == CONFIG_ENDPOINTS || type == CONFIG_URL ||
           type == CONFIG_ADDRESSES || type == CONFIG_NETWORKS;
}

enum status
config_parse(const struct config_key *key, struct slice text,
             int64_t *ret_number, char *ret_rule)
{
    int64_t number = 0;
    bool on = false;
    enum status status;
    switch (key->type) {
    case CONFIG_TEXT:
    case CONFIG_SECRET:
        status = rule_text(key, text, ret_rule);
        break;
    case CONFIG_URL:
        status = rule_url(key, text, ret_rule);
        break;
    case CONFIG_ENDPOINTS:
        status = rule_endpoints(key, text, ret_rule);
        break;
    case CONFIG_SECRET_HEX:
        status = rule_hex(key, text, ret_rule);
        break;
    case CONFIG_INT:
        status = text_i64(text, &number);
        status = rule_number(status, key, number, "a whole number", ret_rule);
        break;
    case CONFIG_BOOL:
        status = text_bool(text, &on);
        number = on;
        if (status != STATUS_OK)
            (void)snprintf(ret_rule, CONFIG_RULE_MAX, "must be yes or no");
        break;
    case CONFIG_DURATION:
        status = text_duration(text, &number);
        status =
            rule_number(status, key, number,
                        "a duration such as 250ms, 5s, 2m, 6h or 3d", ret_rule);
        break;
    case CONFIG_SIZE:
        status = text_size(text, &number);
        status = rule_number(status, key, number,
                             "a size such as 4096, 64KiB or 1MiB", ret_rule);
        break;
    case CONFIG_ADDRESSES:
    case CONFIG_NETWORKS:
        status = rule_addresses(key, text, &number, ret_rule);
        break;
    default:
        status = STATUS_INTERNAL;
    }
    if (status == STATUS_OK)
        *ret_number = number;
    return status;
}

enum status
config_set(struct config_value *value, struct slice text,
           enum config_place place)
{
    int64_t number;
    char rule[CONFIG_RULE_MAX];
    enum status status = config_parse(value->key, text, &number, rule);
    if (status != STATUS_OK)
        return status;
    if (place < value->place)
        return STATUS_OK;
    char *copy = strndup(text.len > 0 ? text.ptr : "", text.len);
    CHECK(copy != NULL);
    free(value->text);
    value->text = copy;
    value->number = number;
    value->place = place;
    return STATUS_OK;
}

static void
set_defaults(struct config *config, const struct config_input *input)
{
    for (size_t t = 0; t < input->table_count; t++) {
        for (size_t i = 0; i < input->table_counts[t]; i++) {
            CHECK(config->value_count < CONFIG_KEYS_MAX);
            struct config_value *value = &config->values[config->value_count++];
            value->key = &input->tables[t][i];
            /* A default that breaks its own bounds is a mistake in a .def. */
            CHECK(config_set(value, slice_of(value->key->fallback),
                             CONFIG_PLACE_DEFAULT) == STATUS_OK);
        }
    }
}

enum status
config_load(const struct config_input *input, char *ret_error,
            struct config **ret_config)
{
    struct config *config = calloc(1, sizeof(*config));
    CHECK(config != NULL);
    config->magic = CONFIG_MAGIC;
    set_defaults(config, input);
    enum status status = config_read_flags(config, input, ret_error);
    if (status == STATUS_OK)
        status = config_read_environment(config, input, ret_error);
    if (status == STATUS_OK)
        status = config_read_file(config, input, ret_error);
    if (status != STATUS_OK) {
        config_free(&config);
        return status;
    }
    *ret_config = config;
    return STATUS_OK;
}

void
config_free(struct config **config)
{
    if (*config == NULL)
        return;
    CHECK_OBJ(*config, CONFIG_MAGIC);
    for (size_t i = 0; i < (*config)->value_count; i++)
        free((*config)->values[i].text);
    for (size_t i = 0; i < (*config)->unknown_count; i++)
        free((*config)->unknown[i].name);
    (*config)->magic = 0;
    free((*config)->rest);
    free(*config);
    *config = NULL;
}

static bool
is_joint(char c)
{
    return c == '.' || c == '_' || c == '-';
}

/* '.', '_' and '-' are one: "rpc.max_calls" is also "rpc-max-calls". */
bool
config_same_name(struct slice a, struct slice b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++) {
        bool same =
            is_joint(a.ptr[i]) ? is_joint(b.ptr[i]) : a.ptr[i] == b.ptr[i];
        if (!same)
            return false;
    }
    return true;
}

struct config_value *
config_find(struct config *config, struct slice name, bool exact)
{
    for (size_t i = 0; i < config->value_count; i++) {
        struct slice key = slice_of(config->values[i].key->name);
        if (exact ? slice_eq(key, name) : config_same_name(key, name))
            return &config->values[i];
    }
    return NULL;
}

static const struct config_value *
get(const struct config *config, const char *key)
{
    CHECK_OBJ(config, CONFIG_MAGIC);
    for (size_t i = 0; i < config->value_count; i++) {
        if (strcmp(config->values[i].key->name, key) == 0)
            return &config->values[i];
    }
    return NULL;
}

static const struct config_value *
get_typed(const struct config *config, const char *key, enum config_type type)
{
    const struct config_value *value = get(config, key);
    CHECK(value != NULL && value->key->type == type);
    return value;
}

const char *
config_text(const struct config *config, const char *key)
{
    const struct config_value *value = get(config, key);
    CHECK(value != NULL && config_is_text(value->key->type));
    return value->text;
}

int64_t
config_int(const struct config *config, const char *key)
{
    return get_typed(config, key, CONFIG_INT)->number;
}

bool
config_bool(const struct config *config, const char *key)
{
    return get_typed(config, key, CONFIG_BOOL)->number != 0;
}

int64_t
config_duration_ms(const struct config *config, const char *key)
{
    return get_typed(config, key, CONFIG_DURATION)->number;
}

int64_t
config_size(const struct config *config, const char *key)
{
    return get_typed(config, key, CONFIG_SIZE)->number;
}

const char *
config_origin(const struct config *config, const char *key)
{
    const struct config_value *value = get(config, key);
    CHECK(value != NULL);
    return place_names[value->place];
}

void
config_value_text(const struct config *config, const char *key, struct buf *out)
{
    const struct config_value *value = get(config, key);
    CHECK(value != NULL);
    buf_put_text(out, value->text);
}

const char *
config_file(const struct config *config)
{
    CHECK_OBJ(config, CONFIG_MAGIC);
    return config->file;
}

size_t
config_rest_count(const struct config *config)
{
    CHECK_OBJ(config, CONFIG_MAGIC);
    return config->rest_count;
}

const char *
config_rest(const struct config *config, size_t i)
{
    CHECK_OBJ(config, CONFIG_MAGIC);
    CHECK(i < config->rest_count);
    return config->rest[i];
}

size_t
config_unknown_count(const struct config *config)
{
    CHECK_OBJ(config, CONFIG_MAGIC);
    return config->unknown_count;
}

const char *
config_unknown(const struct config *config, size_t i, const char **ret_nearest)
{
    CHECK_OBJ(config, CONFIG_MAGIC);
    CHECK(i < config->unknown_count);
    *ret_nearest = config->unknown[i].nearest;
    return config->unknown[i].name;
}
