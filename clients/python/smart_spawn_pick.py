#!/usr/bin/python3
"""Ask Smart Spawn which model should do a task, over ZeroMQ.

Written from proto/README.md alone, as a start for clients in other
languages. Needs Debian's python3-zmq, python3-protobuf and
protobuf-compiler.

    smart_spawn_pick.py "build a react app" --budget medium
    smart_spawn_pick.py --endpoint ipc:///path/to/scorerd-1.sock --health
"""

import argparse
import importlib
import os
import pathlib
import subprocess
import sys
import tempfile
import time

import zmq

PROTO = pathlib.Path(__file__).resolve().parents[2] / "proto"
VERSION = 1
HEADER_MAX = 4096
BODY_MAX = 64 << 20
SOCKET_PATH_MAX = 107  # bytes that the kernel takes for a unix socket's path
SOCKET_NAME_ROOM = 40  # of them a stack keeps for the socket's own name
STATUSES = {
    0: "OK", 1: "CANCELLED", 2: "UNKNOWN", 3: "INVALID_ARGUMENT",
    4: "DEADLINE_EXCEEDED", 5: "NOT_FOUND", 6: "ALREADY_EXISTS",
    7: "PERMISSION_DENIED", 8: "RESOURCE_EXHAUSTED", 9: "FAILED_PRECONDITION",
    10: "ABORTED", 11: "OUT_OF_RANGE", 12: "UNIMPLEMENTED", 13: "INTERNAL",
    14: "UNAVAILABLE", 15: "DATA_LOSS", 16: "UNAUTHENTICATED",
}
EXITS = {"NOT_FOUND": 1, "INVALID_ARGUMENT": 2, "OUT_OF_RANGE": 2}


class CallError(Exception):
    """A call that ended with a status other than OK."""

    def __init__(self, status, message, reason=""):
        super().__init__(f"{status}: {message}")
        self.status, self.reason = status, reason


def load_messages(proto=PROTO):
    """Compile the .proto files into a temporary folder and import them."""
    with tempfile.TemporaryDirectory(prefix="smart-spawn-proto-") as folder:
        subprocess.run(["protoc", f"--proto_path={proto}",
                        f"--python_out={folder}", "common.proto", "rpc.proto",
                        "router.proto"], check=True)
        sys.path.insert(0, folder)
        try:
            return (importlib.import_module("rpc_pb2"),
                    importlib.import_module("router_pb2"))
        finally:
            sys.path.remove(folder)


class Channel:
    """One DEALER to one endpoint; calls one after the other."""

    def __init__(self, rpc, endpoint, caller="python"):
        self.rpc, self.caller, self.last_id = rpc, caller, 0
        self.context = zmq.Context.instance()
        self.socket = self.context.socket(zmq.DEALER)
        self.socket.setsockopt(zmq.IMMEDIATE, 1)
        self.socket.setsockopt(zmq.LINGER, 0)
        self.socket.setsockopt(zmq.MAXMSGSIZE, BODY_MAX)
        try:
            self.socket.connect(endpoint)
        except zmq.ZMQError as error:
            self.socket.close()
            raise CallError("INVALID_ARGUMENT",
                            f"cannot use {endpoint}: {error}") from error

    def close(self):
        self.socket.close()

    def call(self, method, request, reply, deadline):
        """Call, and fill reply; deadline is of time.monotonic()."""
        self.last_id += 1
        # IMMEDIATE: writable means that there is a connection.
        self._wait(zmq.POLLOUT, deadline, "UNAVAILABLE", "nobody answers there")
        header = self.rpc.FrameHeader(
            kind=self.rpc.FRAME_REQ, version=VERSION, call_id=self.last_id,
            method=method, caller=self.caller,
            timeout_ms=max(1, int((deadline - time.monotonic()) * 1000)))
        self.socket.send_multipart([header.SerializeToString(),
                                    request.SerializeToString()])
        while True:
            try:
                self._wait(zmq.POLLIN, deadline, "DEADLINE_EXCEEDED",
                           "no answer in time")
            except CallError:
                self._cancel()
                raise
            answer = self._receive()
            if answer is not None:
                return self._finish(*answer, reply)

    def _wait(self, events, deadline, status, message):
        left = max(0, int((deadline - time.monotonic()) * 1000))
        if not self.socket.poll(left, events):
            raise CallError(status, message)

    def _receive(self):
        """Header and body of our reply; None for anything else."""
        frames = self.socket.recv_multipart()
        header = self.rpc.FrameHeader()
        try:
            if len(frames) != 2 or len(frames[0]) > HEADER_MAX:
                return None
            header.ParseFromString(frames[0])
        except Exception:  # pylint: disable=broad-except
            return None  # bytes that are no header: drop them
        if (header.version != VERSION or header.kind != self.rpc.FRAME_REP
                or header.call_id != self.last_id):
            return None
        return header, frames[1]

    @staticmethod
    def _finish(header, body, reply):
        if header.status != 0:
            raise CallError(STATUSES.get(header.status, "UNKNOWN"),
                            header.message, header.reason)
        reply.ParseFromString(body)
        return reply

    def _cancel(self):
        header = self.rpc.FrameHeader(kind=self.rpc.FRAME_CANCEL,
                                      version=VERSION, call_id=self.last_id)
        try:
            self.socket.send_multipart([header.SerializeToString(), b""],
                                       zmq.DONTWAIT)
        except zmq.Again:
            pass


