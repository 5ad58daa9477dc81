"""Keys over HTTP: who may write, whose ratings count, what works while
PostgreSQL and feedbackd are away, and how soon a revoked key stops."""

import contextlib
import re
import socket
import stat
import subprocess
import time
import unittest

from stack import Stack, kill, wait_for

KEY = re.compile(r"ssk_([0-9a-z]{8})_[A-Za-z0-9_-]{43}")
MODEL = "openai/gpt-5.2"
SCORES = "/api/spawn-log/scores?minSamples=1"
PICK = f"/api/pick?task=coding&allow={MODEL}&budget=any"


def bearer(key):
    return {"Authorization": f"Bearer {key}"}


class Trust(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stack = Stack().start()
        cls.keys = []
        try:
            # Before there is any key this machine needs none.
            cls.free = cls.rate(None).status
            cls.alice, _ = cls.add("alice")
            cls.bob, _ = cls.add("bob")
        except BaseException:
            with contextlib.suppress(Exception):
                cls.stack.stop()
            raise

    @classmethod
    def tearDownClass(cls):
        cls.stack.stop()

    @classmethod
    def add(cls, tenant):
        """A new key and its id, once it works."""
        result = cls.stack.command("keys", "add", tenant)
        found = KEY.search(result.stdout)
        assert result.returncode == 0 and found, result.stdout + result.stderr
        key, made = found.group(0), time.monotonic()
        cls.keys.append(key)
        wait_for(lambda: cls.stack.get(PICK, **bearer(key)).status == 200, 5,
                 "a new key to work")
        print(f"a new key works after {time.monotonic() - made:.3f} s")
        return key, found.group(1)

    @classmethod
    def rate(cls, key, rating=1):
        return cls.stack.post(
            "/api/spawn-log/outcome",
            {"model": MODEL, "category": "coding", "rating": rating},
            **(bearer(key) if key else {}))

    @property
    def token(self):
        return (self.stack.home / "token").read_text().strip()

    def scores(self, key):
        """The models that this key's tenant rated."""
        reply = self.stack.get(SCORES, **(bearer(key) if key else {}))
        self.assertEqual(reply.status, 200, reply.body)
        return [row["model"] for row in reply.json["data"]]

    def personal(self, key):
        reply = self.stack.get(PICK, **(bearer(key) if key else {}))
        self.assertEqual(reply.status, 200, reply.body)
        self.assertEqual(reply.headers["vary"],
                         "Authorization, Origin, Referer, Sec-Fetch-Site")
        self.assertIn("private", reply.headers["cache-control"])
        return reply.json["data"]["personalScore"]

    def refused(self, reply, status, code, word):
        self.assertEqual(reply.status, status, reply.body)
        self.assertEqual(reply.json["error"]["code"], code)
        self.assertIn(word, reply.json["error"]["message"])

    def test_without_keys_this_machine_writes_and_with_keys_not(self):
        self.assertEqual(self.free, 200)
        reply = self.rate(None)
        self.refused(reply, 401, "UNAUTHORIZED", "smart-spawn keys add")
        self.assertEqual(reply.headers["www-authenticate"], "Bearer")
        self.assertEqual(self.stack.get(PICK).status, 200)

    def test_the_ratings_of_a_tenant_are_seen_by_him_alone(self):
        carol, _ = self.add("carol")
        dave, _ = self.add("dave")
        nobodys = self.personal(None)
        for rating in (1, 2, 1):
            self.assertEqual(self.rate(carol, rating).status, 200)
        wait_for(lambda: self.personal(carol) is not None, 10,
                 "the tenant's own ratings in his picks")
        self.assertIn(MODEL, self.scores(carol))
        self.assertEqual(self.scores(dave), [])
        self.assertIsNone(self.personal(dave))
        self.assertEqual(self.personal(None), nobodys)
        # Not by an ETag of somebody else either.
        etag = self.stack.get(PICK, **bearer(carol)).headers["etag"]
        same = {"If-None-Match": etag}
        self.assertEqual(
            self.stack.get(PICK, **bearer(carol), **same).status, 304)
        self.assertEqual(
            self.stack.get(PICK, **bearer(dave), **same).status, 200)
        self.assertEqual(self.stack.get(PICK, **same).status, 200)

    def test_a_revoked_key_stops_within_5_seconds(self):
        key, name = self.add("erin")
        self.assertEqual(self.rate(key, 4).status, 200)
        started = time.monotonic()
        result = self.stack.command("keys", "revoke", name)
        self.assertEqual(result.returncode, 0, result.stderr)
        wait_for(lambda: self.stack.get(PICK, **bearer(key)).status == 401, 5,
                 "the revoked key to stop")
        took = time.monotonic() - started
        print(f"a revoked key stopped after {took:.3f} s, "
              "the command included")
        self.assertLess(took, 5)
        self.refused(self.rate(key), 401, "UNAUTHORIZED", "revoked")
        self.refused(self.stack.get("/api/status", **bearer(key)), 401,
                     "UNAUTHORIZED", "revoked")

    def test_a_wrong_key_is_refused_for_reading_too(self):
        wrong = self.alice[:-1] + ("A" if self.alice[-1] != "A" else "B")
        for key in (wrong, self.alice + "x", self.alice[:12], "x", ""):
            with self.subTest(key=len(key)):
                self.refused(self.stack.get(PICK, **bearer(key)), 401,
                             "UNAUTHORIZED", "not one of this server")
                self.assertEqual(self.rate(key).status, 401)

    def test_a_page_of_another_origin_cannot_write_with_any_key(self):
        for headers in ({"Origin": "https://evil.example"},
                        {"Origin": "null"},
                        {"Sec-Fetch-Site": "cross-site"},
                        {"Referer": "https://evil.example/"}):
            for key in (None, self.alice, self.token):
                with self.subTest(headers=headers, key=bool(key)):
                    reply = self.stack.post(
                        "/api/spawn-log/outcome",
                        {"model": MODEL, "category": "creative",
                         "rating": 1},
                        **headers, **(bearer(key) if key else {}))
                    self.refused(reply, 403, "FORBIDDEN", "another origin")
        rows = self.stack.sql("select count(*) from outcomes "
                              "where category = 'creative'")
        self.assertEqual(rows, [["0"]])

    def test_the_token_of_this_machine_writes_as_default(self):
        path = self.stack.home / "token"
        self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o600)
        self.assertEqual(self.rate(self.token, 3).status, 200)
        self.assertEqual(self.scores(self.token), self.scores(None))

    def order(self, service, *flags):
        subprocess.run(["s6-svc", *flags,
                        self.stack.home / "service" / service],
                       check=True, timeout=30)

    def restart_gateway(self):
        old = self.stack.pids()["gatewayd-1"]
        (self.stack.home / "run" / "gatewayd-1.http").unlink()
        kill(old)

        def answers():
            with contextlib.suppress(OSError, AssertionError):
                return self.stack.get("/healthz").status == 200
            return False
        wait_for(answers, 15, "the gateway to be back")

    def keys_work(self):
        """What must hold though nobody can be asked about keys."""
        for key in (self.alice, self.bob, self.token):
            self.assertEqual(self.stack.get(PICK, **bearer(key)).status, 200)
        self.refused(self.stack.get(PICK, **bearer("x" * 56)), 401,
                     "UNAUTHORIZED", "not one of this server")
        self.assertEqual(self.rate(None).status, 401)
        # Let in, and told that it cannot be kept now.
        reply = self.rate(self.alice)
        self.assertEqual(reply.status, 503, reply.body)
        self.assertIn("retry-after", reply.headers)

    def test_keys_work_while_the_database_is_away(self):
        self.order("postgres", "-wD", "-d")
        try:
            self.keys_work()
            self.restart_gateway()
            self.keys_work()
            self.order("feedbackd-1", "-wD", "-d")
            self.restart_gateway()
            self.keys_work()
        finally:
            self.order("postgres", "-u")
            self.order("feedbackd-1", "-u")
        wait_for(lambda: self.rate(self.alice).status == 200, 20,
                 "writes to be kept again")
        wait_for(lambda: self.stack.command("status").returncode == 0, 20,
                 "all to serve again")

    def test_zz_no_key_is_in_any_log_or_copy(self):
        secrets = [key[4:].split("_", 1)[1].encode() for key in self.keys]
        secrets.append(self.token[4:].split("_", 1)[1].encode())
        self.assertGreater(len(secrets), 3)
        files = [path for folder in ("log", "snapshots", "run", "service")
                 for path in self.stack.home.glob(f"{folder}/**/*")
                 if path.is_file()]
        self.assertTrue(any("gatewayd-1" in str(path) for path in files))
        for path in files:
            with contextlib.suppress(OSError):
                content = path.read_bytes()
                for secret in secrets:
                    self.assertNotIn(secret, content, path)
        # The log was looked at, not an empty file: it names keys by id.
        self.assertRegex(self.stack.log("gatewayd-1"), r"tenant=alice key=\w{8}")


