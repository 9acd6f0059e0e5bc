"""Time limits: call a function for at most so many seconds, and let it recurse only so deep.

The function runs in a thread of its own.  Where Python cannot start a thread, as in a browser, it runs in ours, and
Python reports each call and each round of a loop (before 3.12: each line) to a function that raises once the time is
over.  Only Python code can be stopped: a loop inside compiled code goes on.
"""

from __future__ import annotations

import contextlib
import ctypes
import sys
import threading
import traceback
from collections.abc import Callable, Iterable, Iterator
from time import monotonic, sleep
from types import CodeType, FrameType
from typing import Any, NamedTuple

LEVELS = 4_000  # of recursion, in a thread
STACK = 128 * 2**20  # bytes of the thread's stack: room for LEVELS calls of 32 kB (NumPy 2.0 takes about 20 kB)
LEVELS_WITHOUT_THREADS = 100  # a browser's stack holds some 200 of the worst kinds measured
SLICE = 0.1  # seconds of waiting in one piece, which Windows does not interrupt when the learner presses stop
TOOL = 4  # a number that `sys.monitoring` reserves for nobody
monitoring: Any = getattr(sys, "monitoring", None)  # from Python 3.12 on
raise_in_thread = ctypes.pythonapi.PyThreadState_SetAsyncExc  # at the thread's next call or round of a loop


class OutOfTimeError(BaseException):
    """Raised inside a function when its time is over."""


class RepeatedOutOfTimeError(OutOfTimeError):
    """Raised again at the next line: a bare ``except:`` in a loop catches the first, but not one in its handler."""

    def __init__(self) -> None:
        super().__init__()
        frame = sys._getframe(1)
        while frame is not None and frame.f_code.co_filename != __file__:
            frame.f_trace = raise_at_next_line
            frame = frame.f_back  # type: ignore[assignment]
        sys.settrace(raise_at_next_line)


def raise_at_next_line(frame: FrameType, event: str, argument: Any) -> Any:
    """Trace a thread up to its next line, and raise there; Python then stops tracing."""
    if event == "line":
        raise RepeatedOutOfTimeError
    return raise_at_next_line


class Stopped(NamedTuple):
    """Where a function was when its time was over."""

    line: int  # in the file of its code; 0 if it was elsewhere
    ended: bool  # False if it could not be stopped and still runs


def called_within(seconds: float, call: Callable[[], object], code: CodeType | None) -> Stopped | None:
    """Call a function; return None if it returns in time, else where it was stopped, in the file of `code`."""

    ended = threading.Event()

    def target() -> None:
        try:
            call()
        except OutOfTimeError:
            sys.settrace(None)
        finally:
            ended.set()

    with recursion_limited(LEVELS):
        end = monotonic() + seconds
        thread = started_thread(target)
        if thread is not None:
            try:
                while not ended.wait(min(max(end - monotonic(), 0), SLICE)):
                    if monotonic() >= end:
                        line = first_line_in(code, traceback.walk_stack(sys._current_frames().get(thread.ident or 0)))
                        return Stopped(line, stop(thread))
            except BaseException:  # the learner pressed stop
                stop(thread)
                raise
            return None
    return called_here(seconds, call, code)


@contextlib.contextmanager
def recursion_limited(levels: int) -> Iterator[None]:
    """Keep recursion within so many levels, whatever `sys.setrecursionlimit` is asked for meanwhile."""
    usual, set_limit = sys.getrecursionlimit(), sys.setrecursionlimit

    def set_limit_within_bounds(limit: int, /) -> None:
        set_limit(min(limit, levels))

    set_limit_within_bounds(usual)
    sys.setrecursionlimit = set_limit_within_bounds
    try:
        yield
    finally:
        sys.setrecursionlimit = set_limit
        set_limit(usual)


def started_thread(target: Callable[[], None]) -> threading.Thread | None:
    """Start a thread with a large stack, or else with the usual one; return None where there are no threads."""
    usual = threading.stack_size()
    for stack in (STACK, usual):
        thread = threading.Thread(target=target, daemon=True, name="learner")
        try:
            threading.stack_size(stack)
            thread.start()
        except (ValueError, RuntimeError):
            continue
        finally:
            threading.stack_size(usual)
        return thread
    return None


def stop(thread: threading.Thread) -> bool:
    """Raise in a thread until it ends; return whether it did within two seconds."""
    for _ in range(200):
        if thread.ident not in sys._current_frames():  # after an interrupted wait, `is_alive` may be wrong
            return True
        raise_in_thread(ctypes.c_ulong(thread.ident or 0), ctypes.py_object(RepeatedOutOfTimeError))
        sleep(0.01)
    return thread.ident not in sys._current_frames()


def first_line_in(code: CodeType | None, frames: Iterable[tuple[FrameType, int | None]]) -> int:
    """Return the first line among frames that lies in the file of `code`; 0 if there is none."""
    file = code.co_filename if code is not None else None
    return next((line or 0 for frame, line in frames if frame.f_code.co_filename == file), 0)


def called_here(seconds: float, call: Callable[[], object], code: CodeType | None) -> Stopped | None:
    """Do what `called_within` does, in the thread that we are in."""
    end = monotonic() + seconds
    depth = sum(1 for _ in traceback.walk_stack(sys._getframe()))
    lines: list[int] = []
    tool = TOOL if monitoring is not None and monitoring.get_tool(TOOL) is None else None

    def look(*_event: object) -> Any:
        if monotonic() > end:
            if not lines:
                lines.append(first_line_in(code, traceback.walk_stack(sys._getframe(1))))
            raise OutOfTimeError
        return look

    before = sys.gettrace()
    with contextlib.suppress(OutOfTimeError), recursion_limited(depth + LEVELS_WITHOUT_THREADS):
        try:
            if tool is None:
                sys.settrace(look)
            else:
                monitoring.use_tool_id(tool, "bptt-lessons")
                for event in (monitoring.events.PY_START, monitoring.events.PY_RESUME, monitoring.events.JUMP):
                    monitoring.register_callback(tool, event, look)
                    monitoring.set_events(tool, monitoring.get_events(tool) | event)
            call()
        finally:  # no function of ours here: it would be reported too
            if tool is None:
                sys.settrace(before)
            else:
                monitoring.set_events(tool, 0)
                monitoring.free_tool_id(tool)
    return Stopped(lines[0], True) if lines else None
