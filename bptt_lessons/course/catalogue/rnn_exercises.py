"""Exercises on the plain cell: one step (lesson 01) and one step back (lesson 02)."""
# mypy: allow-untyped-defs, allow-untyped-calls
# (the wrong answers are written as learners write, without annotations)

from __future__ import annotations

import math

import numpy as np

from bptt_lessons.cells import rnn
from bptt_lessons.cells.activations import sigmoid
from bptt_lessons.cells.rnn import Cache, Params
from bptt_lessons.course.catalogue.draws import draw, draw_rnn, sizes
from bptt_lessons.course.catalogue.mistakes import Mistakes
from bptt_lessons.course.exercises import Case, Exercise

STEP = Mistakes("step")


@STEP.add
def step_no_tanh(params, x, h_prev):
    """Your h is the pre-activation z_t itself: it still has to go through tanh, which keeps h between -1 and 1."""
    h = x @ params.W_xh + h_prev @ params.W_hh + params.b_h
    return h, Cache(x, h_prev, h)


@STEP.add
def step_no_bias(params, x, h_prev):
    """Everything is there but the bias: z_t has three terms, and b_h is the third."""
    h = np.tanh(x @ params.W_xh + h_prev @ params.W_hh)
    return h, Cache(x, h_prev, h)


@STEP.add
def step_no_h_prev(params, x, h_prev):
    """Your step forgets: h depends on x only, so nothing can travel from step to step.
    Which term of z_t carries h_{t-1}?"""
    h = np.tanh(x @ params.W_xh + params.b_h)
    return h, Cache(x, h_prev, h)


@STEP.add
def step_no_input(params, x, h_prev):
    """Your step does not look at x: the term of z_t that brings the input in is missing."""
    h = np.tanh(h_prev @ params.W_hh + params.b_h)
    return h, Cache(x, h_prev, h)


@STEP.add
def step_recurrent_weights_transposed(params, x, h_prev):
    """Your W_hh is transposed. It is square, so nothing complains, but row i of W_hh holds what unit i sends out:
    with row vectors, h_prev stands on the left and W_hh is used as it is."""
    h = np.tanh(x @ params.W_xh + h_prev @ params.W_hh.T + params.b_h)
    return h, Cache(x, h_prev, h)


@STEP.add
def step_product_with_x_does_not_fit(params, x, h_prev):
    """The product with x does not fit. Subscripts say what a matrix is for: x (N, D) goes with W_xh (D, H), h_prev
    (N, H) with W_hh (H, H); the rows stand on the left, and nothing is transposed."""
    h = np.tanh(x @ params.W_xh.T + h_prev @ params.W_hh + params.b_h)
    return h, Cache(x, h_prev, h)


@STEP.add
def step_product_with_h_prev_does_not_fit(params, x, h_prev):
    """The product with h_prev does not fit. Subscripts say what a matrix is for: h_prev (N, H) goes with W_hh (H, H),
    x (N, D) with W_xh (D, H); the rows stand on the left, and nothing is transposed."""
    h = np.tanh(h_prev @ params.W_xh + x @ params.W_hh + params.b_h)
    return h, Cache(x, h_prev, h)


@STEP.add
def step_weights_on_the_left(params, x, h_prev):
    """You put the weights on the left, as for column vectors. Here each sequence is a row:
    x is (N, D), W_xh is (D, H), and x comes first."""
    h = np.tanh(params.W_xh @ x + params.W_hh @ h_prev + params.b_h)
    return h, Cache(x, h_prev, h)


@STEP.add
def step_elementwise_product(params, x, h_prev):
    """The star multiplies entry by entry; each unit needs the sum over all its inputs, a matrix product: @."""
    h = np.tanh(x * params.W_xh + h_prev * params.W_hh + params.b_h)
    return h, Cache(x, h_prev, h)


@STEP.add
def step_tanh_of_h_prev(params, x, h_prev):
    """You apply tanh to h_{t-1}, which has been through it already, and leave z_t as it is:
    tanh goes round the whole of z_t, once."""
    h = x @ params.W_xh + np.tanh(h_prev) @ params.W_hh + params.b_h
    return h, Cache(x, h_prev, h)


@STEP.add
def step_tanh_of_h_prev_too(params, x, h_prev):
    """h_{t-1} has already been through tanh when it reaches you, and you send it through once more:
    use it as it comes."""
    h = np.tanh(x @ params.W_xh + np.tanh(h_prev) @ params.W_hh + params.b_h)
    return h, Cache(x, h_prev, h)


