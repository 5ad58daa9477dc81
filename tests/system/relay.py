"""A relay between a follower and its publisher that can do harm on purpose.

It passes the frames of proto/README.md on, one connection to the publisher for
each one of a follower, and can be told to spoil the next Watch reply that
carries a delta (or a whole), or to hold requests back. It knows the protocol
from that page alone. All sockets belong to its thread.
"""

import threading
import time

import zmq

from wire import messages

POLL_MS = 20


class Relay:
    def __init__(self, listen, target):
        self.listen, self.target, self.types = listen, target, messages()
        self.lock = threading.Lock()
        self.spoils = []  # (what a reply must carry, how it is spoilt)
        self.spoilt = 0  # replies that were
        self.replies = 0  # Watch replies that passed or were spoilt
        self.holding, self.held = False, []
        self.watches = set()  # (follower, call id) of open Watch calls
        self.first_whole = None  # WatchReply
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join()

    def spoil_next(self, how, carries="delta"):
        """how(reply) -> what is sent on instead, a list of WatchReply. It is
        done once, to the next reply with a `carries` after those that were
        to be spoilt before."""
        with self.lock:
            self.spoils.append((carries, how))

    def hold(self, on):
        """Keep requests back; when it ends they go on."""
        with self.lock:
            self.holding = on

    def await_held(self, seconds=15):
        """Until a Watch waits here."""
        deadline = time.monotonic() + seconds
        while not self.held:
            assert time.monotonic() < deadline, "no Watch came"
            time.sleep(0.01)

    def run(self):
        context = zmq.Context.instance()
        self.front = context.socket(zmq.ROUTER)
        self.front.setsockopt(zmq.LINGER, 0)
        self.front.bind(self.listen)
        self.backs = {}  # follower -> connection to the publisher
        while not self.ended.is_set():
            ready = zmq.select([self.front, *self.backs.values()], [], [],
                               POLL_MS / 1000)[0]
            for follower, back in list(self.backs.items()):
                if back in ready:
                    self.from_publisher(follower, back.recv_multipart())
            if self.front in ready:
                self.from_follower(*self.front.recv_multipart())
            self.let_go()
        for socket in (self.front, *self.backs.values()):
            socket.close()

    def from_follower(self, follower, header, body):
        known = self.types.FrameHeader.FromString(header)
        is_watch = known.method == "ss.Snapshots/Watch"
        if is_watch:
            self.watches.add((follower, known.call_id))
        with self.lock:
            if self.holding and is_watch:
                self.held.append((follower, header, body))
                return
        self.to_publisher(follower, header, body)

    def to_publisher(self, follower, header, body):
        if follower not in self.backs:
            back = zmq.Context.instance().socket(zmq.DEALER)
            back.setsockopt(zmq.LINGER, 0)
            back.connect(self.target)
            self.backs[follower] = back
        self.backs[follower].send_multipart([header, body])

    def let_go(self):
        with self.lock:
            if self.holding:
                return
            held, self.held = self.held, []
        for message in held:
            self.to_publisher(*message)

    def from_publisher(self, follower, frames):
        header, body = frames
        known = self.types.FrameHeader.FromString(header)
        call = (follower, known.call_id)
        if known.kind != self.types.FRAME_REP or known.status \
                or call not in self.watches:
            self.front.send_multipart([follower, header, body])
            return
        self.watches.discard(call)
        for reply in self.handle(self.types.WatchReply.FromString(body)):
            self.front.send_multipart([follower, header,
                                       reply.SerializeToString()])

    def handle(self, reply):
        """What goes on instead of a reply to a Watch."""
        with self.lock:
            self.replies += 1
            if reply.HasField("whole") and self.first_whole is None:
                self.first_whole = self.types.WatchReply()
                self.first_whole.CopyFrom(reply)
            carried = "whole" if reply.HasField("whole") else \
                "delta" if reply.delta else "nothing"
            if not self.spoils or self.spoils[0][0] != carried:
                return [reply]
            how = self.spoils.pop(0)[1]
            self.spoilt += 1
        return how(reply)
