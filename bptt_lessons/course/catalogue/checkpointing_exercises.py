"""Exercises on checkpointing: what a tape holds, and how to do with less (lesson 04)."""
# mypy: allow-untyped-defs, allow-untyped-calls
# (the wrong answers are written as learners write, without annotations)

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from bptt_lessons import nested
from bptt_lessons.cells import rnn
from bptt_lessons.cells.unrolled import add_to_hidden, hidden
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
from bptt_lessons.course.catalogue.mistakes import Mistakes
from bptt_lessons.course.exercises import Case, Exercise
from bptt_lessons.gradients import checkpointing
from bptt_lessons.gradients.bptt import Gradient, add, add_extra
from bptt_lessons.nested import map_arrays, zeros_like

LESSON = "04_memory_and_checkpointing"

TAPE_BYTES = Mistakes("tape_bytes")


@TAPE_BYTES.add
def tape_bytes_gradients_stored(T, N, D, H, itemsize):
    """You count an (H, H) array for every step. BPTT keeps no gradients on its way forward: it keeps x and the states,
    and adds up one gradient of W_hh on the way back. Take T · H · H away."""
    return itemsize * (N * (T * D + (T + 1) * H) + T * H * H)


@TAPE_BYTES.add
def tape_bytes_all_gradients_stored(T, N, D, H, itemsize):
    """You count the gradients of W_xh, W_hh and b_h once for every step. They are summed as they come, on the way back;
    what waits on the tape is x and the states only."""
    return itemsize * (N * (T * D + (T + 1) * H) + T * (D * H + H * H + H))


@TAPE_BYTES.add
def tape_bytes_parameters_counted(T, N, D, H, itemsize):
    """You count the parameters as well. They are there with or without a tape, however long it is:
    count x and the states only."""
    return itemsize * (N * (T * D + (T + 1) * H) + D * H + H * H + H)


@TAPE_BYTES.add
def tape_bytes_parameters_in_every_step(T, N, D, H, itemsize):
    """You count a copy of the weights for every step. One set is shared by all steps of the graph, and it is not
    on the tape: count x and the states only."""
    return itemsize * (N * (T * D + (T + 1) * H) + T * (D * H + H * H))


@TAPE_BYTES.add
def tape_bytes_h_and_h_prev_apart(T, N, D, H, itemsize):
    """You count 2 T arrays of shape (N, H). The h_prev of a step is the h of the step before, one array under two
    names: T + 1 states serve all T steps."""
    return itemsize * N * (T * D + 2 * T * H)


@TAPE_BYTES.add
def tape_bytes_h0_forgotten(T, N, D, H, itemsize):
    """You count T states, and one is missing: the first step back needs h_0 as its h_prev.
    From h_0 to h_T there are T + 1."""
    return itemsize * N * T * (D + H)


@TAPE_BYTES.add
def tape_bytes_inputs_forgotten(T, N, D, H, itemsize):
    """You count the states and leave out the inputs: the gradient of W_xh is x_t times dz_t, so x (T, N, D) has to be
    there on the way back too. Add its T · N · D numbers."""
    return itemsize * N * (T + 1) * H


@TAPE_BYTES.add
def tape_bytes_an_input_too_many(T, N, D, H, itemsize):
    """You count T + 1 inputs. There are T + 1 states, since h_0 comes before the first step, but only T inputs,
    one for each step."""
    return itemsize * N * (T + 1) * (D + H)


@TAPE_BYTES.add
def tape_bytes_batch_forgotten(T, N, D, H, itemsize):
    """You count one sequence. Each of the N sequences has its own inputs and its own states: multiply by N."""
    return itemsize * (T * D + (T + 1) * H)


@TAPE_BYTES.add
def tape_bytes_inputs_of_one_sequence(T, N, D, H, itemsize):
    """Your states are counted for all N sequences, your inputs for one: x is (T, N, D), so put N before both."""
    return itemsize * (T * D + N * (T + 1) * H)


@TAPE_BYTES.add
def tape_bytes_states_of_one_sequence(T, N, D, H, itemsize):
    """Your inputs are counted for all N sequences, your states for one: each state is (N, H), so put N before both."""
    return itemsize * (N * T * D + (T + 1) * H)


@TAPE_BYTES.add
def tape_bytes_itemsize_forgotten(T, N, D, H, itemsize):
    """You count numbers, and bytes are asked for: each number takes itemsize of them, so multiply."""
    return N * (T * D + (T + 1) * H)


@TAPE_BYTES.add
def tape_bytes_float64_always(T, N, D, H, itemsize):
    """You count 8 bytes for every number, whatever itemsize says. That is right for float64; a float32 takes 4.
    Multiply by itemsize."""
    return 8 * N * (T * D + (T + 1) * H)


@TAPE_BYTES.add
def tape_bytes_bits_for_bytes(T, N, D, H, itemsize):
    """You answer in bits, eight times too many. itemsize is in bytes already, 8 of them for a float64 of 64 bits."""
    return 8 * itemsize * N * (T * D + (T + 1) * H)


@TAPE_BYTES.add
def tape_bytes_itemsize_taken_for_bits(T, N, D, H, itemsize):
    """You divide by 8, as if itemsize were in bits. It is in bytes already, 8 for a float64: multiply by it and stop
    there."""
    return itemsize * N * (T * D + (T + 1) * H) / 8


@TAPE_BYTES.add
def tape_bytes_pre_activations_too(T, N, D, H, itemsize):
    """You count T · N · H numbers too many. The slope of tanh is 1 - h_t², so z_t need not be kept, and dL/dh_t is made
    on the way back: of each step only x_t and its state stay."""
    return itemsize * N * (T * D + (T + 1) * H + T * H)


@TAPE_BYTES.add
def tape_bytes_one_step_only(T, N, D, H, itemsize):
    """You count the cache of a single step. BPTT goes back through all T of them, so T inputs and T + 1 states are
    held at once."""
    return itemsize * N * (D + 2 * H)


@TAPE_BYTES.add
def tape_bytes_kibibytes(T, N, D, H, itemsize):
    """You divide by 1024, which makes KiB: bytes are asked for, so leave that out."""
    return itemsize * N * (T * D + (T + 1) * H) / 1024


@TAPE_BYTES.add
def tape_bytes_megabytes(T, N, D, H, itemsize):
    """You divide by a million, which makes MB: bytes are asked for, so leave that to whoever prints the number."""
    return itemsize * N * (T * D + (T + 1) * H) / 1e6


@TAPE_BYTES.add
def tape_bytes_mebibytes(T, N, D, H, itemsize):
    """You divide by 1024², which makes MiB: bytes are asked for, so leave that to whoever prints the number."""
    return itemsize * N * (T * D + (T + 1) * H) / 1024**2


@TAPE_BYTES.add
def tape_bytes_last_state_only(T, N, D, H, itemsize):
    """You count the inputs and one state. Going on from a state needs only the last; going back through the steps needs
    them all, from h_0 to h_T, which are T + 1."""
    return itemsize * N * (T * D + H)


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


def _nothing(params: Any) -> Gradient:
    """Return the gradient of no steps."""
    return Gradient(0.0, zeros_like(params), None)


def _states_before(cell: Any, params: Any, x: Any, state: Any, segment: int) -> list[Any]:
    """Return the state before every segment: the first pass of `backward_sqrt`, for mistakes that come later."""
    states = []
    for a in range(0, len(x), segment):
        states.append(state)
        _, state, _ = cell.forward(params, x[a : a + segment], state)
    return states


BACKWARD_SQRT = Mistakes("backward_sqrt")


@BACKWARD_SQRT.add
def backward_sqrt_recomputes_from_state0(cell, params, x, state0, loss_gradient, segment):
    """You run every segment again from state0. Only the first one starts there: each of the others starts from
    the state that you kept at its own beginning."""
    total, dstate = _nothing(params), None
    for a in range(0, len(x), segment)[::-1]:
        h, _, tape = cell.forward(params, x[a : a + segment], state0)
        loss, dh, extra = loss_gradient(h, a)
        grads, _, dstate = cell.backward(params, tape, dh, dstate)
        total = add(total, Gradient(loss, grads, extra))
    return total


@BACKWARD_SQRT.add
def backward_sqrt_first_pass_not_carried(cell, params, x, state0, loss_gradient, segment):
    """On your first pass every segment starts from state0, so from the third segment on the kept states are wrong:
    the state that one segment ends with is the one that the next begins with."""
    total, starts = _nothing(params), range(0, len(x), segment)
    states = [state0] + [cell.forward(params, x[a : a + segment], state0)[1] for a in starts[:-1]]
    dstate = None
    for a in starts[::-1]:
        h, _, tape = cell.forward(params, x[a : a + segment], states.pop())
        loss, dh, extra = loss_gradient(h, a)
        grads, _, dstate = cell.backward(params, tape, dh, dstate)
        total = add(total, Gradient(loss, grads, extra))
    return total


@BACKWARD_SQRT.add
def backward_sqrt_state_after_the_segment(cell, params, x, state0, loss_gradient, segment):
    """You run each segment again from the state it *ended* with. If you kept one after every segment, you kept one too
    many: nothing starts from the last. Segment k starts from the state kept before it, state0 for the first."""
    states, total, dstate = _states_before(cell, params, x, state0, segment), _nothing(params), None
    states.append(cell.forward(params, x[(len(states) - 1) * segment :], states[-1])[1])
    for a in range(0, len(x), segment)[::-1]:
        h, _, tape = cell.forward(params, x[a : a + segment], states.pop())
        loss, dh, extra = loss_gradient(h, a)
        grads, _, dstate = cell.backward(params, tape, dh, dstate)
        total = add(total, Gradient(loss, grads, extra))
    return total


@BACKWARD_SQRT.add
def backward_sqrt_last_state_for_all(cell, params, x, state0, loss_gradient, segment):
    """You run every segment again from one state, the last that your first pass came to. Keep a list of states,
    one from before each segment, and take the segment's own."""
    _, last, _ = cell.forward(params, x, state0)
    total, dstate = _nothing(params), None
    for a in range(0, len(x), segment)[::-1]:
        h, _, tape = cell.forward(params, x[a : a + segment], last)
        loss, dh, extra = loss_gradient(h, a)
        grads, _, dstate = cell.backward(params, tape, dh, dstate)
        total = add(total, Gradient(loss, grads, extra))
    return total


@BACKWARD_SQRT.add
def backward_sqrt_state_one_step_late(cell, params, x, state0, loss_gradient, segment):
    """Your kept states are one step late: you keep the state *after* a segment's first step, and run that step again
    from there. Keep it before the step, so that the segment from a starts with the state that met x[a]."""
    states, total, dstate = _states_before(cell, params, x, state0, segment), _nothing(params), None
    for a in range(0, len(x), segment)[::-1]:
        _, late, _ = cell.forward(params, x[a : a + 1], states.pop())
        h, _, tape = cell.forward(params, x[a : a + segment], late)
        loss, dh, extra = loss_gradient(h, a)
        grads, _, dstate = cell.backward(params, tape, dh, dstate)
        total = add(total, Gradient(loss, grads, extra))
    return total


