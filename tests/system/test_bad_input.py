"""Bad input: a 4xx that names the field and the rule, and nothing happens."""

import json
import unittest

import zmq

from stack import DAEMONS, Stack, alive, wait_for

OUTCOME = {"model": "openai/gpt-5.2", "category": "coding", "rating": 5}

# method, path, body, headers, status, code, a word of the message, why
ROWS = [
    ("GET", "/api/pick", None, {}, 400, "MISSING_PARAM", "task",
     "no task"),
    ("GET", "/api/pick?task=%20%20", None, {}, 400, "MISSING_PARAM", "task",
     "a blank task is none"),
    ("GET", "/api/pick?task=coding&budget=huge", None, {}, 400,
     "INVALID_PARAM", "budget", "unknown budget"),
    ("GET", "/api/pick?task=coding&category=cooking", None, {}, 400,
     "INVALID_PARAM", "category", "unknown category"),
    ("GET", "/api/pick?task=a%0", None, {}, 400, "INVALID_PARAM", "percent",
     "broken percent-encoding"),
    ("GET", "/api/pick?task=a%zz", None, {}, 400, "INVALID_PARAM", "percent",
     "broken percent-encoding"),
    ("GET", "/api/pick?task=a%00b", None, {}, 400, "INVALID_PARAM", "task",
     "NUL in a text"),
    ("GET", "/api/pick?task=a%07b", None, {}, 400, "INVALID_PARAM", "task",
     "a control character"),
    ("GET", "/api/pick?task=a%ff", None, {}, 400, "INVALID_PARAM", "task",
     "no UTF-8"),
    ("GET", "/api/pick?task=" + "x" * 8193, None, {}, 400, "INVALID_PARAM",
     "task", "longer than 8 KiB"),
    ("GET", "/api/pick?task=coding&exclude=a+b", None, {}, 400,
     "INVALID_PARAM", "exclude", "no model id"),
    ("GET", "/api/pick?task=coding&minContext=lots", None, {}, 400,
     "INVALID_PARAM", "minContext", "a number is a number"),
    ("GET", "/api/pick?task=coding&require=telepathy", None, {}, 400,
     "INVALID_PARAM", "require", "unknown capability"),
    ("GET", "/api/pick?task=coding&allow=nobody/nothing", None, {}, 404,
     "NO_MODEL", "allow", "nothing is left"),
    ("GET", "/api/recommend", None, {}, 400, "MISSING_PARAM", "task",
     "no task"),
    ("GET", "/api/recommend?task=coding&count=abc", None, {}, 400,
     "INVALID_PARAM", "count", "a number is a number"),
    ("GET", "/api/models?sort=zzz", None, {}, 400, "INVALID_PARAM", "sort",
     "unknown sort"),
    ("GET", "/api/models?tier=gold", None, {}, 400, "INVALID_PARAM", "tier",
     "unknown tier"),
    ("GET", "/api/compare?models=a/b", None, {}, 400, "INVALID_PARAM",
     "models", "two at least"),
    ("GET", "/api/nowhere", None, {}, 404, "NOT_FOUND", "", "unknown path"),
    ("GET", "/api/pick/?task=coding", None, {}, 404, "NOT_FOUND", "",
     "a trailing slash is another path"),
    ("POST", "/api/pick", {"task": "x"}, {}, 405, "METHOD_NOT_ALLOWED", "GET",
     "known path, wrong method"),
    ("DELETE", "/api/spawn-log", None, {}, 405, "METHOD_NOT_ALLOWED", "POST",
     "known path, wrong method"),
    ("POST", "/api/spawn-log/outcome", "{bad", {}, 400, "INVALID_BODY", "",
     "no JSON"),
    ("POST", "/api/spawn-log/outcome", "null", {}, 400, "INVALID_BODY",
     "object", "no object"),
    ("POST", "/api/spawn-log/outcome", '{"model":"a/b","model":"a/c"}', {},
     400, "INVALID_BODY", "", "the same field twice"),
    ("POST", "/api/spawn-log/outcome", {"model": "a/b", "category": "coding"},
     {}, 400, "INVALID_BODY", "rating", "no rating"),
    ("POST", "/api/spawn-log/outcome", dict(OUTCOME, rating="great"), {}, 400,
     "INVALID_PARAM", "rating", "text where a number is due"),
    ("POST", "/api/spawn-log/outcome", dict(OUTCOME, rating=4.5), {}, 400,
     "INVALID_PARAM", "rating", "no whole number"),
    ("POST", "/api/spawn-log/outcome", dict(OUTCOME, rating=-40), {}, 400,
     "INVALID_BODY", "rating", "out of range"),
    ("POST", "/api/spawn-log/outcome", dict(OUTCOME, model=5), {}, 400,
     "INVALID_PARAM", "model", "a number where text is due"),
    ("POST", "/api/spawn-log/outcome", dict(OUTCOME, model="x" * 900_000), {},
     400, "INVALID_BODY", "model", "a huge model name"),
    ("POST", "/api/spawn-log/outcome", dict(OUTCOME, category="nope"), {},
     400, "INVALID_PARAM", "category", "unknown category"),
    ("POST", "/api/spawn-log", {"model": 5, "category": "coding"}, {}, 400,
     "INVALID_PARAM", "model", "a number where text is due"),
    ("POST", "/api/community/report", dict(OUTCOME), {}, 400, "INVALID_BODY",
     "instanceId", "no instance"),
    ("POST", "/api/spawn-log/outcome", "x" * ((1 << 20) + 1),
     {"Content-Type": "application/json"}, 413, "PAYLOAD_TOO_LARGE", "",
     "over 1 MiB"),
    ("POST", "/api/spawn-log/outcome", json.dumps(OUTCOME),
     {"Content-Type": "text/plain"}, 415, "UNSUPPORTED_MEDIA_TYPE", "json",
     "wrong content type"),
    ("POST", "/api/spawn-log/outcome", OUTCOME,
     {"Origin": "https://evil.example"}, 403, "FORBIDDEN", "rigin",
     "another origin may not write"),
    ("GET", "/api/status", None, {"Host": "evil.example"}, 403, "FORBIDDEN",
     "ost", "a name that is not ours (DNS rebinding)"),
]

