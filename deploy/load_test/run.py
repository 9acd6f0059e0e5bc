"""The load test itself, run by the Python of ``.venv-load``: phases, measurements, and the two files of results."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import datetime
import importlib.util
import json
import os
import random
import shutil
import signal
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import environment
import hub as hubs
import learner_limits
import machine
import report
import script
from browser import Browser
from culprits import ACCIDENTS, LESSON, Culprit, place
from hub import Hub
from learner import TROUBLE, Learner, Log, lost_notebooks, lost_progress
from script import Pace

HERE = Path(__file__).resolve().parent
STEPS = (1, 10, 20, 30, 40, 60, 80)  # learners at work at a time, for the rule of thumb
SMALL_CELL = "np.tanh(np.linspace(-2.0, 2.0, 9)).round(3)"
SMALL_DISK = 64  # MiB


class Plan(NamedTuple):
    """How long each part lasts, in seconds, and how much is done."""

    learners: int
    whole: int
    stagger: float  # over which the learners arrive
    deadline: float  # after which no lesson is begun that is to be run wholly: it is run in part
    step: float  # of each number of learners
    window: float  # before, during and after the accidents
    think: float  # mean between two things, in the steps and the windows


def plan(options: argparse.Namespace) -> Plan:
    """Divide the time."""
    learners = options.learners or (4 if options.quick else 30)
    minutes = options.minutes or (5 if options.quick else 20)
    whole = options.whole if options.whole is not None else (1 if options.quick else 2)
    short = 12.0 if options.quick else 35.0
    return Plan(learners, min(whole, len(script.LESSONS)), 4.0 * learners, 0.5 * 60 * minutes, short, short, 4.0)


def lessons_of(number: int, whole: int) -> dict[str, bool]:
    """Return the lessons in order, and which of them this learner runs wholly: as many of each in all."""
    count = len(script.LESSONS)
    chosen = {(number + k * count // whole) % count for k in range(whole)} if whole else set()
    return {lesson: n in chosen for n, lesson in enumerate(script.LESSONS)}


async def everything(hub: Hub, options: argparse.Namespace) -> dict[str, Any]:
    """Run all phases; return what was found."""
    the_plan, log = plan(options), Log()
    class_ = [
        Learner(Browser(hub.url, f"learner-{n + 1:02d}", hub.password), log, options.seed, Pace())
        for n in range(the_plan.learners)
    ]
    found: dict[str, Any] = {"processor": [], "paces": [], "windows": {}, "culprits": {}, "left_out": [], "memory": {}}
    peaks: dict[str, float] = {}
    watch = asyncio.create_task(machine.peaks(hub, peaks))
    culprits: list[Culprit] = []
    try:
        async with contextlib.AsyncExitStack() as stack:
            before = machine.read(hub)
            say(log, f"{the_plan.learners} learners arrive over {the_plan.stagger:.0f} s and work through the lessons")
            await asyncio.gather(*(come_and_work(n, one, the_plan, stack) for n, one in enumerate(class_)))
            found["processor"].append(machine.between("lessons", before, machine.read(hub)))
            found["memory"] = machine.memory(hub, [one.name for one in class_])
            found["open"] = sum(len(one.open) for one in class_)
            present = [one for one in class_ if LESSON in one.open]
            for number in [n for n in STEPS if n < len(present)] + [len(present)] * bool(present):
                name = f"{number} at work"
                say(log, name)
                part = await window(hub, log, name, present[:number], the_plan, found)
                found["paces"].append({"learners": number, **part})
            if not options.no_accidents:
                culprits = await accidents(hub, log, present, the_plan, options, found, stack)
            log.phase = "end"
            say(log, "the end: everything is saved and compared")
            found["lost"] = sum(await asyncio.gather(*(compare(hub, one) for one in class_)))
            for one in class_:  # what a culprit's own page is refused meanwhile is part of the accident
                for said in one.poll_errors:
                    log.trouble(one.name, said)
    finally:
        watch.cancel()
        await asyncio.gather(watch, return_exceptions=True)
        for one in [*class_, *(culprit.learner for culprit in culprits)]:
            for opened in one.open.values():
                await opened.kernel.close()
            await one.browser.close()
    summarise(found, log, hub, the_plan, options, peaks)
    return found


def say(log: Log, text: str) -> None:
    """Say what is done now."""
    print(f"{(time.monotonic() - log.begin) / 60:5.1f} min  {text}", flush=True)


async def come_and_work(number: int, one: Learner, the_plan: Plan, stack: contextlib.AsyncExitStack) -> None:
    """Arrive after a while, go through the lessons, and stay."""
    await asyncio.sleep(number * the_plan.stagger / the_plan.learners)
    try:
        await one.arrive()
        await stack.enter_async_context(one.browser.polling(one.heard, one.poll_errors))
        await one.work(lessons_of(number, the_plan.whole), one.log.begin + the_plan.deadline)
        if LESSON not in one.open:
            await one.begin(LESSON)
        await get_ready(one)
    except TROUBLE as error:
        one.log.trouble(one.name, f"gave up: {type(error).__name__}: {error}")


async def get_ready(one: Learner) -> None:
    """See to it that the lesson in front has its imports and its figure."""
    opened = one.open[LESSON]
    figure = next(n for n, cell in enumerate(opened.notebook["cells"]) if script.field_of(cell))
    await one.run(opened, script.imports_cell(opened.notebook))
    await one.run(opened, figure)


async def window(
    hub: Hub, log: Log, name: str, working: list[Learner], the_plan: Plan, found: dict[str, Any], length: float = 0
) -> dict[str, Any]:
    """Let learners work at the workshop's pace for a while; return what they waited for."""
    log.phase = name
    before, end = machine.read(hub), time.monotonic() + (length or the_plan.step)
    await asyncio.gather(*(potter(one, end, the_plan.think) for one in working))
    used = machine.between(name, before, machine.read(hub))
    found["processor"].append(used)
    names = {one.name for one in working}  # what the culprits wait for is their own affair
    samples = [s for s in log.samples if s.phase == name and s.learner in names]
    samples = [s for s in samples if s.kind in ("small cell", "check", "move")]
    kinds = report.spreads(samples, "kind")
    errors = sum(trouble.phase == name and trouble.learner in names for trouble in log.troubles)
    return {
        "all": report.spread([s.seconds for s in samples])._asdict(),
        "kinds": {kind: spread._asdict() for (kind,), spread in sorted(kinds.items())},
        "processor": used["processor"],
        "errors": errors,
    }


