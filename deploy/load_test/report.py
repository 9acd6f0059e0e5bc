"""What a load test found: percentiles, and the page RESULTS.md."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

MIB = 2**20


class Spread(NamedTuple):
    """How a number of measurements spread, in seconds."""

    n: int
    median: float
    p95: float
    p99: float
    most: float


def percentile(values: Sequence[float], share: float) -> float:
    """Return the least of the values that at least this share of them does not exceed.

    Raises
    ------
    ValueError
        If there are no values, or the share is not above 0 and at most 1.
    """
    if not values:
        raise ValueError("values is empty; expected at least one")
    if not 0 < share <= 1:
        raise ValueError(f"share is {share}; expected a number above 0 and at most 1")
    return sorted(values)[math.ceil(share * len(values) - 1e-9) - 1]


def spread(values: Sequence[float]) -> Spread:
    """Return how values spread."""
    return Spread(len(values), *(percentile(values, share) for share in (0.5, 0.95, 0.99, 1.0)))


def spreads(samples: Iterable[Any], *names: str) -> dict[tuple[str, ...], Spread]:
    """Return the spread of the seconds of samples, for each combination of the fields named."""
    groups = defaultdict(list)
    for sample in samples:
        groups[tuple(getattr(sample, name) for name in names)].append(sample.seconds)
    return {key: spread(values) for key, values in groups.items()}


def line(cells: Iterable[Any]) -> str:
    """Return one line of a table in Markdown."""
    return f"| {' | '.join(map(str, cells))} |"


def table(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Return a table in Markdown."""
    return "\n".join([line(columns), line(["---"] * len(columns)), *map(line, rows)])


def seconds(value: float) -> str:
    """Write seconds with the digits that mean something."""
    return f"{value:.3f}" if value < 1 else f"{value:.2f}" if value < 10 else f"{value:.0f}"


def share(value: float | None) -> str:
    """Write a share of the processor."""
    return "not counted" if value is None else f"{value:.0%}"


def row(found: Mapping[str, Any]) -> list[str]:
    """Return the cells of a spread: number, median, 95th, 99th percentile, most."""
    return [str(found["n"]), *(seconds(found[name]) for name in ("median", "p95", "p99", "most"))]


PARTS = ("processor", "learners", "hub", "simulation")
SPREAD = ["number", "median, s", "p95, s", "p99, s", "most, s"]
KINDS = {
    "small cell": "a small cell",
    "login": "logging in",
    "spawn": "from asking for a server to its answer",
    "first page": "JupyterLab's page with all its files",
    "open": "opening a lesson, until its kernel answers",
    "cell": "a cell",
    "check": "a check cell",
    "move": "a figure's field moved, until the new picture",
    "hint": "a hint",
    "save": "saving",
}


def rule_of_thumb(paces: Sequence[Mapping[str, Any]], cores: int, limit: float = 1.0) -> str:
    """Say how many learners a core can bear: the most that were tried with a 95th percentile below the limit.

    Parameters
    ----------
    paces : sequence of mapping
        Each with ``learners`` and ``all``, the spread of everything they waited for.
    cores : int
    limit : float
        Seconds.
    """
    fine = []
    for pace in sorted(paces, key=lambda pace: pace["learners"]):
        if pace["all"]["p95"] >= limit:
            break
        fine.append(pace["learners"])
    if not fine:
        return f"Even the fewest learners tried waited for {limit:g} s or longer at the 95th percentile."
    least = "at least " if fine[-1] == max(pace["learners"] for pace in paces) else ""
    return (
        f"Rule of thumb: {least}{fine[-1] / cores:g} learners per core with a 95th percentile below {limit:g} s "
        f"({fine[-1]} on {cores} cores), at the pace described below."
    )


def verdict(found: Mapping[str, Any]) -> str:
    """Say in a line what was asked, and whether it was met."""
    errors, lost = len(found["troubles"]), found["lost"]
    met = "yes" if not errors and not lost else "NO"
    return f"Asked: no errors, no lost progress. Met: **{met}** ({errors} errors; {lost} learners with something lost)."


