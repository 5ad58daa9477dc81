"""What is acknowledged is kept: in a crash of the database, while it is away,
and over a restart of everything.

(Kills under load are in test_storm.py.)
"""

import contextlib
import ctypes
import os
import pathlib
import shutil
import signal
import unittest

import processes
from stack import DAEMONS, Stack, alive, kill, wait_for

RATING = {"model": "openai/gpt-5.2", "rating": 3}


class Database(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stack = Stack().start()
        cls.addClassCleanup(cls.stack.stop)

    def write(self, category, key):
        """One write, repeatable by its key."""
        return self.stack.post("/api/spawn-log/outcome",
                               dict(RATING, category=category),
                               **{"Idempotency-Key": key})

    def write_until_acknowledged(self, category, key):
        def acknowledged():
            reply = self.write(category, key)
            self.check_answer(reply)
            return reply.status == 200
        wait_for(acknowledged, 20, f"write {key} to be acknowledged")

    def check_answer(self, reply):
        """A write succeeds, or says that it did not and when to come back."""
        self.assertIn(reply.status, (200, 503), reply.body)
        if reply.status == 503:
            self.assertIn("retry-after", reply.headers)

    def rows(self, category):
        """How many outcomes are kept; asked again while the server starts."""
        query = f"select count(*) from outcomes where category = '{category}'"

        def counted():
            with contextlib.suppress(AssertionError):
                return self.stack.sql(query)[0]
            return None
        return int(wait_for(counted, 20, "a connection to the database")[0])

    def test_no_acknowledged_write_is_lost_in_a_crash_of_the_database(self):
        # A backend that survives the postmaster may still commit and not get
        # to say so; a key makes each write count once however often it is
        # sent.
        keys = [f"crash-{i}" for i in range(60)]
        for i, key in enumerate(keys):
            if i % 20 == 5:
                kill(self.stack.pid_of("postgres"))
            self.write_until_acknowledged("coding", key)
        self.assertEqual(self.rows("coding"), len(keys))

    def test_a_database_that_is_told_to_end_is_back_as_after_a_crash(self):
        # SIGTERM lets PostgreSQL wait for its clients, which are the daemons.
        self.write_until_acknowledged("research", "told-before")
        old = self.stack.pid_of("postgres")
        kill(old, signal.SIGTERM)
        for i in range(20):
            self.write_until_acknowledged("research", f"told-{i}")
        wait_for(lambda: self.stack.pid_of("postgres") not in (0, old), 10,
                 "another PostgreSQL")
        self.assertFalse(alive(old))
        self.write_until_acknowledged("research", "told-after")
        self.assertEqual(self.rows("research"), 22)
        self.stack.await_serving()

    def test_writes_say_503_while_the_database_is_away_and_then_succeed(self):
        self.write_until_acknowledged("vision", "before")
        self.stack.order("postgres", "-wD", "-d")
        try:
            for i in range(3):
                reply = self.write("vision", f"away-{i}")
                self.assertEqual(reply.status, 503, reply.body)
                self.check_answer(reply)
            for path in ("pick?task=coding", "status", "models?limit=5"):
                self.assertEqual(self.stack.get("/api/" + path).status, 200)
        finally:
            self.stack.order("postgres", "-u")
        self.write_until_acknowledged("vision", "after")
        self.assertEqual(self.rows("vision"), 2)

    def test_feedbackd_says_that_it_waits_for_the_database(self):
        self.write_until_acknowledged("general", "waits")
        self.stack.order("postgres", "-wD", "-d")
        try:
            wait_for(lambda: not self.stack.serves("feedbackd-1"), 10,
                     "feedbackd to serve no more")
            self.assertIn("database",
                          self.stack.health("feedbackd-1").detail)
            self.assertEqual(self.stack.command("status").returncode, 3)
        finally:
            self.stack.order("postgres", "-u")
        self.stack.await_serving()


class Restart(unittest.TestCase):
    def test_what_was_learned_survives_down_and_up(self):
        stack = Stack().start()
        try:
            self.assertEqual(stack.post(
                "/api/spawn-log/outcome",
                dict(RATING, category="coding")).status, 200)
            pids = stack.pids()
            self.assertEqual(stack.command("down", timeout=60).returncode, 0)
            self.assertEqual([p for p in pids.values() if alive(p)], [])
            again = stack.command("down", timeout=60)
            self.assertEqual(again.returncode, 0, again.stderr)
            stack.start()
            wait_for(lambda: stack.personal("openai/gpt-5.2", "coding")
                     is not None, 10, "the rating after the restart")
        finally:
            stack.stop()


class LostKey(unittest.TestCase):
    def test_daemons_agree_again_when_one_had_to_make_another_key(self):
        with Stack() as stack:
            old = stack.pid_of("routerd-1")
            (stack.home / "deployment.key").unlink()
            kill(old)
            wait_for(lambda: stack.serves("routerd-1", old), 10,
                     "another routerd-1")
            self.assertTrue((stack.home / "deployment.key").exists())

            def is_taken():
                """Whether what was decided can be rated."""
                pick = stack.get("/api/pick?task=coding").json["data"]
                return stack.post("/api/spawn-log/outcome", dict(
                    RATING, model=pick["id"], category="coding",
                    decisionId=pick["decisionId"])).status == 200
            for name in ("routerd-2", "feedbackd-1"):
                wait_for(lambda name=name: "deployment-key-changed"
                         in stack.log(name), 10, f"{name} to take the key")
            self.assertEqual([is_taken() for _ in range(10)], [True] * 10)


class LostHome(unittest.TestCase):
    """Somebody removes the home of a stack that runs."""

    def setUp(self):
        self.stack = Stack().start()
        self.addCleanup(self.stack.stop)
        self.data = self.stack.data_folder()
        self.watch = processes.Watch(self.stack.home, self.data)
        self.addCleanup(self.watch.stop)
        shutil.rmtree(self.stack.home)

    def assert_nothing_is_left(self):
        self.watch.stop()
        self.assertEqual(self.watch.left_behind(), {})

    def test_down_stops_everything_all_the_same(self):
        result = self.stack.command("down", timeout=60)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("whose folder is gone", result.stdout)
        self.assert_nothing_is_left()
        self.assertIn("nothing ran", self.stack.command("down").stdout)

    def test_up_starts_anew_in_place_of_what_goes_on(self):
        old = {pid for pid, _ in processes.of_home(self.stack.home,
                                                   self.data)}
        result = self.stack.command("up", "--detach", timeout=120)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(self.stack.get("/api/pick?task=coding").status, 200)
        self.assertEqual([pid for pid in old if alive(pid)], [])
        # Where the database does not lie in the home it is still there.
        found = self.stack.home not in pathlib.Path(self.data).parents
        self.assertEqual("database of an earlier home" in result.stderr, found)


class Held:
    """A process that a debugger holds: only SIGKILL reaches it, and when
    `past_death` not even that ends it before release()."""

    DETACH, SEIZE, INTERRUPT, TRACE_EXIT = 17, 0x4206, 0x4207, 0x40

    def __init__(self, pid, past_death):
        self.pid = pid
        self.call(self.SEIZE, self.TRACE_EXIT if past_death else None)
        self.call(self.INTERRUPT)
        wait_for(lambda: self.state() == b"t", 5, f"{pid} to be held")

    def call(self, request, data=None):
        ptrace = ctypes.CDLL(None, use_errno=True).ptrace
        ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p,
                           ctypes.c_void_p]
        if ptrace(request, self.pid, None, data) != 0:
            raise OSError(ctypes.get_errno(), "ptrace")

    def state(self):
        return processes.read(self.pid, "stat").rsplit(b")", 1)[-1][1:2]

    def release(self):
        with contextlib.suppress(OSError):
            self.call(self.DETACH)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self.pid, os.WNOHANG)


