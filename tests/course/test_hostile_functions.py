"""Hostile functions: whatever a learner's function does, the verdict is fair and nothing round it stays changed.

Every function here is graded by `graded`, which looks at the world before and after.
"""

from __future__ import annotations

import _thread
import builtins
import gc
import importlib
import itertools
import locale
import os
import random
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from sys import setrecursionlimit
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from bptt_lessons.cells import rnn
from bptt_lessons.course import EXERCISES, surroundings
from bptt_lessons.course.catalogue import leaky
from bptt_lessons.course.checking import LearnerFunction
from bptt_lessons.course.report import Report
from bptt_lessons.course.sandbox import Raised, TimedOut, copied, run, unchanged

STEP = EXERCISES["rnn.step"]
MSE = EXERCISES["losses.mse"]
UNROLLED = EXERCISES["unrolled.forward"]


def graded(exercise: Any, function: Any, time_limit: float = 5.0) -> Report:
    """Grade a function; fail if anything round it has changed, having mended it for the tests that follow."""
    held, before = surroundings.hold([leaky]), state_of_the_world()
    try:
        report = exercise.grade(function, time_limit=time_limit)
    finally:
        spaces = (*held.vital, *held.others)
        broken = [before["__name__"] for now, before in spaces if surroundings.differs((now, before))]
        surroundings.put_back(held)
    assert broken == []
    assert state_of_the_world() == before
    assert report.misconception != "check-failed", str(report)
    return report


def state_of_the_world() -> Any:
    """Return what a learner's function could change, besides names."""
    numpy_state = np.random.get_state()  # noqa: NPY002
    return (
        random.getstate(), numpy_state[1].tolist(), id(np.random.get_bit_generator()), np.geterr(),
        np.get_printoptions(), sys.getrecursionlimit(), sys.getswitchinterval(), gc.isenabled(), os.getcwd(),
        dict(os.environ), list(sys.path), list(warnings.filters), locale.setlocale(locale.LC_ALL), sys.gettrace(),
        sys.getprofile(), threading.gettrace(), threading.getprofile(), threading.stack_size(),
    )  # fmt: skip


# --- what it does and returns -------------------------------------------------------------------------------


class Nasty:
    """Raises whatever is asked of it."""

    def __getattribute__(self, name: str) -> Any:
        raise RuntimeError("nasty")


def endless(*arguments: Any) -> None:
    while True:
        pass


def endless_and_deaf(*arguments: Any) -> None:
    while True:
        try:
            while True:
                sum(range(10))
        except BaseException:
            pass


def endless_generator(*arguments: Any) -> Iterator[int]:
    while True:
        time.sleep(0.01)
        yield 1


def recursive(*arguments: Any) -> Any:
    return recursive(*arguments)


def contains_itself(*arguments: Any) -> Any:
    a: list[Any] = []
    a.append(a)
    return a


def leaves(*arguments: Any) -> None:
    sys.exit(0)


def interrupts(*arguments: Any) -> None:
    raise KeyboardInterrupt


def asks(*arguments: Any) -> str:
    return input("What now?")


def redefines(*arguments: Any) -> None:
    builtins.len = lambda thing: 0  # type: ignore[assignment]
    builtins.sum = builtins.print = None  # type: ignore[assignment]
    builtins.novelty = 1  # type: ignore[attr-defined]


def meddles(*arguments: Any) -> None:
    random.seed(1)
    np.random.seed(1)  # noqa: NPY002
    np.seterr(all="raise")
    np.set_printoptions(precision=1)
    warnings.simplefilter("error")
    sys.setrecursionlimit(500)
    sys.stdout = sys.stderr = None
    os.chdir(os.sep)
    warnings.warn("boo", stacklevel=1)


def shouts(*arguments: Any) -> None:
    for _ in range(10_000):
        print("x" * 1000)


def nasty(*arguments: Any) -> Any:
    return Nasty()


def objects(*arguments: Any) -> Any:
    return np.array([None, object()])


class Misnamed(type):
    """Makes classes that raise when they are asked for their name."""

    @property
    def __name__(cls) -> str:  # type: ignore[override]
        raise RuntimeError("nameless")


class Nameless(Exception, metaclass=Misnamed):
    """An error whose class has no name."""