def page(found: Mapping[str, Any]) -> str:
    """Return the page of results."""
    lessons = [key for key in found["lessons"] if key]
    parts = [
        "# Results of the load test",
        "Written by `python deploy/load_test`; [README.md](README.md) says what is simulated and what is not. "
        "All figures are in [results.json](results.json) too.",
        f"{found['machine']}. {found['versions']}. Commit {found['commit']}, {found['when']}, seed {found['seed']}, "
        f"{found['learners']} learners, {found['minutes']:.1f} minutes in all.",
        verdict(found),
        "\n".join(f"- {trouble['phase']}, {trouble['learner']}: {trouble['what']}" for trouble in found["troubles"]),
        "## The work",
        f"{found['learners']} learners logged in over {found['stagger']:.0f} s, opened lessons 01 to 06 one after the "
        f"other, and did this: " + "; ".join(f"{name}: {count}" for name, count in found["counts"].items()) + ".",
        limits_of(found),
        "## How long they waited",
        "Seconds from asking to having all of it. Cells are those of the lessons as they stand, training runs "
        "included; many of them compute for seconds on an idle machine too. The processor was full in this phase, "
        "because hours of lessons were run through in minutes.",
        table(["what", *SPREAD], [[KINDS.get(k, k), *row(v)] for k, v in found["waits"].items()]),
        table(
            ["lesson", "what", *SPREAD],
            [[lesson[:2], KINDS[k], *row(v)] for lesson in lessons for k, v in found["lessons"][lesson].items()],
        ),
        "## How many learners two cores bear" if found["cores"] == 2 else "## How many learners this machine bears",
        found["rule"],
        "Each is in lesson 06 and all the time does one of three things, drawn at random: runs a small cell, has an "
        f"exercise checked, or moves a figure three times; between them {found['think']:g} s of thought on average. "
        "That is busier than people are, who read and type for minutes.",
        table(
            ["learners at work", "logged in", "processor used", *SPREAD],
            [[p["learners"], found["learners"], f"{p['processor']:.0%}", *row(p["all"])] for p in found["paces"]],
        ),
        table(
            ["learners at work", "what", *SPREAD],
            [[p["learners"], KINDS.get(k, k), *row(v)] for p in found["paces"] for k, v in p["kinds"].items()],
        ),
        "## Memory and processor",
        table(["what", "median, MiB", "p95, MiB", "most, MiB", "number"], memory_rows(found["memory"])),
        found["memory_note"],
        table(["phase", "seconds", "processor used", "by learners", "by hub and proxy", "by the simulation itself"],
              [[p["phase"], f"{p['seconds']:.0f}", *(share(p[name]) for name in PARTS)] for p in found["processor"]]),
        "Shares are of all cores together. What the learners' browsers do is done by one process of the simulation on "
        "the same machine, so that a real hub has a little more to give.",
        *hurt(found),
    ]  # fmt: skip
    return "\n\n".join(part for part in parts if part) + "\n"


def limits_of(found: Mapping[str, Any]) -> str:
    """Say which limits held, and who kept them."""
    limits = found["limits"]
    return (
        f"Limits of each learner (from {limits['source']}): {limits['memory'] / MIB:.0f} MiB of memory, "
        f"{limits['cpu']:g} core, {limits['processes']} processes and threads; {found['kept_by']}."
    )


def memory_rows(memory: Mapping[str, Sequence[float]]) -> list[list[str]]:
    """Return the rows of the table of memory."""
    return [
        [name, *(f"{percentile(values, share) / MIB:.0f}" for share in (0.5, 0.95, 1.0)), str(len(values))]
        for name, values in memory.items()
        if values
    ]


def hurt(found: Mapping[str, Any]) -> list[str]:
    """Return the section on those who hurt the others."""
    if not found["windows"]:
        return ["## Accidents", "Not run."]
    windows = found["windows"]
    return [
        "## Accidents",
        f"{len(found['culprits'])} more learners had an accident at the same time, while all {found['learners']} "
        "others went on working at the pace above; what these waited for, before, during and after:",
        table(
            ["window", "errors", "processor used", *SPREAD],
            [[name, w["errors"], f"{w['processor']:.0%}", *row(w["all"])] for name, w in windows.items()],
        ),
        table(
            ["window", "what", *SPREAD],
            [[name, KINDS.get(k, k), *row(v)] for name, w in windows.items() for k, v in w["kinds"].items()],
        ),
        "What became of those who had it:",
        "\n".join(f"- **{words}**: {'; '.join(story)}." for words, story in found["culprits"].items()),
        *found["left_out"],
    ]
