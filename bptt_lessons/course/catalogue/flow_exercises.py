"""Exercises on gradient flow: one step's Jacobian, norms against the lag, and the spectral radius (lesson 03)."""
# mypy: allow-untyped-defs, allow-untyped-calls
# (the wrong answers are written as learners write, without annotations)

from __future__ import annotations

import numpy as np

from bptt_lessons.cells import rnn, unrolled
from bptt_lessons.cells.unrolled import hidden
from bptt_lessons.course.catalogue import leaky
from bptt_lessons.course.catalogue.draws import draw, draw_leaky, draw_rnn, sizes
from bptt_lessons.course.catalogue.mistakes import Mistakes
from bptt_lessons.course.exercises import Case, Exercise
from bptt_lessons.gradients import flow

STEP_JACOBIAN = Mistakes("step_jacobian")


@STEP_JACOBIAN.add
def step_jacobian_slope_on_the_rows(params, h):
    """You multiply the rows of W_hh, index i, by the slope. The slope belongs to the unit that comes out of the step,
    h_t[n, j], so it multiplies the columns, index j."""
    return params.W_hh * (1 - h**2)[:, :, None]


@STEP_JACOBIAN.add
def step_jacobian_transposed(params, h):
    """Your matrices are transposed: J[n, i, j] has the old unit i first and the new unit j second, as W_hh has them.
    It is going back, dh_{t-1} = dh_t Jᵀ, that transposes."""
    return np.swapaxes(params.W_hh * (1 - h**2)[:, None, :], 1, 2)


@STEP_JACOBIAN.add
def step_jacobian_weights_transposed(params, h):
    """Your slope sits on index j, as it should, but W_hh is transposed. W_hh[i, j] leads from the old unit i to the
    new unit j: take it as it is."""
    return params.W_hh.T * (1 - h**2)[:, None, :]


@STEP_JACOBIAN.add
def step_jacobian_no_slope(params, h):
    """Your J is W_hh for every sequence: between z_t and h_t lies tanh, and its slope, 1 - h_t², multiplies
    every column."""
    return np.broadcast_to(params.W_hh, (len(h), *params.W_hh.shape))


@STEP_JACOBIAN.add
def step_jacobian_weights_only(params, h):
    """You return W_hh alone, whatever h is. The Jacobian depends on the state: each sequence n has its own matrix, with
    tanh's slope 1 - h[n]² on the columns."""
    return params.W_hh


@STEP_JACOBIAN.add
def step_jacobian_no_square(params, h):
    """Your slope is 1 - h_t: the derivative of tanh, from its value, is 1 - h_t², with a square."""
    return params.W_hh * (1 - h)[:, None, :]


@STEP_JACOBIAN.add
def step_jacobian_square_round_the_difference(params, h):
    """Your slope is (1 - h_t)²: only h_t is squared, 1 - h_t²."""
    return params.W_hh * ((1 - h) ** 2)[:, None, :]


@STEP_JACOBIAN.add
def step_jacobian_slope_plus(params, h):
    """Your slope is 1 + h_t²: tanh is steepest at 0 and flat at both ends, so take the square away from 1."""
    return params.W_hh * (1 + h**2)[:, None, :]


@STEP_JACOBIAN.add
def step_jacobian_one_forgotten(params, h):
    """Your slope is h_t² alone; it should be 1 where h_t is 0, and 0 where h_t is +1 or -1."""
    return params.W_hh * (h**2)[:, None, :]


@STEP_JACOBIAN.add
def step_jacobian_slope_alone(params, h):
    """Your J has the slope of tanh on its diagonal and nothing else: W_hh is missing. h_{t-1} goes through W_hh first,
    then through tanh."""
    return np.eye(h.shape[1]) * (1 - h**2)[:, None, :]


@STEP_JACOBIAN.add
def step_jacobian_sigmoid_slope(params, h):
    """h (1 - h) is the slope of the sigmoid from its value: for tanh it is 1 - h²."""
    return params.W_hh * (h * (1 - h))[:, None, :]


@STEP_JACOBIAN.add
def step_jacobian_tanh_twice(params, h):
    """You take tanh of h once more. h is the state after the step, so it is tanh z already: the slope is 1 - h²."""
    return params.W_hh * (1 - np.tanh(h) ** 2)[:, None, :]


@STEP_JACOBIAN.add
def step_jacobian_h_taken_for_the_old_state(params, h):
    """You take one more step from h, as if it were h_{t-1}, and use that step's slope. h is the state *after* the step
    whose Jacobian is asked for: the slope is 1 - h²."""
    after = np.tanh(h @ params.W_hh + params.b_h)
    return params.W_hh * (1 - after**2)[:, None, :]


@STEP_JACOBIAN.add
def step_jacobian_averaged_over_the_batch(params, h):
    """You average over the batch: each sequence has a state of its own, and so a Jacobian of its own.
    Keep the axis n: J is (N, H, H)."""
    return (params.W_hh * (1 - h**2)[:, None, :]).mean(axis=0)


@STEP_JACOBIAN.add
def step_jacobian_of_the_mean_state(params, h):
    """You average the states over the batch before taking the slope: each sequence has a state of its own, and so a
    Jacobian of its own. Keep the axis n: J is (N, H, H)."""
    return params.W_hh * (1 - h.mean(axis=0) ** 2)


@STEP_JACOBIAN.add
def step_jacobian_summed_over_the_batch(params, h):
    """You add up the Jacobians of the N sequences. No sequence acts on another, and nothing is shared here:
    keep them apart, J is (N, H, H)."""
    return (params.W_hh * (1 - h**2)[:, None, :]).sum(axis=0)


@STEP_JACOBIAN.add
def step_jacobian_first_sequence_only(params, h):
    """You return the Jacobian of the first sequence only: J has one (H, H) matrix for each of the N rows of h."""
    return params.W_hh * (1 - h[0] ** 2)


@STEP_JACOBIAN.add
def step_jacobian_last_sequence_only(params, h):
    """You return the Jacobian of the last sequence only. If you loop over the batch, collect one matrix from each turn,
    and stack them to (N, H, H)."""
    for h_n in h:
        J = params.W_hh * (1 - h_n**2)
    return J