@STEP.add
def step_bias_outside_tanh(params, x, h_prev):
    """Your bias is added after tanh, so h can leave the range from -1 to 1: b_h is a part of z_t."""
    h = np.tanh(x @ params.W_xh + h_prev @ params.W_hh) + params.b_h
    return h, Cache(x, h_prev, h)


@STEP.add
def step_tanh_of_each_term(params, x, h_prev):
    """You take tanh of the terms one by one and then add them up: add first, then take tanh of the sum."""
    h = np.tanh(x @ params.W_xh) + np.tanh(h_prev @ params.W_hh) + np.tanh(params.b_h)
    return h, Cache(x, h_prev, h)


@STEP.add
def step_sigmoid_for_tanh(params, x, h_prev):
    """Your h lies between 0 and 1: that is the sigmoid. This cell uses tanh."""
    h = sigmoid(x @ params.W_xh + h_prev @ params.W_hh + params.b_h)
    return h, Cache(x, h_prev, h)


@STEP.add
def step_z_in_the_cache(params, x, h_prev):
    """Your h is right, but the cache holds z_t where it should hold h_t:
    the way back needs the slope of tanh, and that is written with the value h_t."""
    z = x @ params.W_xh + h_prev @ params.W_hh + params.b_h
    h = np.tanh(z)
    return h, Cache(x, h_prev, z)


@STEP.add
def step_h_for_h_prev_in_the_cache(params, x, h_prev):
    """Your h is right, but cache.h_prev holds the new state: it should be the state that came in,
    which the gradient of W_hh will need."""
    h = np.tanh(x @ params.W_xh + h_prev @ params.W_hh + params.b_h)
    return h, Cache(x, h, h)


@STEP.add
def step_cache_in_another_order(params, x, h_prev):
    """Your h is right, but old and new state have changed places in the cache: its fields are x, h_prev, h."""
    h = np.tanh(x @ params.W_xh + h_prev @ params.W_hh + params.b_h)
    return h, Cache(x, h, h_prev)


@STEP.add
def step_mutates_input(params, x, h_prev):
    """The values are right, but you write the new state into h_prev, and whoever called you may still need the old one:
    give the new state an array of its own."""
    old = h_prev.copy()
    h_prev[:] = np.tanh(x @ params.W_xh + old @ params.W_hh + params.b_h)
    return h_prev, Cache(x, old, h_prev)


@STEP.add
def step_writes_new_state_into_h_prev(params, x, h_prev):
    """h_prev[:] = ... writes the new state into the array that you were given: whoever called you loses the old state,
    and so does your cache, whose h_prev now shows the new one. Give the new state a name of its own, h = ..."""
    h_prev[:] = np.tanh(x @ params.W_xh + h_prev @ params.W_hh + params.b_h)
    return h_prev, Cache(x, h_prev, h_prev)


@STEP.add
def step_x_and_h_prev_exchanged_in_the_cache(params, x, h_prev):
    """Your h is right, but x and h_prev have changed places in the cache: its fields are x, h_prev, h."""
    h = np.tanh(x @ params.W_xh + h_prev @ params.W_hh + params.b_h)
    return h, Cache(h_prev, x, h)


@STEP.add
def step_cache_not_returned(params, x, h_prev):
    """You return h alone. A step returns two things: h, and Cache(x, h_prev, h) for the way back."""
    return np.tanh(x @ params.W_xh + h_prev @ params.W_hh + params.b_h)


@STEP.add
def step_bare_name(params, x, h_prev):
    """The arrays are fields of params and have no names of their own: write params.W_xh, params.W_hh, params.b_h
    (or first W_xh, W_hh, b_h = params)."""
    h = np.tanh(x @ W_xh + h_prev @ W_hh + b_h)  # type: ignore[name-defined]  # noqa: F821
    return h, Cache(x, h_prev, h)


@STEP.add
def step_bare_tanh(params, x, h_prev):
    """Python itself has no tanh; NumPy's is np.tanh."""
    h = tanh(x @ params.W_xh + h_prev @ params.W_hh + params.b_h)  # type: ignore[name-defined]  # noqa: F821
    return h, Cache(x, h_prev, h)


