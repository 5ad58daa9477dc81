"""The command as people meet it: addresses, slips of the pen, help, errors."""

import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import unittest

from stack import BIN, ROOT, Stack, alive, wait_for

CLIENT = ROOT / "clients/python/smart_spawn_pick.py"


class Command(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stack = Stack()
        (cls.stack.home / "smart-spawn.conf").write_text(
            "rate_limit.per_minut = 7\n")
        cls.up = cls.stack.command("up", "--detach", timeout=120)
        if cls.up.returncode != 0:
            cls.stack.stop()
            raise AssertionError(cls.up.stderr)

    @classmethod
    def tearDownClass(cls):
        cls.stack.stop()

    def run_with(self, *arguments, **environment):
        """Run smart-spawn with other variables; None removes one."""
        changed = dict(self.stack.environment)
        for name, value in environment.items():
            changed.pop(name, None)
            if value is not None:
                changed[name] = value
        return subprocess.run([BIN / "smart-spawn", *arguments], env=changed,
                              text=True, capture_output=True, timeout=60,
                              check=False)

    def expect(self, arguments, code, word, text_in=""):
        result = self.stack.command(*arguments, text_in=text_in)
        self.assertEqual(result.returncode, code, result.stderr)
        self.assertIn(word, result.stdout + result.stderr)
        return result

    def test_up_warns_of_a_key_that_no_process_knows(self):
        self.assertIn("rate_limit.per_minut,", self.up.stderr)
        self.assertIn("did you mean rate_limit.per_minute?", self.up.stderr)

    def test_a_variable_nearly_like_a_keys_is_told(self):
        seen = self.run_with("config", SMART_SPAWN_HTTP_PROT="1",
                             SMART_SPAWN_OF_ANOTHER_PROGRAM="1")
        self.assertEqual(seen.returncode, 0, seen.stderr)
        self.assertIn(
            "warning: the environment sets SMART_SPAWN_HTTP_PROT, which no "
            "process knows; did you mean SMART_SPAWN_HTTP_PORT?\n",
            seen.stderr)
        self.assertNotIn("OF_ANOTHER_PROGRAM", seen.stderr)
        self.assertNotIn("SMART_SPAWN_HOME", seen.stderr)

    def test_who_broke_the_file_can_look_and_stop_all_the_same(self):
        file = self.stack.home / "smart-spawn.conf"
        kept = file.read_text()
        file.write_text("oops\n")
        try:
            seen = self.expect(["status"], 0, "smart-spawn.conf:1: ")
            self.assertIn("going on without that file", seen.stderr)
            self.assertIn("gatewayd-1", seen.stdout)
            self.expect(["help"], 0, "usage: smart-spawn COMMAND")
            for other in (["pick", "hi"], ["config"], ["keys", "list"]):
                said = self.expect(other, 2, "smart-spawn.conf:1: ").stderr
                self.assertNotIn("going on", said)
        finally:
            file.write_text(kept)

    def test_up_again_prints_the_address_that_is_in_use(self):
        url = f"http://localhost:{self.stack.port}/\n"
        self.assertIn(url, self.up.stdout)
        again = self.run_with("up", "--detach")
        self.assertTrue(again.stdout.endswith(url), again.stdout)
        for port in (None, "4"):
            other = self.run_with("up", "--detach", PORT=port)
            self.assertEqual(other.returncode, 0, other.stderr)
            self.assertIn(url, other.stdout)
            self.assertIn(f"http.port is {port or 3000} for this call",
                          other.stdout)
            self.assertIn("takes effect after", other.stdout)

    def test_help_and_version_have_all_their_names(self):
        for arguments in (["-h"], ["--help"], ["help"]):
            self.expect(arguments, 0, "usage: smart-spawn COMMAND")
        for arguments in (["help", "pick"], ["pick", "-h"],
                          ["pick", "--help"]):
            self.expect(arguments, 0, "smart-spawn pick [task...] [FLAGS]")
        self.expect(["up", "-h"], 0, "[--detach]")
        for arguments in (["version"], ["--version"]):
            self.expect(arguments, 0, "smart-spawn ")
        self.expect(["--nonsense"], 2, '"--nonsense" is no command')
        self.expect(["help", "nonsense"], 2, "no command")

    def test_what_is_wrong_with_arguments_is_said(self):
        self.expect(["pick", "hi", "--budget", "low", "--budget", "high"], 2,
                    "budget is given twice")
        self.expect(["rate", "a/b"], 2, "usage: smart-spawn rate [model]")
        self.expect(["pick"], 2, "usage: smart-spawn pick")
        self.expect(["pick", "-"], 0, "creative", "write a haiku")

    def test_nothing_found_is_exit_status_1(self):
        self.expect(["scores"], 1, "none")
        self.expect(["scores", "--json"], 1, "[]")
        self.expect(["compare", "a/b", "c/d"], 1, "missing")
        self.expect(["compare", "openai/gpt-5.2", "c/d"], 0, "gpt-5.2")

    def test_models_are_listed_with_the_score_that_was_asked_for(self):
        self.expect(["models", "--limit", "2"], 0, "GENERAL SCORE")
        self.expect(["models", "coding"], 0, "CODING SCORE")
        result = self.expect(["models", "--sort", "vision", "--limit", "2"],
                             0, "VISION SCORE")
        self.assertRegex(result.stdout, r"\n2 of \d{3}\n$")

    def test_output_that_cannot_be_written_is_an_error(self):
        with open("/dev/full", "w", encoding="ascii") as full:
            result = subprocess.run(
                [BIN / "smart-spawn", "pick", "hi"], stdout=full,
                stderr=subprocess.PIPE, env=self.stack.environment, text=True,
                timeout=30, check=False)
        self.assertEqual(result.returncode, 3)
        self.assertIn("cannot write to standard output", result.stderr)

    def test_http_answers_have_the_standard_phrase(self):
        # evhttp alone would call these "Client Error".
        for path, content_type, first in (
                ("/api/nowhere", "application/json", b"404 Not Found"),
                ("/api/spawn-log", "text/plain",
                 b"415 Unsupported Media Type"),
                ("/api/spawn-log", "a" * 20000,
                 b"431 Request Header Fields Too Large")):
            answer = self.stack.raw(
                f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: "
                f"{content_type}\r\nContent-Length: 2\r\n\r\n{{}}".encode())
            self.assertTrue(answer.startswith(b"HTTP/1.1 " + first + b"\r\n"),
                            answer[:60])

    def test_a_taken_port_ends_the_start_even_when_the_other_is_free(self):
        # Only 127.0.0.1 is taken: ::1 alone would be half a gateway.
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            with tempfile.TemporaryDirectory() as home:
                result = subprocess.run(
                    [BIN / "smart-spawn-gatewayd", "--home", home],
                    env={**self.stack.environment, "PORT": str(port)},
                    text=True, capture_output=True, timeout=30, check=False)
        self.assertEqual(result.returncode, 3, result.stderr)
        self.assertIn("Address already in use", result.stderr)
        self.assertIn("choose another PORT", result.stderr)

    def test_the_python_client_asks_for_an_endpoint_of_a_long_home(self):
        result = subprocess.run(
            ["/usr/bin/python3", CLIENT, "hi"], text=True,
            env={**self.stack.environment,
                 "SMART_SPAWN_HOME": "/tmp/" + "x" * 90},
            capture_output=True, timeout=30, check=False)
        self.assertEqual(result.returncode, 2, result.stderr)
        self.assertIn("--endpoint", result.stderr)
        self.assertIn("SMART_SPAWN_ROUTER_TARGET", result.stderr)
        self.assertNotIn("Traceback", result.stderr)


class WithoutStack(unittest.TestCase):
    def setUp(self):
        self.stack = Stack()

    def tearDown(self):
        self.stack.stop()

    def refused(self, text, *arguments):
        file = self.stack.home / "smart-spawn.conf"
        file.write_text(text)
        try:
            result = self.stack.command(*arguments)
        finally:
            file.unlink()
        self.assertEqual(result.returncode, 2, result.stderr)
        return result.stderr

    def test_a_bad_value_is_told_once_with_its_place(self):
        for arguments in (["up"], ["config"], ["config", "http.port"]):
            said = self.refused("http.port = abc\n", *arguments)
            self.assertEqual(len(said.splitlines()), 1, said)
            self.assertTrue(said.startswith("smart-spawn-gatewayd: "), said)
            self.assertIn("smart-spawn.conf:1: http.port must be", said)
        self.assertNotIn("knows", self.refused("http.port = 70000\n", "up"))
        self.assertIn("must be from 0 to 65535 (it is",
                      self.refused("http.port = 70000\n", "up"))

    def test_addresses_that_are_none_are_told_before_anything_starts(self):
        for key, value in (("http.address", "999.1.1.1"),
                           ("http.address", "localhost:bad"),
                           ("http.address", ""),
                           ("http.trusted_proxies", "10.0.0.0/33")):
            for arguments in (["up"], ["config"], ["config", key]):
                with self.subTest(value=value, arguments=arguments):
                    said = self.refused(f"{key} = {value}\n", *arguments)
                    self.assertEqual(len(said.splitlines()), 1, said)
                    self.assertIn(f"smart-spawn.conf:1: {key} must be", said)
                    self.assertIn(f'(it is "{value}")', said)
        variable = "SMART_SPAWN_HTTP_ADDRESS"
        self.stack.environment[variable] = "localhost"
        self.assertIn(f"environment {variable}: http.address must be IP "
                      "addresses", self.refused("", "config"))
        del self.stack.environment[variable]

    def test_a_key_that_is_none_is_told_before_anything_starts(self):
        for bad in ("0123", "g" * 64):
            said = self.refused(f"deployment.key = {bad}\n", "up")
            self.assertEqual(len(said.splitlines()), 1, said)
            self.assertIn(":1: deployment.key must be 64 hex digits", said)
            self.assertNotIn(bad, said)
        path = self.stack.home / "deployment.key"
        path.write_text("no key\n")
        result = self.stack.command("up", "--detach", timeout=120)
        self.assertEqual(result.returncode, 3, result.stderr)
        self.assertIn(f"{path} is not 64 hexadecimal digits; remove it to get "
                      "a new one\n", result.stderr)
        self.assertNotIn("ready: ", result.stderr)

    def test_the_file_cannot_set_the_home(self):
        self.assertIn("the file cannot set home",
                      self.refused("home = /x\n", "pick", "hi"))

    def test_an_unknown_log_level_is_refused(self):
        self.stack.environment["SMART_SPAWN_LOG_LEVEL"] = "loud"
        self.assertIn("log.level must be", self.refused("", "pick", "hi"))
        del self.stack.environment["SMART_SPAWN_LOG_LEVEL"]

    def test_a_home_that_is_a_file_is_told_so(self):
        path = self.stack.home / "afile"
        path.write_text("")
        self.stack.environment["SMART_SPAWN_HOME"] = str(path)
        result = self.stack.command("up", "--detach")
        self.assertEqual(result.returncode, 3)
        self.assertIn("it is a file, not a folder", result.stderr)
        self.stack.environment["SMART_SPAWN_HOME"] = str(self.stack.home)

    def test_no_stack_runs_in_a_file(self):
        path = self.stack.home / "afile"
        path.write_text("")
        self.stack.environment["SMART_SPAWN_HOME"] = str(path)
        result = self.stack.command("status")
        self.assertEqual(result.returncode, 3)
        self.assertIn("no stack runs", result.stderr)
        self.stack.environment["SMART_SPAWN_HOME"] = str(self.stack.home)

    def test_a_failed_up_does_not_say_that_the_stack_runs(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            self.stack.environment["PORT"] = str(taken.getsockname()[1])
            result = self.stack.command("up", "--detach", timeout=120)
        self.stack.environment["PORT"] = "0"
        self.assertEqual(result.returncode, 3, result.stderr)
        self.assertIn("gatewayd-1", result.stderr)
        self.assertNotIn("runs, but", result.stderr)

    def test_down_stops_whatever_the_file_says(self):
        self.stack.start()
        (self.stack.home / "smart-spawn.conf").write_text("oops\n")
        result = self.stack.command("down", timeout=60)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("stopped", result.stdout)
        (self.stack.home / "smart-spawn.conf").unlink()

    def test_down_says_what_it_stopped_and_removed(self):
        self.stack.start()
        scanner = int((self.stack.home / "service/.scanner-pid").read_text())
        os.kill(scanner, signal.SIGKILL)
        wait_for(lambda: not alive(scanner), 10, "the scanner to be gone")
        result = self.stack.command("down", timeout=60)
        self.assertIn("had been left", result.stdout)
        self.assertIn("gatewayd-1", result.stdout)
        self.assertIn("postgres", result.stdout)
        result = self.stack.command("down", "--delete-data", timeout=60)
        self.assertIn("nothing ran", result.stdout)
        self.assertIn("removed the database", result.stdout)
        result = self.stack.command("down", "--delete-data", timeout=60)
        self.assertIn("no private database was there", result.stdout)

    def test_ctrl_c_while_the_database_is_made_is_one_line(self):
        with subprocess.Popen([BIN / "smart-spawn", "up"],
                              env=self.stack.environment, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              start_new_session=True) as up:
            said = up.stderr.readline()
            self.assertIn("preparing", said)
            # What a terminal does: the whole foreground group hears it.
            os.killpg(up.pid, signal.SIGINT)
            _, rest = up.communicate(timeout=60)
        self.assertEqual(up.returncode, 3, rest)
        self.assertEqual(len(rest.splitlines()), 1, rest)
        self.assertIn("interrupted", rest)


class Door(unittest.TestCase):
    def test_dev_runs_smart_spawn_from_where_the_user_stands(self):
        with tempfile.TemporaryDirectory() as folder:
            clone = pathlib.Path(folder, "clone")
            (clone / "build/release").mkdir(parents=True)
            (clone / "build/release/bin").symlink_to(BIN.resolve())
            shutil.copy(ROOT / "dev", clone / "dev")
            stands = pathlib.Path(folder, "project/deep")
            stands.mkdir(parents=True)
            home = pathlib.Path(folder, "project/.smart-spawn")
            home.mkdir()
            environment = {k: v for k, v in os.environ.items()
                           if not k.startswith("SMART_SPAWN_")}
            result = subprocess.run([clone / "dev", "down"], cwd=stands,
                                    env=environment, text=True,
                                    capture_output=True, timeout=30,
                                    check=False)
            self.assertEqual(result.stdout, f"nothing ran at {home}\n",
                             result.stderr)
            result = subprocess.run([clone / "dev", "up", "--help"],
                                    cwd=stands, env=environment, text=True,
                                    capture_output=True, timeout=30,
                                    check=False)
            self.assertEqual((result.returncode, result.stderr), (0, ""))
            self.assertIn("[--detach]", result.stdout)


if __name__ == "__main__":
    unittest.main(verbosity=2)
