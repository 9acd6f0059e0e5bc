"""Exercises on the readout: forward (lesson 01) and backward (lesson 02)."""
# mypy: allow-untyped-defs, allow-untyped-calls
# (the wrong answers are written as learners write, without annotations)

from __future__ import annotations

import numpy as np

from bptt_lessons.course.catalogue.draws import draw, draw_readout, sizes
from bptt_lessons.course.catalogue.mistakes import Mistakes
from bptt_lessons.course.exercises import Case, Exercise
from bptt_lessons.training import readout
from bptt_lessons.training.readout import Readout

FORWARD = Mistakes("forward")


@FORWARD.add
def forward_no_bias(params, h):
    """The product is there, the bias is not: add b_y to the outputs of every step."""
    return h @ params.W_hy


@FORWARD.add
def forward_tanh(params, h):
    """Your outputs go through tanh, so they can never leave the range from -1 to 1. h has been squashed already;
    the readout is linear."""
    return np.tanh(h @ params.W_hy + params.b_y)


@FORWARD.add
def forward_softmax(params, h):
    """You return probabilities. The readout returns y itself, the logits: the softmax is a part of the loss,
    where it can be computed without overflow."""
    y = h @ params.W_hy + params.b_y
    e = np.exp(y - y.max(axis=2, keepdims=True))
    return e / e.sum(axis=2, keepdims=True)


@FORWARD.add
def forward_class_numbers(params, h):
    """You return the number of the largest output. That is a decision; the loss needs the outputs themselves,
    all K of them."""
    return np.argmax(h @ params.W_hy + params.b_y, axis=2)


@FORWARD.add
def forward_weights_transposed(params, h):
    """W_hy is (H, K), as its subscripts say: h stands on its left and fits without a transpose."""
    return h @ params.W_hy.T + params.b_y


@FORWARD.add
def forward_weights_on_the_left(params, h):
    """You put the weights on the left, as for column vectors. Here each sequence is a row of h, and h comes first."""
    return params.W_hy @ h + params.b_y


@FORWARD.add
def forward_last_step_only(params, h):
    """You read out the last step only. Here every step has an output, (T, N, K);
    which of them count is decided later, by the mask of the loss."""
    return h[-1] @ params.W_hy + params.b_y


@FORWARD.add
def forward_mean_over_steps(params, h):
    """You average the states over time before reading out: every step should have an output of its own."""
    return h.mean(axis=0) @ params.W_hy + params.b_y


@FORWARD.add
def forward_steps_and_batch_in_one_axis(params, h):
    """The numbers are right, but steps and batch are still in one axis: give y back its (T, N, K)."""
    return h.reshape(-1, h.shape[2]) @ params.W_hy + params.b_y


@FORWARD.add
def forward_batch_first(params, h):
    """Your y is (N, T, K): time comes first in this course, and h has it first already."""
    return h.swapaxes(0, 1) @ params.W_hy + params.b_y


@FORWARD.add
def forward_axis_of_outputs_dropped(params, h):
    """Where there is one output, its axis has gone: y is (T, N, K) even if K is 1."""
    return np.squeeze(h @ params.W_hy + params.b_y)


@FORWARD.add
def forward_one_sequence_only(params, h):
    """You read out the first sequence of the batch and leave the others out: the second axis of h is N sequences."""
    return h[:, :1] @ params.W_hy + params.b_y


@FORWARD.add
def forward_elementwise_product(params, h):
    """The star multiplies entry by entry; each output needs the sum over all hidden units, a matrix product: @."""
    return h * params.W_hy + params.b_y


@FORWARD.add
def forward_bare_name(params, h):
    """The arrays are fields of params and have no names of their own: write params.W_hy and params.b_y
    (or first W_hy, b_y = params)."""
    return h @ W_hy + b_y  # type: ignore[name-defined]  # noqa: F821


@FORWARD.add
def forward_weights_of_the_cell(params, h):
    """The readout has parameters of its own, Readout(W_hy, b_y): from h to y."""
    return h @ params.W_hh + params.b_h


def _forward_case(seed: int, T: int, N: int, H: int, K: int, decimals: int = 2) -> Case:
    rng = np.random.default_rng(seed)
    params = draw_readout(rng, H, K, decimals=decimals)
    return Case(sizes(T=T, N=N, H=H, K=K), {"params": params, "h": draw(rng, T, N, H, decimals=decimals)})


def forward_cases() -> tuple[Case, ...]:
    """One output and several, a single sequence, a single step."""
    return (
        _forward_case(41, T=3, N=2, H=4, K=1, decimals=1),
        _forward_case(42, T=4, N=3, H=2, K=5),
        _forward_case(43, T=5, N=1, H=4, K=3),
        _forward_case(44, T=1, N=3, H=5, K=2),
    )


