"""Grading: what it says of right, empty and wrong functions."""

from __future__ import annotations

import dataclasses
import linecache
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest

from bptt_lessons.cells.rnn import Cache
from bptt_lessons.course import EXERCISES
from bptt_lessons.course.catalogue.draws import Seeded
from bptt_lessons.course.exercises import Case, Exercise
from bptt_lessons.course.learner_function import LearnerFunction
from bptt_lessons.course.mistakes import mistake_page
from bptt_lessons.course.stubs import is_stub
from bptt_lessons.course.wording import printed_case
from bptt_lessons.gradients.checkpointing import Action

STEP = EXERCISES["rnn.step"]


def from_source(text: str) -> Any:
    """Return the function f of a text, as it comes without any source file."""
    names: dict[str, Any] = {"np": np}
    exec(text, names)
    return names["f"]


# --- what counts as not attempted -------------------------------------------------------------------------

EMPTY = [
    "def f(a): ...",
    "def f(a):\n    pass",
    "def f(a):\n    'Only words.'",
    "def f(a):\n    'Words.'\n    ...",
    "def f(a):\n    '''Words\n    on two lines.'''\n    pass",
    "def f(a):\n    raise NotImplementedError",
    "def f(a):\n    raise NotImplementedError()",
    "def f(a):\n    'Words.'\n    raise NotImplementedError('later')",
]
NOT_EMPTY = [
    "def f(a):\n    return None",
    "def f(a):\n    return",
    "def f(a):\n    return a",
    "def f(a):\n    raise ValueError",
    "def f(a):\n    a + 1",
    "def f(a):\n    5",
    "def f(a):\n    if a is None:\n        raise NotImplementedError\n    return a",
    "f = lambda a: a",
]


@pytest.mark.parametrize("text", EMPTY)
def test_an_empty_body_is_a_stub(text: str) -> None:
    assert is_stub(from_source(text))


@pytest.mark.parametrize("text", NOT_EMPTY)
def test_anything_else_is_an_attempt(text: str) -> None:
    assert not is_stub(from_source(text))


def test_a_source_that_belongs_to_something_else_does_not_decide(monkeypatch: pytest.MonkeyPatch) -> None:
    """From Python 3.13 on, the text of ``python -c`` is kept under the name "<string>", which exec uses too."""
    text = "import sys\n" * 5
    monkeypatch.setitem(linecache.cache, "<string>", (len(text), None, text.splitlines(True), "<string>"))
    assert is_stub(from_source("def f(a):\n    'Words.'\n    ..."))
    assert not is_stub(from_source("def f(a):\n    return a"))


def test_the_source_decides_where_there_is_one() -> None:
    def nothing(a: Any) -> None:
        """Words."""

    def returns_none(a: Any) -> None:
        return None

    assert is_stub(nothing)
    assert not is_stub(returns_none)


def test_no_function_at_all() -> None:
    assert STEP.grade(None).status == "not attempted"
    report = STEP.grade(3)
    assert (report.status, report.misconception) == ("wrong", "not-a-function")


# --- what a report says ------------------------------------------------------------------------------------


def test_a_shape_is_named_with_both_shapes() -> None:
    def transposed(params: Any, x: Any, h_prev: Any) -> Any:
        h, cache = STEP.solution(params, x, h_prev)
        return h.T.copy()[:, :1], cache

    report = STEP.grade(transposed)
    assert report.misconception == "wrong-shape"
    assert "`h` has shape (3, 1), expected (2, 3)" in str(report)


def test_values_are_named_with_place_and_size() -> None:
    def nearly(params: Any, x: Any, h_prev: Any) -> Any:
        h, cache = STEP.solution(params, x, h_prev)
        h = h.copy()
        h[1, 2] = 7
        return h, cache

    text = str(STEP.grade(nearly))
    assert "`h[1, 2]` is 7" in text
    assert "Right already: `cache.x`, `cache.h_prev`, `cache.h`" in text
    assert "nearly(*example('rnn.step'))" in text


def test_one_wrong_factor_is_pointed_out() -> None:
    exercise = EXERCISES["readout.forward"]
    report = exercise.grade(lambda params, h: 3.5 * exercise.solution(params, h))
    assert "Every entry is 3.5 times as large." in str(report)


def test_the_structure_is_explained() -> None:
    assert "It should return 2 things (h, cache)" in str(STEP.grade(lambda p, x, h: STEP.solution(p, x, h)[0][0, 0]))
    assert "`cache` should be Cache(x, h_prev, h)" in str(STEP.grade(lambda p, x, h: (STEP.solution(p, x, h)[0], {})))


