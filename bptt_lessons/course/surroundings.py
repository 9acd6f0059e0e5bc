"""The state round a learner's function: what it can reach, held before a run and put back after it.

Held are builtins; the attributes of NumPy's modules, of the package's (but for this part, `course`)
and of those in the standard library that lessons and checking use most; which modules are loaded;
the environment, search path and folder; random states; switches of the interpreter.  Not held is
what lies deeper, such as attributes of functions and classes, and what threads and processes that a
learner's function has started do after it.

While a learner's function is at work, builtins may be anything.  So this module brings its own.
"""

from __future__ import annotations

import builtins
import contextlib
import functools
import gc
import locale
import os
import random
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

__builtins__: Any = dict(vars(builtins))  # type: ignore[no-redef,unused-ignore]  # what the functions below look names up in: a copy, which nobody spoils

DEEPEST = 4_000  # levels of recursion: with STACK, not even one through compiled code ends the process
VITAL = ("builtins", "numpy", "numpy.linalg", "numpy.random")  # no result can be looked at without them
OTHERS = frozenset({
    "bptt_lessons", "bptt_lessons.arguments", "bptt_lessons.nested", "numpy.fft", "collections", "contextlib", "copy",
    "functools", "gc", "io", "itertools", "linecache", "math", "os", "random", "sys", "threading", "time", "warnings",
})  # fmt: skip
PARTS = tuple(f"bptt_lessons.{part}." for part in ("cells", "gradients", "training", "tasks"))

loaded_modules, set_depth = sys.modules, sys.setrecursionlimit
legacy: Any = np.random  # its functions that share one generator; stubs leave some of them out


Space = tuple[dict[str, Any], dict[str, Any]]  # the names of a module: as they are, and as they were


class Held(NamedTuple):
    """Names and what they stood for."""

    vital: tuple[Space, ...]
    others: tuple[Space, ...]
    modules: dict[str, ModuleType]


def hold(more: Iterable[ModuleType] = ()) -> Held:
    """Note what every name stands for in the modules to be held, and in `more`."""
    vital, others = modules_to_hold(len(loaded_modules))
    return Held(spaces(vital), spaces((*others, *more)), loaded_modules.copy())


def spaces(modules: Iterable[ModuleType]) -> tuple[Space, ...]:
    """Return the names of modules, with a copy to compare them with."""
    return tuple((vars(module), vars(module).copy()) for module in modules)


@functools.lru_cache(maxsize=1)
def modules_to_hold(loaded: int) -> tuple[tuple[ModuleType, ...], tuple[ModuleType, ...]]:
    """Return the modules to be held, vital ones apart, looked up anew when more have been loaded."""
    names = [name for name in loaded_modules.copy() if name in OTHERS or f"{name}.".startswith(PARTS)]
    vital, others = (
        tuple(loaded_modules[name] for name in group if name in loaded_modules) for group in (VITAL, names)
    )
    return vital, others


def put_back(held: Held) -> None:
    """Make every name stand for what it did.  A module that has been imported since stays."""
    put_names_back(held.vital)
    put_names_back(held.others)
    loaded_modules.update(held.modules)


def put_names_back(spaces: tuple[Space, ...]) -> None:
    """Make the names of some modules stand for what they did."""
    for space, before in spaces:
        space.update(before)
        if len(space) != len(before):
            for name in space.keys() - before.keys():
                imported = loaded_modules.get(f"{before.get('__name__')}.{name}")
                if imported is None or imported is not space.get(name):
                    space.pop(name, None)


def differs(space: Space) -> bool:
    """Whether a name of a module stands for something else than it did, is new or is gone."""
    now, before = space
    return len(now) != len(before) or any(now.get(name, space) is not value for name, value in before.items())


def written_into(module: ModuleType, held: Held) -> bool:
    """Whether a module that has been held is not as it was."""
    return any(differs(space) for space in held.others if space[0] is vars(module))


