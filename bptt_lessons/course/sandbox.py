"""Running a learner's function so that nothing it does reaches the notebook round it.

It runs in a thread of its own, on copies of its arguments, with a time limit; what it
prints is caught, and what it has changed round it is put back (see `surroundings`).
Where no thread can be started, as in a browser, it runs in ours (see `time_limit`).
The limit works on Python code: a loop inside compiled code cannot be stopped, only
left behind, and the outcome says so.  Recursion is bounded, through compiled code too, but
not if the function has kept `sys.setrecursionlimit` under another name; this, and whatever
else goes wrong inside compiled code (a wrong pointer, no memory left), can end the process.

While the function is at work, builtins and the attributes of modules may be anything.  So
what runs then uses builtins of its own, and names that were bound when this was imported.
"""

from __future__ import annotations

import builtins
import contextlib
import copy
import ctypes
import io
import linecache
import threading
import warnings
from _thread import LockType, allocate_lock
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass, replace
from itertools import islice
from sys import _current_frames, _getframe, getrecursionlimit, settrace
from time import monotonic
from types import CodeType, ModuleType, TracebackType
from typing import Any

import numpy as np

from bptt_lessons.course.surroundings import (
    DEEPEST,
    Held,
    drawn_in_vain,
    protected,
    put_back,
    put_names_back,
    written_into,
)
from bptt_lessons.course.time_limit import OutOfTimeError, called_within

try:
    from time import thread_time as own_time  # seconds that this thread computes: others at work do not count
except ImportError:  # a system that does not tell
    from time import perf_counter as own_time

__builtins__: Any = dict(vars(builtins))  # type: ignore[no-redef,unused-ignore]  # what the functions below look names up in: a copy, which nobody spoils

STACK = 128 * 2**20  # bytes of a learner's thread: room for DEEPEST levels of 32 kB (NumPy 2.0 takes some 20)
LOOK = 0.02  # seconds between two looks at a function at work
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
        frame = _getframe(1)
        while frame is not None and frame.f_code.co_filename != __file__:
            frame.f_trace = again
            frame = frame.f_back  # type: ignore[assignment]
        settrace(again)


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


def run(function: Callable[..., Any], arguments: Mapping[str, Any], seconds: float, *, ours: bool = False) -> Outcome:
    """Call `function` on copies of `arguments`, in their order, for at most `seconds`.

    One of ours, such as a catalogued mistake, may draw from NumPy's shared generator but changes nothing else round
    it; the rest, which takes time, is not held for it.
    """
    given = {name: copied(value) for name, value in arguments.items()}
    modules = {name: value for name, value in arguments.items() if type(value) is ModuleType}
    found: list[tuple[Returned | Raised, int]] = []  # and the number of the learner's own line that raised
    float_errors: set[str] = set()
    changed: set[str] = set()
    begin, ended = locked(), locked()

    def call() -> None:
        begin.acquire()
        try:
            error = attempt()
            if error is not None:
                found.append((raised(error), own_line(error.__traceback__, function)))
        except (TimeLimitError, OutOfTimeError):  # it takes for ever to tell; and no function can be called here
            return
        finally:
            ended.release()

    def attempt() -> BaseException | None:
        try:
            with np.errstate(all="call", under="ignore", call=lambda kind, flag: float_errors.add(kind)):
                try:
                    start = own_time()
                    value = function(*given.values())
                    took = own_time() - start
                    changed.update(name for name in modules if written_into(modules[name], held))
                    put_names_back(held.vital)
                    value = snapshot(value)  # which calls the learner's code again if that is a generator
                finally:
                    changed.update(name for name in modules if written_into(modules[name], held))
                    put_names_back(held.vital)
            found.append((Returned(value, (), took), 0))
        except BaseException as error:  # a learner's function may raise anything, SystemExit included
            return error  # and looking at it may too, or take for ever
        return None

    sink = Sink()
    with isolated(sink, None if ours else list(modules.values())) as held:
        thread = started(call)
        late, stopped, number = False, True, 0
        try:
            begin.release()
            if thread is None:
                stopped_at = called_within(seconds, call, code_of(function))
                late, number = stopped_at is not None, stopped_at or 0
            else:
                late = not came_back(thread, ended, seconds)
                if late:
                    number = current_line(thread, function)
                    stopped = stop(thread)
        except BaseException:  # the learner pressed stop
            if thread is not None:
                stop(thread)
            raise
        finally:
            put_back(held)
    printed = "".join(sink.kept)
    if late:
        return TimedOut(told_line(function, number), stopped, printed)
    outcome, number = found[-1] if found else (Raised("MemoryError", "", ""), 0)
    if isinstance(outcome, Raised):
        return replace(outcome, line=told_line(function, number), printed=printed)
    written = tuple(name for name in given if name in changed or not unchanged(arguments[name], given[name]))
    undrawn = tuple(name for name, before in arguments.items() if same_draws_to_come(before, given[name]))
    return replace(outcome, written=written, float_errors=tuple(sorted(float_errors)), printed=printed, undrawn=undrawn)


