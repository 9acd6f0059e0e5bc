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
from time import monotonic
from types import CodeType, FrameType
from typing import Any, NamedTuple

LEVELS = 4_000  # of recursion, in a thread
STACK = 128 * 2**20  # bytes of the thread's stack: room for LEVELS calls of 32 kB (NumPy 2.0 takes about 20 kB)
LEVELS_WITHOUT_THREADS = 100  # a browser's stack holds some 200 of the worst kinds measured
TOOLS = (3, 4)  # tool numbers that `sys.monitoring` reserves for nobody
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

    def target() -> None:
        try:
            call()
        except OutOfTimeError:
            sys.settrace(None)

    with recursion_limited(LEVELS):
        thread = started_thread(target)
        if thread is not None:
            try:
                thread.join(seconds)
                line = first_line_in(code, traceback.walk_stack(sys._current_frames().get(thread.ident or 0)))
            finally:  # the learner may have pressed stop
                late = thread.is_alive()
                ended = stop(thread)
            return Stopped(line, ended) if late else None
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
        if not thread.is_alive():
            return True
        raise_in_thread(ctypes.c_ulong(thread.ident or 0), ctypes.py_object(RepeatedOutOfTimeError))
        thread.join(0.01)
    return not thread.is_alive()


def first_line_in(code: CodeType | None, frames: Iterable[tuple[FrameType, int | None]]) -> int:
    """Return the first line among frames that lies in the file of `code`; 0 if there is none."""
    file = code.co_filename if code is not None else None
    return next((line or 0 for frame, line in frames if frame.f_code.co_filename == file), 0)


def called_here(seconds: float, call: Callable[[], object], code: CodeType | None) -> Stopped | None:
    """Do what `called_within` does, in the thread that we are in."""
    end = monotonic() + seconds
    depth = sum(1 for _ in traceback.walk_stack(sys._getframe()))
    lines: list[int] = []
    tool = next((tool for tool in TOOLS if monitoring is not None and monitoring.get_tool(tool) is None), None)

    def look(*_event: object) -> Any:
        if monotonic() > end:
            if not lines:
                lines.append(first_line_in(code, traceback.walk_stack(sys._getframe(1))))
            raise OutOfTimeError
        return look

    with contextlib.suppress(OutOfTimeError), recursion_limited(depth + LEVELS_WITHOUT_THREADS):
        if tool is None:
            before = sys.gettrace()
            sys.settrace(look)
            try:
                call()
            finally:
                sys.settrace(before)
        else:
            events = (monitoring.events.PY_START, monitoring.events.PY_RESUME, monitoring.events.JUMP)
            monitoring.use_tool_id(tool, "bptt-lessons")
            for event in events:
                monitoring.register_callback(tool, event, look)
            monitoring.set_events(tool, sum(events))
            try:
                call()
            finally:
                monitoring.set_events(tool, 0)
                monitoring.free_tool_id(tool)
    return Stopped(lines[0], True) if lines else None
