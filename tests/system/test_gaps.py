"""Whatever happens to a delta on its way, the follower gets the truth again.

A second scorerd and a third routerd follow through relays that spoil what they
pass on: feedbackd -> relay -> scorerd-2 -> relay -> routerd-3. After each harm
the follower must reach its publisher's version by itself, the rating that was
under way must be in routerd-3's picks, and where something was missing or
wrong the follower must have noticed.
"""

import pathlib
import subprocess
import tempfile
import time
import unittest

import relay
from stack import BIN, Stack, wait_for
from wire import CallError, Peer, published, snapshot_at

SOON = 3  # seconds for a gap that is noticed
LOST = 12  # seconds until a Watch without an answer is given up and asked anew
CATEGORY = "coding"


def leave_out(reply):
    del reply.delta[0]
    return [reply]


def lose(_reply):
    return []


def repeat_delta(reply):
    reply.delta.append(reply.delta[0])
    return [reply]


def repeat_reply(reply):
    return [reply, reply]


def other_hash(reply):
    reply.at.hash ^= 1
    return [reply]


def cut_whole(reply):
    reply.whole = reply.whole[:len(reply.whole) // 2]
    return [reply]


def change_byte(share):
    def change(reply):
        delta = bytearray(reply.delta[0])
        delta[int(share * (len(delta) - 1))] ^= 0x55
        reply.delta[0] = bytes(delta)
        return [reply]
    return change


# what, how, seconds to heal, words of the log that say that it was noticed
HARMS = [
    ("a delta is left out", leave_out, SOON, "snapshot-mismatch"),
    ("a delta comes twice in one reply", repeat_delta, SOON, None),
    ("a reply comes twice", repeat_reply, SOON, None),
    ("the hash is another one", other_hash, SOON, "snapshot-mismatch"),
    *((f"the byte at {share:.0%} of a delta is changed", change_byte(share),
       SOON, "snapshot-mismatch") for share in (0, 0.2, 0.5, 0.8, 1)),
]


class Follower:
    """A daemon beside the stack's own, which follows through a relay."""

    def __init__(self, stack, program, instance, target, through):
        self.instance = instance
        self.endpoint = f"ipc://{stack.home}/run/{instance}.sock"
        self.path = stack.home / f"{instance}.log"
        with open(self.path, "wb") as log:
            self.child = subprocess.Popen(
                [BIN / f"smart-spawn-{program}", "--instance", instance,
                 "--listen", self.endpoint], stderr=log,
                env={**stack.environment, target: through,
                     "SMART_SPAWN_LOG_LEVEL": "debug"})

    def log(self):
        return self.path.read_text(errors="replace")

    def stop(self):
        self.child.terminate()
        return self.child.wait(10)


class Gaps(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stack = Stack(SMART_SPAWN_SNAPSHOT_WAIT="1s").start()
        cls.addClassCleanup(cls.stack.stop)
        folder = pathlib.Path(cls.enterClassContext(
            tempfile.TemporaryDirectory(prefix="ss-relay-")))
        layers = f"ipc://{folder}/layers.sock"
        table = f"ipc://{folder}/table.sock"
        cls.layers = cls.enterClassContext(
            relay.Relay(layers, cls.stack.endpoint("feedbackd-1")))
        cls.scorer = cls.follower("scorerd", "scorerd-2",
                                  "SMART_SPAWN_FEEDBACK_TARGET", layers)
        cls.table = cls.enterClassContext(
            relay.Relay(table, cls.scorer.endpoint))
        cls.router = cls.follower("routerd", "routerd-3",
                                  "SMART_SPAWN_SCORER_TARGET", table)
        cls.models = [row["id"] for row in cls.stack.get(
            "/api/models?limit=200&sort=coding").json["data"]]
        wait_for(lambda: cls.stage_is_current("table"), 15,
                 "routerd-3 to follow")

    @classmethod
    def follower(cls, *arguments):
        started = Follower(cls.stack, *arguments)
        cls.addClassCleanup(started.stop)
        return started

    @classmethod
    def stage_is_current(cls, stage):
        """Whether a follower holds what its publisher has now."""
        publisher, follower = {
            "layers": (cls.stack.endpoint("feedbackd-1"), cls.scorer),
            "table": (cls.scorer.endpoint, cls.router)}[stage]
        try:
            held = snapshot_at(follower.endpoint, stage)
            return held is not None and held == published(publisher, stage)
        except CallError:
            return False

    def rate(self):
        """Rate a model that was not rated before."""
        model = self.models.pop()
        reply = self.stack.post("/api/spawn-log/outcome",
                                {"model": model, "category": CATEGORY,
                                 "rating": 5})
        self.assertEqual(reply.status, 200, reply.body)
        return model

    def router_knows(self, model):
        with Peer(self.router.endpoint) as peer:
            request = peer.types.PickRequest(
                task=CATEGORY, budget="BUDGET_ANY", allow=[model])
            reply = peer.call("ss.Router/Pick", request,
                              peer.types.PickReply())
        return reply.data.HasField("personal_score")

    def await_healed(self, stage, model, seconds):
        began = time.monotonic()
        wait_for(lambda: self.router_knows(model), seconds,
                 f"the rating in routerd-3; it says\n{self.router.log()[-2000:]}"
                 f"\nscorerd-2 says\n{self.scorer.log()[-2000:]}")
        for each in ("layers", "table"):
            wait_for(lambda each=each: self.stage_is_current(each), seconds,
                     f"the publisher's {each} (after harm to {stage})")
        return time.monotonic() - began

    def harm(self, stage, how, seconds, noticed):
        passing = {"layers": self.layers, "table": self.table}[stage]
        follower = {"layers": self.scorer, "table": self.router}[stage]
        spoilt, said = passing.spoilt, len(follower.log())
        passing.spoil_next(how)
        took = self.await_healed(stage, self.rate(), seconds)
        self.assertEqual(passing.spoilt, spoilt + 1, "no harm was done")
        if noticed:
            self.assertIn(noticed, follower.log()[said:])
        return took

    def test_every_harm_to_a_delta_heals_by_itself(self):
        for stage in ("layers", "table"):
            for what, how, seconds, noticed in HARMS:
                with self.subTest(what, stage=stage):
                    took = self.harm(stage, how, seconds, noticed)
                    print(f"{stage}: {what}: healed after {took:.2f} s")

    def test_a_lost_reply_is_asked_for_again(self):
        took = self.harm("table", lose, LOST, "snapshot-unheard")
        print(f"a reply is lost: healed after {took:.2f} s")

    def test_one_of_several_deltas_is_left_out(self):
        for stage, passing, follower in (
                ("layers", self.layers, self.scorer),
                ("table", self.table, self.router)):
            with self.subTest(stage=stage):
                said = len(follower.log())
                passing.hold(True)
                self.rate()  # is let through by the Watch under way
                passing.await_held()
                behind = self.sequence(stage)
                models = []
                for i in range(3):
                    models.append(self.rate())
                    wait_for(lambda i=i: self.sequence(stage) > behind + i,
                             10, "the publisher to publish")
                counts = []

                def leave_out_middle(reply):
                    counts.append(len(reply.delta))
                    del reply.delta[1]
                    return [reply]
                passing.spoil_next(leave_out_middle)
                passing.hold(False)
                for model in models:
                    self.await_healed(stage, model, SOON)
                self.assertEqual(counts, [3])
                self.assertIn("snapshot-mismatch", follower.log()[said:])

    def sequence(self, stage):
        return published({"layers": self.stack.endpoint("feedbackd-1"),
                          "table": self.scorer.endpoint}[stage],
                         stage).sequence

    def test_an_old_epoch_that_is_replayed_does_not_last(self):
        for stage, passing in (("layers", self.layers), ("table", self.table)):
            with self.subTest(stage=stage):
                old = passing.first_whole
                self.assertIsNotNone(old)
                replayed = passing.types.WatchReply()
                replayed.CopyFrom(old)
                replayed.at.epoch ^= 0xff  # of a publisher that is no more
                passing.spoil_next(lambda _, r=replayed: [r])
                self.await_healed(stage, self.rate(), SOON)

    def test_a_whole_that_is_cut_short_is_asked_for_again(self):
        for stage, passing, follower in (
                ("layers", self.layers, self.scorer),
                ("table", self.table, self.router)):
            with self.subTest(stage=stage):
                said, spoilt = len(follower.log()), passing.spoilt
                passing.spoil_next(leave_out)
                passing.spoil_next(cut_whole, "whole")
                self.await_healed(stage, self.rate(), SOON)
                self.assertEqual(passing.spoilt, spoilt + 2)
                self.assertRegex(follower.log()[said:],
                                 "snapshot-mismatch name=[a-z]+ how=whole")


if __name__ == "__main__":
    unittest.main(verbosity=2)