@STEP_JACOBIAN.add
def step_jacobian_no_axis_to_multiply_along(params, h):
    """W_hh is (H, H) and the slope (N, H), and NumPy tries to match their rows. Give the slope an axis for i,
    (1 - h**2)[:, None, :], so that it is (N, 1, H)."""
    return params.W_hh * (1 - h**2)


@STEP_JACOBIAN.add
def step_jacobian_slope_times_matrix(params, h):
    """Your result is (N, H): @ has summed over the units. A Jacobian keeps both, the old unit i and the new unit j:
    multiply entry by entry, without a sum."""
    return (1 - h**2) @ params.W_hh


@STEP_JACOBIAN.add
def step_jacobian_matrix_times_slope(params, h):
    """Your result is (H, N): @ has summed over the new units. A Jacobian keeps both, the old unit i and the new unit j:
    multiply entry by entry, without a sum."""
    return params.W_hh @ (1 - h**2).T


@STEP_JACOBIAN.add
def step_jacobian_diag_of_the_batch(params, h):
    """np.diag of a matrix takes its diagonal out instead of making one. Call it on one sequence's slope, 1 - h[n]**2,
    or multiply the columns with (1 - h**2)[:, None, :]."""
    return params.W_hh @ np.diag(1 - h**2)


@STEP_JACOBIAN.add
def step_jacobian_diagonal_only(params, h):
    """You use the diagonal of W_hh only, as if each unit saw nothing but itself. Every old unit i reaches every new
    unit j: the whole matrix counts."""
    return np.eye(h.shape[1]) * params.W_hh * (1 - h**2)[:, None, :]


@STEP_JACOBIAN.add
def step_jacobian_diagonal_as_a_vector(params, h):
    """You multiply the slope by the diagonal of W_hh and get (N, H), one number for each unit. Every old unit i
    reaches every new unit j: J[n] is a whole (H, H) matrix."""
    return np.diag(params.W_hh) * (1 - h**2)


@STEP_JACOBIAN.add
def step_jacobian_batch_last(params, h):
    """Your J is (H, H, N), with the batch last. Here n comes first, J[n, i, j]: put the slope's new axis in the middle,
    (1 - h**2)[:, None, :]."""
    return params.W_hh[:, :, None] * (1 - h**2).T


@STEP_JACOBIAN.add
def step_jacobian_input_weights(params, h):
    """You use W_xh: that is how h_t depends on x_t. From h_{t-1} to h_t the way goes through W_hh."""
    return params.W_xh * (1 - h**2)[:, None, :]


@STEP_JACOBIAN.add
def step_jacobian_no_brackets(params, h):
    """Without brackets, W_hh * 1 - h² is W_hh - h²: Python multiplies first. The slope needs brackets, (1 - h**2)."""
    return params.W_hh * 1 - (h**2)[:, None, :]


@STEP_JACOBIAN.add
def step_jacobian_caret(params, h):
    """In Python ^ is not a power but an operation on bits: the square is h**2."""
    return params.W_hh * (1 - h ^ 2)[:, None, :]


@STEP_JACOBIAN.add
def step_jacobian_bare_name(params, h):
    """W_hh is a field of params and has no name of its own: write params.W_hh."""
    return W_hh * (1 - h**2)[:, None, :]  # type: ignore[name-defined]  # noqa: F821


@STEP_JACOBIAN.add
def step_jacobian_mutates_input(params, h):
    """The values are right, but you square h where it is, and whoever called you still needs the state:
    give the slope a name of its own."""
    h *= h
    return params.W_hh * (1 - h)[:, None, :]


def _step_jacobian_case(seed: int, N: int, D: int, H: int, scale: float = 0.9, decimals: int = 2) -> Case:
    rng = np.random.default_rng(seed)
    params = draw_rnn(rng, D, H, decimals=decimals)
    z = draw(rng, N, H, scale=scale)
    return Case(sizes(N=N, D=D, H=H), {"params": params, "h": np.round(np.tanh(z), max(decimals, 2))})


def step_jacobian_cases() -> tuple[Case, ...]:
    """Different sizes, a single sequence, states that saturate."""
    return (
        _step_jacobian_case(101, N=2, D=1, H=3, decimals=1),
        _step_jacobian_case(102, N=4, D=3, H=5),
        _step_jacobian_case(107, N=1, D=4, H=2),
        _step_jacobian_case(104, N=5, D=2, H=4, scale=9.0, decimals=6),
    )


def step_jacobian_lesson_case() -> Case:
    """A batch of states of the lesson's net."""
    return _step_jacobian_case(105, N=20, D=2, H=50)


GRADIENT_NORMS = Mistakes("gradient_norms")


@GRADIENT_NORMS.add
def gradient_norms_taken_after_the_step(cell, params, caches, dstate_T):
    """Your norms are one step off: you take each after the step back, when the gradient is that of the state before.
    The last row belongs to dstate_T itself: take the norm first, then step back."""
    dstate, norms = dstate_T, []
    for cache in reversed(caches):
        _, _, dstate = cell.step_backward(params, cache, dstate)
        norms.append(np.linalg.norm(hidden(dstate), axis=1))
    return np.stack(norms[::-1])


@GRADIENT_NORMS.add
def gradient_norms_last_first(cell, params, caches, dstate_T):
    """Your norms are right, but the last step's row comes first, as you met them on the way back:
    turn the list round before you stack it."""
    dstate, norms = dstate_T, []
    for cache in reversed(caches):
        norms.append(np.linalg.norm(hidden(dstate), axis=1))
        _, _, dstate = cell.step_backward(params, cache, dstate)
    return np.stack(norms)


@GRADIENT_NORMS.add
def gradient_norms_after_the_step_and_last_first(cell, params, caches, dstate_T):
    """Two things: your norms come last step first, and each is taken after its step back, so the one of dstate_T is
    missing. Take the norm before the step, and turn the list round at the end."""
    dstate, norms = dstate_T, []
    for cache in reversed(caches):
        _, _, dstate = cell.step_backward(params, cache, dstate)
        norms.append(np.linalg.norm(hidden(dstate), axis=1))
    return np.stack(norms)


@GRADIENT_NORMS.add
def gradient_norms_squared(cell, params, caches, dstate_T):
    """You return the squares of the norms: take the root of each sum of squares."""
    dstate, norms = dstate_T, []
    for cache in reversed(caches):
        norms.append(np.sum(hidden(dstate) ** 2, axis=1))
        _, _, dstate = cell.step_backward(params, cache, dstate)
    return np.stack(norms[::-1])