async def potter(one: Learner, end: float, think: float) -> None:
    """Run small cells, have an exercise checked, move the figure, until the time is over."""
    rng, opened = random.Random(f"{one.name} {one.log.phase}"), one.open[LESSON]
    stub, check = place(opened, "lstm.memory_half_life")
    figure = next(n for n, cell in enumerate(opened.notebook["cells"]) if script.field_of(cell))
    right = script.Answer("lstm.memory_half_life", stub, check, script.right("lstm.memory_half_life"), None,
                          "The lesson goes on with your function.")  # fmt: skip
    await asyncio.sleep(rng.uniform(0, think))
    while time.monotonic() < end:
        try:
            match rng.choice(("cell", "check", "move")):
                case "cell":
                    request = await opened.kernel.execute(SMALL_CELL)
                    one.log.sample(one.name, "small cell", LESSON, request.seconds)
                case "check":
                    await one.act(opened, right)
                case "move":
                    for _ in range(3):
                        await one.act(opened, script.Move(figure, script.FIELDS["gate_explorer"]))
                        await asyncio.sleep(0.3)
        except TROUBLE as error:
            one.log.trouble(one.name, f"{type(error).__name__}: {error}")
            return
        await asyncio.sleep(min(rng.expovariate(1 / think), max(end - time.monotonic(), 0)))


async def accidents(
    hub: Hub, log: Log, present: list[Learner], the_plan: Plan, options: argparse.Namespace, found: dict[str, Any],
    stack: contextlib.AsyncExitStack,
) -> list[Culprit]:  # fmt: skip
    """Let some learners hurt the others, and see what these notice."""
    names = list(ACCIDENTS)
    if hub.tree is None:
        names = [name for name in names if name not in ("processes", "memory")]
        found["left_out"].append("Left out, because nothing would stop them here: memory, processes and threads.")
    culprits = []
    for name in names:
        one = Learner(Browser(hub.url, f"accident-{name}", hub.password), log, options.seed, Pace())
        if ACCIDENTS[name].small_disk and not hub.small_disk(one.name, SMALL_DISK):
            found["left_out"].append("Left out, because no small disk can be mounted here: the full disk.")
            await one.browser.close()
            continue
        culprits.append(Culprit(one, name))
    log.phase = "accidents are prepared"
    say(log, f"{len(culprits)} more learners arrive")

    async def prepare(culprit: Culprit) -> None:
        await culprit.learner.arrive()
        await stack.enter_async_context(
            culprit.learner.browser.polling(culprit.learner.heard, culprit.learner.poll_errors)
        )
        await culprit.prepare()

    await asyncio.gather(*map(prepare, culprits))
    for name in ("before", "during", "after"):
        say(log, f"{name} the accidents")
        if name == "during":
            for culprit in culprits:
                await culprit.begin()
        phase = f"{name} the accidents"
        found["windows"][name] = await window(hub, log, phase, present, the_plan, found, the_plan.window)
        if name == "during":
            log.phase = "the culprits recover"
            say(log, log.phase)
            await asyncio.gather(*(recover(hub, culprit) for culprit in culprits))
    found["culprits"] = {culprit.accident.words: culprit.story for culprit in culprits}
    return culprits