@STEP.add
def step_math_tanh(params, x, h_prev):
    """math.tanh takes one number, and z is an array: np.tanh takes every entry in turn."""
    h = math.tanh(x @ params.W_xh + h_prev @ params.W_hh + params.b_h)
    return h, Cache(x, h_prev, h)  # type: ignore[arg-type]


@STEP.add
def step_params_as_a_dict(params, x, h_prev):
    """params is a NamedTuple, not a dict: its fields follow a dot, params.W_xh."""
    h = np.tanh(x @ params["W_xh"] + h_prev @ params["W_hh"] + params["b_h"])
    return h, Cache(x, h_prev, h)


@STEP.add
def step_bias_minus(params, x, h_prev):
    """You subtract the bias: z_t is a sum of three terms, and b_h is added."""
    h = np.tanh(x @ params.W_xh + h_prev @ params.W_hh - params.b_h)
    return h, Cache(x, h_prev, h)


@STEP.add
def step_leaks_old_state(params, x, h_prev):
    """You add h_prev to the new state. The old state reaches the new one only through W_hh, inside tanh."""
    h = h_prev + np.tanh(x @ params.W_xh + h_prev @ params.W_hh + params.b_h)
    return h, Cache(x, h_prev, h)


def _step_case(seed: int, N: int, D: int, H: int, scale: float = 0.9, decimals: int = 2) -> Case:
    rng = np.random.default_rng(seed)
    params = draw_rnn(rng, D, H, decimals=decimals)
    x, h_prev = draw(rng, N, D, scale=scale, decimals=decimals), draw(rng, N, H, decimals=decimals)
    return Case(sizes(N=N, D=D, H=H), {"params": params, "x": x, "h_prev": h_prev})


def step_cases() -> tuple[Case, ...]:
    """Different sizes, a single sequence, inputs that saturate."""
    return (
        _step_case(3, N=2, D=1, H=3, decimals=1),
        _step_case(4, N=4, D=3, H=5),
        _step_case(5, N=1, D=4, H=2),
        _step_case(6, N=3, D=5, H=4, scale=9.0),
    )


def step_lesson_case() -> Case:
    """One step of the largest batch that a lesson uses."""
    return _step_case(7, N=1000, D=1, H=16)


STEP_BACKWARD = Mistakes("step_backward")


@STEP_BACKWARD.add
def step_backward_no_tanh(params, cache, dh):
    """You pass dh on as it is. Between h_t and the weights stands tanh:
    multiply by its slope first, which gives dz."""
    grads = Params(cache.x.T @ dh, cache.h_prev.T @ dh, dh.sum(axis=0))
    return grads, dh @ params.W_xh.T, dh @ params.W_hh.T


@STEP_BACKWARD.add
def step_backward_slope_of_z(params, cache, dh):
    """Your slope is 1 - z_t². The slope of tanh at z_t is 1 - tanh(z_t)²: the value h_t is squared,
    not the pre-activation."""
    z = cache.x @ params.W_xh + cache.h_prev @ params.W_hh + params.b_h
    dz = dh * (1 - z**2)
    grads = Params(cache.x.T @ dz, cache.h_prev.T @ dz, dz.sum(axis=0))
    return grads, dz @ params.W_xh.T, dz @ params.W_hh.T


@STEP_BACKWARD.add
def step_backward_tanh_of_h(params, cache, dh):
    """You take tanh of cache.h, but h_t is post-activation: it has been through tanh already.
    The slope 1 - tanh(z_t)² is written with h_t as it stands."""
    dz = dh * (1 - np.tanh(cache.h) ** 2)
    grads = Params(cache.x.T @ dz, cache.h_prev.T @ dz, dz.sum(axis=0))
    return grads, dz @ params.W_xh.T, dz @ params.W_hh.T


@STEP_BACKWARD.add
def step_backward_slope_not_squared(params, cache, dh):
    """Your slope of tanh is 1 - h_t, without the square: it should be 1 at h_t = 0 and 0 at both ends, +1 and -1."""
    dz = dh * (1 - cache.h)
    grads = Params(cache.x.T @ dz, cache.h_prev.T @ dz, dz.sum(axis=0))
    return grads, dz @ params.W_xh.T, dz @ params.W_hh.T


