"""A web page of another origin cannot write anything, whatever it tries.

A real Chromium loads pages of another site and lets foreign_page.js try every
way that a browser has to send something. The same pages try the same on a
recorder first, so that what is not sent is not taken for refused: each
request that reached the recorder must have reached the gateway too, and been
refused there without a call to any service, a row or a word to the page.
The rows are those of the call table; a new one that is no READ joins by
itself, and needs a valid body in BODIES.
"""
# label: browser

import collections
import contextlib
import http.server
import json
import pathlib
import re
import sys
import tempfile
import threading
import unittest
import urllib.parse

import browser
from stack import ROOT, Stack, wait_for

SCRIPT = (pathlib.Path(__file__).parent / "foreign_page.js").read_text()
CALLS = ROOT / "services/api/calls.def"
MODEL = "openai/gpt-5.2"
# A valid body for each row that is no READ, and the text field that a form's
# "=" may hide in (text/plain sends name=value).
BODIES = {
    "/refresh": ({}, "x"),
    "/spawn-log": ({"model": MODEL, "category": "coding", "budget": "medium",
                    "mode": "single", "role": "primary"}, "source"),
    "/spawn-log/outcome": ({"model": MODEL, "category": "coding",
                            "rating": 5}, "x"),
    "/community/report": ({"model": MODEL, "category": "coding", "rating": 5,
                           "instanceId": "instance-1"}, "x"),
}
OFF = {f"SMART_SPAWN_{name}_URL": "none" for name in
       ("ARTIFICIAL_ANALYSIS", "HF_LEADERBOARD", "LMARENA", "LIVEBENCH")}
# As inviting as an operator can make it: nothing but the origin stands
# between a page and a write.
OPEN = dict(OFF, SMART_SPAWN_INGEST_FETCH="yes",
            SMART_SPAWN_RATE_LIMIT_REFRESHES_PER_HOUR="0",
            SMART_SPAWN_WRITE_OPEN="yes", SMART_SPAWN_SPEND_ENABLED="yes",
            SMART_SPAWN_EXEC_ENABLED="yes")

# Names of this machine that are not served: foreign ones whose DNS points
# here, and odd spellings. An address is no name: nobody can make it point
# elsewhere.
HOSTS = ("evil.example", "page.localhost", "localhost.", "0.0.0.0")
WAIT_MS = 20000  # for an answer, in the page; none takes as long
# What a page of the same origin can find out of the answer.
WRONG_TYPE = ["fetch text cors", "xhr text"]
SAME_ORIGIN = WRONG_TYPE + ["fetch json", "fetch json key", "fetch put",
                            "fetch untyped cors", "xhr json", "fetch get cors"]

Row = collections.namedtuple("Row", "verb route kind service method")
Seen = collections.namedtuple("Seen", "method path status")
Hit = collections.namedtuple("Hit", "by method path headers body")


def call_table():
    """The rows of services/api/calls.def."""
    rows = []
    for line in CALLS.read_text(encoding="utf-8").splitlines():
        if line.startswith("API("):
            verb, route, _, _, kind, _, _, _, service, method = \
                line[4:].split(", ")[:10]
            rows.append(Row(verb, route.strip('"'), kind,
                            service, method.title().replace("_", "")))
    return rows


def writes():
    return [row for row in call_table() if row.kind not in ("READ", "PRIVATE")]


def page_rows():
    """The rows as foreign_page.js takes them."""
    rows = []
    for row in writes():
        assert row.route in BODIES, (
            f"{row.kind} {row.verb} {row.route} has no valid body in BODIES "
            f"of {__file__}: add one, so that pages of other origins try it")
        assert row.verb == "POST", (
            f"{row.kind} {row.verb} {row.route}: a GET that does something "
            "can be sent by any link")
        body, pad = BODIES[row.route]
        padded = json.dumps(dict(body, **{pad: "="}))
        name, value = padded.rsplit("=", 1)
        rows.append({"route": "/api" + row.route, "body": json.dumps(body),
                     "name": name, "value": value})
    return rows


class Text:
    """A message that is made when it is needed."""

    def __init__(self, make):
        self.make = make

    def __str__(self):
        return self.make()