@GRADIENT_NORMS.add
def gradient_norms_of_the_whole_batch(cell, params, caches, dstate_T):
    """You take one norm over the whole batch. Each sequence has a gradient of its own: the norm runs over the units
    only, axis=1, and gives (N,) for every step."""
    dstate, norms = dstate_T, []
    for cache in reversed(caches):
        norms.append(np.linalg.norm(hidden(dstate)))
        _, _, dstate = cell.step_backward(params, cache, dstate)
    return np.stack(norms[::-1])


@GRADIENT_NORMS.add
def gradient_norms_batch_summed_first(cell, params, caches, dstate_T):
    """You add up the gradients of the N sequences before you take the norm. They may cancel, and each has a length of
    its own: take the norm of every row, axis=1."""
    dstate, norms = dstate_T, []
    for cache in reversed(caches):
        norms.append(np.linalg.norm(hidden(dstate).sum(axis=0)))
        _, _, dstate = cell.step_backward(params, cache, dstate)
    return np.stack(norms[::-1])


@GRADIENT_NORMS.add
def gradient_norms_averaged_over_the_batch(cell, params, caches, dstate_T):
    """You average the norms over the batch. What is asked for keeps each sequence: (T, N)."""
    dstate, norms = dstate_T, []
    for cache in reversed(caches):
        norms.append(np.linalg.norm(hidden(dstate), axis=1).mean())
        _, _, dstate = cell.step_backward(params, cache, dstate)
    return np.stack(norms[::-1])


@GRADIENT_NORMS.add
def gradient_norms_along_the_batch(cell, params, caches, dstate_T):
    """Your norm runs along the batch, axis=0, and leaves one number for each unit. It should run over the units,
    axis=1, and leave one for each sequence."""
    dstate, norms = dstate_T, []
    for cache in reversed(caches):
        norms.append(np.linalg.norm(hidden(dstate), axis=0))
        _, _, dstate = cell.step_backward(params, cache, dstate)
    return np.stack(norms[::-1])


@GRADIENT_NORMS.add
def gradient_norms_largest_entry(cell, params, caches, dstate_T):
    """You take the largest entry of each gradient. The 2-norm is its length: the root of the sum of squares over the
    units."""
    dstate, norms = dstate_T, []
    for cache in reversed(caches):
        norms.append(np.abs(hidden(dstate)).max(axis=1))
        _, _, dstate = cell.step_backward(params, cache, dstate)
    return np.stack(norms[::-1])


@GRADIENT_NORMS.add
def gradient_norms_sum_of_absolute_values(cell, params, caches, dstate_T):
    """You add up absolute values, which is the 1-norm. The 2-norm is the root of the sum of squares over the units."""
    dstate, norms = dstate_T, []
    for cache in reversed(caches):
        norms.append(np.abs(hidden(dstate)).sum(axis=1))
        _, _, dstate = cell.step_backward(params, cache, dstate)
    return np.stack(norms[::-1])


@GRADIENT_NORMS.add
def gradient_norms_mean_of_squares(cell, params, caches, dstate_T):
    """You take the mean of the squares, so your norms are smaller by the root of H: a length is the root of their
    sum."""
    dstate, norms = dstate_T, []
    for cache in reversed(caches):
        norms.append(np.sqrt(np.mean(hidden(dstate) ** 2, axis=1)))
        _, _, dstate = cell.step_backward(params, cache, dstate)
    return np.stack(norms[::-1])


@GRADIENT_NORMS.add
def gradient_norms_divided_by_the_last(cell, params, caches, dstate_T):
    """You divide by the norm of dstate_T, so your last row is all ones. Return the norms as they are; a plot can divide
    later."""
    dstate, norms = dstate_T, []
    for cache in reversed(caches):
        norms.append(np.linalg.norm(hidden(dstate), axis=1))
        _, _, dstate = cell.step_backward(params, cache, dstate)
    return np.stack(norms[::-1]) / norms[0]


@GRADIENT_NORMS.add
def gradient_norms_walking_forward(cell, params, caches, dstate_T):
    """You walk through the caches from the first to the last. dstate_T belongs to the last state, so the last cache is
    the first one to use: reversed(caches)."""
    dstate, norms = dstate_T, []
    for cache in caches:
        norms.append(np.linalg.norm(hidden(dstate), axis=1))
        _, _, dstate = cell.step_backward(params, cache, dstate)
    return np.stack(norms[::-1])


@GRADIENT_NORMS.add
def gradient_norms_walking_forward_not_turned_round(cell, params, caches, dstate_T):
    """You use the first cache first and give the row of dstate_T as the first row. dstate_T belongs to the *last*
    state: walk through reversed(caches), and turn the norms round at the end."""
    dstate, norms = dstate_T, []
    for cache in caches:
        norms.append(np.linalg.norm(hidden(dstate), axis=1))
        _, _, dstate = cell.step_backward(params, cache, dstate)
    return np.stack(norms)


@GRADIENT_NORMS.add
def gradient_norms_always_from_the_end(cell, params, caches, dstate_T):
    """Every one of your steps back starts from dstate_T again. What a step returns as its third result is the gradient
    that the next one takes."""
    dstate, norms = dstate_T, []
    for cache in reversed(caches):
        norms.append(np.linalg.norm(hidden(dstate), axis=1))
        _, _, dstate = cell.step_backward(params, cache, dstate_T)
    return np.stack(norms[::-1])


@GRADIENT_NORMS.add
def gradient_norms_never_updated(cell, params, caches, dstate_T):
    """All your rows are the norm of dstate_T: the gradient that a step back returns has to take its place before the
    next turn of the loop."""
    dstate, norms = dstate_T, []
    for cache in reversed(caches):
        norms.append(np.linalg.norm(hidden(dstate), axis=1))
        _, _, _ = cell.step_backward(params, cache, dstate)
    return np.stack(norms[::-1])


@GRADIENT_NORMS.add
def gradient_norms_loss_at_every_step(cell, params, caches, dstate_T):
    """You add dstate_T again at every step, as if each step had a loss of its own. Here only the last one has: what
    comes from step t + 1 is all there is."""
    dstate, norms = dstate_T, []
    for cache in reversed(caches):
        norms.append(np.linalg.norm(hidden(dstate), axis=1))
        _, _, dstate = cell.step_backward(params, cache, dstate)
        dstate = unrolled.add_to_hidden(dstate, hidden(dstate_T))
    return np.stack(norms[::-1])


