"""Exercise on the copying task: its generator, checked by properties of what it draws (lesson 08)."""
# mypy: allow-untyped-defs, allow-untyped-calls
# (the wrong answers are written as learners write, without annotations)

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from bptt_lessons.arguments import Array
from bptt_lessons.course.catalogue.draws import Seeded
from bptt_lessons.course.catalogue.mistakes import Mistakes
from bptt_lessons.course.exercises import Case, Exercise
from bptt_lessons.tasks import copying
from bptt_lessons.tasks.batch import Batch
from bptt_lessons.tasks.copying import BLANK, LENGTH, SIGN, SYMBOLS

MANY = 200  # sequences: from here on every symbol and every difference shows, but for chances below 1e-50


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
    symbols_in_one_message_may_repeat: Any
    messages_differ_between_sequences: Any
    symbols_differ_within_a_message: Any


def properties(arguments: Mapping[str, Any], x: Array, target: Array, mask: Array) -> Properties:
    """Look at a batch; where only a large one can tell, a small one is taken as right."""
    symbol, many = x.argmax(axis=2), mask.shape[1] >= MANY
    message = symbol[:LENGTH]
    repeats = np.array([len(set(column)) < LENGTH for column in message.T.tolist()])
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
        symbols_in_one_message_may_repeat=not many or bool(repeats.any()),
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


COPYING = Mistakes("copying")


def right(rng, gap, N, message=None, sign=None, answer=None, blank=BLANK, T=None):
    """Return what a right function does, but for the parts that are given: for mistakes that have one fault each."""
    T = gap + 20 if T is None else T
    message = rng.integers(0, SYMBOLS, (LENGTH, N)) if message is None else message
    symbol, target = np.full((T, N), BLANK), np.full((T, N), blank)
    symbol[:LENGTH] = message
    symbol[gap + 9 if sign is None else sign] = SIGN
    answer = gap + 10 if answer is None else answer
    target[answer : answer + LENGTH] = message[: T - answer]
    return Batch(np.eye(SYMBOLS + 2)[symbol], target, np.ones((T, N), dtype=bool))


@COPYING.add
def copying_sign_one_step_late(rng, gap, N):
    """Your sign comes together with the first symbol of the answer. Between the message and the sign there are gap - 1
    steps of nothing, and the answer begins one step after the sign."""
    return right(rng, gap, N, sign=gap + 10)


@COPYING.add
def copying_sign_one_step_early(rng, gap, N):
    """Your sign comes one step early: the message's last symbol is at step 9, and the sign `gap` steps later, at step
    gap + 9."""
    return right(rng, gap, N, sign=gap + 8)


@COPYING.add
def copying_sign_right_after_the_message(rng, gap, N):
    """Your sign follows the message at once. It says when to answer, so the gap comes between: it stands at step
    gap + 9, counted from 0."""
    return right(rng, gap, N, sign=LENGTH)


@COPYING.add
def copying_sign_at_step_gap(rng, gap, N):
    """Your sign stands at step `gap`, counted from the beginning. It is the message's last symbol, at step 9, from
    which the gap is counted: step gap + 9."""
    return right(rng, gap, N, sign=gap)


@COPYING.add
def copying_sign_missing(rng, gap, N):
    """There is no sign in x, so the net would have to count the steps. Symbol 9 stands one step before the answer."""
    return right(rng, gap, N, sign=slice(0, 0))


@COPYING.add
def copying_sign_at_every_step_of_the_answer(rng, gap, N):
    """Your sign stays on through the whole answer. It comes once, one step before the answer, and then x is nothing,
    symbol 8."""
    return right(rng, gap, N, sign=slice(gap + 9, None))


@COPYING.add
def copying_sign_through_the_gap(rng, gap, N):
    """x shows the sign at every step of the gap. There is nothing in the gap, symbol 8, and the sign, symbol 9, comes
    once, at its end."""
    return right(rng, gap, N, sign=slice(LENGTH, gap + 10))