def forward_lesson_case() -> Case:
    """The largest batch that a lesson reads out."""
    return _forward_case(45, T=12, N=1000, H=16, K=1)


BACKWARD = Mistakes("backward")


@BACKWARD.add
def backward_bias_not_summed_over_the_batch(params, h, dy):
    """Your gradient of b_y still has a row for every sequence. The one b_y is added everywhere,
    so its gradient is a sum over steps *and* over the batch."""
    rows_h, rows_dy = h.reshape(-1, h.shape[2]), dy.reshape(-1, dy.shape[2])
    return Readout(rows_h.T @ rows_dy, dy.sum(axis=0)), dy @ params.W_hy.T


@BACKWARD.add
def backward_bias_not_summed_over_steps(params, h, dy):
    """Your gradient of b_y still has a row for every step. The one b_y is added everywhere,
    so its gradient is a sum over the batch *and* over steps."""
    rows_h, rows_dy = h.reshape(-1, h.shape[2]), dy.reshape(-1, dy.shape[2])
    return Readout(rows_h.T @ rows_dy, dy.sum(axis=1)), dy @ params.W_hy.T


@BACKWARD.add
def backward_bias_not_summed(params, h, dy):
    """Your gradient of b_y is dy itself. The one b_y is added at every step and to every sequence,
    so its gradient is the sum of dy over both."""
    rows_h, rows_dy = h.reshape(-1, h.shape[2]), dy.reshape(-1, dy.shape[2])
    return Readout(rows_h.T @ rows_dy, dy), dy @ params.W_hy.T


@BACKWARD.add
def backward_bias_rows_not_summed(params, h, dy):
    """Your gradient of b_y still has a row for every step of every sequence, T·N of them. The one b_y is added to all
    rows, so its gradient is the sum of the rows of dy."""
    rows_h, rows_dy = h.reshape(-1, h.shape[2]), dy.reshape(-1, dy.shape[2])
    return Readout(rows_h.T @ rows_dy, rows_dy), dy @ params.W_hy.T


@BACKWARD.add
def backward_bias_keeps_axes(params, h, dy):
    """Your gradient of b_y has the right numbers in the wrong shape: b_y is (K,), and so is its gradient."""
    rows_h, rows_dy = h.reshape(-1, h.shape[2]), dy.reshape(-1, dy.shape[2])
    return Readout(rows_h.T @ rows_dy, rows_dy.sum(axis=0, keepdims=True)), dy @ params.W_hy.T


@BACKWARD.add
def backward_bias_averaged(params, h, dy):
    """You average the gradient of b_y. The average belongs to the loss and is in dy already: here the parts add up."""
    rows_h, rows_dy = h.reshape(-1, h.shape[2]), dy.reshape(-1, dy.shape[2])
    return Readout(rows_h.T @ rows_dy, rows_dy.mean(axis=0)), dy @ params.W_hy.T


@BACKWARD.add
def backward_averaged_again(params, h, dy):
    """You divide the gradients of W_hy and b_y by T·N. The loss has averaged already, and dy knows it:
    dividing again counts the average twice."""
    rows_h, rows_dy = h.reshape(-1, h.shape[2]), dy.reshape(-1, dy.shape[2])
    grads = Readout(rows_h.T @ rows_dy / len(rows_h), rows_dy.mean(axis=0))
    return grads, dy @ params.W_hy.T


@BACKWARD.add
def backward_averaged_over_the_batch(params, h, dy):
    """You divide the gradients of W_hy and b_y by N. The average belongs to the loss, and dy knows it already:
    here the parts of all sequences add up."""
    rows_h, rows_dy = h.reshape(-1, h.shape[2]), dy.reshape(-1, dy.shape[2])
    grads = Readout(rows_h.T @ rows_dy / h.shape[1], rows_dy.sum(axis=0) / h.shape[1])
    return grads, dy @ params.W_hy.T


@BACKWARD.add
def backward_everything_averaged_over_the_batch(params, h, dy):
    """You divide all three by N, dh too. The average belongs to the loss, and dy knows it already:
    dividing again counts it twice."""
    rows_h, rows_dy = h.reshape(-1, h.shape[2]), dy.reshape(-1, dy.shape[2])
    N = h.shape[1]
    return Readout(rows_h.T @ rows_dy / N, rows_dy.sum(axis=0) / N), dy @ params.W_hy.T / N


@BACKWARD.add
def backward_averaged_over_steps(params, h, dy):
    """You divide the gradients of W_hy and b_y by T. The average belongs to the loss, and dy knows it already:
    here the parts of all steps add up."""
    rows_h, rows_dy = h.reshape(-1, h.shape[2]), dy.reshape(-1, dy.shape[2])
    grads = Readout(rows_h.T @ rows_dy / h.shape[0], rows_dy.sum(axis=0) / h.shape[0])
    return grads, dy @ params.W_hy.T


