"""The recorded contract: statuses and shapes of the calls that exist.

Reads ../shared/contract; skips, saying so, where that folder is missing.
"""

import json
import sys
import unittest

from stack import SHARED, Stack

CONTRACT = SHARED / "contract"
# Calls that answer UNIMPLEMENTED (501) as yet.
LATER = ("/decompose", "/swarm", "/roles/")


def shape(value, path=""):
    """The set of paths in a JSON value; list items share one path."""
    paths = set()
    if isinstance(value, dict):
        for key, item in value.items():
            paths |= {f"{path}.{key}"} | shape(item, f"{path}.{key}")
    elif isinstance(value, list):
        for item in value[:3]:
            paths |= shape(item, path + "[]")
    return paths


def open_maps(paths):
    """Paths below a map whose keys are data, not field names, fold."""
    folded = set()
    for path in paths:
        for name in (".scores", ".costEfficiency", ".benchmarks", ".sources"):
            head, sep, tail = path.partition(name + ".")
            if sep:
                path = head + name + ".*" + ("." + tail.partition(".")[2]
                                             if "." in tail else "")
        folded.add(path)
    return folded


class Contract(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        with open(CONTRACT / "recorded.json", encoding="utf-8") as file:
            recorded = json.load(file)
        cls.rows = recorded if isinstance(recorded, list) else \
            recorded.get("records", list(recorded.values()))
        cls.verdict = {}
        with open(CONTRACT / "verdict.tsv", encoding="utf-8") as file:
            for line in file:
                if not line.startswith("#"):
                    name, _, ours, *_ = line.rstrip("\n").split("\t")
                    cls.verdict[name] = int(ours)
        cls.stack = Stack().start()

    @classmethod
    def tearDownClass(cls):
        cls.stack.stop()

    def asked(self):
        for row in self.rows:
            path = row["request"]["path"]
            if any(part in path for part in LATER):
                continue
            if row["name"].startswith(("ratelimit", "refresh", "community-",
                                       "outcome-scores", "spawnlog-stats")):
                continue  # need their own order or limits
            yield row

    def ask(self, row):
        request = row["request"]
        body, headers = None, dict(request["headers"])
        if request["body"] is not None:
            body = request["body"].get("json")
            if body is None:
                body = request["body"]["raw"]
                if body is None:
                    body = "x" * request["body"]["rawLength"]
        return self.stack.request(request["method"], request["path"], body,
                                  headers)

    def test_statuses_are_those_of_the_verdict(self):
        for row in self.asked():
            with self.subTest(row["name"]):
                reply = self.ask(row)
                self.assertEqual(reply.status, self.verdict[row["name"]],
                                 reply.body[:300])

    def test_every_recorded_field_is_there(self):
        for row in self.asked():
            if row["status"] != 200 or self.verdict[row["name"]] != 200 \
                    or not isinstance(row["body"], dict):
                continue
            with self.subTest(row["name"]):
                ours = open_maps(shape(self.ask(row).json))
                recorded = open_maps(shape(row["body"]))
                missing = {p for p in recorded - ours
                           if not p.startswith(".data.aliases")
                           and ".speed" not in p}
                self.assertEqual(missing, set())


if __name__ == "__main__":
    if not CONTRACT.exists():
        print(f"skipped: {CONTRACT} is not here")
        sys.exit(77)
    unittest.main(verbosity=2)