@COPYING.add
def copying_sign_and_nothing_exchanged(rng, gap, N):
    """You use symbol 8 for the sign and 9 for nothing. It is the other way round: BLANK is 8, SIGN is 9."""
    batch = right(rng, gap, N)
    exchanged = np.array([*range(SYMBOLS), SIGN, BLANK])
    return Batch(batch.x[:, :, exchanged], exchanged[batch.target], batch.mask)


@COPYING.add
def copying_sign_in_the_target(rng, gap, N):
    """Your target says the sign as well. The sign is only read; at that step the answer is still nothing, symbol 8."""
    batch = right(rng, gap, N)
    batch.target[gap + 9] = SIGN
    return batch


@COPYING.add
def copying_answer_one_step_early(rng, gap, N):
    """Your answer begins at the step of the sign: it begins one step later and fills the last ten."""
    return right(rng, gap, N, answer=gap + 9)


@COPYING.add
def copying_answer_one_step_late(rng, gap, N):
    """Your answer begins one step late, so that its last symbol is lost: it fills the last ten steps, from gap + 10
    on."""
    return right(rng, gap, N, answer=gap + 11)


@COPYING.add
def copying_answer_right_after_the_message(rng, gap, N):
    """Your answer follows the message at once, before the sign: it is asked for in the last ten steps, after the gap
    and the sign."""
    return right(rng, gap, N, answer=LENGTH)


@COPYING.add
def copying_answer_at_step_gap(rng, gap, N):
    """Your answer begins at step `gap`, counted from the beginning. It fills the last ten steps, from gap + 10 on."""
    return right(rng, gap, N, answer=gap)


@COPYING.add
def copying_answer_while_reading(rng, gap, N):
    """Your target repeats each symbol in the step in which it is read, which needs no memory. The answer comes in the
    last ten steps."""
    return right(rng, gap, N, answer=0)


@COPYING.add
def copying_answer_backwards(rng, gap, N):
    """Your answer is the message backwards. Its symbols are said again in the order in which they came."""
    batch = right(rng, gap, N)
    batch.target[-LENGTH:] = batch.target[-LENGTH:][::-1].copy()
    return batch


@COPYING.add
def copying_answer_drawn_anew(rng, gap, N):
    """Your answer is not the message: you draw it once more. Draw once, keep it, and put it into both."""
    return right(rng, gap, N)._replace(target=right(rng, gap, N).target)


@COPYING.add
def copying_target_is_x(rng, gap, N):
    """Your target repeats x step by step. It is nothing, symbol 8, until the last ten steps, and the message there."""
    batch = right(rng, gap, N)
    return batch._replace(target=batch.x.argmax(axis=2))


@COPYING.add
def copying_message_read_again_in_the_answer(rng, gap, N):
    """Your x shows the message once more in the last ten steps, where it is to be said, so nothing need be remembered.
    There x is nothing, symbol 8: only the target holds the message."""
    batch = right(rng, gap, N)
    batch.x[-LENGTH:] = batch.x[:LENGTH]
    return batch


@COPYING.add
def copying_one_array_for_both(rng, gap, N):
    """What is read and what is to be said are one array in your function, so each holds all of it. Make two, each with
    its own np.full((T, N), BLANK)."""
    batch = right(rng, gap, N)
    batch.x[-LENGTH:] = batch.x[:LENGTH]
    return batch._replace(target=batch.x.argmax(axis=2))


@COPYING.add
def copying_zeros_of_floats(rng, gap, N):
    """Your symbols are floats, which cannot be used as indices, and np.zeros starts from 0, a symbol of the message.
    np.full((T, N), BLANK) makes integers, and all of them nothing."""
    symbol = np.zeros((gap + 20, N))
    return np.eye(SYMBOLS + 2)[symbol]


@COPYING.add
def copying_target_0_for_nothing(rng, gap, N):
    """Where nothing is to be said, your target is 0, which is a symbol of the message. Nothing has a symbol of its own,
    8: start from np.full((T, N), BLANK)."""
    return right(rng, gap, N, blank=0)


