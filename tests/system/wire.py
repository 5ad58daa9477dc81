"""Speaking the frames of proto/README.md: calls to one daemon over ZeroMQ.

messages() compiles the .proto files once with protoc; a Peer is one DEALER to
one endpoint, asked one call after the other. Nothing here retries: a test
wants to see what one call does.
"""

import functools
import importlib
import pathlib
import re
import subprocess
import sys
import tempfile
import time
import types

import zmq

PROTO = pathlib.Path(__file__).resolve().parents[2] / "proto"
NAMES = ("common", "rpc", "snapshot", "router", "feedback", "ingest",
         "scorer")
VERSION = 1
UNAVAILABLE = 14


class CallError(Exception):
    """A call that did not end OK; status is the canonical number."""

    def __init__(self, status, message):
        super().__init__(f"status {status}: {message}")
        self.status = status


@functools.lru_cache(maxsize=None)
def messages():
    """All message classes, by their names in the .proto files."""
    with tempfile.TemporaryDirectory(prefix="ss-proto-") as folder:
        subprocess.run(["protoc", f"--proto_path={PROTO}",
                        f"--python_out={folder}",
                        *[f"{name}.proto" for name in NAMES]], check=True)
        sys.path.insert(0, folder)
        try:
            found = {}
            for name in NAMES:
                found.update(vars(importlib.import_module(f"{name}_pb2")))
        finally:
            sys.path.remove(folder)
    return types.SimpleNamespace(**found)


class Peer:
    """A caller of one endpoint."""

    def __init__(self, endpoint, caller="system-test"):
        self.types, self.caller, self.last_id = messages(), caller, 0
        self.context = zmq.Context.instance()
        self.socket = self.context.socket(zmq.DEALER)
        self.socket.setsockopt(zmq.IMMEDIATE, 1)
        self.socket.setsockopt(zmq.LINGER, 0)
        self.socket.connect(endpoint)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def send(self, method, request, seconds, **fields):
        """Send a request; its call id. fields: more of the header."""
        self.last_id += 1
        left = int(seconds * 1000)
        if not self.socket.poll(left, zmq.POLLOUT):
            raise CallError(UNAVAILABLE, "nobody is there")
        header = self.types.FrameHeader(
            kind=self.types.FRAME_REQ, version=VERSION, call_id=self.last_id,
            method=method, caller=self.caller, timeout_ms=max(1, left),
            **fields)
        self.socket.send_multipart([header.SerializeToString(),
                                    request.SerializeToString()])
        return self.last_id

    def receive(self, call_id, reply, seconds):
        """Fill the reply of a call."""
        deadline = time.monotonic() + seconds
        while True:
            left = max(0, int((deadline - time.monotonic()) * 1000))
            if not self.socket.poll(left, zmq.POLLIN):
                raise CallError(4, "no answer in time")
            frames = self.socket.recv_multipart()
            header = self.types.FrameHeader.FromString(frames[0])
            if (header.kind, header.call_id) != (self.types.FRAME_REP,
                                                 call_id):
                continue
            if header.status:
                raise CallError(header.status, header.message)
            reply.ParseFromString(frames[1])
            return reply

    def call(self, method, request, reply, seconds=5, **fields):
        call_id = self.send(method, request, seconds, **fields)
        return self.receive(call_id, reply, seconds)

    def health(self, seconds=1, metrics=False):
        """HealthReply, or None when nobody answers in time."""
        try:
            return self.call("ss.Health/Check",
                             self.types.HealthRequest(metrics=metrics),
                             self.types.HealthReply(), seconds)
        except CallError:
            return None


def health_of(endpoint, seconds=1):
    """Ask once over a connection of its own: what is stale cannot answer."""
    with Peer(endpoint) as peer:
        return peer.health(seconds)


def metric(endpoint, name, labels=""):
    """A number of a daemon's metrics; all that have the labels, added up."""
    with Peer(endpoint) as peer:
        lines = peer.health(metrics=True).metrics.splitlines()
    found = [float(line.rsplit(" ", 1)[1]) for line in lines
             if re.match(name + "[ {]", line) and labels in line]
    if not found:
        raise AssertionError(f"no metric {name} {labels}")
    return sum(found)


def published(endpoint, name):
    """The version that a daemon publishes a snapshot under now."""
    known = messages()
    with Peer(endpoint) as peer:
        return peer.call("ss.Snapshots/Watch",
                         known.WatchRequest(name=name, wait_ms=0),
                         known.WatchReply()).at


def snapshot_at(endpoint, name):
    """The version of a snapshot that a daemon follows, or None."""
    health = health_of(endpoint)
    for snapshot in health.snapshots if health else ():
        if snapshot.name == name and snapshot.HasField("at"):
            return snapshot.at
    return None
