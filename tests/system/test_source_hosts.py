"""Who a source is: hosts that are gone, that send elsewhere, that cannot prove
who they are, and a key that goes to its own host alone."""

import contextlib
import pathlib
import ssl
import subprocess
import tempfile
import unittest

import source_ways
import sources
from refreshing import Refreshing
from stack import Stack, fixed_port

KEY = "sesame-open-yourself"
AA = sources.URLS["ARTIFICIAL_ANALYSIS"]
OPENROUTER = sources.URLS["OPENROUTER"]


def self_signed(folder):
    """A TLS context that no authority vouches for."""
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days",
         "2", "-subj", "/CN=127.0.0.1", "-addext",
         "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate],
        check=True, capture_output=True, timeout=60)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


@unittest.skipUnless(sources.RECORDED, f"{sources.FOLDER} is not here")
class Hosts(Refreshing, unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = cls.enterClassContext(
            tempfile.TemporaryDirectory(prefix="ss-tls-"))
        cls.own = cls.enterClassContext(sources.Sources())
        cls.other = cls.enterClassContext(sources.Sources(("127.0.0.2", 0)))
        cls.closed = ("127.0.0.1", int(fixed_port()))
        cls.secure = cls.enterClassContext(sources.Sources(
            context=self_signed(pathlib.Path(folder))))
        cls.own.ways[OPENROUTER] = source_ways.redirects(
            cls.other.url(OPENROUTER))
        urls = {
            "OPENROUTER": cls.own.url(OPENROUTER),
            "ARTIFICIAL_ANALYSIS": cls.own.url(AA),
            "HF_LEADERBOARD": "http://no-such-host.invalid/board.csv",
            "LMARENA": f"http://127.0.0.1:{cls.closed[1]}"
                       + sources.URLS["LMARENA"],
            "LIVEBENCH": cls.secure.url(sources.URLS["LIVEBENCH"]),
        }
        cls.stack = cls.enterClassContext(Stack(**{
            **cls.own.settings(), "SMART_SPAWN_ARTIFICIAL_ANALYSIS_API_KEY":
            KEY, **{f"SMART_SPAWN_{name}_URL": url
                    for name, url in urls.items()}}))

    def test_who_cannot_be_reached_is_stale_and_serves_when_back(self):
        self.settle()
        self.assert_stale(self.status(), {
            "hf-leaderboard": "resolv", "lmarena": "connect|refused"})
        with sources.Sources(self.closed):
            self.assert_ok(self.fetch("lmarena"), "lmarena")
        self.assert_stale(self.fetch("lmarena"), {
            "lmarena": "connect|refused"})

    def test_without_a_key_a_redirect_is_followed(self):
        self.own.asks.clear()
        self.other.asks.clear()
        self.assert_ok(self.fetch("openrouter"), "openrouter")
        self.assertEqual(len(self.own.asks_of(OPENROUTER)), 1)
        self.assertEqual(len(self.other.asks_of(OPENROUTER)), 1)
        self.assertGreater(self.report("openrouter").count, 300)

    def test_a_key_goes_to_its_own_host_and_nowhere_else(self):
        self.own.asks.clear()
        self.other.asks.clear()
        with contextlib.ExitStack() as after:
            after.callback(self.own.ways.pop, AA, None)
            names = ("artificial-analysis", "openrouter")
            self.assert_ok(self.fetch(*names), *names)
            self.own.ways[AA] = source_ways.redirects(self.other.url(AA))
            self.assert_stale(self.fetch(*names),
                              {"artificial-analysis": "HTTP status 302"})
        keys = [ask.headers["x-api-key"] for ask in self.own.asks_of(AA)]
        self.assertEqual(keys, [KEY, KEY])
        self.assertEqual(self.other.asks_of(AA), [])
        foreign = [ask for ask in self.own.asks + self.other.asks
                   if ask.path != AA]
        self.assertTrue(foreign)
        for ask in foreign:
            self.assertNotIn(KEY, str(ask.headers), ask.path)
        self.assertNotIn(KEY, self.stack.log("ingestd-1"))
        self.assertNotIn(KEY, self.stack.get("/api/status").body.decode())

    def test_a_certificate_that_nobody_vouches_for_is_refused(self):
        self.assert_stale(self.fetch("livebench"),
                          {"livebench": "certificate"})
        self.assertEqual(self.secure.asks, [], "it was asked all the same")


if __name__ == "__main__":
    unittest.main(verbosity=2)
