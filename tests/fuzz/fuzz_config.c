/* Any bytes as a configuration file and as flags: a configuration or an error
 * text, and what is shown of a configuration can be read again.
 * links: services_runtime */
#include "core/base/check.h"
#include "services/runtime/config.h"
#include "services/runtime/home.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define INPUT_MAX 4096
#define FLAGS_MAX 8
#define NAME_MAX_BYTES 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum status
load(int argc, char *const *argv, struct config **config)
{
    size_t count;
    const struct config_key *const tables[] = {config_runtime_keys(&count)};
    char *const none[] = {NULL};
    char error[CONFIG_ERROR_MAX] = "";
    struct config_input input = {.tables = tables,
                                 .table_counts = &count,
                                 .table_count = 1,
                                 .environment = none,
                                 .argc = argc,
                                 .argv = argv};
    enum status status = config_load(&input, error, config);
    CHECK(status == STATUS_OK || error[0] != '\0');
    CHECK(strlen(error) < CONFIG_ERROR_MAX);
    return status;
}

static void
write_file(const char *path, const void *bytes, size_t len)
{
    FILE *file = fopen(path, "wb");
    CHECK(file != NULL);
    CHECK(fwrite(bytes, 1, len, file) == len);
    CHECK(fclose(file) == 0);
}

static void
check_shown(const struct config *config, char *path)
{
    struct buf shown;
    struct config *again = NULL;
    char program[] = "fuzz";
    char flag[] = "--config";
    char *argv[] = {program, flag, path};
    buf_init(&shown, 1 << 20);
    config_show(config, &shown);
    CHECK(buf_ok(&shown));
    write_file(path, shown.data, shown.len);
    CHECK(load(3, argv, &again) == STATUS_OK);
    CHECK(strcmp(config_text(config, "router.target"),
                 config_text(again, "router.target")) == 0);
    CHECK(config_int(config, "rpc.max_calls") ==
          config_int(again, "rpc.max_calls"));
    config_free(&again);
    buf_fini(&shown);
}

/* The first line, split at blanks, as flags; the rest as the file. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[NAME_MAX_BYTES];
    char line[INPUT_MAX];
    char program[] = "fuzz";
    char flag[] = "--config";
    char *argv[FLAGS_MAX + 3] = {program, flag, path};
    int argc = 3;
    struct config *config = NULL;
    if (size >= INPUT_MAX)
        return 0;
    snprintf(path, sizeof(path), "/dev/shm/ss-fuzz-config-%d", (int)getpid());
    const uint8_t *newline = size > 0 ? memchr(data, '\n', size) : NULL;
    size_t len = newline != NULL ? (size_t)(newline - data) : 0;
    memcpy(line, data, len);
    line[len] = '\0';
    for (char *word = line; word != NULL && argc < FLAGS_MAX + 3;) {
        argv[argc++] = word;
        word = strchr(word, ' ');
        if (word != NULL)
            *word++ = '\0';
    }
    write_file(path, data + len, size - len);
    if (load(argc, argv, &config) == STATUS_OK)
        check_shown(config, path);
    config_free(&config);
    (void)unlink(path);
    return 0;
}