@BACKWARD.add
def backward_mutates_input(params, h, dy):
    """The values are right, but you write into what you were given. params are still needed as they are, for the
    update: make a new Readout(W_hy, b_y) for the gradients."""
    rows_h, rows_dy = h.reshape(-1, h.shape[2]), dy.reshape(-1, dy.shape[2])
    dh = dy @ params.W_hy.T
    params.W_hy[:], params.b_y[:] = rows_h.T @ rows_dy, rows_dy.sum(axis=0)
    return params, dh


@BACKWARD.add
def backward_gradients_into_params(params, h, dy):
    """You write the gradients into params, and then make dh from W_hy, which now holds its own gradient:
    leave params as they are, and make a new Readout(W_hy, b_y)."""
    rows_h, rows_dy = h.reshape(-1, h.shape[2]), dy.reshape(-1, dy.shape[2])
    params.W_hy[:], params.b_y[:] = rows_h.T @ rows_dy, rows_dy.sum(axis=0)
    return params, dy @ params.W_hy.T


@BACKWARD.add
def backward_gradients_added_to_params(params, h, dy):
    """You add the gradients to params themselves, with +=. params are still needed as they are, for dh and for the
    update: make a new Readout(W_hy, b_y)."""
    rows_h, rows_dy = h.reshape(-1, h.shape[2]), dy.reshape(-1, dy.shape[2])
    W_hy, b_y = params
    W_hy += rows_h.T @ rows_dy
    b_y += rows_dy.sum(axis=0)
    return params, dy @ W_hy.T


@BACKWARD.add
def backward_weights_not_transposed(params, h, dy):
    """In your dh, W_hy is not transposed: dy is (T, N, K), W_hy is (H, K), and dh has to be (T, N, H)."""
    rows_h, rows_dy = h.reshape(-1, h.shape[2]), dy.reshape(-1, dy.shape[2])
    return Readout(rows_h.T @ rows_dy, rows_dy.sum(axis=0)), dy @ params.W_hy


@BACKWARD.add
def backward_weight_gradient_transposed(params, h, dy):
    """Your gradient of W_hy is transposed: a gradient has the shape of its weight, (H, K)."""
    rows_h, rows_dy = h.reshape(-1, h.shape[2]), dy.reshape(-1, dy.shape[2])
    return Readout(rows_dy.T @ rows_h, rows_dy.sum(axis=0)), dy @ params.W_hy.T


@BACKWARD.add
def backward_assigned_not_accumulated(params, h, dy):
    """Your gradients hold the last step only. One W_hy and one b_y serve all steps:
    add up the parts of all of them instead of overwriting."""
    for h_t, dy_t in zip(h, dy, strict=True):
        grads = Readout(h_t.T @ dy_t, dy_t.sum(axis=0))
    return grads, dy @ params.W_hy.T


@BACKWARD.add
def backward_one_gradient_per_step(params, h, dy):
    """You return one gradient of W_hy and b_y per step, T of them: the parameters are shared, so the parts add up."""
    return Readout(h.swapaxes(1, 2) @ dy, dy.sum(axis=1)), dy @ params.W_hy.T


@BACKWARD.add
def backward_dh_of_last_step_only(params, h, dy):
    """Your dh is zero except at the last step. Every step has an output here, and so a gradient of its own."""
    rows_h, rows_dy = h.reshape(-1, h.shape[2]), dy.reshape(-1, dy.shape[2])
    dh = np.zeros_like(h)
    dh[-1] = dy[-1] @ params.W_hy.T
    return Readout(rows_h.T @ rows_dy, rows_dy.sum(axis=0)), dh


@BACKWARD.add
def backward_tanh_slope_too_early(params, h, dy):
    """You multiply dh by the slope of tanh. That tanh belongs to the cell: dh is asked for at h itself,
    and the cell's own step back goes through tanh."""
    rows_h, rows_dy = h.reshape(-1, h.shape[2]), dy.reshape(-1, dy.shape[2])
    return Readout(rows_h.T @ rows_dy, rows_dy.sum(axis=0)), dy @ params.W_hy.T * (1 - h**2)


@BACKWARD.add
def backward_rows_in_different_orders(params, h, dy):
    """When you flatten steps and batch into rows, h and dy come out in different orders,
    so each state meets the gradient of another. Flatten both the same way."""
    rows_h = h.swapaxes(0, 1).reshape(-1, h.shape[2])
    rows_dy = dy.reshape(-1, dy.shape[2])
    return Readout(rows_h.T @ rows_dy, rows_dy.sum(axis=0)), dy @ params.W_hy.T


