"""Diagnosis: which mistake, or which two, give just what a learner's function gave.

Every known mistake and every slip of the pen is an edit of a right way to write the function, so each can be run.  One
is named only if its function gives the learner's result in every case.  The order is: one known mistake; two of them;
one slip that nobody wrote down; a known mistake and a slip.

Few pairs are run.  Each single function is run once in the case that tells most; an entry that b leaves alone is,
after a and b together, most likely what a makes it.  So a pair is run only if every entry that one of the two leaves
alone is, in the learner's result, as the other makes it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import combinations, product
from typing import Any, NamedTuple

import numpy as np

from bptt_lessons.arguments import Array
from bptt_lessons.course.mistakes.edits import EditError, Replacement
from bptt_lessons.course.results import TOLERANCE, Answer, is_right, same

PAIRS_AT_MOST = 300  # that are run: a search ends after a number of candidates, so that it ends alike everywhere


class Suspect(NamedTuple):
    """One edit that may be the learner's."""

    name: str
    sentence: str
    changes: tuple[Replacement, ...]
    way: int  # which right way to write the function it is an edit of
    authored: bool


class LineUp(NamedTuple):
    """All suspects of an exercise, and how to make a function of one or two of them."""

    suspects: Sequence[Suspect]
    function: Callable[..., Callable[..., Any]]  # takes suspects of one way


class Bench(NamedTuple):
    """What suspects are compared on: how a function answers the cases, and the learner's and the right answers."""

    ask: Callable[[Callable[..., Any], int], Answer]
    mine: Sequence[Answer]
    right: Sequence[Answer]


def diagnosed(line_up: LineUp, bench: Bench) -> tuple[Suspect, ...]:
    """Return the one or two suspects that explain the learner's answers in every case; none if none do."""
    telling = [n for n, (m, r) in enumerate(zip(bench.mine, bench.right, strict=True)) if not is_right(m, r)]
    if not any(is_fingerprint(bench.mine[n]) for n in telling):
        return overflowing(line_up, bench, telling)
    first = min(telling, key=lambda n: not is_fingerprint(bench.mine[n]))
    answers: dict[Suspect, Answer] = {}
    for suspects in ([s for s in line_up.suspects if s.authored], [s for s in line_up.suspects if not s.authored]):
        for suspect in suspects:
            answers[suspect] = bench.ask(line_up.function(suspect), first)
            if same(answers[suspect], bench.mine[first]) and explains(line_up, (suspect,), bench):
                return (suspect,)
        found = pair(line_up, bench, first, answers, with_slip=not suspects[0].authored if suspects else True)
        if found:
            return found
    return ()


def overflowing(line_up: LineUp, bench: Bench, telling: Sequence[int]) -> tuple[Suspect, ...]:
    """Return the known mistake that explains results with infinities and NaN, if NumPy reports the same errors for it.

    A result without a single finite number is explained by nothing.
    """
    if not all(np.isfinite(flat(bench.mine[n].arrays or {"": np.zeros(0)})).any() for n in telling):
        return ()
    for suspect in line_up.suspects:
        if suspect.authored and explains(line_up, (suspect,), bench):
            function = line_up.function(suspect)
            if all(errors_of(bench.ask(function, n)) == errors_of(bench.mine[n]) for n in telling):
                return (suspect,)
    return ()


def errors_of(answer: Answer) -> tuple[str, ...]:
    """Return what NumPy reported during a call, such as "overflow"."""
    return getattr(answer.outcome, "float_errors", ())


def explains(line_up: LineUp, suspects: Sequence[Suspect], bench: Bench) -> bool:
    """Say whether these edits together give the learner's answer in every case."""
    try:
        function = line_up.function(*suspects)
    except (EditError, SyntaxError):
        return False
    return all(same(bench.ask(function, n), answer) for n, answer in enumerate(bench.mine))


def is_fingerprint(answer: Answer) -> bool:
    """Say whether an answer can be told from others: infinities and NaN have too many causes."""
    return answer.arrays is None or all(np.isfinite(array).all() for array in answer.arrays.values())


def pair(
    line_up: LineUp, bench: Bench, first: int, answers: Mapping[Suspect, Answer], with_slip: bool
) -> tuple[Suspect, ...]:
    """Return two suspects that explain the learner's answers together."""
    right, mine = bench.right[first].arrays, bench.mine[first].arrays
    if right is None or mine is None or bench.mine[first].problem is not None:
        return ()
    comparable = [s for s, answer in answers.items() if answer.arrays is not None and answer.problem is None]
    if len(comparable) < 2:
        return ()
    margin = flat({name: np.full(a.shape, TOLERANCE * scale(a, mine[name])) for name, a in right.items()})
    made = np.array([flat(answers[s].arrays or {}) for s in comparable])
    with np.errstate(all="ignore"):
        alone = near(made, flat(right), margin)  # entries that a suspect leaves as they should be
        likewise = near(made, flat(mine), margin)  # entries that are as the learner has them
    refuted = (
        alone.astype(float) @ (~likewise).astype(float).T
    )  # [b, a]: entries that b leaves alone and a has otherwise
    possible = (refuted == 0) & (refuted.T == 0)
    known = [n for n, s in enumerate(comparable) if s.authored]
    slips = [n for n, s in enumerate(comparable) if not s.authored]
    tried = 0
    for a, b in product(known, slips) if with_slip else combinations(known, 2):
        if not possible[a, b] or comparable[a].way != comparable[b].way:
            continue
        both = (comparable[a], comparable[b])
        if {change.place for change in both[0].changes} & {change.place for change in both[1].changes}:
            continue
        tried += 1
        if tried > PAIRS_AT_MOST:
            break
        if explains(line_up, both, bench):
            return both
    return ()


def near(made: Array, wanted: Array, margin: Array) -> Array:
    """Say entry by entry what agrees; NaN agrees with NaN."""
    close: Array = (np.abs(made - wanted) <= margin) | (made == wanted) | (np.isnan(made) & np.isnan(wanted))
    return close


def flat(arrays: Mapping[str, Array]) -> Array:
    """Return all entries of some arrays in a row."""
    rows = [np.ravel(array) for array in arrays.values()]
    return np.concatenate([row if row.dtype.kind in "fc" else row.astype(float) for row in rows])


def scale(a: Array, b: Array) -> float:
    """Return the size of the largest entry of two arrays."""
    sizes = [np.abs(x[np.isfinite(x)]).max(initial=0) for x in (flat({"": a}), flat({"": b}))]
    return float(max(sizes))
