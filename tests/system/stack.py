"""A real stack for system tests: every daemon, a private PostgreSQL, HTTP.

A Stack lives in a temporary home and takes any free port; start() returns only
when it answers, stop() leaves no process behind. Nothing here is a mock.
"""

import contextlib
import http.client
import json
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import wire

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("SS_BIN", ROOT / "build/release/bin"))
SHARED = ROOT.parent / "shared"
ILL = re.compile(r"Sanitizer|runtime error:|: broken invariant: ")
# Instrumented programs are several times slower: loads and limits allow it.
SANITIZED = any(mark in (BIN / "smart-spawn").read_bytes()
                for mark in (b"__asan_init", b"__tsan_init")) \
    if (BIN / "smart-spawn").exists() else False
SLOWNESS = 10 if SANITIZED else 1
DAEMONS = ("ingestd-1", "scorerd-1", "routerd-1", "routerd-2", "feedbackd-1",
           "gatewayd-1")


def wait_for(question, seconds, what):
    """Ask until the answer is true; the answer, or AssertionError."""
    deadline = time.monotonic() + seconds
    while True:
        answer = question()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(0.01)


def fixed_port():
    """A port that is free now and that no outgoing connection will take (it
    is below the kernel's range for those), for a gateway that is killed and
    must come back at the same place."""
    while True:
        port = random.randrange(20000, 32000)
        try:
            for family, address in ((socket.AF_INET, "127.0.0.1"),
                                    (socket.AF_INET6, "::1")):
                with socket.socket(family) as trial:
                    trial.bind((address, port))
        except OSError:
            continue
        return str(port)


class Reply:
    """An HTTP answer: status, headers (lower case), body, json."""

    def __init__(self, response):
        self.status = response.status
        self.headers = {k.lower(): v for k, v in response.getheaders()}
        self.body = response.read()

    @property
    def json(self):
        return json.loads(self.body)


class Session:
    """A psql that stays open, for transactions that take their time."""

    def __init__(self, url):
        self.child = subprocess.Popen(
            ["psql", url, "-qAt", "-v", "ON_ERROR_STOP=1"], text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT)

    def run(self, statements):
        """Run them to their end; what they print."""
        self.child.stdin.write(statements + "\n\\echo done\n")
        self.child.stdin.flush()
        lines = []
        while (line := self.child.stdout.readline()) not in ("done\n", ""):
            lines.append(line)
        assert line, "psql ended: " + "".join(lines)
        return "".join(lines)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.child.stdin.close()
        self.child.wait(10)
        self.child.stdout.close()