class StoppedSupervisor(unittest.TestCase):
    """Supervisors that stand still when the stack is told to end."""

    def setUp(self):
        self.stack = Stack().start()
        self.addCleanup(self.stack.stop)
        self.watch = processes.Watch(self.stack.home,
                                     self.stack.data_folder())
        self.addCleanup(self.watch.stop)

    def scanner(self):
        path = self.stack.home / "service" / ".scanner-pid"
        return int(path.read_text())

    def watcher(self, folder):
        """The s6-supervise of a service, or of its logger ("x-1/log")."""
        found = [pid for pid in processes.all_pids()
                 if processes.name(pid) == "s6-supervise"
                 and processes.stands_in(pid, self.stack.home / "service"
                                         / folder)]
        self.assertEqual(len(found), 1, folder)
        return found[0]

    def hold(self, pid, past_death=False):
        try:
            held = Held(pid, past_death)
        except OSError as why:
            self.skipTest(f"no process can be held here: {why}")
        self.addCleanup(held.release)
        return held

    def assert_down_leaves_nothing(self):
        result = self.stack.command("down", timeout=60)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("stopped", result.stdout)
        self.watch.stop()
        self.assertEqual(self.watch.left_behind(), {})
        self.assertIn("nothing ran", self.stack.command("down").stdout)

    def test_down_wakes_supervisors_of_services_and_loggers(self):
        for folder in ("routerd-1", "gatewayd-1/log", "postgres"):
            kill(self.watcher(folder), signal.SIGSTOP)
        self.assert_down_leaves_nothing()
        self.assertIn("database system is shut down",
                      self.stack.log("postgres"))

    def test_down_wakes_the_first_of_them(self):
        kill(self.scanner(), signal.SIGSTOP)
        self.assert_down_leaves_nothing()
        self.assertIn("database system is shut down",
                      self.stack.log("postgres"))

    def test_what_cannot_be_woken_is_killed_and_the_database_ends_well(self):
        for pid in (self.scanner(), self.watcher("routerd-1"),
                    self.watcher("postgres")):
            self.hold(pid)
        self.assert_down_leaves_nothing()
        self.stack.start()
        log = self.stack.log("postgres")
        self.assertEqual(log.count("database system was shut down at"), 2)
        self.assertNotIn("not properly shut down", log)

    def test_what_does_not_end_is_named(self):
        pid = self.watcher("routerd-1")
        held = self.hold(pid, past_death=True)
        result = self.stack.command("down", timeout=60)
        self.assertEqual(result.returncode, 3, result.stdout)
        self.assertIn(f"s6-supervise routerd-1 (pid {pid})", result.stderr)
        self.assertNotIn("gatewayd-1", result.stderr)
        held.release()
        wait_for(lambda: not alive(pid), 10, "what was held to end")
        self.stack.command("down", timeout=60)
        self.watch.stop()
        self.assertEqual(self.watch.left_behind(), {})