@BACKWARD_SQRT.add
def backward_sqrt_state_one_step_early(cell, params, x, state0, loss_gradient, segment):
    """Your kept states are one step early: the last step before each start is left out on the first pass. A segment
    from a ends before a + segment, and x[a:a + segment] leaves that end out already."""
    states, state, total, dstate = [], state0, _nothing(params), None
    for a in range(0, len(x), segment):
        states.append(state)
        for x_t in x[a : a + segment - 1]:
            state, _ = cell.step(params, x_t, state)
    for a in range(0, len(x), segment)[::-1]:
        h, _, tape = cell.forward(params, x[a : a + segment], states.pop())
        loss, dh, extra = loss_gradient(h, a)
        grads, _, dstate = cell.backward(params, tape, dh, dstate)
        total = add(total, Gradient(loss, grads, extra))
    return total


@BACKWARD_SQRT.add
def backward_sqrt_inputs_one_step_late(cell, params, x, state0, loss_gradient, segment):
    """Your segments begin one input too late: the state kept before step a meets x[a] first,
    so the segment is x[a:a + segment]."""
    states, total, dstate = _states_before(cell, params, x, state0, segment), _nothing(params), None
    for a in range(0, len(x), segment)[::-1]:
        h, _, tape = cell.forward(params, x[a + 1 : a + 1 + segment], states.pop())
        loss, dh, extra = loss_gradient(h, a)
        grads, _, dstate = cell.backward(params, tape, dh, dstate)
        total = add(total, Gradient(loss, grads, extra))
    return total


@BACKWARD_SQRT.add
def backward_sqrt_segments_overlap(cell, params, x, state0, loss_gradient, segment):
    """Your segments are one step too long, so the first step of each is done twice: the end of a slice is left out,
    and x[a:a + segment] has segment steps."""
    states, total, dstate = _states_before(cell, params, x, state0, segment), _nothing(params), None
    for a in range(0, len(x), segment)[::-1]:
        h, _, tape = cell.forward(params, x[a : a + segment + 1], states.pop())
        loss, dh, extra = loss_gradient(h, a)
        grads, _, dstate = cell.backward(params, tape, dh, dstate)
        total = add(total, Gradient(loss, grads, extra))
    return total