@GRADIENT_NORMS.add
def gradient_norms_starts_from_zeros(cell, params, caches, dstate_T):
    """All your norms are 0: you start from a zero gradient, and every step back multiplies it. Start from dstate_T."""
    dstate, norms = cell.zero_state(params, len(hidden(dstate_T))), []
    for cache in reversed(caches):
        norms.append(np.linalg.norm(hidden(dstate), axis=1))
        _, _, dstate = cell.step_backward(params, cache, dstate)
    return np.stack(norms[::-1])


@GRADIENT_NORMS.add
def gradient_norms_one_row_more(cell, params, caches, dstate_T):
    """You have T + 1 rows, because the gradient of the state before the first step is among them. Row s belongs to the
    state after step s, and there are T of these."""
    dstate, norms = dstate_T, [np.linalg.norm(hidden(dstate_T), axis=1)]
    for cache in reversed(caches):
        _, _, dstate = cell.step_backward(params, cache, dstate)
        norms.append(np.linalg.norm(hidden(dstate), axis=1))
    return np.stack(norms[::-1])


@GRADIENT_NORMS.add
def gradient_norms_first_row_missing(cell, params, caches, dstate_T):
    """You have T - 1 rows: the state after the first step is missing. Between T states lie T - 1 steps back, and the
    norm of each of the T is asked for."""
    dstate, norms = dstate_T, []
    for cache in reversed(caches[1:]):
        norms.append(np.linalg.norm(hidden(dstate), axis=1))
        _, _, dstate = cell.step_backward(params, cache, dstate)
    return np.array(norms[::-1])


@GRADIENT_NORMS.add
def gradient_norms_of_dx(cell, params, caches, dstate_T):
    """You take the norm of dx, the gradient of the inputs: that is the second thing that step_backward returns. Asked
    for is the state's gradient, which goes in and comes out third."""
    dstate, norms = dstate_T, []
    for cache in reversed(caches):
        _, dx, dstate = cell.step_backward(params, cache, dstate)
        norms.append(np.linalg.norm(dx, axis=1))
    return np.stack(norms[::-1])


@GRADIENT_NORMS.add
def gradient_norms_of_the_weight_gradient(cell, params, caches, dstate_T):
    """You take the norm of each step's gradient of W_hh, in which the batch is summed. Asked for is the gradient of the
    state, dstate, with a norm for each sequence."""
    dstate, norms = dstate_T, []
    for cache in reversed(caches):
        grads, _, dstate = cell.step_backward(params, cache, dstate)
        norms.append(np.linalg.norm(grads.W_hh))
    return np.stack(norms[::-1])


@GRADIENT_NORMS.add
def gradient_norms_of_the_states(cell, params, caches, dstate_T):
    """You take the norm of the states themselves, from the caches. Asked for is the gradient with respect to them:
    start from dstate_T and call cell.step_backward."""
    return np.stack([np.linalg.norm(cache.h, axis=1) for cache in caches])


@GRADIENT_NORMS.add
def gradient_norms_ignores_the_cell(cell, params, caches, dstate_T):
    """You call the RNN's own step_backward and never look at `cell`: for another cell that goes wrong.
    Call cell.step_backward(params, cache, dstate)."""
    dstate, norms = dstate_T, []
    for cache in reversed(caches):
        norms.append(np.linalg.norm(hidden(dstate), axis=1))
        _, _, dstate = rnn.step_backward(params, cache, dstate)
    return np.stack(norms[::-1])


@GRADIENT_NORMS.add
def gradient_norms_step_written_out(cell, params, caches, dstate_T):
    """Right for the RNN, whose step back you write out yourself; another cell's gradient takes other roads as well.
    Call cell.step_backward(params, cache, dstate), and keep the whole dstate."""
    dh, norms = hidden(dstate_T), []
    for cache in reversed(caches):
        norms.append(np.linalg.norm(dh, axis=1))
        dh = dh * (1 - cache.h**2) @ params.W_hh.T
    return np.stack(norms[::-1])


@GRADIENT_NORMS.add
def gradient_norms_step_written_out_for_arrays(cell, params, caches, dstate_T):
    """Right for the RNN, but another cell's dstate has more parts than an array, and its step back is another one. Call
    cell.step_backward(params, cache, dstate), and take the norm of hidden(dstate)."""
    dstate, norms = dstate_T, []
    for cache in reversed(caches):
        norms.append(np.linalg.norm(dstate, axis=1))
        dstate = dstate * (1 - cache.h**2) @ params.W_hh.T
    return np.stack(norms[::-1])


@GRADIENT_NORMS.add
def gradient_norms_weights_not_transposed(cell, params, caches, dstate_T):
    """You go back through W_hh as it is, which is the way forward. Going back, it is transposed, as in dh_t Jᵀ; call
    cell.step_backward, which does it for any cell."""
    dh, norms = hidden(dstate_T), []
    for cache in reversed(caches):
        norms.append(np.linalg.norm(dh, axis=1))
        dh = dh * (1 - cache.h**2) @ params.W_hh
    return np.stack(norms[::-1])


@GRADIENT_NORMS.add
def gradient_norms_jacobian_not_transposed(cell, params, caches, dstate_T):
    """You multiply by J as it is, which takes a change of the state forward. The gradient goes back by its transpose,
    dh_t Jᵀ; or call cell.step_backward, which does it for any cell."""
    dh, norms = hidden(dstate_T), []
    for cache in reversed(caches):
        norms.append(np.linalg.norm(dh, axis=1))
        dh = (dh[:, None, :] @ (params.W_hh * (1 - cache.h**2)[:, None, :]))[:, 0]
    return np.stack(norms[::-1])


@GRADIENT_NORMS.add
def gradient_norms_no_slope(cell, params, caches, dstate_T):
    """You go back through W_hh only: tanh's slope, 1 - h_t², multiplies the gradient at every step and is missing. Call
    cell.step_backward, which has it."""
    dh, norms = hidden(dstate_T), []
    for _ in caches:
        norms.append(np.linalg.norm(dh, axis=1))
        dh = dh @ params.W_hh.T
    return np.stack(norms[::-1])


