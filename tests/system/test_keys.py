"""API keys from the command to the snapshot that gateways follow."""

import importlib
import json
import os
import re
import signal
import stat
import subprocess
import sys
import tempfile
import time
import unittest

from stack import BIN, ROOT, Stack, wait_for

sys.path.insert(0, str(ROOT / "clients/python"))
import smart_spawn_pick as client  # noqa: E402

KEY = re.compile(r"ssk_([0-9a-z]{8})_[A-Za-z0-9_-]{43}")


def load_messages():
    """rpc and tenants as Python modules."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["protoc", f"--proto_path={ROOT / 'proto'}",
                        f"--python_out={folder}", "common.proto", "rpc.proto",
                        "tenants.proto"], check=True)
        sys.path.insert(0, folder)
        try:
            return (importlib.import_module("rpc_pb2"),
                    importlib.import_module("tenants_pb2"))
        finally:
            sys.path.remove(folder)


rpc, tenants = load_messages()


class Caller:
    """Calls to one feedbackd, and what it publishes as "tenants"."""

    def __init__(self, endpoint):
        self.channel = client.Channel(rpc, endpoint, "test-keys")
        self.at = None
        self.seen = {}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.channel.close()

    def call(self, method, request, reply, seconds=15):
        return self.channel.call(method, request, reply,
                                 time.monotonic() + seconds)

    def add(self, tenant, **fields):
        request = tenants.AddKeyRequest(tenant=tenant, **fields)
        return self.call("ss.Tenants/AddKey", request, tenants.AddKeyReply())

    def watch(self, wait_ms=5000):
        """The next version of the tenants, or the same after the wait."""
        request = rpc.WatchRequest(name="tenants", wait_ms=wait_ms)
        if self.at:
            request.have.CopyFrom(self.at)
        reply = self.call("ss.Snapshots/Watch", request, rpc.WatchReply())
        assert not reply.delta, "tenants are published whole"
        self.at = reply.at
        if reply.HasField("whole"):
            whole = tenants.TenantsSnapshot.FromString(reply.whole)
            self.seen = {key.id: key for key in whole.keys}
        return self.seen

    def until(self, fits, what):
        wait_for(lambda: fits(self.watch()), 15, what)
        return self.seen


class Keys(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stack = Stack().start()

    @classmethod
    def tearDownClass(cls):
        cls.stack.stop()

    def setUp(self):
        self.stack.sql("DELETE FROM api_keys")

    def keys(self, code, *arguments):
        result = self.stack.command("keys", *arguments)
        self.assertEqual(result.returncode, code,
                         result.stdout + result.stderr)
        return result

    def add(self, *arguments):
        """A key's text and id; the text stands alone on stdout."""
        result = self.keys(0, "add", *arguments)
        found = KEY.fullmatch(result.stdout.strip())
        self.assertTrue(found, result.stdout)
        self.assertIn("cannot be shown again", result.stderr)
        self.assertIn("Authorization: Bearer", result.stderr)
        self.assertNotIn(result.stdout.strip(), result.stderr)
        return found.group(0), found.group(1)

    def caller(self, instance="feedbackd-1"):
        return Caller(self.stack.endpoint(instance))

    def test_a_key_is_made_listed_and_revoked(self):
        self.assertEqual(self.keys(1, "list").stdout, "none\n")
        self.assertEqual(json.loads(self.keys(1, "list", "--json").stdout),
                         {"keys": []})
        _, first = self.add("acme", "--label", "my laptop")
        _, second = self.add("default")
        rows = json.loads(self.keys(0, "list", "--json").stdout)["keys"]
        self.assertEqual([(r["id"], r["tenant"], r["label"]) for r in rows],
                         [(first, "acme", "my laptop"),
                          (second, "default", None)])
        self.assertIsNone(rows[0]["revokedAt"])
        said = self.keys(0, "revoke", first).stdout
        self.assertIn(f"key {first} of tenant acme is revoked since", said)
        self.assertEqual(self.keys(0, "revoke", first).stdout, said)
        table = self.keys(0, "list").stdout
        self.assertIn("my laptop", table)
        self.assertRegex(table.splitlines()[0],
                         r"^ID +TENANT +LABEL +CREATED AT +REVOKED AT$")

    def test_what_is_wrong_is_said_with_what_to_do(self):
        for arguments, code, words in (
                ([], 2, "usage: smart-spawn keys add TENANT"),
                (["frob"], 2, 'keys has no "frob"'),
                (["add"], 2, "keys needs a tenant"),
                (["add", "two words"], 2, "tenant must be 1 to 64 bytes"),
                (["add", "a" * 65], 2, "tenant must be 1 to 64 bytes"),
                (["add", "a", "b"], 2, 'does not take "b"'),
                (["add", "a", "--frob"], 2, 'does not take "--frob"'),
                (["add", "a", "--label"], 2, "--label needs a value"),
                (["add", "a", "--label", "x" * 65], 2, "at most 64 bytes"),
                (["add", "a", "--label=\t"], 2, "no control characters"),
                (["list", "x"], 2, 'does not take "x"'),
                (["revoke"], 2, "keys needs the id of a key"),
                (["revoke", "nobodys1"], 1, "there is no key of this id")):
            with self.subTest(arguments):
                self.assertIn(words, self.keys(code, *arguments).stderr)
        self.assertEqual(self.stack.sql("SELECT count(*) FROM api_keys"),
                         [["0"]])
        help_text = self.stack.command("keys", "--help")
        self.assertEqual(help_text.returncode, 0)
        self.assertIn("revoke ID", help_text.stdout)

    def test_a_key_is_in_no_log_error_or_row(self):
        text, key_id = self.add("acme")
        # Somebody pastes the whole key where its id belongs.
        self.assertNotIn(text, self.keys(2, "revoke", text).stderr)
        with self.caller() as caller, \
                self.assertRaises(client.CallError) as raised:
            caller.call("ss.Tenants/RevokeKey",
                        tenants.RevokeKeyRequest(id=text),
                        tenants.RevokeKeyReply())
        self.assertEqual(raised.exception.status, "NOT_FOUND")
        secret = text.rpartition(key_id + "_")[2]
        self.assertNotIn(secret, str(raised.exception))
        rows = self.stack.sql("SELECT k::text FROM api_keys k")
        self.assertEqual(len(rows), 1)
        self.assertNotIn(secret, str(rows))
        for path in self.stack.home.glob("log/*/*"):
            if path.is_file():
                self.assertNotIn(secret, path.read_text(errors="replace"),
                                 path)
        self.assertIn(f"key-added id={key_id}", self.stack.log("feedbackd-1"))

    def test_the_snapshot_follows_every_change(self):
        with self.caller() as caller:
            self.assertEqual(caller.until(lambda seen: not seen, "no keys"),
                             {})
            text, key_id = self.add("acme", "--label", "ci")
            seen = caller.until(lambda seen: key_id in seen, "the new key")
            self.assertEqual(seen[key_id].tenant, "acme")
            self.assertEqual(seen[key_id].label, "ci")
            self.assertFalse(seen[key_id].revoked)
            self.assertEqual(len(seen[key_id].key_hash), 32)
            self.assertNotIn(text.encode(), seen[key_id].SerializeToString())
            self.keys(0, "revoke", key_id)
            began = time.monotonic()
            caller.until(lambda seen: seen[key_id].revoked, "its end")
            self.assertLess(time.monotonic() - began, 5)

    def test_a_malformed_row_is_said_by_status_and_stops_no_revocation(self):
        _, good = self.add("acme")
        self.stack.sql("ALTER TABLE api_keys DROP CONSTRAINT"
                       " api_keys_tenant_check")
        self.stack.sql("INSERT INTO api_keys (id, tenant, key_hash) VALUES"
                       " ('bad1', 'two words', sha256('bad1'))")
        words = ("an API key is left out (id bad1: malformed tenant): correct"
                 " or delete its row in the table api_keys")
        try:
            with self.caller() as caller:
                self.keys(0, "revoke", good)
                seen = caller.until(
                    lambda keys: good in keys and keys[good].revoked,
                    "the revocation")
                self.assertNotIn("bad1", seen)
            status = self.stack.command("status")
            self.assertEqual(status.returncode, 0, status.stdout)
            self.assertIn(words, status.stdout)
        finally:
            self.stack.sql("DELETE FROM api_keys")
            self.stack.sql(
                "ALTER TABLE api_keys ADD CONSTRAINT api_keys_tenant_check"
                " CHECK (tenant ~ '^[A-Za-z0-9._-]{1,64}$')")
        wait_for(lambda: "left out" not in self.stack.command("status").stdout,
                 15, "all to be well again")

    def test_two_feedbackd_make_one_first_key_and_tell_each_other(self):
        home = str(self.stack.home)
        with subprocess.Popen(
                [BIN / "smart-spawn-feedbackd", "--home", home, "--instance",
                 "feedbackd-2"], env=self.stack.environment,
                stderr=subprocess.DEVNULL) as second:
            try:
                # It tells the keys before it can write any.
                wait_for(lambda: self.stack.serves("feedbackd-2"), 10,
                         "a second feedbackd")
                self.race()
            finally:
                second.send_signal(signal.SIGTERM)
                self.assertEqual(second.wait(timeout=20), 0)

    def race(self):
        """Many at once, at both: one key is made, and both publish it."""
        callers = [self.caller(f"feedbackd-{1 + i % 2}") for i in range(8)]
        callers[1].until(lambda seen: not seen, "the second is ready")
        request = tenants.AddKeyRequest(tenant="default", only_first=True)
        for caller in callers:
            self.assertTrue(caller.channel.socket.poll(5000, client.zmq.POLLOUT))
        for caller in callers:
            header = rpc.FrameHeader(
                kind=rpc.FRAME_REQ, version=1, call_id=1000, timeout_ms=10000,
                method="ss.Tenants/AddKey", caller="test-keys")
            caller.channel.socket.send_multipart(
                [header.SerializeToString(), request.SerializeToString()])
        statuses = []
        for caller in callers:
            header = rpc.FrameHeader()
            self.assertTrue(caller.channel.socket.poll(15000))
            header.ParseFromString(caller.channel.socket.recv_multipart()[0])
            self.assertEqual(header.call_id, 1000)
            statuses.append(client.STATUSES[header.status])
        self.assertEqual(sorted(statuses),
                         ["FAILED_PRECONDITION"] * 7 + ["OK"])
        for caller in callers[:2]:
            caller.until(lambda seen: len(seen) == 1, "the one key")
        for caller in callers:
            caller.channel.close()

    def test_without_postgresql_it_is_said_and_the_keys_stay(self):
        _, key_id = self.add("acme")
        with self.caller() as caller:
            caller.until(lambda seen: key_id in seen, "the key")
        service = self.stack.home / "service/postgres"
        subprocess.run(["s6-svc", "-wD", "-T", "20000", "-d", service],
                       check=True)
        try:
            for arguments in (["add", "acme"], ["list"], ["revoke", key_id]):
                said = self.keys(3, *arguments).stderr
                self.assertIn("the database is not reachable", said)
                self.assertIn("see smart-spawn status", said)
            with self.caller() as caller:
                self.assertIn(key_id, caller.watch())
        finally:
            subprocess.run(["s6-svc", "-wU", "-T", "20000", "-u", service],
                           check=True)
        wait_for(lambda: self.stack.command("keys", "list").returncode == 0,
                 15, "keys again")
        self.assertEqual(self.stack.sql("SELECT count(*) FROM api_keys"),
                         [["1"]])

    def test_keys_and_token_survive_down_and_up(self):
        _, key_id = self.add("acme")
        self.keys(0, "revoke", self.add("acme")[1])
        before = self.keys(0, "list").stdout
        token = (self.stack.home / "token").read_text()
        down = self.stack.command("down", timeout=60)
        self.assertEqual(down.returncode, 0, down.stderr)
        without = self.keys(3, "list").stderr
        self.assertIn("no stack runs at", without)
        self.assertIn("smart-spawn up", without)
        up = self.stack.command("up", "--detach", timeout=120)
        self.assertEqual(up.returncode, 0, up.stderr)
        self.assertEqual(self.keys(0, "list").stdout, before)
        self.assertEqual((self.stack.home / "token").read_text(), token)
        with self.caller() as caller:
            seen = caller.until(lambda seen: len(seen) == 2, "both keys")
            self.assertFalse(seen[key_id].revoked)

    def test_up_says_where_the_token_lies(self):
        path = self.stack.home / "token"
        self.assertTrue(KEY.fullmatch(path.read_text().strip()))
        self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o600)
        up = self.stack.command("up", "--detach", timeout=60)
        self.assertIn(f": {path}\n", up.stdout)
        self.assertNotIn(path.read_text().strip(), up.stdout + up.stderr)
        # On loopback nobody needs a key to begin with.
        self.assertFalse(KEY.search(up.stdout + up.stderr))


