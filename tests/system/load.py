"""An open-loop client: picks at a steady rate over HTTP, from its own process.

Each pick has a time at which it is due and starts then, however slow others
are; it keeps connections open between picks. With `give_up` seconds it tries
again until then (connection refused or reset, 503), as a good client does;
with 0 the first failure counts. A pick that is not 200 in the end is a failed
one. Read the counts from stop():

    picks retries failures worst_ms late_ms errors

late_ms is how late the client itself ever was: what it measured is only good
when that is small.
"""

import asyncio
import collections
import json
import pathlib
import signal
import subprocess
import sys
import time

PAUSE = 0.02  # between two tries of one pick
TASKS = ("coding", "reasoning", "creative", "vision", "general",
         "build+a+react+app", "prove+that+2+is+prime", "write+a+haiku")
BUDGETS = ("low", "medium", "high", "any")


class Load:
    """The client as a child: Load(port, 200, 3) … stop()."""

    def __init__(self, port, rate, give_up):
        self.child = subprocess.Popen(
            ["/usr/bin/python3", pathlib.Path(__file__).resolve(), str(port),
             str(rate), str(give_up)], stdout=subprocess.PIPE, text=True)
        assert self.child.stdout.readline() == "started\n"

    def stop(self):
        """End it when its last picks are answered; what it counted."""
        self.child.send_signal(signal.SIGINT)
        said, _ = self.child.communicate(timeout=30)
        assert self.child.returncode == 0, self.child.returncode
        return json.loads(said)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.child.poll() is None:
            self.child.kill()
            self.child.wait()
        self.child.stdout.close()


class Again(Exception):
    """An attempt that may be tried again."""


class Connection(asyncio.Protocol):
    """One connection, one request at a time."""

    def connection_made(self, transport):
        self.transport, self.answer = transport, None
        self.got, self.closes = b"", False

    def ask(self, request):
        """The future of the answer's status."""
        self.got = b""
        self.answer = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        return self.answer

    def end(self, status=None, error=None):
        if self.answer and not self.answer.done():
            if error:
                self.answer.set_exception(error)
            else:
                self.answer.set_result(status)

    def data_received(self, data):
        self.got += data
        head, found, body = self.got.partition(b"\r\n\r\n")
        if found:
            status, length, closes = parse_head(head)
            self.closes = self.closes or closes
            if len(body) >= length:
                self.end(status)

    def connection_lost(self, exc):
        self.closes = True
        self.end(error=exc or Again("closed"))


class Picker:
    """Connections that are free, and what happened so far."""

    def __init__(self, port, give_up):
        self.port, self.give_up = port, give_up
        self.loop = asyncio.get_running_loop()
        self.free = collections.deque()
        self.errors = collections.Counter()
        self.picks = self.retries = self.failures = 0
        self.worst = self.late = 0.0

    async def connection(self):
        while self.free:
            connection = self.free.pop()
            if not connection.closes:
                return connection
        return (await self.loop.create_connection(
            Connection, "127.0.0.1", self.port))[1]

    async def exchange(self, request, until):
        """One attempt on one connection: its status, or Again."""
        connection = await self.connection()
        answer = connection.ask(request)
        timer = self.loop.call_later(
            max(0.001, until - time.monotonic()), connection.end, None,
            TimeoutError("no answer"))
        try:
            status = await answer
        except TimeoutError:
            connection.closes = True
            raise
        finally:
            timer.cancel()
            if connection.closes:
                connection.transport.abort()
            else:
                self.free.append(connection)
        if status == 503:
            raise Again("503")
        return status

    async def attempts(self, number, until):
        """Try one pick until it works or its time is over; its status."""
        path = (f"/api/pick?task={TASKS[number % len(TASKS)]}"
                f"&budget={BUDGETS[number // len(TASKS) % len(BUDGETS)]}")
        request = (f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").encode()
        while True:
            try:
                return await self.exchange(request, until)
            except (OSError, Again) as error:
                self.errors[f"{type(error).__name__} {error}"[:60]] += 1
                if not self.give_up or time.monotonic() + PAUSE > until:
                    raise
                self.retries += 1
                await asyncio.sleep(PAUSE)

    async def pick(self, number, due):
        self.late = max(self.late, time.monotonic() - due)
        try:
            status = await self.attempts(number,
                                         due + (self.give_up or 10))
        except (OSError, Again) as error:
            status = f"{type(error).__name__} {error}"
        if status != 200:
            self.failures += 1
            self.errors[f"FAILED {status}"[:60]] += 1
        self.worst = max(self.worst, time.monotonic() - due)
        self.picks += 1

    def counts(self):
        return {"picks": self.picks, "retries": self.retries,
                "failures": self.failures,
                "worst_ms": round(self.worst * 1000),
                "late_ms": round(self.late * 1000),
                "errors": dict(self.errors)}


def parse_head(head):
    """Status, length of the body, whether the connection ends after it."""
    lines = head.decode("ascii").lower().split("\r\n")
    length, closes = 0, False
    for line in lines[1:]:
        name, _, value = line.partition(":")
        if name == "content-length":
            length = int(value)
        elif name == "connection":
            closes = value.strip() == "close"
    return int(lines[0].split()[1]), length, closes


async def run(port, rate, give_up):
    picker, under_way = Picker(port, give_up), set()
    stopping = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGINT, stopping.set)
    print("started", flush=True)
    began, number = time.monotonic(), 0
    while not stopping.is_set():
        while began + number / rate <= time.monotonic():
            task = asyncio.create_task(
                picker.pick(number, began + number / rate))
            under_way.add(task)
            task.add_done_callback(under_way.discard)
            number += 1
        await asyncio.sleep(
            max(0, began + number / rate - time.monotonic()))
    if under_way:
        await asyncio.wait(under_way)
    print(json.dumps(picker.counts()))


if __name__ == "__main__":
    asyncio.run(run(int(sys.argv[1]), float(sys.argv[2]),
                    float(sys.argv[3])))
