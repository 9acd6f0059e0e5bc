"""Live training: it runs off the cell, in a thread of its own, and buttons start it, stop it and go on with it.

The kernel stays free for other cells meanwhile.  Where Python has no threads, as in a browser, it trains in turns
with whatever else the page asks for.  A session is made of tuples and arrays that nobody
writes into, so whoever reads `LiveTraining.session` gets a whole one, whenever he asks.
"""

from __future__ import annotations

import asyncio
import os
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from functools import partial
from html import escape
from pathlib import Path
from weakref import WeakValueDictionary

import ipywidgets  # type: ignore[import-untyped]
import numpy as np

from bptt_lessons.arguments import Array, check_callable, check_flag
from bptt_lessons.training import loop, saving
from bptt_lessons.training.loop import Session
from bptt_lessons.views import panel, svg
from bptt_lessons.views.frame import Drawing, Interactive, button

SECONDS_OF_A_TURN = 0.1  # where there are no threads: as long as a button may take to answer
SECONDS_BETWEEN = 0.2  # two drawings: faster is not seen, and costs the training
SECONDS_BETWEEN_SAMPLES = 2.0
LAST = 20  # losses in the mean that is written beside the bar
MOST_POINTS = 200  # of the curve
LOGARITHMIC = 30.0  # the ratio of the largest to the least point from which the axis is logarithmic
WIDTH, HEIGHT = 700, 288
PLACE = (66.0, 34.0, 600.0, 206.0)
IDLE, RUNNING, STOPPING = "idle", "running", "stopping"
PACKAGE = str(Path(__file__).resolve().parents[1])

# By label: a cell that is run again makes a new figure, and the old one's training has to end.
latest: WeakValueDictionary[str, LiveTraining] = WeakValueDictionary()


