"""What tests of the sources do with a stack: fetch, look what came of it.

Refreshing is mixed into a test case that has a `stack` whose sources are
fetched; `fetcher` names the ingestd that fetches them.
"""

import re

from stack import wait_for
from wire import Peer, messages, published, snapshot_at

PICK = "/api/pick?task=coding&budget=any"
ENDED = ("done", "failed")  # how a source is once it was fetched
FEW = 300  # models: the catalog never has fewer


class Refreshing:
    fetcher = "ingestd-1"

    def ask(self, method, request, reply, whom=None):
        with Peer(self.stack.endpoint(whom or self.fetcher)) as peer:
            return peer.call(f"ss.Ingest/{method}", request, reply)

    def sources_reply(self, whom=None):
        known = messages()
        return self.ask("Sources", known.SourcesRequest(),
                        known.SourcesReply(), whom)

    def reports(self, whom=None):
        """source -> SourceReport, without how the last fetch went."""
        found = {}
        for entry in self.sources_reply(whom).sources:
            entry.value.ClearField("run")
            found[entry.key] = entry.value
        return found

    def report(self, source):
        return self.reports()[source]

    def rows(self, source):
        """What became of each row of a source: IngestRow."""
        known = messages()
        found = []
        while True:
            part = self.ask("Report", known.ReportRequest(
                source=source, offset=len(found), limit=1000),
                known.ReportReply()).rows
            if not part:
                return found
            found += part

    def catalog(self):
        """id -> CatalogModel of what was published last."""
        bytes_ = (self.stack.home / "snapshots" / "ingestd-catalog.bin"
                  ).read_bytes()
        return {model.id: model for model in
                messages().CatalogSnapshot.FromString(bytes_).models}

    def status(self):
        return self.stack.get("/api/status").json["data"]

    def states(self):
        return {name: row["status"]
                for name, row in self.status()["sources"].items()}

    def is_settled(self):
        """Whether the first fetch is over, no other is under way, and routers
        know what came of it."""
        ingest, scorer, *routers = map(self.stack.endpoint, (
            "ingestd-1", "scorerd-1", "routerd-1", "routerd-2"))
        reply = self.sources_reply()
        if reply.fetching or self.reports() != self.reports("ingestd-1") or \
                any(entry.value.run.state not in ENDED
                    for entry in reply.sources):
            return False
        table = published(scorer, "table")
        return snapshot_at(scorer, "catalog") == \
            published(ingest, "catalog") and \
            all(snapshot_at(router, "table") == table for router in routers)

    def settle(self):
        wait_for(self.is_settled, 60, "the fetch to be over")

    def fetch(self, *names):
        """Fetch these sources, or all; the status afterwards."""
        known = messages()
        self.settle()
        reply = self.ask("Refresh", known.RefreshRequest(sources=names),
                         known.RefreshReply())
        self.assertTrue(reply.started)
        self.settle()
        return self.status()

    def assert_ok(self, status, *names):
        for name in names or status["sources"]:
            row = status["sources"][name]
            self.assertEqual(row["status"], "ok", f"{name}: {row}")

    def assert_stale(self, status, reasons):
        """Each of these sources is stale with a reason like this, and picks
        are served from what was known before."""
        for name, reason in reasons.items():
            row = status["sources"][name]
            self.assertEqual(row["status"], "stale", f"{name}: {row}")
            print(f"    {name}: {row['reason']}")
            self.assertRegex(row["reason"], re.compile(reason, re.I), name)
        self.assertGreater(status["modelCount"], FEW)
        pick = self.stack.get(PICK)
        self.assertEqual(pick.status, 200, pick.body)
        return pick.json["data"]