class Open(unittest.TestCase):
    """A gateway that other machines can reach."""

    def up(self, stack):
        result = stack.command("up", "--detach", timeout=120)
        self.assertEqual(result.returncode, 0, result.stderr + stack.logs())
        return result.stdout + result.stderr

    def test_up_makes_and_prints_the_first_key_once(self):
        stack = Stack(SMART_SPAWN_HTTP_ADDRESS="0.0.0.0")
        try:
            said = self.up(stack)
            found = KEY.findall(said)
            self.assertEqual(len(found), 1, said)
            self.assertIn("cannot be shown again", said)
            self.assertIn("Authorization: Bearer", said)
            rows = json.loads(stack.command("keys", "list", "--json").stdout)
            self.assertEqual([(r["id"], r["tenant"], r["label"])
                              for r in rows["keys"]],
                             [(found[0], "default", "first")])
            self.assertFalse(KEY.search(self.up(stack)))
            # Nor after it was revoked.
            revoked = stack.command("keys", "revoke", found[0])
            self.assertEqual(revoked.returncode, 0, revoked.stderr)
            self.assertFalse(KEY.search(self.up(stack)))
        finally:
            stack.stop()

    def test_write_open_needs_no_key(self):
        stack = Stack(SMART_SPAWN_HTTP_ADDRESS="0.0.0.0",
                      SMART_SPAWN_WRITE_OPEN="yes")
        try:
            self.assertFalse(KEY.search(self.up(stack)))
            self.assertEqual(stack.command("keys", "list").returncode, 1)
        finally:
            stack.stop()


if __name__ == "__main__":
    unittest.main(verbosity=2)
