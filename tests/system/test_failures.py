"""The failure rules of ARCHITECTURE.md, each with real processes.

What is down for longer takes its own part away and nothing else; what it knew
last goes on to serve. (Sources are in test_sources.py, the database's absence
and crash in test_supervision.py, kills under load in test_storm.py.)
"""

import concurrent.futures
import contextlib
import signal
import socket
import time
import unittest

import zmq

from stack import DAEMONS, Stack, kill, wait_for
from wire import CallError, Peer, metric, published, snapshot_at


class WithStack(unittest.TestCase):
    SETTINGS = {}

    @classmethod
    def setUpClass(cls):
        cls.stack = Stack(**cls.SETTINGS).start()
        cls.addClassCleanup(cls.stack.stop)
        cls.models = [row["id"] for row in cls.stack.get(
            "/api/models?limit=60&sort=coding").json["data"]]

    def setUp(self):
        self.model = self.models.pop()  # that nobody rated yet

    def take_down(self, *instances):
        for instance in instances:
            self.stack.order(instance, "-wD", "-d")
            self.addCleanup(self.stack.order, instance, "-u")

    def bring_up(self, *instances):
        for instance in instances:
            self.stack.order(instance, "-u")
        self.stack.await_serving(20)

    def rate(self, model, category, rating=5, **headers):
        return self.stack.post("/api/spawn-log/outcome", {
            "model": model, "category": category, "rating": rating},
            **headers)

    def assert_learns(self, model, category, seconds=10):
        """A rating is acknowledged (now, or when the gateway has found again
        who was away) and seen by picks."""
        wait_for(lambda: self.rate(model, category).status == 200, seconds,
                 f"a rating of {model} to be acknowledged")
        wait_for(lambda: self.stack.personal(model, category) is not None,
                 seconds, f"the rating of {model} in picks")

    def assert_picks(self, count=10):
        for _ in range(count):
            reply = self.stack.get("/api/pick?task=coding")
            self.assertEqual(reply.status, 200, reply.body)

    def status(self):
        return self.stack.get("/api/status").json["data"]

    def assert_refused_for_now(self, reply):
        self.assertEqual(reply.status, 503, reply.body)
        self.assertGreaterEqual(int(reply.headers["retry-after"]), 1)
        self.assertEqual(reply.json["error"]["code"], "UNAVAILABLE")