class LostFiles(unittest.TestCase):
    """Somebody removes files of a stack that runs; `up` makes them again."""

    @classmethod
    def setUpClass(cls):
        cls.stack = Stack().start()
        cls.addClassCleanup(cls.stack.stop)

    def up(self):
        result = self.stack.command("up", "--detach", timeout=120)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("already running", result.stdout)

    def test_where_the_database_is(self):
        path = self.stack.home / "database.url"
        before = path.read_text()
        path.unlink()
        result = self.stack.command("config", "database.url")
        self.assertEqual(result.returncode, 3, result.stdout)
        self.assertNotIn("no stack runs", result.stderr)
        self.assertIn("database.url is missing: smart-spawn up", result.stderr)
        result = self.stack.command("migrate")
        self.assertIn("database.url is missing: smart-spawn up", result.stderr)
        self.up()
        self.assertEqual(path.read_text(), before)
        result = self.stack.command("config", "database.url")
        self.assertEqual(result.stdout, before.strip() + "\n")

    def test_the_logs(self):
        pids = self.stack.pids()
        shutil.rmtree(self.stack.home / "log")
        self.up()
        for name in ("postgres", *DAEMONS):
            self.assertTrue((self.stack.home / "log" / name
                             / "current").exists(), name)
        self.assertEqual(self.stack.pids(), pids)  # only loggers began anew
        self.stack.get("/api/pick?task=coding")
        wait_for(lambda: "caller=gatewayd-1" in self.stack.log("routerd-1")
                 + self.stack.log("routerd-2"), 10, "a line about the pick")


class BusyMachine(unittest.TestCase):
    def test_a_start_does_not_depend_on_how_fast_waiting_begins(self):
        # Each s6-svwait runs out of time before it looks, as it does when
        # the processors are busy enough.
        stack = Stack()
        slow = stack.home / "slow"
        slow.mkdir()
        (slow / "s6-svwait").write_text("#!/bin/sh\nsleep 0.1\nexit 99\n")
        (slow / "s6-svwait").chmod(0o700)
        stack.environment["PATH"] = f"{slow}:{stack.environment['PATH']}"
        with stack:
            self.assertEqual(stack.get("/api/pick?task=coding").status, 200)


if __name__ == "__main__":
    unittest.main(verbosity=2)