@COPYING.add
def copying_target_minus_1_for_nothing(rng, gap, N):
    """Where nothing is to be said, your target is -1, which is no class for the cross-entropy. Saying nothing is to be
    learnt as well, as symbol 8."""
    return right(rng, gap, N, blank=-1)


@COPYING.add
def copying_x_0_for_nothing(rng, gap, N):
    """In the gap x shows symbol 0, which is one of the message's. Nothing has a symbol of its own, 8: start from
    np.full((T, N), BLANK)."""
    batch = right(rng, gap, N)
    symbol = batch.x.argmax(axis=2)
    symbol[symbol == BLANK] = 0
    return batch._replace(x=np.eye(SYMBOLS + 2)[symbol])


@COPYING.add
def copying_0_for_nothing(rng, gap, N):
    """You use 0 for nothing, in x and in the target, but 0 is a symbol of the message: nothing is 8, BLANK."""
    batch = right(rng, gap, N, blank=0)
    symbol = batch.x.argmax(axis=2)
    symbol[symbol == BLANK] = 0
    return batch._replace(x=np.eye(SYMBOLS + 2)[symbol])


@COPYING.add
def copying_rows_of_zeros_for_nothing(rng, gap, N):
    """Where there is nothing, your rows of x are all zeros. Nothing is a symbol too, 8: one of the ten is always 1."""
    batch = right(rng, gap, N)
    batch.x[:, :, BLANK] = 0
    return batch


@COPYING.add
def copying_nothing_in_the_message(rng, gap, N):
    """Your messages hold symbol 8, which means nothing: they are of the eight symbols 0 ... 7. rng.integers(0, 8)
    leaves 8 out."""
    return right(rng, gap, N, message=rng.integers(0, SYMBOLS + 1, (LENGTH, N)))


@COPYING.add
def copying_sign_in_the_message(rng, gap, N):
    """Your messages hold all ten symbols, nothing and the sign included: they are of the eight symbols 0 ... 7."""
    return right(rng, gap, N, message=rng.integers(0, SYMBOLS + 2, (LENGTH, N)))


@COPYING.add
def copying_symbol_7_never(rng, gap, N):
    """Symbol 7 never comes: rng.integers(0, b) leaves b out already, so b is 8."""
    return right(rng, gap, N, message=rng.integers(0, SYMBOLS - 1, (LENGTH, N)))


@COPYING.add
def copying_symbol_0_never(rng, gap, N):
    """Symbol 0 never comes: the symbols of the message are 0 ... 7."""
    return right(rng, gap, N, message=rng.integers(1, SYMBOLS, (LENGTH, N)))


@COPYING.add
def copying_symbols_from_1(rng, gap, N):
    """Your symbols go from 1 to 8, and 8 means nothing: those of the message are 0 ... 7."""
    return right(rng, gap, N, message=rng.integers(1, SYMBOLS + 1, (LENGTH, N)))


@COPYING.add
def copying_bits(rng, gap, N):
    """Your messages are of zeros and ones: they are of the eight symbols 0 ... 7."""
    return right(rng, gap, N, message=rng.integers(0, 2, (LENGTH, N)))


@COPYING.add
def copying_one_message_for_all(rng, gap, N):
    """All sequences have the same message, which a net could learn by heart: draw ten symbols for each,
    rng.integers(0, 8, (10, N))."""
    return right(rng, gap, N, message=np.tile(rng.integers(0, SYMBOLS, (LENGTH, 1)), N))


@COPYING.add
def copying_one_symbol_ten_times(rng, gap, N):
    """Each message is one symbol ten times: draw ten for each sequence, rng.integers(0, 8, (10, N))."""
    return right(rng, gap, N, message=np.tile(rng.integers(0, SYMBOLS, N), (LENGTH, 1)))


@COPYING.add
def copying_rng_unused(rng, gap, N):
    """You draw nothing from rng, but from np.random or a generator of your own. Then nobody can repeat your draw, or
    every batch is the same: call rng.integers."""
    return right(np.random.default_rng(0), gap, N)


