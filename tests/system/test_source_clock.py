"""Ingestd's wall clock jumps: nothing it then believes outlives the truth.

An ingestd beside the stack's own fetches for all, with a home of its own and a
clock of its own (libfaketime, which a file tells how wrong it is). Waiting
goes by the monotonic clock, which stays as it is.
"""

import csv
import io
import json
import pathlib
import subprocess
import tempfile
import time
import unittest

import source_ways
import sources
from refreshing import PICK, Refreshing
from stack import BIN, SANITIZED, Stack, wait_for

LIBRARY = next(pathlib.Path("/usr/lib").glob(
    "*/faketime/libfaketimeMT.so.1"), None)
YEAR = 365 * 24 * 3600
MINUTE = 60
AA = sources.URLS["ARTIFICIAL_ANALYSIS"]


class Ingestd:
    """One of its own home and clock; its socket is where the stack's are."""

    def __init__(self, stack, settings):
        self.stack = stack
        self.home = pathlib.Path(tempfile.mkdtemp(dir=stack.home))
        self.clock = self.home / "clock"
        self.settings = {
            **stack.environment, **settings,
            "SMART_SPAWN_HOME": str(self.home),
            "SMART_SPAWN_DATABASE_URL":
                (stack.home / "database.url").read_text().strip(),
            "SMART_SPAWN_REFRESH_RETRY": "1s",
            "LD_PRELOAD": str(LIBRARY), "NO_FAKE_STAT": "1",
            "FAKETIME_TIMESTAMP_FILE": str(self.clock),
            "FAKETIME_NO_CACHE": "1", "DONT_FAKE_MONOTONIC": "1"}
        self.jump(0)
        self.start()

    def jump(self, seconds):
        """So far ahead is the clock from now on."""
        new = self.home / "clock.new"
        new.write_text(f"+{seconds}")
        new.rename(self.clock)

    def start(self, **settings):
        listen = f"ipc://{self.stack.home}/run/ingestd-2.sock"
        with open(self.home / "log", "ab") as log:
            self.child = subprocess.Popen(
                [BIN / "smart-spawn-ingestd", "--instance", "ingestd-2",
                 "--listen", listen], stderr=log,
                env={**self.settings, **settings})
        wait_for(lambda: self.stack.serves("ingestd-2"), 15,
                 "ingestd-2 to serve")

    def stop(self):
        self.child.terminate()
        return self.child.wait(10)


def other_indices(recorded):
    document = json.loads(recorded)
    for row in document["data"]:
        for key, value in row["evaluations"].items():
            row["evaluations"][key] = value and value / 2
    return json.dumps(document).encode()


def other_offers(recorded):
    document = json.loads(recorded)
    for row in document["data"]:
        found = (row.get("benchmarks") or {}).get("artificial_analysis") or {}
        for key, value in found.items():
            found[key] = value and value / 2
    return json.dumps(document).encode()


def other_cells(columns, change):
    """A CSV with other figures in the columns whose names fit."""
    def other(recorded):
        head, *lines = csv.reader(io.StringIO(recorded.decode()))
        for line in lines:
            for i, cell in enumerate(line):
                if columns(head[i]) and cell.replace(".", "").isdigit():
                    line[i] = str(change(float(cell)))
        text = io.StringIO()
        csv.writer(text).writerows([head, *lines])
        return text.getvalue().encode()
    return other


OTHERS = {
    "OPENROUTER": other_offers,
    "ARTIFICIAL_ANALYSIS": other_indices,
    "HF_LEADERBOARD": other_cells(lambda name: name.endswith("score"),
                                  lambda value: value / 2),
    "LIVEBENCH": other_cells(lambda name: name != "model",
                             lambda value: value / 2),
    "LMARENA": other_cells(lambda name: name == "arena_score",
                           lambda value: value - 100),
}


@unittest.skipUnless(sources.RECORDED, f"{sources.FOLDER} is not here")
@unittest.skipUnless(LIBRARY, "the package faketime is not there")
@unittest.skipIf(SANITIZED, "libfaketime and a sanitizer both want to be the "
                 "first library")
class Clock(Refreshing, unittest.TestCase):
    fetcher = "ingestd-2"

    @classmethod
    def setUpClass(cls):
        cls.server = cls.enterClassContext(sources.Sources())
        cls.stack = cls.enterClassContext(Stack())
        cls.ingestd = Ingestd(cls.stack, cls.server.settings())
        cls.addClassCleanup(lambda: cls.ingestd.stop())

    def setUp(self):
        self.ingestd.jump(0)
        self.server.ways.clear()

    def serve(self, other):
        """What was recorded, or the same with other figures."""
        for key, change in OTHERS.items():
            body = self.server.body(sources.URLS[key])
            self.server.ways[sources.URLS[key]] = source_ways.serves(
                change(body) if other else body)

    def read(self):
        """Fetch; what every model then has."""
        self.assert_ok(self.fetch())
        self.assertEqual(self.stack.get(PICK).status, 200)
        return {id_: (model.standing, [
            (f.benchmark, f.value, f.via, f.row) for f in model.figures])
            for id_, model in self.catalog().items()}

    def ahead(self, what):
        """Seconds that a Timestamp lies ahead of the real clock."""
        return what.ms / 1000 - time.time()

    def test_figures_of_a_wrong_clock_give_way_to_newer_ones(self):
        pid = self.ingestd.child.pid
        self.serve(other=True)
        wanted = self.read()
        self.serve(other=False)
        before = self.read()
        changed = [id_ for id_ in wanted if wanted[id_] != before[id_]]
        self.assertGreater(len(changed), 100)
        self.ingestd.jump(YEAR)
        self.read()
        for source, report in self.reports().items():
            self.assertGreater(self.ahead(report.last_pull), YEAR - MINUTE,
                               source)
        self.ingestd.jump(0)
        self.serve(other=True)
        self.assertEqual(self.read(), wanted)
        for source, report in self.reports().items():
            self.assertLess(self.ahead(report.last_pull), MINUTE, source)
        self.assertEqual(self.stack.health("ingestd-2").pid, pid)
        self.assertIsNone(self.ingestd.child.poll())

    def test_timers_fire_whatever_the_clock_does(self):
        for seconds in (YEAR, 0):
            with self.subTest(f"the clock is {seconds} s ahead"):
                self.server.ways[AA] = source_ways.gone
                self.assert_stale(self.fetch("artificial-analysis"),
                                  {"artificial-analysis": "404"})
                self.ingestd.jump(seconds)
                self.server.asks.clear()
                self.server.ways.clear()
                wait_for(lambda: self.server.asks_of(AA), 5,
                         "it to be tried again")
                self.settle()
                self.assert_ok(self.status(), "artificial-analysis")

    def test_a_copy_from_the_future_gives_way_to_what_is_stored(self):
        self.serve(other=False)
        self.ingestd.jump(YEAR)
        self.read()
        self.assertEqual(self.ingestd.stop(), 0)
        self.ingestd.jump(0)
        other = Ingestd(self.stack, self.server.settings())
        try:
            self.serve(other=True)
            self.read()
        finally:
            other.stop()
        self.ingestd.start(SMART_SPAWN_INGEST_FETCH="no")
        try:
            wait_for(lambda: self.ahead(self.sources_reply().catalog_time)
                     < MINUTE, 5, "the newer catalog to be taken")
        finally:
            self.ingestd.stop()
            self.ingestd.start()


if __name__ == "__main__":
    unittest.main(verbosity=2)
