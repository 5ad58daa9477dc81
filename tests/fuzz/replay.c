/* Runs a fuzz target over the files of a corpus folder, as a plain test.
 *
 * Each argument is a file or a folder of files; every file is one input. An
 * empty input and every single byte come first, so that a target without a
 * corpus is tried too. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int
run_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return 1;
    if (fseek(file, 0, SEEK_END) != 0) {
        (void)fclose(file);
        return 1;
    }
    long size = ftell(file);
    rewind(file);
    uint8_t *bytes = malloc(size > 0 ? (size_t)size : 1);
    size_t got = bytes ? fread(bytes, 1, (size_t)size, file) : 0;
    (void)fclose(file);
    if (bytes != NULL)
        LLVMFuzzerTestOneInput(bytes, got);
    free(bytes);
    return bytes == NULL;
}

static int
run_folder(const char *path, unsigned *count)
{
    DIR *folder = opendir(path);
    if (folder == NULL)
        return 0; /* no corpus yet */
    int failed = 0;
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        char name[4096];
        if (entry->d_name[0] == '.')
            continue;
        (void)snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
        failed |= run_file(name);
        ++*count;
    }
    (void)closedir(folder);
    return failed;
}

int
main(int argc, char **argv)
{
    unsigned count = 0;
    int failed = 0;
    LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
    for (unsigned byte = 0; byte < 256; byte++) {
        uint8_t one = (uint8_t)byte;
        LLVMFuzzerTestOneInput(&one, 1);
    }
    for (int i = 1; i < argc; i++) {
        struct stat status;
        if (stat(argv[i], &status) == 0 && S_ISREG(status.st_mode)) {
            failed |= run_file(argv[i]);
            count++;
        } else {
            failed |= run_folder(argv[i], &count);
        }
    }
    printf("%u inputs replayed\n", count);
    return failed;
}
