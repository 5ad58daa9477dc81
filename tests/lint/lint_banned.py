#!/usr/bin/env python3
"""No banned function is called: see CONTRIBUTING.md for what to use instead.

A name counts as a call when '(' follows it in .c, .h or .def files, outside
comments and strings.
"""
import re
import sys

sys.dont_write_bytecode = True
import tree  # noqa: E402

BUF = "use core/base/buf.h"
TEXT = "use core/base/text.h"
UTC = "use core/base/utc.h"
BANNED = {
    "sprintf": BUF, "vsprintf": BUF, "strcpy": BUF, "strcat": BUF,
    "strncpy": BUF, "stpcpy": BUF, "strncat": BUF,
    "strtok": "use slice_split", "strtok_r": "use slice_split",
    "strtol": TEXT, "strtoll": TEXT, "strtoul": TEXT, "strtoull": TEXT,
    "strtod": TEXT, "strtof": TEXT, "atoi": TEXT, "atol": TEXT, "atoll": TEXT,
    "atof": TEXT, "sscanf": TEXT, "scanf": TEXT, "fscanf": TEXT,
    "gets": "use fgets or getline",
    "localtime": UTC, "gmtime": UTC, "localtime_r": UTC, "gmtime_r": UTC,
    "strftime": UTC, "mktime": UTC, "ctime": UTC, "asctime": UTC,
    "strerror": "use strerrordesc_np",
    "setlocale": "numbers are read and printed without a locale",
    "alloca": "use an arena", "system": "use posix_spawn",
    "popen": "use posix_spawn", "tmpnam": "use mkdtemp",
    "mktemp": "use mkdtemp", "rand": "state a seed of your own",
    "srand": "state a seed of your own",
}
CALL = re.compile(r"(?<![\w.])(?<!->)(%s)\s*\(" % "|".join(BANNED))


def check(path, text):
    clean = tree.blank(text)
    for match in CALL.finditer(clean):
        name = match.group(1)
        line = clean.count("\n", 0, match.start()) + 1
        yield path, line, "%s() is banned: %s" % (name, BANNED[name])


def check_tree():
    for path in tree.files([".c", ".h", ".def"]):
        yield from check(path, tree.read(path))


def self_test():
    bad = ["sprintf(a, b);", "x = strtol (t);", "if (atoi(x))",
           "a;\n/* c */ strcpy(a, b);", "\"text\"; gets(x);",
           "return -strtod(x);", "'\"'; strerror(1);"]
    good = ["snprintf(a, 1, b);", "/* sprintf(x) */", "// gets(x)",
            "\"strcpy(a, b)\"", "my_strtok(x);", "self->system(x);",
            "strtod_l(x, y, z);", "widgets(x);", "hooks.system(1);",
            "\"\\\"\"; \"atoi(1)\";", "int strcpy_count;"]
    failures = ["missed: " + code for code in bad
                if not list(check("bad.c", code))]
    failures += ["false alarm: " + code for code in good
                 if list(check("good.c", code))]
    lines = [line for _, line, _ in check("bad.c", bad[3])]
    if lines != [2]:
        failures.append("wrong line: %s" % lines)
    return failures


if __name__ == "__main__":
    sys.exit(tree.run(check_tree, self_test))
