"""The five public sources on this machine: an HTTP server with what was
recorded of them, which can be told to fail in the ways of the real ones.

RECORDED says whether the recordings are beside the checkout; without them
there is nothing to serve.
"""

import http.server
import threading

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


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        sources = self.server.sources
        status, body, *length = sources.answer(self.path.partition("?")[0])
        self.send_response(status)
        self.send_header("Content-Length", str(*length or [len(body)]))
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = bool(length)

    def log_message(self, *_):
        pass


class Sources:
    """The server. fault: how every answer is spoilt now."""

    def __init__(self):
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0),
                                                      Handler)
        self.server.sources = self
        self.server.daemon_threads = True
        self.fault, self.asked = as_recorded, dict.fromkeys(FILES, 0)
        self.bytes = {name: (FOLDER / name).read_bytes()
                      for names in FILES.values() for name in names}
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    def answer(self, path):
        names = FILES.get(path)
        if not names:
            return 404, b"not found"
        name = names[self.asked[path] % len(names)]
        self.asked[path] += 1
        return self.fault(200, self.bytes[name])

    def settings(self):
        """For Stack(): fetch, and from here."""
        host = f"http://127.0.0.1:{self.server.server_address[1]}"
        urls = {f"SMART_SPAWN_{name}_URL": host + path
                for name, path in URLS.items()}
        return {"SMART_SPAWN_INGEST_FETCH": "yes",
                "SMART_SPAWN_RATE_LIMIT_REFRESHES_PER_HOUR": "0", **urls}