@BACKWARD.add
def backward_dh_first(params, h, dy):
    """The two results have changed places: first the gradient of the parameters, then dh."""
    rows_h, rows_dy = h.reshape(-1, h.shape[2]), dy.reshape(-1, dy.shape[2])
    return dy @ params.W_hy.T, Readout(rows_h.T @ rows_dy, rows_dy.sum(axis=0))


@BACKWARD.add
def backward_three_axes_transposed(params, h, dy):
    """.T turns *all* axes round: of h (T, N, H) it makes (H, N, T). Make rows of both first,
    h.reshape(-1, H) and dy.reshape(-1, K), and transpose those."""
    return Readout(h.T @ dy, dy.sum(axis=(0, 1))), dy @ params.W_hy.T


@BACKWARD.add
def backward_bias_summed_over_everything(params, h, dy):
    """Your gradient of b_y is one number: dy.sum() sums over the K outputs too, and each has its own bias.
    Sum over steps and batch only."""
    rows_h, rows_dy = h.reshape(-1, h.shape[2]), dy.reshape(-1, dy.shape[2])
    return Readout(rows_h.T @ rows_dy, dy.sum()), dy @ params.W_hy.T


@BACKWARD.add
def backward_three_results(params, h, dy):
    """You return three arrays. The first two belong together: Readout(W_hy, b_y), and then dh."""
    rows_h, rows_dy = h.reshape(-1, h.shape[2]), dy.reshape(-1, dy.shape[2])
    return rows_h.T @ rows_dy, rows_dy.sum(axis=0), dy @ params.W_hy.T


@BACKWARD.add
def backward_dh_still_in_rows(params, h, dy):
    """The numbers are right, but in your dh steps and batch are still in one axis: give it the shape of h."""
    rows_h, rows_dy = h.reshape(-1, h.shape[2]), dy.reshape(-1, dy.shape[2])
    return Readout(rows_h.T @ rows_dy, rows_dy.sum(axis=0)), rows_dy @ params.W_hy.T


def _backward_case(seed: int, T: int, N: int, H: int, K: int, decimals: int = 2) -> Case:
    rng = np.random.default_rng(seed)
    params = draw_readout(rng, H, K, decimals=decimals)
    h, dy = draw(rng, T, N, H, decimals=decimals), draw(rng, T, N, K, decimals=decimals)
    return Case(sizes(T=T, N=N, H=H, K=K), {"params": params, "h": h, "dy": dy})


def backward_cases() -> tuple[Case, ...]:
    """One output and several, a single sequence, a single step."""
    return (
        _backward_case(46, T=3, N=2, H=4, K=1, decimals=1),
        _backward_case(47, T=4, N=3, H=2, K=5),
        _backward_case(48, T=5, N=1, H=4, K=3),
        _backward_case(49, T=1, N=3, H=5, K=2),
    )


def backward_lesson_case() -> Case:
    """A batch of sunspot windows."""
    return _backward_case(50, T=48, N=41, H=16, K=1)


EXERCISES = (
    Exercise(
        name="readout.forward",
        lesson="01_unrolling_a_recurrent_network",
        minutes=4,
        solution=readout.forward,
        returns=("y",),
        stub='''def my_readout_forward(params, h):
    """y_t = h_t W_hy + b_y for every step. h is (T, N, H), y is (T, N, K)."""
    ...
''',
        hints=(
            "The same linear map at every step and for every sequence: one product, one bias, nothing else.",
            "h is (T, N, H), W_hy (H, K), b_y (K,). @ multiplies along the last axis of h "
            "and leaves the axes in front of it alone, so no loop over T is needed.",
            "h on the left of @, params.W_hy on the right; adding params.b_y stretches it over T and N.",
        ),
        make_cases=forward_cases,
        make_lesson_case=forward_lesson_case,
        misconceptions=FORWARD.catalogue,
    ),
    Exercise(
        name="readout.backward",
        lesson="02_backpropagation_through_time",
        minutes=8,
        solution=readout.backward,
        returns=("grads", "dh"),
        stub='''def my_readout_backward(params, h, dy):
    """From dL/dy (T, N, K) to grads = Readout(W_hy, b_y) and dh (T, N, H)."""
    ...
''',
        hints=(
            "y is a product plus a bias. Each factor of the product gets dy times the other factor; "
            "and as W_hy and b_y serve every step and sequence, their parts add up.",
            "The gradient of W_hy is (H, K), that of b_y (K,), dh is (T, N, H). If you flatten the T and N axes into "
            "T·N rows, the sum over steps and batch is what a matrix product does anyway.",
            "With rows of shape (T·N, H) and (T·N, K), W_hy gets rows_h.T @ rows_dy, "
            "and b_y the sum of rows_dy over its first axis. dh is dy times W_hy, transposed.",
        ),
        make_cases=backward_cases,
        make_lesson_case=backward_lesson_case,
        misconceptions=BACKWARD.catalogue,
    ),
)