@GRADIENT_NORMS.add
def gradient_norms_slope_of_the_step_before(cell, params, caches, dstate_T):
    """Your slope is made from h_prev, the state before the step. The tanh that you go back through made the state after
    it, cache.h; or call cell.step_backward, which knows."""
    dh, norms = hidden(dstate_T), []
    for cache in reversed(caches):
        norms.append(np.linalg.norm(dh, axis=1))
        dh = dh * (1 - cache.h_prev**2) @ params.W_hh.T
    return np.stack(norms[::-1])


@GRADIENT_NORMS.add
def gradient_norms_slope_after_the_weights(cell, params, caches, dstate_T):
    """You multiply by W_hh first and by the slope after: the order is turned round. Going back, you meet tanh of h_t
    first, and W_hh behind it; or call cell.step_backward, which knows."""
    dh, norms = hidden(dstate_T), []
    for cache in reversed(caches):
        norms.append(np.linalg.norm(dh, axis=1))
        dh = dh @ params.W_hh.T * (1 - cache.h**2)
    return np.stack(norms[::-1])


@GRADIENT_NORMS.add
def gradient_norms_product_of_diagonals(cell, params, caches, dstate_T):
    """You multiply the diagonals of the Jacobians, entry by entry, as if no unit saw another. Many steps back are a
    product of whole matrices: call cell.step_backward once for each."""
    dh, norms = hidden(dstate_T), []
    for cache in reversed(caches):
        norms.append(np.linalg.norm(dh, axis=1))
        dh = dh * np.diag(params.W_hh) * (1 - cache.h**2)
    return np.stack(norms[::-1])


@GRADIENT_NORMS.add
def gradient_norms_elementwise_product(cell, params, caches, dstate_T):
    """You multiply the Jacobians entry by entry, with *. A chain of steps is their matrix product, @;
    and here the gradient itself goes back, with cell.step_backward."""
    P, norms = np.ones((len(caches[0].h), *params.W_hh.shape)), []
    for cache in reversed(caches):
        norms.append(np.linalg.norm(np.einsum("nj,nij->ni", hidden(dstate_T), P), axis=1))
        P = params.W_hh * (1 - cache.h**2)[:, None, :] * P
    return np.stack(norms[::-1])


@GRADIENT_NORMS.add
def gradient_norms_frobenius_of_the_matrices(cell, params, caches, dstate_T):
    """You take the Frobenius norm of the products of Jacobians, whatever dstate_T is. Asked for is the length of one
    vector for each sequence: start from dstate_T and send it back."""
    P, norms = np.broadcast_to(np.eye(len(params.W_hh)), (len(caches[0].h), *params.W_hh.shape)), []
    for cache in reversed(caches):
        norms.append(np.linalg.norm(P, axis=(1, 2)))
        P = params.W_hh * (1 - cache.h**2)[:, None, :] @ P
    return np.stack(norms[::-1])


@GRADIENT_NORMS.add
def gradient_norms_largest_singular_values(cell, params, caches, dstate_T):
    """You take the largest singular value of the products of Jacobians: the most that any gradient could grow. Asked
    for is how long this one gets: start from dstate_T and send it back."""
    P, norms = np.broadcast_to(np.eye(len(params.W_hh)), (len(caches[0].h), *params.W_hh.shape)), []
    for cache in reversed(caches):
        norms.append(np.linalg.norm(P, 2, axis=(1, 2)))
        P = params.W_hh * (1 - cache.h**2)[:, None, :] @ P
    return np.stack(norms[::-1])


@GRADIENT_NORMS.add
def gradient_norms_product_of_norms(cell, params, caches, dstate_T):
    """You multiply the norm of dstate_T by the norms of the Jacobians. That is a bound: the gradient rarely lies in the
    direction that a step stretches most. Send the gradient itself back, and measure it."""
    norm, norms = np.linalg.norm(hidden(dstate_T), axis=1), []
    for cache in reversed(caches):
        norms.append(norm)
        norm = norm * np.linalg.norm(params.W_hh * (1 - cache.h**2)[:, None, :], 2, axis=(1, 2))
    return np.stack(norms[::-1])


@GRADIENT_NORMS.add
def gradient_norms_state_for_hidden(cell, params, caches, dstate_T):
    """You take the norm of dstate itself. That is right for the RNN, whose state is its h; another cell's has more
    parts, such as State(h, c): take the norm of hidden(dstate)."""
    dstate, norms = dstate_T, []
    for cache in reversed(caches):
        norms.append(np.linalg.norm(dstate, axis=1))
        _, _, dstate = cell.step_backward(params, cache, dstate)
    return np.stack(norms[::-1])


@GRADIENT_NORMS.add
def gradient_norms_state_for_hidden_along_the_last_axis(cell, params, caches, dstate_T):
    """Where the state has two parts, you get two norms for each sequence. Only the gradient with respect to h is asked
    for, with one: take the norm of hidden(dstate)."""
    dstate, norms = dstate_T, []
    for cache in reversed(caches):
        norms.append(np.linalg.norm(dstate, axis=-1))
        _, _, dstate = cell.step_backward(params, cache, dstate)
    return np.stack(norms[::-1])


@GRADIENT_NORMS.add
def gradient_norms_state_squared(cell, params, caches, dstate_T):
    """You square dstate, which works where it is an array. Another cell's state is a NamedTuple of several, and a tuple
    has no square: take hidden(dstate) first."""
    dstate, norms = dstate_T, []
    for cache in reversed(caches):
        norms.append(np.sqrt(np.sum(dstate**2, axis=1)))
        _, _, dstate = cell.step_backward(params, cache, dstate)
    return np.stack(norms[::-1])


@GRADIENT_NORMS.add
def gradient_norms_field_of_an_array(cell, params, caches, dstate_T):
    """The RNN's state is the array h itself and has no field h. hidden(dstate) gives the hidden part of any cell's
    state."""
    dstate, norms = dstate_T, []
    for cache in reversed(caches):
        norms.append(np.linalg.norm(dstate.h, axis=1))
        _, _, dstate = cell.step_backward(params, cache, dstate)
    return np.stack(norms[::-1])