@STEP_BACKWARD.add
def step_backward_slope_of_sigmoid(params, cache, dh):
    """h (1 - h) is the slope of the sigmoid; this cell uses tanh, whose slope is another function of h_t."""
    dz = dh * cache.h * (1 - cache.h)
    grads = Params(cache.x.T @ dz, cache.h_prev.T @ dz, dz.sum(axis=0))
    return grads, dz @ params.W_xh.T, dz @ params.W_hh.T


@STEP_BACKWARD.add
def step_backward_slope_at_h_prev(params, cache, dh):
    """You take the slope of tanh at h_{t-1}. dh is the gradient of h_t, so the tanh to go back through
    is the one that made h_t."""
    dz = dh * (1 - cache.h_prev**2)
    grads = Params(cache.x.T @ dz, cache.h_prev.T @ dz, dz.sum(axis=0))
    return grads, dz @ params.W_xh.T, dz @ params.W_hh.T


@STEP_BACKWARD.add
def step_backward_h_for_h_prev(params, cache, dh):
    """In your gradient of W_hh stands h_t. Look at the equation of z_t: which state is W_hh multiplied by?"""
    dz = dh * (1 - cache.h**2)
    grads = Params(cache.x.T @ dz, cache.h.T @ dz, dz.sum(axis=0))
    return grads, dz @ params.W_xh.T, dz @ params.W_hh.T


@STEP_BACKWARD.add
def step_backward_recurrent_weights_not_transposed(params, cache, dh):
    """In your dh_prev, W_hh is not transposed. Forward, W_hh takes h_{t-1} to z_t;
    what takes dz back the same way has rows and columns exchanged."""
    dz = dh * (1 - cache.h**2)
    grads = Params(cache.x.T @ dz, cache.h_prev.T @ dz, dz.sum(axis=0))
    return grads, dz @ params.W_xh.T, dz @ params.W_hh


@STEP_BACKWARD.add
def step_backward_both_recurrent_transposes(params, cache, dh):
    """Two transposes are wrong, and W_hh, being square, does not complain: its gradient has rows for h_{t-1} and
    columns for z_t, like W_hh, and in dh_prev W_hh is transposed. W_xh and dx show how."""
    dz = dh * (1 - cache.h**2)
    grads = Params(cache.x.T @ dz, dz.T @ cache.h_prev, dz.sum(axis=0))
    return grads, dz @ params.W_xh.T, dz @ params.W_hh


@STEP_BACKWARD.add
def step_backward_input_weights_not_transposed(params, cache, dh):
    """In your dx, W_xh is not transposed: dz is (N, H), W_xh is (D, H), and dx has to be (N, D)."""
    dz = dh * (1 - cache.h**2)
    grads = Params(cache.x.T @ dz, cache.h_prev.T @ dz, dz.sum(axis=0))
    return grads, dz @ params.W_xh, dz @ params.W_hh.T


@STEP_BACKWARD.add
def step_backward_recurrent_gradient_transposed(params, cache, dh):
    """Your gradient of W_hh is the transpose of the right one, and being square it does not complain:
    rows belong to h_{t-1}, columns to z_t, as in W_hh itself."""
    dz = dh * (1 - cache.h**2)
    grads = Params(cache.x.T @ dz, dz.T @ cache.h_prev, dz.sum(axis=0))
    return grads, dz @ params.W_xh.T, dz @ params.W_hh.T


@STEP_BACKWARD.add
def step_backward_weight_gradients_transposed(params, cache, dh):
    """Your weight gradients are transposed: a gradient has the shape of its weight,
    rows for what goes in, columns for z_t."""
    dz = dh * (1 - cache.h**2)
    grads = Params(dz.T @ cache.x, dz.T @ cache.h_prev, dz.sum(axis=0))
    return grads, dz @ params.W_xh.T, dz @ params.W_hh.T


@STEP_BACKWARD.add
def step_backward_bias_not_summed_over_the_batch(params, cache, dh):
    """Your gradient of b_h still has one row per sequence. The one b_h is added to all N rows of z_t,
    so the gradients of the rows add up."""
    dz = dh * (1 - cache.h**2)
    grads = Params(cache.x.T @ dz, cache.h_prev.T @ dz, dz)
    return grads, dz @ params.W_xh.T, dz @ params.W_hh.T


