"""A killed daemon is back, and questions go on meanwhile."""

import concurrent.futures
import contextlib
import signal
import subprocess
import time
import unittest

from stack import DAEMONS, Stack, alive, kill, wait_for


class Supervision(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stack = Stack().start()

    @classmethod
    def tearDownClass(cls):
        cls.stack.stop()

    def back(self, instance, old):
        def answered():
            pid = self.stack.pids().get(instance)
            return pid and pid != old and pid
        return wait_for(answered, 15, f"{instance} to be back"
                        + self.stack.log(instance)[-800:])

    def postmaster(self):
        """The pid of the stack's PostgreSQL: the parent of its processes."""
        child = self.stack.sql("select min(pid) from pg_stat_activity "
                               "where pid <> pg_backend_pid()")[0][0]
        with open(f"/proc/{child}/stat", encoding="ascii") as stat:
            return int(stat.read().rsplit(")", 1)[1].split()[1])

    def test_each_killed_daemon_comes_back(self):
        for instance in DAEMONS:
            with self.subTest(instance):
                old = self.stack.pids()[instance]
                kill(old)
                started = time.monotonic()
                new = self.back(instance, old)
                print(f"{instance} is back after "
                      f"{time.monotonic() - started:.2f} s")
                self.assertTrue(alive(new))
        wait_for(lambda: self.stack.command("status").returncode == 0, 15,
                 "all to serve again")
        self.assertEqual(self.stack.get("/api/pick?task=coding").status, 200)

    def test_a_pick_survives_the_death_of_one_router(self):
        kill(self.stack.pids()["routerd-1"])
        for _ in range(50):
            reply = self.stack.get("/api/pick?task=coding")
            self.assertEqual(reply.status, 200, reply.body)
        wait_for(lambda: self.stack.command("status").returncode == 0, 15,
                 "all to serve again")

    def answers_to_the_gateway(self, router):
        """Whether a few picks make a router log another call."""
        def calls():
            return self.stack.log(router).count("caller=gatewayd-1")
        before = calls()
        for _ in range(4):
            self.stack.get("/api/pick?task=coding")
        return calls() > before

    def test_a_router_that_hangs_fails_no_pick(self):
        pid = self.stack.pids()["routerd-1"]
        wait_for(lambda: self.answers_to_the_gateway("routerd-1"), 15,
                 "the gateway to ask routerd-1")
        kill(pid, signal.SIGSTOP)
        try:
            # Some of these wait at the stopped router, and are tried again at
            # the other when it is found silent.
            with concurrent.futures.ThreadPoolExecutor(8) as pool:
                replies = list(pool.map(
                    lambda _: self.stack.get("/api/pick?task=coding").status,
                    range(40)))
        finally:
            kill(pid, signal.SIGCONT)
        self.assertEqual(set(replies), {200})
        wait_for(lambda: self.stack.command("status").returncode == 0, 15,
                 "all to serve again")

    def test_picks_go_on_without_scorer_and_ingest(self):
        pids = self.stack.pids()
        for instance in ("scorerd-1", "ingestd-1", "feedbackd-1"):
            kill(pids[instance])
        for _ in range(20):
            self.assertEqual(self.stack.get("/api/pick?task=coding").status,
                             200)
        wait_for(lambda: self.stack.command("status").returncode == 0, 15,
                 "all to serve again")

    def write(self, category, key):
        """One write, repeatable by its key."""
        rating = {"model": "openai/gpt-5.2", "category": category,
                  "rating": 3}
        return self.stack.post("/api/spawn-log/outcome", rating,
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

    def order_database(self, *flags):
        """Tell the database's supervisor to take it down or bring it up."""
        subprocess.run(["s6-svc", *flags,
                        self.stack.home / "service/postgres"],
                       check=True, timeout=30)

    def test_no_acknowledged_write_is_lost_in_a_crash_of_the_database(self):
        # A backend that survives the postmaster may still commit and not get
        # to say so; a key makes each write count once however often it is
        # sent.
        keys = [f"crash-{i}" for i in range(20)]
        for i, key in enumerate(keys):
            if i == 5:
                kill(self.postmaster())
            self.write_until_acknowledged("coding", key)
        self.assertEqual(self.rows("coding"), len(keys))

    def test_writes_say_503_while_the_database_is_away_and_then_succeed(self):
        self.write_until_acknowledged("vision", "before")
        self.order_database("-wD", "-d")
        try:
            for i in range(3):
                reply = self.write("vision", f"away-{i}")
                self.assertEqual(reply.status, 503, reply.body)
                self.check_answer(reply)
            self.assertEqual(self.stack.get("/api/pick?task=coding").status,
                             200)
        finally:
            self.order_database("-u")
        self.write_until_acknowledged("vision", "after")
        self.assertEqual(self.rows("vision"), 2)


class Restart(unittest.TestCase):
    def test_what_was_learned_survives_down_and_up(self):
        stack = Stack().start()
        try:
            rating = {"model": "openai/gpt-5.2", "category": "coding",
                      "rating": 1}
            self.assertEqual(stack.post("/api/spawn-log/outcome",
                                        rating).status, 200)
            pids = stack.pids()
            self.assertEqual(stack.command("down", timeout=60).returncode, 0)
            self.assertEqual([p for p in pids.values() if alive(p)], [])
            again = stack.command("down", timeout=60)
            self.assertEqual(again.returncode, 0, again.stderr)
            stack.start()
            wait_for(lambda: stack.get(
                "/api/pick?task=coding&allow=openai/gpt-5.2&budget=any")
                .json["data"]["personalScore"] is not None, 10,
                "the rating after the restart")
        finally:
            stack.stop()


if __name__ == "__main__":
    unittest.main(verbosity=2)
