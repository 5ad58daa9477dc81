"""Whatever a source sends, for however long and however much, ingestd stays
small and the last good catalog serves."""

import unittest

import processes
import source_ways
import sources
from refreshing import PICK, Refreshing
from stack import SANITIZED, SLOWNESS, Stack

TIMEOUT = SLOWNESS  # seconds for one answer
MOST_MORE = 100 << 10  # KiB that ingestd may need in between
# Bytes that may have left the server when the other side hangs up: what the
# kernel keeps on the way, and the largest body.
ON_THE_WAY = 16 << 20
LARGEST = 32 << 20
# Where each source has JSON.
PATHS = {
    "openrouter": sources.URLS["OPENROUTER"],
    "artificial-analysis": sources.URLS["ARTIFICIAL_ANALYSIS"],
    "hf-leaderboard": sources.URLS["HF_LEADERBOARD"],
    "lmarena": sources.URLS["LMARENA"],
    "livebench": "/livebench/categories_2026_01_08.json",
}


def peak(pid):
    """KiB: the most memory that a process had since forget_peak."""
    words = processes.read(pid, "status").decode().split()
    return int(words[words.index("VmHWM:") + 1])


def forget_peak(pid):
    with open(f"/proc/{pid}/clear_refs", "w", encoding="ascii") as file:
        file.write("5")


@unittest.skipUnless(sources.RECORDED, f"{sources.FOLDER} is not here")
class Bodies(Refreshing, unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = cls.enterClassContext(sources.Sources())
        cls.stack = cls.enterClassContext(Stack(
            SMART_SPAWN_INGEST_TIMEOUT=f"{TIMEOUT}s",
            **cls.server.settings()))

    def setUp(self):
        self.server.ways.clear()
        self.assert_ok(self.fetch())
        self.pick = self.stack.get(PICK).json["data"]

    def check(self, status, reasons):
        self.assertEqual(self.assert_stale(status, reasons), self.pick)

    def test_a_body_that_stops_halfway_is_given_up(self):
        for path in sources.FILES:
            self.server.ways[path] = source_ways.stalls
        self.check(self.fetch(), dict.fromkeys(
            sources.NAMES, "timed out|takes too long"))
        self.server.ways.clear()
        self.assert_ok(self.fetch())

    def sends(self, make, most=LARGEST + ON_THE_WAY, reason="bytes"):
        """From one source after the other."""
        pid = self.stack.pid_of("ingestd-1")
        forget_peak(pid)
        before = peak(pid)
        for name, path in PATHS.items():
            way = make()
            self.server.ways = {path: way}
            self.check(self.fetch(name), {name: reason})
            self.assertTrue(way.ended.wait(5), "nobody hung up")
            print(f"        the server could send {way.sent:,} bytes")
            self.assertLess(way.sent, most)
        print(f"    {before:,} KiB, at most {peak(pid):,} KiB")
        if not SANITIZED:
            self.assertLess(peak(pid) - before, MOST_MORE)
        self.assertEqual(pid, self.stack.pid_of("ingestd-1"))

    def test_a_gigabyte_that_says_so_is_not_read(self):
        self.sends(source_ways.gigabyte_of_known_length, ON_THE_WAY)

    def test_a_gigabyte_that_says_nothing_is_given_up(self):
        self.sends(source_ways.gigabyte)

    def test_a_zip_bomb_is_given_up(self):
        self.sends(source_ways.zip_bomb)

    def test_json_that_is_large_in_memory_alone_is_given_up(self):
        self.sends(source_ways.unfolding, reason="too many values")


if __name__ == "__main__":
    unittest.main(verbosity=2)
