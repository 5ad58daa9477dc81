"""The files of the tree, and C without comments: what the lints share.

Files are those git knows (tracked, or new and not ignored), so that a build
folder inside the tree is never looked at. A finding is (path, line, text),
text saying what to do. run() prints the findings and gives the exit status.
"""
import subprocess
import sys


def files(suffixes=None):
    """Paths from the root, sorted; of the suffixes if any are named."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        stdout=subprocess.PIPE, check=False)
    if listed.returncode == 0:
        paths = listed.stdout.decode().split("\0")
    else:  # a tarball has no git
        found = subprocess.run(["find", ".", "-type", "f", "-print0"],
                               stdout=subprocess.PIPE, check=True)
        paths = [path[2:] for path in found.stdout.decode().split("\0")
                 if not path.startswith(("./.git/", "./build/"))]
    return sorted(path for path in paths if path and exists(path) and
                  (suffixes is None or path.endswith(tuple(suffixes))))


def exists(path):
    """False for a file that git still lists but that is gone."""
    try:
        with open(path, "rb"):
            return True
    except OSError:
        return False


def read(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()


def blank(text, keep_strings=False):
    """C with comments (and strings) as spaces: lines and columns stay."""
    out = []
    i = 0
    state = "code"
    while i < len(text):
        c = text[i]
        two = text[i:i + 2]
        if state == "code":
            if two in ("/*", "//"):
                state = two
                out.append("  ")
                i += 2
                continue
            if c in "\"'":
                state = c
                out.append(c)
                i += 1
                continue
            out.append(c)
        elif state in ("/*", "//"):
            if state == "/*" and two == "*/":
                state = "code"
                out.append("  ")
                i += 2
                continue
            if state == "//" and c == "\n":
                state = "code"
            out.append("\n" if c == "\n" else " ")
        else:
            if c == "\\":
                shown = two if keep_strings else "  "
                out.append(shown if "\n" not in two else " \n")
                i += 2
                continue
            if c == state or c == "\n":
                state = "code"
                out.append(c)
            else:
                out.append(c if keep_strings else " ")
        i += 1
    return "".join(out)


def includes(text):
    """(line, header, is it "quoted") of each #include."""
    for number, line in enumerate(blank(text, True).split("\n"), 1):
        parts = line.replace("#", " # ", 1).split(None, 2)
        if len(parts) == 3 and parts[:2] == ["#", "include"]:
            header = parts[2].strip()
            yield number, header.strip('<>"'), header.startswith('"')


def run(check_tree, self_test):
    """Try the lint on known bad pieces, then on the tree."""
    failures = self_test()
    for failure in failures:
        print("%s: the lint itself is broken: %s" % (sys.argv[0], failure))
    if failures:
        return 2
    if "--self-test" in sys.argv[1:]:
        print("self-test passed")
        return 0
    findings = sorted(set(check_tree()))
    for path, line, text in findings:
        print("%s:%d: %s" % (path, line, text))
    return 1 if findings else 0
