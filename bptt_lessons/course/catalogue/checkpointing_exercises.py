"""Exercises on checkpointing: what a tape holds, and how to do with less (lesson 04)."""

from __future__ import annotations

import gc
import weakref
from dataclasses import dataclass
from typing import Any

import numpy as np

from bptt_lessons.arguments import Array
from bptt_lessons.cells import rnn
from bptt_lessons.course.catalogue import leaky
from bptt_lessons.course.catalogue.draws import (
    LOOPED_LEAKY,
    WindowLoss,
    draw,
    draw_leaky,
    draw_readout,
    draw_rnn,
    sizes,
)
from bptt_lessons.course.exercises import Case, Exercise
from bptt_lessons.gradients import checkpointing

LESSON = "04_memory_and_checkpointing"


def tape_bytes_cases() -> tuple[Case, ...]:
    """Both common precisions and half of one, a single sequence, a single step."""
    given = (
        (3, 2, 1, 4, 8),
        (10, 5, 3, 7, 4),
        (6, 1, 4, 2, 8),
        (1, 3, 5, 4, 8),
        (1000, 32, 2, 64, 4),
        (50, 4, 20, 11, 2),
    )
    return tuple(
        Case(
            f"{sizes(T=T, N=N, D=D, H=H)}, itemsize = {itemsize}",
            {"T": T, "N": N, "D": D, "H": H, "itemsize": itemsize},
        )
        for T, N, D, H, itemsize in given
    )


def tape_bytes_lesson_case() -> Case:
    """A sequence as long as those whose bytes the lesson measures."""
    return Case("T = 1000", {"T": 1000, "N": 8, "D": 2, "H": 64, "itemsize": 8})


@dataclass
class NarrowRNN:
    """The plain cell with little memory, for cases that show whether a function keeps less than full BPTT does."""

    tape: int  # steps of the longest tape that `forward` makes
    caches: int  # of `step`, that may be there at once

    def __post_init__(self) -> None:
        self.held = [0]  # every copy of the cell counts anew

    zero_state = staticmethod(rnn.zero_state)
    step_backward = staticmethod(rnn.step_backward)
    backward = staticmethod(rnn.backward)

    def step(self, params: rnn.Params, x: Array, h_prev: Array) -> tuple[Array, rnn.Cache]:
        """Take one step."""
        if self.held[0] >= self.caches:
            gc.collect()  # what is held by nobody, and only in a circle, does not count
        if self.held[0] >= self.caches:
            raise MemoryError(f"this cell has room for the caches of {self.caches} steps, and one more is asked for")
        h, cache = rnn.step(params, x, h_prev)
        cache = cache._replace(x=cache.x.copy())  # an array that is there as long as the cache is
        self.held[0] += 1
        weakref.finalize(cache.x, _give_back, self.held)
        return h, cache

    def forward(self, params: rnn.Params, x: Array, state0: Any = None) -> tuple[Array, Array, rnn.Tape]:
        """Run over a sequence."""
        if len(x) > self.tape:
            raise MemoryError(f"this cell has room for a tape of {self.tape} steps, not of {len(x)}")
        return rnn.forward(params, x, state0)


def _give_back(held: list[int]) -> None:
    held[0] -= 1


def _whole(
    seed: int,
    T: int,
    N: int,
    D: int,
    H: int,
    K: int,
    scale: float = 0.9,
    target: float = 0.9,
    decimals: int = 2,
    cell: Any = rnn,
) -> dict[str, Any]:
    """Return the RNN, its parameters, a sequence, where it starts and its loss, large where the targets are."""
    rng = np.random.default_rng(seed)
    params, x = draw_rnn(rng, D, H, decimals=decimals), draw(rng, T, N, D, scale=scale, decimals=decimals)
    state0, readout = draw(rng, N, H, decimals=decimals), draw_readout(rng, H, K, decimals=decimals)
    loss = WindowLoss(readout, draw(rng, T, N, K, scale=target, decimals=decimals))
    return {"cell": cell, "params": params, "x": x, "state0": state0, "loss_gradient": loss}


def _leaky_whole(cell: Any, seed: int, T: int, N: int, D: int, H: int, K: int) -> dict[str, Any]:
    """Return the same for the leaky cell, whose state has two parts."""
    rng = np.random.default_rng(seed)
    params, x = draw_leaky(rng, D, H), draw(rng, T, N, D)
    state0 = leaky.State(draw(rng, N, H), draw(rng, N, H))
    loss = WindowLoss(draw_readout(rng, H, K), draw(rng, T, N, K))
    return {"cell": cell, "params": params, "x": x, "state0": state0, "loss_gradient": loss}


def _sqrt_case(segment: int, seed: int, *, more: str = "", **whole: Any) -> Case:
    label = f"{sizes(**{letter: whole[letter] for letter in 'TNDH'})}, segment = {segment}{more}"
    return Case(label, {**_whole(seed, **whole), "segment": segment})