async def recover(hub: Hub, culprit: Culprit) -> None:
    """Let one of them recover; what goes wrong then is told too."""
    learner = culprit.learner
    try:
        group = hub.tree.group(learner.name) if hub.tree else None
        await culprit.recover(hub.lessons(learner.name), group)
    except TROUBLE as error:
        culprit.story.append(f"and then: {type(error).__name__}: {error}")
        learner.log.trouble(learner.name, f"could not go on: {type(error).__name__}: {error}")


async def compare(hub: Hub, one: Learner) -> bool:
    """Compare what a learner submitted and saved with what is on the disk; say whether something is lost."""
    folder = hub.lessons(one.name)
    try:
        for opened in one.open.values():
            await one.act(opened, script.Save())
        lost = lost_progress(folder, one.results) + lost_notebooks(folder, one.saved)
    except TROUBLE as error:
        lost = [f"could not be compared: {type(error).__name__}: {error}"]
    for what in lost:
        one.log.trouble(one.name, f"lost: {what}")
    return bool(lost)


def summarise(
    found: dict[str, Any], log: Log, hub: Hub, the_plan: Plan, options: argparse.Namespace, peaks: dict[str, float]
) -> None:
    """Add to what was found what the page says beside it."""
    lessons = [s for s in log.samples if s.phase == "lessons"]
    arrivals = [s for s in log.samples if s.kind in ("login", "spawn", "first page") and s.phase == "lessons"]
    work = [s for s in lessons if s.kind not in ("login", "spawn", "first page")]
    waits = report.spreads([*arrivals, *work], "kind")
    by_lesson = report.spreads(work, "lesson", "kind")
    order = list(report.KINDS)
    found |= {
        "waits": {kind: waits[(kind,)]._asdict() for kind in order if (kind,) in waits},
        "lessons": {
            lesson: {k: by_lesson[lesson, k]._asdict() for k in order if (lesson, k) in by_lesson}
            for lesson in script.LESSONS
        },
        "counts": log.counts,
        "troubles": [trouble._asdict() for trouble in log.troubles],
        "rule": report.rule_of_thumb(found["paces"], os.cpu_count() or 1),
        "memory_note": (
            f"At the end of the lessons, {found['open']} kernels being open in all. The most there was at any time: "
            f"hub {peaks.get('hub', 0) / report.MIB:.0f} MiB, proxy {peaks.get('proxy', 0) / report.MIB:.0f} MiB, "
            f"everything on the machine {peaks.get('machine', 0) / 2**30:.1f} GiB."
        ),
        "peaks": peaks,
        "limits": learner_limits.read()._asdict(),
        "kept_by": (
            f"kept by control groups of version {hub.tree.version}, one for each learner's server and kernels"
            if hub.tree
            else "without control groups, so that only the memory of each single process is limited"
        ),
        "machine": machine.description(),
        "cores": os.cpu_count() or 1,
        "versions": machine.versions(environment.PROXY),
        "commit": machine.commit(),
        "when": f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d %H:%M} UTC",
        "seed": options.seed,
        "learners": the_plan.learners,
        "stagger": the_plan.stagger,
        "think": the_plan.think,
        "minutes": (time.monotonic() - log.begin) / 60,
    }


def command_line() -> Any:
    """Return the options, as the command that makes the environment reads them."""
    spec = importlib.util.spec_from_file_location("load_test_command", HERE / "__main__.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.parser()


def stop(number: int, _: object) -> None:
    """Turn every wish to end into Ctrl-C, so that everything is put away."""
    raise KeyboardInterrupt(signal.Signals(number).name)


def outcome(found: dict[str, Any], *, written: bool) -> int:
    """Write or print the page; return the exit code."""
    text = report.page(found)
    if written:
        (HERE / "RESULTS.md").write_text(text, encoding="utf-8")
        (HERE / "results.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
        print(f"Written: {HERE / 'RESULTS.md'} and results.json")
    else:
        print(text)
    print(report.verdict(found))
    print(found["rule"])
    return int(bool(found["troubles"] or found["lost"]))


def main(arguments: Iterable[str] | None = None) -> int:
    """Run the load test; return 1 if there were errors or something was lost."""
    options = command_line().parse_args(arguments)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)
    log = None
    try:
        with hubs.running(environment.PROXY, learner_limits.read(), groups=not options.no_groups) as hub:
            try:
                found = asyncio.run(everything(hub, options))
            finally:
                log = Path(environment.FOLDER, "hub.log")
                shutil.copy(hub.log, log)
    except KeyboardInterrupt:
        print("\nStopped: the hub, its servers and all temporary folders are gone.", file=sys.stderr)
        return 130
    return outcome(found, written=not (options.quick or options.print))


if __name__ == "__main__":
    raise SystemExit(main())