class Unspeakable(Exception):
    """An error that cannot be told."""

    def __str__(self) -> str:
        raise SystemExit


class Text(str):
    """A text that cannot be cut."""

    def __getitem__(self, key: object) -> str:
        raise RuntimeError("whole or nothing")


def raises_without_a_name(*arguments: Any) -> None:
    raise Nameless


def raises_without_words(*arguments: Any) -> None:
    raise Unspeakable


def raises_odd_words(*arguments: Any) -> None:
    class Odd(Exception):
        def __str__(self) -> str:
            return Text("odd")

    raise Odd


def returns_without_a_name(*arguments: Any) -> Any:
    return Misnamed("Nameless", (), {})()


HOSTILE = [
    recursive, contains_itself, leaves, interrupts, asks, redefines, meddles, shouts, nasty, objects, endless_generator,
    raises_without_a_name, raises_without_words, raises_odd_words, returns_without_a_name,
]  # fmt: skip


@pytest.mark.parametrize("function", HOSTILE, ids=lambda f: f.__name__)
@pytest.mark.parametrize("exercise", [STEP, MSE, EXERCISES["unrolled.backward"]], ids=lambda e: e.name)
def test_a_hostile_function_is_wrong_and_leaves_no_trace(exercise: Any, function: Callable[..., Any]) -> None:
    assert graded(exercise, function, 0.5).status == "wrong"


def test_errors_are_told_by_name_whatever_their_class_says() -> None:
    assert "raised Nameless, at line 2: raise Nameless" in str(graded(STEP, raises_without_a_name))
    assert "raised Unspeakable, at line 2" in str(graded(STEP, raises_without_words))
    assert "raised Odd: odd" in str(graded(STEP, raises_odd_words))


@pytest.mark.parametrize("function", [endless, endless_and_deaf], ids=lambda f: f.__name__)
def test_an_endless_loop_is_stopped(function: Callable[..., Any]) -> None:
    report = graded(STEP, function, 0.3)
    assert (report.status, report.misconception) == ("wrong", "timeout")
    assert "line " in str(report)
    assert "could not be stopped" not in str(report)


def test_an_error_that_takes_for_ever_to_tell_is_stopped() -> None:
    class Endless(Exception):
        def __str__(self) -> str:
            while True:
                pass

    def mine(*arguments: Any) -> None:
        raise Endless

    assert graded(STEP, mine, 0.2).misconception == "timeout"


def test_what_cannot_be_stopped_is_left_behind_and_said_so() -> None:
    report = graded(STEP, lambda *arguments: time.sleep(4), 0.1)
    assert report.misconception == "timeout"
    assert "could not be stopped" in str(report)


def test_nothing_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    graded(STEP, shouts)
    assert capsys.readouterr() == ("", "")


def test_arguments_are_copies_of_the_cases() -> None:
    def spoils(params: Any, x: Any, h_prev: Any) -> Any:
        x[:] = params.W_hh[:] = np.nan

    graded(STEP, spoils)
    assert STEP.grade(STEP.solution).status == "correct"


# --- builtins ----------------------------------------------------------------------------------------------

SPOILED = [name for name in sorted(vars(builtins)) if name != "__name__"]  # which everything else is told by


@pytest.mark.parametrize("name", SPOILED)
def test_a_builtin_that_is_spoiled_changes_no_verdict_and_is_put_back(name: str) -> None:
    names = vars(builtins)

    def right(*arguments: Any) -> Any:
        value = MSE.solution(*arguments)
        names[name] = None
        return value

    def wrong(*arguments: Any) -> Any:
        names[name] = None

    def raising(*arguments: Any) -> Any:
        del names[name]
        raise LookupError("lost") from None

    LookupError = KeyError  # a name of our own: the builtin may be gone
    assert graded(MSE, right).status == "correct"
    assert graded(MSE, wrong).misconception == "no-return"
    assert "raised KeyError: 'lost'" in str(graded(MSE, raising))


def test_all_builtins_at_once() -> None:
    names, lies = vars(builtins), list(vars(builtins))

    def right(*arguments: Any) -> Any:
        value = STEP.solution(*arguments)
        for name in lies:
            names[name] = None
        return value

    def liar(*arguments: Any) -> Any:
        for name in lies:
            names[name] = lambda *arguments, **named: True
        return np.zeros(3)

    def thief(*arguments: Any) -> Any:
        names.clear()
        return 1

    assert graded(STEP, right).status == "correct"
    assert graded(STEP, liar).status == graded(STEP, thief).status == "wrong"
    assert graded(STEP, STEP.solution).status == "correct"


