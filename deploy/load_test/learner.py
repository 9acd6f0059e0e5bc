"""A simulated learner: opens the lessons in order, works, saves, and notes how long everything took."""

from __future__ import annotations

import asyncio
import random
import time
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp
import script
from browser import Browser, Refused
from kernel_client import Kernel, KernelDied, text_of
from script import Answer, Hint, Move, Pace, Run, Save, Think

TROUBLE = (Refused, KernelDied, TimeoutError, aiohttp.ClientError, LookupError, AssertionError, OSError)


class Sample(NamedTuple):
    """How long one thing took."""

    at: float  # seconds since the beginning
    phase: str
    learner: str
    kind: str
    lesson: str
    seconds: float
    cell: int = -1


class Trouble(NamedTuple):
    """Something that went wrong."""

    at: float
    phase: str
    learner: str
    what: str


class Log:
    """What all learners note."""

    def __init__(self) -> None:
        self.begin = time.monotonic()
        self.phase = "lessons"
        self.samples: list[Sample] = []
        self.troubles: list[Trouble] = []
        self.counts: dict[str, int] = {}

    def sample(self, learner: str, kind: str, lesson: str, seconds: float, cell: int = -1) -> None:
        """Note how long something took that has ended now."""
        at = time.monotonic() - self.begin
        self.samples.append(Sample(at, self.phase, learner, kind, lesson, seconds, cell))

    def trouble(self, learner: str, what: str) -> None:
        """Note what went wrong."""
        self.troubles.append(Trouble(time.monotonic() - self.begin, self.phase, learner, what))

    def count(self, what: str, number: int = 1) -> None:
        """Count something."""
        self.counts[what] = self.counts.get(what, 0) + number


class Open(NamedTuple):
    """A notebook that is open."""

    lesson: str
    notebook: dict[str, Any]
    session: dict[str, Any]
    kernel: Kernel

    @property
    def file(self) -> str:
        """Return the notebook's name."""
        return f"{self.lesson}.ipynb"


