#!/usr/bin/env python3
"""The include graph is the one of ARCHITECTURE.md, "Folders".

Three tables, three rules: what of the tree a folder may include, which files
may include a foreign library, and what headers and calls a pure folder may
not have at all.
"""
import re
import sys

sys.dont_write_bytecode = True
import tree  # noqa: E402

# A folder and what it may include beside itself. Generated "*.pb-c.h" is
# `pb`. Longest matching folder wins.
MAY_USE = {
    "core/base": [],
    "core/types": ["core/base"],
    "ingest": ["core"],
    "scorer": ["core"],
    "router": ["core"],
    "feedback": ["core"],
    "spawn": ["core"],
    "proto": ["core", "pb"],
    "services/runtime": ["core/base", "proto", "pb"],
    "services/store": ["core", "proto", "pb", "services/runtime"],
    "services/fetch": ["core/base", "services/runtime"],
    "services/local": ["core/base", "services/runtime", "services/store"],
    "services/api": ["core", "proto", "pb", "services/runtime"],
    "services/ingestd": ["core", "proto", "pb", "ingest", "services/runtime",
                         "services/store", "services/fetch"],
    "services/scorerd": ["core", "proto", "pb", "scorer", "services/runtime"],
    "services/routerd": ["core", "proto", "pb", "router", "services/runtime"],
    "services/feedbackd": ["core", "proto", "pb", "feedback",
                           "services/runtime", "services/store"],
    "services/spawnd": ["core", "proto", "pb", "spawn", "services/runtime",
                        "services/store", "services/fetch"],
    "services/agentd": ["core", "proto", "pb", "spawn", "services/runtime"],
    "services/gatewayd": ["core", "proto", "pb", "services/runtime",
                          "services/api"],
    "services/cli": ["core", "proto", "pb", "services/runtime",
                     "services/api", "services/store", "services/local"],
    "clients/c": ["proto", "pb"],
}

# A header of a foreign library (by its start) and its only includers.
FOREIGN = [
    ("jansson", ["core/base/json_in.c"]),
    ("csv.h", ["core/base/csv_in.c"]),
    ("xxhash", ["core/base/hash.c"]),
    ("libpq", ["services/store/"]),
    ("postgres", ["services/store/"]),
    ("curl/", ["services/fetch/"]),
    ("zmq", ["services/runtime/"]),
    ("czmq", ["services/runtime/"]),
    ("sodium", ["services/runtime/secret.c"]),
    ("event2/http", ["services/gatewayd/"]),
    ("event2/", ["services/runtime/loop.c", "services/gatewayd/"]),
    ("event.h", []),
    ("evhttp.h", []),
    ("protobuf-c/", ["proto/", "services/runtime/", "services/api/"]),
]

PURE = ["core", "ingest", "scorer", "router", "feedback", "spawn"]
# Standard and system headers that a pure folder may include.
PURE_HEADERS = {
    "assert.h", "ctype.h", "endian.h", "errno.h", "float.h", "inttypes.h",
    "limits.h", "locale.h", "math.h", "stdalign.h", "stdarg.h", "stdbool.h",
    "stddef.h", "stdint.h", "stdio.h", "stdlib.h", "string.h",
}
# Calls of those headers that reach the outside: files, environment, process.
PURE_CALLS = re.compile(
    r"(?<![\w.])(?<!->)(fopen|fdopen|freopen|fread|fwrite|fputs|puts|putchar|"
    r"printf|fprintf|perror|fgets|getline|getchar|open_memstream|popen|remove|"
    r"rename|tmpfile|getenv|secure_getenv|setenv|putenv|exit|_exit|"
    r"quick_exit|atexit|abort|time|clock|clock_gettime|random)\s*\(")
# check.c ends the process: that is what it is for.
PURE_CALLS_EXCEPT = {"core/base/check.c"}

TEST_ROOTS = ("tests/",)


def inside(path, folder):
    return path == folder or path.startswith(folder + "/")


def folder_of(path):
    """The row of MAY_USE that a file falls under, or None."""
    rows = [row for row in MAY_USE if inside(path, row)]
    return max(rows, key=len) if rows else None


def check_ours(path, line, header):
    row = folder_of(path)
    if row is None:
        yield path, line, ("give this folder a row in MAY_USE of "
                           "tests/lint/lint_layers.py")
        return
    target = "pb" if header.endswith(".pb-c.h") else header
    if target == "pb" and "/" in header:
        yield path, line, "include generated headers by their bare name"
    if target != "pb" and "/" not in header:
        yield path, line, 'include from the root: "%s/%s"' % (row, header)
        return
    if inside(target, row):
        return
    if not any(inside(target, use) for use in MAY_USE[row]):
        yield path, line, "%s must not include %s" % (row, header)


