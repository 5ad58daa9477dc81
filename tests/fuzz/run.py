#!/usr/bin/python3
"""Runs libFuzzer programs and says what came of it, a line each.

    tests/fuzz/run.py BUILD [--seconds 60 | --runs 10000000] [TARGET...]

BUILD is a build folder of the preset "fuzz"; a TARGET is "json_in". Two run
side by side. New inputs are kept in BUILD/corpus/TARGET and are used again the
next time; logs are BUILD/log/TARGET.log and what a finding needs to be seen
again lies beside them. --merge adds to tests/fuzz/corpus, whose inputs run as
plain tests, the few of them that reach code which no input there reaches.

Exit status 1 when something was found (or a program did not run).
"""
import argparse
import concurrent.futures
import pathlib
import re
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
LIMITS = ("-rss_limit_mb=2048", "-timeout=10", "-print_final_stats=1")
MERGED_MAX = 512  # bytes of an input that is kept for good
SIDE_BY_SIDE = 2


def options(target):
    """What the target's first comment asks for, and its dictionary."""
    text = (HERE / f"fuzz_{target}.c").read_text()
    found = re.search(r"options: *([^*\n]*)", text)
    words = found.group(1).split() if found else []
    dictionary = HERE / "dict" / f"{target}.dict"
    return words + ([f"-dict={dictionary}"] if dictionary.exists() else [])


def folder(*parts):
    path = pathlib.Path(*parts)
    path.mkdir(parents=True, exist_ok=True)
    return path


def program(build, target):
    return str(pathlib.Path(build, "fuzz", f"fuzz_{target}"))


def corpora(build, target):
    return [str(folder(build, "corpus", target)),
            str(folder(HERE, "corpus", target))]


def run(build, target, limit):
    """The line to print, and whether something was found."""
    log = folder(build, "log") / f"{target}.log"
    command = ["nice", "-n", "19", program(build, target), *LIMITS, limit,
               f"-artifact_prefix={log.parent}/{target}-", *options(target),
               *corpora(build, target)]
    started = time.monotonic()
    with log.open("wb") as out:
        status = subprocess.run(command, stdout=out, stderr=out).returncode
    seconds = time.monotonic() - started
    text = log.read_text(errors="replace")
    number = re.search(r"stat::number_of_executed_units: (\d+)", text)
    runs = int(number.group(1)) if number else 0
    line = f"{target:28}{runs:12,}{runs / max(seconds, 1):10,.0f}/s"
    return line + ("" if status == 0 else f"  FAILED, see {log}"), status != 0


def merge(build, target):
    """Code that is reached counts, how often does not: so a few are enough."""
    kept = folder(HERE, "corpus", target)
    before = set(kept.iterdir())
    subprocess.run([program(build, target), "-set_cover_merge=1",
                    "-use_counters=0", f"-max_len={MERGED_MAX}", str(kept),
                    corpora(build, target)[0]],
                   check=True, capture_output=True)
    after = set(kept.iterdir())
    return f"{target:28}{len(after - before):6} new of {len(after)}", False


def main():
    known = sorted(path.stem.removeprefix("fuzz_")
                   for path in HERE.glob("fuzz_*.c"))
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("build")
    parser.add_argument("targets", nargs="*", metavar="TARGET",
                        help=", ".join(known))
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--runs", type=int)
    parser.add_argument("--merge", action="store_true")
    args = parser.parse_intermixed_args()
    if unknown := set(args.targets) - set(known):
        parser.error(f"no such target: {', '.join(sorted(unknown))}")
    limit = (f"-runs={args.runs}" if args.runs
             else f"-max_total_time={args.seconds}")
    with concurrent.futures.ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        jobs = [pool.submit(merge, args.build, target) if args.merge
                else pool.submit(run, args.build, target, limit)
                for target in args.targets or known]
        found = 0
        for job in jobs:
            line, is_finding = job.result()
            print(line, flush=True)
            found += is_finding
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
