"""The processes of a stack as the kernel knows them.

A process belongs to a stack when its environment names the home or it stands
in the folder of the database (whoever its parent is by now), or when it
descends from one that does. A pid alone may be another process later: here a
process is its pid and its start time.
"""

import os
import pathlib
import threading


def read(pid, name):
    try:
        return pathlib.Path(f"/proc/{pid}/{name}").read_bytes()
    except OSError:
        return b""


def stat(pid):
    """Parent and start time, or None for one that is gone, a zombie, or so
    far on its way out that its memory is given back."""
    text = read(pid, "stat").decode(errors="replace")
    if not text:
        return None
    fields = text.rsplit(")", 1)[1].split()
    if fields[0] in "ZX" or fields[20] == "0":
        return None
    return int(fields[1]), int(fields[19])


def name(pid):
    """The program, and what PostgreSQL says that it does."""
    words = read(pid, "cmdline").split(b"\0")
    first = words[0].decode(errors="replace")
    return first if first.startswith("postgres: ") else os.path.basename(first)


def all_pids():
    return [int(entry) for entry in os.listdir("/proc") if entry.isdigit()]


def stands_in(pid, folder):
    try:
        return folder is not None and \
            os.readlink(f"/proc/{pid}/cwd") == str(folder)
    except OSError:
        return False


def of_home(home, data=None):
    """Living processes of a home, or in its database's data folder:
    {(pid, start): name}."""
    mark = f"SMART_SPAWN_HOME={home}\0".encode()
    parents, found = {}, {}
    for pid in all_pids():
        about = stat(pid)
        if about:
            parents[pid] = about
            if mark in read(pid, "environ") or stands_in(pid, data):
                found[pid, about[1]] = name(pid)
    family = {pid for pid, _ in found}
    for pid, (parent, start) in sorted(parents.items()):
        if parent in family and pid not in family:
            family.add(pid)
            found[pid, start] = name(pid)
    found.pop((os.getpid(), parents.get(os.getpid(), (0, 0))[1]), None)
    return found


def alive(process):
    """Whether a (pid, start) still lives."""
    about = stat(process[0])
    return about is not None and about[1] == process[1]


class Watch:
    """Looks ever again, and remembers every process it has seen."""

    def __init__(self, home, data, seconds=0.25):
        self.home, self.data, self.seconds = home, data, seconds
        self.seen = {}
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        while not self.ended.wait(self.seconds):
            self.seen.update(of_home(self.home, self.data))

    def stop(self):
        """Every process seen, the last look included."""
        self.ended.set()
        self.thread.join()
        self.seen.update(of_home(self.home, self.data))
        return self.seen

    def left_behind(self):
        """What still lives of what was seen, or is of the home now."""
        left = {process: what for process, what in self.seen.items()
                if alive(process)}
        left.update(of_home(self.home, self.data))
        return left


def memory(pid):
    """KiB of PSS, private anonymous memory; descriptors; threads. None when
    the process is gone."""
    found = {}
    for line in read(pid, "smaps_rollup").decode().splitlines():
        words = line.split()
        if len(words) == 3 and words[2] == "kB":
            found[words[0]] = int(words[1])
    if "Pss:" not in found:
        return None
    try:
        descriptors = len(os.listdir(f"/proc/{pid}/fd"))
        threads = len(os.listdir(f"/proc/{pid}/task"))
    except OSError:
        return None
    return {"pss": found["Pss:"], "anonymous": found["Anonymous:"],
            "descriptors": descriptors, "threads": threads}