def check_foreign(path, line, header):
    for start, users in FOREIGN:
        if header.startswith(start):
            if not any(path == user or
                       (user.endswith("/") and path.startswith(user))
                       for user in users):
                yield path, line, "only %s may include <%s>" % (
                    ", ".join(users) or "nobody", header)
            return


def check_pure(path, text):
    if not any(inside(path, folder) for folder in PURE):
        return
    foreign = [start for start, users in FOREIGN if path in users]
    for line, header, quoted in tree.includes(text):
        if quoted or header in PURE_HEADERS or \
                any(header.startswith(start) for start in foreign):
            continue
        yield path, line, "a pure folder must not include <%s>" % header
    if path in PURE_CALLS_EXCEPT:
        return
    clean = tree.blank(text)
    for match in PURE_CALLS.finditer(clean):
        line = clean.count("\n", 0, match.start()) + 1
        yield path, line, "a pure folder must not call %s()" % match.group(1)


def check(path, text):
    if path.startswith(TEST_ROOTS):
        return  # a test sees what it tests; the link graph still holds
    for line, header, quoted in tree.includes(text):
        yield from (check_ours if quoted else check_foreign)(path, line, header)
    yield from check_pure(path, text)


def check_tree():
    for path in tree.files([".c", ".h", ".def"]):
        yield from check(path, tree.read(path))


def self_test():
    bad = [
        ("router/a.c", '#include "scorer/blend.h"'),
        ("scorer/a.c", '#include "proto/table_codec.h"'),
        ("feedback/a.h", '#include "layers.pb-c.h"'),
        ("spawn/a.c", '#include "services/runtime/log.h"'),
        ("core/base/a.c", '#include "core/types/model.h"'),
        ("proto/a.c", '#include "services/runtime/log.h"'),
        ("proto/a.c", '#include "scorer/blend.h"'),
        ("services/routerd/a.c", '#include "services/scorerd/scorerd.h"'),
        ("services/routerd/a.c", '#include "scorer/blend.h"'),
        ("services/runtime/a.c", '#include "services/store/store.h"'),
        ("services/runtime/a.c", '#include "core/types/model.h"'),
        ("services/gatewayd/a.c", '#include "services/store/store.h"'),
        ("services/newd/a.c", '#include "core/base/buf.h"'),
        ("router/a.c", '#include "rank.h"'),
        ("services/api/a.c", "#include <jansson.h>"),
        ("core/base/text.c", "#include <xxhash.h>"),
        ("services/feedbackd/a.c", "#include <libpq-fe.h>"),
        ("services/ingestd/a.c", "#include <curl/curl.h>"),
        ("services/routerd/a.c", "#include <event2/http.h>"),
        ("services/runtime/rpc.c", "#  include <event2/event.h>"),
        ("services/gatewayd/a.c", "#include <zmq.h>"),
        ("ingest/a.c", "#include <sys/socket.h>"),
        ("ingest/a.c", "#include <unistd.h>"),
        ("scorer/a.c", "#include <time.h>"),
        ("scorer/a.c", "x = time(NULL);"),
        ("router/a.c", 'f = fopen("x", "r");'),
        ("core/base/buf.c", 'printf("x");'),
        ("feedback/a.c", 'getenv("HOME");'),
    ]
    good = [
        ("router/a.c", '#include "core/types/model.h"'),
        ("router/a.c", '#include "router/rank.h"'),
        ("router/a.c", "snprintf(a, 1, b); /* printf(x) */ at_time(1);"),
        ("core/base/json_in.c", "#include <jansson.h>"),
        ("core/base/check.c", 'fprintf(stderr, "x"); abort();'),
        ("proto/a.c", '#include "snapshot.pb-c.h"'),
        ("services/gatewayd/a.c", "#include <event2/http.h>"),
        ("services/gatewayd/a.c", "#include <event2/buffer.h>"),
        ("services/runtime/loop.c", "#include <event2/event.h>"),
        ("services/store/a.c", "#include <libpq-fe.h>"),
        ("services/scorerd/a.c", '#include "scorer/score_build.h"'),
        ("services/runtime/log.c", "#include <unistd.h>"),
        ("tests/router/a.c", '#include "scorer/blend.h"'),
        ("router/a.c", '/* #include "scorer/blend.h" */'),
    ]
    failures = ["missed: %s: %s" % row for row in bad if not list(check(*row))]
    failures += ["false alarm: %s: %s" % row for row in good
                 if list(check(*row))]
    return failures


if __name__ == "__main__":
    sys.exit(tree.run(check_tree, self_test))