@STEP_BACKWARD.add
def step_backward_bias_summed_over_units(params, cache, dh):
    """Your gradient of b_h is summed over the hidden units. Each unit has its own bias;
    what they share is the batch, so sum over that axis."""
    dz = dh * (1 - cache.h**2)
    grads = Params(cache.x.T @ dz, cache.h_prev.T @ dz, dz.sum(axis=1))
    return grads, dz @ params.W_xh.T, dz @ params.W_hh.T


@STEP_BACKWARD.add
def step_backward_bias_keeps_an_axis(params, cache, dh):
    """Your gradient of b_h has the right numbers in the wrong shape, (1, H): b_h is (H,), and so is its gradient."""
    dz = dh * (1 - cache.h**2)
    grads = Params(cache.x.T @ dz, cache.h_prev.T @ dz, dz.sum(axis=0, keepdims=True))
    return grads, dz @ params.W_xh.T, dz @ params.W_hh.T


@STEP_BACKWARD.add
def step_backward_bias_averaged(params, cache, dh):
    """You average the gradient of b_h over the batch. The average belongs to the loss, and is in dh already:
    here the parts add up."""
    dz = dh * (1 - cache.h**2)
    grads = Params(cache.x.T @ dz, cache.h_prev.T @ dz, dz.mean(axis=0))
    return grads, dz @ params.W_xh.T, dz @ params.W_hh.T


@STEP_BACKWARD.add
def step_backward_averaged_over_the_batch(params, cache, dh):
    """You divide the parameters' gradients by N. The average belongs to the loss, and is in dh already:
    dividing here as well counts it twice."""
    dz = dh * (1 - cache.h**2)
    N = len(dh)
    grads = Params(cache.x.T @ dz / N, cache.h_prev.T @ dz / N, dz.sum(axis=0) / N)
    return grads, dz @ params.W_xh.T, dz @ params.W_hh.T


@STEP_BACKWARD.add
def step_backward_dh_for_dz_in_the_weights(params, cache, dh):
    """dx and dh_prev are right, but the parameters' gradients are made from dh. The weights act on z_t,
    before tanh, so theirs is dz too."""
    dz = dh * (1 - cache.h**2)
    grads = Params(cache.x.T @ dh, cache.h_prev.T @ dh, dh.sum(axis=0))
    return grads, dz @ params.W_xh.T, dz @ params.W_hh.T


@STEP_BACKWARD.add
def step_backward_dh_for_dz_going_back(params, cache, dh):
    """The parameters' gradients are right, but dx and dh_prev are made from dh: they too lie on the far side of tanh,
    so dz is what has to be sent back."""
    dz = dh * (1 - cache.h**2)
    grads = Params(cache.x.T @ dz, cache.h_prev.T @ dz, dz.sum(axis=0))
    return grads, dh @ params.W_xh.T, dh @ params.W_hh.T


@STEP_BACKWARD.add
def step_backward_dh_for_dz_in_dh_prev(params, cache, dh):
    """Only dh_prev is off: it is made from dh. h_{t-1} enters z_t, before tanh, so what goes back through W_hh is
    dz."""
    dz = dh * (1 - cache.h**2)
    grads = Params(cache.x.T @ dz, cache.h_prev.T @ dz, dz.sum(axis=0))
    return grads, dz @ params.W_xh.T, dh @ params.W_hh.T


@STEP_BACKWARD.add
def step_backward_dh_for_dz_in_dx(params, cache, dh):
    """Only dx is off: it is made from dh. x_t enters z_t, before tanh, so what goes back through W_xh is dz."""
    dz = dh * (1 - cache.h**2)
    grads = Params(cache.x.T @ dz, cache.h_prev.T @ dz, dz.sum(axis=0))
    return grads, dh @ params.W_xh.T, dz @ params.W_hh.T


@STEP_BACKWARD.add
def step_backward_cache_taken_apart_from_its_end(params, cache, dh):
    """You take the cache apart in another order than it has: x, h_prev, h = cache. Your h holds x, and your x holds h.
    By name, cache.h and cache.x, it cannot go wrong."""
    h, h_prev, x = cache
    dz = dh * (1 - h**2)
    grads = Params(x.T @ dz, h_prev.T @ dz, dz.sum(axis=0))
    return grads, dz @ params.W_xh.T, dz @ params.W_hh.T