class LiveTraining(Interactive):
    """A training with buttons; made by ``widgets.live_training``, which says what the arguments are.

    Attributes
    ----------
    session : loop.Session
        The latest whole one, while it trains and after.
    """

    def __init__(
        self,
        session: Session,
        advance: Callable[[Session], Session],
        updates: int,
        sample: Callable[[Session], str] | None,
        path: str | os.PathLike[str] | None,
        label: str,
        bits: bool,
    ) -> None:
        loop.check_train(session, advance, updates, None, None)
        if sample is not None:
            check_callable("sample", sample)
        if not isinstance(label, str) or not label.strip():
            raise ValueError(f"label must be a text that says what is trained, got {label!r}")
        check_flag("bits", bits)
        if path is not None:
            saving.check_path(path)
        if path is not None and not Path(path).resolve().parent.is_dir():
            raise ValueError(f"path must lie in a folder that exists, got {os.fspath(path)!r}")
        self.session = session
        self._advanced = session
        self._advance, self._sample, self._label, self._bits = advance, sample, label, bits
        self._path = None if path is None else Path(path)
        self._ours = False  # whether the file is this training's own: one that it wrote or loaded
        self._updates, self._first = updates, len(session.losses)
        self._lock = threading.RLock()  # round what both threads do: the state, the words, the drawing
        self._thread: threading.Thread | None = None
        self._turns: Iterator[None] = iter(())  # of a training without a thread
        self._task: asyncio.Task[None] | None = None
        self._state = IDLE
        self._goal = self._next_goal()
        self._drawn = self._sampled = self._sampling = 0.0  # when, when, and for how long
        self._said = f"Not training. Start makes {_counted(self._goal - self._first, 'update')}."
        if self._first:
            self._said = (
                f"Not training; {_counted(self._first, 'update')} made so far. Go on trains up to {self._goal}."
            )
        self._start = button("Go on" if self._first else "Start", self.start)
        row = [self._start, button("Stop", self.stop)]
        if self._path is not None:
            row += [button("Save", self.save), button("Load", self.load)]
        self.bar, self.text = ipywidgets.HTML(), ipywidgets.HTML()
        super().__init__("with live training", [row], self._drawing, _on_paper(bits, self._start.description))
        controls, picture, status = self.box.children
        self.box.children = (controls, status, self.bar, picture, self.text)
        earlier = latest.get(label)
        if earlier is not None:
            earlier.stop()
        latest[label] = self

    def start(self) -> None:
        """Train, or go on, up to the next multiple of `updates`; while it trains already, do nothing."""
        with self._lock:
            if self._state == RUNNING:
                return
            self._said = "Training. Stop ends it after the update under way."
            if self._state == STOPPING:
                self._state = RUNNING  # the thread is still there, and sees it
                self.redraw()
                return
            self._state, self._goal = RUNNING, self._next_goal()
            self._start.description = "Go on"
            self.redraw()
            self._thread = threading.Thread(target=self._run, name=f"bptt {self._label}", daemon=True)
            try:
                self._thread.start()
            except RuntimeError:  # there are none
                self._thread, self._turns = None, self._train(SECONDS_OF_A_TURN)
                self._take_turns()

    def stop(self) -> None:
        """Let the training end after the update under way; if there is none, do nothing."""
        with self._lock:
            if self._state == RUNNING:
                self._state = STOPPING
                self._said = "Stopping after the update under way."
                self.redraw()

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until the training has ended, or so many seconds; return whether it has."""
        thread, end = self._thread, float("inf") if seconds is None else time.monotonic() + seconds
        if thread is not None:
            thread.join(seconds)
        else:
            while time.monotonic() < end and next(self._turns, self) is None:  # nobody else would take the turns
                pass
        return self._state == IDLE

    def save(self) -> None:
        """Write the latest whole session to the file; what came of it is said in words."""
        with self._lock:
            self._said = self._write()
            if self._state != IDLE:
                self._said += " Training goes on."
            self.redraw()

    def load(self) -> None:
        """Read a session from the file, if none is being trained; what came of it is said in words."""
        with self._lock:
            if self._state != IDLE:
                self._said = "Nothing was loaded, because it is training. Press Stop first."
            elif self._path is not None:
                try:
                    self.session = saving.load(self._path, self.session)
                except FileNotFoundError:
                    self._said = f"Nothing was loaded: there is no file {self._path.name} yet."
                except (ValueError, OSError) as error:
                    self._said = f"Nothing was loaded: {error}"
                else:
                    self._ours, done = True, len(self.session.losses)
                    self._said = (
                        f"Loaded {self._path.name}, with {_counted(done, 'update')}. Go on takes up from there."
                    )
                    self._start.description, self._goal = "Go on", self._next_goal()
            self.redraw()

    def redraw(self, _change: object = None) -> None:
        """Draw bar, curve and words anew; either thread may ask for it."""
        with self._lock:
            super().redraw()
            self._drawn = time.monotonic()
            done = len(self.session.losses)
            words = f"{self._label}: {done:,} of {self._goal:,} updates" + (f", {self._mean_of_last()}" if done else "")
            bar = f'<progress aria-label="{escape(self._label)}" max="{self._goal}" value="{done}"></progress>'
            self.bar.value = f"{bar} {escape(words)}"

    def _run(self) -> None:
        """Train; this is what the thread does."""
        for _ in self._train(float("inf")):
            pass

    def _take_turns(self) -> None:
        """Train between the messages that the kernel gets; at once, where it gets none."""
        try:
            events = asyncio.get_running_loop()
        except RuntimeError:
            self.wait()
            return

        async def take_turns() -> None:
            for _ in self._turns:
                await asyncio.sleep(0)

        self._task = events.create_task(take_turns())

    def _train(self, seconds: float) -> Iterator[None]:
        """Train, in turns of so many seconds."""
        while True:
            end = time.monotonic() + seconds
            error = ""
            try:
                done = len(self.session.losses)
                left = self._goal - done
                if left > 0:
                    loop.train(self.session, self._one, left, self._on_update, partial(self._is_over, done, end))
                if self._state != RUNNING or len(self.session.losses) >= self._goal or seconds == float("inf"):
                    self._show_sample()
            except BaseException as caught:  # or it would be lost in a log, and the buttons with it
                error = _in_words(caught)
            with self._lock:
                done = len(self.session.losses)
                ended = self._state != RUNNING or bool(error) or done >= self._goal
                # else its turn is over, or Go on was pressed when the thread had just decided to stop
                if ended and error:
                    self._said = f"Ended by an error after {_counted(done, 'update')}, whose session is kept. {error}"
                elif ended:
                    how = "Stopped" if done < self._goal else "Done"
                    self._said = f"{how} after {_counted(done, 'update')}, {self._mean_of_last()}."
                if ended:
                    if self._path is not None:
                        self._said += " " + self._write()
                    self._state = IDLE
                    self.redraw()
            if ended:
                return
            yield

    def _is_over(self, first: int, end: float) -> bool:
        return self._state == STOPPING or (len(self.session.losses) > first and time.monotonic() > end)

    def _one(self, session: Session) -> Session:
        self._advanced = self._advance(session)
        return self._advanced

    def _on_update(self, _done: int, _loss: float) -> None:
        self.session = self._advanced  # only now: it has been checked that it is a session
        now = time.monotonic()
        if now - self._drawn >= SECONDS_BETWEEN:
            # a sample that takes long is drawn seldom: at most a tenth of the time is spent on it
            if now - self._sampled >= max(SECONDS_BETWEEN_SAMPLES, 10 * self._sampling):
                self._show_sample()
            self.redraw()

    def _show_sample(self) -> None:
        if self._sample is None:
            return
        start, session = time.monotonic(), self.session
        text = f"After {_counted(len(session.losses), 'update')}:"
        said = escape(str(self._sample(session)))
        self.text.value = (
            f'<div role="group" aria-label="sample">{text}<pre style="white-space: pre-wrap; overflow-wrap: anywhere; '
            f'max-width: {WIDTH}px; line-height: 1.35">{said}</pre></div>'
        )
        self._sampled = time.monotonic()
        self._sampling = self._sampled - start

    def _write(self) -> str:
        """Save the session, and say so; an earlier training's file is left as it is."""
        if self._path is None:
            return ""
        path, spared = self._path, ""
        if not self._ours and path.is_file():
            spared = f" {path.name} holds an earlier training and was left as it is."
            path = _free_name(path)
        try:
            saving.save(path, self.session)
        except (ValueError, OSError) as error:
            return f"It could not be saved: {error}"
        self._path, self._ours = path, True
        return f"Saved in {path.name}.{spared}"

    def _next_goal(self) -> int:
        """Return the update to train up to, so that a stop does not change where the training ends."""
        done = len(self.session.losses) - self._first
        return self._first + self._updates * (done // self._updates + 1)

    def _mean_of_last(self) -> str:
        losses = _in_units(self.session.losses[-LAST:], self._bits)
        mean = f"loss {svg.short(float(losses.mean()), 4)}{' bits' if self._bits else ''}"
        return mean if len(losses) == 1 else f"{mean} (mean of the last {len(losses)})"

    def _drawing(self) -> Drawing:
        return draw(self.session.losses, self._goal, self._bits)._replace(sentence=self._said)


def draw(losses: tuple[float, ...], goal: int, bits: bool) -> Drawing:
    """Draw the loss against the updates; many are averaged in blocks, one point each."""
    values = _in_units(losses, bits)
    size = max(1, -(-len(values) // MOST_POINTS))
    means = [float(values[k : k + size].mean()) for k in range(0, len(values), size)]
    ends = [float(min(k + size, len(values))) for k in range(0, len(values), size)]
    finite = [mean for mean in means if np.isfinite(mean)] or [0.0, 1.0]
    low, high = min(finite), max(finite)
    logarithmic = low > 0 and high / low >= LOGARITHMIC
    if logarithmic:
        low, high = float(np.log10(low)), float(np.log10(high))
        y_ticks = panel.decades(int(np.ceil(low)), int(np.floor(high)))
    pad = 0.06 * (high - low) or 0.06 * abs(high) or 0.5
    low, high = low - pad, high + pad
    if not logarithmic:
        y_ticks = _ticks(low, high, 6) if means else {}
    place = panel.Panel(*PLACE, (0, goal), (low, high))
    parts, unit = [], " in bits" if bits else ""
    if means:
        heights = [float(np.log10(mean)) if logarithmic else mean for mean in means]
        points = [point for point in zip(ends, heights, strict=True) if np.isfinite(point[1])]
        if len(points) > 1:
            parts.append(svg.path([place.at(*point) for point in points], stroke=svg.BLUE, thick=1.8))
        parts.append(panel.marks([place.at(*point) for point in points[-1:]], "circle", svg.BLUE, 4))
        block = f", each point the mean of {size} updates" if size > 1 else ""
        scale = ", logarithmic axis" if logarithmic else ""
        numbers = [svg.short(number, 4) for number in (means[0], means[-1], min(finite))]
        description = (
            f"The loss{unit} against the number of updates, {len(values):,} of {goal:,}{block}{scale}: "
            f"{numbers[0]} at first, {numbers[1]} at last, {numbers[2]} at the lowest."
        )
    else:
        block = scale = ""
        x, y = place.at(goal / 2, (low + high) / 2)
        parts.append(svg.text(x, y, "no update yet", fill=svg.FAINT))
        description = f"An empty frame for the curve of the loss{unit} against the number of updates: no update yet."
    axes = panel.frame(place, f"loss{unit}{block}{scale}", _ticks(0, goal, 7), y_ticks, "updates")
    return Drawing(svg.picture(WIDTH, HEIGHT, description, axes + "".join(parts)), description, "")


def _free_name(path: Path) -> Path:
    """Return a name that no file has yet: saved-2.npz beside saved.npz."""
    number = 2
    while (free := path.with_name(f"{path.stem}-{number}{path.suffix}")).exists():
        number += 1
    return free


def _on_paper(bits: bool, button: str) -> Drawing:
    """Return the picture before the first update: what a session holds by then may differ from run to run."""
    unit = " in bits" if bits else ""
    description = (
        f"An empty frame for the curve of the loss{unit} against the number of updates. "
        f"It fills when this cell is run and {button} is pressed."
    )
    place = panel.Panel(*PLACE, (0, 1), (0, 1))
    words = f"Run this cell and press {button}: the curve is drawn here while it trains."
    content = panel.frame(place, f"loss{unit}", {}, {}, "updates") + svg.text(*place.at(0.5, 0.5), words)
    return Drawing(svg.picture(WIDTH, HEIGHT, description, content), description, "")


def _in_units(losses: tuple[float, ...], bits: bool) -> Array:
    values: Array = np.array(losses, dtype=float) / (np.log(2) if bits else 1)
    return values


def _ticks(low: float, high: float, most: int) -> dict[float, str]:
    """Return at most about so many round numbers between two."""
    rough = (high - low) / most
    decade = 10.0 ** np.floor(np.log10(rough))
    step = float(next(s for s in (1, 2, 5, 10) if s * decade >= rough * 0.999) * decade)
    first, last = int(np.ceil(low / step)), int(np.floor(high / step))
    digits = max(0, -int(np.floor(np.log10(step) + 1e-9)))
    return {k * step: f"{k * step:,.{digits}f}".replace("-", "\N{MINUS SIGN}") for k in range(first, last + 1)}


def _in_words(error: BaseException) -> str:
    """Say what went wrong, and where in the learner's own code if it is known."""
    own = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if not frame.filename.startswith(PACKAGE) and "site-packages" not in frame.filename
    ]
    where = f" (in {own[-1].name}, line {own[-1].lineno}: {own[-1].line})" if own else ""
    return f"{type(error).__name__}: {error}{where}"


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
