"""How sources are asked: no more than needed, no faster than they can, and
all of what they have."""

import unittest

import source_ways
import sources
from refreshing import Refreshing
from stack import Stack

AFTER = 3  # seconds of Retry-After: more than the first pause by itself
ROWS_MAX = 4  # pages of one source asked for side by side
ROWS = "/rows"
BOARD = sources.FILES[sources.URLS["HF_LEADERBOARD"]][0]


def gaps(asks):
    """Seconds between one and the next."""
    return [b.at - a.at for a, b in zip(asks, asks[1:])]


@unittest.skipUnless(sources.RECORDED, f"{sources.FOLDER} is not here")
class Manners(Refreshing, unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = cls.enterClassContext(sources.Sources())
        path = sources.URLS["OPENROUTER"]
        cls.server.ways[path] = source_ways.Unchanged()
        cls.board = source_ways.rows_of_board(cls.server.bytes[BOARD])
        cls.pages = cls.server.ways[ROWS] = source_ways.Rows(cls.board)
        cls.stack = cls.enterClassContext(Stack(**{
            **cls.server.settings(), "SMART_SPAWN_HF_LEADERBOARD_URL":
            cls.server.url(ROWS) + "?dataset=board&config=default"}))

    def setUp(self):
        self.settle()
        self.server.asks.clear()

    def way(self, name, way):
        """Answer so until the test ends."""
        path = sources.URLS[name]
        self.server.ways[path] = way
        self.addCleanup(self.server.ways.pop, path)
        return path

    def test_what_is_unchanged_is_not_sent_again(self):
        path = sources.URLS["OPENROUTER"]
        before = self.report("openrouter")
        self.assertEqual(before.count, 342, "what was squeezed is read")
        status = self.fetch("openrouter")
        self.assert_ok(status, "openrouter")
        ask, = self.server.asks_of(path)
        self.assertIn("gzip", ask.headers["Accept-Encoding"])
        self.assertEqual(ask.headers["If-None-Match"],
                         source_ways.Unchanged.ETAG)
        self.assertEqual(ask.headers["If-Modified-Since"],
                         source_ways.Unchanged.DATE)
        after = self.report("openrouter")
        self.assertGreater(after.last_pull.ms, before.last_pull.ms)
        self.assertEqual((after.count, after.matched, after.content),
                         (before.count, before.matched, before.content))

    def test_pauses_are_kept(self):
        busy = self.way("ARTIFICIAL_ANALYSIS",
                        source_ways.busy_once(503, AFTER))
        limited = self.way("LMARENA", source_ways.busy_once(429, AFTER))
        broken = self.way("LIVEBENCH", source_ways.broken)
        status = self.fetch("artificial-analysis", "lmarena", "livebench")
        self.assert_ok(status, "artificial-analysis", "lmarena")
        for path in (busy, limited):  # as long as was asked for
            pause, = gaps(self.server.asks_of(path))
            self.assertGreaterEqual(pause, AFTER, path)
            self.assertLess(pause, AFTER + 2, path)
        self.assert_stale(status, {"livebench": "HTTP status 500"})
        first, second = gaps(self.server.asks_of(broken))  # and no third
        self.assertGreaterEqual(first, 1)
        self.assertGreater(second, 2 * first)

    def test_who_wants_a_long_pause_is_left_alone(self):
        path = self.way("LIVEBENCH", source_ways.busy_once(503, 3600))
        self.assert_stale(self.fetch("livebench"),
                          {"livebench": "HTTP status 503"})
        self.assertEqual(len(self.server.asks_of(path)), 1)

    def test_every_page_arrives_four_at_a_time(self):
        self.pages.most = 0
        self.assert_ok(self.fetch("hf-leaderboard"), "hf-leaderboard")
        asks = self.server.asks_of(ROWS)
        offsets = sorted(int(ask.query.rpartition("offset=")[2]
                             .partition("&")[0]) for ask in asks)
        self.assertEqual(offsets, list(range(0, len(self.board), 100)))
        self.assertEqual(self.pages.most, ROWS_MAX)
        report = self.report("hf-leaderboard")
        wanted = sum(not row["Flagged"] for row in self.board)
        print(f"    {report.count} rows of {len(self.board)}, "
              f"{report.refused_rows} refused, most {self.pages.most}")
        self.assertEqual(report.count + report.refused_rows, wanted)
        self.assertEqual(report.refused_rows, 0)

    def spoilt_pages(self, spoil, reason):
        self.pages.spoil = spoil
        try:
            self.assert_stale(self.fetch("hf-leaderboard"),
                              {"hf-leaderboard": reason})
        finally:
            self.pages.spoil = lambda answer, offset: None
        self.assert_ok(self.fetch("hf-leaderboard"), "hf-leaderboard")

    def test_a_board_that_grows_while_it_is_read_is_not_believed(self):
        def grows(answer, offset):
            if offset >= 2000:
                answer["num_rows_total"] += 100
        self.spoilt_pages(grows, "changed while it was read")

    def test_a_board_with_rows_missing_is_not_believed(self):
        def loses(answer, offset):
            if offset == 1000:
                del answer["rows"][10:15]
        self.spoilt_pages(
            loses, f"{len(self.board) - 5} rows came of {len(self.board)}")


if __name__ == "__main__":
    unittest.main(verbosity=2)
