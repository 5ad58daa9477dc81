"""What becomes of the sources is seen by whoever asks for the status."""

import time
import unittest

import sources
from refreshing import Refreshing
from stack import Stack, wait_for

OFF = {f"SMART_SPAWN_{name}_URL": "none" for name in
       ("ARTIFICIAL_ANALYSIS", "HF_LEADERBOARD", "LMARENA", "LIVEBENCH")}


class Sources(unittest.TestCase):
    def test_a_source_that_cannot_be_fetched_is_stale_and_says_why(self):
        with Stack(SMART_SPAWN_INGEST_FETCH="yes",
                   SMART_SPAWN_OPENROUTER_URL="file:///nowhere/models.json",
                   **OFF) as stack:
            def stale():
                found = stack.get("/api/status").json["data"]["sources"]
                return found["openrouter"]["status"] == "stale" \
                    and found
            found = wait_for(stale, 30, "openrouter to be stale"
                             + stack.log("ingestd-1")[-1500:])
            self.assertTrue(found["openrouter"]["reason"])
            self.assertEqual(found["livebench"]["status"], "ok")
            reply = stack.get("/api/pick?task=coding")
            self.assertEqual(reply.status, 200, "never an empty catalog")


@unittest.skipUnless(sources.RECORDED, f"{sources.FOLDER} is not here")
class Faults(Refreshing, unittest.TestCase):
    """All five fail at once, in every way, and are there again."""

    @classmethod
    def setUpClass(cls):
        cls.server = cls.enterClassContext(sources.Sources())
        cls.stack = cls.enterClassContext(Stack(**cls.server.settings()))

    def refresh(self, state):
        """Fetch all; then every source has that state; the status."""
        self.settle()
        reply = self.stack.post("/api/refresh", {})
        self.assertEqual(reply.status, 200, reply.body)
        self.settle()
        self.assertEqual(set(self.states().values()), {state},
                         self.stack.log("ingestd-1")[-1500:])
        return self.status()

    def test_whatever_is_wrong_the_last_good_values_stay(self):
        for fault, spoil in sources.FAULTS.items():
            with self.subTest(fault):
                self.server.fault = sources.as_recorded
                good = self.refresh("ok")
                pick = self.stack.get("/api/pick?task=coding&budget=any")
                self.server.fault = spoil
                began = time.monotonic()
                bad = self.refresh("stale")
                print(f"{fault}: all stale after "
                      f"{time.monotonic() - began:.1f} s:")
                for name, row in bad["sources"].items():
                    print(f"    {name}: {row['reason']}")
                    self.assertTrue(row["reason"], name)
                    self.assertEqual(row["lastPull"],
                                     good["sources"][name]["lastPull"])
                self.assertGreater(bad["modelCount"], 300)
                self.assertEqual(bad["modelCount"], good["modelCount"])
                self.assertEqual(bad["modelsWithScores"],
                                 good["modelsWithScores"])
                again = self.stack.get("/api/pick?task=coding&budget=any")
                self.assertEqual(again.json["data"], pick.json["data"])
        self.server.fault = sources.as_recorded
        self.refresh("ok")

    def test_a_restart_while_all_are_away_serves_the_last_catalog(self):
        self.server.fault = sources.as_recorded
        count = self.refresh("ok")["modelCount"]
        self.server.fault = sources.FAULTS["it is gone"]
        self.assertEqual(self.stack.command("down", timeout=60).returncode, 0)
        self.stack.start()
        wait_for(lambda: set(self.states().values()) == {"stale"}, 20,
                 "all to be stale")
        self.assertEqual(self.status()["modelCount"], count)
        self.assertEqual(self.stack.get("/api/pick?task=coding").status, 200)
        self.server.fault = sources.as_recorded


if __name__ == "__main__":
    unittest.main(verbosity=2)