def test_builtins_that_are_spoiled_for_ever_are_put_back_when_the_loop_is_stopped() -> None:
    def mine(*arguments: Any) -> None:
        while True:
            builtins.range = builtins.super = builtins.BaseException = builtins.max = None  # type: ignore[assignment,misc]

    def deaf(*arguments: Any) -> None:
        names, spoiled = vars(builtins), list(vars(builtins))
        while True:
            try:
                while True:
                    for name in spoiled:
                        names[name] = None
            except:  # noqa: E722
                continue

    for function in (mine, deaf):
        report = graded(STEP, function, 0.2)
        assert report.misconception == "timeout"
        assert "could not be stopped" not in str(report)


def test_builtins_are_put_back_when_the_learner_presses_stop() -> None:
    def mine(*arguments: Any) -> None:
        names, spoiled = vars(builtins), list(vars(builtins))
        for name in spoiled:
            names[name] = None
        _thread.interrupt_main()
        while True:
            pass

    threads = threading.active_count()
    usual = signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where tests run in the background
    try:
        with pytest.raises(KeyboardInterrupt):
            graded(STEP, mine)
    finally:
        signal.signal(signal.SIGINT, usual)
    assert threading.active_count() == threads


def test_an_iterator_that_spoils_builtins_as_it_is_read() -> None:
    def mine(*arguments: Any) -> Iterator[Any]:
        for value in STEP.solution(*arguments):
            builtins.len = builtins.isinstance = builtins.zip = None  # type: ignore[assignment,misc]
            yield value

    graded(STEP, mine)


# --- modules -----------------------------------------------------------------------------------------------

OF_NUMPY = (
    "abs", "all", "any", "argmax", "array", "array2string", "asarray", "bool", "errstate", "exp", "float64", "generic",
    "integer", "isfinite", "isnan", "linalg", "log", "max", "mean", "nan_to_num", "ndarray", "printoptions", "random",
    "result_type", "sqrt", "stack", "sum", "tanh", "unravel_index", "where", "zeros",
)  # fmt: skip


@pytest.mark.parametrize("name", OF_NUMPY)
def test_a_function_of_numpys_that_is_spoiled_changes_no_verdict_and_is_put_back(name: str) -> None:
    def right(*arguments: Any) -> Any:
        value = MSE.solution(*arguments)
        setattr(np, name, None)
        return value

    def wrong(*arguments: Any) -> Any:
        delattr(np, name)
        return "a"

    assert graded(MSE, right).status == "correct"
    assert graded(MSE, wrong).misconception == "wrong-type"


def test_what_is_expected_cannot_be_bent() -> None:
    """Bits for nats: with log2 in the place of log, the package's own function would return them too."""
    exercise = EXERCISES["losses.softmax_cross_entropy"]

    def bits(y: Any, target: Any) -> Any:
        np.log = np.log2
        return exercise.solution(y, target)

    assert graded(exercise, bits).status == "wrong"


def test_other_modules_are_put_back() -> None:
    def mine(*arguments: Any) -> Any:
        np.linalg.norm = np.random.default_rng = np.random.get_state = np.new_name = None
        rnn.step = rnn.Params = rnn.new_name = None  # type: ignore[misc,attr-defined]
        del rnn.forward
        time.monotonic = os.getcwd = random.setstate = threading.Thread = warnings.catch_warnings = None  # type: ignore
        sys.setrecursionlimit = sys._getframe = sys.path = itertools.islice = None  # type: ignore
        del sys.modules["numpy"], sys.modules["bptt_lessons.cells.rnn"]
        sys.modules["random"] = None  # type: ignore[assignment]
        return "h"

    modules = dict(sys.modules)
    assert graded(STEP, mine).misconception == "wrong-type"
    assert all(sys.modules[name] is module for name, module in modules.items())