@COPYING.add
def copying_one_step_too_many(rng, gap, N):
    """Your sequences have gap + 21 steps. The sign is one of the steps of the gap: ten for the message, gap - 1 of
    nothing, one for the sign, ten for the answer."""
    return right(rng, gap, N, sign=gap + 10, answer=gap + 11, T=gap + 21)


@COPYING.add
def copying_no_room_for_the_answer(rng, gap, N):
    """Your sequences have gap + 10 steps: the answer takes ten more after the message and the gap."""
    return right(rng, gap, N, answer=gap, T=gap + 10)


@COPYING.add
def copying_gap_for_t(rng, gap, N):
    """Your sequences have `gap` steps. That is only what lies between message and sign; a sequence has gap + 20."""
    return right(rng, gap, N, message=np.zeros((min(gap, LENGTH), N)), sign=slice(0, 0), T=gap)


@COPYING.add
def copying_one_hot_of_eight(rng, gap, N):
    """Your one-hot rows have room for the eight symbols of a message. Nothing and the sign are symbols too, 8 and 9:
    np.eye(10)."""
    symbol = right(rng, gap, N).x.argmax(axis=2)
    return np.eye(SYMBOLS)[symbol]


@COPYING.add
def copying_x_without_one_hot(rng, gap, N):
    """Your x holds the symbols' numbers, as if symbol 6 were twice symbol 3. Each becomes a row of ten with a single
    1: np.eye(10)[symbol]."""
    batch = right(rng, gap, N)
    return batch._replace(x=batch.x.argmax(axis=2))


@COPYING.add
def copying_target_one_hot(rng, gap, N):
    """Your target is one-hot. The cross-entropy wants the number of the right class, an integer for each step: only x
    is one-hot."""
    batch = right(rng, gap, N)
    return batch._replace(target=np.eye(SYMBOLS + 2)[batch.target])


@COPYING.add
def copying_x_and_target_exchanged(rng, gap, N):
    """x and target have changed places in what you return: Batch(x, target, mask)."""
    batch = right(rng, gap, N)
    return Batch(batch.target, batch.x, batch.mask)


@COPYING.add
def copying_target_of_floats(rng, gap, N):
    """Your target holds floats. Classes are whole numbers, which are used as indices: np.full((T, N), BLANK) makes
    integers, np.zeros makes floats."""
    batch = right(rng, gap, N)
    return batch._replace(target=batch.target.astype(float))


@COPYING.add
def copying_mask_of_the_answer(rng, gap, N):
    """Your mask counts the answer only. Here every step counts, so that saying nothing in between is learnt too, and
    the baseline 10 ln 8 / (gap + 20) is over all steps."""
    batch = right(rng, gap, N)
    batch.mask[:-LENGTH] = False
    return batch


@COPYING.add
def copying_mask_of_the_last_step(rng, gap, N):
    """Your mask is True at the last step only, as in the adding task. Here every step counts."""
    batch = right(rng, gap, N)
    batch.mask[:-1] = False
    return batch


@COPYING.add
def copying_mask_all_false(rng, gap, N):
    """Your mask is False everywhere, so nothing counts. Here every step does: np.ones((T, N), dtype=bool)."""
    batch = right(rng, gap, N)
    return batch._replace(mask=~batch.mask)


@COPYING.add
def copying_mask_of_numbers(rng, gap, N):
    """Your mask holds numbers, and y[mask] takes them for places. It is made of True and False:
    np.ones((T, N), dtype=bool)."""
    batch = right(rng, gap, N)
    return batch._replace(mask=batch.mask.astype(float))


@COPYING.add
def copying_mask_forgotten(rng, gap, N):
    """The mask is missing: a Batch has x, target and mask, and here the mask is True at every step."""
    return right(rng, gap, N)[:2]


@COPYING.add
def copying_batch_first(rng, gap, N):
    """Your sequences come first. In this course time does: x is (gap + 20, N, 10), target and mask (gap + 20, N)."""
    return Batch(*(array.swapaxes(0, 1) for array in right(rng, gap, N)))


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
        misconceptions=COPYING.catalogue,
        properties=properties,
    ),
)
