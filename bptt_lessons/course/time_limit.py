"""Limits of time and of recursion in the thread that we are in, where Python can start no other: in a browser.

Python (Pyodide, there) tells of every function that begins and every loop that goes round once more; before 3.12,
of every line.  Once the time is over, each of these raises, until the function has ended: an error that is caught
in a loop is raised again in its next round (before 3.12, perhaps caught again, for ever).  What goes on inside
compiled code cannot be stopped.

Like `sandbox`, this runs while builtins may be anything: it has its own, and not even a ``with``.
"""

from __future__ import annotations

import builtins
import ctypes
import sys
from _thread import get_ident
from collections.abc import Callable
from sys import _getframe, getrecursionlimit, gettrace, setrecursionlimit, settrace
from time import monotonic
from types import CodeType
from typing import Any

__builtins__: Any = dict(vars(builtins))  # type: ignore[no-redef,unused-ignore]

LEVELS = 100  # of recursion: a browser's stack bears some 200 of the worst kinds measured, and NumPy's may be worse
TOOLS = (3, 4)  # numbers that `sys.monitoring` leaves to whoever comes first
monitoring: Any = getattr(sys, "monitoring", None)  # from Python 3.12 on
set_events: Any = getattr(monitoring, "set_events", None)
raise_in_thread = ctypes.pythonapi["PyThreadState_SetAsyncExc"]
unsigned_long, python_object = ctypes.c_ulong, ctypes.py_object


class OutOfTimeError(BaseException):
    """Raised inside a learner's function, wherever it is, from when its time is over."""


def called_within(seconds: float, call: Callable[[], object], code: CodeType | None) -> int | None:
    """Call, for at most so many seconds; return None if it came back in time.

    Else return the number of the line where it was stopped, in the file that `code` is from; 0 if it was elsewhere.
    """
    end = monotonic() + seconds
    stopped_at: list[int] = []

    def look(*_event: object) -> Any:
        if monotonic() > end:
            if not stopped_at:
                stopped_at.append(line_in(code, _getframe(1)))
            give_up()
        return look

    usual, ask, bound = getrecursionlimit(), sys.setrecursionlimit, depth_of(_getframe(0)) + LEVELS

    def set_depth(limit: int, /) -> None:  # stands in for sys.setrecursionlimit
        setrecursionlimit(min(limit, bound))

    tool, before = free_tool(), gettrace()
    give_up = raise_soon if tool is None else raise_now
    set_depth(usual)
    vars(sys)["setrecursionlimit"] = set_depth
    try:
        if tool is None:
            settrace(look)
        else:
            watch(tool, look)
        try:
            call()
        finally:
            if tool is None:  # here, and not in a function: that would be told of too
                settrace(before)
            else:
                set_events(tool, 0)
    except OutOfTimeError:
        pass
    finally:
        vars(sys)["setrecursionlimit"] = ask
        setrecursionlimit(usual)
        if tool is not None:
            monitoring.free_tool_id(tool)
    return stopped_at[0] if stopped_at else None


def depth_of(frame: Any) -> int:
    """Return how many calls led to a frame, its own included."""
    depth = 0
    while frame is not None:
        frame, depth = frame.f_back, depth + 1
    return depth


def line_in(code: CodeType | None, frame: Any) -> int:
    """Return the number of the innermost line in a file among the calls that led to a frame; 0 if there is none."""
    while code is not None and frame is not None:
        if frame.f_code.co_filename == code.co_filename:
            return frame.f_lineno or 0
        frame = frame.f_back
    return 0


def free_tool() -> int | None:
    """Return a number under which Python can be asked to tell of events; None if it cannot be."""
    for tool in TOOLS:
        if monitoring is not None and monitoring.get_tool(tool) is None:
            return tool
    return None


def watch(tool: int, look: Callable[..., Any]) -> None:
    """Have `look` called whenever a function begins or goes on, and whenever a loop goes round."""
    events = monitoring.events
    monitoring.use_tool_id(tool, "bptt-lessons")
    for event in (events.PY_START, events.PY_RESUME, events.JUMP):
        monitoring.register_callback(tool, event, look)
    set_events(tool, events.PY_START | events.PY_RESUME | events.JUMP)


def raise_now() -> None:
    """Raise where the learner's function is."""
    raise OutOfTimeError


def raise_soon() -> None:
    """Have it raised at the next call or round of a loop; raised here, it would end the telling of lines."""
    raise_in_thread(unsigned_long(get_ident()), python_object(OutOfTimeError))