class Beyond(unittest.TestCase):
    """A gateway that other machines can reach."""

    def wait_until_stuck(self, stack):
        """Until the gateway holds an answer that nobody takes."""
        held = re.compile(rb"^smart_spawn_http_buffered_bytes (\d+)$", re.M)
        seen = []

        def stuck():
            body = stack.get("/metrics").body
            seen.append(int(held.search(body).group(1)))
            return len(seen) > 20 and min(seen[-20:]) > 10000
        wait_for(stuck, 20, f"a stuck answer; held {seen[-5:]}")

    def test_it_answers_and_takes_no_writes_without_a_key(self):
        rating = {"model": MODEL, "category": "coding", "rating": 5}
        with Stack(SMART_SPAWN_HTTP_ADDRESS="0.0.0.0") as stack:
            self.assertEqual(stack.get(PICK).status, 200)
            reply = stack.post("/api/spawn-log/outcome", rating)
            self.assertEqual(reply.status, 401, reply.body)
            message = reply.json["error"]["message"]
            self.assertIn("from other machines", message)
            self.assertIn("smart-spawn keys add", message)
            self.assertIn("Authorization: Bearer", message)
            made = stack.command("keys", "add", "acme")
            key = KEY.search(made.stdout).group(0)
            wait_for(lambda: stack.post("/api/spawn-log/outcome", rating,
                                        **bearer(key)).status == 200, 5,
                     "the key that the message tells how to make")
            # SIGTERM with a client that asks and never reads: it ends.
            with socket.create_connection(("127.0.0.1", stack.port)) as deaf:
                deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                ask = (b"GET /api/models?limit=500 HTTP/1.1\r\n"
                       b"Host: localhost\r\n\r\n") * 200
                deaf.sendall(ask)
                self.wait_until_stuck(stack)
                started = time.monotonic()
                result = stack.command("down", timeout=60)
                self.assertEqual(result.returncode, 0, result.stderr)
                took = time.monotonic() - started
                print(f"down took {took:.2f} s with a client that never "
                      "reads")
                self.assertLess(took, 20)
            stack.start()


if __name__ == "__main__":
    unittest.main(verbosity=2)
