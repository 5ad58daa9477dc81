"""The daemons of a stack at rest are small.

PSS counts a page that processes share once, so the sum is what the machine
gives for them. Measured after each daemon did some work.
"""
# label: plain

import unittest

import processes
from stack import DAEMONS, Stack, wait_for

LIMIT_KIB = 60 * 1024  # all daemons, without PostgreSQL


class Memory(unittest.TestCase):
    def test_all_daemons_together_need_less_than_60_mb(self):
        with Stack() as stack:
            for path in ("pick?task=coding", "models?limit=500", "status",
                         "recommend?task=coding&count=5"):
                self.assertEqual(stack.get("/api/" + path).status, 200)
            stack.post("/api/spawn-log/outcome", {
                "model": "openai/gpt-5.2", "category": "coding", "rating": 5})
            wait_for(lambda: stack.personal("openai/gpt-5.2", "coding"), 10,
                     "the rating")
            rows = {name: processes.memory(stack.pid_of(name))
                    for name in DAEMONS}
        total = sum(row["pss"] for row in rows.values())
        print(f"\n{'process':12} {'PSS KiB':>8} {'private KiB':>12} "
              f"{'threads':>8}")
        for name, row in rows.items():
            print(f"{name:12} {row['pss']:8} {row['anonymous']:12} "
                  f"{row['threads']:8}")
        print(f"{'sum':12} {total:8}  of {LIMIT_KIB}")
        self.assertLess(total, LIMIT_KIB)
        self.assertGreater(total, 1024, "PSS was not measured")


if __name__ == "__main__":
    unittest.main(verbosity=2)