def test_a_module_that_is_imported_on_the_way_stays() -> None:
    name = "bptt_lessons.tasks.compression"
    importlib.import_module(name)
    tasks, module = sys.modules["bptt_lessons.tasks"], sys.modules.pop(name)
    del tasks.compression

    def mine(*arguments: Any) -> Any:
        import bptt_lessons.tasks.compression  # noqa: F401

        return MSE.solution(*arguments)

    try:
        assert MSE.grade(mine).status == "correct"
        assert tasks.compression is sys.modules[name]
    finally:
        tasks.compression = sys.modules[name] = module


TAKE_A_CELL = [
    name
    for name, exercise in EXERCISES.items()
    if any(type(value) is ModuleType for value in exercise.make_cases()[0].arguments.values())
]


def test_many_exercises_take_a_cell() -> None:
    assert len(TAKE_A_CELL) >= 8


@pytest.mark.parametrize("name", TAKE_A_CELL)
def test_a_cell_that_is_written_into_is_noticed_and_put_back(name: str) -> None:
    exercise = EXERCISES[name]
    place = list(exercise.make_cases()[0].arguments).index("cell")

    def keeps(*arguments: Any) -> Any:
        if type(arguments[place]) is ModuleType:
            arguments[place].memory = arguments
        return exercise.solution(*arguments)

    def spoils(*arguments: Any) -> Any:
        value = exercise.solution(*arguments)
        if type(arguments[place]) is ModuleType:
            arguments[place].step = arguments[place].forward = arguments[place].backward = None
        return value

    for function in (keeps, spoils):
        report = graded(exercise, function)
        assert report.misconception == "mutates-input"
        assert "`cell` has been written into" in str(report)


def test_a_cell_that_is_replaced_makes_nothing_right() -> None:
    def mine(cell: Any, *arguments: Any) -> Any:
        cell.step = lambda params, x, state: (state, None)
        return UNROLLED.solution(cell, *arguments)

    assert graded(UNROLLED, mine).status == "wrong"
    assert graded(UNROLLED, UNROLLED.solution).status == "correct"


def test_a_cell_is_the_module_that_a_learner_knows() -> None:
    def mine(cell: Any, *arguments: Any) -> Any:
        assert cell is rnn or cell is leaky
        assert repr(cell).startswith("<module")
        assert cell.__name__ in ("bptt_lessons.cells.rnn", "bptt_lessons.course.catalogue.leaky")
        return UNROLLED.solution(cell, *arguments)

    assert graded(UNROLLED, mine).status == "correct"


# --- other arguments ---------------------------------------------------------------------------------------

STREAM = EXERCISES["loop.fit"].make_lesson_case().arguments["batches"]
ARGUMENTS = [
    (lambda: [np.zeros(2), (np.ones(2), 3)], lambda v: v.__setitem__(0, None)),
    (lambda: [np.zeros(2), (np.ones(2), 3)], lambda v: v[1][0].fill(7)),
    (lambda: [1, 2, 3], lambda v: v.__setitem__(1, 5)),
    (lambda: [1, 2, 3], lambda v: v.__setitem__(1, 2.0)),
    (lambda: ["a", None, float("nan")], lambda v: v.__setitem__(1, "b")),
    (lambda: {"a": np.zeros(2)}, lambda v: v.update(b=1)),
    (lambda: {"a": np.zeros(2)}, lambda v: v["a"].fill(7)),
    (lambda: [abs, rnn], lambda v: v.__setitem__(0, max)),
    (lambda: [np.zeros(2)], lambda v: v.__setitem__(0, np.zeros(2, int))),
    (lambda: [[np.zeros((2, 3))]], lambda v: setattr(v[0][0], "shape", (3, 2))),
    (lambda: STREAM, lambda v: next(iter(v))[0].fill(7)),
]


@pytest.mark.parametrize(("make", "write"), ARGUMENTS, ids=range(len(ARGUMENTS)))
def test_whatever_can_be_written_into_is_copied_and_compared(make: Any, write: Any) -> None:
    before = make()
    first, second = copied(before), copied(before)
    assert unchanged(before, first)
    write(first)
    assert not unchanged(before, first)
    assert unchanged(before, second)


# --- recursion ---------------------------------------------------------------------------------------------


class Mirror:
    """Shows itself by showing itself, which recurses through compiled code."""

    def __repr__(self) -> str:
        return repr(self)


