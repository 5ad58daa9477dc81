"""24 hours in 10 minutes: no process grows.

Every interval of the configuration is 144 times shorter, so that what happens
in a day happens in 10 minutes: refreshes of the sources (from a server here,
with what was recorded of them, in turn newer and older), looks at events,
upkeep, whole loads of the layers. Meanwhile clients make mixed calls over HTTP
and ZeroMQ. SS_SOAK_SECONDS (20, unless set) and SS_SOAK_CALLS (300 a second)
say how long and how many; the long form is 600 and 1,000,000.

Flat means, for each process that lived all the time: the median of the last
tenth is not above the median of the second tenth (of ten minutes: the last
and the second minute) by more than noise, for private memory, descriptors and
threads. Noise is 5 % or 1 MiB; a run that is shorter than 5 minutes has not
warmed up in its first tenth, so there it is 25 % or 4 MiB.
"""
# label: plain

import collections
import json
import os
import re
import statistics
import subprocess
import threading
import time
import unittest

import processes
import sources
from stack import DAEMONS, ROOT, Stack, wait_for

SECONDS = int(os.environ.get("SS_SOAK_SECONDS", "20"))
CALLS = int(os.environ.get("SS_SOAK_CALLS", str(300 * SECONDS)))
SHORTER = 144  # 24 hours in 10 minutes
HTTP_CLIENTS = 3
ZEROMQ_SHARE = 25  # one call of so many goes over ZeroMQ
PATIENCE = 4  # times as long a machine may take that has other work too
SAMPLE = max(0.5, min(5, SECONDS / 60))  # seconds between two looks
RELOADS = 24  # whole loads of the layers: one an hour of the day
LONG = SECONDS >= 300
NOISE_SHARE = 0.05 if LONG else 0.25
NOISE_KIB = 1024 if LONG else 4096
NOISE_COUNT = 32  # descriptors and threads: connections of clients come and go
NOISE_FILES = 64  # PostgreSQL keeps the files of tables open that it met
WARM_UP = 6  # refreshes in the first tenth, so that both recordings were held
UNITS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
# Durations that are no intervals: how long something may take, not how often
# it happens. What is called a timeout is known by its name.
NO_INTERVALS = {
    "rpc.silence": "how long a process may stand still before it is given up",
    "rpc.ping_every": "asks often enough to know that, and hundreds of times "
                      "in ten minutes as it is",
}
# Intervals whose lowest value is longer than that.
BOUNDED = {
    "feedback.interval": "10 ms, 100 times shorter, is as often as it looks",
}
KEY = re.compile(r"# duration, (\d+) to (\d+) ms[^\n]*\n(?:#[^\n]*\n)*"
                 r"([a-z_.]+) = (\d+)([a-z]+)")


def shortened(config):
    """The settings that make every interval shorter, the durations left as
    they are, and intervals that cannot be so short, from what `smart-spawn
    config` prints."""
    settings, left, bounded = {}, [], []
    for lowest, _, key, number, unit in KEY.findall(config):
        if key.endswith("timeout") or key in NO_INTERVALS:
            left.append(key)
            continue
        wanted = int(number) * UNITS[unit] // SHORTER
        name = "SMART_SPAWN_" + re.sub("[^A-Z]", "_", key.upper())
        settings[name] = f"{max(int(lowest), wanted)}ms"
        if wanted < int(lowest):
            bounded.append(key)
    return settings, left, bounded


class Samples:
    """Looks at every process of the stack now and then."""

    def __init__(self, stack):
        self.home, self.data = stack.home, stack.data_folder()
        self.instances = {stack.pid_of(name): name for name in DAEMONS}
        self.rows = collections.defaultdict(list)  # process -> [(t, memory)]
        self.names = {}
        self.began = time.monotonic()
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        while not self.ended.wait(SAMPLE):
            at = time.monotonic() - self.began
            for process, name in processes.of_home(self.home,
                                                   self.data).items():
                memory = processes.memory(process[0])
                if memory:
                    self.names[process] = self.instances.get(process[0],
                                                             shown(name))
                    self.rows[process].append((at, memory))

    def stop(self):
        self.ended.set()
        self.thread.join()
        self.lasted = time.monotonic() - self.began

    def medians(self, process, tenth):
        """Of each figure in one tenth (0 to 9) of the time; None when the
        process was not there."""
        low, high = (self.lasted * part / 10 for part in (tenth, tenth + 1))
        rows = [row for at, row in self.rows[process] if low <= at < high]
        return {key: statistics.median(row[key] for row in rows)
                for key in rows[0]} if rows else None

    def table(self):
        """process, name, figures of the second tenth, of the last one."""
        found = []
        for process, name in sorted(self.names.items(),
                                    key=lambda item: item[1]):
            early, late = self.medians(process, 1), self.medians(process, 9)
            if early and late:
                found.append((process, name, early, late))
        return found


def shown(name):
    """A PostgreSQL process without what it does at the moment."""
    return re.sub(r"^(postgres: (?:smart_spawn smart_spawn|[a-z ]*[a-z])).*",
                  r"\1", name)


def growth(name, early, late):
    """What grew more than noise."""
    allowed = {
        "anonymous": max(NOISE_SHARE * early["anonymous"], NOISE_KIB),
        "descriptors": NOISE_FILES if name.startswith("postgres")
        else NOISE_COUNT, "threads": NOISE_COUNT}
    return {key: (early[key], late[key]) for key, most in allowed.items()
            if late[key] > early[key] + most}


