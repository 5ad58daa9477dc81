"""Mixed calls at a steady pace, cheaply: the client of the soak.

    mixed.py http PORT CALLS SECONDS SEED
    mixed.py zeromq ENDPOINT,ENDPOINT CALLS SECONDS SEED

Makes CALLS calls in SECONDS, or as fast as they are answered when that is
slower, and prints what came of them as JSON: how often each kind ended with
each status, and what was not as it should be. HTTP goes over a few
connections that stay open, read and written as bytes. Calls are drawn from a
bounded world: some models, 20 instances that report.
"""

import collections
import json
import random
import select
import socket
import sys
import time
import types
import urllib.parse

CONNECTIONS = 6  # of one client
SAID_MAX = 20  # unexpected answers that are kept
STUCK = 30  # seconds without any answer
MODELS = ("openai/gpt-5.2", "openai/gpt-5-mini", "anthropic/claude-opus-4.5",
          "google/gemini-2.5-pro", "deepseek/deepseek-v3.2",
          "qwen/qwen3-max", "mistralai/mistral-large-2512", "x-ai/grok-4")
CATEGORIES = ("coding", "reasoning", "creative", "vision", "research",
              "fast-cheap", "general")
BUDGETS = ("low", "medium", "high", "any")
WORDS = ("build parse prove write draw translate a an the react rust python "
         "haiku theorem image table server quickly carefully cheap long "
         "summary of this book test fix bug explain photo dataset").split()
KEY = "k" * 16
LENGTH = b"Content-Length: "
POOL = 5000  # requests that one client draws from
REFUSED = {400, 403, 404, 405, 413, 415}


def text(dice):
    if dice.random() < 0.3:
        return dice.choice(CATEGORIES)
    return " ".join(dice.choices(WORDS, k=dice.randrange(1, 40)))


def question(dice):
    """The parameters of a pick or a recommendation."""
    asked = {"task": text(dice)}
    for key, share, value in (
            ("budget", 0.7, lambda: dice.choice(BUDGETS)),
            ("category", 0.2, lambda: dice.choice(CATEGORIES)),
            ("exclude", 0.2, lambda: ",".join(dice.sample(MODELS, 3))),
            ("allow", 0.1, lambda: dice.choice(MODELS) + ",openai/*"),
            ("context", 0.2, lambda: dice.choice(
                ("python,vision", "rust", "long-context", "unknown-tag"))),
            ("require", 0.1, lambda: dice.choice(
                ("vision", "functionCalling,json", "reasoning"))),
            ("minContext", 0.1, lambda: dice.randrange(400_000)),
            ("objective", 0.1, lambda: dice.choice(("quality", "value"))),
            ("explain", 0.1, lambda: "true")):
        if dice.random() < share:
            asked[key] = value()
    return asked


def get(path, asked=None, **headers):
    query = "?" + urllib.parse.urlencode(asked) if asked else ""
    extra = "".join(f"{k.replace('_', '-')}: {v}\r\n"
                    for k, v in headers.items())
    host = "" if "Host" in headers else "Host: localhost\r\n"
    return f"GET {path}{query} HTTP/1.1\r\n{host}{extra}\r\n".encode()


def post(path, body, **headers):
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers.setdefault("Content_Type", "application/json")
    extra = "".join(f"{k.replace('_', '-')}: {v}\r\n"
                    for k, v in headers.items())
    return (f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: "
            f"{len(data)}\r\n{extra}\r\n").encode() + data


def rating(dice, **more):
    return {"model": dice.choice(MODELS), "category": dice.choice(CATEGORIES),
            "rating": dice.randrange(1, 6), **more}


def keyed(dice):
    """Half of all writes carry a key; send() puts another in each time."""
    return {"Idempotency_Key": KEY} if dice.random() < 0.5 else {}


