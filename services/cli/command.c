/* The few habits that commands share. */
#include "services/cli/command.h"

#include "services/local/stack.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool
command_switch(struct command_line *line, const char *name)
{
    bool found = false;
    size_t kept = 0;
    for (size_t i = 0; i < line->count; i++) {
        if (strcmp(line->arguments[i], "--") == 0) {
            memmove(&line->arguments[kept], &line->arguments[i],
                    (line->count - i) * sizeof(line->arguments[0]));
            kept += line->count - i;
            break;
        }
        if (strcmp(line->arguments[i], name) == 0)
            found = true;
        else
            line->arguments[kept++] = line->arguments[i];
    }
    line->count = kept;
    return found;
}

/* Take arguments out from a place on. */
static void
take_out(struct command_line *line, size_t at, size_t count)
{
    line->count -= count;
    memmove(&line->arguments[at], &line->arguments[at + count],
            (line->count - at) * sizeof(line->arguments[0]));
}

bool
command_option(struct command_line *line, const char *name,
               const char **ret_value)
{
    size_t len = strlen(name);
    for (size_t i = 0; i < line->count; i++) {
        const char *argument = line->arguments[i];
        if (strcmp(argument, "--") == 0)
            return true;
        if (strncmp(argument, name, len) != 0 ||
            (argument[len] != '\0' && argument[len] != '='))
            continue;
        if (argument[len] == '=') {
            *ret_value = argument + len + 1;
            take_out(line, i, 1);
        } else if (i + 1 < line->count) {
            *ret_value = line->arguments[i + 1];
            take_out(line, i, 2);
        } else {
            command_say("%s needs a value", name);
            return false;
        }
        return true;
    }
    return true;
}

int
command_dispatch(struct command_line *line, const struct command_word *words,
                 size_t count, const char *usage)
{
    if (line->count == 0) {
        command_say("usage: smart-spawn %s %s", line->name, usage);
        return COMMAND_USAGE;
    }
    const char *word = line->arguments[0];
    take_out(line, 0, 1);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(words[i].word, word) == 0)
            return words[i].run(line);
    }
    command_say("%s has no \"%.60s\"; usage: smart-spawn %s %s", line->name,
                word, line->name, usage);
    return COMMAND_USAGE;
}

const char *
command_only(struct command_line *line, const char *what, const char *usage)
{
    bool is_word = line->count > 0 && strcmp(line->arguments[0], "--") == 0;
    const char *const *left = &line->arguments[is_word ? 1 : 0];
    size_t count = line->count - (is_word ? 1 : 0);
    if (count == 1 && (is_word || left[0][0] != '-'))
        return left[0];
    if (count == 0)
        command_say("%s needs %s; usage: smart-spawn %s %s", line->name, what,
                    line->name, usage);
    else
        command_say("%s does not take \"%.80s\" here; usage: smart-spawn %s %s",
                    line->name, left[count > 1 && left[0][0] != '-' ? 1 : 0],
                    line->name, usage);
    return NULL;
}

bool
command_no_more(const struct command_line *line)
{
    if (line->count == 0)
        return true;
    command_say("%s does not take \"%.80s\"; see smart-spawn help %s",
                line->name, line->arguments[0], line->name);
    return false;
}

void
command_say(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)fputs("smart-spawn: ", stderr);
    (void)vfprintf(stderr, format, arguments);
    (void)fputc('\n', stderr);
    va_end(arguments);
}

void
command_say_no_stack(const struct command_line *line)
{
    command_say("no stack runs at %s: start it with ./dev up or smart-spawn up",
                line->home);
}

void
command_say_no_database(const struct command_line *line)
{
    if (stack_is_running(line->home))
        command_say("the stack at %s runs, but its " STACK_URL_FILE
                    " is missing: smart-spawn up writes it again (or set "
                    "SMART_SPAWN_DATABASE_URL as when it was started)",
                    line->home);
    else
        command_say_no_stack(line);
}

void
command_say_unheard(const struct command_line *line, const char *service)
{
    if (stack_is_running(line->home))
        command_say("the stack at %s runs, but nobody listens for %s; see "
                    "smart-spawn status",
                    line->home, service);
    else
        command_say_no_stack(line);
}