def end(client):
    client.kill()
    client.wait()
    client.stdout.close()


class Soak(unittest.TestCase):
    def start_stack(self):
        probe = Stack()
        config = probe.command("config").stdout
        probe.home.rmdir()
        settings, left, bounded = shortened(config)
        self.assertIn("SMART_SPAWN_REFRESH_INTERVAL", settings)
        self.assertLessEqual(set(bounded), set(BOUNDED))
        if sources.RECORDED:
            served = self.enterContext(sources.Sources())
            settings.update(served.settings())
            self.served = served
        else:
            print(f"\n{sources.FOLDER} is not here: sources are not fetched")
            self.served = None
        print(f"\nintervals: {settings}\nno intervals: {left}")
        return self.enterContext(Stack(**settings))

    def start_clients(self, stack):
        """Children that make the calls."""
        program = ROOT / "tests/system/mixed.py"
        zeromq = CALLS // ZEROMQ_SHARE
        http = -(-(CALLS - zeromq) // HTTP_CLIENTS)
        routers = ",".join(stack.endpoint(f"routerd-{i}") for i in (1, 2))
        wanted = [("http", str(stack.port), http)] * HTTP_CLIENTS \
            + [("zeromq", routers, zeromq)]
        return [subprocess.Popen(
            ["/usr/bin/python3", program, face, where, str(calls),
             str(SECONDS), str(seed)], stdout=subprocess.PIPE, text=True)
            for seed, (face, where, calls) in enumerate(wanted)]

    def live_a_day(self, stack, clients):
        """Whole loads of the layers, as at a day's end, until all is done."""
        began, loads, refreshes = time.monotonic(), 0, 0
        session = self.enterContext(stack.session())
        while any(client.poll() is None for client in clients):
            lived = time.monotonic() - began
            if lived > loads * SECONDS / RELOADS:
                session.run("notify smart_spawn_feedback, 'reload';")
                loads += 1
            if self.served and refreshes < WARM_UP and \
                    lived > refreshes * SECONDS / 10 / WARM_UP:
                self.assertEqual(stack.post("/api/refresh", {}).status, 200)
                refreshes += 1
            time.sleep(0.2)
            self.assertLess(lived, PATIENCE * SECONDS + 60,
                            "the clients do not get their calls done")
        return loads

    def test_no_process_grows_in_a_day(self):
        stack = self.start_stack()
        pids = {name: stack.pid_of(name) for name in (*DAEMONS, "postgres")}
        samples = Samples(stack)
        self.addCleanup(samples.ended.set)
        clients = self.start_clients(stack)
        for client in clients:
            self.addCleanup(end, client)
        loads = self.live_a_day(stack, clients)
        samples.stop()
        said = [json.loads(client.communicate()[0]) for client in clients]
        self.report(said, samples, loads, stack)
        for row in said:
            self.assertEqual(row["unexpected"], [])
        self.assertGreaterEqual(sum(row["calls"] for row in said), CALLS)
        self.assertEqual(
            {name: stack.pid_of(name) for name in pids}, pids,
            "a process was started anew")
        wait_for(lambda: stack.whole_log("feedbackd-1")
                 .count("layers-loaded") >= min(loads, 2), 5, "loads")
        self.assert_flat(samples)

    def assert_flat(self, samples):
        names = [name for _, name, _, _ in samples.table()]
        for name in (*DAEMONS, "postgres", "postgres: checkpointer",
                     "postgres: smart_spawn smart_spawn"):
            self.assertIn(name, names, "was not watched all the time")
        grown = {f"{name} {process[0]}": growth(name, early, late)
                 for process, name, early, late in samples.table()
                 if growth(name, early, late)}
        self.assertEqual(grown, {})

    def report(self, said, samples, loads, stack):
        kinds = collections.defaultdict(collections.Counter)
        for row in said:
            for kind, counts in row["kinds"].items():
                kinds[kind].update(counts)
        calls = sum(row["calls"] for row in said)
        lasted = max(row["seconds"] for row in said)
        print(f"{calls} calls in {lasted:.0f} s ({calls / lasted:.0f} a "
              f"second), worst {max(row['worst_ms'] for row in said)} ms; "
              f"{loads} whole loads of the layers; fetched: "
              f"{sum(self.served.asked.values()) if self.served else 0}")
        for kind, counts in sorted(kinds.items()):
            print(f"  {kind:10} {dict(counts)}")
        print(f"{'process':36} {'PSS KiB':>15} {'private KiB':>15} "
              f"{'descriptors':>11} {'threads':>7}")
        for _, name, early, late in samples.table():
            if not name.startswith("s6-"):
                print(f"{name:36} " + " ".join(
                    f"{early[key]:>{width}.0f} →{late[key]:>{width}.0f}"
                    for key, width in (("pss", 6), ("anonymous", 6),
                                       ("descriptors", 4), ("threads", 2))))
        pss = [sum(row[at]["pss"] for row in samples.table()
                   if row[1] in DAEMONS) for at in (2, 3)]
        print(f"{'all daemons':36} {pss[0]:6.0f} →{pss[1]:6.0f}")


if __name__ == "__main__":
    unittest.main(verbosity=2)