BAD = [
    lambda dice: get("/api/pick"),
    lambda dice: get("/api/pick", {"task": "x", "budget": text(dice)[:30]
                                   + "?"}),
    lambda dice: get("/api/pick", {"task": "x" * 9000}),
    lambda dice: get("/api/" + str(dice.getrandbits(40))),
    lambda dice: get("/api/pick?task=%zz"),
    lambda dice: get("/api/status", Host="evil.example"),
    lambda dice: post("/api/pick", {"task": "x"}),
    lambda dice: post("/api/spawn-log/outcome", b"{bad"),
    lambda dice: post("/api/spawn-log/outcome", b"x", Content_Type="text/x"),
    lambda dice: post("/api/spawn-log/outcome", rating(dice, rating=9)),
    lambda dice: post("/api/spawn-log/outcome", rating(dice),
                      Origin="https://evil.example"),
    lambda dice: post("/api/community/report", rating(dice)),
    lambda dice: post("/api/spawn-log", {"model": "y" * 5000}),
    lambda dice: get("/api/compare", {"models": "a/b"}),
]

# kind, weight, bytes of a request, statuses that are right
KINDS = [
    ("pick", 600, lambda d: get("/api/pick", question(d)), {200, 404}),
    ("recommend", 70, lambda d: get("/api/recommend", dict(
        question(d), count=d.randrange(1, 6))), {200, 404}),
    ("compare", 30, lambda d: get("/api/compare", {
        "models": ",".join(d.sample(MODELS, 3))}), {200, 404}),
    ("models", 30, lambda d: get("/api/models", {
        "limit": d.choice((5, 20, 60)), "sort": d.choice(CATEGORIES)}),
     {200}),
    ("status", 20, lambda d: get("/api/status"), {200}),
    ("pages", 20, lambda d: get(d.choice(
        ("/", "/api", "/healthz", "/readyz", "/metrics"))), {200}),
    ("spawn", 60, lambda d: post("/api/spawn-log", {
        "model": d.choice(MODELS), "category": d.choice(CATEGORIES),
        "budget": d.choice(BUDGETS), "mode": "single", "source": "soak"},
        **keyed(d)), {200}),
    ("rate", 50, lambda d: post("/api/spawn-log/outcome", rating(d),
                                **keyed(d)), {200}),
    ("report", 20, lambda d: post("/api/community/report", rating(
        d, instanceId=f"instance-{d.randrange(20)}"), **keyed(d)),
     {200, 429}),
    ("scores", 10, lambda d: get("/api/spawn-log/scores"), {200}),
    ("stats", 2, lambda d: get("/api/spawn-log/stats", {"days": 7}), {200}),
    ("community", 8, lambda d: get("/api/community/scores"), {200}),
    ("bad", 60, lambda d: d.choice(BAD)(d), REFUSED),
]


class Record:
    """What came of the calls."""

    def __init__(self):
        self.kinds = collections.defaultdict(collections.Counter)
        self.unexpected, self.done, self.worst = [], 0, 0.0

    def note(self, call, status):
        """A call has a kind, the statuses that are right, when it began, what
        was asked and got."""
        self.kinds[call.kind][status] += 1
        self.done += 1
        self.worst = max(self.worst, time.monotonic() - call.began)
        if status not in call.right and len(self.unexpected) < SAID_MAX:
            self.unexpected.append(f"{call.kind} {status} "
                                   f"{call.request[:150]} {call.got[-300:]}")

    def show(self, seconds):
        print(json.dumps({
            "calls": self.done, "seconds": round(seconds, 1),
            "worst_ms": round(1000 * self.worst), "kinds": self.kinds,
            "unexpected": self.unexpected}))


