"""Several ingestd serve one catalog that one of them makes; what it was before
can be served again; and the commands say what became of every row."""

import contextlib
import json
import os
import signal
import subprocess
import time
import unittest

import sources
from stack import BIN, Stack, alive, wait_for
from wire import Peer, published

TAKEOVER = 0.3  # seconds; ingest.takeover of these tests


class Ingestd:
    """One more ingestd of a stack, not supervised."""

    def __init__(self, stack, instance, **settings):
        self.stack, self.instance = stack, instance
        self.endpoint = f"ipc://{stack.home}/run/{instance}.sock"
        self.log_path = stack.home / f"{instance}.log"
        environment = dict(stack.environment, **settings)
        with self.log_path.open("ab") as log:
            self.process = subprocess.Popen(
                [BIN / "smart-spawn-ingestd", "--instance", instance,
                 "--listen", self.endpoint], env=environment, stdout=log,
                stderr=log)

    def log(self):
        return self.log_path.read_text(errors="replace")

    def kill(self):
        self.process.kill()
        self.process.wait(10)

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(20)

    def ask(self, method, request=None, reply=None):
        with Peer(self.endpoint) as peer:
            return peer.call(
                f"ss.Ingest/{method}",
                request or getattr(peer.types, f"{method}Request")(),
                reply or getattr(peer.types, f"{method}Reply")())

    def is_fetching(self):
        return self.ask("Sources").fetching


def slowly(gate):
    """A fault: nobody is answered while the gate is closed."""
    def wait(status, body):
        deadline = time.monotonic() + 20
        while gate["closed"] and time.monotonic() < deadline:
            time.sleep(0.02)
        return status, body
    return wait


@unittest.skipUnless(sources.RECORDED, f"{sources.FOLDER} is not here")
class Several(unittest.TestCase):
    """The stack's own ingestd only follows; two more fetch."""

    def setUp(self):
        self.server = self.enterContext(sources.Sources())
        self.gate = {"closed": False}
        self.settings = dict(
            self.server.settings(), SMART_SPAWN_INGEST_TAKEOVER="300ms",
            SMART_SPAWN_REFRESH_INTERVAL="1h")
        self.stack = self.enterContext(Stack())
        self.others = []
        self.addCleanup(self.stop_others)

    def stop_others(self):
        for other in self.others:
            with contextlib.suppress(Exception):
                other.stop()

    def start(self, instance):
        other = Ingestd(self.stack, instance, **self.settings)
        self.others.append(other)
        return other

    def versions(self):
        return [row[0] for row in self.stack.sql(
            "select version from catalog_versions order by number")]

    def state(self):
        return self.stack.sql(
            "select coalesce(refreshed_by, ''), coalesce(fetching_by, '')"
            " from catalog_state")[0]

    def assert_no_version_twice(self):
        versions = self.versions()
        for one, next_one in zip(versions, versions[1:]):
            self.assertNotEqual(one, next_one, versions)

    def assert_all_serve_the_same(self):
        endpoints = [self.stack.endpoint("ingestd-1")] + [
            other.endpoint for other in self.others
            if other.process.poll() is None]
        wait_for(lambda: len({published(end, "catalog").hash
                              for end in endpoints}) == 1, 10,
                 "all ingestd to serve one catalog")

    def test_one_fetches_and_all_serve_what_it_made(self):
        asked = self.server.asked
        first = self.start("ingestd-2")
        wait_for(lambda: self.state() == ["ingestd-2", ""], 20,
                 "a refresh" + first.log())
        count = dict(asked)
        second = self.start("ingestd-3")
        wait_for(lambda: "ready" in second.log(), 10, "another ingestd")
        self.assert_all_serve_the_same()
        time.sleep(3 * TAKEOVER)
        self.assertEqual(dict(asked), count, "somebody had just fetched")
        self.assert_no_version_twice()

    def test_who_finds_another_at_it_says_so(self):
        self.gate["closed"] = True
        self.server.fault = slowly(self.gate)
        first = self.start("ingestd-2")
        wait_for(lambda: self.state()[1] == "ingestd-2", 20, "a claim")
        second = self.start("ingestd-3")
        wait_for(lambda: "ready" in second.log(), 10, "another ingestd")
        reply = wait_for(lambda: second.ask("Refresh").fetching_by and
                         second.ask("Refresh"), 10, "an answer")
        self.assertFalse(reply.started)
        self.assertEqual(reply.fetching_by, "ingestd-2")
        self.gate["closed"] = False
        wait_for(lambda: self.state() == ["ingestd-2", ""], 20,
                 "the refresh" + first.log())
        self.assertNotIn("refresh-taken-over", second.log())

    def test_when_one_is_killed_at_it_another_takes_over(self):
        self.gate["closed"] = True
        self.server.fault = slowly(self.gate)
        first = self.start("ingestd-2")
        wait_for(lambda: self.state()[1] == "ingestd-2" and
                 first.is_fetching(), 20, "a fetch")
        second = self.start("ingestd-3")
        wait_for(lambda: "ready" in second.log(), 10, "another ingestd")
        before = self.versions()
        first.kill()
        killed = time.monotonic()
        wait_for(lambda: self.state()[1] == "ingestd-3", 20,
                 "another claim" + second.log())
        print(f"taken over {time.monotonic() - killed:.2f} s after the kill")
        self.gate["closed"] = False
        wait_for(lambda: self.state() == ["ingestd-3", ""], 20,
                 "the refresh" + second.log())
        self.assertIn("refresh-taken-over from=ingestd-2", second.log())
        self.assertEqual(len(self.versions()), len(before) + 1)
        self.assert_no_version_twice()
        self.assert_all_serve_the_same()

    def test_without_the_database_nothing_is_fetched_and_made_up_for(self):
        first = self.start("ingestd-2")
        wait_for(lambda: self.state() == ["ingestd-2", ""], 20, "a refresh")
        self.stack.order("postgres", "-wD", "-d")
        try:
            with self.assertRaisesRegex(Exception, "not reachable"):
                first.ask("Refresh")
            self.assertEqual(
                self.stack.get("/api/pick?task=coding").status, 200)
        finally:
            self.stack.order("postgres", "-u")
        wait_for(lambda: first.ask("Refresh").started, 20, "the database")
        wait_for(lambda: not first.is_fetching(), 20, "the refresh")