@GRADIENT_NORMS.add
def gradient_norms_of_all_parts(cell, params, caches, dstate_T):
    """You measure all parts of a two-part state together. Only the gradient with respect to h is asked for: pass the
    whole dstate on, but take the norm of hidden(dstate)."""
    dstate, norms = dstate_T, []
    for cache in reversed(caches):
        norms.append(np.linalg.norm(np.hstack(dstate) if isinstance(dstate, tuple) else dstate, axis=1))
        _, _, dstate = cell.step_backward(params, cache, dstate)
    return np.stack(norms[::-1])


@GRADIENT_NORMS.add
def gradient_norms_hidden_passed_on(cell, params, caches, dstate_T):
    """You pass hidden(dstate) on, so what else the state holds is lost, and another cell's step_backward misses it.
    Only the norm is taken of the hidden part: hand the whole dstate to the next step."""
    dh, norms = hidden(dstate_T), []
    for cache in reversed(caches):
        norms.append(np.linalg.norm(dh, axis=1))
        _, _, dstate = cell.step_backward(params, cache, dh)
        dh = hidden(dstate)
    return np.stack(norms[::-1])


@GRADIENT_NORMS.add
def gradient_norms_result_not_unpacked(cell, params, caches, dstate_T):
    """cell.step_backward returns three things, grads, dx and the gradient of the state before, and your dstate now
    holds all three: write _, _, dstate = cell.step_backward(...)."""
    dstate, norms = dstate_T, []
    for cache in reversed(caches):
        norms.append(np.linalg.norm(hidden(dstate), axis=1))
        dstate = cell.step_backward(params, cache, dstate)
    return np.stack(norms[::-1])


@GRADIENT_NORMS.add
def gradient_norms_dx_for_dstate(cell, params, caches, dstate_T):
    """You pass dx on where the state's gradient belongs: step_backward returns grads, dx and dstate_prev, in this
    order, so take the third."""
    dstate, norms = dstate_T, []
    for cache in reversed(caches):
        norms.append(np.linalg.norm(hidden(dstate), axis=1))
        _, dstate, _ = cell.step_backward(params, cache, dstate)
    return np.stack(norms[::-1])


@GRADIENT_NORMS.add
def gradient_norms_grads_for_dstate(cell, params, caches, dstate_T):
    """You pass the parameters' gradient on where the state's belongs: step_backward returns grads, dx and dstate_prev,
    in this order, so take the third."""
    dstate, norms = dstate_T, []
    for cache in reversed(caches):
        norms.append(np.linalg.norm(hidden(dstate), axis=1))
        dstate, _, _ = cell.step_backward(params, cache, dstate)
    return np.stack(norms[::-1])


@GRADIENT_NORMS.add
def gradient_norms_axis_kept(cell, params, caches, dstate_T):
    """Your norms have the shape (T, N, 1), with the axis of the units still there: leave keepdims out, and they are
    (T, N)."""
    dstate, norms = dstate_T, []
    for cache in reversed(caches):
        norms.append(np.linalg.norm(hidden(dstate), axis=1, keepdims=True))
        _, _, dstate = cell.step_backward(params, cache, dstate)
    return np.stack(norms[::-1])


@GRADIENT_NORMS.add
def gradient_norms_batch_first(cell, params, caches, dstate_T):
    """Your norms are (N, T). In this course time comes first, (T, N): look at the axis along which you stack."""
    dstate, norms = dstate_T, []
    for cache in reversed(caches):
        norms.append(np.linalg.norm(hidden(dstate), axis=1))
        _, _, dstate = cell.step_backward(params, cache, dstate)
    return np.stack(norms[::-1], axis=1)


@GRADIENT_NORMS.add
def gradient_norms_gradients_returned(cell, params, caches, dstate_T):
    """You return the gradients themselves, (T, N, H). Of each, only the length is asked for: a norm over the last
    axis."""
    dstate, rows = dstate_T, []
    for cache in reversed(caches):
        rows.append(hidden(dstate))
        _, _, dstate = cell.step_backward(params, cache, dstate)
    return np.stack(rows[::-1])


def _gradient_norms_case(
    seed: int, T: int, N: int, D: int, H: int, weights: float = 0.9, scale: float = 0.9, decimals: int = 2
) -> Case:
    rng = np.random.default_rng(seed)
    params = draw_rnn(rng, D, H, scale=weights, decimals=decimals)
    x, h0 = draw(rng, T, N, D, scale=scale, decimals=decimals), draw(rng, N, H, decimals=decimals)
    _, _, caches = unrolled.forward(rnn, params, x, h0)
    arguments = {"cell": rnn, "params": params, "caches": caches, "dstate_T": draw(rng, N, H, decimals=decimals)}
    return Case(sizes(T=T, N=N, D=D, H=H), arguments)


def _leaky_gradient_norms_case(seed: int, T: int, N: int, D: int, H: int) -> Case:
    rng = np.random.default_rng(seed)
    params, state0 = draw_leaky(rng, D, H), leaky.State(draw(rng, N, H), draw(rng, N, H))
    _, _, caches = unrolled.forward(leaky, params, draw(rng, T, N, D), state0)
    dstate_T = leaky.State(draw(rng, N, H), draw(rng, N, H))
    arguments = {"cell": leaky, "params": params, "caches": caches, "dstate_T": dstate_T}
    return Case(f"{sizes(T=T, N=N, D=D, H=H)}, another cell", arguments)


def gradient_norms_cases() -> tuple[Case, ...]:
    """Different sizes, a single sequence, weights that make it grow, states that saturate, a cell that is not the
    RNN."""
    return (
        _gradient_norms_case(117, T=3, N=2, D=1, H=3, decimals=1),  # H = T, or it would be too long to print
        _gradient_norms_case(112, T=5, N=3, D=2, H=4, weights=2.0, scale=0.3),
        _gradient_norms_case(119, T=4, N=1, D=3, H=2),
        _gradient_norms_case(114, T=6, N=2, D=5, H=3, scale=9.0),
        _leaky_gradient_norms_case(115, T=4, N=2, D=1, H=3),
    )


def gradient_norms_lesson_case() -> Case:
    """A hundred steps of a batch, with a net of the lesson's size."""
    return _gradient_norms_case(116, T=100, N=10, D=2, H=50, weights=0.25)


SPECTRAL_RADIUS = Mistakes("spectral_radius")


