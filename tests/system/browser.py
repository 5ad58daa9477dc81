"""A real Chromium for system tests: headless, by itself, gone afterwards.

    with Browser(names={"evil.example": "127.0.0.1"}) as driver:
        driver.get(...)

driver is Selenium's. The browser has a profile of its own, talks to this
machine only (every other name and address fails to resolve) and does nothing
in the background. Leaving the context ends each process that was started, by
its id, and complains about one that had to be killed.
"""

import contextlib
import os
import pathlib
import shutil
import signal
import tempfile
import time

from processes import all_pids, read
from stack import alive, wait_for

CHROMIUM = pathlib.Path("/usr/lib/chromium/chromium")
DRIVER = pathlib.Path("/usr/bin/chromedriver")
NEEDED = "apt: chromium, chromium-driver, python3-selenium"
LOCAL = ("localhost", "localhost.", "*.localhost", "127.0.0.1", "0.0.0.0",
         "::1", "::ffff:7f00:1")
QUIET = (
    "--headless=new", "--window-size=1280,900", "--lang=en",
    "--disable-background-networking", "--disable-component-update",
    "--disable-client-side-phishing-detection", "--disable-default-apps",
    "--disable-domain-reliability", "--disable-extensions", "--disable-sync",
    "--disable-breakpad", "--metrics-recording-only", "--no-first-run",
    "--no-default-browser-check", "--no-proxy-server", "--no-service-autorun",
    "--password-store=basic", "--use-mock-keychain", "--disable-gpu",
    "--disable-dev-shm-usage")
# The last three are the browser's own walls around this machine. They would
# hide what the server does without them, and other browsers have none.
OFF = ("AutofillServerCommunication", "CertificateTransparencyComponentUpdater",
       "DialMediaRouteProvider", "InterestFeedContentSuggestions",
       "MediaRouter", "OptimizationHints", "Translate",
       "BlockInsecurePrivateNetworkRequests", "LocalNetworkAccessChecks",
       "PrivateNetworkAccessSendPreflights")


def missing():
    """Why there is no browser here; empty when there is one."""
    for path in (CHROMIUM, DRIVER):
        if not os.access(path, os.X_OK):
            return f"{path} is not here ({NEEDED})"
    try:
        import selenium.webdriver  # noqa: F401
    except ImportError as error:
        return f"{error} ({NEEDED})"
    return ""


def resolver_rules(names):
    """This machine's names, those of the test, and nothing else."""
    return ", ".join([*(f"MAP {name} {address}"
                        for name, address in names.items()),
                      *(f"EXCLUDE {name}" for name in LOCAL),
                      *(f"EXCLUDE {a}" for a in set(names.values())),
                      "MAP * ~NOTFOUND"])


class Browser:
    """One Chromium. arguments: more of its switches; names: host name ->
    address."""

    def __init__(self, arguments=(), names=None, page_load_seconds=20):
        self.profile = pathlib.Path(tempfile.mkdtemp(prefix="ss-browser-"))
        self.arguments = [
            *QUIET, *arguments, "--disable-features=" + ",".join(OFF),
            f"--user-data-dir={self.profile / 'profile'}",
            "--host-resolver-rules=" + resolver_rules(names or {})]
        if os.geteuid() == 0:
            self.arguments.append("--no-sandbox")
        self.page_load_seconds = page_load_seconds
        self.driver = None
        self.session = None

    def __enter__(self):
        try:
            self.driver = self._start()
            self.driver.set_page_load_timeout(self.page_load_seconds)
            return self.driver
        except BaseException:
            with contextlib.suppress(AssertionError):
                self._end()
            raise

    def __exit__(self, *_):
        self._end()

    def _start(self):
        from selenium import webdriver
        from selenium.webdriver.chrome.service import Service

        # A home and a folder for temporary files of its own: nothing of it
        # lies anywhere else. A session of its own: its processes are known.
        (self.profile / "tmp").mkdir()
        service = Service(
            str(DRIVER), popen_kw={"start_new_session": True},
            service_args=["--log-level=WARNING"],
            log_path=str(self.profile / "driver.log"),
            env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8",
                 "HOME": str(self.profile), "TMPDIR": self._tmp()})
        options = webdriver.ChromeOptions()
        options.binary_location = str(CHROMIUM)
        for argument in self.arguments:
            options.add_argument(argument)
        start = service.start

        def started():
            try:
                start()
            finally:
                if getattr(service, "process", None):
                    self.session = service.process.pid
        service.start = started
        return webdriver.Chrome(service=service, options=options)

    def _tmp(self):
        return str(self.profile / "tmp")

    def pids(self):
        """What runs of this browser: the driver's session, and whatever
        carries its home in the environment."""
        mark = f"HOME={self.profile}".encode()
        return [pid for pid in all_pids()
                if alive(pid) and (session_of(pid) == self.session or
                                   mark in read(pid, "environ").split(b"\0"))]

    def _end(self):
        with contextlib.suppress(Exception):
            if self.driver:
                self.driver.quit()
        left = []
        try:
            wait_for(lambda: not self.pids(), 5, "the browser to end")
        except AssertionError:
            left = [f"{pid} {command_of(pid)}" for pid in self.pids()]
            self._kill()
        shutil.rmtree(self.profile, ignore_errors=True)
        if left:
            raise AssertionError("the browser had to be killed: "
                                 + "; ".join(left))

    def _kill(self):
        deadline = time.monotonic() + 5
        while (pids := self.pids()) and time.monotonic() < deadline:
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.01)


def session_of(pid):
    try:
        return os.getsid(pid)
    except OSError:
        return None


def command_of(pid):
    return read(pid, "cmdline").replace(b"\0", b" ").decode(
        errors="replace")[:120]