class Down(WithStack):
    # Who does not hear of a snapshot for two waits calls it not current.
    SETTINGS = {"SMART_SPAWN_SNAPSHOT_WAIT": "500ms"}

    def assert_age_is_told(self, before):
        """That the table is old is in the status and in the metrics."""
        def is_told():
            now = self.status()
            return not now["tableCurrent"] and \
                now["tableAgeS"] > before["tableAgeS"] and now
        now = wait_for(is_told, 10, "the status to tell the table's age")
        self.assertIsNotNone(now["scorerHeard"])
        for router in ("routerd-1", "routerd-2"):
            for name, least, most in (("snapshot_current", 0, 0),
                                      ("snapshot_age_seconds", 1, 600),
                                      ("snapshot_silence_seconds", 1, 600)):
                found = metric(self.stack.endpoint(router), name,
                               'name="table"')
                self.assertTrue(least <= found <= most, (name, found))

    def test_without_scorerd_picks_go_on_from_the_last_table(self):
        self.assert_learns(self.model, "coding")
        before = self.status()
        self.take_down("scorerd-1")
        self.assert_picks()
        # A write is kept although nobody makes scores of it now.
        self.assertEqual(self.rate(self.model, "creative").status, 200)
        self.assertIsNone(self.stack.personal(self.model, "creative"))
        self.assertIsNotNone(self.stack.personal(self.model, "coding"))
        now = self.status()
        self.assertEqual(now["tableTime"], before["tableTime"])
        self.assertEqual(now["tableVersion"], before["tableVersion"])
        self.assert_age_is_told(before)
        self.bring_up("scorerd-1")
        wait_for(lambda: self.status()["tableCurrent"], 10, "a current table")
        wait_for(lambda: self.stack.personal(self.model, "creative") is not None,
                 10, "what was rated meanwhile")

    def test_without_ingestd_all_but_fetching_goes_on(self):
        self.take_down("ingestd-1")
        self.assert_picks()
        self.assert_learns(self.model, "coding")
        self.assertGreater(self.status()["modelCount"], 300)
        self.assert_refused_for_now(self.stack.post("/api/refresh", {}))
        self.bring_up("ingestd-1")
        wait_for(lambda: self.stack.post("/api/refresh", {}).status != 503,
                 10, "refreshes to be taken again")

    def test_without_feedbackd_writes_are_refused_and_picks_go_on(self):
        self.assert_learns(self.model, "coding")
        self.take_down("feedbackd-1")
        for i in range(3):
            self.assert_refused_for_now(
                self.rate(self.model, "creative", **{"Idempotency-Key": f"k-{i}"}))
        self.assert_refused_for_now(
            self.stack.get("/api/spawn-log/scores"))
        self.assert_picks()
        self.assertIsNotNone(self.stack.personal(self.model, "coding"))
        self.assertEqual(self.stack.sql(
            "select category from outcomes where model = "
            f"'{self.model}'"), [["coding"]], "what was refused is recorded")
        self.bring_up("feedbackd-1")
        self.assert_learns(self.model, "creative")

    def test_a_gateway_that_starts_without_feedbackd_refuses_writes_soon(self):
        self.assert_learns(self.model, "coding")
        self.take_down("feedbackd-1")
        old = self.stack.pid_of("gatewayd-1")
        self.stack.order("gatewayd-1", "-t")
        wait_for(lambda: self.stack.pid_of("gatewayd-1") not in (0, old), 10,
                 "a new gateway")
        wait_for(lambda: self.stack.health("gatewayd-1"), 10, "it to answer")
        began = time.monotonic()
        reply = self.rate(self.model, "creative")
        took = time.monotonic() - began
        self.assert_refused_for_now(reply)
        # It waits for who may still be starting, not for http.call_timeout.
        self.assertLess(took, 3.5)
        self.bring_up("feedbackd-1")
        self.assert_learns(self.model, "creative")

    def test_without_anything_behind_routers_restart_from_their_disk(self):
        self.assert_learns(self.model, "coding")
        self.take_down("ingestd-1", "feedbackd-1", "scorerd-1", "postgres")
        version = self.status()["tableVersion"]
        for instance in ("routerd-1", "routerd-2", "gatewayd-1"):
            old = self.stack.pid_of(instance)
            self.stack.order(instance, "-t")
            wait_for(lambda i=instance, o=old: self.stack.serves(i, o), 10,
                     f"{instance} to serve again")
        wait_for(lambda: self.stack.get("/readyz").status == 200, 10,
                 "the gateway to reach a router")
        self.assert_picks()
        self.assertEqual(self.status()["tableVersion"], version)
        self.assertIsNotNone(self.stack.personal(self.model, "coding"))
        self.assert_refused_for_now(self.rate(self.model, "coding"))
        self.bring_up("postgres", "ingestd-1", "feedbackd-1", "scorerd-1")
        self.assert_learns(self.model, "creative")

    def test_without_anything_behind_scorerd_restarts_from_its_disk(self):
        self.assert_learns(self.model, "coding")
        self.take_down("scorerd-1", "ingestd-1", "feedbackd-1", "postgres")
        self.stack.order("scorerd-1", "-u")
        wait_for(lambda: self.stack.serves("scorerd-1"), 10,
                 "scorerd to serve")
        scorer = self.stack.endpoint("scorerd-1")
        for router in ("routerd-1", "routerd-2"):
            wait_for(lambda r=router: snapshot_at(self.stack.endpoint(r),
                                                  "table")
                     == published(scorer, "table"), 10,
                     f"{router} to follow the new scorerd")
        self.assert_picks()
        self.assertIsNotNone(self.stack.personal(self.model, "coding"))
        self.bring_up("postgres", "ingestd-1", "feedbackd-1", "scorerd-1")


class MidCall(WithStack):
    def test_calls_at_a_router_that_dies_go_to_the_other_at_once(self):
        for victim in ("routerd-1", "routerd-2"):
            self.stack.await_serving()
            time.sleep(1)  # both up at the gateway
            pid = self.stack.pid_of(victim)
            # Stopped, it keeps the calls that it gets until it dies.
            kill(pid, signal.SIGSTOP)
            with concurrent.futures.ThreadPoolExecutor(8) as pool:
                began = time.monotonic()
                picks = [pool.submit(self.stack.get,
                                     "/api/pick?task=coding")
                         for _ in range(8)]
                time.sleep(0.2)
                waiting = sum(not pick.done() for pick in picks)
                kill(pid)
                replies = [pick.result(10).status for pick in picks]
                took = time.monotonic() - began
            print(f"\n{waiting} of 8 calls were at {victim} when it died; "
                  f"all done {took:.2f} s after they were sent")
            self.assertEqual(replies, [200] * 8)
            self.assertGreater(waiting, 0, "nothing was at stake")
            # Sooner than silence would have been noticed.
            self.assertLess(took, 0.9)