@contextlib.contextmanager
def protected(more: Iterable[ModuleType] = ()) -> Iterator[Held]:
    """Put everything back; meanwhile recursion goes no deeper than DEEPEST, and nobody is asked for input.

    The names are to be put back by whoever runs a learner's function, as soon as it is done,
    for without builtins not even the end of a ``with`` can be reached.  The rest is done here.
    """
    with contextlib.ExitStack() as stack:
        for get, put in SWITCHES:
            stack.callback(put, get())
        set_depth(min(sys.getrecursionlimit(), DEEPEST))
        asks, sets = input, sys.setrecursionlimit
        stack.callback(setattr, builtins, "input", asks)
        stack.callback(setattr, sys, "setrecursionlimit", sets)
        vars(builtins)["input"] = no_input
        vars(sys)["setrecursionlimit"] = set_depth_within_bounds
        yield hold(more)


@contextlib.contextmanager
def drawn_in_vain() -> Iterator[Held]:
    """Put back what was drawn from NumPy's shared generator, and hold nothing else: for functions of ours."""
    before = numpy_random()
    try:
        yield Held((), (), {})
    finally:
        put_numpy_random(before)


def no_input(prompt: object = "") -> str:
    """Stand in for `input`, which would wait for ever."""
    raise RuntimeError("an exercise's function cannot ask for input")


def set_depth_within_bounds(limit: int, /) -> None:
    """Stand in for `sys.setrecursionlimit`, which would allow a recursion that fills the memory."""
    set_depth(min(limit, DEEPEST))


# --- everything but names -------------------------------------------------------------------------------------


def numpy_random() -> tuple[Any, Any]:
    """Return the generator behind the functions of numpy.random, and its state."""
    return legacy.get_bit_generator(), legacy.get_state(legacy=False)


def put_numpy_random(before: tuple[Any, Any]) -> None:
    """Put both back."""
    generator, state = before
    if legacy.get_bit_generator() is not generator:
        legacy.set_bit_generator(generator)
    legacy.set_state(state)


def put_environment(before: dict[str, str]) -> None:
    """Put environment variables back."""
    now = dict(os.environ)
    if now != before:
        for name in now.keys() - before.keys():
            del os.environ[name]
        os.environ.update(before)


def folder() -> str | None:
    """Return the folder we are in, if there still is one."""
    try:
        return os.getcwd()
    except OSError:
        return None


def put_folder(before: str | None) -> None:
    """Go back to a folder."""
    if before is not None:
        with contextlib.suppress(OSError):
            os.chdir(before)


def put_path(before: tuple[list[str], list[str]]) -> None:
    """Put the places back where modules are looked for, in the same list."""
    path, places = before
    sys.path = path
    path[:] = places


def put_locale(before: str) -> None:
    """Put the locale back."""
    if locale.setlocale(locale.LC_ALL) != before:
        with contextlib.suppress(locale.Error):
            locale.setlocale(locale.LC_ALL, before)


def put_collecting(before: bool) -> None:
    """Switch the collection of garbage on or off."""
    (gc.enable if before else gc.disable)()


def put_traces(before: tuple[Any, Any]) -> None:
    """Put the trace and profile functions of this thread back."""
    trace, profile = before
    if sys.gettrace() is not trace:
        sys.settrace(trace)
    if sys.getprofile() is not profile:
        sys.setprofile(profile)


SWITCHES: tuple[tuple[Callable[[], Any], Callable[[Any], object]], ...] = (
    (random.getstate, random.setstate),
    (numpy_random, put_numpy_random),
    (lambda: dict(os.environ), put_environment),
    (folder, put_folder),
    (lambda: (sys.path, sys.path.copy()), put_path),
    (lambda: locale.setlocale(locale.LC_ALL), put_locale),
    (sys.getrecursionlimit, set_depth),
    (sys.getswitchinterval, sys.setswitchinterval),
    (threading.stack_size, threading.stack_size),
    (gc.isenabled, put_collecting),
    (lambda: (sys.gettrace(), sys.getprofile()), put_traces),
)  # fmt: skip
