"""Whatever is killed comes back, and nobody who asks for a pick notices.

Every daemon and PostgreSQL are killed in turn, SS_STORM_ROUNDS times each (2,
unless set), while picks arrive at a steady rate from a client that retries for
up to 3 s. After each kill all must be well again within 5 s: every process
serves, a pick is answered, a write is acknowledged. At the end `down` leaves
none of all the processes that there ever were.
"""

import collections
import contextlib
import os
import time
import unittest

import load
import processes
from stack import DAEMONS, SANITIZED, SLOWNESS, Stack, fixed_port, kill, \
    wait_for

ROUNDS = int(os.environ.get("SS_STORM_ROUNDS", "2"))
RATE = 200 / SLOWNESS  # picks a second
GIVE_UP = 3  # seconds that a client retries
RECOVERY = 15 if SANITIZED else 5  # seconds until all is well again
BETWEEN = 0.5  # seconds of fair weather after each recovery
VICTIMS = (*DAEMONS, "postgres")


class Storm(unittest.TestCase):
    def setUp(self):
        self.stopped, self.writes, self.watch = False, 0, None
        self.stack = Stack(PORT=fixed_port()).start()
        self.addCleanup(self.stop)
        self.watch = processes.Watch(self.stack.home, self.stack.data_folder())

    def stop(self):
        if self.watch:
            self.watch.stop()
        if not self.stopped:
            self.stack.stop()

    def is_well(self, victim, old):
        """Whether everybody serves (the victim as another process), a pick
        is answered and a write is acknowledged."""
        if self.stack.pid_of(victim) in (0, old):
            return False
        if not all(self.stack.serves(instance, old) for instance in DAEMONS):
            return False
        with contextlib.suppress(OSError):
            return self.stack.get("/api/pick?task=coding").status == 200 \
                and self.write()
        return False

    def write(self):
        self.writes += 1
        rating = {"model": "openai/gpt-5.2", "category": "coding",
                  "rating": 4}
        return self.stack.post(
            "/api/spawn-log/outcome", rating,
            **{"Idempotency-Key": f"storm-{self.writes}"}).status == 200

    def strike(self, victim):
        """Kill, and say how long it took until all was well."""
        old = self.stack.pid_of(victim)
        self.assertNotEqual(old, 0, f"{victim} does not run")
        kill(old)
        began = time.monotonic()
        try:
            wait_for(lambda: self.is_well(victim, old), RECOVERY, "all well")
        except AssertionError as error:
            raise AssertionError(f"{error} after {victim} was killed"
                                 + self.stack.logs()) from error
        return time.monotonic() - began

    def test_nobody_notices_what_is_killed(self):
        kills, worst = collections.Counter(), collections.defaultdict(float)
        with load.Load(self.stack.port, RATE, GIVE_UP) as client:
            try:
                for _ in range(ROUNDS):
                    for victim in VICTIMS:
                        worst[victim] = max(worst[victim],
                                            self.strike(victim))
                        kills[victim] += 1
                        time.sleep(BETWEEN)
            finally:
                counts = client.stop()
                self.report(counts, kills, worst)
        self.assertEqual(counts["failures"], 0, counts)
        self.assertGreater(counts["picks"], 0.9 * RATE * BETWEEN
                           * kills.total())
        self.assert_down_leaves_nothing()

    def assert_down_leaves_nothing(self):
        seen = self.watch.stop()
        self.stopped = True
        self.stack.stop()
        left = self.watch.left_behind()
        print(f"processes ever seen: {len(seen)}, left behind: {len(left)}")
        self.assertEqual(left, {})
        # The look must have seen what it is there for.
        names = " ".join(seen.values())
        for program in ("smart-spawn-routerd", "s6-supervise", "s6-log",
                        "postgres", "postgres: smart_spawn"):
            self.assertIn(program, names)

    def report(self, counts, kills, worst):
        print(f"\nkills: {kills.total()}, picks: {counts['picks']}, retries: "
              f"{counts['retries']}, failures: {counts['failures']}, worst "
              f"pick: {counts['worst_ms']} ms (the client was at most "
              f"{counts['late_ms']} ms late)")
        print(f"writes acknowledged or tried: {self.writes}; errors on the "
              f"way: {counts['errors']}")
        for victim, seconds in worst.items():
            print(f"  {victim:12} killed {kills[victim]:3} times, worst "
                  f"recovery {seconds:.2f} s")


if __name__ == "__main__":
    unittest.main(verbosity=2)
