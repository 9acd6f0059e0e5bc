"""Control groups: each learner's server and kernels in one group with limits of its own, as systemd would do it.

Linux has two kinds of hierarchy.  In version 1 every controller is a tree of its own; in version 2 there is one tree.
Both are written to as files, which mostly only root may do.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path
from typing import NamedTuple

from learner_limits import Limits

ROOT = Path("/sys/fs/cgroup")
CONTROLLERS = ("memory", "cpu", "pids")
PERIOD = 100_000  # microseconds, within which a group may use its share of the processor


class Usage(NamedTuple):
    """What a group uses."""

    memory: int  # bytes that its processes alone hold: neither files in memory nor shared libraries
    peak: int  # bytes, the most there have been at once, files in memory included
    cpu: float  # seconds
    killed: int  # processes ended because there was no memory left


class Tree(NamedTuple):
    """Where our groups are made: one folder for each controller, or one for all of them."""

    version: int
    folders: dict[str, Path]

    def group(self, name: str) -> Group:
        """Return the group of that name, made or not."""
        return Group(self.version, {c: folder / name for c, folder in self.folders.items()})

    def remove(self) -> None:
        """End every process in our groups, and remove the groups."""
        folders = set(self.folders.values())
        groups = [path for folder in folders for path in [*folder.glob("*/"), folder] if path.is_dir()]
        for _ in range(100):
            held = [pid for path in groups for pid in processes(path)]
            for pid in held:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            if not held:
                break
            time.sleep(0.05)
        for path in groups:
            with contextlib.suppress(OSError):
                path.rmdir()


class Group(NamedTuple):
    """The group of one learner."""

    version: int
    folders: dict[str, Path]

    def make(self, limits: Limits | None) -> None:
        """Make the group, with limits if there are any; one that is there already is given them anew."""
        for folder in self.folders.values():
            folder.mkdir(exist_ok=True)
        if limits is None:
            return
        for controller, values in (first if self.version == 1 else second)(limits).items():
            for file, value in values.items():
                with contextlib.suppress(FileNotFoundError):  # no swap is counted here
                    (self.folders[controller] / file).write_text(str(value))

    def files(self) -> list[str]:
        """Return the files to which a process writes its number to enter."""
        return sorted({str(folder / "cgroup.procs") for folder in self.folders.values()})

    def usage(self) -> Usage:
        """Return what the group uses now."""
        memory, cpu = self.folders["memory"], self.folders.get("cpuacct", self.folders["cpu"])
        statistics = fields(memory / "memory.stat")
        if self.version == 1:
            killed = fields(memory / "memory.oom_control").get("oom_kill", 0)
            peak = int((memory / "memory.max_usage_in_bytes").read_text())
            used = int((cpu / "cpuacct.usage").read_text()) / 1e9
            return Usage(statistics["total_rss"], peak, used, killed)
        killed = fields(memory / "memory.events")["oom_kill"]
        peak = memory / "memory.peak"  # since Linux 5.19
        most = int((peak if peak.exists() else memory / "memory.current").read_text())
        return Usage(statistics["anon"], most, fields(cpu / "cpu.stat")["usage_usec"] / 1e6, killed)

    def processes(self) -> list[int]:
        """Return the numbers of its processes."""
        return processes(self.folders["memory"])


def first(limits: Limits) -> dict[str, dict[str, int]]:
    """Return what is written into which file in version 1."""
    memory = {"memory.limit_in_bytes": limits.memory, "memory.memsw.limit_in_bytes": limits.memory}
    cpu = {"cpu.cfs_period_us": PERIOD, "cpu.cfs_quota_us": int(limits.cpu * PERIOD)}
    return {"memory": memory, "cpu": cpu, "pids": {"pids.max": limits.processes}}


def second(limits: Limits) -> dict[str, dict[str, int | str]]:
    """Return what is written into which file in version 2."""
    memory: dict[str, int | str] = {"memory.max": limits.memory, "memory.swap.max": 0}
    return {"memory": memory, "cpu": {"cpu.max": f"{int(limits.cpu * PERIOD)} {PERIOD}"},
            "pids": {"pids.max": limits.processes}}  # fmt: skip


def find(name: str, root: Path = ROOT) -> Tree | None:
    """Make a place for groups; None where the system does not let us.

    Parameters
    ----------
    name : str
        Of the folder that will hold our groups.
    root : Path
        Where the hierarchies are mounted.
    """
    try:
        if (root / "cgroup.controllers").exists():
            if not set(CONTROLLERS) <= set((root / "cgroup.controllers").read_text().split()):
                return None
            for folder in (root, root / name):
                folder.mkdir(exist_ok=True)
                (folder / "cgroup.subtree_control").write_text(" ".join(f"+{c}" for c in CONTROLLERS))
            return Tree(2, dict.fromkeys(CONTROLLERS, root / name))
        if not all((root / c).is_dir() for c in (*CONTROLLERS, "cpuacct")):
            return None
        folders = {c: root / c / name for c in (*CONTROLLERS, "cpuacct")}
        for folder in folders.values():
            folder.mkdir(exist_ok=True)
        return Tree(1, folders)
    except OSError:
        return None


def processes(folder: Path) -> list[int]:
    """Return the numbers of the processes in a group; none if it is gone."""
    try:
        return [int(pid) for pid in (folder / "cgroup.procs").read_text().split()]
    except OSError:
        return []


def fields(path: Path) -> dict[str, int]:
    """Read a file of names and whole numbers."""
    return {name: int(value) for name, value in map(str.split, path.read_text().splitlines())}