@STEP_BACKWARD.add
def step_backward_cache_in_reverse_with_the_slope_first(params, cache, dh):
    """What you call h is x, the cache's first field, and what you call x is h: the order is x, h_prev, h = cache.
    By name, cache.h and cache.x, it cannot go wrong."""
    h, h_prev, x = cache
    dz = (1 - h**2) * dh
    grads = Params(x.T @ dz, h_prev.T @ dz, dz.sum(axis=0))
    return grads, dz @ params.W_xh.T, dz @ params.W_hh.T


@STEP_BACKWARD.add
def step_backward_old_and_new_state_exchanged(params, cache, dh):
    """Old and new state have changed places: your h holds h_{t-1}, your h_prev holds h_t. The order in the cache is
    x, h_prev, h."""
    x, h, h_prev = cache
    dz = dh * (1 - h**2)
    grads = Params(x.T @ dz, h_prev.T @ dz, dz.sum(axis=0))
    return grads, dz @ params.W_xh.T, dz @ params.W_hh.T


@STEP_BACKWARD.add
def step_backward_dz_for_dh_prev(params, cache, dh):
    """You return dz where dh_prev is asked for: between z_t and h_{t-1} lies W_hh, and the gradient has to cross it."""
    dz = dh * (1 - cache.h**2)
    grads = Params(cache.x.T @ dz, cache.h_prev.T @ dz, dz.sum(axis=0))
    return grads, dz @ params.W_xh.T, dz


@STEP_BACKWARD.add
def step_backward_dx_and_dh_prev_exchanged(params, cache, dh):
    """dx and dh_prev have changed places: the order is grads, dx, dh_prev, of the shapes of x (N, D) and h (N, H)."""
    dz = dh * (1 - cache.h**2)
    grads = Params(cache.x.T @ dz, cache.h_prev.T @ dz, dz.sum(axis=0))
    return grads, dz @ params.W_hh.T, dz @ params.W_xh.T


@STEP_BACKWARD.add
def step_backward_clips_inside(params, cache, dh):
    """You clip inside the gradient, so for large dh it is no longer the gradient of anything.
    Clipping, if at all, belongs between the gradient and the update."""
    dz = dh * (1 - cache.h**2)
    grads = Params(*(np.clip(g, -5, 5) for g in (cache.x.T @ dz, cache.h_prev.T @ dz, dz.sum(axis=0))))
    return grads, dz @ params.W_xh.T, dz @ params.W_hh.T


@STEP_BACKWARD.add
def step_backward_mutates_input(params, cache, dh):
    """The values are right, but *= writes into dh, which belongs to whoever called you:
    give the product a new name, dz."""
    dh *= 1 - cache.h**2
    grads = Params(cache.x.T @ dh, cache.h_prev.T @ dh, dh.sum(axis=0))
    return grads, dh @ params.W_xh.T, dh @ params.W_hh.T


@STEP_BACKWARD.add
def step_backward_dh_forgotten(params, cache, dh):
    """Your dz is the slope of tanh alone, whatever dh is: by the chain rule it is dh times the slope."""
    dz = 1 - cache.h**2
    grads = Params(cache.x.T @ dz, cache.h_prev.T @ dz, dz.sum(axis=0))
    return grads, dz @ params.W_xh.T, dz @ params.W_hh.T


@STEP_BACKWARD.add
def step_backward_one_forgotten(params, cache, dh):
    """Your slope of tanh is h_t² alone; it should be 1 where h_t is 0, and 0 where h_t is +1 or -1."""
    dz = dh * cache.h**2
    grads = Params(cache.x.T @ dz, cache.h_prev.T @ dz, dz.sum(axis=0))
    return grads, dz @ params.W_xh.T, dz @ params.W_hh.T


@STEP_BACKWARD.add
def step_backward_square_round_the_difference(params, cache, dh):
    """Your slope is (1 - h_t)²: only h_t is squared, 1 - h_t²."""
    dz = dh * (1 - cache.h) ** 2
    grads = Params(cache.x.T @ dz, cache.h_prev.T @ dz, dz.sum(axis=0))
    return grads, dz @ params.W_xh.T, dz @ params.W_hh.T


@STEP_BACKWARD.add
def step_backward_slope_plus(params, cache, dh):
    """Your slope is 1 + h_t²: tanh is steepest at 0 and flat at both ends, so the square is taken away."""
    dz = dh * (1 + cache.h**2)
    grads = Params(cache.x.T @ dz, cache.h_prev.T @ dz, dz.sum(axis=0))
    return grads, dz @ params.W_xh.T, dz @ params.W_hh.T