class Stack:
    """One running stack. settings: more SMART_SPAWN_* variables."""

    def __init__(self, **settings):
        self.home = pathlib.Path(tempfile.mkdtemp(prefix="ss-test-"))
        self.environment = {
            k: v for k, v in os.environ.items()
            if not k.startswith("SMART_SPAWN_") and k != "PORT"}
        self.environment.update(
            SMART_SPAWN_HOME=str(self.home), PORT="0",
            SMART_SPAWN_INGEST_FETCH="no",
            SMART_SPAWN_RATE_LIMIT_PER_MINUTE="0")
        self.environment.update(settings)

    @property
    def port(self):
        """The port that the gateway serves now; a restart may change it."""
        kept = self.home / "run" / "gatewayd-1.http"
        found = wait_for(lambda: kept.exists() and
                         re.search(r":(\d+)", kept.read_text()), 10,
                         f"an address in {kept}")
        return int(found.group(1))

    def start(self):
        result = self.command("up", "--detach", timeout=120)
        if result.returncode != 0:
            raise AssertionError("up failed:\n" + result.stdout
                                 + result.stderr + self.logs())
        return self

    def stop(self):
        result = self.command("down", "--delete-data", timeout=60)
        complaints = self.complaints()
        shutil.rmtree(self.home, ignore_errors=True)
        if result.returncode != 0:
            raise AssertionError("down failed:\n" + result.stderr)
        if complaints:
            raise AssertionError("a daemon was ill:\n" + complaints)

    def complaints(self):
        """What sanitizers and broken invariants left in the logs."""
        found = ""
        for path in sorted(self.home.glob("log/*/[@c]*")):  # old ones too
            lines = path.read_text(errors="replace").splitlines()
            for i, line in enumerate(lines):
                if ILL.search(line):
                    found += "\n".join([str(path), *lines[i:i + 40], ""])
                    break
        return found

    def __enter__(self):
        try:
            return self.start()
        except BaseException:
            with contextlib.suppress(Exception):
                self.stop()
            raise

    def __exit__(self, *_):
        self.stop()

    def command(self, *arguments, timeout=30, text_in=None):
        """Run smart-spawn with this stack's environment."""
        return subprocess.run([BIN / "smart-spawn", *arguments],
                              env=self.environment, input=text_in, text=True,
                              capture_output=True, timeout=timeout,
                              check=False)

    def request(self, method, path, body=None, headers=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port,
                                                timeout=10)
        headers = dict(headers or {})
        if isinstance(body, (dict, list)):
            body = json.dumps(body)
            headers.setdefault("Content-Type", "application/json")
        try:
            connection.request(method, path, body, headers)
            return Reply(connection.getresponse())
        finally:
            connection.close()

    def get(self, path, **headers):
        return self.request("GET", path, headers=headers)

    def post(self, path, body, **headers):
        return self.request("POST", path, body, headers)

    def raw(self, data, seconds=5):
        """Send bytes, read to the end (or the timeout)."""
        with socket.create_connection(("127.0.0.1", self.port), 5) as peer:
            peer.settimeout(seconds)
            peer.sendall(data)
            peer.shutdown(socket.SHUT_WR)
            answer = b""
            with contextlib.suppress(socket.timeout, ConnectionError):
                while part := peer.recv(65536):
                    answer += part
            return answer

    def log(self, instance):
        """The log of one daemon so far."""
        path = self.home / "log" / instance / "current"
        return path.read_text(errors="replace") if path.exists() else ""

    def logs(self):
        """The end of every log, for a failure's message."""
        return "".join(f"\n--- {name}\n{self.log(name)[-1500:]}"
                       for name in ("postgres", *DAEMONS))

    def endpoint(self, instance):
        """The RPC endpoint of a daemon of this home."""
        run = self.home / "run" / f"{instance}.sock"
        assert run.exists(), f"no socket at {run}"
        return f"ipc://{run}"

    def health(self, instance):
        """HealthReply of a daemon, or None while it does not answer."""
        return wire.health_of(f"ipc://{self.home}/run/{instance}.sock")

    def serves(self, instance, other_than=0):
        """Whether a daemon serves (as another process than a pid)."""
        health = self.health(instance)
        return health is not None and health.serving \
            and health.pid != other_than

    def sql(self, query):
        """Ask the stack's own PostgreSQL; rows of text."""
        url = (self.home / "database.url").read_text().strip()
        result = subprocess.run(
            ["psql", url, "-At", "-F", "\t", "-c", query], text=True,
            capture_output=True, timeout=20, check=False)
        assert result.returncode == 0, result.stderr
        return [line.split("\t") for line in result.stdout.splitlines()]

    def session(self):
        """A psql of its own on the stack's PostgreSQL."""
        return Session((self.home / "database.url").read_text().strip())

    def personal(self, model, category):
        """What this tenant's ratings say of a model, or None, as a pick of
        only that model shows it."""
        return self.get(f"/api/pick?task={category}&allow={model}&budget=any"
                        ).json["data"]["personalScore"]

    def counter(self, name):
        """A number of the gateway's /metrics, all its labels added up."""
        lines = self.get("/metrics").body.decode().splitlines()
        found = [float(line.rsplit(" ", 1)[1]) for line in lines
                 if re.match(name + r"[ {]", line)]
        assert found, f"no metric {name}"
        return sum(found)

    def await_serving(self, seconds=15):
        """Until every daemon serves."""
        wait_for(lambda: all(map(self.serves, DAEMONS)), seconds,
                 "all to serve")

    def whole_log(self, instance):
        """The log of one daemon with what was rotated away, oldest first."""
        folder = self.home / "log" / instance
        return "".join(path.read_text(errors="replace") for path in
                       [*sorted(folder.glob("@*")), folder / "current"])

    def order(self, instance, *flags):
        """Tell a service's supervisor (s6-svc): "-t" sends SIGTERM, "-wD -d"
        takes it down and waits, "-u" brings it up."""
        subprocess.run(["s6-svc", *flags, self.home / "service" / instance],
                       check=True, timeout=30)

    def deaths(self, instance):
        """How a service ended each time, as its supervisor saw it: "exitcode
        0", "signal SIGKILL"."""
        result = subprocess.run(
            ["s6-svdt", self.home / "service" / instance], text=True,
            capture_output=True, timeout=10, check=True)
        return [" ".join(line.split()[-2:])
                for line in result.stdout.splitlines()]

    def pid_of(self, instance):
        """The pid of a service ("postgres" too) now, or 0."""
        result = subprocess.run(
            ["s6-svstat", "-o", "pid", self.home / "service" / instance],
            text=True, capture_output=True, timeout=10, check=True)
        return max(0, int(result.stdout))

    def data_folder(self):
        """Where the stack's PostgreSQL keeps its data."""
        return os.readlink(f"/proc/{self.pid_of('postgres')}/cwd")

    def pids(self):
        """instance -> pid, as the daemons say themselves."""
        result = self.command("status", "--json")
        found = {}
        for row in json.loads(result.stdout)["processes"]:
            if row.get("pid"):
                found[row["instance"]] = row["pid"]
        return found


def alive(pid):
    """Whether a process of this id exists and is no zombie."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] not in "ZX"
    except OSError:
        return False


def kill(pid, number=signal.SIGKILL):
    os.kill(pid, number)