@SPECTRAL_RADIUS.add
def spectral_radius_largest_singular_value(W):
    """You return the largest singular value, which rules one step: the most by which W can stretch a vector. The
    spectral radius is made of eigenvalues, np.linalg.eigvals(W), and rules the long run."""
    return np.linalg.norm(W, 2)


@SPECTRAL_RADIUS.add
def spectral_radius_singular_value_squared(W):
    """The eigenvalues of Wᵀ W are the squares of W's singular values. The spectral radius is made of the eigenvalues of
    W itself."""
    return np.max(np.linalg.eigvalsh(W.T @ W))


@SPECTRAL_RADIUS.add
def spectral_radius_frobenius(W):
    """np.linalg.norm(W) is the Frobenius norm, the root of the sum of all squares. The spectral radius is made of
    eigenvalues: np.linalg.eigvals(W)."""
    return np.linalg.norm(W)


@SPECTRAL_RADIUS.add
def spectral_radius_row_sums(W):
    """You return the largest sum of absolute values in a row, a norm that bounds the spectral radius from above. The
    radius itself needs the eigenvalues: np.linalg.eigvals(W)."""
    return np.linalg.norm(W, np.inf)


@SPECTRAL_RADIUS.add
def spectral_radius_column_sums(W):
    """You return the largest sum of absolute values in a column, a norm that bounds the spectral radius from above. The
    radius itself needs the eigenvalues: np.linalg.eigvals(W)."""
    return np.linalg.norm(W, 1)


@SPECTRAL_RADIUS.add
def spectral_radius_largest_entry(W):
    """You return the largest entry of W. Only of a diagonal matrix are the entries the eigenvalues: ask
    np.linalg.eigvals(W) for them."""
    return np.max(np.abs(W))


@SPECTRAL_RADIUS.add
def spectral_radius_diagonal(W):
    """You look at the diagonal of W. Its entries are the eigenvalues only where W is triangular: ask
    np.linalg.eigvals(W) for them."""
    return np.max(np.abs(np.diag(W)))


@SPECTRAL_RADIUS.add
def spectral_radius_no_absolute_value(W):
    """You take the maximum of the eigenvalues as they are. They may be complex, and complex numbers have no order:
    np.max goes by their real parts. Take np.abs of each first."""
    return np.max(np.linalg.eigvals(W))


@SPECTRAL_RADIUS.add
def spectral_radius_absolute_value_too_late(W):
    """You take the maximum first and its absolute value after. np.max of complex numbers goes by their real parts, so
    -2 loses against 0.1: take np.abs of each eigenvalue first."""
    return np.abs(np.max(np.linalg.eigvals(W)))


@SPECTRAL_RADIUS.add
def spectral_radius_real_parts(W):
    """You drop the imaginary parts. An eigenvalue that turns as well as stretches has both, and its size is the root of
    the sum of both squares: np.abs of the complex number."""
    return np.max(np.abs(np.linalg.eigvals(W).real))


@SPECTRAL_RADIUS.add
def spectral_radius_largest_real_part(W):
    """You return the largest real part, which rules systems in continuous time. Here W is multiplied again and again,
    and the size counts: np.abs of each eigenvalue."""
    return np.max(np.linalg.eigvals(W).real)


@SPECTRAL_RADIUS.add
def spectral_radius_imaginary_parts(W):
    """You look at the imaginary parts alone: the size of a complex number is np.abs of it, with both its parts."""
    return np.max(np.abs(np.linalg.eigvals(W).imag))


@SPECTRAL_RADIUS.add
def spectral_radius_no_root(W):
    """You return the square of the size, real part squared plus imaginary part squared: the root is missing."""
    return np.max(np.linalg.eigvals(W).real ** 2 + np.linalg.eigvals(W).imag ** 2)


@SPECTRAL_RADIUS.add
def spectral_radius_parts_added(W):
    """You add the sizes of the real and the imaginary part. They stand at a right angle, so the size is the root of the
    sum of their squares: np.abs."""
    eigenvalues = np.linalg.eigvals(W)
    return np.max(np.abs(eigenvalues.real) + np.abs(eigenvalues.imag))


@SPECTRAL_RADIUS.add
def spectral_radius_eigenvalue_for_its_size(W):
    """You find the right eigenvalue and return it as it is, negative or complex. Its absolute value is asked for."""
    eigenvalues = np.linalg.eigvals(W)
    return eigenvalues[np.argmax(np.abs(eigenvalues))]


@SPECTRAL_RADIUS.add
def spectral_radius_all_of_them(W):
    """You return the sizes of all the eigenvalues: only the largest of them is the spectral radius."""
    return np.abs(np.linalg.eigvals(W))


@SPECTRAL_RADIUS.add
def spectral_radius_first_eigenvalue(W):
    """You take the first eigenvalue. NumPy gives them in no particular order: look for the largest absolute value."""
    return np.abs(np.linalg.eigvals(W)[0])


@SPECTRAL_RADIUS.add
def spectral_radius_last_eigenvalue(W):
    """You take the last eigenvalue. They come sorted only from eigvalsh, for symmetric matrices: look for the largest
    absolute value."""
    return np.abs(np.linalg.eigvals(W)[-1])


@SPECTRAL_RADIUS.add
def spectral_radius_smallest(W):
    """You return the smallest absolute value. In the long run the largest one wins: take the maximum."""
    return np.min(np.abs(np.linalg.eigvals(W)))


@SPECTRAL_RADIUS.add
def spectral_radius_mean(W):
    """You average the sizes of the eigenvalues. In the long run the largest one wins: take the maximum."""
    return np.mean(np.abs(np.linalg.eigvals(W)))


@SPECTRAL_RADIUS.add
def spectral_radius_sum(W):
    """You add up the sizes of the eigenvalues. In the long run the largest one wins: take the maximum."""
    return np.sum(np.abs(np.linalg.eigvals(W)))


@SPECTRAL_RADIUS.add
def spectral_radius_determinant(W):
    """You return the determinant, the product of all the eigenvalues. Asked for is the size of the largest one."""
    return np.abs(np.linalg.det(W))


@SPECTRAL_RADIUS.add
def spectral_radius_trace(W):
    """You return the trace, the sum of all the eigenvalues. Asked for is the size of the largest one."""
    return np.abs(np.trace(W))