@BACKWARD_SQRT.add
def backward_sqrt_tail_dropped(cell, params, x, state0, loss_gradient, segment):
    """Your segments are all of full length, so what is left over at the end of x is dropped. Let the starts run over
    range(0, T, segment): the last segment may be shorter, and slicing takes care of that."""
    states, total, dstate = _states_before(cell, params, x, state0, segment), _nothing(params), None
    for k in range(len(x) // segment)[::-1]:
        a = k * segment
        h, _, tape = cell.forward(params, x[a : a + segment], states[k])
        loss, dh, extra = loss_gradient(h, a)
        grads, _, dstate = cell.backward(params, tape, dh, dstate)
        total = add(total, Gradient(loss, grads, extra))
    return total


@BACKWARD_SQRT.add
def backward_sqrt_dstate_not_handed_on(cell, params, x, state0, loss_gradient, segment):
    """No gradient crosses from one segment to the one before: that is truncation, not checkpointing. cell.backward
    returns dstate_0 of its segment as its third result; hand it to the next call, which is for the segment before."""
    states, total = _states_before(cell, params, x, state0, segment), _nothing(params)
    for a in range(0, len(x), segment)[::-1]:
        h, _, tape = cell.forward(params, x[a : a + segment], states.pop())
        loss, dh, extra = loss_gradient(h, a)
        grads, _, _ = cell.backward(params, tape, dh)
        total = add(total, Gradient(loss, grads, extra))
    return total


@BACKWARD_SQRT.add
def backward_sqrt_walks_forward(cell, params, x, state0, loss_gradient, segment):
    """You go through the segments from the first to the last, and so hand each dstate on to a later segment.
    The gradient travels back in time: after the first pass, take the last segment first."""
    states, total, dstate = _states_before(cell, params, x, state0, segment), _nothing(params), None
    for a in range(0, len(x), segment):
        h, _, tape = cell.forward(params, x[a : a + segment], states.pop(0))
        loss, dh, extra = loss_gradient(h, a)
        grads, _, dstate = cell.backward(params, tape, dh, dstate)
        total = add(total, Gradient(loss, grads, extra))
    return total


@BACKWARD_SQRT.add
def backward_sqrt_states_in_the_wrong_order(cell, params, x, state0, loss_gradient, segment):
    """You go through the segments from the last, but through the kept states from the first, so each segment starts
    from another one's state. states.pop() takes the last; or take states[k] for segment k."""
    states, total, dstate = _states_before(cell, params, x, state0, segment), _nothing(params), None
    for a in range(0, len(x), segment)[::-1]:
        h, _, tape = cell.forward(params, x[a : a + segment], states.pop(0))
        loss, dh, extra = loss_gradient(h, a)
        grads, _, dstate = cell.backward(params, tape, dh, dstate)
        total = add(total, Gradient(loss, grads, extra))
    return total


@BACKWARD_SQRT.add
def backward_sqrt_grads_overwritten(cell, params, x, state0, loss_gradient, segment):
    """Your grads are those of the last segment you visited, the first in time: one = is left where a sum belongs.
    The weights are shared by all segments, so add with nested.add(grads, ...)."""
    states, total, dstate = _states_before(cell, params, x, state0, segment), _nothing(params), None
    for a in range(0, len(x), segment)[::-1]:
        h, _, tape = cell.forward(params, x[a : a + segment], states.pop())
        loss, dh, extra = loss_gradient(h, a)
        grads, _, dstate = cell.backward(params, tape, dh, dstate)
        total = add(total, Gradient(loss, grads, extra))
    return total._replace(grads=grads)


@BACKWARD_SQRT.add
def backward_sqrt_extra_overwritten(cell, params, x, state0, loss_gradient, segment):
    """loss and grads are summed, but extra, the gradient of the loss's own parameters, is that of one segment only.
    Each segment brings its part: add them up too."""
    states, total, dstate = _states_before(cell, params, x, state0, segment), _nothing(params), None
    for a in range(0, len(x), segment)[::-1]:
        h, _, tape = cell.forward(params, x[a : a + segment], states.pop())
        loss, dh, extra = loss_gradient(h, a)
        grads, _, dstate = cell.backward(params, tape, dh, dstate)
        total = add(total, Gradient(loss, grads, extra))
    return total._replace(extra=extra)


@BACKWARD_SQRT.add
def backward_sqrt_loss_overwritten(cell, params, x, state0, loss_gradient, segment):
    """The gradients are summed, but the loss is that of one segment only: each call of loss_gradient returns what
    its own steps add to the whole, so sum the losses too."""
    states, total, dstate = _states_before(cell, params, x, state0, segment), _nothing(params), None
    for a in range(0, len(x), segment)[::-1]:
        h, _, tape = cell.forward(params, x[a : a + segment], states.pop())
        loss, dh, extra = loss_gradient(h, a)
        grads, _, dstate = cell.backward(params, tape, dh, dstate)
        total = add(total, Gradient(loss, grads, extra))
    return total._replace(loss=loss)


@BACKWARD_SQRT.add
def backward_sqrt_nothing_summed(cell, params, x, state0, loss_gradient, segment):
    """You return loss, grads and extra of one segment, the last you visited. All three are sums over the segments:
    start from zeros and add each segment's part."""
    states, dstate = _states_before(cell, params, x, state0, segment), None
    for a in range(0, len(x), segment)[::-1]:
        h, _, tape = cell.forward(params, x[a : a + segment], states.pop())
        loss, dh, extra = loss_gradient(h, a)
        grads, _, dstate = cell.backward(params, tape, dh, dstate)
    return Gradient(loss, grads, extra)


@BACKWARD_SQRT.add
def backward_sqrt_averaged_over_segments(cell, params, x, state0, loss_gradient, segment):
    """You divide by the number of segments. Each segment's loss already is its share of the whole: the parts simply
    add up."""
    states, total, dstate = _states_before(cell, params, x, state0, segment), _nothing(params), None
    K = len(states)
    for a in range(0, len(x), segment)[::-1]:
        h, _, tape = cell.forward(params, x[a : a + segment], states.pop())
        loss, dh, extra = loss_gradient(h, a)
        grads, _, dstate = cell.backward(params, tape, dh, dstate)
        total = add(total, Gradient(loss, grads, extra))
    return map_arrays(lambda part: part / K, total)


@BACKWARD_SQRT.add
def backward_sqrt_start_always_zero(cell, params, x, state0, loss_gradient, segment):
    """You tell loss_gradient that every segment starts at 0, so all of them are compared with the first targets:
    its second argument is the step, counted from 0, at which this segment starts."""
    states, total, dstate = _states_before(cell, params, x, state0, segment), _nothing(params), None
    for a in range(0, len(x), segment)[::-1]:
        h, _, tape = cell.forward(params, x[a : a + segment], states.pop())
        loss, dh, extra = loss_gradient(h, 0)
        grads, _, dstate = cell.backward(params, tape, dh, dstate)
        total = add(total, Gradient(loss, grads, extra))
    return total


@BACKWARD_SQRT.add
def backward_sqrt_segment_number_for_start(cell, params, x, state0, loss_gradient, segment):
    """You give loss_gradient the number of the segment. What it wants is the step at which the segment starts:
    segment k starts at k · segment."""
    states, total, dstate = _states_before(cell, params, x, state0, segment), _nothing(params), None
    for k in range(len(states))[::-1]:
        h, _, tape = cell.forward(params, x[k * segment : (k + 1) * segment], states[k])
        loss, dh, extra = loss_gradient(h, k)
        grads, _, dstate = cell.backward(params, tape, dh, dstate)
        total = add(total, Gradient(loss, grads, extra))
    return total


@BACKWARD_SQRT.add
def backward_sqrt_state0_ignored(cell, params, x, state0, loss_gradient, segment):
    """You start from zeros, whatever state0 is: it is the state before the first step, and the first one to keep."""
    zero, dstate, total = cell.zero_state(params, x.shape[1]), None, _nothing(params)
    states = _states_before(cell, params, x, zero, segment)
    for a in range(0, len(x), segment)[::-1]:
        h, _, tape = cell.forward(params, x[a : a + segment], states.pop())
        loss, dh, extra = loss_gradient(h, a)
        grads, _, dstate = cell.backward(params, tape, dh, dstate)
        total = add(total, Gradient(loss, grads, extra))
    return total


@BACKWARD_SQRT.add
def backward_sqrt_dstate_into_dh(cell, params, x, state0, loss_gradient, segment):
    """Right for the RNN, whose state is the array h. Another cell's dstate has more parts, such as State(h, c), and
    does not fit into dh: hand it to cell.backward as its fourth argument."""
    states, total, dstate = _states_before(cell, params, x, state0, segment), _nothing(params), 0
    for a in range(0, len(x), segment)[::-1]:
        h, _, tape = cell.forward(params, x[a : a + segment], states.pop())
        loss, dh, extra = loss_gradient(h, a)
        dh[-1] += dstate
        grads, _, dstate = cell.backward(params, tape, dh)
        total = add(total, Gradient(loss, grads, extra))
    return total


@BACKWARD_SQRT.add
def backward_sqrt_dx_for_dstate(cell, params, x, state0, loss_gradient, segment):
    """The second thing that cell.backward returns is dx. What crosses to the segment before is the third, dstate_0:
    grads, dx, dstate = cell.backward(...)."""
    states, total, dstate = _states_before(cell, params, x, state0, segment), _nothing(params), None
    for a in range(0, len(x), segment)[::-1]:
        h, _, tape = cell.forward(params, x[a : a + segment], states.pop())
        loss, dh, extra = loss_gradient(h, a)
        grads, dstate, _ = cell.backward(params, tape, dh, dstate)
        total = add(total, Gradient(loss, grads, extra))
    return total


@BACKWARD_SQRT.add
def backward_sqrt_ignores_the_cell(cell, params, x, state0, loss_gradient, segment):
    """You call the RNN's own functions and never look at `cell`: whoever passes another cell gets an error, or the
    wrong network. Call cell.forward and cell.backward."""
    states, total, dstate = _states_before(rnn, params, x, state0, segment), _nothing(params), None
    for a in range(0, len(x), segment)[::-1]:
        h, _, tape = rnn.forward(params, x[a : a + segment], states.pop())
        loss, dh, extra = loss_gradient(h, a)
        grads, _, dstate = rnn.backward(params, tape, dh, dstate)
        total = add(total, Gradient(loss, grads, extra))
    return total


@BACKWARD_SQRT.add
def backward_sqrt_hidden_state_for_state(cell, params, x, state0, loss_gradient, segment):
    """Right for the RNN, whose state is the array h. Another cell's state may have more than one part, such as
    State(h, c), and h[-1] is only one of them: keep the state that cell.forward returns, its second result."""
    states, state, total, dstate = [], state0, _nothing(params), None
    for a in range(0, len(x), segment):
        states.append(state)
        state = cell.forward(params, x[a : a + segment], state)[0][-1]
    for a in range(0, len(x), segment)[::-1]:
        h, _, tape = cell.forward(params, x[a : a + segment], states.pop())
        loss, dh, extra = loss_gradient(h, a)
        grads, _, dstate = cell.backward(params, tape, dh, dstate)
        total = add(total, Gradient(loss, grads, extra))
    return total


@BACKWARD_SQRT.add
def backward_sqrt_number_of_segments(cell, params, x, state0, loss_gradient, segment):
    """You take `segment` for the number of segments. It is the number of steps in one: the starts are
    range(0, T, segment), however many that makes, and x[a:a + segment] is a segment."""
    segment = len(x) // segment
    states, total, dstate = _states_before(cell, params, x, state0, segment), _nothing(params), None
    for a in range(0, len(x), segment)[::-1]:
        h, _, tape = cell.forward(params, x[a : a + segment], states.pop())
        loss, dh, extra = loss_gradient(h, a)
        grads, _, dstate = cell.backward(params, tape, dh, dstate)
        total = add(total, Gradient(loss, grads, extra))
    return total


@BACKWARD_SQRT.add
def backward_sqrt_so_many_segments(cell, params, x, state0, loss_gradient, segment):
    """You make `segment` segments, each of T // segment steps. The argument is the length of one, and their number
    follows from it: a goes over range(0, T, segment), and the last segment may be shorter."""
    length, total, dstate = len(x) // segment, _nothing(params), None
    states = _states_before(cell, params, x[: length * segment], state0, max(length, 1)) or [state0]
    for k in range(segment)[::-1]:
        h, _, tape = cell.forward(params, x[k * length : (k + 1) * length], states.pop())
        loss, dh, extra = loss_gradient(h, k * length)
        grads, _, dstate = cell.backward(params, tape, dh, dstate)
        total = add(total, Gradient(loss, grads, extra))
    return total


@BACKWARD_SQRT.add
def backward_sqrt_plus_for_grads(cell, params, x, state0, loss_gradient, segment):
    """Your grads get longer with every segment: they are tuples of arrays, and + puts one tuple behind the other.
    nested.add(grads, ...) adds array to array."""
    states, dstate = _states_before(cell, params, x, state0, segment), None
    loss_sum, grads, extra_sum = _nothing(params)
    for a in range(0, len(x), segment)[::-1]:
        h, _, tape = cell.forward(params, x[a : a + segment], states.pop())
        loss, dh, extra = loss_gradient(h, a)
        part, _, dstate = cell.backward(params, tape, dh, dstate)
        loss_sum, grads, extra_sum = loss_sum + loss, grads + part, add_extra(extra_sum, extra)
    return Gradient(loss_sum, grads, extra_sum)


@BACKWARD_SQRT.add
def backward_sqrt_plus_for_grads_from_the_last(cell, params, x, state0, loss_gradient, segment):
    """You sum grads with +, which puts tuples one behind the other: after K segments there are K times as many arrays
    as in params. nested.add(grads, ...) adds array to array."""
    states, dstate = _states_before(cell, params, x, state0, segment), None
    loss_sum, grads, extra_sum = 0.0, (), None
    for a in range(0, len(x), segment)[::-1]:
        h, _, tape = cell.forward(params, x[a : a + segment], states.pop())
        loss, dh, extra = loss_gradient(h, a)
        part, _, dstate = cell.backward(params, tape, dh, dstate)
        loss_sum, grads, extra_sum = loss_sum + loss, grads + part, add_extra(extra_sum, extra)
    return Gradient(loss_sum, grads, extra_sum)


@BACKWARD_SQRT.add
def backward_sqrt_plus_for_grads_and_extra(cell, params, x, state0, loss_gradient, segment):
    """You sum grads and extra with +. Both are tuples of arrays, and + puts one tuple behind the other:
    nested.add adds array to array, and add_extra does too."""
    states, dstate = _states_before(cell, params, x, state0, segment), None
    loss_sum, grads, extra_sum = 0.0, (), ()
    for a in range(0, len(x), segment)[::-1]:
        h, _, tape = cell.forward(params, x[a : a + segment], states.pop())
        loss, dh, extra = loss_gradient(h, a)
        part, _, dstate = cell.backward(params, tape, dh, dstate)
        loss_sum, grads, extra_sum = loss_sum + loss, grads + part, extra_sum + extra
    return Gradient(loss_sum, grads, extra_sum)


@BACKWARD_SQRT.add
def backward_sqrt_plus_for_zeros_and_extra(cell, params, x, state0, loss_gradient, segment):
    """Sums of grads and of extra are not made with +: both are tuples of arrays, and your zeros stay in front of them.
    Use nested.add for grads and add_extra for extra."""
    states, dstate = _states_before(cell, params, x, state0, segment), None
    loss_sum, grads, extra_sum = 0.0, zeros_like(params), ()
    for a in range(0, len(x), segment)[::-1]:
        h, _, tape = cell.forward(params, x[a : a + segment], states.pop())
        loss, dh, extra = loss_gradient(h, a)
        part, _, dstate = cell.backward(params, tape, dh, dstate)
        loss_sum, grads, extra_sum = loss_sum + loss, grads + part, extra_sum + extra
    return Gradient(loss_sum, grads, extra_sum)


@BACKWARD_SQRT.add
def backward_sqrt_plus_for_extra(cell, params, x, state0, loss_gradient, segment):
    """grads are summed, but extra is a tuple of arrays too, and + puts one such tuple behind the other:
    add_extra(extra, ...) adds array to array."""
    states, dstate = _states_before(cell, params, x, state0, segment), None
    loss_sum, grads, extra_sum = 0.0, zeros_like(params), ()
    for a in range(0, len(x), segment)[::-1]:
        h, _, tape = cell.forward(params, x[a : a + segment], states.pop())
        loss, dh, extra = loss_gradient(h, a)
        part, _, dstate = cell.backward(params, tape, dh, dstate)
        loss_sum, grads, extra_sum = loss_sum + loss, nested.add(grads, part), extra_sum + extra
    return Gradient(loss_sum, grads, extra_sum)


@BACKWARD_SQRT.add
def backward_sqrt_gradients_added_with_plus(cell, params, x, state0, loss_gradient, segment):
    """A Gradient is a tuple, and + puts one tuple behind the other. Sum its three parts each for itself: loss with +,
    grads with nested.add, extra with add_extra."""
    states, dstate = _states_before(cell, params, x, state0, segment), None
    total: Any = _nothing(params)
    for a in range(0, len(x), segment)[::-1]:
        h, _, tape = cell.forward(params, x[a : a + segment], states.pop())
        loss, dh, extra = loss_gradient(h, a)
        part, _, dstate = cell.backward(params, tape, dh, dstate)
        total = total + Gradient(loss, part, extra)
    return total


@BACKWARD_SQRT.add
def backward_sqrt_none_first_for_grads(cell, params, x, state0, loss_gradient, segment):
    """The sum of your grads starts from None or 0, to which nested.add can add nothing: it wants two gradients alike.
    Start from nested.zeros_like(params)."""
    states, dstate = _states_before(cell, params, x, state0, segment), None
    grads = None
    for a in range(0, len(x), segment)[::-1]:
        h, _, tape = cell.forward(params, x[a : a + segment], states.pop())
        _, dh, _ = loss_gradient(h, a)
        part, _, dstate = cell.backward(params, tape, dh, dstate)
        grads = nested.add(grads, part)
    return grads


@BACKWARD_SQRT.add
def backward_sqrt_none_first_for_extra(cell, params, x, state0, loss_gradient, segment):
    """The sum of your extra starts from None or 0, to which nested.add can add nothing.
    add_extra(extra, ...) takes None for "nothing yet"."""
    states, dstate = _states_before(cell, params, x, state0, segment), None
    total = None
    for a in range(0, len(x), segment)[::-1]:
        h, _, tape = cell.forward(params, x[a : a + segment], states.pop())
        _, dh, extra = loss_gradient(h, a)
        _, _, dstate = cell.backward(params, tape, dh, dstate)
        total = nested.add(total, extra)
    return total


@BACKWARD_SQRT.add
def backward_sqrt_none_first_for_all(cell, params, x, state0, loss_gradient, segment):
    """Your sum of Gradients starts from None, and add looks for its loss. Start from
    Gradient(0.0, nested.zeros_like(params), None), or sum the three parts each for itself."""
    states, dstate = _states_before(cell, params, x, state0, segment), None
    total: Any = None
    for a in range(0, len(x), segment)[::-1]:
        h, _, tape = cell.forward(params, x[a : a + segment], states.pop())
        loss, dh, extra = loss_gradient(h, a)
        part, _, dstate = cell.backward(params, tape, dh, dstate)
        total = add(total, Gradient(loss, part, extra))
    return total


@BACKWARD_SQRT.add
def backward_sqrt_plus_from_none_for_grads(cell, params, x, state0, loss_gradient, segment):
    """The sum of your grads starts from None, and + is not for tuples of arrays: start from nested.zeros_like(params),
    and add with nested.add."""
    states, dstate = _states_before(cell, params, x, state0, segment), None
    grads = None
    for a in range(0, len(x), segment)[::-1]:
        h, _, tape = cell.forward(params, x[a : a + segment], states.pop())
        _, dh, _ = loss_gradient(h, a)
        part, _, dstate = cell.backward(params, tape, dh, dstate)
        grads = grads + part
    return grads


@BACKWARD_SQRT.add
def backward_sqrt_plus_from_zero_for_grads(cell, params, x, state0, loss_gradient, segment):
    """The sum of your grads starts from 0, and a tuple of arrays cannot be added to a number: start from
    nested.zeros_like(params), and add with nested.add."""
    states, dstate = _states_before(cell, params, x, state0, segment), None
    grads = 0
    for a in range(0, len(x), segment)[::-1]:
        h, _, tape = cell.forward(params, x[a : a + segment], states.pop())
        _, dh, _ = loss_gradient(h, a)
        part, _, dstate = cell.backward(params, tape, dh, dstate)
        grads = grads + part
    return grads


@BACKWARD_SQRT.add
def backward_sqrt_plus_from_none_for_extra(cell, params, x, state0, loss_gradient, segment):
    """The sum of your extra starts from None, to which + can add nothing: add_extra(extra, ...) takes None for
    "nothing yet", and adds array to array."""
    states, dstate = _states_before(cell, params, x, state0, segment), None
    total = None
    for a in range(0, len(x), segment)[::-1]:
        h, _, tape = cell.forward(params, x[a : a + segment], states.pop())
        _, dh, extra = loss_gradient(h, a)
        _, _, dstate = cell.backward(params, tape, dh, dstate)
        total = total + extra
    return total


def _whole(seed: int, T: int, N: int, D: int, H: int, K: int, scale: float = 0.9, decimals: int = 2) -> dict[str, Any]:
    """Return the RNN, its parameters, a sequence, where it starts and its loss."""
    rng = np.random.default_rng(seed)
    params, x = draw_rnn(rng, D, H, decimals=decimals), draw(rng, T, N, D, scale=scale, decimals=decimals)
    state0, readout = draw(rng, N, H, decimals=decimals), draw_readout(rng, H, K, decimals=decimals)
    loss = WindowLoss(readout, draw(rng, T, N, K, decimals=decimals))
    return {"cell": rnn, "params": params, "x": x, "state0": state0, "loss_gradient": loss}


def _leaky_whole(cell: Any, seed: int, T: int, N: int, D: int, H: int, K: int) -> dict[str, Any]:
    """Return the same for the leaky cell, whose state has two parts."""
    rng = np.random.default_rng(seed)
    params, x = draw_leaky(rng, D, H), draw(rng, T, N, D)
    state0 = leaky.State(draw(rng, N, H), draw(rng, N, H))
    loss = WindowLoss(draw_readout(rng, H, K), draw(rng, T, N, K))
    return {"cell": cell, "params": params, "x": x, "state0": state0, "loss_gradient": loss}


def _sqrt_case(segment: int, seed: int, K: int, scale: float = 0.9, decimals: int = 2, **letters: int) -> Case:
    label = f"{sizes(**letters)}, segment = {segment}"
    whole = _whole(seed, K=K, scale=scale, decimals=decimals, **letters)
    return Case(label, {**whole, "segment": segment})


def backward_sqrt_cases() -> tuple[Case, ...]:
    """Segments that leave a rest, that do not, of one step, longer than the sequence, and another cell."""
    other = _leaky_whole(LOOPED_LEAKY, 126, T=5, N=2, D=1, H=3, K=1)
    return (
        _sqrt_case(2, 121, T=5, N=2, D=1, H=3, K=1, decimals=1),
        _sqrt_case(3, 122, T=10, N=3, D=2, H=4, K=5),
        _sqrt_case(6, 123, T=4, N=1, D=3, H=2, K=5),
        _sqrt_case(1, 124, T=3, N=2, D=5, H=4, K=1),
        _sqrt_case(3, 125, T=6, N=2, D=1, H=4, K=3, scale=9.0),
        Case(f"{sizes(T=5, N=2, D=1, H=3)}, segment = 2, another cell", {**other, "segment": 2}),
    )


def backward_sqrt_lesson_case() -> Case:
    """A long sequence in segments of its square root."""
    return _sqrt_case(12, 127, T=144, N=8, D=2, H=16, K=1)


FORWARD_COST = Mistakes("forward_cost")


@FORWARD_COST.add
def forward_cost_run_to_the_split_forgotten(T, slots, keeps):
    """The y steps that have to be run before there is anything to keep are missing from your sum: each term is
    y plus the two costs."""
    beyond = 0 if keeps == "state" else 1

    @cache
    def cost(t, m):
        if t <= 1 or m == 1:
            return t * (t + 1) // 2
        return min(cost(t - y, m - 1) + cost(y - beyond, m) for y in range(1, t + beyond))

    return cost(T, slots)


@FORWARD_COST.add
def forward_cost_run_to_the_split_forgotten_for_steps(T, slots, keeps):
    """With keeps="step" the y steps are missing from your sum: they have to be run before step y can be kept.
    Each term is y plus the two costs, as with keeps="state"."""

    @cache
    def cost(t, m):
        if t <= 1 or m == 1:
            return t * (t + 1) // 2
        if keeps == "state":
            return min(y + cost(t - y, m - 1) + cost(y, m) for y in range(1, t))
        return min(cost(t - y, m - 1) + cost(y - 1, m) for y in range(1, t + 1))

    return cost(T, slots)


@FORWARD_COST.add
def forward_cost_slot_not_taken(T, slots, keeps):
    """Behind the split you still count on all m slots, but one of them holds what you have just kept there: t - y steps
    with m - 1 slots. It is the steps before the split that come later, and have all m again."""
    beyond = 0 if keeps == "state" else 1

    @cache
    def cost(t, m):
        if t <= 1 or m == 1:
            return t * (t + 1) // 2
        return min(y + cost(t - y, m) + cost(y - beyond, m) for y in range(1, t + beyond))

    return cost(T, slots)


@FORWARD_COST.add
def forward_cost_slot_not_given_back(T, slots, keeps):
    """The steps before the split get only m - 1 slots from you. By the time they are done, the steps behind are
    finished, and their slot is free again: m."""
    beyond = 0 if keeps == "state" else 1

    @cache
    def cost(t, m):
        if t <= 1 or m == 1:
            return t * (t + 1) // 2
        return min(y + cost(t - y, m - 1) + cost(y - beyond, m - 1) for y in range(1, t + beyond))

    return cost(T, slots)


@FORWARD_COST.add
def forward_cost_freed_slots_not_used_again(T, slots, keeps):
    """You treat the steps before the split as if only one slot were left for them. When their turn comes, everything
    behind is finished and all m slots are free: that part costs C(..., m), not t (t + 1) / 2."""
    beyond = 0 if keeps == "state" else 1

    @cache
    def cost(t, m):
        if t <= 1 or m == 1:
            return t * (t + 1) // 2
        return min(y + cost(t - y, m - 1) + cost(y - beyond, 1) for y in range(1, t + beyond))

    return cost(T, slots)


@FORWARD_COST.add
def forward_cost_steps_for_states(T, slots, keeps):
    """With keeps="state" you count as if slots held whole steps. A kept state y does not spare you step y itself:
    the part before the split is C(y, m), with y below t. C(y - 1, m) belongs to keeps="step"."""

    @cache
    def cost(t, m):
        if t <= 1 or m == 1:
            return t * (t + 1) // 2
        return min(y + cost(t - y, m - 1) + cost(y - 1, m) for y in range(1, t + 1))

    return cost(T, slots)


@FORWARD_COST.add
def forward_cost_states_for_steps(T, slots, keeps):
    """With keeps="step" you count as if slots held states. There the slot has all that step y needs on its way back,
    and y need not be run again: C(y - 1, m), with y up to t."""

    @cache
    def cost(t, m):
        if t <= 1 or m == 1:
            return t * (t + 1) // 2
        return min(y + cost(t - y, m - 1) + cost(y, m) for y in range(1, t))

    return cost(T, slots)


@FORWARD_COST.add
def forward_cost_tables_exchanged(T, slots, keeps):
    """You have the two tables the wrong way round: a kept *step* need not be run again, C(y - 1, m);
    a kept *state* still leaves its step to be run, C(y, m)."""
    beyond = 1 if keeps == "state" else 0

    @cache
    def cost(t, m):
        if t <= 1 or m == 1:
            return t * (t + 1) // 2
        return min(y + cost(t - y, m - 1) + cost(y - beyond, m) for y in range(1, t + beyond))

    return cost(T, slots)


@FORWARD_COST.add
def forward_cost_initial_state_without_a_slot(T, slots, keeps):
    """With keeps="state" you have one slot too many: the state before the first step takes one of them, so a single
    slot leaves nothing to keep a second state in, and C(t, 1) = t (t + 1) / 2."""
    m, beyond = (slots + 1, 0) if keeps == "state" else (slots, 1)

    @cache
    def cost(t, m):
        if t <= 1 or m == 1:
            return t * (t + 1) // 2
        return min(y + cost(t - y, m - 1) + cost(y - beyond, m) for y in range(1, t + beyond))

    return cost(T, m)


@FORWARD_COST.add
def forward_cost_initial_state_takes_a_slot_for_steps(T, slots, keeps):
    """With keeps="step" you have one slot too few: there the state before the first step is kept besides,
    so all m slots are for steps."""
    m, beyond = (slots, 0) if keeps == "state" else (slots - 1, 1)

    @cache
    def cost(t, m):
        if t <= 1 or m <= 1:
            return t * (t + 1) // 2
        return min(y + cost(t - y, m - 1) + cost(y - beyond, m) for y in range(1, t + beyond))

    return cost(T, m)


@FORWARD_COST.add
def forward_cost_counts_down_to_no_slots(T, slots, keeps):
    """Your recursion ends at m = 0 where it should end at m = 1, so you have one slot more than there is:
    it is C(t, 1) that is t (t + 1) / 2."""
    beyond = 0 if keeps == "state" else 1

    @cache
    def cost(t, m):
        if t <= 1 or m == 0:
            return t * (t + 1) // 2
        return min(y + cost(t - y, m - 1) + cost(y - beyond, m) for y in range(1, t + beyond))

    return cost(T, slots)


@FORWARD_COST.add
def forward_cost_split_in_the_middle(T, slots, keeps):
    """You always split in the middle. That is a good guess and not the least: the part behind has fewer slots,
    so try every y and take the smallest sum."""

    @cache
    def cost(t, m):
        if t <= 1 or m == 1:
            return t * (t + 1) // 2
        y = t // 2
        return y + cost(t - y, m - 1) + cost(y if keeps == "state" else y - 1, m)

    return cost(T, slots)


@FORWARD_COST.add
def forward_cost_one_slot_costs_t(T, slots, keeps):
    """You take C(t, 1) to be t. With nothing else to start from, step t needs a run of t steps, step t - 1 one of
    t - 1, and so on down to 1: add them up."""
    beyond = 0 if keeps == "state" else 1

    @cache
    def cost(t, m):
        if t <= 1 or m == 1:
            return t
        return min(y + cost(t - y, m - 1) + cost(y - beyond, m) for y in range(1, t + beyond))

    return cost(T, slots)


@FORWARD_COST.add
def forward_cost_one_slot_a_run_short(T, slots, keeps):
    """Your C(t, 1) is t (t - 1) / 2, one run short: to go back through step t it has to be run as well,
    which makes t + (t - 1) + ... + 1."""
    beyond = 0 if keeps == "state" else 1

    @cache
    def cost(t, m):
        if t <= 1 or m == 1:
            return t if t <= 1 else t * (t - 1) // 2
        return min(y + cost(t - y, m - 1) + cost(y - beyond, m) for y in range(1, t + beyond))

    return cost(T, slots)


@FORWARD_COST.add
def forward_cost_one_slot_a_run_short_from_the_first(T, slots, keeps):
    """Your C(t, 1) is t (t - 1) / 2, and so C(1, 1) is 0. Every step has to be run for its way back, the first as well:
    t + (t - 1) + ... + 1 is t (t + 1) / 2."""

    @cache
    def cost(t, m):
        if m == 1:
            return t * (t - 1) // 2
        if t <= 1:
            return t
        if keeps == "state":
            return min(y + cost(t - y, m - 1) + cost(y, m) for y in range(1, t))
        return min(y + cost(t - y, m - 1) + cost(y - 1, m) for y in range(1, t + 1))

    return cost(T, slots)


@FORWARD_COST.add
def forward_cost_slots_forgotten(T, slots, keeps):
    """You answer T (T + 1) / 2 whatever the slots: the dearest way, with every step run again from the beginning. With
    more than one slot, split and keep something on the way, and of all y take the least sum: min, not max."""
    return T * (T + 1) // 2


@FORWARD_COST.add
def forward_cost_one_split_only(T, slots, keeps):
    """You split once and then run both parts from their beginnings, however many slots there are. Both parts
    can be split again: they cost C(t - y, m - 1) and C(..., m)."""
    beyond = 0 if keeps == "state" else 1
    one = [t * (t + 1) // 2 for t in range(T + 1)]
    if T == 1 or slots == 1:
        return one[T]
    return min(y + one[T - y] + one[y - beyond] for y in range(1, T + beyond))


@FORWARD_COST.add
def forward_cost_sqrt_formula(T, slots, keeps):
    """You answer 2 T: every step run once on the first pass and once more on the second. That is about what a state
    every √T steps costs; here the number of slots is given, and the least cost for it is asked."""
    return 2 * T


@FORWARD_COST.add
def forward_cost_steps_back_counted(T, slots, keeps):
    """You count the T steps back as well: the cost asked for is that of the forward steps only."""
    beyond = 0 if keeps == "state" else 1

    @cache
    def cost(t, m):
        if t <= 1 or m == 1:
            return t * (t + 1) // 2
        return min(y + cost(t - y, m - 1) + cost(y - beyond, m) for y in range(1, t + beyond))

    return cost(T, slots) + T


@FORWARD_COST.add
def forward_cost_repeats_only(T, slots, keeps):
    """You count only what is run again. The first run of each of the T steps is a forward step too: add T, or let
    C(1, m) be 1."""
    beyond = 0 if keeps == "state" else 1

    @cache
    def cost(t, m):
        if t <= 1 or m == 1:
            return t * (t + 1) // 2
        return min(y + cost(t - y, m - 1) + cost(y - beyond, m) for y in range(1, t + beyond))

    return cost(T, slots) - T


@FORWARD_COST.add
def forward_cost_one_step_for_nothing(T, slots, keeps):
    """You let C(1, m) be 0. Going back through a single step takes its cache, and only running the step makes that:
    C(1, m) = 1, and C(t, 1) = t (t + 1) / 2."""
    beyond = 0 if keeps == "state" else 1

    @cache
    def cost(t, m):
        if t <= 1 or m == 1:
            return t * (t - 1) // 2
        return min(y + cost(t - y, m - 1) + cost(y - beyond, m) for y in range(1, t + beyond))

    return cost(T, slots)


@FORWARD_COST.add
def forward_cost_one_step_free_with_any_slots(T, slots, keeps):
    """Your C(1, m) is 0 for every m. Only C(0, m) is: one step has to be run once before it can be taken back,
    and with any number of slots that makes 1."""

    @cache
    def cost(t, m):
        if t <= 1:
            return 0
        if m == 1:
            return t * (t + 1) // 2
        if keeps == "state":
            return min(y + cost(t - y, m - 1) + cost(y, m) for y in range(1, t))
        return min(y + cost(t - y, m - 1) + cost(y - 1, m) for y in range(1, t + 1))

    return cost(T, slots)


@FORWARD_COST.add
def forward_cost_one_step_free_with_two_slots(T, slots, keeps):
    """Your C(1, m) is 0 as soon as m is 2 or more: in a table of zeros, that entry must be set. One step has to be run
    once, however many slots there are: C(1, m) = 1."""

    @cache
    def cost(t, m):
        if m == 1:
            return t * (t + 1) // 2
        if t <= 1:
            return 0
        if keeps == "state":
            return min(y + cost(t - y, m - 1) + cost(y, m) for y in range(1, t))
        return min(y + cost(t - y, m - 1) + cost(y - 1, m) for y in range(1, t + 1))

    return cost(T, slots)


@FORWARD_COST.add
def forward_cost_one_step_free_for_states(T, slots, keeps):
    """With keeps="state" your C(1, m) is 0. The slot holds the state before that step, and the step has still to be run
    once: C(1, m) = 1."""

    @cache
    def cost(t, m):
        if t == 0 or (t == 1 and keeps == "state"):
            return 0
        if m == 1:
            return t * (t + 1) // 2
        if keeps == "state":
            return min(y + cost(t - y, m - 1) + cost(y, m) for y in range(1, t))
        return min(y + cost(t - y, m - 1) + cost(y - 1, m) for y in range(1, t + 1))

    return cost(T, slots)


@FORWARD_COST.add
def forward_cost_one_step_free_for_two_states(T, slots, keeps):
    """With keeps="state" your C(1, m) is 0 as soon as m is 2 or more. More slots do not spare the one run that a single
    step takes: C(1, m) = 1 for every m."""

    @cache
    def cost(t, m):
        if m == 1:
            return t * (t + 1) // 2
        if t == 0 or (t == 1 and keeps == "state"):
            return 0
        if keeps == "state":
            return min(y + cost(t - y, m - 1) + cost(y, m) for y in range(1, t))
        return min(y + cost(t - y, m - 1) + cost(y - 1, m) for y in range(1, t + 1))

    return cost(T, slots)


@FORWARD_COST.add
def forward_cost_one_step_not_known(T, slots, keeps):
    """min found nothing to choose from: at t = 1 there is no y from 1 to t - 1. Say C(0, m) = 0 and C(1, m) = 1 before
    you split."""
    beyond = 0 if keeps == "state" else 1

    @cache
    def cost(t, m):
        if t == 0 or m == 1:
            return t * (t + 1) // 2
        return min(y + cost(t - y, m - 1) + cost(y - beyond, m) for y in range(1, t + beyond))

    return cost(T, slots)


@FORWARD_COST.add
def forward_cost_no_steps_not_known(T, slots, keeps):
    """With keeps="step" min found nothing to choose from. y - 1 comes down to 0, so say C(0, m) = 0 before you split;
    and y goes up to t itself, range(1, t + 1), so that t = 1 has a y too."""

    @cache
    def cost(t, m):
        if t == 1 or m == 1:
            return t * (t + 1) // 2
        if keeps == "state":
            return min(y + cost(t - y, m - 1) + cost(y, m) for y in range(1, t))
        return min(y + cost(t - y, m - 1) + cost(y - 1, m) for y in range(1, t + 1))

    return cost(T, slots)


@FORWARD_COST.add
def forward_cost_range_too_short(T, slots, keeps):
    """min found nothing to choose from: your y stops too early. range leaves its end out, so y from 1 to t - 1
    is range(1, t)."""
    beyond = 0 if keeps == "state" else 1

    @cache
    def cost(t, m):
        if t <= 1 or m == 1:
            return t * (t + 1) // 2
        return min(y + cost(t - y, m - 1) + cost(y - beyond, m) for y in range(1, t - 1 + beyond))

    return cost(T, slots)


@FORWARD_COST.add
def forward_cost_entry_not_filled_yet(T, slots, keeps):
    """With keeps="state" your answer is T, as if no step were run twice. Either the y of the sum is missing, or y goes
    up to t, where the table is asked for C(t, m) itself, whose 0 wins the minimum: stop at y = t - 1."""
    C, beyond = [[t * (t + 1) // 2] + [0] * (slots - 1) for t in range(T + 1)], 0 if keeps == "state" else 1
    for t in range(1, T + 1):
        for m in range(1, slots):
            C[t][m] = min(y + C[t - y][m - 1] + C[y - beyond][m] for y in range(1, t + 1))
    return C[T][slots - 1]


def _cost_case(T: int, slots: int, keeps: str) -> Case:
    return Case(f'{sizes(T=T, slots=slots)}, keeps = "{keeps}"', {"T": T, "slots": slots, "keeps": keeps})


def forward_cost_cases() -> tuple[Case, ...]:
    """Both kinds of slot; one slot, more slots than steps, a single step, and numbers too large to count by hand."""
    return (
        _cost_case(4, 2, "state"),
        _cost_case(5, 2, "step"),
        _cost_case(10, 3, "state"),
        _cost_case(10, 4, "step"),
        _cost_case(12, 1, "state"),
        _cost_case(7, 1, "step"),
        _cost_case(1, 2, "state"),
        _cost_case(1, 1, "step"),
        _cost_case(3, 5, "state"),
        _cost_case(3, 5, "step"),
        _cost_case(30, 4, "state"),
        _cost_case(29, 5, "step"),
    )


def forward_cost_lesson_case() -> Case:
    """One point of the lesson's trade-off curve."""
    return _cost_case(100, 10, "step")


BACKWARD = Mistakes("backward")


def _run(cell: Any, params: Any, x: Any, state: Any, cache: Any = None) -> tuple[Any, Any]:
    """Return the state after the steps of x, and the last step's cache: what a schedule's runs do."""
    for x_t in x:
        state, cache = cell.step(params, x_t, state)
    return state, cache


@BACKWARD.add
def backward_loss_one_step_late(cell, params, x, state0, loss_gradient, actions):
    """You ask for the loss one step too late. Actions count states, with 0 before the first step; loss_gradient counts
    steps from 0. The state after step `stop` is made by x[stop - 1], so its start is stop - 1."""
    kept, total, dstate = {0: (state0, None)}, _nothing(params), cell.zero_state(params, x.shape[1])
    for kind, start, stop in actions:
        if kind != "drop":
            state, cache = _run(cell, params, x[start:stop], *kept[start])
        if kind.startswith("keep"):
            kept[stop] = state, cache
        if kind == "back":
            loss, dh, extra = loss_gradient(hidden(state)[None], stop)
            grads, _, dstate = cell.step_backward(params, cache, add_to_hidden(dstate, dh[0]))
            total = add(total, Gradient(loss, grads, extra))
    return total


@BACKWARD.add
def backward_loss_where_the_run_starts(cell, params, x, state0, loss_gradient, actions):
    """You ask for the loss of the step where the run starts, `start`. The state that you hand over is the one where the
    run ends: its step, counted from 0, is stop - 1."""
    kept, total, dstate = {0: (state0, None)}, _nothing(params), cell.zero_state(params, x.shape[1])
    for kind, start, stop in actions:
        if kind != "drop":
            state, cache = _run(cell, params, x[start:stop], *kept[start])
        if kind.startswith("keep"):
            kept[stop] = state, cache
        if kind == "back":
            loss, dh, extra = loss_gradient(hidden(state)[None], start)
            grads, _, dstate = cell.step_backward(params, cache, add_to_hidden(dstate, dh[0]))
            total = add(total, Gradient(loss, grads, extra))
    return total


@BACKWARD.add
def backward_start_always_zero(cell, params, x, state0, loss_gradient, actions):
    """You tell loss_gradient every time that its window starts at 0, so all states are compared with the first target.
    This window has one step, number stop - 1 counted from 0."""
    kept, total, dstate = {0: (state0, None)}, _nothing(params), cell.zero_state(params, x.shape[1])
    for kind, start, stop in actions:
        if kind != "drop":
            state, cache = _run(cell, params, x[start:stop], *kept[start])
        if kind.startswith("keep"):
            kept[stop] = state, cache
        if kind == "back":
            loss, dh, extra = loss_gradient(hidden(state)[None], 0)
            grads, _, dstate = cell.step_backward(params, cache, add_to_hidden(dstate, dh[0]))
            total = add(total, Gradient(loss, grads, extra))
    return total


@BACKWARD.add
def backward_loss_of_the_state_before(cell, params, x, state0, loss_gradient, actions):
    """You hand loss_gradient the state *before* the step that you go back through. The loss of a step is that of the
    state after it: run x[start:stop] first, and take the state you come to."""
    kept, total, dstate = {0: (state0, None)}, _nothing(params), cell.zero_state(params, x.shape[1])
    for kind, start, stop in actions:
        if kind != "drop":
            state, cache = _run(cell, params, x[start:stop], *kept[start])
        if kind.startswith("keep"):
            kept[stop] = state, cache
        if kind == "back":
            loss, dh, extra = loss_gradient(cache.h_prev[None], stop - 1)
            grads, _, dstate = cell.step_backward(params, cache, add_to_hidden(dstate, dh[0]))
            total = add(total, Gradient(loss, grads, extra))
    return total


@BACKWARD.add
def backward_back_without_running(cell, params, x, state0, loss_gradient, actions):
    """At a "back" you go back at once, with what is kept at `start`. Where that is only a state there is no cache yet,
    and the step is not the right one: run x[start:stop] first, as for "keep"."""
    kept, total, dstate = {0: (state0, None)}, _nothing(params), cell.zero_state(params, x.shape[1])
    for kind, start, stop in actions:
        if kind.startswith("keep"):
            kept[stop] = _run(cell, params, x[start:stop], *kept[start])
        if kind == "back":
            state, cache = kept[start]
            loss, dh, extra = loss_gradient(hidden(state)[None], stop - 1)
            grads, _, dstate = cell.step_backward(params, cache, add_to_hidden(dstate, dh[0]))
            total = add(total, Gradient(loss, grads, extra))
    return total


@BACKWARD.add
def backward_dstate_not_handed_on(cell, params, x, state0, loss_gradient, actions):
    """Each step back knows only its own loss: nothing reaches it from later steps. The third thing that step_backward
    returns waits for the next "back", which is for the step before: add the loss's own dh to it there."""
    kept, total, zero = {0: (state0, None)}, _nothing(params), cell.zero_state(params, x.shape[1])
    for kind, start, stop in actions:
        if kind != "drop":
            state, cache = _run(cell, params, x[start:stop], *kept[start])
        if kind.startswith("keep"):
            kept[stop] = state, cache
        if kind == "back":
            loss, dh, extra = loss_gradient(hidden(state)[None], stop - 1)
            grads, _, _ = cell.step_backward(params, cache, add_to_hidden(zero, dh[0]))
            total = add(total, Gradient(loss, grads, extra))
    return total


@BACKWARD.add
def backward_dstate_lost_at_a_drop(cell, params, x, state0, loss_gradient, actions):
    """Whenever your schedule empties a slot, the gradient that was on its way back is lost. Keeping and dropping are
    about states; dstate goes on from "back" to "back", whatever comes between."""
    kept, total, dstate = {0: (state0, None)}, _nothing(params), cell.zero_state(params, x.shape[1])
    for kind, start, stop in actions:
        if kind == "drop":
            dstate = cell.zero_state(params, x.shape[1])
            continue
        state, cache = kept[stop] = _run(cell, params, x[start:stop], *kept[start])
        if kind == "back":
            loss, dh, extra = loss_gradient(hidden(state)[None], stop - 1)
            grads, _, dstate = cell.step_backward(params, cache, add_to_hidden(dstate, dh[0]))
            total = add(total, Gradient(loss, grads, extra))
    return total


@BACKWARD.add
def backward_dstate_none_first(cell, params, x, state0, loss_gradient, actions):
    """Your dstate is None at the first "back", and add_to_hidden has nothing to add to. Nothing comes from beyond the
    last step, and that is a state of zeros: cell.zero_state(params, N)."""
    kept, total, dstate = {0: (state0, None)}, _nothing(params), None
    for kind, start, stop in actions:
        if kind != "drop":
            state, cache = kept[stop] = _run(cell, params, x[start:stop], *kept[start])
        if kind == "back":
            loss, dh, extra = loss_gradient(hidden(state)[None], stop - 1)
            grads, _, dstate = cell.step_backward(params, cache, add_to_hidden(dstate, dh[0]))
            total = add(total, Gradient(loss, grads, extra))
    return total


@BACKWARD.add
def backward_dstate_zero_first(cell, params, x, state0, loss_gradient, actions):
    """Your dstate is the number 0 at the first "back", and add_to_hidden wants a state: start from
    cell.zero_state(params, N), zeros in all its parts."""
    kept, total, dstate = {0: (state0, None)}, _nothing(params), 0
    for kind, start, stop in actions:
        if kind != "drop":
            state, cache = kept[stop] = _run(cell, params, x[start:stop], *kept[start])
        if kind == "back":
            loss, dh, extra = loss_gradient(hidden(state)[None], stop - 1)
            grads, _, dstate = cell.step_backward(params, cache, add_to_hidden(dstate, dh[0]))
            total = add(total, Gradient(loss, grads, extra))
    return total


@BACKWARD.add
def backward_dstate_zero_point_zero_first(cell, params, x, state0, loss_gradient, actions):
    """Your dstate begins as 0.0. What add_to_hidden adds to is a whole state, whatever its parts:
    cell.zero_state(params, N) has zeros in all of them."""
    kept, total, dstate = {0: (state0, None)}, _nothing(params), 0.0
    for kind, start, stop in actions:
        if kind != "drop":
            state, cache = kept[stop] = _run(cell, params, x[start:stop], *kept[start])
        if kind == "back":
            loss, dh, extra = loss_gradient(hidden(state)[None], stop - 1)
            grads, _, dstate = cell.step_backward(params, cache, add_to_hidden(dstate, dh[0]))
            total = add(total, Gradient(loss, grads, extra))
    return total


@BACKWARD.add
def backward_dx_for_dstate(cell, params, x, state0, loss_gradient, actions):
    """The second thing that cell.step_backward returns is dx. What goes on to the "back" of the step before is the
    third: grads, dx, dstate = cell.step_backward(...)."""
    kept, total, dstate = {0: (state0, None)}, _nothing(params), cell.zero_state(params, x.shape[1])
    for kind, start, stop in actions:
        if kind != "drop":
            state, cache = kept[stop] = _run(cell, params, x[start:stop], *kept[start])
        if kind == "back":
            loss, dh, extra = loss_gradient(hidden(state)[None], stop - 1)
            grads, dstate, _ = cell.step_backward(params, cache, add_to_hidden(dstate, dh[0]))
            total = add(total, Gradient(loss, grads, extra))
    return total


@BACKWARD.add
def backward_own_loss_forgotten(cell, params, x, state0, loss_gradient, actions):
    """The gradient of the step's own loss, dh, never enters, so all your grads are zero. Add it to what comes from
    later steps, add_to_hidden(dstate, dh[0]), and keep the sum: add_to_hidden changes nothing in place."""
    kept, total, dstate = {0: (state0, None)}, _nothing(params), cell.zero_state(params, x.shape[1])
    for kind, start, stop in actions:
        if kind != "drop":
            state, cache = _run(cell, params, x[start:stop], *kept[start])
        if kind.startswith("keep"):
            kept[stop] = state, cache
        if kind == "back":
            loss, _, extra = loss_gradient(hidden(state)[None], stop - 1)
            grads, _, dstate = cell.step_backward(params, cache, dstate)
            total = add(total, Gradient(loss, grads, extra))
    return total


@BACKWARD.add
def backward_own_loss_after_the_step(cell, params, x, state0, loss_gradient, actions):
    """You add the step's own dh after cell.step_backward, so it joins what goes to the step before, and never passes
    through its own step. Add it first: cell.step_backward wants the whole gradient of the state, both roads summed."""
    kept, total, dstate = {0: (state0, None)}, _nothing(params), cell.zero_state(params, x.shape[1])
    for kind, start, stop in actions:
        if kind != "drop":
            state, cache = _run(cell, params, x[start:stop], *kept[start])
        if kind.startswith("keep"):
            kept[stop] = state, cache
        if kind == "back":
            loss, dh, extra = loss_gradient(hidden(state)[None], stop - 1)
            grads, _, dstate = cell.step_backward(params, cache, dstate)
            dstate, total = add_to_hidden(dstate, dh[0]), add(total, Gradient(loss, grads, extra))
    return total


@BACKWARD.add
def backward_inputs_one_step_early(cell, params, x, state0, loss_gradient, actions):
    """You run with the inputs of one step too early: position 0 is before the first step, so the step that leaves
    `start` takes x[start], and a run to `stop` takes x[start:stop]."""
    kept, total, dstate = {0: (state0, None)}, _nothing(params), cell.zero_state(params, x.shape[1])
    for kind, start, stop in actions:
        if kind != "drop":
            state, cache = _run(cell, params, [x[t - 1] for t in range(start, stop)], *kept[start])
        if kind.startswith("keep"):
            kept[stop] = state, cache
        if kind == "back":
            loss, dh, extra = loss_gradient(hidden(state)[None], stop - 1)
            grads, _, dstate = cell.step_backward(params, cache, add_to_hidden(dstate, dh[0]))
            total = add(total, Gradient(loss, grads, extra))
    return total


@BACKWARD.add
def backward_nothing_kept_at_stop(cell, params, x, state0, loss_gradient, actions):
    """A later action looks under `stop` of a keep and finds nothing there. Put what you come to into kept[stop], not
    kept[start]; and a keep is called "keep state" or "keep step", not "keep", "state" or "step"."""
    kept, total, dstate = {0: (state0, None)}, _nothing(params), cell.zero_state(params, x.shape[1])
    for kind, start, stop in actions:
        if kind != "drop":
            state, cache = _run(cell, params, x[start:stop], *kept[start])
        if kind.startswith("keep"):
            kept[start] = state, cache
        if kind == "back":
            loss, dh, extra = loss_gradient(hidden(state)[None], stop - 1)
            grads, _, dstate = cell.step_backward(params, cache, add_to_hidden(dstate, dh[0]))
            total = add(total, Gradient(loss, grads, extra))
    return total


@BACKWARD.add
def backward_start_overwritten_too(cell, params, x, state0, loss_gradient, actions):
    """Running from a slot changes what is in it: after the run, kept[start] holds the state at stop, and the next run
    from there is wrong. Let a variable move on, and leave the slot as it is."""
    kept, total, dstate = {0: (state0, None)}, _nothing(params), cell.zero_state(params, x.shape[1])
    for kind, start, stop in actions:
        if kind != "drop":
            kept[start] = state, cache = _run(cell, params, x[start:stop], *kept[start])
        if kind.startswith("keep"):
            kept[stop] = state, cache
        if kind == "back":
            loss, dh, extra = loss_gradient(hidden(state)[None], stop - 1)
            grads, _, dstate = cell.step_backward(params, cache, add_to_hidden(dstate, dh[0]))
            total = add(total, Gradient(loss, grads, extra))
    return total


@BACKWARD.add
def backward_slot_emptied_by_reading(cell, params, x, state0, loss_gradient, actions):
    """You take what is kept out of its slot when you run from it, and the next run from there finds nothing.
    Read kept[start] and leave it: only "drop" empties a slot."""
    kept, total, dstate = {0: (state0, None)}, _nothing(params), cell.zero_state(params, x.shape[1])
    for kind, start, stop in actions:
        state, cache = _run(cell, params, x[start:stop], *kept.pop(start))
        if kind.startswith("keep"):
            kept[stop] = state, cache
        if kind == "back":
            loss, dh, extra = loss_gradient(hidden(state)[None], stop - 1)
            grads, _, dstate = cell.step_backward(params, cache, add_to_hidden(dstate, dh[0]))
            total = add(total, Gradient(loss, grads, extra))
    return total


@BACKWARD.add
def backward_goes_on_from_the_last_state(cell, params, x, state0, loss_gradient, actions):
    """You run on from wherever the last run ended. Every run begins with what is kept at its own `start`:
    take kept[start] first."""
    kept, total, dstate = {0: (state0, None)}, _nothing(params), cell.zero_state(params, x.shape[1])
    state, cache = state0, None
    for kind, start, stop in actions:
        if kind != "drop":
            state, cache = kept[start] if start == stop else _run(cell, params, x[start:stop], state)
            kept[stop] = state, cache
        if kind == "back":
            loss, dh, extra = loss_gradient(hidden(state)[None], stop - 1)
            grads, _, dstate = cell.step_backward(params, cache, add_to_hidden(dstate, dh[0]))
            total = add(total, Gradient(loss, grads, extra))
    return total


@BACKWARD.add
def backward_recomputes_from_state0(cell, params, x, state0, loss_gradient, actions):
    """Every run of yours begins with state0, also where `start` is not 0: x[start:stop] belongs to the state that is
    kept at start."""
    kept, total, dstate = {0: (state0, None)}, _nothing(params), cell.zero_state(params, x.shape[1])
    for kind, start, stop in actions:
        if kind != "drop":
            state, cache = kept[start] if start == stop else _run(cell, params, x[start:stop], state0)
        if kind.startswith("keep"):
            kept[stop] = state, cache
        if kind == "back":
            loss, dh, extra = loss_gradient(hidden(state)[None], stop - 1)
            grads, _, dstate = cell.step_backward(params, cache, add_to_hidden(dstate, dh[0]))
            total = add(total, Gradient(loss, grads, extra))
    return total


@BACKWARD.add
def backward_state0_ignored(cell, params, x, state0, loss_gradient, actions):
    """You begin with zeros, whatever state0 is: it is what is kept at 0 before the first action."""
    total, dstate = _nothing(params), cell.zero_state(params, x.shape[1])
    kept = {0: (dstate, None)}
    for kind, start, stop in actions:
        if kind != "drop":
            state, cache = kept[stop] = _run(cell, params, x[start:stop], *kept[start])
        if kind == "back":
            loss, dh, extra = loss_gradient(hidden(state)[None], stop - 1)
            grads, _, dstate = cell.step_backward(params, cache, add_to_hidden(dstate, dh[0]))
            total = add(total, Gradient(loss, grads, extra))
    return total


@BACKWARD.add
def backward_inputs_one_step_late(cell, params, x, state0, loss_gradient, actions):
    """Your runs see the inputs one step too late. The state at `start` has x[start - 1] behind it and meets x[start]
    next, so the run is x[start:stop]."""
    kept, total, dstate = {0: (state0, None)}, _nothing(params), cell.zero_state(params, x.shape[1])
    for kind, start, stop in actions:
        if kind != "drop":
            state, cache = _run(cell, params, x[start + 1 : stop + 1], *kept[start])
        if kind.startswith("keep"):
            kept[stop] = state, cache
        if kind == "back":
            loss, dh, extra = loss_gradient(hidden(state)[None], stop - 1)
            grads, _, dstate = cell.step_backward(params, cache, add_to_hidden(dstate, dh[0]))
            total = add(total, Gradient(loss, grads, extra))
    return total


@BACKWARD.add
def backward_runs_a_step_too_far(cell, params, x, state0, loss_gradient, actions):
    """Your runs go one step too far: from the state at `start` to the one at `stop` there are stop - start steps,
    x[start:stop], and the end of a slice is left out already."""
    kept, total, dstate = {0: (state0, None)}, _nothing(params), cell.zero_state(params, x.shape[1])
    for kind, start, stop in actions:
        if kind != "drop":
            state, cache = _run(cell, params, x[start : stop + 1], *kept[start])
        if kind.startswith("keep"):
            kept[stop] = state, cache
        if kind == "back":
            loss, dh, extra = loss_gradient(hidden(state)[None], stop - 1)
            grads, _, dstate = cell.step_backward(params, cache, add_to_hidden(dstate, dh[0]))
            total = add(total, Gradient(loss, grads, extra))
    return total


@BACKWARD.add
def backward_index_beyond_the_inputs(cell, params, x, state0, loss_gradient, actions):
    """Your t goes up to `stop`, and x[T] does not exist. Row t of x is step t + 1, so from the state at `start` to the
    one at `stop` go the rows start to stop - 1: range(start, stop), or x[start:stop]."""
    kept, total = {0: (state0, None)}, _nothing(params)
    for kind, start, stop in actions:
        if kind != "drop":
            state, cache = kept[start]
            for t in range(start + 1, stop + 1):
                state, cache = cell.step(params, x[t], state)
            kept[stop] = state, cache
        if kind == "back":
            loss, dh, extra = loss_gradient(hidden(state)[None], stop - 1)
            total = add(total, Gradient(loss, cell.step_backward(params, cache, dh[0])[0], extra))
    return total


@BACKWARD.add
def backward_runs_a_step_short(cell, params, x, state0, loss_gradient, actions):
    """Your runs stop one step short, so a run of a single step makes no cache at all. From the state at `start`
    to the one at `stop` the inputs are x[start:stop]."""
    kept, total, dstate = {0: (state0, None)}, _nothing(params), cell.zero_state(params, x.shape[1])
    for kind, start, stop in actions:
        if kind != "drop":
            state, cache = _run(cell, params, x[start : stop - 1], *kept[start])
        if kind.startswith("keep"):
            kept[stop] = state, cache
        if kind == "back":
            loss, dh, extra = loss_gradient(hidden(state)[None], stop - 1)
            grads, _, dstate = cell.step_backward(params, cache, add_to_hidden(dstate, dh[0]))
            total = add(total, Gradient(loss, grads, extra))
    return total


@BACKWARD.add
def backward_first_cache_of_the_run(cell, params, x, state0, loss_gradient, actions):
    """You go back with the cache of the first step of the run. The step to go back through is the one that leads
    to `stop`, the last of the run: its cache is the last one."""
    kept, total, dstate = {0: (state0, None)}, _nothing(params), cell.zero_state(params, x.shape[1])
    for kind, start, stop in actions:
        if kind != "drop":
            state, _ = _run(cell, params, x[start:stop], *kept[start])
            _, cache = _run(cell, params, x[start:stop][:1], *kept[start])
            kept[stop] = state, cache
        if kind == "back":
            loss, dh, extra = loss_gradient(hidden(state)[None], stop - 1)
            grads, _, dstate = cell.step_backward(params, cache, add_to_hidden(dstate, dh[0]))
            total = add(total, Gradient(loss, grads, extra))
    return total


@BACKWARD.add
def backward_last_cache_of_all(cell, params, x, state0, loss_gradient, actions):
    """You go back with the cache of the step that was run last, even where a kept one is called for. When `start` is
    `stop` there is nothing to run: the cache is in kept[start], beside the state."""
    kept, total, dstate = {0: (state0, None)}, _nothing(params), cell.zero_state(params, x.shape[1])
    cache = None
    for kind, start, stop in actions:
        if kind != "drop":
            state, cache = _run(cell, params, x[start:stop], kept[start][0], cache)
            kept[stop] = state, cache
        if kind == "back":
            loss, dh, extra = loss_gradient(hidden(state)[None], stop - 1)
            grads, _, dstate = cell.step_backward(params, cache, add_to_hidden(dstate, dh[0]))
            total = add(total, Gradient(loss, grads, extra))
    return total


@BACKWARD.add
def backward_cache_not_kept(cell, params, x, state0, loss_gradient, actions):
    """At "keep step" you keep the state and let the cache go. Its "back" runs nothing, start and stop being the same,
    so the cache of step `stop` has to be kept beside the state."""
    kept, total, dstate = {0: (state0, None)}, _nothing(params), cell.zero_state(params, x.shape[1])
    for kind, start, stop in actions:
        if kind != "drop":
            state, cache = _run(cell, params, x[start:stop], *kept[start])
        if kind.startswith("keep"):
            kept[stop] = state, None
        if kind == "back":
            loss, dh, extra = loss_gradient(hidden(state)[None], stop - 1)
            grads, _, dstate = cell.step_backward(params, cache, add_to_hidden(dstate, dh[0]))
            total = add(total, Gradient(loss, grads, extra))
    return total


@BACKWARD.add
def backward_keep_step_unknown(cell, params, x, state0, loss_gradient, actions):
    """You keep at "keep state" and not at "keep step", so a later action finds its slot empty. There are two kinds of
    keep: the second keeps the cache as well."""
    kept, total, dstate = {0: (state0, None)}, _nothing(params), cell.zero_state(params, x.shape[1])
    for kind, start, stop in actions:
        if kind != "drop":
            state, cache = _run(cell, params, x[start:stop], *kept[start])
        if kind == "keep state":
            kept[stop] = state, cache
        if kind == "back":
            loss, dh, extra = loss_gradient(hidden(state)[None], stop - 1)
            grads, _, dstate = cell.step_backward(params, cache, add_to_hidden(dstate, dh[0]))
            total = add(total, Gradient(loss, grads, extra))
    return total


@BACKWARD.add
def backward_keeps_passed_over(cell, params, x, state0, loss_gradient, actions):
    """You pass over every keep, so the first "back" finds nothing where it starts. A keep is called "keep state" or
    "keep step": compare with the whole of it, or ask kind.startswith("keep")."""
    kept, total, dstate = {0: (state0, None)}, _nothing(params), cell.zero_state(params, x.shape[1])
    for kind, start, stop in actions:
        if kind in ("keep", "back"):
            state, cache = kept[stop] = _run(cell, params, x[start:stop], *kept[start])
        if kind == "back":
            loss, dh, extra = loss_gradient(hidden(state)[None], stop - 1)
            grads, _, dstate = cell.step_backward(params, cache, add_to_hidden(dstate, dh[0]))
            total = add(total, Gradient(loss, grads, extra))
    return total


@BACKWARD.add
def backward_keep_step_passed_over(cell, params, x, state0, loss_gradient, actions):
    """You do nothing at "keep step", so the "back" that needs its slot finds none. It is the second kind of keep: run
    to `stop`, and keep the state and the cache there."""
    kept, total, dstate = {0: (state0, None)}, _nothing(params), cell.zero_state(params, x.shape[1])
    for kind, start, stop in actions:
        if kind in ("keep state", "back"):
            state, cache = kept[stop] = _run(cell, params, x[start:stop], *kept[start])
        if kind == "back":
            loss, dh, extra = loss_gradient(hidden(state)[None], stop - 1)
            grads, _, dstate = cell.step_backward(params, cache, add_to_hidden(dstate, dh[0]))
            total = add(total, Gradient(loss, grads, extra))
    return total


@BACKWARD.add
def backward_grads_overwritten(cell, params, x, state0, loss_gradient, actions):
    """Your grads are those of the last "back", which is step 1. The weights are shared by all steps:
    sum up with nested.add(grads, ...)."""
    kept, total, dstate = {0: (state0, None)}, _nothing(params), cell.zero_state(params, x.shape[1])
    for kind, start, stop in actions:
        if kind != "drop":
            state, cache = kept[stop] = _run(cell, params, x[start:stop], *kept[start])
        if kind == "back":
            loss, dh, extra = loss_gradient(hidden(state)[None], stop - 1)
            grads, _, dstate = cell.step_backward(params, cache, add_to_hidden(dstate, dh[0]))
            total = add(total, Gradient(loss, grads, extra))
    return total._replace(grads=grads)


@BACKWARD.add
def backward_extra_overwritten(cell, params, x, state0, loss_gradient, actions):
    """loss and grads are summed, but extra, the gradient of the loss's own parameters, is that of one step only.
    Every step brings its part: add them up too."""
    kept, total, dstate = {0: (state0, None)}, _nothing(params), cell.zero_state(params, x.shape[1])
    for kind, start, stop in actions:
        if kind != "drop":
            state, cache = kept[stop] = _run(cell, params, x[start:stop], *kept[start])
        if kind == "back":
            loss, dh, extra = loss_gradient(hidden(state)[None], stop - 1)
            grads, _, dstate = cell.step_backward(params, cache, add_to_hidden(dstate, dh[0]))
            total = add(total, Gradient(loss, grads, extra))
    return total._replace(extra=extra)


@BACKWARD.add
def backward_loss_overwritten(cell, params, x, state0, loss_gradient, actions):
    """The gradients are summed, but the loss is that of one step only: each call of loss_gradient returns what
    its step adds to the whole, so sum the losses too."""
    kept, total, dstate = {0: (state0, None)}, _nothing(params), cell.zero_state(params, x.shape[1])
    for kind, start, stop in actions:
        if kind != "drop":
            state, cache = kept[stop] = _run(cell, params, x[start:stop], *kept[start])
        if kind == "back":
            loss, dh, extra = loss_gradient(hidden(state)[None], stop - 1)
            grads, _, dstate = cell.step_backward(params, cache, add_to_hidden(dstate, dh[0]))
            total = add(total, Gradient(loss, grads, extra))
    return total._replace(loss=loss)


@BACKWARD.add
def backward_nothing_summed(cell, params, x, state0, loss_gradient, actions):
    """You return loss, grads and extra of the last "back", which is step 1. All three are sums over the steps:
    start from zeros and add each step's part."""
    kept, dstate = {0: (state0, None)}, cell.zero_state(params, x.shape[1])
    for kind, start, stop in actions:
        if kind != "drop":
            state, cache = kept[stop] = _run(cell, params, x[start:stop], *kept[start])
        if kind == "back":
            loss, dh, extra = loss_gradient(hidden(state)[None], stop - 1)
            grads, _, dstate = cell.step_backward(params, cache, add_to_hidden(dstate, dh[0]))
    return Gradient(loss, grads, extra)


@BACKWARD.add
def backward_averaged_over_steps(cell, params, x, state0, loss_gradient, actions):
    """You divide by T. The loss of each step already is its share of the whole, and the parts simply add up."""
    kept, total, dstate = {0: (state0, None)}, _nothing(params), cell.zero_state(params, x.shape[1])
    for kind, start, stop in actions:
        if kind != "drop":
            state, cache = kept[stop] = _run(cell, params, x[start:stop], *kept[start])
        if kind == "back":
            loss, dh, extra = loss_gradient(hidden(state)[None], stop - 1)
            grads, _, dstate = cell.step_backward(params, cache, add_to_hidden(dstate, dh[0]))
            total = add(total, Gradient(loss, grads, extra))
    return map_arrays(lambda part: part / len(x), total)


@BACKWARD.add
def backward_time_axis_forgotten(cell, params, x, state0, loss_gradient, actions):
    """loss_gradient wants a window of states, (T, N, H), and you hand it one state, (N, H). A window of a single step
    is hidden(state)[None], of shape (1, N, H), and its dh has that shape too."""
    kept, total, dstate = {0: (state0, None)}, _nothing(params), cell.zero_state(params, x.shape[1])
    for kind, start, stop in actions:
        if kind != "drop":
            state, cache = kept[stop] = _run(cell, params, x[start:stop], *kept[start])
        if kind == "back":
            loss, dh, extra = loss_gradient(hidden(state), stop - 1)
            grads, _, dstate = cell.step_backward(params, cache, add_to_hidden(dstate, dh))
            total = add(total, Gradient(loss, grads, extra))
    return total


@BACKWARD.add
def backward_dh_still_a_window(cell, params, x, state0, loss_gradient, actions):
    """The dh that comes back is that of a window of one step, (1, N, H), and you add it as it is to a state's gradient,
    (N, H): take dh[0]."""
    kept, total, dstate = {0: (state0, None)}, _nothing(params), cell.zero_state(params, x.shape[1])
    for kind, start, stop in actions:
        if kind != "drop":
            state, cache = kept[stop] = _run(cell, params, x[start:stop], *kept[start])
        if kind == "back":
            loss, dh, extra = loss_gradient(hidden(state)[None], stop - 1)
            grads, _, dstate = cell.step_backward(params, cache, add_to_hidden(dstate, dh))
            total = add(total, Gradient(loss, grads, extra))
    return total


@BACKWARD.add
def backward_state_for_hidden(cell, params, x, state0, loss_gradient, actions):
    """Right for the RNN, whose state is the array h. Another cell's state has more parts, such as State(h, c): give the
    loss hidden(state)[None], start dstate from cell.zero_state(params, N), and add with add_to_hidden."""
    kept, total, dstate = {0: (state0, None)}, _nothing(params), 0
    for kind, start, stop in actions:
        if kind != "drop":
            state, cache = kept[stop] = _run(cell, params, x[start:stop], *kept[start])
        if kind == "back":
            loss, dh, extra = loss_gradient(state[None], stop - 1)
            grads, _, dstate = cell.step_backward(params, cache, dstate + dh[0])
            total = add(total, Gradient(loss, grads, extra))
    return total


@BACKWARD.add
def backward_plus_for_add_to_hidden(cell, params, x, state0, loss_gradient, actions):
    """Right for the RNN, whose dstate is an array. Another cell's has more parts, such as State(h, c): start it from
    cell.zero_state(params, N), and add dh to its h with add_to_hidden(dstate, dh[0]); + does not."""
    kept, total, dstate = {0: (state0, None)}, _nothing(params), 0
    for kind, start, stop in actions:
        if kind != "drop":
            state, cache = kept[stop] = _run(cell, params, x[start:stop], *kept[start])
        if kind == "back":
            loss, dh, extra = loss_gradient(hidden(state)[None], stop - 1)
            grads, _, dstate = cell.step_backward(params, cache, dstate + dh[0])
            total = add(total, Gradient(loss, grads, extra))
    return total


@BACKWARD.add
def backward_ignores_the_cell(cell, params, x, state0, loss_gradient, actions):
    """You call the RNN's own functions and never look at `cell`: whoever passes another cell gets an error, or the
    wrong network. Call cell.step and cell.step_backward."""
    kept, total, dstate = {0: (state0, None)}, _nothing(params), rnn.zero_state(params, x.shape[1])
    for kind, start, stop in actions:
        if kind != "drop":
            state, cache = kept[stop] = _run(rnn, params, x[start:stop], *kept[start])
        if kind == "back":
            loss, dh, extra = loss_gradient(hidden(state)[None], stop - 1)
            grads, _, dstate = rnn.step_backward(params, cache, add_to_hidden(dstate, dh[0]))
            total = add(total, Gradient(loss, grads, extra))
    return total


def _schedule_case(
    slots: int, keeps: str, seed: int, K: int, scale: float = 0.9, decimals: int = 2, **letters: int
) -> Case:
    label = f"{sizes(**letters)}, {slots} slot{'s' if slots > 1 else ''} for {keeps}s"
    whole = _whole(seed, K=K, scale=scale, decimals=decimals, **letters)
    return Case(label, {**whole, "actions": list(checkpointing.schedule(letters["T"], slots, keeps))})


def backward_cases() -> tuple[Case, ...]:
    """Schedules of both kinds, with one slot, with few and with more than there are steps, and another cell."""
    other = _leaky_whole(leaky, 136, T=5, N=2, D=1, H=3, K=1)
    actions = list(checkpointing.schedule(5, 2, "step"))
    return (
        _schedule_case(2, "state", 131, T=4, N=2, D=1, H=3, K=1, decimals=1),
        _schedule_case(2, "step", 132, T=6, N=3, D=2, H=4, K=5),
        _schedule_case(3, "state", 133, T=7, N=1, D=3, H=2, K=4),
        _schedule_case(1, "state", 134, T=3, N=2, D=5, H=4, K=1),
        _schedule_case(6, "step", 135, T=5, N=2, D=1, H=4, K=3, scale=9.0),
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
        misconceptions=TAPE_BYTES.catalogue,
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
        misconceptions=BACKWARD_SQRT.catalogue,
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
        misconceptions=FORWARD_COST.catalogue,
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
        misconceptions=BACKWARD.catalogue,
    ),
)