def without_bounds(*arguments: Any) -> Any:
    sys.setrecursionlimit(10**9)
    return recursive()


def through_compiled_code(*arguments: Any) -> Any:
    sys.setrecursionlimit(10**9)
    return repr(Mirror())


def through_numpy(*arguments: Any) -> Any:
    sys.setrecursionlimit(10**9)

    def again(x: Any) -> Any:
        return np.frompyfunc(again, 1, 1)(x)

    return again(np.ones(2))


def with_a_function_kept_from_before(*arguments: Any) -> Any:
    """Recurse in Python alone: through compiled code it would end the process before anyone can look."""

    def down(n: int) -> int:
        return down(n + 1)

    setrecursionlimit(10**9)
    return down(0)


@pytest.mark.parametrize("function", [without_bounds, through_compiled_code, through_numpy], ids=lambda f: f.__name__)
def test_recursion_without_end_is_an_error_soon(function: Callable[..., Any]) -> None:
    report = graded(STEP, function, 20.0)
    assert report.misconception == "raises"
    assert "raised RecursionError" in str(report)


def test_a_recursion_that_got_round_the_bound_is_ended() -> None:
    usual = sys.getrecursionlimit()
    outcome = run(with_a_function_kept_from_before, {}, 60.0)
    assert isinstance(outcome, Raised)
    assert outcome.kind == "RecursionError"
    assert sys.getrecursionlimit() == usual


def test_a_limit_that_was_raised_outside_bounds_nothing_less() -> None:
    usual = sys.getrecursionlimit()
    try:
        sys.setrecursionlimit(10**9)
        assert graded(STEP, recursive, 20.0).misconception == "raises"
        assert sys.getrecursionlimit() == 10**9
    finally:
        sys.setrecursionlimit(usual)


def test_a_recursion_over_thousands_of_steps_is_fine() -> None:
    def down(n: int) -> int:
        return n and down(n - 1)

    def mine(*arguments: Any) -> Any:
        sys.setrecursionlimit(4_000)
        down(3_000)
        return STEP.solution(*arguments)

    assert graded(STEP, mine).status == "correct"


# --- odd callables -----------------------------------------------------------------------------------------


def step(*arguments: Any) -> Any:
    return STEP.solution(*arguments)


class Plain:
    """A callable that is right."""

    def __call__(self, *arguments: Any) -> Any:
        return step(*arguments)


class NumberForAName(Plain):
    __name__ = 3


class NumberForCode(Plain):
    __code__ = 3


class TextForAName(Plain):
    __name__ = Text("mine")


class Closed(Plain):
    def __getattr__(self, name: str) -> Any:
        raise RuntimeError(name)


class Leaving(Plain):
    def __getattr__(self, name: str) -> Any:
        raise SystemExit(name)


class AllClosed(Plain):
    def __getattribute__(self, name: str) -> Any:
        raise KeyboardInterrupt(name)


class Classless(Plain):
    @property
    def __class__(self) -> Any:
        raise RuntimeError("classless")


class NamedAsOurs(Plain):
    """Has attributes that our own wrapper of it has too."""

    def __init__(self) -> None:
        self.exercise = self.function = self.signature = self.patterns = None
        self.failed = True


class WronglyWrapped(Plain):
    __wrapped__ = 3
    __signature__ = "none"


def misnamed(*arguments: Any) -> Any:
    return step(*arguments)


misnamed.__name__ = "no name at all"
misnamed.__qualname__ = ""
ODD = [
    NumberForAName(), NumberForCode(), TextForAName(), Closed(), Leaving(), AllClosed(), Classless(), NamedAsOurs(),
    WronglyWrapped(), misnamed, Plain().__call__,
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(ODD)))
def test_an_odd_callable_is_judged_by_what_it_returns_and_can_be_used(number: int) -> None:
    function = ODD[number]
    assert graded(STEP, function).status == "correct"
    assert graded(MSE, function).misconception == "raises"
    learner = LearnerFunction(STEP, function)
    arguments = tuple(STEP.make_cases()[0].arguments.values())
    assert type(learner(*arguments)[1]) is rnn.Cache
    assert not learner.failed


def test_something_that_is_no_function_and_has_no_class() -> None:
    class Thing:
        @property
        def __class__(self) -> Any:
            raise RuntimeError("classless")

    report = graded(STEP, Thing())
    assert report.misconception == "not-a-function"
    assert "of type Thing" in str(report)