@SPECTRAL_RADIUS.add
def spectral_radius_for_symmetric_matrices(W):
    """eigvalsh and eigh are for symmetric matrices: they read one half of W and take the other for its mirror image. W
    is not symmetric, so use eigvals."""
    return np.max(np.abs(np.linalg.eigvalsh(W)))


@SPECTRAL_RADIUS.add
def spectral_radius_symmetric_part(W):
    """You make W symmetric first. That changes its eigenvalues, and takes away just what a recurrent net may have,
    rotation and shear: use W as it is."""
    return np.max(np.abs(np.linalg.eigvals((W + W.T) / 2)))


@SPECTRAL_RADIUS.add
def spectral_radius_absolute_entries(W):
    """You take the absolute values of W's entries, and then the eigenvalues. It is the other way round: first the
    eigenvalues of W as it is, then their absolute values."""
    return np.max(np.linalg.eigvals(np.abs(W)).real)


@SPECTRAL_RADIUS.add
def spectral_radius_eig_not_unpacked(W):
    """np.linalg.eig returns two things, the eigenvalues and the eigenvectors. Take the first of them, or call
    np.linalg.eigvals."""
    return np.max(np.abs(np.linalg.eig(W)))


@SPECTRAL_RADIUS.add
def spectral_radius_absolute_value_of_both(W):
    """np.linalg.eig returns two things, the eigenvalues and the eigenvectors, and abs works on neither pair nor
    list. np.linalg.eigvals gives the eigenvalues alone."""
    return abs(np.linalg.eig(W)).max()  # type: ignore[arg-type]


@SPECTRAL_RADIUS.add
def spectral_radius_eigenvectors(W):
    """You look at the eigenvectors, the second thing that np.linalg.eig returns. The eigenvalues are the first."""
    return np.max(np.abs(np.linalg.eig(W)[1]))


def spectral_radius_cases() -> tuple[Case, ...]:
    """A largest eigenvalue that is complex, one that is negative, one that is positive, and a sheared matrix."""
    rng = np.random.default_rng(121)
    negative = np.round(draw(rng, 4, 4) - 1.2 * np.diag([0.2, 1.0, 0.1, 0.3]), 2)
    return (
        Case("H = 3", {"W": np.array([[0.1, 0.9, -0.4], [-0.8, 0.2, 0.7], [0.3, -0.5, 0.6]])}),
        Case("H = 4, the largest is negative", {"W": negative}),
        Case("H = 5", {"W": draw(rng, 5, 5)}),
        Case("H = 2, sheared", {"W": np.array([[0.5, 3.0], [0.04, -0.7]])}),
        Case("H = 6, larger numbers", {"W": 2 * draw(rng, 6, 6)}),
    )


def spectral_radius_lesson_case() -> Case:
    """The lesson's recurrent matrix."""
    return Case("H = 50", {"W": draw(np.random.default_rng(122), 50, 50)})


EXERCISES = (
    Exercise(
        name="flow.step_jacobian",
        lesson="03_gradient_flow",
        minutes=8,
        solution=flow.step_jacobian,
        returns=("J",),
        stub='''def my_flow_step_jacobian(params, h):
    """J[n, i, j] = ∂h_t[n, j] / ∂h_{t-1}[n, i] for h_t = tanh z_t. h (N, H) is the state after the step.
    Return J (N, H, H)."""
    ...
''',
        hints=(
            "h_{t-1}[n, i] acts on z_t[n, j] with the strength W_hh[i, j], and z_t[n, j] on h_t[n, j] with the slope "
            "of tanh there. Multiply the two.",
            "W_hh is (H, H), with i first and j second; the slope is (N, H), one number for every n and j. "
            "The result is (N, H, H): W_hh gets an axis n in front, the slope an axis i in the middle.",
            "The slope is 1 - h**2. Indexed with [:, None, :] it is (N, 1, H), and times params.W_hh, "
            "entry by entry, that is J: the slope multiplies the columns.",
        ),
        make_cases=step_jacobian_cases,
        make_lesson_case=step_jacobian_lesson_case,
        misconceptions=STEP_JACOBIAN.catalogue,
    ),
    Exercise(
        name="flow.gradient_norms",
        lesson="03_gradient_flow",
        minutes=10,
        solution=flow.gradient_norms,
        returns=("norms",),
        stub='''def my_flow_gradient_norms(cell, params, caches, dstate_T):
    """norms (T, N): row s is the 2-norm of each sequence's gradient of h after step s; the only loss is at the last.
    dstate_T, like the cell's state, is its gradient there. cell.step_backward goes back; hidden(dstate) is (N, H)."""
    ...
''',
        hints=(
            "The loop of unrolled.backward, with less in it: there is no loss on the way, and no gradient to add up. "
            "At each state you measure the gradient, and go on.",
            "hidden(dstate) is (N, H); its norm over the units is (N,), one length for each sequence. T of them, "
            "stacked along a new first axis, are (T, N), first step first. The last row is that of dstate_T.",
            "Start with dstate = dstate_T. For each cache from the last to the first: append np.linalg.norm of "
            "hidden(dstate) along axis 1 to a list, then call cell.step_backward(params, cache, dstate) and keep its "
            "third result as the new dstate. Turn the list round before you stack it.",
        ),
        make_cases=gradient_norms_cases,
        make_lesson_case=gradient_norms_lesson_case,
        misconceptions=GRADIENT_NORMS.catalogue,
    ),
    Exercise(
        name="flow.spectral_radius",
        lesson="03_gradient_flow",
        minutes=4,
        solution=flow.spectral_radius,
        returns=("radius",),
        stub='''def my_flow_spectral_radius(W):
    """The largest absolute value among the eigenvalues of W (H, H), which may be complex. Return one real number."""
    ...
''',
        hints=(
            "Multiplying by W again and again, each eigenvector grows or shrinks by the size of its eigenvalue; "
            "in the long run the largest size wins.",
            "W is (H, H) and has H eigenvalues, (H,), complex in pairs. The size of a complex number is real: "
            "the root of real part squared plus imaginary part squared. One number is left.",
            "np.linalg.eigvals gives the eigenvalues, np.abs the size of each, np.max the largest, in this order.",
        ),
        make_cases=spectral_radius_cases,
        make_lesson_case=spectral_radius_lesson_case,
        misconceptions=SPECTRAL_RADIUS.catalogue,
    ),
)
