"""Exercise on the adding task: its generator, checked by properties of what it draws (lesson 08)."""
# mypy: allow-untyped-defs, allow-untyped-calls
# (the wrong answers are written as learners write, without annotations)

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from bptt_lessons.arguments import Array
from bptt_lessons.course.catalogue.draws import Seeded, sizes
from bptt_lessons.course.catalogue.mistakes import Mistakes
from bptt_lessons.course.exercises import Case, Exercise
from bptt_lessons.tasks import adding
from bptt_lessons.tasks.batch import Batch

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


ADDING = Mistakes("adding")


def right(rng, T, N, numbers=None, first=None, second=None):
    """Return what a right function does, but for the parts that are given: for mistakes that have one fault each."""
    x, n = np.zeros((T, N, 2)), np.arange(N)
    x[:, :, 0] = rng.random((T, N)) if numbers is None else numbers
    first = rng.integers(0, T // 2, N) if first is None else first
    second = rng.integers(T // 2, T, N) if second is None else second
    x[first, n, 1] = x[second, n, 1] = 1
    mask = np.zeros((T, N), dtype=bool)
    mask[-1] = True
    return Batch(x, np.tile((x[first, n, 0] + x[second, n, 0])[:, None], (T, 1, 1)), mask)


@ADDING.add
def adding_marks_may_coincide(rng, T, N):
    """You draw both marks from the whole sequence, so they may both fall into one half, or on the same step. Draw one
    from steps 0 ... T // 2 - 1 and one from T // 2 ... T - 1."""
    return right(rng, T, N, first=rng.integers(0, T, N), second=rng.integers(0, T, N))


@ADDING.add
def adding_marks_anywhere(rng, T, N):
    """You mark two different steps, but sometimes both in one half. One mark belongs into the first half, steps
    0 ... T // 2 - 1, the other into the rest."""
    first, second = np.array([rng.choice(T, 2, replace=False) for _ in range(N)]).T
    return right(rng, T, N, first=first, second=second)


@ADDING.add
def adding_first_half_one_short(rng, T, N):
    """The last step of the first half is never marked: rng.integers(0, b) leaves b out already, so b is T // 2, not
    T // 2 - 1."""
    return right(rng, T, N, first=rng.integers(0, max(T // 2 - 1, 1), N))


@ADDING.add
def adding_second_half_one_short(rng, T, N):
    """The last step is never marked: rng.integers(a, b) leaves b out already, so b is T, not T - 1."""
    return right(rng, T, N, second=rng.integers(T // 2, max(T - 1, T // 2 + 1), N))


@ADDING.add
def adding_both_halves_one_short(rng, T, N):
    """The last step of each half is never marked: rng.integers(a, b) leaves b out already, so there is nothing to take
    off."""
    first, second = rng.integers(0, max(T // 2 - 1, 1), N), rng.integers(T // 2, max(T - 1, T // 2 + 1), N)
    return right(rng, T, N, first=first, second=second)


@ADDING.add
def adding_step_0_never_marked(rng, T, N):
    """Step 0 is never marked. Steps are counted from 0 here: the first half is rng.integers(0, T // 2, N)."""
    return right(rng, T, N, first=rng.integers(1, max(T // 2, 2), N))


@ADDING.add
def adding_second_half_begins_one_late(rng, T, N):
    """The first step of the second half is never marked: the second half begins at T // 2, where the first one has
    ended."""
    return right(rng, T, N, second=rng.integers(min(T // 2 + 1, T - 1), T, N))


@ADDING.add
def adding_larger_half_first(rng, T, N):
    """For an odd T you give the middle step to the first half. Here the first half is 0 ... T // 2 - 1, so the middle
    step belongs to the second."""
    return right(rng, T, N, first=rng.integers(0, (T + 1) // 2, N), second=rng.integers((T + 1) // 2, T, N))


@ADDING.add
def adding_second_mark_in_the_whole_sequence(rng, T, N):
    """Your first mark is in the first half, and the second anywhere: draw it from T // 2 ... T - 1."""
    return right(rng, T, N, second=rng.integers(0, T, N))


@ADDING.add
def adding_same_steps_in_every_sequence(rng, T, N):
    """The same two steps are marked in every sequence, so that a net could learn where to look. Draw N steps for each
    half, with rng.integers(..., N)."""
    return right(rng, T, N, first=rng.integers(0, T // 2), second=rng.integers(T // 2, T))


@ADDING.add
def adding_second_mark_tied_to_the_first(rng, T, N):
    """Your second mark always comes T // 2 steps after the first. Draw the two apart: no net shall know the second from
    the first."""
    first = rng.integers(0, T // 2, N)
    return right(rng, T, N, first=first, second=first + T // 2)


@ADDING.add
def adding_first_mark_always_at_0(rng, T, N):
    """The first mark is always on step 0: draw it from all steps of the first half."""
    return right(rng, T, N, first=np.zeros(N, dtype=int))


@ADDING.add
def adding_second_mark_always_last(rng, T, N):
    """The second mark is always on the last step: draw it from all steps of the second half."""
    return right(rng, T, N, second=np.full(N, T - 1))


@ADDING.add
def adding_marks_everywhere_at_those_steps(rng, T, N):
    """x[first, :, 1] = 1 marks the steps in *all* sequences, so each gets the others' marks too. Index both axes at
    once: x[first, np.arange(N), 1] = 1."""
    batch, n = right(rng, T, N), np.arange(N)
    first, second = batch.x[: T // 2, :, 1].argmax(axis=0), T // 2 + batch.x[T // 2 :, :, 1].argmax(axis=0)
    batch.x[first, :, 1] = batch.x[second, :, 1] = 1
    total = batch.x[first, n, 0] + batch.x[second, n, 0]
    return batch._replace(target=np.tile(total[:, None], (T, 1, 1)))


@ADDING.add
def adding_no_marks(rng, T, N):
    """The second column of x is zero everywhere, so nobody could know which two numbers to add: put 1.0 where a number
    is marked."""
    batch = right(rng, T, N)
    batch.x[:, :, 1] = 0
    return batch


@ADDING.add
def adding_only_one_mark(rng, T, N):
    """You mark one step in each sequence. Two are wanted, one in each half, and the target is the sum of their
    numbers."""
    batch = right(rng, T, N)
    batch.x[T // 2 :, :, 1] = 0
    return batch


@ADDING.add
def adding_numbers_and_marks_exchanged(rng, T, N):
    """The two columns of x have changed places: x[..., 0] holds the numbers, x[..., 1] the marks."""
    x, target, mask = right(rng, T, N)
    return Batch(x[..., ::-1], target, mask)


@ADDING.add
def adding_numbers_from_minus_1(rng, T, N):
    """Your numbers lie between -1 and 1. In this form of the task they are uniform in [0, 1), which the baseline of 1/6
    counts on: rng.random."""
    return right(rng, T, N, numbers=rng.uniform(-1, 1, (T, N)))


@ADDING.add
def adding_normal_numbers(rng, T, N):
    """Your numbers are normal. Here they are uniform in [0, 1), which the baseline of 1/6 counts on: rng.random."""
    return right(rng, T, N, numbers=rng.normal(size=(T, N)))


@ADDING.add
def adding_whole_numbers(rng, T, N):
    """Your numbers are whole. They should be uniform in [0, 1): rng.random((T, N))."""
    return right(rng, T, N, numbers=rng.integers(0, 10, (T, N)))


@ADDING.add
def adding_numbers_0_and_1_only(rng, T, N):
    """Your numbers are 0 or 1, as marks are. They should be anything in [0, 1): rng.random((T, N))."""
    return right(rng, T, N, numbers=rng.integers(0, 2, (T, N)))


@ADDING.add
def adding_same_numbers_in_every_sequence(rng, T, N):
    """All sequences have the same numbers: draw T times N of them, rng.random((T, N))."""
    return right(rng, T, N, numbers=rng.random((T, 1)))


@ADDING.add
def adding_same_number_at_every_step(rng, T, N):
    """Each sequence repeats one number at all its steps: draw T times N of them, rng.random((T, N))."""
    return right(rng, T, N, numbers=rng.random(N))


@ADDING.add
def adding_rng_unused(rng, T, N):
    """You draw nothing from rng, but from np.random or a generator of your own. Then nobody can repeat your draw, or
    every batch is the same: call rng.random and rng.integers."""
    return right(np.random.default_rng(0), T, N)


@ADDING.add
def adding_mean_for_sum(rng, T, N):
    """Your target is the mean of the two marked numbers. Their sum is wanted."""
    batch = right(rng, T, N)
    return batch._replace(target=batch.target / 2)


@ADDING.add
def adding_first_number_only(rng, T, N):
    """Your target is the first marked number alone: add the second one."""
    batch = right(rng, T, N)
    first = batch.x[: T // 2, :, 1].argmax(axis=0)
    return batch._replace(target=np.tile(batch.x[first, np.arange(N), 0][:, None], (T, 1, 1)))


@ADDING.add
def adding_second_number_only(rng, T, N):
    """Your target is the second marked number alone: add the first one."""
    batch = right(rng, T, N)
    second = T // 2 + batch.x[T // 2 :, :, 1].argmax(axis=0)
    return batch._replace(target=np.tile(batch.x[second, np.arange(N), 0][:, None], (T, 1, 1)))


@ADDING.add
def adding_sum_of_all(rng, T, N):
    """Your target is the sum of all numbers: only the two marked ones count. numbers times marks leaves these."""
    batch = right(rng, T, N)
    return batch._replace(target=np.tile(batch.x[:, :, 0].sum(axis=0)[:, None], (T, 1, 1)))


@ADDING.add
def adding_sum_of_positions(rng, T, N):
    """You add up the steps that are marked. The target is the sum of the numbers that stand there."""
    batch = right(rng, T, N)
    first, second = batch.x[: T // 2, :, 1].argmax(axis=0), T // 2 + batch.x[T // 2 :, :, 1].argmax(axis=0)
    return batch._replace(target=np.tile((first + second)[:, None], (T, 1, 1)))


@ADDING.add
def adding_product(rng, T, N):
    """Your target is the product of the two marked numbers, which is a task of its own. Their sum is wanted."""
    batch, n = right(rng, T, N), np.arange(N)
    first, second = batch.x[: T // 2, :, 1].argmax(axis=0), T // 2 + batch.x[T // 2 :, :, 1].argmax(axis=0)
    return batch._replace(target=np.tile((batch.x[first, n, 0] * batch.x[second, n, 0])[:, None], (T, 1, 1)))


@ADDING.add
def adding_target_at_the_last_step_only(rng, T, N):
    """Your target is the sum at the last step and something else before. The mask alone says which step counts:
    the target is the sum at every step."""
    batch = right(rng, T, N)
    target = np.zeros((T, N, 1))
    target[-1] = batch.target[-1]
    return batch._replace(target=target)


@ADDING.add
def adding_target_without_its_last_axis(rng, T, N):
    """Your target has the shape (T, N). The net says K = 1 number at each step, so the target is (T, N, 1), as y is."""
    batch = right(rng, T, N)
    return batch._replace(target=batch.target[..., 0])


@ADDING.add
def adding_target_without_steps(rng, T, N):
    """Your target has one row for each sequence, (N, 1). It has all steps, (T, N, 1), each with the sum; the mask says
    that the last one counts."""
    batch = right(rng, T, N)
    return batch._replace(target=batch.target[-1])


@ADDING.add
def adding_mask_of_the_last_step_alone(rng, T, N):
    """Your mask has the shape (N,). It says for every step of every sequence whether it counts: (T, N), True in the
    last row."""
    batch = right(rng, T, N)
    return batch._replace(mask=batch.mask[-1])


@ADDING.add
def adding_mask_at_every_step(rng, T, N):
    """Your mask counts every step, and before the second mark nobody can know the sum. Only the last step counts:
    mask[-1] = True."""
    return right(rng, T, N)._replace(mask=np.ones((T, N), dtype=bool))


@ADDING.add
def adding_mask_at_the_first_step(rng, T, N):
    """Your mask is True at the first step, before anything has been seen. The last one counts: mask[-1] = True."""
    return right(rng, T, N)._replace(mask=right(rng, T, N).mask[::-1])


@ADDING.add
def adding_mask_turned_round(rng, T, N):
    """Your mask is False at the last step and True before. True is where the loss counts."""
    return right(rng, T, N)._replace(mask=~right(rng, T, N).mask)


@ADDING.add
def adding_mask_all_false(rng, T, N):
    """Your mask is False everywhere, so no step counts: set its last row to True."""
    return right(rng, T, N)._replace(mask=np.zeros((T, N), dtype=bool))


@ADDING.add
def adding_mask_of_the_marks(rng, T, N):
    """Your mask is True where a number is marked. The marks are what the net reads; the mask says when its answer
    counts, and that is at the last step."""
    batch = right(rng, T, N)
    return batch._replace(mask=batch.x[:, :, 1] == 1)


@ADDING.add
def adding_mask_of_numbers(rng, T, N):
    """Your mask holds numbers. y[mask] then takes 0 and 1 for places and picks rows; with True and False it picks what
    counts: np.zeros((T, N), dtype=bool)."""
    batch = right(rng, T, N)
    return batch._replace(mask=batch.mask.astype(float))


@ADDING.add
def adding_batch_first(rng, T, N):
    """Your sequences come first. In this course time does: x is (T, N, 2), target (T, N, 1), mask (T, N)."""
    return Batch(*(array.swapaxes(0, 1) for array in right(rng, T, N)))


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
        misconceptions=ADDING.catalogue,
        properties=properties,
    ),
)