def find_home():
    """The folder of a stack's state."""
    if os.environ.get("SMART_SPAWN_HOME"):
        return pathlib.Path(os.environ["SMART_SPAWN_HOME"]).absolute()
    for folder in [pathlib.Path.cwd(), *pathlib.Path.cwd().parents]:
        if (folder / ".smart-spawn").is_dir():
            return folder / ".smart-spawn"
    return pathlib.Path.home() / ".local/state/smart-spawn"


def router_endpoints():
    """Where routers answer, the first one to be asked first."""
    named = os.environ.get("SMART_SPAWN_ROUTER_TARGET", "")
    if named:
        return [part.strip() for part in named.split(",") if part.strip()]
    run = find_home() / "run"
    if len(os.fsencode(run)) + SOCKET_NAME_ROOM > SOCKET_PATH_MAX:
        raise CallError(
            "INVALID_ARGUMENT",
            f"the path of {run} is too long for a socket, so this stack's "
            "sockets are elsewhere: give --endpoint, or set "
            "SMART_SPAWN_ROUTER_TARGET (a daemon logs its own as listen=)")
    return [f"ipc://{run}/routerd-{i}.sock" for i in (1, 2)]


def call_any(rpc, endpoints, method, request, reply, timeout):
    """Call the first endpoint; when it is UNAVAILABLE, one more. Only for
    methods that may be repeated."""
    deadline = time.monotonic() + timeout
    tries, first_error = endpoints[:2], None
    for i, endpoint in enumerate(tries):
        is_last = i == len(tries) - 1
        channel = Channel(rpc, endpoint)
        try:
            # The first try leaves time for the second.
            until = deadline if is_last else time.monotonic() + timeout / 2
            return channel.call(method, request, reply, until)
        except CallError as error:
            first_error = first_error or error
            if error.status != "UNAVAILABLE":
                raise
        finally:
            channel.close()
    raise first_error or CallError("UNAVAILABLE", "no endpoint is named")


def show_health(health):
    state = "serving" if health.serving else f"not serving: {health.detail}"
    print(f"{health.instance} {health.process} {health.version} "
          f"pid={health.pid} {state}")
    for snapshot in health.snapshots:
        print(f"  {snapshot.name} "
              f"{'current' if snapshot.current else 'not current'}")


def show_pick(pick):
    price = pick.pricing.prompt.nanos / 1e9
    print(f"{pick.id}  score {pick.score:g} "
          f"({pick.interval.low:g} to {pick.interval.high:g})  "
          f"{price:g} USD per 1 M prompt tokens")
    print(pick.reason)


def parse_arguments():
    parser = argparse.ArgumentParser(
        description="Ask Smart Spawn for a model, over ZeroMQ.")
    parser.add_argument("task", nargs="?", help="what is to be done")
    parser.add_argument("--budget", default="medium",
                        choices=["low", "medium", "high", "any"])
    parser.add_argument("--endpoint", action="append",
                        help="ipc://PATH or tcp://HOST:PORT; default: "
                        "SMART_SPAWN_ROUTER_TARGET, else this home's routers")
    parser.add_argument("--timeout", type=float, default=5.0,
                        help="seconds (default 5)")
    parser.add_argument("--health", action="store_true",
                        help="ask any daemon how it is")
    arguments = parser.parse_args()
    if not arguments.health and not arguments.task:
        parser.error("a task, or --health")
    return arguments


def main():
    arguments = parse_arguments()
    rpc, router = load_messages()
    try:
        endpoints = arguments.endpoint or router_endpoints()
        if arguments.health:
            show_health(call_any(rpc, endpoints, "ss.Health/Check",
                                 rpc.HealthRequest(), rpc.HealthReply(),
                                 arguments.timeout))
            return 0
        request = router.PickRequest(
            task=arguments.task,
            budget=f"BUDGET_{arguments.budget.upper()}")
        show_pick(call_any(rpc, endpoints, "ss.Router/Pick", request,
                           router.PickReply(), arguments.timeout).data)
        return 0
    except CallError as error:
        print(f"smart_spawn_pick: {error}", file=sys.stderr)
        return EXITS.get(error.status, 3)


if __name__ == "__main__":
    sys.exit(main())