def backward_sqrt_cases() -> tuple[Case, ...]:
    """Segments that leave a rest, that do not, of one step, longer than the sequence; little memory; another cell."""
    other = _leaky_whole(LOOPED_LEAKY, 126, T=5, N=2, D=1, H=3, K=1)
    narrow = NarrowRNN(tape=3, caches=8)  # a step more than a segment; and three times a segment, and two steps
    return (
        _sqrt_case(2, 121, T=5, N=2, D=1, H=3, K=1, decimals=1),
        _sqrt_case(3, 122, T=10, N=3, D=2, H=4, K=5, target=900.0),
        _sqrt_case(6, 123, T=4, N=1, D=3, H=2, K=5),
        _sqrt_case(1, 124, T=3, N=2, D=5, H=4, K=1),
        _sqrt_case(3, 125, T=6, N=2, D=1, H=4, K=3, scale=9.0),
        _sqrt_case(2, 128, T=17, N=3, D=1, H=4, K=2, cell=narrow, more=", little memory"),
        Case(f"{sizes(T=5, N=2, D=1, H=3)}, segment = 2, another cell", {**other, "segment": 2}),
    )


def backward_sqrt_lesson_case() -> Case:
    """A long sequence in segments of its square root."""
    return _sqrt_case(12, 127, T=144, N=8, D=2, H=16, K=1)


def _cost_case(T: int, slots: int, keeps: str) -> Case:
    return Case(f'{sizes(T=T, slots=slots)}, keeps = "{keeps}"', {"T": T, "slots": slots, "keeps": keeps})


def forward_cost_cases() -> tuple[Case, ...]:
    """Both kinds of slot; one slot, more slots than steps, a single step, and numbers too large to count by hand."""
    return (
        _cost_case(7, 2, "state"),
        _cost_case(8, 3, "step"),
        _cost_case(10, 3, "state"),
        _cost_case(10, 4, "step"),
        _cost_case(12, 1, "state"),
        _cost_case(7, 1, "step"),
        _cost_case(1, 2, "state"),
        _cost_case(1, 1, "step"),
        _cost_case(1, 1, "state"),
        _cost_case(2, 3, "state"),
        _cost_case(30, 4, "state"),
        _cost_case(29, 5, "step"),
    )


def forward_cost_lesson_case() -> Case:
    """One point of the lesson's trade-off curve."""
    return _cost_case(100, 10, "step")


def _schedule_case(slots: int, keeps: str, seed: int, *, more: str = "", **whole: Any) -> Case:
    of = sizes(**{letter: whole[letter] for letter in "TNDH"})
    label = f"{of}, {slots} slot{'s' if slots > 1 else ''} for {keeps}s{more}"
    return Case(label, {**_whole(seed, **whole), "actions": list(checkpointing.schedule(whole["T"], slots, keeps))})


def backward_cases() -> tuple[Case, ...]:
    """Schedules of both kinds, with one slot, few, more than steps; little memory; another cell."""
    other = _leaky_whole(leaky, 136, T=5, N=2, D=1, H=3, K=1)
    actions = list(checkpointing.schedule(5, 2, "step"))
    narrow = NarrowRNN(tape=14, caches=14)  # two of the longest runs, the states that are kept, and a few more
    return (
        _schedule_case(2, "state", 131, T=4, N=2, D=1, H=3, K=1, decimals=1),
        _schedule_case(2, "step", 132, T=6, N=3, D=2, H=4, K=5, target=900.0),
        _schedule_case(3, "state", 133, T=7, N=1, D=3, H=2, K=4),
        _schedule_case(1, "state", 134, T=3, N=2, D=5, H=4, K=1),
        _schedule_case(6, "step", 135, T=5, N=2, D=1, H=4, K=3, scale=9.0),
        _schedule_case(5, "state", 138, T=17, N=2, D=1, H=3, K=4, cell=narrow, more=", little memory"),
        Case(f"{sizes(T=5, N=2, D=1, H=3)}, 2 slots for steps, another cell", {**other, "actions": actions}),
    )


def backward_lesson_case() -> Case:
    """A sequence with slots for a few of its steps."""
    return _schedule_case(5, "step", 137, T=32, N=8, D=2, H=16, K=1)


