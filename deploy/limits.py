"""The limits of one learner, by one rule from what was measured, and what follows for machines.

    guarantee   what one open lesson needs ("typical" in memory.json), rounded up to 64 MiB
    limit       1.5 times what the two heaviest lessons need, open at once ("worst"), rounded up to 128 MiB

The guarantee is what a scheduler sets aside; the limit is what a runaway cell runs into, and is room for lesson 09 with
three others left open, or for six of the others.  A learner gets at most one core, for nothing in a lesson has use
for two, and a tenth of one when everybody runs something at once: most of the time lessons are read, thought about and
typed in.

    python deploy/limits.py              writes limits.json from memory.json
    python deploy/limits.py --table      prints the tables of README.md: what was measured, and machines for rooms
"""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).resolve().parent
MEMORY, LIMITS = HERE / "memory.json", HERE / "limits.json"
MIB = 2**20
CPU_GUARANTEE, CPU_LIMIT = 0.1, 1
ROOMS = (5, 30, 200)
SYSTEM = 2048  # MiB on one machine for the system, the hub and its proxy
NODE_OWN = 0.15  # of a node's memory and processors, for Kubernetes itself and for the agents on it
NODE_PODS = 100  # learners on a node; Kubernetes' own limit is 110 pods, of which some are the system's


class Node(NamedTuple):
    """A size of machine in a cluster."""

    cores: int
    gib: int


NODES = (Node(4, 16), Node(8, 32))


def by_rule(typical: float, worst: float) -> dict[str, Any]:
    """Return the limits of one learner.

    Parameters
    ----------
    typical, worst : float
        MB (10^6 bytes), as `memory.json` has them.
    """
    return {
        "memory_guarantee_mib": up_to(typical * 1e6 / MIB, 64),
        "memory_limit_mib": up_to(1.5 * worst * 1e6 / MIB, 128),
        "cpu_guarantee": CPU_GUARANTEE,
        "cpu_limit": CPU_LIMIT,
    }


def up_to(number: float, step: int) -> int:
    """Round up to the next multiple."""
    return math.ceil(number / step) * step


def one_machine(learners: int, limits: dict[str, Any]) -> tuple[int, int]:
    """Return the cores and the GiB of one machine for so many learners: everyone at the guarantee, one at the limit."""
    mib = SYSTEM + learners * limits["memory_guarantee_mib"] + limits["memory_limit_mib"]
    return max(2, math.ceil(learners * limits["cpu_guarantee"])), math.ceil(mib / 1024)


def nodes(learners: int, limits: dict[str, Any], node: Node) -> int:
    """Return how many nodes of a size hold the guarantees of so many learners."""
    by_memory = node.gib * 1024 * (1 - NODE_OWN) // limits["memory_guarantee_mib"]
    by_cores = node.cores * (1 - NODE_OWN) // limits["cpu_guarantee"]
    return math.ceil(learners / min(by_memory, by_cores, NODE_PODS))


def table(limits: dict[str, Any]) -> str:
    """Return what rooms of learners take, as a table in Markdown."""
    sizes = [f"nodes of {node.cores} cores, {node.gib} GiB" for node in NODES]
    lines = [["learners", "one machine", *sizes], ["---"] * (2 + len(NODES))]
    for learners in ROOMS:
        cores, gib = one_machine(learners, limits)
        counts = [str(nodes(learners, limits, node)) for node in NODES]
        lines.append([str(learners), f"{cores} cores, {gib} GiB", *counts])
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def measured(memory: dict[str, Any]) -> str:
    """Return what was measured, as a table in Markdown."""
    server = memory["server"]
    found = {
        "server, just started": server["started"],
        "server, at the end": server["at the end"],
        **{f"kernel, {name.replace('_', ' ')}": kernel for name, kernel in memory["kernels"].items()},
    }
    rows = [f"| {name} | {held['peak']} | {held['now']} |" for name, held in found.items()]
    return "\n".join(["| process | peak, MB | at the end, MB |", "| --- | --- | --- |", *rows])


def write() -> None:
    """Write limits.json as the rule gives it."""
    measured = json.loads(MEMORY.read_text(encoding="utf-8"))
    found = by_rule(measured["typical"], measured["worst"])
    LIMITS.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    if "--table" in sys.argv[1:]:
        print(measured(json.loads(MEMORY.read_text(encoding="utf-8"))), end="\n\n")
        print(table(json.loads(LIMITS.read_text(encoding="utf-8"))))
    else:
        write()
