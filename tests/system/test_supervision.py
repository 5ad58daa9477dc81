"""A killed daemon is back, and questions go on meanwhile."""

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

    def test_picks_go_on_without_scorer_and_ingest(self):
        pids = self.stack.pids()
        for instance in ("scorerd-1", "ingestd-1", "feedbackd-1"):
            kill(pids[instance])
        for _ in range(20):
            self.assertEqual(self.stack.get("/api/pick?task=coding").status,
                             200)
        wait_for(lambda: self.stack.command("status").returncode == 0, 15,
                 "all to serve again")

    def test_writes_say_503_while_the_database_is_away_and_then_succeed(self):
        rating = {"model": "openai/gpt-5.2", "category": "coding", "rating": 3}

        def written():
            return self.stack.post("/api/spawn-log/outcome",
                                   rating).status == 200
        wait_for(written, 10, "a first write")
        kill(self.postmaster())
        reply = self.stack.post("/api/spawn-log/outcome", rating)
        self.assertIn(reply.status, (200, 503), reply.body)
        if reply.status == 503:
            self.assertIn("retry-after", reply.headers)
        acknowledged = 2 + (reply.status == 200)
        self.assertEqual(self.stack.get("/api/pick?task=coding").status, 200)
        wait_for(written, 20, "the database to be back")
        self.assertEqual(self.stack.sql("select count(*) from outcomes"),
                         [[str(acknowledged)]])


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