# Raw requests that a strict server refuses: bytes, why
RAW = [
    (b"GET /api/status HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n"
     b"Content-Length: 2\r\n\r\nxx", "two lengths"),
    (b"POST /api/spawn-log HTTP/1.1\r\nHost: localhost\r\n"
     b"Content-Length: +4\r\n\r\nnull", "a signed length"),
    (b"GET /api/status HTTP/1.1\r\n\r\n", "no host"),
    (b"GET /api/status HTTP/1.1\r\nHost: localhost\r\nHost: evil\r\n\r\n",
     "two hosts"),
    (b"\x00\x01\x02\x03\r\n\r\n", "no HTTP at all"),
]


class BadInput(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stack = Stack().start()
        cls.pids = cls.stack.pids()

    @classmethod
    def tearDownClass(cls):
        cls.stack.stop()

    def tearDown(self):
        self.assertTrue(all(alive(pid) for pid in self.pids.values()),
                        "a daemon died" + self.stack.logs())

    def test_each_bad_request_is_refused_by_name(self):
        for method, path, body, headers, status, code, word, why in ROWS:
            with self.subTest(why, path=path[:60]):
                reply = self.stack.request(method, path, body, headers)
                self.assertEqual(reply.status, status, reply.body[:300])
                error = reply.json["error"]
                self.assertEqual(error["code"], code, error)
                self.assertIn(word, error["message"])
                self.assertEqual(list(reply.json), ["error"])
                self.assertEqual(reply.headers["cache-control"], "no-store")
                self.assertEqual(reply.headers["content-type"],
                                 "application/json")

    def test_nothing_refused_was_recorded(self):
        self.test_each_bad_request_is_refused_by_name()
        for table in ("outcomes", "spawn_logs", "community_reports"):
            self.assertEqual(self.stack.sql(f"select count(*) from {table}"),
                             [["0"]], table)

    def test_a_wrong_method_is_told_the_right_one(self):
        reply = self.stack.post("/api/pick", {"task": "x"})
        self.assertIn("GET", reply.headers["allow"])

    def test_raw_rubbish_gets_a_400_or_a_closed_connection(self):
        for data, why in RAW:
            with self.subTest(why):
                answer = self.stack.raw(data)
                self.assertTrue(answer == b"" or
                                answer.startswith((b"HTTP/1.1 400",
                                                   b"HTTP/1.0 400")),
                                answer[:200])

    def test_reads_may_come_from_another_origin(self):
        reply = self.stack.get("/api/pick?task=coding",
                               Origin="https://other.example")
        self.assertEqual(reply.status, 200)
        self.assertEqual(reply.headers["access-control-allow-origin"], "*")

    def test_garbage_frames_are_counted_and_dropped(self):
        for instance in DAEMONS:
            with self.subTest(instance):
                self.throw_garbage(self.stack.endpoint(instance))
        reply = self.stack.get("/api/pick?task=coding")
        self.assertEqual(reply.status, 200)

        def counted():
            metrics = self.stack.get("/metrics").body.decode()
            for line in metrics.splitlines():
                if line.startswith("rpc_frames_bad_total"):
                    return float(line.rsplit(" ", 1)[1]) >= 5
            return False
        wait_for(counted, 5, "the gateway to count its garbage")

    @staticmethod
    def throw_garbage(endpoint):
        context = zmq.Context()
        try:
            peer = context.socket(zmq.DEALER)
            peer.linger = 1000
            peer.connect(endpoint)
            for frames in ([b""], [b"x"], [b"\xff" * 100, b"y"],
                           [b"a", b"b", b"c"], [b"\x08\x01", b"\x00" * 5000],
                           [b"\x08\x01\x10\x63\x19" + b"\0" * 8, b""]):
                peer.send_multipart(frames)
            assert not peer.poll(200), "garbage was answered"
            peer.close()
        finally:
            context.term()


if __name__ == "__main__":
    unittest.main(verbosity=2)