@contextlib.contextmanager
def isolated(sink: Sink, modules: Sequence[ModuleType] | None) -> Iterator[Held]:
    """Catch what is printed, silence warnings, and put global state back at the end."""
    with (
        contextlib.redirect_stdout(sink),
        contextlib.redirect_stderr(sink),
        warnings.catch_warnings(),
        np.printoptions(),
    ):
        warnings.simplefilter("ignore")
        with drawn_in_vain() if modules is None else protected(modules) as held:
            yield held


def locked() -> LockType:
    """Return a lock that is taken."""
    lock = allocate_lock()
    lock.acquire()
    return lock


def started(call: Callable[[], None]) -> threading.Thread | None:
    """Start a learner's thread; return None where there are no threads."""
    usual = threading.stack_size()
    thread = threading.Thread(target=call, daemon=True, name="learner")
    try:
        threading.stack_size(STACK)
        thread.start()
    except (ValueError, RuntimeError):  # no room for so much, or nothing that can be set
        threading.stack_size(usual)
        thread = threading.Thread(target=call, daemon=True, name="learner")
        try:
            thread.start()
        except RuntimeError:
            return None
    finally:
        threading.stack_size(usual)
    return thread


def came_back(thread: threading.Thread, ended: LockType, seconds: float) -> bool:
    """Wait for a function; return whether it came back in time."""
    deadline, told = monotonic() + seconds, False
    while not ended.acquire(True, max(min(deadline - monotonic(), LOOK), 0)):
        if monotonic() >= deadline:
            return False
        if not told and getrecursionlimit() > DEEPEST and too_deep(thread):  # it kept the true setrecursionlimit
            raise_in_thread(unsigned_long(thread.ident or 0), python_object(RecursionError))
            told = True
    return True


def too_deep(thread: threading.Thread) -> bool:
    """Whether a thread has more than DEEPEST calls to come back from."""
    frame, depth = _current_frames().get(thread.ident or 0), 0
    while frame is not None and depth <= DEEPEST:
        frame, depth = frame.f_back, depth + 1
    return depth > DEEPEST


def stop(thread: threading.Thread) -> bool:
    """Make a thread raise TimeLimitError until it ends; return whether it did within two seconds."""
    number, ended = thread.ident, locked()
    for _ in range(200):
        if number not in _current_frames():
            return True
        raise_in_thread(unsigned_long(number), python_object(TimeLimitError))
        ended.acquire(True, 0.01)  # which nobody releases: a sleep
    return number not in _current_frames()


raise_in_thread = ctypes.pythonapi["PyThreadState_SetAsyncExc"]
unsigned_long, python_object = ctypes.c_ulong, ctypes.py_object


def current_line(thread: threading.Thread, function: Callable[..., Any]) -> int:
    """Return the number of the line of the learner's own code where a thread is; 0 if it is elsewhere."""
    code, frame = code_of(function), _current_frames().get(thread.ident or 0)
    while code is not None and frame is not None:
        if frame.f_code.co_filename == code.co_filename:
            return frame.f_lineno or 0
        frame = frame.f_back
    return 0


def raised(error: BaseException) -> Raised:
    """Describe an exception by type and message."""
    try:
        message = str.__str__(str(error))[:500]
    except BaseException:
        message = ""
    return Raised(class_name(error), message, "", error=type(error))


