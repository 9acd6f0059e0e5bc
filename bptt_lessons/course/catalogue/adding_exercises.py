"""Exercise on the adding task: its generator, checked by properties of what it draws (lesson 08)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from bptt_lessons.arguments import Array
from bptt_lessons.course.catalogue.draws import Seeded, sizes
from bptt_lessons.course.exercises import Case, Exercise
from bptt_lessons.tasks import adding

MANY = 2000  # sequences: from here on a right generator shows all that it can do, but for chances below 1e-50


class Properties(NamedTuple):
    """What every right batch has in common, whatever was drawn; the second half is looked at in large batches only."""

    marks_are_0_or_1: Any
    numbers_from_0_to_below_1: Any
    target_at_the_last_step_is_the_sum: Any  # of the marked numbers
    target_divided_by_the_sum: Any  # 0 where it is not the same everywhere
    target_is_the_first_marked_number: Any
    target_is_the_second_marked_number: Any
    target_is_the_sum_of_all_numbers: Any
    target_is_the_sum_of_the_marked_steps: Any
    target_is_the_product: Any
    target_is_the_same_at_every_step: Any
    share_of_sequences_in_which_a_step_counts: Any  # (T,)
    mask_is_of_true_and_false: Any
    some_numbers_are_negative: Any
    some_numbers_are_1_or_more: Any
    a_quarter_of_the_numbers_in_each_quarter: Any
    numbers_differ_between_sequences: Any
    numbers_differ_between_steps: Any
    fewest_and_most_marks_in_a_sequence: Any
    fewest_and_most_marks_in_the_first_half: Any
    marks_differ_between_sequences: Any
    steps_that_are_marked_somewhere: Any  # (T,)
    pairs_of_marked_steps: Any


def properties(arguments: Mapping[str, Any], x: Array, target: Array, mask: Array) -> Properties:
    """Look at a batch; where only a large one can tell, a small one is taken as right."""
    T, N = mask.shape
    numbers, marks, said = x[:, :, 0], x[:, :, 1] == 1, target[:, :, 0]
    two = marks.sum(axis=0) == 2  # only there is it plain what the target should be
    steps = np.arange(T)[:, None]
    first, second = marks.argmax(axis=0), T - 1 - marks[::-1].argmax(axis=0)
    n = np.arange(N)
    a, b = numbers[first, n], numbers[second, n]

    def target_is(value: Array) -> bool:
        return bool(two.any() and np.allclose(said[-1, two], value[two], rtol=1e-6, atol=1e-9))

    ratio = said[-1, two] / (a + b)[two]
    constant = ratio.size > 0 and bool(np.allclose(ratio, ratio[0], rtol=1e-6))
    quarters = np.histogram(numbers, bins=4, range=(0, 1))[0] / numbers.size
    early, late = marks[: T // 2], marks[T // 2 :]
    one_in_each = bool(np.all(early.sum(axis=0) == 1) and np.all(late.sum(axis=0) == 1))
    alike = bool(np.all(marks == marks[:, :1]))
    many = N >= MANY
    return Properties(
        marks_are_0_or_1=np.all((x[:, :, 1] == 0) | marks),
        numbers_from_0_to_below_1=np.all((numbers >= 0) & (numbers < 1)),
        target_at_the_last_step_is_the_sum=not two.any() or target_is(a + b),
        target_divided_by_the_sum=np.round(ratio[0], 6) if constant else float(not two.any()),
        target_is_the_first_marked_number=target_is(a),
        target_is_the_second_marked_number=target_is(b),
        target_is_the_sum_of_all_numbers=target_is(numbers.sum(axis=0)),
        target_is_the_sum_of_the_marked_steps=target_is((steps * marks).sum(axis=0)),
        target_is_the_product=target_is(a * b),
        target_is_the_same_at_every_step=np.all(said == said[-1]),
        share_of_sequences_in_which_a_step_counts=mask.mean(axis=1),
        mask_is_of_true_and_false=mask.dtype == bool,
        some_numbers_are_negative=many and np.any(numbers < 0),
        some_numbers_are_1_or_more=many and np.any(numbers >= 1),
        a_quarter_of_the_numbers_in_each_quarter=not many or np.all(np.abs(quarters - 0.25) < 0.1),
        numbers_differ_between_sequences=not many or np.any(numbers != numbers[:, :1]),
        numbers_differ_between_steps=not many or np.any(numbers != numbers[:1]),
        fewest_and_most_marks_in_a_sequence=between(marks) if many else (2, 2),
        fewest_and_most_marks_in_the_first_half=between(early) if many else (1, 1),
        marks_differ_between_sequences=not many or not alike,
        steps_that_are_marked_somewhere=marks.any(axis=1) | (not many) | alike,
        pairs_of_marked_steps=len(set(zip(first, second, strict=True))) if many and one_in_each and not alike else -1,
    )


def between(marks: Array) -> tuple[int, int]:
    """Return the least and the largest number of marks in a sequence."""
    counts = marks.sum(axis=0)
    return int(counts.min()), int(counts.max())


def _adding_case(seed: int, T: int, N: int) -> Case:
    return Case(sizes(T=T, N=N), {"rng": Seeded(seed), "T": T, "N": N})


def adding_cases() -> tuple[Case, ...]:
    """A small batch to look at; large ones with an even and an odd T, and the shortest; and a long sequence."""
    return (
        _adding_case(810, T=6, N=3),
        _adding_case(811, T=6, N=MANY),
        _adding_case(812, T=7, N=MANY + 1),
        _adding_case(813, T=40, N=5),
        _adding_case(814, T=2, N=3),
    )


def adding_lesson_case() -> Case:
    """One batch of the lesson."""
    return _adding_case(815, T=100, N=32)


EXERCISES = (
    Exercise(
        name="adding.sequences",
        lesson="08_long_range_tasks",
        minutes=8,
        solution=adding.sequences,
        returns=("batch",),
        stub='''def my_adding_sequences(rng, T, N):
    """Draw from rng: N sequences of T numbers in [0, 1), one marked in the first half (steps 0 ... T // 2 - 1) and one
    in the rest. Return Batch(x, target, mask): x (T, N, 2) with number and mark (1.0 or 0.0), target (T, N, 1)
    with the sum of the two marked numbers at every step, mask (T, N) with True at the last step only."""
    ...
''',
        hints=(
            "Three things are drawn: the numbers, N marked steps in the first half, and N in the second. "
            "Everything else follows from these. In which order you draw them is up to you.",
            "rng.random((T, N)) gives numbers, rng.integers(low, high, N) gives N steps from low to high - 1. "
            "With np.arange(N) for n, x[steps, n, 0] takes from sequence n the number of its own step: (N,).",
            "Start from zeros for x, and zeros with dtype=bool for mask. Put the numbers into column 0, and 1 into "
            "x[first, n, 1] and x[second, n, 1]. The sum (N,) needs the shape (T, N, 1): a new axis, and np.tile "
            "or np.broadcast_to over the steps.",
        ),
        make_cases=adding_cases,
        make_lesson_case=adding_lesson_case,
        properties=properties,
    ),
)
