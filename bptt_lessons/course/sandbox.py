"""Running a learner's function so that nothing it does reaches the notebook round it.

It runs in a thread of its own, on copies of its arguments, with a time limit; what it
prints is caught, and warnings, random states, print options and builtins are put back.
The limit works on Python code: a loop inside compiled code cannot be stopped, only
left behind, and the outcome says so.
"""

from __future__ import annotations

import builtins
import contextlib
import copy
import ctypes
import io
import itertools
import os
import random
import sys
import threading
import time
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

PRINTED_AT_MOST = 2_000
ITEMS_AT_MOST = 100_000


@dataclass(frozen=True)
class Returned:
    """The function came back; `value` is a snapshot of plain arrays, lists and Records."""

    value: Any
    written: tuple[str, ...]  # arguments that it changed
    seconds: float
    float_errors: tuple[str, ...] = ()  # "overflow" and the like, of which NumPy warns
    printed: str = ""
    undrawn: tuple[str, ...] = ()  # random generators among the arguments from which it drew nothing


@dataclass(frozen=True)
class Raised:
    """The function raised."""

    kind: str
    message: str
    line: str  # "line 3: z = x @ W", in the learner's own function; empty if not there
    printed: str = ""
    error: type[BaseException] = Exception


@dataclass(frozen=True)
class TimedOut:
    """The function was stopped, or left behind if it could not be."""

    line: str
    stopped: bool
    printed: str = ""


Outcome = Returned | Raised | TimedOut


@dataclass(frozen=True)
class Record:
    """Snapshot of a NamedTuple."""

    kind: str
    values: Mapping[str, Any]


@dataclass(frozen=True)
class Other:
    """Snapshot of something that is neither an array nor made of arrays."""

    kind: str


class TimeLimitError(BaseException):
    """Raised inside a learner's thread when its time is over.

    A loop round a bare ``except:`` would swallow it.  So, where it is caught, it has the
    next line of the learner's code raise once more: that line lies in the handler.
    """

    def __init__(self) -> None:
        super().__init__()
        frame = sys._getframe(1)
        while frame is not None and frame.f_code.co_filename != __file__:
            frame.f_trace = again
            frame = frame.f_back  # type: ignore[assignment]
        sys.settrace(again)


def again(frame: Any, event: str, argument: Any) -> Any:
    """Raise in the thread that is being traced; Python then stops tracing it."""
    if event == "line":
        raise TimeLimitError
    return again


@dataclass
class Sink(io.TextIOBase):
    """A stream that keeps the beginning of what is written and drops the rest."""

    kept: list[str] = field(default_factory=list)
    room: int = PRINTED_AT_MOST

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        if self.room > 0:
            self.kept.append(text[: self.room])
            self.room -= len(text)
        return len(text)


def run(function: Callable[..., Any], arguments: Mapping[str, Any], seconds: float) -> Outcome:
    """Call `function` on copies of `arguments`, in their order, for at most `seconds`."""
    given = {name: copied(value) for name, value in arguments.items()}
    outcome: list[tuple[str, Any]] = []
    float_errors: set[str] = set()

    def call() -> None:
        try:
            with np.errstate(all="call", under="ignore", call=lambda kind, flag: float_errors.add(kind)):
                start = time.perf_counter()
                value = function(*given.values())
                outcome.append(("seconds", time.perf_counter() - start))
                outcome.append(("returned", snapshot(value)))
        except BaseException as error:  # a learner's function may raise anything, SystemExit included
            outcome.append(("raised", error))

    sink = Sink()
    with isolated(sink):
        thread = threading.Thread(target=call, daemon=True, name="learner")
        thread.start()
        try:
            thread.join(seconds)
        except BaseException:  # the learner pressed stop
            stop(thread)
            raise
        late = thread.is_alive()
        line = current_line(thread, function) if late else ""
        stopped = stop(thread) if late else True
    printed = "".join(sink.kept)
    if late:
        return TimedOut(line, stopped, printed)
    kind, value = outcome[-1]
    if kind == "raised":
        return raised(value, function, printed)
    written = tuple(name for name, before in arguments.items() if not unchanged(before, given[name]))
    undrawn = tuple(name for name, before in arguments.items() if same_draws_to_come(before, given[name]))
    return Returned(value, written, outcome[0][1], tuple(sorted(float_errors)), printed, undrawn)


