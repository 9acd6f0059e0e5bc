"""Exercise on the copying task: its generator, checked by properties of what it draws (lesson 08)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from bptt_lessons.arguments import Array
from bptt_lessons.course.catalogue.draws import Seeded
from bptt_lessons.course.exercises import Case, Exercise
from bptt_lessons.tasks import copying
from bptt_lessons.tasks.copying import BLANK, LENGTH, SIGN, SYMBOLS

MANY = 1000  # sequences: from here on every symbol and every difference shows, but for chances below 1e-50


class Properties(NamedTuple):
    """What every right batch has in common, whatever was drawn."""

    x_is_one_hot: Any
    steps_with_the_sign_in_x: Any  # (T,), and so the others
    steps_with_nothing_in_x: Any
    target_is_of_whole_numbers: Any
    steps_with_nothing_in_the_target: Any
    steps_with_the_sign_in_the_target: Any
    steps_with_0_in_the_target: Any
    message_begins_in_the_target_at_step: Any  # -1: nowhere
    message_begins_backwards_in_the_target_at_step: Any
    target_is_what_x_says: Any
    share_of_sequences_in_which_a_step_counts: Any
    mask_is_of_true_and_false: Any
    symbols_in_the_message: Any  # (10,), looked at in large batches only, as what follows
    pairs_of_steps_that_may_hold_the_same_symbol: Any
    messages_differ_between_sequences: Any
    symbols_differ_within_a_message: Any


def properties(arguments: Mapping[str, Any], x: Array, target: Array, mask: Array) -> Properties:
    """Look at a batch; where only a large one can tell, a small one is taken as right."""
    symbol, many = x.argmax(axis=2), mask.shape[1] >= MANY
    message = symbol[:LENGTH]
    alike = np.any(message[:, None] == message, axis=2)  # (10, 10)
    return Properties(
        x_is_one_hot=np.all((x == 0) | (x == 1)) and np.all(x.sum(axis=2) == 1),
        steps_with_the_sign_in_x=np.all(symbol == SIGN, axis=1),
        steps_with_nothing_in_x=np.all(symbol == BLANK, axis=1),
        target_is_of_whole_numbers=target.dtype.kind in "iu",
        steps_with_nothing_in_the_target=np.all(target == BLANK, axis=1),
        steps_with_the_sign_in_the_target=np.all(target == SIGN, axis=1),
        steps_with_0_in_the_target=np.all(target == 0, axis=1) if many else np.zeros(len(target)),
        message_begins_in_the_target_at_step=found_at(message, target),
        message_begins_backwards_in_the_target_at_step=found_at(message[::-1], target),
        target_is_what_x_says=np.all(symbol == target),
        share_of_sequences_in_which_a_step_counts=mask.mean(axis=1),
        mask_is_of_true_and_false=mask.dtype == bool,
        symbols_in_the_message=np.isin(np.arange(SYMBOLS + 2), message) if many else np.arange(SYMBOLS + 2) < SYMBOLS,
        pairs_of_steps_that_may_hold_the_same_symbol=alike.sum() if many else LENGTH**2,
        messages_differ_between_sequences=not many or np.any(message != message[:, :1]),
        symbols_differ_within_a_message=not many or np.any(message != message[:1]),
    )


def found_at(message: Array, target: Array) -> int:
    """Return the first step from which on the target is the message, to its end or to the target's; -1 if none is."""
    for t in range(len(target) - len(message) // 2):
        said = target[t : t + len(message)]
        if np.all(said == message[: len(said)]):
            return t
    return -1


def _copying_case(seed: int, gap: int, N: int) -> Case:
    return Case(f"gap = {gap}, N = {N}", {"rng": Seeded(seed), "gap": gap, "N": N})


def copying_cases() -> tuple[Case, ...]:
    """A small batch to look at, a large one, a long gap, and the shortest one."""
    return (
        _copying_case(820, gap=4, N=3),
        _copying_case(821, gap=7, N=MANY),
        _copying_case(822, gap=30, N=6),
        _copying_case(823, gap=1, N=4),
    )


def copying_lesson_case() -> Case:
    """One batch of the lesson."""
    return _copying_case(824, gap=100, N=32)


EXERCISES = (
    Exercise(
        name="copying.sequences",
        lesson="08_long_range_tasks",
        minutes=8,
        solution=copying.sequences,
        returns=("batch",),
        stub='''def my_copying_sequences(rng, gap, N):
    """Symbols 0 ... 7 carry the message; 8 is BLANK (nothing), 9 is SIGN. N sequences of gap + 20 steps: ten symbols
    drawn from rng, gap - 1 times BLANK, SIGN, ten times BLANK. To be said: BLANK, at the last ten steps the message.
    Return Batch(x, target, mask): x (gap + 20, N, 10) one-hot, target (gap + 20, N) integers, mask True everywhere."""
    ...
''',
        hints=(
            "Only the message is drawn. Make what is read and what is to be said as whole numbers first, both filled "
            "with BLANK, and put the message into both; the one-hot rows come last.",
            "rng.integers(0, 8, (10, N)) draws the messages. np.full((gap + 20, N), BLANK) is an array of integers. "
            "np.eye(10)[symbol] turns integers (T, N) into one-hot rows (T, N, 10).",
            "The message fills the first ten steps of what is read, and the last ten of the target. The sign stands "
            "one step before the answer, at index gap + 9. The mask is np.ones with dtype=bool.",
        ),
        make_cases=copying_cases,
        make_lesson_case=copying_lesson_case,
        properties=properties,
    ),
)
