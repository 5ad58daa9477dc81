"""Ways to answer for a source that are more than a status and a body.

Each makes a function for Sources.ways: it is given the handler of the request
and what was recorded of the path. sent() says what a stream could get rid of
before the other side hung up.
"""

import csv
import gzip
import io
import json
import threading
import time
import urllib.parse
import zlib

MEGABYTE = 1 << 20


def reply(handler, status, body=b"", **headers):
    """A whole answer; of a header's name _ is -."""
    handler.send_response(status)
    handler.send_header("Content-Length", str(len(body)))
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()
    handler.wfile.write(body)


def serves(body):
    """Other bytes than the recorded ones."""
    def way(handler, _recorded):
        reply(handler, 200, body)
    return way


def stalls(handler, recorded):
    """Half of it, and then nothing until the other side gives up."""
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(recorded)))
    handler.end_headers()
    handler.wfile.write(recorded[:len(recorded) // 2])
    handler.connection.settimeout(60)
    handler.rfile.read(1)
    handler.close_connection = True


class Stream:
    """A body that goes on and on: chunks as long as somebody takes them."""

    def __init__(self, chunk, count, first=b"", **headers):
        self.chunk, self.count, self.first = chunk, count, first
        self.headers, self.sent, self.ended = headers, 0, threading.Event()

    def __call__(self, handler, _recorded):
        handler.send_response(200)
        for name, value in self.headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Connection", "close")
        handler.end_headers()
        handler.close_connection = True
        try:
            for part in [self.first, *[self.chunk] * self.count]:
                handler.wfile.write(part)
                self.sent += len(part)
        except OSError:
            pass
        finally:
            self.ended.set()


def gigabyte(**headers):
    return Stream(b" " * MEGABYTE, 1024, **headers)


def gigabyte_of_known_length():
    return gigabyte(Content_Length=str(1024 * MEGABYTE))


def zip_bomb():
    """A megabyte of gzip that decodes to a gigabyte. After a full flush the
    same bytes in are the same bytes out."""
    press = zlib.compressobj(9, zlib.DEFLATED, 31)
    first = press.compress(b" " * MEGABYTE) + press.flush(zlib.Z_FULL_FLUSH)
    again = press.compress(b" " * MEGABYTE) + press.flush(zlib.Z_FULL_FLUSH)
    return Stream(again, 1023, first, Content_Encoding="gzip")


def unfolding():
    """Thirty megabytes of JSON that would take more than a gigabyte in memory,
    on their way in thirty kilobytes."""
    body = b'{"data":[' + b'{"a":{}},' * (30 * MEGABYTE // 9) + b"0]}"
    return Stream(gzip.compress(body), 1, Content_Encoding="gzip")


def redirects(url):
    def way(handler, _recorded):
        reply(handler, 302, b"over there", Location=url)
    return way


class Unchanged:
    """Has an ETag and a date, says 304 to who knows both, and squeezes the
    body for who can read it."""

    ETAG = '"as-recorded"'
    DATE = "Thu, 02 Jul 2026 10:00:00 GMT"

    def __call__(self, handler, recorded):
        headers = {"ETag": self.ETAG, "Last_Modified": self.DATE}
        if handler.headers["If-None-Match"] == self.ETAG and \
                handler.headers["If-Modified-Since"] == self.DATE:
            reply(handler, 304, **headers)
        elif "gzip" in handler.headers["Accept-Encoding"]:
            reply(handler, 200, gzip.compress(recorded, 1),
                  Content_Encoding="gzip", **headers)
        else:
            reply(handler, 200, recorded, **headers)


def busy_once(status, seconds):
    """At first not now, and when again."""
    asked = []

    def way(handler, recorded):
        asked.append(1)
        if len(asked) == 1:
            reply(handler, status, b"later", Retry_After=str(seconds))
        else:
            reply(handler, 200, recorded)
    return way


def broken(handler, _recorded):
    reply(handler, 500, b"oops")


def gone(handler, _recorded):
    reply(handler, 404, b"not found")


# The rows API's names of what the flattened CSV has.
FIELDS = {
    "Average ⬆️": "model_average_score",
    "IFEval": "evaluations_ifeval_normalized_score",
    "BBH": "evaluations_bbh_normalized_score",
    "MATH Lvl 5": "evaluations_math_normalized_score",
    "GPQA": "evaluations_gpqa_normalized_score",
    "MUSR": "evaluations_musr_normalized_score",
    "MMLU-PRO": "evaluations_mmlu_pro_normalized_score",
}


def rows_of_board(recorded):
    """The flattened CSV as rows of the API."""
    return [{"fullname": line["model_name"],
             "Flagged": line["features_is_flagged"] == "TRUE",
             **{key: float(line[column]) for key, column in FIELDS.items()}}
            for line in csv.DictReader(io.StringIO(recorded.decode()))]


class Rows:
    """The rows API over a list of rows. spoil: changes an answer (a dict with
    rows and num_rows_total), given the offset; most: how many were being
    answered at a time."""

    def __init__(self, rows, seconds=0.01):
        self.rows, self.seconds = rows, seconds
        self.spoil = lambda answer, offset: None
        self.lock, self.now, self.most = threading.Lock(), 0, 0

    def __call__(self, handler, _recorded):
        with self.lock:
            self.now += 1
            self.most = max(self.most, self.now)
        query = dict(urllib.parse.parse_qsl(handler.path.partition("?")[2]))
        offset, length = int(query["offset"]), int(query["length"])
        answer = {"rows": [{"row_idx": offset + i, "row": row} for i, row in
                           enumerate(self.rows[offset:offset + length])],
                  "num_rows_total": len(self.rows)}
        self.spoil(answer, offset)
        time.sleep(self.seconds)  # so that others come beside it
        with self.lock:
            self.now -= 1
        reply(handler, 200, json.dumps(answer).encode())