def test_an_exception_is_shown_with_the_learners_own_line() -> None:
    def fails(params: Any, x: Any, h_prev: Any) -> Any:
        z = x @ params.W_xh
        return z + params.U

    report = STEP.grade(fails)
    assert report.misconception == "raises"
    assert "AttributeError" in str(report)
    assert "line 3: return z + params.U" in str(report)


def test_what_it_printed_is_passed_on_when_it_is_wrong() -> None:
    def talks(params: Any, x: Any, h_prev: Any) -> None:
        print("x is", x.shape)

    assert "It printed: x is (2, 1)" in str(STEP.grade(talks))


def test_writing_into_an_argument_is_told_as_such() -> None:
    def writes(params: Any, x: Any, h_prev: Any) -> Any:
        result = STEP.solution(params, x, h_prev.copy())
        h_prev[:] = 0
        return result[0], result[1]._replace(h_prev=result[1].h_prev)

    report = STEP.grade(writes)
    assert (report.status, report.misconception) == ("wrong", "mutates-input")
    assert "`h_prev`" in str(report)


def test_an_overflow_on_the_way_to_a_right_result_is_remarked_on() -> None:
    sigmoid = EXERCISES["activations.sigmoid"]
    report = sigmoid.grade(lambda z: 1 / (1 + np.exp(-z)))
    assert report.status == "correct"
    assert "NumPy warned on the way (overflow)" in str(report)
    assert "warned" not in str(sigmoid.grade(sigmoid.solution))


def test_writing_into_an_argument_is_told_beside_a_wrong_value_too() -> None:
    def doubles(params: Any, x: Any, h_prev: Any) -> Any:
        h, cache = STEP.solution(params, x, h_prev)
        x *= 2
        return h, cache

    report = STEP.grade(doubles)
    assert report.misconception == "mutates-input"
    assert "`x` has been written into" in str(report)


def test_a_mistake_is_named_although_it_also_writes_into_an_argument() -> None:
    backward = EXERCISES["rnn.step_backward"]

    def in_place(params: Any, cache: Any, dh: Any) -> Any:
        dh *= 1 - cache.h**2
        grads = type(params)(cache.x.T @ dh, cache.h.T @ dh, dh.sum(axis=0))
        return grads, dh @ params.W_xh.T, dh @ params.W_hh.T

    report = backward.grade(in_place)
    assert report.mistakes == ("mutates-input", "h-for-h-prev")
    assert "`dh` has been written into" in str(report)


SAMPLE = [
    pytest.param(exercise, marks=[pytest.mark.long] if number % 6 != 1 else [], id=name)
    for number, (name, exercise) in enumerate(EXERCISES.items())
]


@pytest.mark.parametrize("exercise", SAMPLE)
def test_a_report_does_not_depend_on_numpys_settings(exercise: Any) -> None:
    wrong = next(iter(exercise.misconceptions.values())).function
    usual = str(exercise.grade(wrong))
    with np.errstate(all="raise"), np.printoptions(linewidth=20, threshold=3, precision=1, formatter={"float": str}):
        assert exercise.grade(exercise.solution).status == "correct"
        assert str(exercise.grade(wrong)) == usual


def test_html_says_what_the_text_says_and_escapes_it() -> None:
    def angle(params: Any, x: Any, h_prev: Any) -> Any:
        raise ValueError("<script>")

    html = STEP.grade(angle)._repr_html_()
    assert "&lt;script&gt;" in html
    assert "<script>" not in html
    assert 'role="status"' in html
    assert "not right yet" in html


# --- properties --------------------------------------------------------------------------------------------


class Drawn(NamedTuple):
    whole: Any
    from_1_to_6: Any


def properties_of_dice(arguments: Any, dice: Any) -> Drawn:
    if dice[0] == 99:
        raise IndexError("nobody thought of 99")
    return Drawn(np.all(dice == np.round(dice)), np.array([dice.min() >= 1, dice.max() <= 6]))


def roll(rng: Any, N: Any) -> Any:
    return rng.integers(1, 7, N)


def cases_of_dice() -> tuple[Case, ...]:
    return tuple(Case(f"N = {N}", {"rng": Seeded(N), "N": N}) for N in (20, 50))


DICE_PAGE = """
# dice.roll

## `return rng.integers(1, 7, N)`

- **from-0**: `rng.integers(1, 7, N)` → `np.append(rng.integers(0, 7, N - 1), 0)`
  You roll from 0 to 6, and a die has no side without any eyes on it.
- **a-row**: `N` → `(1, N)`
  You return a matrix with one row, and a list of numbers is wanted here.
"""

