"""The limits of one learner, and the machines a room needs, from what measure_memory.py measured.

    guarantee   what one open lesson needs, rounded up to 64 MiB: the server and the median kernel
    limit       1.5 times what the two heaviest lessons need, open at once, rounded up to 128 MiB

A scheduler sets the guarantee aside; a runaway cell runs into the limit, which has room for lesson 09 with
three others left open, or for six of the others.  A learner gets at most one core, because no lesson can use two,
and at least a tenth of one: most of the time people read, think and type.

    python deploy/limits.py              prints the limits, and the tables of README.md
"""

from __future__ import annotations

import json
import math
import statistics
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).resolve().parent
MEMORY = HERE / "memory.json"
MIB = 2**20
ROOMS = (5, 30, 200)  # learners
NODES = ((4, 16), (8, 32))  # cores and GiB
SYSTEM = 2048  # MiB on one machine for the system, the hub and its proxy
NODE_OWN = 0.15  # share of a node's memory and cores for Kubernetes itself
NODE_PODS = 100  # learners on one node; Kubernetes allows 110 pods, some of them the system's


class Limits(NamedTuple):
    """What one learner may use."""

    guarantee: int  # MiB
    limit: int  # MiB
    cpu_guarantee: float = 0.1  # cores
    cpu_limit: int = 1


def limits(memory: dict[str, Any]) -> Limits:
    """Return the limits that follow from the measured memory, as memory.json holds it."""
    server = memory["server"]["at the end"]["peak"]
    kernels = sorted(kernel["peak"] for kernel in memory["kernels"].values())
    typical, worst = server + statistics.median(kernels), server + sum(kernels[-2:])
    return Limits(round_up(typical * 1e6 / MIB, 64), round_up(1.5 * worst * 1e6 / MIB, 128))


def round_up(number: float, step: int) -> int:
    """Round up to the next multiple of the step."""
    return math.ceil(number / step) * step


def machine(learners: int, each: Limits) -> str:
    """Return the one machine that holds everyone's guarantee, and one learner at the limit."""
    gib = math.ceil((SYSTEM + learners * each.guarantee + each.limit) / 1024)
    return f"{max(2, math.ceil(learners * each.cpu_guarantee))} cores, {gib} GiB"


def nodes(learners: int, each: Limits, cores: int, gib: int) -> int:
    """Return how many nodes of this size hold everyone's guarantee."""
    by_memory = gib * 1024 * (1 - NODE_OWN) // each.guarantee
    by_cores = cores * (1 - NODE_OWN) // each.cpu_guarantee
    return math.ceil(learners / min(by_memory, by_cores, NODE_PODS))


def rooms_table(each: Limits) -> str:
    """Return the machines for rooms of learners, as Markdown."""
    sizes = [f"nodes of {cores} cores, {gib} GiB" for cores, gib in NODES]
    rows = [
        [str(learners), machine(learners, each), *(str(nodes(learners, each, *size)) for size in NODES)]
        for learners in ROOMS
    ]
    return table(["learners", "one machine", *sizes], rows)


def memory_table(memory: dict[str, Any]) -> str:
    """Return what was measured, as Markdown."""
    processes = {f"server, {when}": found for when, found in memory["server"].items()}
    processes |= {f"kernel, {stem.replace('_', ' ')}": found for stem, found in memory["kernels"].items()}
    rows = [[name, str(found["peak"]), str(found["now"])] for name, found in processes.items()]
    return table(["process", "peak, MB", "at the end, MB"], rows)


def table(head: list[str], rows: list[list[str]]) -> str:
    """Return a table in Markdown."""
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *rows))


if __name__ == "__main__":
    measured = json.loads(MEMORY.read_text(encoding="utf-8"))
    print(limits(measured), memory_table(measured), rooms_table(limits(measured)), sep="\n\n")
