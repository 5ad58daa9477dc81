#!/usr/bin/env python3
"""Sizes, names and openings of files, as CONTRIBUTING.md asks for them.

Function bodies are found by the brace that .clang-format puts alone at the
start of a line; so a badly formatted file is lint_format's to find first.
"""
import os
import re
import sys

sys.dont_write_bytecode = True
import tree  # noqa: E402

FILE_LINES = 600
FUNCTION_LINES = 60
PARAMETERS = 5
# Contracts whose callback, its context and the handle they return go together.
PARAMETERS_ALLOWED = {"loop_watch_new", "rpc_call_start"}
DRAWERS = {"util", "utils", "common", "misc", "helper", "helpers"}
DRAWERS_ALLOWED = {"proto/common.proto"}
# Where this tree lies on somebody's machine is no part of it. The name is put
# together here so that the lint does not find itself.
WORKPLACE = re.compile(r"(?<![\w./-])/" + "work" + r"/\w")
BINARY = (".png", ".ico", ".gz", ".woff2", ".bin")
PARAMETER_LIST = re.compile(r"\)\s*(?:__attribute__\s*\(\(.*?\)\)\s*)*$", re.S)


def check_size(path, text):
    count = text.count("\n")
    if count > FILE_LINES:
        yield path, FILE_LINES + 1, "split this file: %d lines, at most %d" % (
            count, FILE_LINES)


def check_opening(path, text):
    if not text.startswith(("/*", "//")):
        yield path, 1, "open with a comment: what the file is for, how, what not"


def parameters(head):
    """The name, and how many parameters, of the definition that ends head."""
    end = PARAMETER_LIST.search(head)
    if end is None:
        return "", 0
    depth = 0
    count = 1
    for i in range(end.start(), -1, -1):
        if head[i] == ")":
            depth += 1
        elif head[i] == "(":
            depth -= 1
            if depth == 0:
                name = re.search(r"\w*$", head[:i].rstrip()).group(0)
                inner = head[i + 1:end.start()].strip()
                if inner in ("", "void"):
                    return name, 0
                return name, count - inner.endswith("...")
        elif head[i] == "," and depth == 1:
            count += 1
    return "", 0


def check_functions(path, text):
    clean = tree.blank(text)
    lines = clean.split("\n")
    start = None
    for number, line in enumerate(lines, 1):
        if line == "{":
            start = number
            name, count = parameters(
                "\n".join(lines[max(0, number - 15):number - 1]))
            if count > PARAMETERS and name not in PARAMETERS_ALLOWED:
                yield path, number - 1, (
                    "gather parameters of %s in a struct: %d, at most %d" %
                    (name, count, PARAMETERS))
        elif line == "}" and start is not None:
            length = number - start - 1
            if length > FUNCTION_LINES:
                yield path, start, ("split this function: %d lines, at most %d"
                                    % (length, FUNCTION_LINES))
            start = None


def check_words(path, text):
    for number, line in enumerate(text.split("\n"), 1):
        if WORKPLACE.search(line):
            yield path, number, "take the path of a machine out"


def check_name(path):
    if path in DRAWERS_ALLOWED:
        return
    for part in path.split("/"):
        stem = part.split(".")[0]
        if stem in DRAWERS or stem.split("_")[-1] in DRAWERS:
            yield path, 1, "name it by what it holds: '%s' is a drawer" % part


def check_unique(paths):
    first = {}
    for path in paths:
        name = os.path.basename(path)
        if name in first:
            yield path, 1, "rename: %s has this name too" % first[name]
        first.setdefault(name, path)


def check_readmes(paths, read):
    """Every folder with code says what goes in and what comes out. Tests
    mirror the tree and are described once."""
    folders = set()
    for path in paths:
        folder = os.path.dirname(path)
        if path.endswith((".c", ".h", ".py", ".js", ".ts")):
            folders.add("tests" if folder.startswith("tests/") else folder)
    for folder in sorted(folders):
        readme = os.path.join(folder, "README.md")
        if readme not in paths:
            yield readme, 1, "write it: its first sentence says 'X in, Y out'"
            continue
        if folder in ("", "tests"):
            continue
        prose = [line for line in read(readme).split("\n")
                 if line.strip() and not line.startswith("#")]
        sentence = re.split(r"\.(?:\s|$)", " ".join(prose))[0] if prose else ""
        if not (re.search(r"\bin\b", sentence) and
                re.search(r"\bout\b", sentence)):
            yield readme, 1, "let the first sentence say 'X in, Y out'"


def check_code(path, text):
    yield from check_size(path, text)
    yield from check_opening(path, text)
    yield from check_functions(path, text)


def check_tree():
    paths = tree.files()
    code = [path for path in paths if path.endswith((".c", ".h"))]
    for path in code:
        yield from check_code(path, tree.read(path))
    for path in paths:
        yield from check_name(path)
        if not path.endswith(BINARY):
            yield from check_words(path, tree.read(path))
    yield from check_unique(code)
    yield from check_readmes(paths, tree.read)


def function(lines, head="static int\nf(int a)"):
    return "/* x */\n%s\n{\n%s}\n" % (head, "    a++;\n" * lines)


def self_test():
    five = "static int\nf(int a, int b,\n  int (*c)(int, int), d, e)"
    six = "static int\nf(int a, int b,\n  int (*c)(int, int), d, e, g)"
    variadic = "void\nf(int a, int b, int c, int d, char *e, ...)"
    attributed = six + "\n    __attribute__((noreturn))"
    bad = {
        "a file too long": check_code("a.c", "/* x */\n" + "int a;\n" * 600),
        "no opening comment": check_code("a.h", "#include <x.h>\n"),
        "a function too long": check_code("a.c", function(61)),
        "too many parameters": check_code("a.c", function(1, six)),
        "too many with attribute": check_code("a.c", function(1, attributed)),
        "a drawer": check_name("core/base/utils.c"),
        "a drawer's folder": check_name("services/common/a.c"),
        "a drawer at the end": check_name("core/base/text_util.h"),
        "a name twice": check_unique(["a/x.c", "b/x.c"]),
        "no README": check_readmes(["router/a.c"], None),
        "a README without in and out": check_readmes(
            ["router/a.c", "router/README.md"],
            lambda _: "# router\n\nIt ranks in style. Inside out.\n"),
        "a workplace": check_words("a.md", "see `/" + "work/main`"),
    }
    good = {
        "a good file": check_code("a.c", function(60)),
        "five parameters": check_code("a.c", function(1, five)),
        "five and more": check_code("a.c", function(1, variadic)),
        "none": check_code("a.c", function(1, "int\nmain(void)")),
        "the one drawer": check_name("proto/common.proto"),
        "a word that holds one": check_name("core/commonality.c"),
        "x.c beside x.h": check_unique(["a/x.c", "a/x.h"]),
        "a README": check_readmes(
            ["a/x.c", "a/README.md"],
            lambda _: "# a\n\nBytes in, *values* out: a\nlibrary.\n"),
        "other paths": check_words("a.md", "net/" + "work/x, frame/" +
                                   "work, ./" + "work/x"),
    }
    failures = ["missed " + what for what, found in bad.items()
                if not list(found)]
    failures += ["false alarm on " + what for what, found in good.items()
                 if list(found)]
    return failures


if __name__ == "__main__":
    sys.exit(tree.run(check_tree, self_test))