@STEP_BACKWARD.add
def step_backward_no_brackets(params, cache, dh):
    """Without brackets, dh * 1 - h² is dh - h²: Python multiplies first. The slope needs brackets, (1 - cache.h**2)."""
    dz = dh * 1 - cache.h**2
    grads = Params(cache.x.T @ dz, cache.h_prev.T @ dz, dz.sum(axis=0))
    return grads, dz @ params.W_xh.T, dz @ params.W_hh.T


@STEP_BACKWARD.add
def step_backward_product_that_does_not_fit(params, cache, dh):
    """Look at the @ in the line below: one side ends with N where the other begins with H, or the other way round.
    The slope of tanh wants the star, entry by entry; h_prev is transposed; and dz stands to the left of a weight."""
    dz = dh @ (1 - cache.h**2)
    grads = Params(cache.x.T @ dz, cache.h_prev.T @ dz, dz.sum(axis=0))
    return grads, dz @ params.W_xh.T, dz @ params.W_hh.T


@STEP_BACKWARD.add
def step_backward_x_not_transposed(params, cache, dh):
    """Look at the @ in the line below: D on one side meets N on the other. In the gradient of W_xh the sum runs over
    the batch, so cache.x is transposed; in dx it runs over the units, with dz on the left of W_xh, transposed."""
    dz = dh * (1 - cache.h**2)
    grads = Params(cache.x @ dz, cache.h_prev @ dz, dz.sum(axis=0))
    return grads, dz @ params.W_xh.T, dz @ params.W_hh.T


@STEP_BACKWARD.add
def step_backward_bias_summed_over_everything(params, cache, dh):
    """Your gradient of b_h is one number: dz.sum() sums over the units too. Each unit has its own bias,
    so sum over the batch only, axis=0."""
    dz = dh * (1 - cache.h**2)
    grads = Params(cache.x.T @ dz, cache.h_prev.T @ dz, dz.sum())
    return grads, dz @ params.W_xh.T, dz @ params.W_hh.T


@STEP_BACKWARD.add
def step_backward_bias_from_dh(params, cache, dh):
    """Your gradient of b_h is the sum of dh. The bias is added inside tanh, to z_t, so it is dz that is summed."""
    dz = dh * (1 - cache.h**2)
    grads = Params(cache.x.T @ dz, cache.h_prev.T @ dz, dh.sum(axis=0))
    return grads, dz @ params.W_xh.T, dz @ params.W_hh.T


@STEP_BACKWARD.add
def step_backward_five_results(params, cache, dh):
    """You return five arrays. The first three belong together: Params(W_xh, W_hh, b_h), and then dx and dh_prev."""
    dz = dh * (1 - cache.h**2)
    return cache.x.T @ dz, cache.h_prev.T @ dz, dz.sum(axis=0), dz @ params.W_xh.T, dz @ params.W_hh.T


@STEP_BACKWARD.add
def step_backward_fields_exchanged(params, cache, dh):
    """Your gradients of W_xh and W_hh have changed places: the fields of Params are W_xh, W_hh, b_h, in this order."""
    dz = dh * (1 - cache.h**2)
    grads = Params(cache.h_prev.T @ dz, cache.x.T @ dz, dz.sum(axis=0))
    return grads, dz @ params.W_xh.T, dz @ params.W_hh.T


@STEP_BACKWARD.add
def step_backward_dh_added_to_dh_prev(params, cache, dh):
    """You add dh to dh_prev. What reaches h_{t-1} through this step comes by way of W_hh only;
    the loss at t - 1 is added by the loop, later."""
    dz = dh * (1 - cache.h**2)
    grads = Params(cache.x.T @ dz, cache.h_prev.T @ dz, dz.sum(axis=0))
    return grads, dz @ params.W_xh.T, dz @ params.W_hh.T + dh


@STEP_BACKWARD.add
def step_backward_slope_twice(params, cache, dh):
    """You multiply dh_prev by a slope of tanh as well. The tanh that made h_{t-1} belongs to the step before:
    its own step back will go through it."""
    dz = dh * (1 - cache.h**2)
    grads = Params(cache.x.T @ dz, cache.h_prev.T @ dz, dz.sum(axis=0))
    return grads, dz @ params.W_xh.T, dz @ params.W_hh.T * (1 - cache.h_prev**2)


