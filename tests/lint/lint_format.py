#!/usr/bin/env python3
"""Every .c and .h is formatted as clang-format 14 would.

Another version formats otherwise, so without clang-format-14 the lint says
that it was skipped and passes.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
import tree  # noqa: E402

TOOL = "clang-format-14"
WARNING = re.compile(r"^(.*?):(\d+):\d+: (?:error|warning):")
BATCH = 50


def check_paths(paths):
    for i in range(0, len(paths), BATCH):
        done = subprocess.run(
            [TOOL, "--dry-run", "-Werror", "--style=file"] +
            paths[i:i + BATCH], stderr=subprocess.PIPE, check=False)
        seen = set()
        for line in done.stderr.decode(errors="replace").split("\n"):
            match = WARNING.match(line)
            if match and match.group(1) not in seen:
                seen.add(match.group(1))  # the first place will do
                yield (match.group(1), int(match.group(2)),
                       "run %s -i on this file" % TOOL)
        if done.returncode != 0 and not seen:
            yield "tests/lint/lint_format.py", 1, "%s failed: %s" % (
                TOOL, done.stderr.decode(errors="replace").strip())


def check_tree():
    return check_paths(tree.files([".c", ".h"]))


def self_test():
    # Below .clang-format, and where no other lint looks for files.
    os.makedirs("build", exist_ok=True)
    with tempfile.TemporaryDirectory(dir="build") as folder:
        bad = os.path.join(folder, "bad.c")
        good = os.path.join(folder, "good.c")
        with open(bad, "w", encoding="utf-8") as file:
            file.write("int  f(void){return 1;}\n")
        with open(good, "w", encoding="utf-8") as file:
            file.write("int\nf(void)\n{\n    return 1;\n}\n")
        failures = []
        if [finding[:2] for finding in check_paths([bad])] != [(bad, 1)]:
            failures.append("missed a badly formatted file")
        if list(check_paths([good])):
            failures.append("false alarm on a well formatted file")
        return failures


if __name__ == "__main__":
    if shutil.which(TOOL) is None:
        print("skipped: %s is not installed" % TOOL)
        sys.exit(0)
    sys.exit(tree.run(check_tree, self_test))