EXERCISES = (
    Exercise(
        name="checkpointing.tape_bytes",
        lesson=LESSON,
        minutes=5,
        solution=checkpointing.tape_bytes,
        returns=("bytes",),
        stub='''def my_checkpointing_tape_bytes(T, N, D, H, itemsize):
    """Bytes of the inputs x (T, N, D) and of all states that BPTT through the plain cell holds, each state (N, H).
    itemsize is the bytes of one number."""
    ...
''',
        hints=(
            "A step back needs x_t, the state before and the state after. Write down the arrays that this makes for a "
            "whole sequence, and look for one that two steps share.",
            "x is (T, N, D). A state is (N, H), and there is one before the first step and one after every step. "
            "The state after step t is also the one before step t + 1: it is held once.",
            "Count the numbers: T · D of x and (T + 1) · H of the states, for each of the N sequences. "
            "Then multiply by itemsize.",
        ),
        make_cases=tape_bytes_cases,
        make_lesson_case=tape_bytes_lesson_case,
    ),
    Exercise(
        name="checkpointing.backward_sqrt",
        lesson=LESSON,
        minutes=15,
        solution=checkpointing.backward_sqrt,
        returns=("gradient",),
        stub='''def my_checkpointing_backward_sqrt(cell, params, x, state0, loss_gradient, segment):
    """Full BPTT that keeps a state every `segment` steps and runs each segment of x (T, N, D) again on the way back.
    cell.forward(params, x, state) -> h, state, tape; cell.backward(params, tape, dh, dstate) -> grads, dx, dstate;
    loss_gradient(h, start) -> loss, dh, extra for the steps from start. Return Gradient(loss, grads, extra), summed."""
    ...
''',
        hints=(
            "Two passes. The first goes forward and keeps only the state before each segment. The second takes "
            "the segments from the last to the first, runs each again from its own state, and backpropagates it.",
            "A segment is x[a:a + segment] with a from range(0, T, segment); the last may be shorter. "
            "Its h is (k, N, H), and loss_gradient wants to know its start, a. "
            "What crosses into the segment before is like the cell's state. "
            "loss, grads and extra are sums over segments: nested.add for grads, add_extra for extra.",
            "First pass: put the state into a list, then move it on with cell.forward. Second pass, over the starts "
            "reversed: cell.forward from the list's last state, loss_gradient(h, a), cell.backward with the dstate "
            "that the segment behind returned (None at first), and add. Start the sums from 0.0, "
            "nested.zeros_like(params) and None, which add_extra takes for nothing yet.",
        ),
        make_cases=backward_sqrt_cases,
        make_lesson_case=backward_sqrt_lesson_case,
    ),
    Exercise(
        name="checkpointing.forward_cost",
        lesson=LESSON,
        minutes=12,
        solution=checkpointing.forward_cost,
        returns=("cost",),
        stub='''def my_checkpointing_forward_cost(T, slots, keeps):
    """Least number of forward steps to backpropagate T steps with so many slots: C(T, slots). C(t, 1) = t (t + 1) / 2.
    keeps is "state" (slots hold states, one of them that before the first step) or "step" (slots hold whole steps).
    A table, or recursion under functools.cache: without it, recursion computes the same numbers for ever."""
    ...
''',
        hints=(
            "Run y steps and keep something there. Then do the steps behind, with one slot less; then the steps before "
            "them, with all slots again. Which y is best is not known in advance: try them all.",
            'C(t, m) is the least of y + C(t - y, m - 1) + the cost of the part before. With keeps="state" that part '
            'is C(y, m), and y goes from 1 to t - 1; with keeps="step" step y itself need not be run again: '
            "C(y - 1, m), and y goes to t. C(0, m) is 0 and C(1, m) is 1.",
            "A function cost(t, m) inside yours, under @functools.cache: if t is 0 or 1, or m is 1, the answer is "
            "t * (t + 1) // 2. Otherwise min(... for y in range(1, t)), or up to t for steps, of the three terms.",
        ),
        make_cases=forward_cost_cases,
        make_lesson_case=forward_cost_lesson_case,
    ),
    Exercise(
        name="checkpointing.backward",
        lesson=LESSON,
        minutes=12,
        solution=checkpointing.backward,
        returns=("gradient",),
        stub='''def my_checkpointing_backward(cell, params, x, state0, loss_gradient, actions):
    """Do what each Action(kind, start, stop) says: "keep state", "keep step", "back" or "drop". x is (T, N, D); 0 is
    the state before the first step, t that after step t. Call cell.step, cell.step_backward, and for every "back"
    loss_gradient(h (1, N, H), start) -> loss, dh, extra. Return Gradient(loss, grads, extra), summed over the steps."""
    ...
''',
        hints=(
            "A dictionary can be the slots: what is kept at t stands under t, and at first there is state0 under 0. "
            "Every action but a drop begins alike: take what is kept at `start` and run to `stop`.",
            "From the state at start to that at stop the inputs are x[start:stop], each (N, D); there are none if a "
            "kept cache is called for. The last step's cache is the one to go back with. hidden(state)[None] is a "
            "window (1, N, H) of one step, number stop - 1 from 0, and its dh is (1, N, H) too.",
            "Keep pairs of a state and a cache, (state0, None) at first. In a back: loss_gradient of that window, "
            "then cell.step_backward with add_to_hidden(dstate, dh[0]), whose third result is the next dstate; "
            "the first is cell.zero_state(params, N). bptt.add(a, b) adds two Gradients.",
        ),
        make_cases=backward_cases,
        make_lesson_case=backward_lesson_case,
    ),
)