class Site:
    """A web site on a port of its own. It serves pages that attack, redirects
    and workers; under /by/NAME/ it answers nothing and records what came."""

    def __init__(self):
        self.hits = []
        site = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self):
                length = int(self.headers.get("Content-Length") or 0)
                body = self.rfile.read(length)
                url = urllib.parse.urlsplit(self.path)
                if url.path.startswith("/by/"):
                    by, path = url.path[4:].split("/", 1)
                    site.hits.append(Hit(by, self.command, "/" + path,
                                         dict(self.headers), body))
                    return self.say(403, "no")
                return self.page(url.path, urllib.parse.parse_qs(url.query))

            do_GET = do_HEAD = do_POST = do_OPTIONS = answer
            do_PUT = do_PATCH = do_DELETE = answer

            def page(self, path, query):
                to = query.get("to", [""])[0]
                if path.startswith("/redirect/"):
                    if self.command == "OPTIONS":
                        return self.say(204)
                    return self.say(int(path[10:13]), location=to)
                if path == "/csp":
                    return self.say(200, "<img src=/x>", "text/html", **{
                        "content-security-policy":
                        "default-src 'none'; report-uri " + to})
                if path == "/service_worker.js":
                    return self.say(200, SERVICE_WORKER, "text/javascript")
                if path == "/sandbox":
                    return self.say(200, "<iframe sandbox='allow-scripts "
                                    "allow-forms allow-popups' src=/page>",
                                    "text/html")
                if path == "/page":
                    return self.say(200, "<title>elsewhere</title>",
                                    "text/html")
                return self.say(404)

            def say(self, status, text="", kind="text/plain", **headers):
                body = text.encode()
                self.send_response(status)
                if not self.path.startswith("/by/"):
                    for name in ("Origin", "Headers", "Methods"):
                        self.send_header("Access-Control-Allow-" + name, "*")
                    self.send_header("Content-Type", kind)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = Server(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    def url(self, host="127.0.0.1"):
        return f"http://{host}:{self.port}"

    def stop(self):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 512

    def handle_error(self, *_):
        pass  # a browser that closes early is none


SERVICE_WORKER = """
onactivate = (event) => event.waitUntil(clients.claim());
onmessage = (event) => fetch(event.data.url, {
    method: "POST", mode: "no-cors", body: new Blob([event.data.body])
}).then((answer) => answer.type === "opaque" ? null : answer.status,
        () => null).then((known) => event.ports[0].postMessage(known));
"""


class ForeignPage(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        with contextlib.ExitStack() as stack:
            cls.site, cls.recorder = Site(), Site()
            stack.callback(cls.site.stop)
            stack.callback(cls.recorder.stop)
            cls.stack = stack.enter_context(Stack(
                SMART_SPAWN_OPENROUTER_URL=cls.recorder.url()
                + "/by/ingestd/models", **OPEN))
            cls.home = f"http://127.0.0.1:{cls.stack.port}"
            cls.driver = stack.enter_context(browser.Browser(
                # evil.example as if it had TLS: service workers want that.
                ["--unsafely-treat-insecure-origin-as-secure="
                 + cls.site.url("evil.example")],
                {"evil.example": "127.0.0.1"}))
            cls.driver.set_script_timeout(WAIT_MS / 1000 + 10)
            folder = stack.enter_context(tempfile.TemporaryDirectory())
            cls.file = pathlib.Path(folder) / "page.html"
            cls.file.write_text("<title>a file</title>")
            # As if the page had found it out: this machine's own key.
            cls.key = (cls.stack.home / "token").read_text().strip()
            cls.driver.get(cls.site.url() + "/page")
            cls.sent = cls.survey()
            cls.undo = stack.pop_all()

    @classmethod
    def tearDownClass(cls):
        cls.undo.close()

    # --- what a page does ---

    @classmethod
    def run_page(cls, base, only=None):
        """foreign_page.js in the page that is open now."""
        reports = cls.driver.execute_async_script(
            SCRIPT + "foreignPage(arguments[0]).then(arguments[1], (error) =>"
            " arguments[1]({failed: String(error)}));",
            {"base": base, "site": cls.site.url(),
             "other": cls.site.url("localhost"), "rows": page_rows(),
             "key": cls.key, "only": only, "wait": WAIT_MS})
        assert "failed" not in reports, reports
        return reports

    @classmethod
    def close_windows(cls):
        """Those that foreign_page.js opened."""
        cls.driver.execute_script(
            "for (const other of foreignWindows) other.close();")

    def fetch(self, url, **options):
        """fetch() in the page that is open now: status and text, or why not.
        """
        return self.driver.execute_async_script(
            "const [url, options, done] = arguments; fetch(url, options).then("
            "async (answer) => done({status: answer.status, type: answer.type,"
            " text: await answer.text()}), (error) => done({error:"
            " String(error)}));", url, options)

    def post(self, url, body, **headers):
        return self.fetch(url, method="POST", body=json.dumps(body), headers={
            "Content-Type": "application/json", **headers})

    # --- what became of it ---

    def gateway_log(self):
        """The requests that the gateway answered, in order."""
        lines = (dict(re.findall(r"(\w+)=(\S+)", line))
                 for line in self.stack.whole_log("gatewayd-1").splitlines()
                 if " http trace=" in line)
        return [Seen(line["method"], line["path"], line["status"])
                for line in lines]

    def effects(self):
        """Everything that a write would leave, counted: rows of each table,
        calls that a service took, sources that were fetched."""
        tables = [name for name, in self.stack.sql(
            "select quote_ident(table_name) from information_schema.tables "
            "where table_schema = 'public' and table_type = 'BASE TABLE'")]
        found = dict(self.stack.sql(" union all ".join(
            f"select 'rows of {name}', count(*) from {name}"
            for name in tables)))
        names = {f"ss.{row.service}/{row.method}" for row in writes()}
        found.update({f"calls of {name}": 0 for name in names})
        for log in self.stack.home.glob("log/*/current"):
            for name in re.findall(r" call method=(\S+)",
                                   self.stack.whole_log(log.parent.name)):
                if name in names:
                    found[f"calls of {name}"] += 1
        found["fetches"] = sum(hit.by == "ingestd"
                               for hit in self.recorder.hits)
        return found

    def refusals(self):
        return int(re.search(r'answers_total\{class="4xx"\} (\d+)',
                             self.stack.get("/metrics").body.decode())[1])

    @contextlib.contextmanager
    def nothing_is_written(self):
        """Runs an attack; afterwards nothing was done, and each request on a
        write's route was refused and counted. Gives a list that is filled
        with those requests; the attack waits for what it expects there."""
        before, refusals = self.effects(), self.refusals()
        first = len(self.gateway_log())
        routes = {prefix + row.route for row in writes()
                  for prefix in ("", "/api")}

        def seen():
            return [seen for seen in self.gateway_log()[first:]
                    if seen.path in routes]
        yield seen
        after = self.effects()
        self.assertEqual({name: (before.get(name), after[name])
                          for name in after if after[name] != before.get(name)},
                         {}, "something was done (before, after)")
        refused = [s for s in seen() if s.method != "OPTIONS"]
        self.assertEqual([s for s in refused if s.status[0] != "4"], [],
                         "answered instead of refused")
        self.assertGreaterEqual(self.refusals() - refusals, len(refused))

    @staticmethod
    def learned(reports):
        return {by: report["learned"] for by, report in reports.items()
                if report["learned"]}

    @classmethod
    def survey(cls):
        """What a page sends that tries everything, as the recorder saw it:
        {technique: {(method, path): times}}. A technique that did not arrive
        for every row would prove nothing, so all must."""
        reports = cls.run_page(cls.recorder.url() + "/by/{by}")
        sent = {by: collections.Counter() for by in reports}

        def missing():
            came = collections.Counter(hit.by for hit in cls.recorder.hits)
            return {by: reports[by]["errors"][:1] for by in reports
                    if came[by.replace(" ", "-")] < len(writes())}
        wait_for(lambda: not missing(), 10, Text(
            lambda: f"each technique to send something: {missing()}"))
        for by, counter in sent.items():
            counter.update((hit.method, hit.path.split("?")[0])
                           for hit in cls.recorder.hits
                           if hit.by == by.replace(" ", "-"))
        assert all(not report["learned"] for report in reports.values())
        cls.close_windows()
        return sent

    def attack(self, cannot=frozenset()):
        """The open page tries everything. cannot: what the browser does not
        let a page of this origin try."""
        expected = sum((times for by, times in self.sent.items()
                        if by not in cannot), collections.Counter())
        with self.nothing_is_written() as seen:
            reports = self.run_page(self.home)
            with self.subTest("a page of another origin reads no answer"):
                self.assertEqual(self.learned(reports), {})

            def missing():
                return expected - collections.Counter(
                    (s.method, s.path) for s in seen())
            with self.subTest("what is sent arrives"):
                wait_for(lambda: not missing(), 10, Text(
                    lambda: f"{dict(missing())} of {dict(expected)}"))
        self.close_windows()
        print(f"{sum(expected.values())} requests, {len(reports)} techniques, "
              f"{len(writes())} calls")

    # --- the call table ---

    def test_every_call_that_is_no_read_is_tried(self):
        listed = self.stack.get("/api").json["data"]["endpoints"]
        self.assertEqual(sorted(listed),
                         sorted("/api" + row.route for row in call_table()))
        self.assertGreaterEqual(len(page_rows()), 4)

    # --- pages of other origins ---

    def test_a_page_of_another_port_writes_nothing(self):
        self.driver.get(self.site.url() + "/page")
        self.attack()

    def test_a_page_of_localhost_on_another_port_writes_nothing(self):
        self.driver.get(self.site.url("localhost") + "/page")
        self.attack()

    def test_a_page_of_a_foreign_name_writes_nothing(self):
        self.driver.get(self.site.url("evil.example") + "/page")
        self.attack()

    def test_a_file_writes_nothing(self):
        self.driver.get(self.file.as_uri())
        self.attack({"shared worker", "service worker"})

    def test_a_data_address_writes_nothing(self):
        self.driver.get("data:text/html,<title>data</title>")
        self.attack({"shared worker", "service worker", "fetch later"})

    def test_a_sandboxed_frame_writes_nothing(self):
        self.driver.get(self.site.url("evil.example") + "/sandbox")
        self.driver.switch_to.frame(0)
        self.assertEqual(self.driver.execute_script("return origin"), "null")
        self.attack({"shared worker", "service worker"})

    def test_our_own_page_under_another_name_writes_nothing(self):
        self.driver.get(f"http://localhost:{self.stack.port}/api")
        self.attack({"service worker"})

    def test_a_name_that_points_here_is_no_way_in(self):
        for host in HOSTS:
            base = f"http://{host}:{self.stack.port}"
            with self.subTest(host), self.nothing_is_written() as seen:
                self.driver.get(base + "/api")
                self.assertIn("this Host is not served here",
                              self.driver.find_element("tag name",
                                                       "body").text)
                # The page's script came before the name changed its address.
                reports = self.run_page(base, SAME_ORIGIN)
                for by, texts in self.learned(reports).items():
                    for text in texts:
                        self.assertIn("this Host is not served here", text,
                                      by)
                self.assertEqual(len(reports["fetch json"]["learned"]),
                                 len(writes()))
                self.assertEqual(self.fetch(base + "/api/pick?task=coding")
                                 ["status"], 403)
                self.assertEqual(self.fetch(base + "/metrics")["status"], 403)
                wait_for(lambda: len(seen()) >= len(reports) * len(writes()),
                         10, "all requests in the log")

    # --- the wall behind the origin ---

    def test_what_goes_without_a_preflight_is_no_json(self):
        """Were the Origin not there (old browsers), the type still is."""
        with self.nothing_is_written():
            self.driver.get(self.home + "/api")
            reports = self.run_page(self.home, WRONG_TYPE)
            for by in WRONG_TYPE:
                self.assertEqual(len(reports[by]["learned"]), len(writes()),
                                 by)
                for text in reports[by]["learned"]:
                    self.assertIn("the body must be application/json", text)
            for row in page_rows():
                for kind in ("text/plain", "text/plain;charset=UTF-8",
                             "text/plain; x=application/json", "text/ping",
                             "application/x-www-form-urlencoded",
                             "multipart/form-data; boundary=x",
                             "application/csp-report"):
                    reply = self.stack.request(
                        "POST", row["route"], row["name"] + "=" + row["value"],
                        {"Content-Type": kind})
                    self.assertEqual(reply.status, 415, kind)

    # --- what is allowed ---

    def test_a_page_of_another_origin_may_read(self):
        self.driver.get(self.site.url("evil.example") + "/page")
        pick = self.fetch(self.home + "/api/pick?task=coding&budget=medium",
                          headers={"If-None-Match": '"x"', "traceparent":
                                   "00-" + "1" * 32 + "-" + "2" * 16 + "-01"})
        self.assertEqual(pick.get("status"), 200, pick)
        self.assertTrue(json.loads(pick["text"])["data"]["id"])
        # JSON asks first; 501 while nobody serves it.
        steps = self.post(self.home + "/api/decompose",
                          {"task": "build an app, then test it"})
        self.assertIn(steps.get("status"), (200, 501), steps)

    def test_a_page_of_another_origin_reads_nothing_with_a_key(self):
        self.driver.get(self.site.url("evil.example") + "/page")
        pick = self.home + "/api/pick?task=coding"
        for options in ({"headers": {"Authorization": "Bearer " + self.key}},
                        {"credentials": "include"}):
            self.assertIn("error", self.fetch(pick, **options), options)
        self.assertIn("error", self.fetch(self.home + "/metrics"))

    def test_a_page_of_another_origin_does_not_see_what_the_user_recorded(self):
        self.driver.get(self.site.url("evil.example") + "/page")
        private = [row for row in call_table() if row.kind == "PRIVATE"]
        self.assertGreater(len(private), 0)
        for row in private:
            answer = self.fetch(f"{self.home}/api{row.route}")
            self.assertIn("error", answer, row)
        self.driver.get(self.home + "/api")
        for row in private:
            answer = self.fetch(f"{self.home}/api{row.route}")
            self.assertEqual(answer.get("status"), 200, answer)

    def test_a_page_of_the_same_site_finds_no_ratings_in_the_cache(self):
        self.stack.post("/api/spawn-log/outcome", dict(
            BODIES["/spawn-log/outcome"][0], rating=1))
        ask = f"http://localhost:{self.stack.port}/api/pick?task=coding" \
            f"&budget=any&allow={MODEL}&cached=1"
        wait_for(lambda: self.stack.personal(MODEL, "coding") is not None, 10,
                 "the rating in a pick")
        # As when the user looks at it: it lies in the cache then.
        self.driver.get(ask)
        own = self.fetch(ask, cache="force-cache")
        self.assertIsNotNone(
            json.loads(own["text"])["data"]["personalScore"])
        for host in ("localhost", "127.0.0.1", "evil.example"):
            self.driver.get(self.site.url(host) + "/page")
            for cache in ("force-cache", "only-if-cached", "default",
                          "force-cache"):
                mode = {"mode": "same-origin"} if cache == "only-if-cached" \
                    else {}
                seen = self.fetch(ask, cache=cache, **mode)
                if "error" not in seen:
                    self.assertIsNone(
                        json.loads(seen["text"])["data"]["personalScore"],
                        (host, cache))

    def test_our_own_page_can_write(self):
        """With and without a key, so it is the origin that made the
        difference."""
        mine = [row for row in writes() if row.kind == "WRITE"]
        for host, headers in (
                ("127.0.0.1", {}),
                ("localhost", {"Authorization": "Bearer " + self.key})):
            base = f"http://{host}:{self.stack.port}"
            self.driver.get(base + "/api")
            before = self.effects()
            for row in mine:
                answer = self.post(f"{base}/api{row.route}",
                                   BODIES[row.route][0], **headers)
                self.assertEqual(answer.get("status"), 200, answer)
            wait_for(lambda: self.effects()["fetches"] > before["fetches"],
                     5, "a refresh to fetch")
            after = self.effects()
            for row in mine:
                name = f"calls of ss.{row.service}/{row.method}"
                self.assertEqual(after[name], before[name] + 1)
            for table in ("spawn_logs", "outcomes", "community_reports"):
                name = f"rows of {table}"
                self.assertEqual(int(after[name]), int(before[name]) + 1)


if __name__ == "__main__":
    if reason := browser.missing():
        print("skipped:", reason)
        sys.exit(77)
    unittest.main(verbosity=2)