class Rubbish(WithStack):
    """Bytes that are no frames, and frames that mean nothing, at each
    daemon's socket: counted, without effect. (HTTP: test_bad_input.py.)"""

    FRAMES = ([b""], [b"x"], [b"\xff" * 100, b"y"], [b"a", b"b", b"c"],
              [b"\x08\x01", b"\x00" * 5000], [b"\x08" * 4097, b""],
              [b"\x08\x01\x10\x63\x19" + b"\0" * 8, b""])

    def setUp(self):
        super().setUp()
        self.pids = self.stack.pids()
        self.rows = self.count_rows()

    def count_rows(self):
        return [self.stack.sql(f"select count(*) from {table}")
                for table in ("outcomes", "spawn_logs", "community_reports")]

    def assert_no_effect(self):
        self.assertEqual(self.stack.pids(), self.pids, self.stack.logs())
        self.assertTrue(all(map(self.stack.serves, DAEMONS)))
        self.assertEqual(self.count_rows(), self.rows)
        self.assert_picks(3)

    def bad_frames(self, instance):
        return metric(self.stack.endpoint(instance), "rpc_frames_bad_total")

    def test_frames_that_are_none_are_counted_by_each_daemon(self):
        for instance in DAEMONS:
            with self.subTest(instance), \
                    Peer(self.stack.endpoint(instance)) as peer:
                before = self.bad_frames(instance)
                for frames in self.FRAMES:
                    peer.socket.send_multipart(frames)
                wait_for(lambda i=instance, b=before: self.bad_frames(i)
                         >= b + len(self.FRAMES), 5, "all to be counted")
                self.assertEqual(self.bad_frames(instance),
                                 before + len(self.FRAMES))
                self.assertFalse(peer.socket.poll(50), "it was answered")
        self.assert_no_effect()

    def test_calls_that_mean_nothing_are_refused_by_each_daemon(self):
        for instance in DAEMONS:
            with Peer(self.stack.endpoint(instance)) as peer:
                empty = peer.types.HealthRequest()
                for method, body, fields, status in (
                        ("ss.Nobody/Nothing", empty, {}, 12),
                        ("ss.Health/Nothing", empty, {}, 12),
                        ("ss.Health/Check", empty, {"tenant": "../x"}, 3)):
                    with self.subTest(instance, method=method), \
                            self.assertRaises(CallError) as refused:
                        peer.call(method, body, peer.types.HealthReply(), 2,
                                  **fields)
                    self.assertEqual(refused.exception.status, status)
        self.assert_no_effect()

    def test_bytes_that_are_no_zeromq_close_their_connection_only(self):
        for instance in DAEMONS:
            path = self.stack.endpoint(instance).removeprefix("ipc://")
            for data in (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
                         b"\xff" * 64, bytes(range(256)) * 64, b"\xff\0\0"):
                with self.subTest(instance, data=data[:8]), \
                        socket.socket(socket.AF_UNIX) as peer:
                    peer.connect(path)
                    with contextlib.suppress(OSError):
                        peer.sendall(data)
        self.assert_no_effect()

    def test_a_request_that_is_too_large_closes_its_connection_only(self):
        for instance in DAEMONS:
            with self.subTest(instance), \
                    Peer(self.stack.endpoint(instance)) as peer:
                self.assertTrue(peer.socket.poll(2000, zmq.POLLOUT))
                peer.socket.send_multipart([b"\x08\x01", bytes(5 << 20)])
        self.assert_no_effect()


class SlowTransaction(WithStack):
    """PostgreSQL commits in another order than it numbers rows."""

    INSERT = ("begin; insert into outcomes (tenant, model, category, rating)"
              " values ('default', '{}', 'coding', 5);")

    def assert_slow_one_is_seen(self, session, slow):
        self.assertIsNone(self.stack.personal(slow, "coding"))
        began = time.monotonic()
        session.run("commit;")
        wait_for(lambda: self.stack.personal(slow, "coding") is not None, 3,
                 "the rating of the slow transaction")
        print(f"\nthe slow rating is in picks {time.monotonic() - began:.2f} "
              "s after its commit")

    def test_a_slow_transaction_hides_no_rating(self):
        slow = self.models.pop()
        with self.stack.session() as session:
            session.run(self.INSERT.format(slow))
            for _ in range(5):
                self.assert_learns(self.models.pop(), "coding", 2)
            self.assert_slow_one_is_seen(session, slow)
        self.assert_learns(self.models.pop(), "coding", 2)

    def test_many_slow_transactions_commit_in_reverse_order(self):
        slow = [self.models.pop() for _ in range(4)]
        sessions = []
        for model in slow:
            sessions.append(self.stack.session())
            sessions[-1].run(self.INSERT.format(model))
            self.assert_learns(self.models.pop(), "coding", 2)
        while sessions:
            with sessions.pop() as session:
                self.assert_slow_one_is_seen(session, slow.pop())
            self.assert_learns(self.models.pop(), "coding", 2)

    def test_a_load_of_everything_meanwhile_hides_it_neither(self):
        slow = self.models.pop()
        with self.stack.session() as session:
            session.run(self.INSERT.format(slow))
            self.assert_learns(self.models.pop(), "coding", 2)
            loads = self.loads()
            self.stack.sql("notify smart_spawn_feedback, 'reload'")
            wait_for(lambda: self.loads() > loads, 5, "a load of everything")
            self.assert_slow_one_is_seen(session, slow)

    def test_one_that_is_rolled_back_is_never_seen(self):
        slow = self.models.pop()
        with self.stack.session() as session:
            session.run(self.INSERT.format(slow))
            self.assert_learns(self.models.pop(), "coding", 2)
            session.run("rollback;")
        self.assert_learns(self.models.pop(), "coding", 2)
        time.sleep(1.5)  # more than one look
        self.assertIsNone(self.stack.personal(slow, "coding"))

    def loads(self):
        return self.stack.whole_log("feedbackd-1").count("layers-loaded")


if __name__ == "__main__":
    unittest.main(verbosity=2)
