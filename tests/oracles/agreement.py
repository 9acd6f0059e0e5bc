"""When two answers to a question agree, and what is reported when they do not.

In float64 they agree if every array's relative error (max|a - b| over the largest entry of either) is at most
`FLOAT64`.  A rounding is 1.1e-16 of a number; the longest sequences add up a few thousand of them, so 1e-12 may come
of it, and the rest is for sums that nearly cancel and nets that stretch errors a little.

In float32 no fixed number would do: how far rounding carries depends on the question.  So the other library answers
in float64, and again with every input changed by half its last float32 bit, up or down.  A computation in float32
makes such a change at every rounding, so it may be off by that effect times the number of roundings that add up in
one number (`Question.roundings`), and by as many roundings of the result itself.

In float64 the same is allowed where it is more than `FLOAT64`.  That takes a net that stretches errors a
millionfold; for such a net no two libraries get the same numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from questions import Question, cast

FLOAT64 = 1e-10
HALF_BIT_32, HALF_BIT_64 = 2.0**-24, 2.0**-53  # the relative error of one rounding
SAMPLES = 3  # ways of changing all last bits

Arrays = dict[str, Any]


def relative_error(a: Any, b: Any) -> float:
    """max|a - b| over the largest entry of both; 0 if all of both are 0, NaN if anything is not finite."""
    scale = largest(a, b)
    return float(np.max(np.abs(a - b)) / scale) if scale else 0.0


def largest(*arrays: Any) -> float:
    """The largest absolute value; NaN if anything is not finite."""
    value = max(float(np.max(np.abs(a))) for a in arrays)
    return value if all(np.isfinite(a).all() for a in arrays) else float("nan")


def float64_bounds(ours: Arrays, theirs: Arrays, tolerance: float = FLOAT64) -> dict[str, float]:
    """How far every array may be off in float64."""
    return {name: tolerance * largest(ours[name], theirs[name]) for name in theirs}


def rounding_bounds(
    answer: Callable[[Question], Arrays], question: Question, exact: Arrays, half_bit: float
) -> dict[str, float]:
    """How far rounding may carry every array from the `exact` one, by the library that gave that."""
    effect = dict.fromkeys(exact, 0.0)
    for seed in range(SAMPLES):
        for name, array in answer(with_last_bits_changed(question, seed, half_bit)).items():
            effect[name] = max(effect[name], float(np.max(np.abs(array - exact[name]))))
    return {name: question.roundings * (effect[name] + half_bit * largest(a)) for name, a in exact.items()}


def with_last_bits_changed(question: Question, seed: int, half_bit: float) -> Question:
    """The question in float64, with every number larger or smaller by that part of it."""
    rng = np.random.default_rng(seed)
    question = cast(question, np.float64)
    inputs = {
        name: a * (1 + half_bit * rng.choice([-1, 1], a.shape)) if a.dtype.kind == "f" else a
        for name, a in question.inputs.items()
    }
    return question._replace(inputs=inputs)


def bounds_for(
    question: Question, ours: Arrays, exact: Arrays, answer: Callable[[Question], Arrays]
) -> dict[str, float]:
    """How far every array of our answer may be from the `exact` one in float64, which `answer` gave."""
    if question.dtype == np.float32:
        return rounding_bounds(answer, question, exact, HALF_BIT_32)
    bounds = float64_bounds(ours, exact)
    if all(np.max(np.abs(ours[name] - exact[name])) <= bounds[name] for name in exact):
        return bounds
    rounding = rounding_bounds(answer, question, exact, HALF_BIT_64)
    return {name: max(bounds[name], rounding[name]) for name in exact}


def part_of_bounds(
    question: Question,
    ours: Arrays,
    theirs: Arrays,
    bounds: dict[str, float],
    library: str,
) -> float:
    """Return the largest error as a part of what is allowed, or raise an AssertionError that shows the worst array."""
    assert set(ours) == set(theirs), f"{question.drawn}: {sorted(ours)}, but of {library} {sorted(theirs)}"
    for name, array in theirs.items():
        found = ours[name].shape, ours[name].dtype if array.ndim else question.dtype  # (a norm is always float64)
        expected = array.shape, np.dtype(question.dtype)
        assert found == expected, f"{question.drawn}: {name} is {found}, expected {expected}"
    errors = {name: float(np.max(np.abs(ours[name] - theirs[name]))) for name in theirs}
    parts = {name: error / bounds[name] if error else 0.0 for name, error in errors.items() if np.isfinite(error)}
    wrong = [name for name in theirs if not parts.get(name, np.inf) <= 1]
    if wrong:
        name = max(wrong, key=lambda name: relative_or_infinite(ours[name], theirs[name]))
        raise AssertionError(report(question, name, wrong, ours[name], theirs[name], bounds[name], library))
    return max(parts.values())


def relative_or_infinite(a: Any, b: Any) -> float:
    """The relative error, infinite where there is none."""
    error = relative_error(a, b)
    return error if np.isfinite(error) else np.inf


def report(
    question: Question,
    name: str,
    wrong: list[str],
    ours: Any,
    theirs: Any,
    bound: float,
    library: str,
) -> str:
    """Describe a disagreement of two libraries."""
    worst = np.unravel_index(np.argmax(np.abs(ours - theirs)), ours.shape)
    show = (lambda a: a.tolist()) if ours.size <= 12 else (lambda a: f"{a[worst]!r} at {tuple(map(int, worst))}")
    scale = largest(ours, theirs)
    return "\n".join(
        [
            f"{question.of} here and by {library} disagree ({question.dtype})",
            sizes(question),
            f"drawn by: {question.drawn}",
            f"arrays that differ: {', '.join(wrong)}",
            f"{name}: error {relative_error(ours, theirs):.2g} of its largest entry, {bound / scale:.2g} allowed",
            f"  here: {show(ours)}",
            f"  {library}: {show(theirs)}",
            f"again: by_package.answer(questions.{question.drawn})[{name!r}], in tests/oracles",
        ]
    )


def sizes(question: Question) -> str:
    """The sizes of a question, a cell's in the usual letters, and the settings."""
    inputs = question.inputs
    if "x" in inputs:
        T, N, D = inputs["x"].shape
        with_states = [f"{'with' if f'{s}.h' in inputs else 'without'} {s}" for s in ("state0", "dstate_T")]
        return f"{T = }, {N = }, {D = }, H = {inputs['dh'].shape[2]}, {', '.join(with_states)}"
    shapes = ", ".join(f"{name} {a.shape}" for name, a in inputs.items())
    return shapes + "".join(f", {name} = {value}" for name, value in question.settings.items())
