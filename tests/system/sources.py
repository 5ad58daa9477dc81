"""The five public sources on this machine: an HTTP server with what was
recorded of them, which can be told to fail in the ways of the real ones.

FAULTS spoil what is sent; a way (see source_ways.py) answers a path by itself.
RECORDED says whether the recordings are beside the checkout; without them
there is nothing to serve.
"""

import collections
import contextlib
import http.server
import socket
import threading
import time

from stack import SHARED

FOLDER = SHARED / "sources"
RECORDED = FOLDER.exists()
# What is asked for -> the recordings that are served in turn.
FILES = {
    "/openrouter/models": ["openrouter/models-2026-07-22.json",
                           "openrouter/models-2026-05-01.json"],
    "/artificial-analysis/models":
        ["artificial-analysis/models-2026-07-22.json"],
    "/hf-leaderboard/board.csv":
        ["hf-leaderboard/open-llm-leaderboard-v2-2025-06-09.csv"],
    "/lmarena/lmarena_text-2025-08-04.csv":
        ["lmarena/lmarena_text-2025-08-04.csv"],
    "/lmarena/lmarena_vision-2025-08-04.csv":
        ["lmarena/lmarena_vision-2025-08-04.csv"],
    "/livebench/table_2026_01_08.csv": ["livebench/table_2026_01_08.csv"],
    "/livebench/categories_2026_01_08.json":
        ["livebench/categories_2026_01_08.json"],
}
URLS = {
    "OPENROUTER": "/openrouter/models",
    "ARTIFICIAL_ANALYSIS": "/artificial-analysis/models",
    "HF_LEADERBOARD": "/hf-leaderboard/board.csv",
    "LMARENA": "/lmarena/lmarena_text-2025-08-04.csv",
    "LIVEBENCH": "/livebench/table_2026_01_08.csv",
}
NAMES = ("artificial-analysis", "hf-leaderboard", "livebench", "lmarena",
         "openrouter")


def as_recorded(status, body):
    return status, body


# What is wrong -> (status, body) -> (status, body) that is sent instead; a
# third number is the length that was promised.
FAULTS = {
    "it answers 500": lambda status, body: (500, b"oops"),
    "it is gone": lambda status, body: (404, b"not found"),
    "it answers a page for people": lambda status, body: (
        200, b"<!doctype html><html><body>Moved!</body></html>"),
    "it answers nothing": lambda status, body: (200, b""),
    "its answer is cut short": lambda status, body: (
        200, body[:len(body) // 2] + b'{"'),
    "the connection breaks": lambda status, body: (
        200, body[:len(body) // 2], len(body)),
    "its answer has another shape": lambda status, body: (
        200, b'{"version":2,"payload":{"entries":[{"uid":1}]}}'),
    "its list is empty": lambda status, body: (200, b'{"data":[]}'),
    "its bytes are no text": lambda status, body: (
        200, bytes(range(256)) * 40),
}


# A request as it came; headers know no case.
Ask = collections.namedtuple("Ask", "at path query headers")


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        sources = self.server.sources
        path, _, query = self.path.partition("?")
        sources.asks.append(Ask(time.monotonic(), path, query, self.headers))
        if path in sources.ways:
            sources.ways[path](self, sources.body(path))
            return
        status, body, *length = sources.answer(path)
        self.send_response(status)
        self.send_header("Content-Length", str(*length or [len(body)]))
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = bool(length)

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, *arguments):
        self.peers = set()
        super().__init__(*arguments)

    def process_request(self, request, client_address):
        self.peers.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request):
        self.peers.discard(request)
        super().shutdown_request(request)

    def hang_up(self):
        """On those who keep their connection for later, too."""
        for peer in list(self.peers):
            with contextlib.suppress(OSError):
                peer.shutdown(socket.SHUT_RDWR)

    def handle_error(self, *_):
        """Whoever hangs up early has their reasons."""


class Sources:
    """The server. fault: how every answer is spoilt now; ways: path -> what
    answers it instead, given the handler and what was recorded; asks: every
    request so far; context: of TLS, to serve https."""

    def __init__(self, address=("127.0.0.1", 0), context=None):
        self.server = Server(address, Handler)
        self.address = self.server.server_address
        self.scheme = "https" if context else "http"
        if context:
            self.server.socket = context.wrap_socket(
                self.server.socket, server_side=True,
                do_handshake_on_connect=False)
        self.server.sources = self
        self.fault, self.asked = as_recorded, dict.fromkeys(FILES, 0)
        self.ways, self.asks = {}, []
        self.bytes = {name: (FOLDER / name).read_bytes()
                      for names in FILES.values() for name in names}
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        self.server.shutdown()
        self.thread.join()
        self.server.hang_up()
        self.server.server_close()

    def answer(self, path):
        names = FILES.get(path)
        if not names:
            return 404, b"not found"
        name = names[self.asked[path] % len(names)]
        self.asked[path] += 1
        return self.fault(200, self.bytes[name])

    def body(self, path):
        """The first recording of a path, whatever was asked for before."""
        return self.bytes[FILES[path][0]] if path in FILES else b""

    def asks_of(self, path):
        return [ask for ask in list(self.asks) if ask.path == path]

    def url(self, path):
        return f"{self.scheme}://{self.address[0]}:{self.address[1]}{path}"

    def settings(self):
        """For Stack(): fetch, and from here."""
        urls = {f"SMART_SPAWN_{name}_URL": self.url(path)
                for name, path in URLS.items()}
        return {"SMART_SPAWN_INGEST_FETCH": "yes",
                "SMART_SPAWN_RATE_LIMIT_REFRESHES_PER_HOUR": "0", **urls}