def own_line(trace: TracebackType | None, function: Callable[..., Any]) -> int:
    """Return the number of the innermost line of a traceback in the file where the function was written."""
    code, number = code_of(function), 0
    while code is not None and trace is not None:
        if trace.tb_frame.f_code.co_filename == code.co_filename:
            number = trace.tb_lineno or number
        trace = trace.tb_next
    return number


def told_line(function: Callable[..., Any], number: int) -> str:
    """Return a line as "line 3: z = x @ W", counted from where the function begins; empty for 0."""
    code = code_of(function)
    if code is None or not number:
        return ""
    linecache.checkcache(code.co_filename)
    text = linecache.getline(code.co_filename, number).strip()
    number -= code.co_firstlineno - 1
    return f"line {number}: {text}" if text else f"line {number}"


# --- things that may be anything --------------------------------------------------------------------------------


def attribute(thing: Any, name: str, kind: type) -> Any:
    """Return an attribute of something foreign if it has one of just that kind; else None, whatever happens."""
    try:
        value = getattr(thing, name, None)
    except BaseException:  # what a learner's __getattr__ raises, SystemExit included
        return None
    return value if type(value) is kind else None


def class_name(thing: Any) -> str:
    """Return the name of a thing's class, whatever its class says."""
    name: str = type.__dict__["__name__"].__get__(type(thing))
    return name


def code_of(function: Any) -> CodeType | None:
    """Return a function's byte code, if it has any."""
    code: CodeType | None = attribute(function, "__code__", CodeType)
    return code


def copied(value: Any) -> Any:
    """Copy arrays, their containers and random generators; leave functions and modules as they are.

    A module is handed out itself, so that it is the one that a learner knows; `run` puts it back.
    """
    if isinstance(value, np.ndarray):
        return value.copy()
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*map(copied, value))
    if isinstance(value, (list, tuple)):
        return type(value)(map(copied, value))
    if isinstance(value, dict):
        return type(value)((key, copied(item)) for key, item in value.items())
    if isinstance(value, np.random.Generator):
        return copy.deepcopy(value)  # so that every run draws the same
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{f.name: copied(getattr(value, f.name)) for f in fields(value)})
    return value


def unchanged(before: Any, after: Any) -> bool:
    """Compare an argument with the copy that was handed out, bit for bit.  Drawing from a generator is no change."""
    if type(before) is not type(after):
        return False
    if isinstance(before, np.ndarray):
        return bool(before.shape == after.shape and before.dtype == after.dtype and before.tobytes() == after.tobytes())
    if isinstance(before, (list, tuple)):
        return len(before) == len(after) and all(map(unchanged, before, after))
    if isinstance(before, dict):
        return before.keys() == after.keys() and all(unchanged(item, after[key]) for key, item in before.items())
    if isinstance(before, (bool, int, float, complex, str, bytes, np.generic)):
        return bool(before == after or (before != before and after != after))
    if isinstance(before, np.random.Generator):
        return True
    if is_dataclass(before) and not isinstance(before, type):
        return all(unchanged(getattr(before, f.name), getattr(after, f.name)) for f in fields(before))
    return before is after


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
    if is_row(value):
        return [snapshot(item) for item in islice(value, ITEMS_AT_MOST)]
    if hasattr(value, "__array__"):
        return plain(np.array(value), value)
    return Other(class_name(value))


def is_row(value: Any) -> bool:
    """Whether a value is a sequence of things (a list, tuple, deque, range ...) or an iterator that yields them."""
    return (isinstance(value, Sequence) and not isinstance(value, (str, bytes))) or hasattr(value, "__next__")


def plain(array: np.ndarray[Any, Any], value: Any) -> Any:
    """Return the array if it holds numbers, else what it was."""
    return array if array.dtype.kind in "biufc" else Other(f"{type(value).__name__} of dtype {array.dtype}")


def seconds_of(function: Callable[..., Any], arguments: Mapping[str, Any], limit: float) -> float:
    """Seconds that one call computes, however busy the machine; infinity if it raises or is stopped at the limit."""
    outcome = run(function, arguments, limit)
    return outcome.seconds if isinstance(outcome, Returned) else float("inf")