class Connection:
    """One connection, one request at a time."""

    def __init__(self, port, epoll, by_number):
        self.port, self.epoll, self.by_number = port, epoll, by_number
        self.socket, self.busy = None, False

    def open(self):
        self.socket = socket.create_connection(("127.0.0.1", self.port), 10)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.by_number[self.socket.fileno()] = self
        self.epoll.register(self.socket, select.EPOLLIN)

    def close(self):
        if self.socket:
            self.epoll.unregister(self.socket)
            del self.by_number[self.socket.fileno()]
            self.socket.close()
            self.socket = None

    def send(self, kind, data, right, now):
        if not self.socket:
            self.open()
        self.kind, self.right, self.got = kind, right, b""
        self.request, self.began, self.busy = data, now, True
        self.socket.sendall(data)

    def go_away(self, record):
        """Leave without waiting for the answer."""
        self.kind, self.right = "gone", {0}
        self.end(record, 0, True)

    def read(self, record):
        """Take what came; notes the answer when it is whole."""
        part = self.socket.recv(262144)
        got = self.got = self.got + part if self.got else part
        head = got.find(b"\r\n\r\n")
        if not part:
            self.end(record, 0, True)
        elif head > 0:
            at = got.find(LENGTH, 0, head)
            length = int(got[at + len(LENGTH):got.index(b"\r\n", at)]) \
                if at > 0 else 0
            if len(got) >= head + 4 + length:
                self.end(record, int(got[9:12]),
                         got.find(b"Connection: close", 0, head) > 0)

    def end(self, record, status, closes):
        record.note(self, status)
        self.busy = False
        if closes:
            self.close()


def pool(dice):
    """Requests made beforehand, so that sending them is cheap."""
    weights = [row[1] for row in KINDS]
    return [(kind, make(dice), right) for kind, _, make, right
            in dice.choices(KINDS, weights, k=POOL)]


def run_http(port, calls, seconds, dice):
    record, epoll, by_number = Record(), select.epoll(), {}
    free = [Connection(port, epoll, by_number) for _ in range(CONNECTIONS)]
    requests, mark = pool(dice), KEY.encode()
    began, sent, heard = time.monotonic(), 0, time.monotonic()
    while record.done < calls:
        now = time.monotonic()
        assert now - heard < STUCK, "no answer came"
        due = min(calls, int((now - began) * calls / seconds) + 1)
        while free and sent < due:
            connection = free.pop()
            kind, data, right = requests[int(dice.random() * POOL)]
            if mark in data:
                data = data.replace(mark, b"%016x" % dice.getrandbits(64))
            connection.send(kind, data, right, now)
            sent += 1
            if dice.random() < 0.002:  # a client that goes away
                connection.go_away(record)
                free.append(connection)
        wait = max(0, began + (sent + 1) * seconds / calls - now)
        for number, _ in epoll.poll(min(wait, 0.1) if free else 0.1):
            heard = now
            connection = by_number[number]
            connection.read(record)
            if not connection.busy:
                free.append(connection)
    record.show(time.monotonic() - began)


def run_zeromq(endpoints, calls, seconds, dice):
    import wire  # pylint: disable=import-outside-toplevel
    peers = [wire.Peer(endpoint, "soak") for endpoint in endpoints]
    record, began = Record(), time.monotonic()
    while record.done < calls:
        time.sleep(max(0, began + record.done * seconds / calls
                       - time.monotonic()))
        peer = dice.choice(peers)
        request = peer.types.PickRequest(
            task=text(dice), exclude=dice.sample(MODELS, 2),
            budget=f"BUDGET_{dice.choice(BUDGETS).upper()}")
        call = types.SimpleNamespace(
            kind="zeromq", right={0, 5}, began=time.monotonic(), got="",
            request=request.task)
        status = 0
        try:
            peer.call("ss.Router/Pick", request, peer.types.PickReply())
        except wire.CallError as error:
            status, call.got = error.status, str(error)
        record.note(call, status)
    record.show(time.monotonic() - began)


def main():
    face, where, calls, seconds, seed = sys.argv[1:]
    dice = random.Random(int(seed))
    if face == "http":
        run_http(int(where), int(calls), float(seconds), dice)
    else:
        run_zeromq(where.split(","), int(calls), float(seconds), dice)


if __name__ == "__main__":
    main()