@contextlib.contextmanager
def isolated(sink: Sink) -> Iterator[None]:
    """Catch what is printed, silence warnings, and put global state back at the end."""
    state, numpy_state = random.getstate(), np.random.get_state()  # noqa: NPY002 - the legacy state is what a learner may touch
    names, depth, folder = dict(vars(builtins)), sys.getrecursionlimit(), os.getcwd()
    try:
        with (
            contextlib.redirect_stdout(sink),
            contextlib.redirect_stderr(sink),
            warnings.catch_warnings(),
            np.printoptions(),
        ):
            warnings.simplefilter("ignore")
            vars(builtins)["input"] = no_input
            yield
    finally:
        for name in set(vars(builtins)) - set(names):
            del vars(builtins)[name]
        vars(builtins).update(names)
        sys.setrecursionlimit(depth)
        random.setstate(state)
        np.random.set_state(numpy_state)  # noqa: NPY002
        with contextlib.suppress(OSError):
            os.chdir(folder)


def no_input(prompt: object = "") -> str:
    """Stand in for `input`, which would wait for ever."""
    raise RuntimeError("an exercise's function cannot ask for input")


def stop(thread: threading.Thread) -> bool:
    """Make a thread raise TimeLimitError until it ends; return whether it did within two seconds."""
    for _ in range(200):
        if not thread.is_alive():
            return True
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident or 0), ctypes.py_object(TimeLimitError))
        thread.join(0.01)
    return not thread.is_alive()


def current_line(thread: threading.Thread, function: Callable[..., Any]) -> str:
    """Return where in the learner's own code a thread is."""
    frame = sys._current_frames().get(thread.ident or 0)
    summary = traceback.extract_stack(frame) if frame is not None else []
    return own_line(list(summary), function)


def raised(error: BaseException, function: Callable[..., Any], printed: str) -> Raised:
    """Describe an exception by type, message and the learner's own line."""
    try:
        message = str(error)
    except BaseException:
        message = ""
    return Raised(
        type(error).__name__,
        message[:500],
        own_line(list(traceback.extract_tb(error.__traceback__)), function),
        printed,
        type(error),
    )


def own_line(frames: list[traceback.FrameSummary], function: Callable[..., Any]) -> str:
    """Return the innermost of the frames that lies in the file where the function was written."""
    code = getattr(function, "__code__", None)
    for frame in reversed(frames):
        if code is not None and frame.filename == code.co_filename and frame.lineno is not None:
            number = frame.lineno - code.co_firstlineno + 1
            text = (frame.line or "").strip()
            return f"line {number}: {text}" if text else f"line {number}"
    return ""


def copied(value: Any) -> Any:
    """Copy arrays, their containers and random generators; leave functions and modules as they are."""
    if isinstance(value, np.ndarray):
        return value.copy()
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*map(copied, value))
    if isinstance(value, (list, tuple)):
        return type(value)(map(copied, value))
    if isinstance(value, np.random.Generator):
        return copy.deepcopy(value)  # so that every run draws the same
    return value


def unchanged(before: Any, after: Any) -> bool:
    """Compare an argument with the copy that was handed out, bit for bit."""
    if isinstance(before, np.ndarray):
        return bool(before.shape == after.shape and before.dtype == after.dtype and before.tobytes() == after.tobytes())
    if isinstance(before, (list, tuple)):
        return len(before) == len(after) and all(map(unchanged, before, after))
    return True


def same_draws_to_come(before: Any, after: Any) -> bool:
    """Whether both are random generators in one state."""
    if not isinstance(before, np.random.Generator):
        return False
    return bool(before.bit_generator.state == after.bit_generator.state)


def snapshot(value: Any) -> Any:
    """Turn what a function returned into plain arrays, lists and Records of its own."""
    if value is None:
        return None
    if isinstance(value, np.ndarray):
        return plain(np.array(value), value)
    if isinstance(value, (bool, int, float, complex, np.generic)):
        return plain(np.array(value), value)
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return Record(type(value).__name__, {name: snapshot(v) for name, v in zip(value._fields, value, strict=True)})
    if isinstance(value, (list, tuple)) or hasattr(value, "__next__"):
        return [snapshot(item) for item in itertools.islice(value, ITEMS_AT_MOST)]
    if hasattr(value, "__array__"):
        return plain(np.array(value), value)
    return Other(type(value).__name__)


def plain(array: np.ndarray[Any, Any], value: Any) -> Any:
    """Return the array if it holds numbers, else what it was."""
    return array if array.dtype.kind in "biufc" else Other(f"{type(value).__name__} of dtype {array.dtype}")


def seconds_of(function: Callable[..., Any], arguments: Mapping[str, Any], limit: float) -> float:
    """Seconds of one call; infinity if it raises or is stopped at the limit."""
    outcome = run(function, arguments, limit)
    return outcome.seconds if isinstance(outcome, Returned) else float("inf")