class Learner:
    """One learner, from logging in to the end."""

    def __init__(self, browser: Browser, log: Log, seed: int, pace: Pace) -> None:
        self.browser, self.log, self.pace = browser, log, pace
        self.name = browser.name
        self.rng = random.Random(f"{seed} {self.name}")
        self.results: list[tuple[str, str, str | None]] = []  # what the progress file has to hold
        self.saved: dict[str, list[tuple[Any, ...]]] = {}  # notebooks as they were saved last
        self.open: dict[str, Open] = {}
        self.heard: list[tuple[float, float]] = []
        self.poll_errors: list[str] = []
        self.direction = 1

    async def arrive(self) -> None:
        """Log in, have the server started, and load JupyterLab."""
        start = time.monotonic()
        await self.browser.log_in()
        self.log.sample(self.name, "login", "", time.monotonic() - start)
        start = time.monotonic()
        await self.browser.spawn()
        self.log.sample(self.name, "spawn", "", time.monotonic() - start)
        start = time.monotonic()
        await self.browser.open_lab()
        self.log.sample(self.name, "first page", "", time.monotonic() - start)

    async def work(self, lessons: dict[str, bool], deadline: float = float("inf")) -> None:
        """Go through lessons, wholly or in part; close each one's kernel or leave it open, as people do.

        Parameters
        ----------
        lessons : dict
            Lesson to whether it is run wholly; the last one is left open.
        deadline : float
            Monotonic time after which no further lesson is run wholly.
        """
        for lesson, wanted in lessons.items():
            whole = wanted and time.monotonic() < deadline
            opened = await self.begin(lesson)
            for action in script.lesson(opened.notebook, self.rng, self.pace, whole=whole):
                await self.act(opened, action)
            await self.act(opened, Save())
            self.log.count("lessons run wholly" if whole else "lessons run in part")
            if lesson != list(lessons)[-1] and self.rng.random() < 0.6:
                await self.shut(opened)

    async def begin(self, lesson: str) -> Open:
        """Open a lesson's notebook with its kernel."""
        start = time.monotonic()
        opened = Open(lesson, *await self.browser.open_notebook(f"{lesson}.ipynb"))
        self.log.sample(self.name, "open", lesson, time.monotonic() - start)
        self.open[lesson] = opened
        return opened

    async def shut(self, opened: Open) -> None:
        """Shut a notebook's kernel down."""
        await opened.kernel.close()
        await self.browser.api("DELETE", f"api/sessions/{opened.session['id']}")
        del self.open[opened.lesson]

    async def act(self, opened: Open, action: script.Action) -> None:
        """Do one thing; what goes wrong is noted, and the learner goes on.

        Raises
        ------
        KernelDied, Refused, aiohttp.ClientError
            Where going on makes no sense.
        """
        cells = opened.notebook["cells"]
        if isinstance(action, Think):
            await asyncio.sleep(action.seconds)
        elif isinstance(action, Run):
            await self.run(opened, action.cell)
        elif isinstance(action, Answer):
            await self.answer(opened, action)
        elif isinstance(action, Hint):
            await self.hint(opened, action.exercise)
        elif isinstance(action, Move):
            await self.move(opened, cells[action.cell]["outputs"], action)
        elif isinstance(action, Save):
            drop_transient(opened.notebook)
            start = time.monotonic()
            await self.browser.save(opened.file, opened.notebook)
            self.log.sample(self.name, "save", opened.lesson, time.monotonic() - start)
            self.saved[opened.file] = list(map(kept, cells))

    async def run(self, opened: Open, number: int) -> str:
        """Run a cell of the notebook; keep and return what it puts out."""
        cell = opened.notebook["cells"][number]
        request = await opened.kernel.execute(script.source(cell))
        reply = request.reply or {}
        cell["outputs"], cell["execution_count"] = request.outputs, reply.get("execution_count")
        exercise = script.checked(cell)
        self.log.sample(self.name, "check" if exercise else "cell", opened.lesson, request.seconds, number)
        if reply.get("status") != "ok" and not script.may_raise(cell):
            said = f"{reply.get('ename')}: {reply.get('evalue')}"
            self.log.trouble(self.name, f"{opened.lesson}, cell {number}: {said}")
        return text_of(request.outputs)

    async def answer(self, opened: Open, answer: Answer) -> None:
        """Write an answer, run its cell and the check, and compare what is said with what is true."""
        opened.notebook["cells"][answer.stub]["source"] = answer.source
        await self.run(opened, answer.stub)
        said = await self.run(opened, answer.check)
        status = "correct" if answer.misconception is None else "wrong"
        if " ".join(answer.sentence.split()) not in " ".join(said.split()):
            self.log.trouble(
                self.name, f"{answer.exercise}, {answer.misconception or 'right'}: the check says {said!r}"
            )
        self.log.count(f"{'right' if status == 'correct' else 'wrong'} answers")
        result = (answer.exercise, status, answer.misconception)
        if result != next((r for r in reversed(self.results) if r[0] == answer.exercise), None):
            self.results.append(result)

    async def hint(self, opened: Open, exercise: str) -> None:
        """Ask for a hint."""
        request = await opened.kernel.execute(f'from bptt_lessons.course import hint\nhint("{exercise}")')
        self.log.sample(self.name, "hint", opened.lesson, request.seconds)
        self.log.count("hints")
        if "hint" not in text_of(request.outputs):
            self.log.trouble(self.name, f"{exercise}: no hint, but {text_of(request.outputs)!r}")

    async def move(self, opened: Open, outputs: list[dict[str, Any]], move: Move) -> None:
        """Move a figure's field one step up or down, and wait for the new picture."""
        model = opened.kernel.field(outputs, move.field)
        state = opened.kernel.models[model]
        step, value = state.get("step") or 1, state["value"]
        low, high = state.get("min", -1e9), state.get("max", 1e9)
        self.direction *= -1 if self.rng.random() < 0.2 else 1
        if not low <= value + self.direction * step <= high:
            self.direction *= -1
        request = await opened.kernel.move(model, round(value + self.direction * step, 9))
        if request.pictures:
            self.log.sample(self.name, "move", opened.lesson, request.pictures[0], move.cell)
        else:
            self.log.trouble(self.name, f"{opened.lesson}: {move.field} went from {value} and no new picture came")
        self.log.count("moves")


def drop_transient(notebook: dict[str, Any]) -> None:
    """Take away what is not written into a file: names of displays that may be updated."""
    for cell in notebook["cells"]:
        for output in cell.get("outputs", []):
            output.pop("transient", None)


def kept(cell: dict[str, Any]) -> tuple[Any, ...]:
    """Return what must not get lost of a cell."""
    outputs = [
        (o["output_type"], "".join(o.get("text", "")), sorted(o.get("data", {})), o.get("evalue"))
        for o in cell.get("outputs", [])
    ]
    return (cell["cell_type"], script.source(cell), cell.get("execution_count"), outputs)


def lost_notebooks(folder: Path, saved: dict[str, list[tuple[Any, ...]]]) -> list[str]:
    """Return the notebooks that do not hold what was saved last."""
    return [name for name, cells in saved.items() if list(map(kept, script.read(folder / name)["cells"])) != cells]


def lost_progress(folder: Path, results: list[tuple[str, str, str | None]]) -> list[str]:
    """Return in what a progress file differs from what was submitted."""
    from bptt_lessons.course import progress

    found = [(entry.exercise, entry.status, entry.misconception) for entry in progress.read(folder)]
    if found == results:
        return []
    missing = [f"missing: {result}" for result in results if result not in found]
    return [*missing, *(f"not submitted: {r}" for r in found if r not in results)] or ["in another order"]