DICE = Exercise(
    name="dice.roll",
    lesson="none",
    minutes=1,
    solution=roll,
    returns=("dice",),
    stub="",
    hints=(),
    make_cases=cases_of_dice,
    make_lesson_case=lambda: cases_of_dice()[0],
    mistakes=mistake_page.read(DICE_PAGE)["dice.roll"],
    properties=properties_of_dice,
)


def test_what_is_drawn_in_another_order_is_right() -> None:
    assert DICE.grade(roll).status == "correct"
    assert DICE.grade(lambda rng, N: [rng.integers(6) + 1 for _ in range(N)][::-1]).status == "correct"
    assert DICE.grade(lambda rng, N: np.floor(1 + 6 * rng.random(N))).status == "correct"


def test_a_mistake_is_named_by_its_properties() -> None:
    report = DICE.grade(lambda rng, N: [0, *(rng.random(N - 1) * 7 // 1)])
    assert report.misconception == "from-0"
    assert "their properties are compared. `from_1_to_6[0]` is False, expected True" in str(report)
    assert "Also off" not in str(report)


def test_a_mistake_of_the_shape_is_named_by_its_shape() -> None:
    report = DICE.grade(lambda rng, N: rng.integers(2, 6, N)[None])
    assert report.misconception == "a-row"
    assert "`dice` has shape (1, 20), expected (20,)" in str(report)


def test_properties_that_no_mistake_has_are_told() -> None:
    report = DICE.grade(lambda rng, N: rng.uniform(1, 6, N))
    assert (report.status, report.misconception) == ("wrong", None)
    assert "`whole` is False, expected True" in str(report)


def test_a_generator_that_is_given_has_to_be_drawn_from() -> None:
    report = DICE.grade(lambda rng, N: np.random.default_rng(0).integers(1, 7, N))
    assert report.status == "wrong"
    assert "`generators_that_are_never_drawn_from` is 1, expected 0" in str(report)


HOSTILE_DRAWS = [
    lambda rng, N: np.full(N, 99),  # the properties raise
    lambda rng, N: np.full(N, np.nan),
    lambda rng, N: np.full(N, np.inf),
    lambda rng, N: np.full(N, 1j),
    lambda rng, N: np.array(["six"] * N),
    lambda rng, N: np.array([object()] * N),
    lambda rng, N: np.zeros(N, bool),
    lambda rng, N: np.zeros(0),
    lambda rng, N: [[1, 2], [3]],
    lambda rng, N: 6,
    lambda rng, N: rng,
    lambda rng, N: rng.bit_generator.nonsense,
    lambda rng, N: None,
]


@pytest.mark.parametrize("function", HOSTILE_DRAWS, ids=range(len(HOSTILE_DRAWS)))
def test_properties_survive_hostile_values(function: Callable[..., Any]) -> None:
    report = DICE.grade(function)
    assert report.status == "wrong"
    assert report.misconception not in ("check-failed", "from-0", "a-row"), str(report)


@pytest.mark.parametrize(
    ("name", "field", "value", "status"),
    [
        ("copying.sequences", "x", np.nan, "wrong"),
        ("adding.sequences", "mask", 1j, "wrong"),
        ("copying.sequences", "target", np.inf, "wrong"),
        ("copying.sequences", "mask", True, "correct"),
    ],
)
def test_batches_of_unexpected_values(name: str, field: str, value: Any, status: str) -> None:
    exercise = EXERCISES[name]

    def spoils(rng: Any, size: Any, N: Any) -> Any:
        batch = exercise.solution(rng, size, N)
        return batch._replace(**{field: np.full(getattr(batch, field).shape, value)})

    report = exercise.grade(spoils)
    assert report.status == status
    assert report.misconception != "check-failed", str(report)


# --- what is refused ---------------------------------------------------------------------------------------


class Odd(ArithmeticError):
    """An error of one's own, of the right kind."""


def half(n: Any) -> Any:
    if n % 2:
        raise ArithmeticError("n is odd")
    return n // 2


HALF_PAGE = """
# numbers.half

## `if n % 2:`

- **of-anything**: left out
  You halve odd numbers too, and half of one of them is no whole number: refuse it.

## `raise ArithmeticError('n is odd')`

- **none**: instead `return None`
  You return nothing for an odd number, and whoever called you finds out much later.

## `return n // 2`

- **doubled**: `n // 2` → `2 * n`
  You multiply by two, and half a number is what is left when you divide it by two.
"""

HALF = Exercise(
    name="numbers.half",
    lesson="none",
    minutes=1,
    solution=half,
    returns=("half",),
    stub="",
    hints=(),
    make_cases=lambda: (*(Case(f"n = {n}", {"n": n}) for n in (2, 6)), Case("n = 3", {"n": 3}, refused="n is odd")),
    make_lesson_case=lambda: Case("n = 8", {"n": 8}),
    mistakes=mistake_page.read(HALF_PAGE)["numbers.half"],
)


def half_or_raise(error: BaseException, factor: int = 1) -> Callable[..., Any]:
    """Return a function that halves, and raises the error for odd numbers."""

    def mine(n: Any) -> Any:
        if n % 2:
            raise error
        return factor * n // 2

    return mine


@pytest.mark.parametrize("error", [ArithmeticError("other words"), ZeroDivisionError(), Odd(3)], ids=repr)
def test_a_case_that_is_refused_asks_for_an_error_of_that_class_or_a_subclass(error: BaseException) -> None:
    report = HALF.grade(half_or_raise(error))
    assert str(report) == "numbers.half: correct, in all 3 cases."


def test_returning_where_something_is_refused_is_told_in_words() -> None:
    report = HALF.grade(lambda n: np.full(3, 7) if n % 2 else n // 2)
    assert (report.status, report.misconception) == ("wrong", "does-not-raise")
    assert "Your function goes on where it should stop with an error." in str(report)
    told = (
        "Case 3 of 3 (n = 3): it should raise ArithmeticError, since n is odd; yours returned an array of shape (3,)."
    )
    assert told in str(report)
    assert "(*example('numbers.half', 3))" in str(report)


def test_another_error_is_told_as_such() -> None:
    report = HALF.grade(half_or_raise(RuntimeError("no")))
    assert (report.status, report.misconception) == ("wrong", "raises")
    told = "it should raise ArithmeticError, since n is odd; yours raised RuntimeError: no, at line 3: raise error."
    assert told in str(report)
    assert HALF.grade(half_or_raise(SystemExit())).misconception == "raises"
    assert HALF.grade(half_or_raise(Exception("wider"))).misconception == "raises"


@pytest.mark.parametrize("name", HALF.misconceptions)
def test_mistakes_that_differ_only_in_what_they_do_with_the_refused_are_named(name: str) -> None:
    assert HALF.grade(HALF.misconceptions[name].function).misconception == name


def test_a_mistake_is_named_whether_or_not_the_refused_is_refused() -> None:
    assert HALF.grade(half_or_raise(ArithmeticError(), factor=4)).misconception == "doubled"
    assert HALF.grade(lambda n: 2 * n).mistakes == ("of-anything", "doubled")


def test_a_loop_in_a_refused_case_is_stopped() -> None:
    def hangs(n: Any) -> Any:
        while n % 2:
            pass
        return n // 2

    assert HALF.grade(hangs, time_limit=0.2).misconception == "timeout"


def test_an_exercise_that_promises_a_refusal_and_does_not_refuse_is_our_fault() -> None:
    broken = dataclasses.replace(HALF, solution=lambda n: n // 2)
    assert HALF.grade(half).status == "correct"
    assert broken.grade(half).misconception == "check-failed"


def test_a_right_function_with_refusals_is_put_to_work() -> None:
    learner = LearnerFunction(HALF, half_or_raise(Odd()))
    assert learner(8) == 4
    with pytest.raises(ArithmeticError, match="n is odd"):
        learner(5)


# --- how a case is printed, and read ----------------------------------------------------------------------


def test_what_holds_no_array_is_printed_in_one_piece() -> None:
    actions = [Action("keep state", 0, 2), Action("back", 2, 3)]
    assert printed_case({"cuts": [1, 4], "pair": (1, "two"), "actions": actions, "nothing": []}) == (
        "cuts = [1, 4]\n"
        "pair = (1, 'two')\n"
        "actions = [Action(kind='keep state', start=0, stop=2),\n"
        "           Action(kind='back', start=2, stop=3)]\n"
        "nothing = []"
    )


def test_what_holds_an_array_is_taken_apart() -> None:
    cache = Cache(np.array([[1.0]]), np.array([[2.0]]), np.array([[3.0]]))
    assert printed_case({"caches": [cache], "pair": (np.zeros(2), [5])}) == (
        "caches[0].x = [[1.]]\ncaches[0].h_prev = [[2.]]\ncaches[0].h = [[3.]]\npair[0] = [0., 0.]\npair[1] = [5]"
    )
