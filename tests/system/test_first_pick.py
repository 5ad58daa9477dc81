"""One command from nothing to a real pick, through every process."""

import json
import os
import pathlib
import subprocess
import sys
import unittest

from stack import BIN, DAEMONS, ROOT, Stack, alive

CLIENT = ROOT / "clients/python/smart_spawn_pick.py"


class FirstPick(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stack = Stack().start()

    @classmethod
    def tearDownClass(cls):
        cls.stack.stop()

    def client(self, *arguments):
        return subprocess.run(["/usr/bin/python3", CLIENT, *arguments],
                              text=True, capture_output=True, timeout=30,
                              check=False, env=self.stack.environment)

    def test_a_pick_names_a_real_model_its_score_and_a_reason(self):
        reply = self.stack.get("/api/pick?task=build+a+react+app&budget=medium")
        self.assertEqual(reply.status, 200, reply.body)
        pick = reply.json["data"]
        with open(ROOT / "data/catalog.json", encoding="utf-8") as file:
            self.assertIn(f'"{pick["id"]}"', file.read())
        self.assertEqual(pick["category"], "coding")
        self.assertGreater(pick["score"], 50)
        self.assertLess(pick["interval"]["low"], pick["score"])
        self.assertGreater(pick["interval"]["high"], pick["score"])
        self.assertLessEqual(pick["pricing"]["prompt"], 5)
        self.assertIn("coding", pick["reason"])
        self.assertTrue(pick["decisionId"])

    def test_the_same_question_gets_the_same_answer(self):
        path = "/api/pick?task=prove+that+2+is+prime&budget=any"
        first, second = self.stack.get(path), self.stack.get(path)
        self.assertEqual(first.body, second.body)
        again = self.stack.get(path, **{"If-None-Match":
                                        first.headers["etag"]})
        self.assertEqual((again.status, again.body), (304, b""))

    def test_legacy_clients_find_the_api_at_the_root(self):
        self.assertEqual(self.stack.get("/pick?task=coding").json["data"]["id"],
                         self.stack.get("/api/pick?task=coding")
                         .json["data"]["id"])

    def test_recommendations_come_from_different_providers(self):
        reply = self.stack.get("/api/recommend?task=coding&count=4")
        providers = [row["model"]["provider"] for row in reply.json["data"]]
        self.assertEqual(len(set(providers)), 4)

    def test_models_lists_the_catalog(self):
        reply = self.stack.get("/api/models?limit=500").json
        self.assertGreater(reply["meta"]["total"], 300)
        self.assertEqual(len(reply["data"]), reply["meta"]["returned"])

    def test_status_names_all_five_sources(self):
        data = self.stack.get("/api/status").json["data"]
        self.assertEqual(sorted(data["sources"]),
                         ["artificial-analysis", "hf-leaderboard", "livebench",
                          "lmarena", "openrouter"])
        self.assertGreater(data["modelCount"], 300)

    def test_each_daemon_is_a_process_of_its_own(self):
        pids = self.stack.pids()
        self.assertEqual(sorted(pids), sorted(DAEMONS))
        self.assertEqual(len(set(pids.values())), len(DAEMONS))
        for instance, pid in pids.items():
            program = os.path.basename(os.readlink(f"/proc/{pid}/exe"))
            self.assertEqual(program,
                             "smart-spawn-" + instance.rsplit("-", 1)[0])

    def test_the_python_client_speaks_to_each_daemon(self):
        for instance in DAEMONS:
            with self.subTest(instance):
                result = self.client("--endpoint",
                                     self.stack.endpoint(instance), "--health")
                self.assertEqual(result.returncode, 0, result.stderr)
                self.assertIn(instance, result.stdout)

    def test_the_python_client_makes_a_pick_over_zeromq(self):
        result = self.client("--endpoint", self.stack.endpoint("routerd-1"),
                             "build a react app", "--budget", "medium")
        self.assertEqual(result.returncode, 0, result.stderr)
        http_id = self.stack.get("/api/pick?task=build+a+react+app"
                                 "&budget=medium").json["data"]["id"]
        self.assertIn(http_id, result.stdout)

    def test_the_command_line_prints_the_http_body(self):
        result = self.stack.command("pick", "--json", "--budget", "low",
                                    "translate one word")
        self.assertEqual(result.returncode, 0, result.stderr)
        reply = self.stack.get("/api/pick?task=translate+one+word&budget=low")
        self.assertEqual(json.loads(result.stdout), reply.json)

    def test_the_command_line_reads_a_task_from_standard_input(self):
        result = self.stack.command("pick", "--json", text_in="write a haiku")
        self.assertEqual(json.loads(result.stdout)["data"]["category"],
                         "creative")

    def test_up_again_changes_nothing(self):
        before = self.stack.pids()
        result = self.stack.command("up", "--detach", timeout=60)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(self.stack.pids(), before)


class TwoStacks(unittest.TestCase):
    def test_two_stacks_run_side_by_side_and_leave_nothing(self):
        with Stack() as one, Stack() as two:
            self.assertNotEqual(one.port, two.port)
            rating = {"model": "openai/gpt-5.2", "category": "coding",
                      "rating": 5}
            self.assertEqual(one.post("/api/spawn-log/outcome",
                                      rating).status, 200)
            self.assertEqual(one.sql("select count(*) from outcomes"),
                             [["1"]])
            self.assertEqual(two.sql("select count(*) from outcomes"),
                             [["0"]])
            pids = [*one.pids().values(), *two.pids().values()]
        self.assertEqual([pid for pid in pids if alive(pid)], [])


if __name__ == "__main__":
    if not (pathlib.Path(BIN) / "smart-spawn").exists():
        sys.exit(f"not built: {BIN}")
    unittest.main(verbosity=2)
