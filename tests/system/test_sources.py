"""What becomes of the sources is seen by whoever asks for the status."""

import unittest

from stack import Stack, wait_for

OFF = {f"SMART_SPAWN_{name}_URL": "none" for name in
       ("ARTIFICIAL_ANALYSIS", "HF_LEADERBOARD", "LMARENA", "LIVEBENCH")}


class Sources(unittest.TestCase):
    def test_a_source_that_cannot_be_fetched_is_stale_and_says_why(self):
        with Stack(SMART_SPAWN_INGEST_FETCH="yes",
                   SMART_SPAWN_OPENROUTER_URL="file:///nowhere/models.json",
                   **OFF) as stack:
            def stale():
                sources = stack.get("/api/status").json["data"]["sources"]
                return sources["openrouter"]["status"] == "stale" \
                    and sources
            sources = wait_for(stale, 30, "openrouter to be stale"
                               + stack.log("ingestd-1")[-1500:])
            self.assertTrue(sources["openrouter"]["reason"])
            self.assertEqual(sources["livebench"]["status"], "ok")
            reply = stack.get("/api/pick?task=coding")
            self.assertEqual(reply.status, 200, "never an empty catalog")


if __name__ == "__main__":
    unittest.main(verbosity=2)