@unittest.skipUnless(sources.RECORDED, f"{sources.FOLDER} is not here")
class Commands(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = cls.enterClassContext(sources.Sources())
        cls.stack = cls.enterClassContext(Stack(**cls.server.settings()))
        cls.refreshed = cls.stack.command("refresh", timeout=60)

    def command(self, *arguments, code=0):
        result = self.stack.command(*arguments)
        self.assertEqual(result.returncode, code,
                         result.stdout + result.stderr)
        return result.stdout

    def test_refresh_says_what_became_of_each_source(self):
        self.assertEqual(self.refreshed.returncode, 0, self.refreshed.stderr)
        for name in sources.NAMES:
            self.assertRegex(self.refreshed.stdout,
                             rf"(?m)^{name} +\d+ rows, \d pages?, \d+\.\d s$")
        again = self.command("refresh", "lmarena")
        self.assertRegex(again, r"(?m)^lmarena .* rows, ")
        self.assertNotIn("openrouter", again)

    def test_a_refresh_of_none_that_can_be_read_is_exit_status_3(self):
        self.server.fault = sources.FAULTS["it is gone"]
        try:
            said = self.command("refresh", code=3)
            self.assertIn("its last figures stay", said)
        finally:
            self.server.fault = sources.as_recorded
        self.command("refresh")
        self.command("refresh", "nowhere", code=2)

    def test_a_name_is_matched_with_rule_and_variant(self):
        for name, want in (
                ("gpt-5-high", ("openai/gpt-5", "high", "id")),
                ("Claude 4.5 Sonnet (Reasoning)",
                 ("anthropic/claude-sonnet-4.5", "thinking", "id")),
                ("qwen2.5-max", ("qwen/qwen-max", None, "alias")),
                ("openai/gpt-5-mini", ("openai/gpt-5-mini", None, "id"))):
            found = json.loads(self.command("ingest", "match", name,
                                            "--json"))
            self.assertEqual((found["id"], found["variant"], found["rule"]),
                             want)
        # What the same name means in one source and in the others.
        for flags, want in ((["--source", "artificial-analysis"],
                             "deepseek/deepseek-r1-0528"),
                            ([], "deepseek/deepseek-r1")):
            found = self.command("ingest", "match", "deepseek-r1", "--json",
                                 *flags)
            self.assertEqual(json.loads(found)["id"], want)

    def test_a_name_that_is_no_model_lists_what_is_near(self):
        found = json.loads(self.command(
            "ingest", "match", "gemini-2.5-flash-preview-09-2025", "--json",
            code=1))
        self.assertIsNone(found["id"])
        self.assertIn({"id": "google/gemini-2.5-flash", "why": "date"},
                      found["candidates"])
        self.assertEqual(json.loads(self.command(
            "ingest", "match", "nothing at all", "--json", code=1)
        )["candidates"], [])
        self.command("ingest", "match", code=2)
        self.command("ingest", "match", "", code=2)
        self.command("ingest", "match", "a\tb", code=2)
        self.command("ingest", "match", "x", "--source", "astrology", code=2)

    def test_the_report_has_every_row_with_rule_and_evidence(self):
        report = json.loads(self.command("ingest", "report", "--json"))
        counts = {row["source"]: row for row in report["counts"]}
        status = self.stack.get("/api/status").json["data"]["sources"]
        for name in sources.NAMES:
            rows = [row for row in report["rows"] if row["source"] == name]
            self.assertEqual(len(rows), counts[name]["rows"], name)
            self.assertEqual(len(rows), status[name]["count"], name)
            self.assertEqual(sum(row["id"] is not None for row in rows),
                             status[name]["matched"], name)
        self.assertGreaterEqual(counts["artificial-analysis"]["models"], 170)
        self.assertGreaterEqual(counts["livebench"]["models"], 65)
        self.assertGreaterEqual(counts["lmarena"]["models"], 110)
        one = next(row for row in report["rows"]
                   if row["row"] == "claude-haiku-4-5-20251001-thinking-64k")
        self.assertEqual((one["id"], one["variant"], one["rule"]),
                         ("anthropic/claude-haiku-4.5", "thinking", "id"))
        self.assertGreater(one["figures"], 0)
        lost = self.command("ingest", "report", "--only", "unmatched",
                            "--source", "livebench")
        self.assertIn("google/gemini-2.5-flash (date)", lost)
        self.assertNotIn("claude-haiku-4-5-20251001-thinking-64k", lost)
        self.command("ingest", "report", "--only", "lucky", code=2)
        self.command("ingest", "report", "--source", "astrology", code=2)

    def test_an_older_version_can_be_served_again(self):
        listed = json.loads(self.command("ingest", "versions", "--json"))
        versions = listed["versions"]
        self.assertGreaterEqual(len(versions), 2)
        oldest, newest = versions[-1], versions[0]
        self.assertEqual({row["source"] for row in newest["sources"]},
                         set(sources.NAMES))
        endpoint = self.stack.endpoint("ingestd-1")
        before = published(endpoint, "catalog")
        self.command("ingest", "rollback", str(oldest["number"]))
        wait_for(lambda: published(endpoint, "catalog") != before, 10,
                 "the older catalog")
        self.assertEqual(self.stack.get("/api/pick?task=coding").status, 200)
        self.assertIn("served instead of the newest",
                      self.command("status"))
        # A refresh goes on beside it, and a restart does not end it.
        self.command("refresh")
        os.kill(self.stack.pid_of("ingestd-1"), signal.SIGKILL)
        wait_for(lambda: "pinned=" + str(oldest["number"]) in
                 self.stack.log("ingestd-1").split("started")[-1], 15,
                 "the older catalog after a restart")
        # One that cannot be read is not said to be served.
        broken, good = versions[0]["number"], oldest["number"]
        wait_for(lambda: self.stack.command(
            "ingest", "rollback", str(good)).returncode == 0, 10,
            "the database")
        self.stack.sql("update catalog_versions set bytes = '\\x00'"
                       f" where number = {broken}")
        said = self.stack.command("ingest", "rollback", str(broken))
        self.assertNotEqual(said.returncode, 0)
        self.assertIn("cannot be read", said.stderr)
        # What the one that was asked serves has changed when it says so.
        for arguments in (("rollback", str(good)), ("newest",)) * 3:
            before = published(endpoint, "catalog").hash
            self.command("ingest", *arguments)
            self.assertNotEqual(published(endpoint, "catalog").hash, before)
        self.command("ingest", "rollback", str(good))
        wait_for(lambda: self.stack.command(
            "ingest", "rollback", "999999").returncode == 1, 10,
            "the database's word that there is no such version")
        self.command("ingest", "rollback", "x", code=2)
        self.command("ingest", "newest")
        wait_for(lambda: "served instead" not in self.command("status"), 10,
                 "the newest again")


if __name__ == "__main__":
    unittest.main(verbosity=2)
