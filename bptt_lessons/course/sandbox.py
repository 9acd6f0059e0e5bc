"""Running a learner's function so that nothing it does reaches the notebook round it.

It runs on copies of its arguments for a limited time.  What it prints is caught; random state, warnings, print options
and NumPy's error state are put back.
"""

from __future__ import annotations

import builtins
import contextlib
import copy
import io
import linecache
import random
import time
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from types import CodeType
from typing import Any

import numpy as np

from bptt_lessons.course.outcomes import Outcome, Raised, Returned, TimedOut, snapshot
from bptt_lessons.course.time_limit import OutOfTimeError, called_within, first_line_in

PRINTED_AT_MOST = 2_000  # characters
own_time = getattr(time, "thread_time", time.perf_counter)  # seconds that this thread computes, if the system tells


class Printed(io.StringIO):
    """Keeps the beginning of what is printed and drops the rest."""

    def write(self, text: str) -> int:
        return super().write(text[: PRINTED_AT_MOST - self.tell()])


def run(function: Callable[..., Any], arguments: Mapping[str, Any], seconds: float) -> Outcome:
    """Call `function` on copies of `arguments`, in their order, for at most `seconds`."""
    given = {name: copied(value) for name, value in arguments.items()}
    float_errors: set[str] = set()
    results: list[Returned | BaseException] = []

    def call() -> None:
        try:
            with np.errstate(all="call", under="ignore", call=lambda kind, flag: float_errors.add(kind)):
                start = own_time()
                value = function(*given.values())
                took = own_time() - start
                results.append(Returned(snapshot(value), (), took))  # a generator runs only now
        except OutOfTimeError:
            raise
        except BaseException as error:  # SystemExit included
            results.append(error)

    code = code_of(function)
    with isolated() as printed:
        stopped = called_within(seconds, call, code)
    text = printed.getvalue()
    if stopped is not None:
        return TimedOut(described_line(code, stopped.line), stopped.ended, text)
    result = results[0] if results else MemoryError()
    if isinstance(result, BaseException):
        innermost_first = reversed([*traceback.walk_tb(result.__traceback__)])
        line = described_line(code, first_line_in(code, innermost_first))
        return Raised(type(result).__name__, str(result)[:500], line, text, type(result))
    return result._replace(
        written=tuple(path for name, before in arguments.items() for path in changed(name, before, given[name])),
        float_errors=tuple(sorted(float_errors)),
        printed=text,
        undrawn=tuple(name for name, before in arguments.items() if same_state(before, given[name])),
    )


def called(function: Callable[..., Any], arguments: Mapping[str, Any]) -> Outcome:
    """Call a function of the course's own, which needs no protection, on copies of `arguments`."""
    given = {name: copied(value) for name, value in arguments.items()}
    errors: set[str] = set()
    shared: Any = np.random  # stubs leave out some of the functions that share one generator
    state = shared.get_state()
    try:
        with (
            np.errstate(all="call", under="ignore", call=lambda kind, flag: errors.add(kind)),
            warnings.catch_warnings(),
        ):
            warnings.simplefilter("ignore")
            value = snapshot(function(*given.values()))
    except Exception as error:
        return Raised(type(error).__name__, str(error)[:500], "", error=type(error))
    finally:
        shared.set_state(state)
    written = tuple(path for name, before in arguments.items() for path in changed(name, before, given[name]))
    undrawn = tuple(n for n, b in arguments.items() if same_state(b, given[n]))
    return Returned(value, written, 0.0, tuple(sorted(errors)), undrawn=undrawn)


@contextlib.contextmanager
def isolated() -> Iterator[Printed]:
    """Catch what is printed, silence warnings, refuse `input`, and put global state back at the end."""
    shared: Any = np.random  # stubs leave out some of the functions that share one generator
    usual_input, state, numpy_state = builtins.input, random.getstate(), shared.get_state()
    builtins.input = no_input
    try:
        with (
            contextlib.redirect_stdout(Printed()) as printed,
            contextlib.redirect_stderr(printed),
            warnings.catch_warnings(),
            np.printoptions(),
        ):
            warnings.simplefilter("ignore")
            yield printed
    finally:
        builtins.input = usual_input
        random.setstate(state)
        shared.set_state(numpy_state)


def no_input(prompt: object = "") -> str:
    """Take the place of `input`, which would wait for ever."""
    raise RuntimeError("an exercise's function cannot ask for input")


def code_of(function: Any) -> CodeType | None:
    """Return a function's byte code, if it has any."""
    code = getattr(function, "__code__", None)
    return code if isinstance(code, CodeType) else None


def described_line(code: CodeType | None, number: int) -> str:
    """Return a line as "line 3: z = x @ W", counted from the beginning of the function; empty for 0."""
    if code is None or not number:
        return ""
    linecache.checkcache(code.co_filename)
    text = linecache.getline(code.co_filename, number).strip()
    number -= code.co_firstlineno - 1
    return f"line {number}: {text}" if text else f"line {number}"


def copied(value: Any) -> Any:
    """Copy arrays, their containers and random generators; keep functions and modules as they are."""
    if isinstance(value, np.ndarray):
        return value.copy()
    if isinstance(value, np.random.Generator):
        return copy.deepcopy(value)  # so that every run draws the same
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*map(copied, value))
    if isinstance(value, (list, tuple)):
        return type(value)(map(copied, value))
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{f.name: copied(getattr(value, f.name)) for f in fields(value)})
    return value


def changed(name: str, before: Any, after: Any) -> Iterator[str]:
    """Yield the names of the arrays, such as ``cache.h``, in which an argument differs from its copy after the run."""
    if unchanged(before, after):
        return
    fields_of = getattr(before, "_fields", None)
    if fields_of and type(before) is type(after):
        for field, b, a in zip(fields_of, before, after, strict=True):
            yield from changed(f"{name}.{field}", b, a)
    elif isinstance(before, (list, tuple)) and isinstance(after, (list, tuple)) and len(before) == len(after):
        for number, (b, a) in enumerate(zip(before, after, strict=True)):
            yield from changed(f"{name}[{number}]", b, a)
    else:
        yield name


def unchanged(before: Any, after: Any) -> bool:
    """Compare an argument with its copy after the run, arrays bit for bit.  Drawing from a generator is no change."""
    if type(before) is not type(after):
        return False
    if isinstance(before, np.ndarray):
        return bool(before.shape == after.shape and before.dtype == after.dtype and before.tobytes() == after.tobytes())
    if isinstance(before, (list, tuple)):
        return len(before) == len(after) and all(map(unchanged, before, after))
    if is_dataclass(before):
        return all(unchanged(getattr(before, f.name), getattr(after, f.name)) for f in fields(before))
    return before is after or isinstance(before, np.random.Generator) or bool(before == after)


def same_state(before: Any, after: Any) -> bool:
    """Whether both are random generators in one state."""
    return isinstance(before, np.random.Generator) and before.bit_generator.state == after.bit_generator.state
