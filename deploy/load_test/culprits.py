"""Those who hurt the others, by mistake: what they run, and what becomes of their own work.

Each of them opens the last lesson first and solves an exercise, as anybody would.  Then comes the accident.  Afterwards
they do what a person would do: interrupt; if that does not help, restart the kernel; if that does not help either,
stop their server on the hub's page and start it again; and go on.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from pathlib import Path
from typing import NamedTuple

import aiohttp
import script
from browser import Refused
from cgroups import Group
from kernel_client import Kernel, KernelDied, Request, text_of
from learner import Learner, Open, lost_notebooks, lost_progress

LESSON = "06_the_lstm"
BEFORE, AFTERWARDS, HURTFUL = "lstm.memory_half_life", "lstm.init", "lstm.step"
STEP_HEAD = "def my_lstm_step(params, x, state):"


class Accident(NamedTuple):
    """Something that is run, and what it is in words."""

    words: str
    source: str
    in_exercise: bool = False  # the source is an answer, checked again and again
    small_disk: bool = False  # the home is a disk of its own, as under a quota


ACCIDENTS = {
    "loop": Accident("an endless loop in a cell", "while True:\n    pass"),
    "exercise": Accident(
        "an endless loop in an exercise, checked again and again", f"{STEP_HEAD}\n    while True:\n        pass", True
    ),
    "memory": Accident(
        "memory without end", "held = []\nwhile True:\n    held.append(np.ones(4_000_000))  # 32 MB each"
    ),
    "processes": Accident(
        "processes and threads without end, each of them busy",
        "import os, threading\n\n"
        "def busy():\n    while True:\n        pass\n\n"
        "try:\n    while True:\n        if os.fork() == 0:\n            busy()\n"
        "finally:\n    while True:\n        threading.Thread(target=busy, daemon=True).start()",
    ),
    "printing": Accident("printing without end", 'while True:\n    print("h_t = tanh(z_t) " * 20)'),
    "disk": Accident(
        "a file that fills the disk",
        'with open("everything.bin", "wb") as file:\n    while True:\n        file.write(bytes(2**20))',
        small_disk=True,
    ),
}


class Culprit:
    """One of them."""

    def __init__(self, learner: Learner, accident: str) -> None:
        self.learner, self.accident = learner, ACCIDENTS[accident]
        self.story: list[str] = []
        self.opened: Open | None = None
        self.request: Request | None = None
        self.task: asyncio.Task[None] | None = None

    async def prepare(self) -> None:
        """Open the lesson, solve an exercise, and save."""
        opened = self.opened = await self.learner.begin(LESSON)
        await self.learner.act(opened, script.Run(script.imports_cell(opened.notebook)))
        await self.solve(opened, BEFORE)
        await self.learner.act(opened, script.Save())

    async def solve(self, opened: Open, exercise: str) -> None:
        """Give a right answer."""
        stub, check = place(opened, exercise)
        sentence = "The lesson goes on with your function."
        await self.learner.answer(opened, script.Answer(exercise, stub, check, script.right(exercise), None, sentence))

    async def begin(self) -> None:
        """Let it happen."""
        assert self.opened is not None
        if self.accident.in_exercise:
            self.task = asyncio.create_task(self._check_again_and_again(self.opened))
        else:
            content = {"code": self.accident.source, "silent": False, "store_history": True, "user_expressions": {},
                       "allow_stdin": False, "stop_on_error": True}  # fmt: skip
            self.request = await self.opened.kernel.send("execute_request", content)

    async def _check_again_and_again(self, opened: Open) -> None:
        stub, check = place(opened, HURTFUL)
        opened.notebook["cells"][stub]["source"] = self.accident.source
        times = 0
        while True:
            await self.learner.run(opened, stub)
            start = time.monotonic()
            said = await self.learner.run(opened, check)
            times += 1
            result = (HURTFUL, "wrong", "timeout")
            if result not in self.learner.results:
                self.learner.results.append(result)
                first = " ".join(said.split("\n")[:2])[:250]
                self.story.append(
                    f"the check ended by itself after {time.monotonic() - start:.1f} s and said “{first}”"
                )

    async def recover(self, folder: Path, group: Group | None) -> None:
        """Do what a person does then, and tell what was found."""
        opened, learner = self.opened, self.learner
        assert opened is not None
        if self.task is not None:
            self.task.cancel()
            await asyncio.gather(self.task, return_exceptions=True)
        if group is not None and (killed := group.usage().killed):
            self.story.append(f"the system ended {killed} process{'es' if killed > 1 else ''} at the limit of memory")
        if opened.kernel.deaths:
            self.story.append("the kernel died and was started anew by the server")
        elif self.request is not None and self.request.done.done():
            self.story.append(f"the cell ended by itself: {text_of(self.request.outputs)[-120:]!r}")
        if opened.kernel.dropped:
            self.story.append("the server held output back and said so")
        start = time.monotonic()
        try:
            kernel = await self._kernel_that_answers(opened)
            opened = self.opened = opened._replace(kernel=kernel)
        except (Refused, KernelDied, aiohttp.ClientError, TimeoutError):
            await learner.browser.stop_server()
            await learner.browser.spawn()
            await learner.browser.open_lab()
            opened = self.opened = await learner.begin(LESSON)
            self.story.append(
                "Interrupt did not help, nor did a restart of the kernel; stopping the server on the hub's page and "
                f"starting it again did ({time.monotonic() - start:.1f} s)"
            )
        if self.accident.small_disk:
            await self._disk_is_full(opened, folder)
        await learner.run(opened, script.imports_cell(opened.notebook))
        await self.solve(opened, AFTERWARDS)
        await learner.act(opened, script.Save())
        lost = lost_progress(folder, learner.results) + lost_notebooks(folder, learner.saved)
        self.story.append(
            f"LOST: {lost}" if lost else "no progress and no saved work is lost, and the next answer counts"
        )
        for what in lost:
            learner.log.trouble(learner.name, f"lost: {what}")

    async def _kernel_that_answers(self, opened: Open) -> Kernel:
        browser, kernel = self.learner.browser, opened.kernel
        number = opened.session["kernel"]["id"]
        start = time.monotonic()
        if await answers(kernel, 10.0 if kernel.deaths else 1.0):
            return kernel
        with contextlib.suppress(Refused):  # it may be dying, and cannot be interrupted then
            await browser.api("POST", f"api/kernels/{number}/interrupt")
        if await answers(kernel, 20.0):
            how = "the server started the kernel anew" if kernel.deaths else "Interrupt stopped it"
            self.story.append(f"{how} ({time.monotonic() - start:.1f} s)")
            return kernel
        await kernel.close()
        for attempt in range(3):
            try:
                await browser.api("POST", f"api/kernels/{number}/restart")
                break
            except Refused:
                if attempt == 2:
                    raise
                await asyncio.sleep(5)  # the server may be about to start it anew by itself
        kernel = await browser.channel(number)
        self.story.append(f"Interrupt did not help; a restart of the kernel did ({time.monotonic() - start:.1f} s)")
        return kernel

    async def _disk_is_full(self, opened: Open, folder: Path) -> None:
        learner = self.learner
        stub, check = place(opened, HURTFUL)
        opened.notebook["cells"][stub]["source"] = script.right(HURTFUL)
        await learner.run(opened, stub)
        said = await learner.run(opened, check)
        if "could not be written" in said:
            sentence = said[said.index("Your progress could not") :].split("\n")[0]
            self.story.append(f"with the disk full the check still judged, and said “{sentence}”")
        else:
            learner.results.append((HURTFUL, "correct", None))
            self.story.append("with the disk full there was still room for a line of progress")
        try:
            await learner.browser.save(opened.file, opened.notebook)
            self.story.append("the notebook could still be saved")
        except Exception as error:
            reason = "No space left on device" if "No space left" in str(error) else str(error)[:160]
            self.story.append(f"saving the notebook was refused, visibly ({reason})")
        lost = lost_notebooks(folder, learner.saved)
        self.story.append("the notebook on the disk was damaged" if lost else "the notebook on the disk stayed whole")
        (folder / "everything.bin").unlink()
        self.story.append("the file was deleted")


async def answers(kernel: Kernel, limit: float) -> bool:
    """Say whether a kernel runs a cell within so many seconds; one that dies meanwhile may come back."""
    end = time.monotonic() + limit
    while (left := end - time.monotonic()) > 0:
        try:
            await kernel.execute("1 + 1", left)
            return True
        except KernelDied:
            await asyncio.sleep(1)
        except TimeoutError:
            break
    return False


def place(opened: Open, exercise: str) -> tuple[int, int]:
    """Return the numbers of an exercise's stub cell and check cell."""
    check = next(n for n, c in enumerate(opened.notebook["cells"]) if script.checked(c) == exercise)
    return check - 1, check
