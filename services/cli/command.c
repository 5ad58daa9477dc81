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
