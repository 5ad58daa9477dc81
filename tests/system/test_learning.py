"""A rating over HTTP is committed and moves the next pick."""

import subprocess
import time
import unittest

from stack import DAEMONS, Stack, wait_for


class Learning(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stack = Stack().start()

    @classmethod
    def tearDownClass(cls):
        cls.stack.stop()

    def pick(self, query="task=coding"):
        return self.stack.get("/api/pick?" + query).json["data"]

    def rate(self, model, category, rating):
        return self.stack.post("/api/spawn-log/outcome",
                               {"model": model, "category": category,
                                "rating": rating})

    def personal(self, model, category):
        """The personal score of a model, seen through a pick of only it."""
        return self.pick(f"task={category}&allow={model}&budget=any")

    def test_three_ratings_change_the_personal_score_at_once(self):
        model = self.pick()["id"]
        self.assertIsNone(self.personal(model, "coding")["personalScore"])
        for _ in range(3):
            reply = self.rate(model, "coding", 5)
            self.assertEqual(reply.status, 200, reply.body)
        acknowledged = time.monotonic()
        after = wait_for(
            lambda: (p := self.personal(model, "coding"))["personalScore"]
            is not None and p, 10, "a personal score")
        print(f"visible {1000 * (time.monotonic() - acknowledged):.0f} ms "
              "after the third acknowledgement")
        self.assertGreater(after["personalScore"], 0.5)
        self.assertGreater(after["score"], after["benchmarkScore"])
        self.assertEqual(self.stack.sql(
            "select model, rating from outcomes where category = 'coding'"),
            [[model, "5"]] * 3)

    def test_one_star_ratings_lower_a_model(self):
        model = self.pick("task=reasoning")["id"]
        before = self.personal(model, "reasoning")["score"]
        for _ in range(3):
            self.assertEqual(self.rate("openrouter/" + model, "reasoning",
                                       1).status, 200)
        wait_for(lambda: self.personal(model, "reasoning")["score"]
                 < before - 1, 10, "a lower score")

    def test_every_router_learns(self):
        model = self.pick("task=creative")["id"]
        self.assertEqual(self.rate(model, "creative", 5).status, 200)
        for router in ("routerd-1", "routerd-2"):
            self.stack_with_router(router, model)

    def stack_with_router(self, router, model):
        def learned():
            environment = dict(self.stack.environment,
                               SMART_SPAWN_ROUTER_TARGET=self.stack
                               .endpoint(router))
            stack = self.stack
            saved, stack.environment = stack.environment, environment
            try:
                result = stack.command("pick", "creative", "--allow", model,
                                       "--budget", "any", "--json")
            finally:
                stack.environment = saved
            return '"personalScore":null' not in result.stdout
        wait_for(learned, 10, f"{router} to learn")

    def test_a_spawn_log_gets_an_id_and_a_row(self):
        reply = self.stack.post("/api/spawn-log", {
            "model": "openai/gpt-5.2", "category": "coding",
            "budget": "medium", "mode": "single", "role": "primary",
            "source": "test"})
        self.assertEqual(reply.status, 200, reply.body)
        self.assertTrue(reply.json["data"]["logged"])
        self.assertTrue(reply.json["data"]["spawnId"])
        self.assertEqual(self.stack.sql(
            "select model, mode, role from spawn_logs"),
            [["openai/gpt-5.2", "single", "primary"]])

    def test_a_rating_names_the_decision_that_it_judges(self):
        first = self.pick("task=math+proof&category=reasoning")
        self.assertEqual(self.pick("task=math+proof&category=reasoning")
                         ["decisionId"], first["decisionId"])
        body = {"model": first["id"], "category": "general", "rating": 5,
                "decisionId": first["decisionId"]}
        self.assertEqual(self.stack.post("/api/spawn-log/outcome",
                                         body).status, 200)
        self.assertEqual(self.stack.sql(
            "select decision_id from outcomes where decision_id is not null"),
            [[first["decisionId"]]])
        head, end = first["decisionId"][:-2], first["decisionId"][-2:]
        forged = head + ("AA" if end != "AA" else "BB")
        reply = self.stack.post("/api/spawn-log/outcome",
                                dict(body, decisionId=forged))
        self.assertEqual(reply.status, 400)
        self.assertIn("decisionId", reply.json["error"]["message"])

    def test_five_instances_release_a_community_score(self):
        model = self.pick("task=research")["id"]
        for i in range(5):
            self.assertIsNone(self.personal(model,
                                            "research")["communityScore"])
            reply = self.stack.post("/api/community/report", {
                "model": model, "category": "research", "rating": 5,
                "instanceId": f"instance-{i}"})
            self.assertEqual(reply.status, 200, reply.body)
        wait_for(lambda: self.personal(model, "research")["communityScore"],
                 10, "a released community score")

    def test_an_idempotency_key_makes_a_retry_harmless(self):
        body = {"model": "openai/gpt-5-mini", "category": "general",
                "rating": 4}
        key = {"Idempotency-Key": "one-and-the-same"}
        for _ in range(3):
            self.assertEqual(self.stack.post("/api/spawn-log/outcome", body,
                                             **key).status, 200)
        other = self.stack.post("/api/spawn-log/outcome",
                                dict(body, rating=1), **key)
        self.assertEqual(other.status, 409, other.body)
        self.assertEqual(self.stack.sql(
            "select rating from outcomes where model = 'openai/gpt-5-mini'"),
            [["4"]])

    def test_a_request_can_be_followed_by_its_trace_id(self):
        trace = "4bf92f3577b34da6a3ce929d0e0e4736"
        self.stack.get("/api/pick?task=general",
                       traceparent=f"00-{trace}-00f067aa0ba902b7-01")
        wait_for(lambda: trace in self.stack.log("gatewayd-1"), 5,
                 "the trace in the gateway's log")
        wait_for(lambda: trace in self.stack.log("routerd-1")
                 + self.stack.log("routerd-2"), 5,
                 "the trace in a router's log")

    def test_task_text_stays_out_of_logs_and_database(self):
        secret = "xylophonequartz"
        self.stack.get(f"/api/pick?task=tell+me+about+{secret}")
        for instance in DAEMONS:
            self.assertNotIn(secret, self.stack.log(instance))
        url = (self.stack.home / "database.url").read_text().strip()
        dump = subprocess.run(["pg_dump", url], capture_output=True, text=True,
                              timeout=60, check=True).stdout
        self.assertNotIn(secret, dump)


if __name__ == "__main__":
    unittest.main(verbosity=2)