@STEP_BACKWARD.add
def step_backward_bare_name(params, cache, dh):
    """h is a field of the cache and has no name of its own: write cache.h (or first x, h_prev, h = cache)."""
    dz = dh * (1 - h**2)  # type: ignore[name-defined]  # noqa: F821
    grads = Params(x.T @ dz, h_prev.T @ dz, dz.sum(axis=0))  # type: ignore[name-defined]  # noqa: F821
    return grads, dz @ params.W_xh.T, dz @ params.W_hh.T


@STEP_BACKWARD.add
def step_backward_caret(params, cache, dh):
    """In Python ^ is not a power but an operation on bits: the square is cache.h**2."""
    dz = dh * (1 - cache.h ^ 2)
    grads = Params(cache.x.T @ dz, cache.h_prev.T @ dz, dz.sum(axis=0))
    return grads, dz @ params.W_xh.T, dz @ params.W_hh.T


def _step_backward_case(seed: int, N: int, D: int, H: int, scale: float = 0.9, decimals: int = 2) -> Case:
    rng = np.random.default_rng(seed)
    params = draw_rnn(rng, D, H, decimals=decimals)
    _, cache = rnn.step(params, draw(rng, N, D, decimals=decimals), draw(rng, N, H, decimals=decimals))
    dh = draw(rng, N, H, scale=scale, decimals=decimals)
    return Case(sizes(N=N, D=D, H=H), {"params": params, "cache": cache, "dh": dh})


def step_backward_cases() -> tuple[Case, ...]:
    """Different sizes, a single sequence, a gradient that is large."""
    return (
        _step_backward_case(8, N=2, D=1, H=3, decimals=1),
        _step_backward_case(9, N=4, D=3, H=5),
        _step_backward_case(10, N=1, D=4, H=2),
        _step_backward_case(11, N=3, D=5, H=4, scale=90.0),
    )


def step_backward_lesson_case() -> Case:
    """One step back of the sunspot net."""
    return _step_backward_case(12, N=41, D=1, H=16)


EXERCISES = (
    Exercise(
        name="rnn.step",
        lesson="01_unrolling_a_recurrent_network",
        minutes=6,
        solution=rnn.step,
        returns=("h", "cache"),
        stub='''def my_rnn_step(params, x, h_prev):
    """z_t = x_t W_xh + h_{t-1} W_hh + b_h, h_t = tanh(z_t). Return h and Cache(x, h_prev, h)."""
    ...
''',
        hints=(
            "The new state is a squashed sum of three things: what comes in now, what was remembered, and a bias. "
            "The cache keeps what the way back will need.",
            "x is (N, D), W_xh (D, H), h_prev (N, H), W_hh (H, H), b_h (H,): "
            "each term of z is (N, H), or is stretched to it. @ is the matrix product.",
            "z is x @ params.W_xh plus a second product plus params.b_h; h is np.tanh of it; "
            "return the pair h, Cache(x, h_prev, h).",
        ),
        make_cases=step_cases,
        make_lesson_case=step_lesson_case,
        misconceptions=STEP.catalogue,
    ),
    Exercise(
        name="rnn.step_backward",
        lesson="02_backpropagation_through_time",
        minutes=15,
        solution=rnn.step_backward,
        returns=("grads", "dx", "dh_prev"),
        stub='''def my_rnn_step_backward(params, cache, dh):
    """From the total dL/dh_t to grads (Params), dx and dh_prev. cache has the fields x, h_prev and h."""
    ...
''',
        hints=(
            "First back through tanh, from dh to dz. Then z_t is a sum of products, "
            "and each factor of a product gets dz times the other factor.",
            "dz is (N, H). Every gradient has the shape of what it belongs to: "
            "W_xh (D, H), W_hh (H, H), b_h (H,), dx (N, D), dh_prev (N, H). "
            "That settles which factor is transposed and on which side it stands, except for W_hh, which is square: "
            "do there as for W_xh.",
            "dz is dh times 1 - cache.h**2. The gradient of W_xh is cache.x.T @ dz, and dx is dz @ params.W_xh.T; "
            "the two for W_hh look just like them. b_h was added to every row of the batch: sum dz over that axis.",
        ),
        make_cases=step_backward_cases,
        make_lesson_case=step_backward_lesson_case,
        misconceptions=STEP_BACKWARD.catalogue,
    ),
)