# --- switches ----------------------------------------------------------------------------------------------


def legacy_generator(*arguments: Any) -> None:
    np.random.set_bit_generator(np.random.PCG64(1))  # type: ignore[attr-defined]
    np.random.random()  # noqa: NPY002


SWITCHES = {
    "interval": lambda: sys.setswitchinterval(1),
    "garbage": gc.disable,
    "environment": lambda: os.environ.update(BPTT_LESSONS_HOME="/nowhere", NEW="1"),
    "environment removed": lambda: os.environ.pop("PATH"),
    "environment emptied": lambda: os.environ.clear(),
    "path": lambda: sys.path.append("/nowhere"),
    "path emptied": lambda: sys.path.clear(),
    "locale": lambda: locale.setlocale(locale.LC_ALL, "C.UTF-8" if locale.setlocale(locale.LC_ALL) == "C" else "C"),
    "folder": lambda: os.chdir(os.sep),
    "seed": lambda: random.seed(1),
    "numpy's seed": lambda: np.random.seed(1),  # noqa: NPY002
    "numpy's generator": legacy_generator,
    "depth": lambda: sys.setrecursionlimit(300),
    "trace": lambda: (sys.settrace(lambda *a: None), threading.settrace(lambda *a: None)),
    "profile": lambda: (sys.setprofile(lambda *a: None), threading.setprofile(lambda *a: None)),
    "print options": lambda: np.set_printoptions(precision=1, formatter={"all": lambda x: 1 / 0}),
    "errors": lambda: (np.seterr(all="raise"), np.seterrcall(None)),
    "warnings": lambda: warnings.simplefilter("error"),
    "streams": lambda: setattr(sys, "stdout", None),
    "stack": lambda: threading.stack_size(2**20),
}


@pytest.mark.parametrize("name", SWITCHES)
def test_a_switch_is_put_back(name: str) -> None:
    def mine(*arguments: Any) -> Any:
        value = STEP.solution(*arguments)
        SWITCHES[name]()
        return value

    stdout, stderr, path = sys.stdout, sys.stderr, sys.path
    assert graded(STEP, mine).status == "correct"
    assert (sys.stdout, sys.stderr) == (stdout, stderr)
    assert sys.path is path


def test_what_a_session_has_set_stays_set() -> None:
    """What was so before is put back, not what is usual."""
    generator = np.random.get_bit_generator()  # type: ignore[attr-defined]
    interval = sys.getswitchinterval()
    try:
        np.random.set_bit_generator(np.random.PCG64(3))  # type: ignore[attr-defined]
        sys.setswitchinterval(0.002)
        gc.disable()
        before = np.random.get_bit_generator().state  # type: ignore[attr-defined]
        assert isinstance(run(legacy_generator, {}, 5.0), object)
        assert np.random.get_bit_generator().state == before  # type: ignore[attr-defined]
        assert (sys.getswitchinterval(), gc.isenabled()) == (0.002, False)
    finally:
        np.random.set_bit_generator(generator)  # type: ignore[attr-defined]
        sys.setswitchinterval(interval)
        gc.enable()


def test_a_time_limit_is_kept_while_builtins_lie_about_time() -> None:
    def mine(*arguments: Any) -> None:
        builtins.max = builtins.min = lambda *values: 1e6  # type: ignore[assignment]
        time.monotonic = lambda: 0.0  # type: ignore[assignment]
        while True:
            pass

    held = surroundings.hold()
    outcome = run(mine, {}, 0.2)
    assert isinstance(outcome, TimedOut)
    assert outcome.stopped
    assert not any(surroundings.differs(space) for space in (*held.vital, *held.others))


def test_the_catalogued_mistakes_change_nothing_round_them_though_little_is_held_for_them() -> None:
    for exercise in EXERCISES.values():
        first = exercise.make_cases()[0].arguments
        held, before = surroundings.hold([leaky]), state_of_the_world()
        for mistake in exercise.misconceptions.values():
            run(mistake.function, first, 5.0, ours=True)
        assert not any(surroundings.differs(space) for space in (*held.vital, *held.others)), exercise.name
        assert state_of_the_world() == before, exercise.name
