"""Exercises on the GRU: one step, and one step back (lesson 07)."""
# mypy: allow-untyped-defs, allow-untyped-calls
# (the wrong answers are written as learners write, without annotations)

from __future__ import annotations

import numpy as np

from bptt_lessons.cells import gru, lstm
from bptt_lessons.cells.activations import sigmoid
from bptt_lessons.cells.gru import Cache, Params
from bptt_lessons.course.catalogue.draws import draw, draw_gru, sizes
from bptt_lessons.course.catalogue.mistakes import Mistakes
from bptt_lessons.course.exercises import Case, Exercise

STEP = Mistakes("step")


@STEP.add
def step_u_and_one_minus_u_exchanged(params, x, h_prev):
    """Your update gate works the other way round, as in some papers: here u says how much of the old state stays, (1 -
    u) ⊙ g + u ⊙ h_{t-1}."""
    x_r, x_u, x_g = np.split(x @ params.W_xh + params.b_h, 3, axis=1)
    h_r, h_u, h_g = np.split(h_prev @ params.W_hh, 3, axis=1)
    r, u = sigmoid(x_r + h_r), sigmoid(x_u + h_u)
    s = h_g + params.b_hg
    g = np.tanh(x_g + r * s)
    h = u * g + (1 - u) * h_prev
    return h, Cache(x, h_prev, r, u, g, s)


@STEP.add
def step_reset_gate_before_the_product(params, x, h_prev):
    """You multiply h_{t-1} by r and then by W_hg, as the published version of Cho et al. 2014 does, and gru_reset_first
    in the package. Here, as in PyTorch and in their first version, the product comes first: r multiplies h_{t-1} W_hg +
    b_hg."""
    x_r, x_u, x_g = np.split(x @ params.W_xh + params.b_h, 3, axis=1)
    h_r, h_u, _ = np.split(h_prev @ params.W_hh, 3, axis=1)
    r, u = sigmoid(x_r + h_r), sigmoid(x_u + h_u)
    H = h_prev.shape[1]
    s = (r * h_prev) @ params.W_hh[:, 2 * H :] + params.b_hg
    g = np.tanh(x_g + s)
    h = (1 - u) * g + u * h_prev
    return h, Cache(x, h_prev, r, u, g, s)


@STEP.add
def step_reset_twice(params, x, h_prev):
    """You reset twice: h_{t-1} is multiplied by r before W_hg, and s again after it. Here r comes once, after the
    product: s = h_{t-1} W_hg + b_hg, and then r ⊙ s."""
    x_r, x_u, x_g = np.split(x @ params.W_xh + params.b_h, 3, axis=1)
    h_r, h_u, _ = np.split(h_prev @ params.W_hh, 3, axis=1)
    r, u = sigmoid(x_r + h_r), sigmoid(x_u + h_u)
    H = h_prev.shape[1]
    s = (r * h_prev) @ params.W_hh[:, 2 * H :] + params.b_hg
    g = np.tanh(x_g + r * s)
    h = (1 - u) * g + u * h_prev
    return h, Cache(x, h_prev, r, u, g, s)


@STEP.add
def step_reset_gate_before_the_product_and_s_after(params, x, h_prev):
    """Your cache has the right s, but g is made with (r ⊙ h_{t-1}) W_hg, as in the published version of Cho et al. 2014
    and in gru_reset_first. Here the product comes first: r multiplies s."""
    x_r, x_u, x_g = np.split(x @ params.W_xh + params.b_h, 3, axis=1)
    h_r, h_u, h_g = np.split(h_prev @ params.W_hh, 3, axis=1)
    r, u = sigmoid(x_r + h_r), sigmoid(x_u + h_u)
    s = h_g + params.b_hg
    g = np.tanh(x_g + (r * h_prev) @ params.W_hh[:, 2 * h_prev.shape[1] :] + params.b_hg)
    h = (1 - u) * g + u * h_prev
    return h, Cache(x, h_prev, r, u, g, s)


@STEP.add
def step_b_hg_outside_the_reset_product(params, x, h_prev):
    """Your b_hg is added outside the reset gate's product. It is a part of s = h_{t-1} W_hg + b_hg, all of which r
    multiplies; this is why it is a bias apart from b_h."""
    x_r, x_u, x_g = np.split(x @ params.W_xh + params.b_h, 3, axis=1)
    h_r, h_u, h_g = np.split(h_prev @ params.W_hh, 3, axis=1)
    r, u = sigmoid(x_r + h_r), sigmoid(x_u + h_u)
    s = h_g
    g = np.tanh(x_g + r * s + params.b_hg)
    h = (1 - u) * g + u * h_prev
    return h, Cache(x, h_prev, r, u, g, s)


@STEP.add
def step_b_hg_outside_and_in_s(params, x, h_prev):
    """Your s holds b_hg, as it should, but g is made with b_hg outside the reset gate's product: r multiplies all of
    s."""
    x_r, x_u, x_g = np.split(x @ params.W_xh + params.b_h, 3, axis=1)
    h_r, h_u, h_g = np.split(h_prev @ params.W_hh, 3, axis=1)
    r, u = sigmoid(x_r + h_r), sigmoid(x_u + h_u)
    s = h_g + params.b_hg
    g = np.tanh(x_g + r * h_g + params.b_hg)
    h = (1 - u) * g + u * h_prev
    return h, Cache(x, h_prev, r, u, g, s)


@STEP.add
def step_b_hg_forgotten(params, x, h_prev):
    """b_hg is missing. It is the bias of s, inside the reset gate's product: s = h_{t-1} W_hg + b_hg."""
    x_r, x_u, x_g = np.split(x @ params.W_xh + params.b_h, 3, axis=1)
    h_r, h_u, h_g = np.split(h_prev @ params.W_hh, 3, axis=1)
    r, u = sigmoid(x_r + h_r), sigmoid(x_u + h_u)
    s = h_g
    g = np.tanh(x_g + r * s)
    h = (1 - u) * g + u * h_prev
    return h, Cache(x, h_prev, r, u, g, s)


@STEP.add
def step_b_hg_missing_from_s_in_the_cache(params, x, h_prev):
    """Your h is right, but the cache's s lacks b_hg: it holds all that the reset gate multiplies, h_{t-1} W_hg +
    b_hg."""
    x_r, x_u, x_g = np.split(x @ params.W_xh + params.b_h, 3, axis=1)
    h_r, h_u, h_g = np.split(h_prev @ params.W_hh, 3, axis=1)
    r, u = sigmoid(x_r + h_r), sigmoid(x_u + h_u)
    s = h_g + params.b_hg
    g = np.tanh(x_g + r * s)
    h = (1 - u) * g + u * h_prev
    return h, Cache(x, h_prev, r, u, g, h_g)


@STEP.add
def step_b_h_forgotten(params, x, h_prev):
    """b_h is missing: each of the three blocks has a bias of its own, added to x W_xh. b_hg is one more, for s."""
    x_r, x_u, x_g = np.split(x @ params.W_xh, 3, axis=1)
    h_r, h_u, h_g = np.split(h_prev @ params.W_hh, 3, axis=1)
    r, u = sigmoid(x_r + h_r), sigmoid(x_u + h_u)
    s = h_g + params.b_hg
    g = np.tanh(x_g + r * s)
    h = (1 - u) * g + u * h_prev
    return h, Cache(x, h_prev, r, u, g, s)


@STEP.add
def step_b_g_forgotten(params, x, h_prev):
    """Your candidate lacks its own bias, the third block of b_h, which is added to x W_xg. b_hg is another one, inside
    the reset gate's product."""
    x_r, x_u, _ = np.split(x @ params.W_xh + params.b_h, 3, axis=1)
    x_g = np.split(x @ params.W_xh, 3, axis=1)[2]
    h_r, h_u, h_g = np.split(h_prev @ params.W_hh, 3, axis=1)
    r, u = sigmoid(x_r + h_r), sigmoid(x_u + h_u)
    s = h_g + params.b_hg
    g = np.tanh(x_g + r * s)
    h = (1 - u) * g + u * h_prev
    return h, Cache(x, h_prev, r, u, g, s)


@STEP.add
def step_b_h_twice(params, x, h_prev):
    """You add b_h to the part of x and to the part of h. PyTorch has two biases for each gate; here r and u have one,
    and only the candidate has a second, b_hg."""
    x_r, x_u, x_g = np.split(x @ params.W_xh + params.b_h, 3, axis=1)
    h_r, h_u, h_g = np.split(h_prev @ params.W_hh + params.b_h, 3, axis=1)
    r, u = sigmoid(x_r + h_r), sigmoid(x_u + h_u)
    s = h_g + params.b_hg
    g = np.tanh(x_g + r * s)
    h = (1 - u) * g + u * h_prev
    return h, Cache(x, h_prev, r, u, g, s)


@STEP.add
def step_b_h_with_the_part_of_h(params, x, h_prev):
    """You add b_h to the part of h. For r and u it makes no difference, but the candidate's is then reset too: b_h goes
    with x W_xh, and b_hg with s."""
    x_r, x_u, x_g = np.split(x @ params.W_xh, 3, axis=1)
    h_r, h_u, h_g = np.split(h_prev @ params.W_hh + params.b_h, 3, axis=1)
    r, u = sigmoid(x_r + h_r), sigmoid(x_u + h_u)
    s = h_g + params.b_hg
    g = np.tanh(x_g + r * s)
    h = (1 - u) * g + u * h_prev
    return h, Cache(x, h_prev, r, u, g, s)


@STEP.add
def step_r_and_u_exchanged(params, x, h_prev):
    """You take the first block for the update gate and the second for the reset gate. They are packed r, u, g."""
    x_u, x_r, x_g = np.split(x @ params.W_xh + params.b_h, 3, axis=1)
    h_u, h_r, h_g = np.split(h_prev @ params.W_hh, 3, axis=1)
    r, u = sigmoid(x_r + h_r), sigmoid(x_u + h_u)
    s = h_g + params.b_hg
    g = np.tanh(x_g + r * s)
    h = (1 - u) * g + u * h_prev
    return h, Cache(x, h_prev, r, u, g, s)


@STEP.add
def step_r_from_the_second_block(params, x, h_prev):
    """Both your gates come from the second block, so they are the same. They are packed r, u, g: the reset gate has the
    first."""
    _, x_u, x_g = np.split(x @ params.W_xh + params.b_h, 3, axis=1)
    _, h_u, h_g = np.split(h_prev @ params.W_hh, 3, axis=1)
    r, u = sigmoid(x_u + h_u), sigmoid(x_u + h_u)
    s = h_g + params.b_hg
    g = np.tanh(x_g + r * s)
    h = (1 - u) * g + u * h_prev
    return h, Cache(x, h_prev, r, u, g, s)


@STEP.add
def step_u_from_the_first_block(params, x, h_prev):
    """Both your gates come from the first block, so they are the same. They are packed r, u, g: the update gate has the
    second."""
    x_r, _, x_g = np.split(x @ params.W_xh + params.b_h, 3, axis=1)
    h_r, _, h_g = np.split(h_prev @ params.W_hh, 3, axis=1)
    r, u = sigmoid(x_r + h_r), sigmoid(x_r + h_r)
    s = h_g + params.b_hg
    g = np.tanh(x_g + r * s)
    h = (1 - u) * g + u * h_prev
    return h, Cache(x, h_prev, r, u, g, s)


@STEP.add
def step_gates_in_the_order_g_r_u(params, x, h_prev):
    """You take the first block for the candidate. The blocks are packed r, u, g: the candidate comes last."""
    x_g, x_r, x_u = np.split(x @ params.W_xh + params.b_h, 3, axis=1)
    h_g, h_r, h_u = np.split(h_prev @ params.W_hh, 3, axis=1)
    r, u = sigmoid(x_r + h_r), sigmoid(x_u + h_u)
    s = h_g + params.b_hg
    g = np.tanh(x_g + r * s)
    h = (1 - u) * g + u * h_prev
    return h, Cache(x, h_prev, r, u, g, s)


@STEP.add
def step_gates_in_the_order_r_g_u(params, x, h_prev):
    """You take the second block for the candidate and the third for the update gate. The blocks are packed r, u, g."""
    x_r, x_g, x_u = np.split(x @ params.W_xh + params.b_h, 3, axis=1)
    h_r, h_g, h_u = np.split(h_prev @ params.W_hh, 3, axis=1)
    r, u = sigmoid(x_r + h_r), sigmoid(x_u + h_u)
    s = h_g + params.b_hg
    g = np.tanh(x_g + r * s)
    h = (1 - u) * g + u * h_prev
    return h, Cache(x, h_prev, r, u, g, s)


@STEP.add
def step_two_orders(params, x, h_prev):
    """The blocks of x W_xh are taken apart in one order and those of h_{t-1} W_hh in another. Both are packed r, u,
    g."""
    x_r, x_u, x_g = np.split(x @ params.W_xh + params.b_h, 3, axis=1)
    h_u, h_r, h_g = np.split(h_prev @ params.W_hh, 3, axis=1)
    r, u = sigmoid(x_r + h_r), sigmoid(x_u + h_u)
    s = h_g + params.b_hg
    g = np.tanh(x_g + r * s)
    h = (1 - u) * g + u * h_prev
    return h, Cache(x, h_prev, r, u, g, s)


@STEP.add
def step_r_and_u_exchanged_in_use(params, x, h_prev):
    """Both gates are right, but each does the other's work: r multiplies s, inside the candidate, and u mixes candidate
    and old state."""
    x_r, x_u, x_g = np.split(x @ params.W_xh + params.b_h, 3, axis=1)
    h_r, h_u, h_g = np.split(h_prev @ params.W_hh, 3, axis=1)
    r, u = sigmoid(x_r + h_r), sigmoid(x_u + h_u)
    s = h_g + params.b_hg
    g = np.tanh(x_g + u * s)
    h = (1 - r) * g + r * h_prev
    return h, Cache(x, h_prev, r, u, g, s)


@STEP.add
def step_no_tanh(params, x, h_prev):
    """Your candidate is its pre-activation still: tanh goes round x's part plus r ⊙ s."""
    x_r, x_u, x_g = np.split(x @ params.W_xh + params.b_h, 3, axis=1)
    h_r, h_u, h_g = np.split(h_prev @ params.W_hh, 3, axis=1)
    r, u = sigmoid(x_r + h_r), sigmoid(x_u + h_u)
    s = h_g + params.b_hg
    g = x_g + r * s
    h = (1 - u) * g + u * h_prev
    return h, Cache(x, h_prev, r, u, g, s)


@STEP.add
def step_sigmoid_for_g(params, x, h_prev):
    """Your candidate went through the sigmoid, so the state can only be positive. g is no gate: it uses tanh."""
    x_r, x_u, x_g = np.split(x @ params.W_xh + params.b_h, 3, axis=1)
    h_r, h_u, h_g = np.split(h_prev @ params.W_hh, 3, axis=1)
    r, u = sigmoid(x_r + h_r), sigmoid(x_u + h_u)
    s = h_g + params.b_hg
    g = sigmoid(x_g + r * s)
    h = (1 - u) * g + u * h_prev
    return h, Cache(x, h_prev, r, u, g, s)


@STEP.add
def step_tanh_for_the_gates(params, x, h_prev):
    """Your gates went through tanh. r and u say how much, from 0 to 1, and use the sigmoid; tanh is for the
    candidate."""
    x_r, x_u, x_g = np.split(x @ params.W_xh + params.b_h, 3, axis=1)
    h_r, h_u, h_g = np.split(h_prev @ params.W_hh, 3, axis=1)
    r, u = np.tanh(x_r + h_r), np.tanh(x_u + h_u)
    s = h_g + params.b_hg
    g = np.tanh(x_g + r * s)
    h = (1 - u) * g + u * h_prev
    return h, Cache(x, h_prev, r, u, g, s)


@STEP.add
def step_tanh_for_u(params, x, h_prev):
    """Your update gate went through tanh, so it can be negative. A gate says how much, from 0 to 1: the sigmoid."""
    x_r, x_u, x_g = np.split(x @ params.W_xh + params.b_h, 3, axis=1)
    h_r, h_u, h_g = np.split(h_prev @ params.W_hh, 3, axis=1)
    r, u = sigmoid(x_r + h_r), np.tanh(x_u + h_u)
    s = h_g + params.b_hg
    g = np.tanh(x_g + r * s)
    h = (1 - u) * g + u * h_prev
    return h, Cache(x, h_prev, r, u, g, s)


@STEP.add
def step_tanh_for_r(params, x, h_prev):
    """Your reset gate went through tanh, so it can be negative. A gate says how much, from 0 to 1: the sigmoid."""
    x_r, x_u, x_g = np.split(x @ params.W_xh + params.b_h, 3, axis=1)
    h_r, h_u, h_g = np.split(h_prev @ params.W_hh, 3, axis=1)
    r, u = np.tanh(x_r + h_r), sigmoid(x_u + h_u)
    s = h_g + params.b_hg
    g = np.tanh(x_g + r * s)
    h = (1 - u) * g + u * h_prev
    return h, Cache(x, h_prev, r, u, g, s)


@STEP.add
def step_gates_not_squashed(params, x, h_prev):
    """r and u are pre-activations still. A gate lies between 0 and 1: both go through the sigmoid."""
    x_r, x_u, x_g = np.split(x @ params.W_xh + params.b_h, 3, axis=1)
    h_r, h_u, h_g = np.split(h_prev @ params.W_hh, 3, axis=1)
    r, u = x_r + h_r, x_u + h_u
    s = h_g + params.b_hg
    g = np.tanh(x_g + r * s)
    h = (1 - u) * g + u * h_prev
    return h, Cache(x, h_prev, r, u, g, s)


@STEP.add
def step_x_part_reset_too(params, x, h_prev):
    """Your reset gate multiplies the input's part as well. It decides how much of the old state the candidate sees: r
    multiplies s only."""
    x_r, x_u, x_g = np.split(x @ params.W_xh + params.b_h, 3, axis=1)
    h_r, h_u, h_g = np.split(h_prev @ params.W_hh, 3, axis=1)
    r, u = sigmoid(x_r + h_r), sigmoid(x_u + h_u)
    s = h_g + params.b_hg
    g = np.tanh(r * (x_g + s))
    h = (1 - u) * g + u * h_prev
    return h, Cache(x, h_prev, r, u, g, s)


@STEP.add
def step_x_part_reset_instead(params, x, h_prev):
    """Your reset gate multiplies the input's part. It decides how much of the old state the candidate sees: r
    multiplies s."""
    x_r, x_u, x_g = np.split(x @ params.W_xh + params.b_h, 3, axis=1)
    h_r, h_u, h_g = np.split(h_prev @ params.W_hh, 3, axis=1)
    r, u = sigmoid(x_r + h_r), sigmoid(x_u + h_u)
    s = h_g + params.b_hg
    g = np.tanh(r * x_g + s)
    h = (1 - u) * g + u * h_prev
    return h, Cache(x, h_prev, r, u, g, s)


@STEP.add
def step_reset_gate_forgotten(params, x, h_prev):
    """Your candidate sees the whole old state, whatever r says: r multiplies s."""
    x_r, x_u, x_g = np.split(x @ params.W_xh + params.b_h, 3, axis=1)
    h_r, h_u, h_g = np.split(h_prev @ params.W_hh, 3, axis=1)
    r, u = sigmoid(x_r + h_r), sigmoid(x_u + h_u)
    s = h_g + params.b_hg
    g = np.tanh(x_g + s)
    h = (1 - u) * g + u * h_prev
    return h, Cache(x, h_prev, r, u, g, s)


@STEP.add
def step_reset_gate_upside_down(params, x, h_prev):
    """You multiply s by 1 - r. Despite its name, the reset gate says how much of the old state is seen: r ⊙ s."""
    x_r, x_u, x_g = np.split(x @ params.W_xh + params.b_h, 3, axis=1)
    h_r, h_u, h_g = np.split(h_prev @ params.W_hh, 3, axis=1)
    r, u = sigmoid(x_r + h_r), sigmoid(x_u + h_u)
    s = h_g + params.b_hg
    g = np.tanh(x_g + (1 - r) * s)
    h = (1 - u) * g + u * h_prev
    return h, Cache(x, h_prev, r, u, g, s)


@STEP.add
def step_reset_gate_on_the_state_itself(params, x, h_prev):
    """You multiply r by h_{t-1} as it stands, and W_hg is left out: what r multiplies is s = h_{t-1} W_hg + b_hg."""
    x_r, x_u, x_g = np.split(x @ params.W_xh + params.b_h, 3, axis=1)
    h_r, h_u, h_g = np.split(h_prev @ params.W_hh, 3, axis=1)
    r, u = sigmoid(x_r + h_r), sigmoid(x_u + h_u)
    s = h_g + params.b_hg
    g = np.tanh(x_g + r * h_prev)
    h = (1 - u) * g + u * h_prev
    return h, Cache(x, h_prev, r, u, g, s)


@STEP.add
def step_h_part_twice(params, x, h_prev):
    """h_{t-1} W_hg enters your candidate twice, once as it is and once reset. Keep the third block of x W_xh apart from
    that of h_{t-1} W_hh; r multiplies the second."""
    x_r, x_u, x_g = np.split(x @ params.W_xh + params.b_h, 3, axis=1)
    h_r, h_u, h_g = np.split(h_prev @ params.W_hh, 3, axis=1)
    r, u = sigmoid(x_r + h_r), sigmoid(x_u + h_u)
    s = h_g + params.b_hg
    g = np.tanh(x_g + h_g + r * s)
    h = (1 - u) * g + u * h_prev
    return h, Cache(x, h_prev, r, u, g, s)


@STEP.add
def step_gates_without_h_prev(params, x, h_prev):
    """Your gates look at x only. Both see the old state too, by the first two blocks of h_{t-1} W_hh."""
    x_r, x_u, x_g = np.split(x @ params.W_xh + params.b_h, 3, axis=1)
    _, _, h_g = np.split(h_prev @ params.W_hh, 3, axis=1)
    r, u = sigmoid(x_r), sigmoid(x_u)
    s = h_g + params.b_hg
    g = np.tanh(x_g + r * s)
    h = (1 - u) * g + u * h_prev
    return h, Cache(x, h_prev, r, u, g, s)


@STEP.add
def step_gates_without_x(params, x, h_prev):
    """Your gates look at h_{t-1} only. Both see the input too, by the first two blocks of x W_xh + b_h."""
    _, _, x_g = np.split(x @ params.W_xh + params.b_h, 3, axis=1)
    h_r, h_u, h_g = np.split(h_prev @ params.W_hh, 3, axis=1)
    r, u = sigmoid(h_r), sigmoid(h_u)
    s = h_g + params.b_hg
    g = np.tanh(x_g + r * s)
    h = (1 - u) * g + u * h_prev
    return h, Cache(x, h_prev, r, u, g, s)


@STEP.add
def step_update_gate_forgotten(params, x, h_prev):
    """Your new state is the candidate. The update gate mixes it with the old state: (1 - u) ⊙ g + u ⊙ h_{t-1}."""
    x_r, x_u, x_g = np.split(x @ params.W_xh + params.b_h, 3, axis=1)
    h_r, h_u, h_g = np.split(h_prev @ params.W_hh, 3, axis=1)
    r, u = sigmoid(x_r + h_r), sigmoid(x_u + h_u)
    s = h_g + params.b_hg
    g = np.tanh(x_g + r * s)
    h = g
    return h, Cache(x, h_prev, r, u, g, s)


@STEP.add
def step_old_state_forgotten(params, x, h_prev):
    """Your new state is the candidate times 1 - u. The rest, u, is filled with the old state: + u ⊙ h_{t-1}."""
    x_r, x_u, x_g = np.split(x @ params.W_xh + params.b_h, 3, axis=1)
    h_r, h_u, h_g = np.split(h_prev @ params.W_hh, 3, axis=1)
    r, u = sigmoid(x_r + h_r), sigmoid(x_u + h_u)
    s = h_g + params.b_hg
    g = np.tanh(x_g + r * s)
    h = (1 - u) * g
    return h, Cache(x, h_prev, r, u, g, s)


@STEP.add
def step_candidate_not_scaled(params, x, h_prev):
    """You add the whole candidate. The two shares make one: u of the old state, 1 - u of the candidate."""
    x_r, x_u, x_g = np.split(x @ params.W_xh + params.b_h, 3, axis=1)
    h_r, h_u, h_g = np.split(h_prev @ params.W_hh, 3, axis=1)
    r, u = sigmoid(x_r + h_r), sigmoid(x_u + h_u)
    s = h_g + params.b_hg
    g = np.tanh(x_g + r * s)
    h = g + u * h_prev
    return h, Cache(x, h_prev, r, u, g, s)


@STEP.add
def step_same_share_for_both(params, x, h_prev):
    """You give both the share u. The two shares make one: u of the old state, 1 - u of the candidate."""
    x_r, x_u, x_g = np.split(x @ params.W_xh + params.b_h, 3, axis=1)
    h_r, h_u, h_g = np.split(h_prev @ params.W_hh, 3, axis=1)
    r, u = sigmoid(x_r + h_r), sigmoid(x_u + h_u)
    s = h_g + params.b_hg
    g = np.tanh(x_g + r * s)
    h = u * g + u * h_prev
    return h, Cache(x, h_prev, r, u, g, s)


@STEP.add
def step_s_for_the_old_state(params, x, h_prev):
    """You mix the candidate with s. What stays is the old state itself, untouched by any weight: u ⊙ h_{t-1}."""
    x_r, x_u, x_g = np.split(x @ params.W_xh + params.b_h, 3, axis=1)
    h_r, h_u, h_g = np.split(h_prev @ params.W_hh, 3, axis=1)
    r, u = sigmoid(x_r + h_r), sigmoid(x_u + h_u)
    s = h_g + params.b_hg
    g = np.tanh(x_g + r * s)
    h = (1 - u) * g + u * s
    return h, Cache(x, h_prev, r, u, g, s)


@STEP.add
def step_tanh_of_h(params, x, h_prev):
    """You send the new state through tanh as well. It is a mixture of g and h_{t-1}, which lie between -1 and 1
    already, and nothing is to shrink it."""
    x_r, x_u, x_g = np.split(x @ params.W_xh + params.b_h, 3, axis=1)
    h_r, h_u, h_g = np.split(h_prev @ params.W_hh, 3, axis=1)
    r, u = sigmoid(x_r + h_r), sigmoid(x_u + h_u)
    s = h_g + params.b_hg
    g = np.tanh(x_g + r * s)
    h = np.tanh((1 - u) * g + u * h_prev)
    return h, Cache(x, h_prev, r, u, g, s)


@STEP.add
def step_gates_interleaved(params, x, h_prev):
    """You take every third column for a gate. The blocks lie side by side: first all H columns of r, then all of u.
    np.split(z, 3, axis=1) cuts there."""
    z_x, z_h = x @ params.W_xh + params.b_h, h_prev @ params.W_hh
    r, u = sigmoid(z_x[:, 0::3] + z_h[:, 0::3]), sigmoid(z_x[:, 1::3] + z_h[:, 1::3])
    s = z_h[:, 2::3] + params.b_hg
    g = np.tanh(z_x[:, 2::3] + r * s)
    h = (1 - u) * g + u * h_prev
    return h, Cache(x, h_prev, r, u, g, s)


@STEP.add
def step_split_along_the_batch(params, x, h_prev):
    """np.split cuts along the first axis unless told otherwise, and that is the batch. The gates lie side by side in
    the columns: axis=1."""
    x_r, x_u, x_g = np.split(x @ params.W_xh + params.b_h, 3)
    h_r, h_u, h_g = np.split(h_prev @ params.W_hh, 3)
    r, u = sigmoid(x_r + h_r), sigmoid(x_u + h_u)
    s = h_g + params.b_hg
    g = np.tanh(x_g + r * s)
    h = (1 - u) * g + u * h_prev
    return h, Cache(x, h_prev, r, u, g, s)


@STEP.add
def step_split_into_four(params, x, h_prev):
    """There are three blocks here, r, u and g, not four as in the LSTM: np.split(z, 3, axis=1)."""
    x_r, x_u, x_g = np.split(x @ params.W_xh + params.b_h, 4, axis=1)
    h_r, h_u, h_g = np.split(h_prev @ params.W_hh, 4, axis=1)
    r, u = sigmoid(x_r + h_r), sigmoid(x_u + h_u)
    s = h_g + params.b_hg
    g = np.tanh(x_g + r * s)
    h = (1 - u) * g + u * h_prev
    return h, Cache(x, h_prev, r, u, g, s)


@STEP.add
def step_recurrent_weights_transposed(params, x, h_prev):
    """W_hh does not fit when transposed: h_prev is (N, H), W_hh is (H, 3H), and the product (N, 3H). The rows stand on
    the left, and nothing is transposed."""
    x_r, x_u, x_g = np.split(x @ params.W_xh + params.b_h, 3, axis=1)
    h_r, h_u, h_g = np.split(h_prev @ params.W_hh.T, 3, axis=1)
    r, u = sigmoid(x_r + h_r), sigmoid(x_u + h_u)
    s = h_g + params.b_hg
    g = np.tanh(x_g + r * s)
    h = (1 - u) * g + u * h_prev
    return h, Cache(x, h_prev, r, u, g, s)


@STEP.add
def step_input_weights_transposed(params, x, h_prev):
    """W_xh does not fit when transposed: x is (N, D), W_xh is (D, 3H), and the product (N, 3H). The rows stand on the
    left, and nothing is transposed."""
    x_r, x_u, x_g = np.split(x @ params.W_xh.T + params.b_h, 3, axis=1)
    h_r, h_u, h_g = np.split(h_prev @ params.W_hh, 3, axis=1)
    r, u = sigmoid(x_r + h_r), sigmoid(x_u + h_u)
    s = h_g + params.b_hg
    g = np.tanh(x_g + r * s)
    h = (1 - u) * g + u * h_prev
    return h, Cache(x, h_prev, r, u, g, s)


@STEP.add
def step_gates_exchanged_in_the_cache(params, x, h_prev):
    """Your h is right, but r and u have changed places in the cache: its fields are x, h_prev, r, u, g, s."""
    x_r, x_u, x_g = np.split(x @ params.W_xh + params.b_h, 3, axis=1)
    h_r, h_u, h_g = np.split(h_prev @ params.W_hh, 3, axis=1)
    r, u = sigmoid(x_r + h_r), sigmoid(x_u + h_u)
    s = h_g + params.b_hg
    g = np.tanh(x_g + r * s)
    h = (1 - u) * g + u * h_prev
    return h, Cache(x, h_prev, u, r, g, s)


@STEP.add
def step_new_state_in_the_cache(params, x, h_prev):
    """Your h is right, but the cache's h_prev holds the new state: the way back needs the one that came in."""
    x_r, x_u, x_g = np.split(x @ params.W_xh + params.b_h, 3, axis=1)
    h_r, h_u, h_g = np.split(h_prev @ params.W_hh, 3, axis=1)
    r, u = sigmoid(x_r + h_r), sigmoid(x_u + h_u)
    s = h_g + params.b_hg
    g = np.tanh(x_g + r * s)
    h = (1 - u) * g + u * h_prev
    return h, Cache(x, h, r, u, g, s)


@STEP.add
def step_reset_s_in_the_cache(params, x, h_prev):
    """Your h is right, but the cache holds r ⊙ s. The way back needs s itself: it is the factor that r's gradient is
    made with."""
    x_r, x_u, x_g = np.split(x @ params.W_xh + params.b_h, 3, axis=1)
    h_r, h_u, h_g = np.split(h_prev @ params.W_hh, 3, axis=1)
    r, u = sigmoid(x_r + h_r), sigmoid(x_u + h_u)
    s = h_g + params.b_hg
    g = np.tanh(x_g + r * s)
    h = (1 - u) * g + u * h_prev
    return h, Cache(x, h_prev, r, u, g, r * s)


@STEP.add
def step_h_in_the_cache_for_s(params, x, h_prev):
    """Your h is right, but the last field of the cache holds it: s is h_{t-1} W_hg + b_hg, what the reset gate
    multiplies."""
    x_r, x_u, x_g = np.split(x @ params.W_xh + params.b_h, 3, axis=1)
    h_r, h_u, h_g = np.split(h_prev @ params.W_hh, 3, axis=1)
    r, u = sigmoid(x_r + h_r), sigmoid(x_u + h_u)
    s = h_g + params.b_hg
    g = np.tanh(x_g + r * s)
    h = (1 - u) * g + u * h_prev
    return h, Cache(x, h_prev, r, u, g, h)


@STEP.add
def step_cache_not_returned(params, x, h_prev):
    """You return h alone. A step returns two things: h, and Cache(x, h_prev, r, u, g, s) for the way back."""
    x_r, x_u, x_g = np.split(x @ params.W_xh + params.b_h, 3, axis=1)
    h_r, h_u, h_g = np.split(h_prev @ params.W_hh, 3, axis=1)
    r, u = sigmoid(x_r + h_r), sigmoid(x_u + h_u)
    s = h_g + params.b_hg
    g = np.tanh(x_g + r * s)
    return (1 - u) * g + u * h_prev


@STEP.add
def step_s_missing_from_the_cache(params, x, h_prev):
    """Your cache lacks a field. It has six: x, h_prev, r, u, g, and s, which is what the reset gate multiplies."""
    x_r, x_u, x_g = np.split(x @ params.W_xh + params.b_h, 3, axis=1)
    h_r, h_u, h_g = np.split(h_prev @ params.W_hh, 3, axis=1)
    r, u = sigmoid(x_r + h_r), sigmoid(x_u + h_u)
    s = h_g + params.b_hg
    g = np.tanh(x_g + r * s)
    h = (1 - u) * g + u * h_prev
    return h, Cache(x, h_prev, r, u, g)  # type: ignore[call-arg]


@STEP.add
def step_mutates_input(params, x, h_prev):
    """The values are right, but you write the new state into h_prev, which belongs to whoever called you: give it an
    array of its own, h = ..."""
    x_r, x_u, x_g = np.split(x @ params.W_xh + params.b_h, 3, axis=1)
    h_r, h_u, h_g = np.split(h_prev @ params.W_hh, 3, axis=1)
    r, u = sigmoid(x_r + h_r), sigmoid(x_u + h_u)
    s = h_g + params.b_hg
    g = np.tanh(x_g + r * s)
    old = h_prev.copy()
    h_prev[:] = (1 - u) * g + u * old
    return h_prev, Cache(x, old, r, u, g, s)


@STEP.add
def step_writes_into_h_prev(params, x, h_prev):
    """*= and += write into h_prev, which belongs to whoever called you; your cache's h_prev now shows the new state as
    well. Give the new one a name of its own: h = ..."""
    x_r, x_u, x_g = np.split(x @ params.W_xh + params.b_h, 3, axis=1)
    h_r, h_u, h_g = np.split(h_prev @ params.W_hh, 3, axis=1)
    r, u = sigmoid(x_r + h_r), sigmoid(x_u + h_u)
    s = h_g + params.b_hg
    g = np.tanh(x_g + r * s)
    h_prev *= u
    h_prev += (1 - u) * g
    return h_prev, Cache(x, h_prev, r, u, g, s)


@STEP.add
def step_numpy_has_no_sigmoid(params, x, h_prev):
    """NumPy has no sigmoid. The package has one, the function that you wrote in lesson 00: sigmoid(z)."""
    x_r, x_u, x_g = np.split(x @ params.W_xh + params.b_h, 3, axis=1)
    h_r, h_u, h_g = np.split(h_prev @ params.W_hh, 3, axis=1)
    r, u = np.sigmoid(x_r + h_r), np.sigmoid(x_u + h_u)  # type: ignore[attr-defined]
    s = h_g + params.b_hg
    g = np.tanh(x_g + r * s)
    h = (1 - u) * g + u * h_prev
    return h, Cache(x, h_prev, r, u, g, s)


def _step_case(seed: int, N: int, D: int, H: int, scale: float = 0.9, decimals: int = 2) -> Case:
    rng = np.random.default_rng(seed)
    params = draw_gru(rng, D, H, decimals=decimals)
    x, h_prev = draw(rng, N, D, scale=scale, decimals=decimals), draw(rng, N, H, decimals=decimals)
    return Case(sizes(N=N, D=D, H=H), {"params": params, "x": x, "h_prev": h_prev})


def step_cases() -> tuple[Case, ...]:
    """Different sizes, a single sequence, inputs that saturate the gates; h_prev is never zero."""
    return (
        _step_case(7012, N=2, D=1, H=3, decimals=1),
        _step_case(7111, N=4, D=3, H=5),
        _step_case(7210, N=1, D=4, H=2),
        _step_case(7310, N=3, D=5, H=4, scale=9.0),
    )


def step_lesson_case() -> Case:
    """One step of a batch as large as the lessons train on."""
    return _step_case(705, N=100, D=2, H=64)


STEP_BACKWARD = Mistakes("step_backward")


@STEP_BACKWARD.add
def step_backward_direct_road_forgotten(params, cache, dh):
    """Your dh_prev comes through the gates only. A share u of h_{t-1} went into h_t as it was, and that road sends dh
    times u straight back."""
    x, h_prev, r, u, g, s = cache
    dz_g = dh * (1 - u) * (1 - g**2)
    dz_u = dh * (h_prev - g) * u * (1 - u)
    dz_r, ds = dz_g * s * r * (1 - r), dz_g * r
    from_x = np.concatenate([dz_r, dz_u, dz_g], axis=1)
    from_h = np.concatenate([dz_r, dz_u, ds], axis=1)
    grads = Params(x.T @ from_x, h_prev.T @ from_h, from_x.sum(axis=0), ds.sum(axis=0))
    return grads, from_x @ params.W_xh.T, from_h @ params.W_hh.T


@STEP_BACKWARD.add
def step_backward_direct_road_not_scaled(params, cache, dh):
    """You add the whole of dh to dh_prev. The share of h_{t-1} that went into h_t is u: dh times u goes straight
    back."""
    x, h_prev, r, u, g, s = cache
    dz_g = dh * (1 - u) * (1 - g**2)
    dz_u = dh * (h_prev - g) * u * (1 - u)
    dz_r, ds = dz_g * s * r * (1 - r), dz_g * r
    from_x = np.concatenate([dz_r, dz_u, dz_g], axis=1)
    from_h = np.concatenate([dz_r, dz_u, ds], axis=1)
    grads = Params(x.T @ from_x, h_prev.T @ from_h, from_x.sum(axis=0), ds.sum(axis=0))
    return grads, from_x @ params.W_xh.T, from_h @ params.W_hh.T + dh


@STEP_BACKWARD.add
def step_backward_direct_road_with_one_minus_u(params, cache, dh):
    """On the direct road you have 1 - u. The old state's share in h_t is u; 1 - u is the candidate's."""
    x, h_prev, r, u, g, s = cache
    dz_g = dh * (1 - u) * (1 - g**2)
    dz_u = dh * (h_prev - g) * u * (1 - u)
    dz_r, ds = dz_g * s * r * (1 - r), dz_g * r
    from_x = np.concatenate([dz_r, dz_u, dz_g], axis=1)
    from_h = np.concatenate([dz_r, dz_u, ds], axis=1)
    grads = Params(x.T @ from_x, h_prev.T @ from_h, from_x.sum(axis=0), ds.sum(axis=0))
    return grads, from_x @ params.W_xh.T, from_h @ params.W_hh.T + dh * (1 - u)


@STEP_BACKWARD.add
def step_backward_direct_road_only(params, cache, dh):
    """Your dh_prev is the direct road alone. h_{t-1} also entered r, u and s, by W_hh."""
    x, h_prev, r, u, g, s = cache
    dz_g = dh * (1 - u) * (1 - g**2)
    dz_u = dh * (h_prev - g) * u * (1 - u)
    dz_r, ds = dz_g * s * r * (1 - r), dz_g * r
    from_x = np.concatenate([dz_r, dz_u, dz_g], axis=1)
    from_h = np.concatenate([dz_r, dz_u, ds], axis=1)
    grads = Params(x.T @ from_x, h_prev.T @ from_h, from_x.sum(axis=0), ds.sum(axis=0))
    return grads, from_x @ params.W_xh.T, dh * u


@STEP_BACKWARD.add
def step_backward_dz_g_for_ds(params, cache, dh):
    """The reset gate stands between h_{t-1} and the candidate: what reaches s is dz_g times r. Your third block for
    W_hh is dz_g itself, in the gradient and in dh_prev."""
    x, h_prev, r, u, g, s = cache
    dz_g = dh * (1 - u) * (1 - g**2)
    dz_u = dh * (h_prev - g) * u * (1 - u)
    dz_r, ds = dz_g * s * r * (1 - r), dz_g * r
    from_x = np.concatenate([dz_r, dz_u, dz_g], axis=1)
    from_h = np.concatenate([dz_r, dz_u, dz_g], axis=1)
    grads = Params(x.T @ from_x, h_prev.T @ from_h, from_x.sum(axis=0), ds.sum(axis=0))
    return grads, from_x @ params.W_xh.T, from_h @ params.W_hh.T + dh * u


@STEP_BACKWARD.add
def step_backward_r_forgotten_in_ds(params, cache, dh):
    """Your ds is dz_g. In z_g the reset gate multiplies s, so what reaches s, and with it W_hg and b_hg, is dz_g times
    r."""
    x, h_prev, r, u, g, s = cache
    dz_g = dh * (1 - u) * (1 - g**2)
    dz_u = dh * (h_prev - g) * u * (1 - u)
    dz_r, ds = dz_g * s * r * (1 - r), dz_g
    from_x = np.concatenate([dz_r, dz_u, dz_g], axis=1)
    from_h = np.concatenate([dz_r, dz_u, ds], axis=1)
    grads = Params(x.T @ from_x, h_prev.T @ from_h, from_x.sum(axis=0), ds.sum(axis=0))
    return grads, from_x @ params.W_xh.T, from_h @ params.W_hh.T + dh * u


@STEP_BACKWARD.add
def step_backward_dz_g_for_ds_in_the_gradient_of_w_hh(params, cache, dh):
    """Only the gradient of W_hh is off, in its third block: W_hg acts on s, behind the reset gate, so it takes ds, not
    dz_g."""
    x, h_prev, r, u, g, s = cache
    dz_g = dh * (1 - u) * (1 - g**2)
    dz_u = dh * (h_prev - g) * u * (1 - u)
    dz_r, ds = dz_g * s * r * (1 - r), dz_g * r
    from_x = np.concatenate([dz_r, dz_u, dz_g], axis=1)
    from_h = np.concatenate([dz_r, dz_u, ds], axis=1)
    grads = Params(x.T @ from_x, h_prev.T @ from_x, from_x.sum(axis=0), ds.sum(axis=0))
    return grads, from_x @ params.W_xh.T, from_h @ params.W_hh.T + dh * u


@STEP_BACKWARD.add
def step_backward_dz_g_for_ds_in_dh_prev(params, cache, dh):
    """Only dh_prev is off: it goes back through W_hg with dz_g. h_{t-1} entered s, behind the reset gate: ds."""
    x, h_prev, r, u, g, s = cache
    dz_g = dh * (1 - u) * (1 - g**2)
    dz_u = dh * (h_prev - g) * u * (1 - u)
    dz_r, ds = dz_g * s * r * (1 - r), dz_g * r
    from_x = np.concatenate([dz_r, dz_u, dz_g], axis=1)
    from_h = np.concatenate([dz_r, dz_u, ds], axis=1)
    grads = Params(x.T @ from_x, h_prev.T @ from_h, from_x.sum(axis=0), ds.sum(axis=0))
    return grads, from_x @ params.W_xh.T, from_x @ params.W_hh.T + dh * u


@STEP_BACKWARD.add
def step_backward_ds_for_dz_g_in_w_xh(params, cache, dh):
    """Your gradient of W_xh has ds in its third block. The reset gate does not touch what comes from x: there it is
    dz_g."""
    x, h_prev, r, u, g, s = cache
    dz_g = dh * (1 - u) * (1 - g**2)
    dz_u = dh * (h_prev - g) * u * (1 - u)
    dz_r, ds = dz_g * s * r * (1 - r), dz_g * r
    from_x = np.concatenate([dz_r, dz_u, dz_g], axis=1)
    from_h = np.concatenate([dz_r, dz_u, ds], axis=1)
    grads = Params(x.T @ from_h, h_prev.T @ from_h, from_x.sum(axis=0), ds.sum(axis=0))
    return grads, from_x @ params.W_xh.T, from_h @ params.W_hh.T + dh * u


@STEP_BACKWARD.add
def step_backward_ds_for_dz_g_with_x(params, cache, dh):
    """You use ds on the side of x too. The reset gate multiplies only what comes from h_{t-1}: W_xh, b_h and dx take
    dz_g."""
    x, h_prev, r, u, g, s = cache
    dz_g = dh * (1 - u) * (1 - g**2)
    dz_u = dh * (h_prev - g) * u * (1 - u)
    dz_r, ds = dz_g * s * r * (1 - r), dz_g * r
    from_x = np.concatenate([dz_r, dz_u, ds], axis=1)
    from_h = np.concatenate([dz_r, dz_u, ds], axis=1)
    grads = Params(x.T @ from_x, h_prev.T @ from_h, from_x.sum(axis=0), ds.sum(axis=0))
    return grads, from_x @ params.W_xh.T, from_h @ params.W_hh.T + dh * u


@STEP_BACKWARD.add
def step_backward_ds_for_dz_g_in_b_h(params, cache, dh):
    """Your gradient of b_h has ds in its third block. b_h is added outside the reset gate's product, with x: dz_g. The
    bias inside is b_hg."""
    x, h_prev, r, u, g, s = cache
    dz_g = dh * (1 - u) * (1 - g**2)
    dz_u = dh * (h_prev - g) * u * (1 - u)
    dz_r, ds = dz_g * s * r * (1 - r), dz_g * r
    from_x = np.concatenate([dz_r, dz_u, dz_g], axis=1)
    from_h = np.concatenate([dz_r, dz_u, ds], axis=1)
    grads = Params(x.T @ from_x, h_prev.T @ from_h, from_h.sum(axis=0), ds.sum(axis=0))
    return grads, from_x @ params.W_xh.T, from_h @ params.W_hh.T + dh * u


@STEP_BACKWARD.add
def step_backward_ds_for_dz_g_in_dx(params, cache, dh):
    """Only dx is off: it goes back through W_xg with ds. The reset gate does not touch what comes from x: dz_g."""
    x, h_prev, r, u, g, s = cache
    dz_g = dh * (1 - u) * (1 - g**2)
    dz_u = dh * (h_prev - g) * u * (1 - u)
    dz_r, ds = dz_g * s * r * (1 - r), dz_g * r
    from_x = np.concatenate([dz_r, dz_u, dz_g], axis=1)
    from_h = np.concatenate([dz_r, dz_u, ds], axis=1)
    grads = Params(x.T @ from_x, h_prev.T @ from_h, from_x.sum(axis=0), ds.sum(axis=0))
    return grads, from_h @ params.W_xh.T, from_h @ params.W_hh.T + dh * u


@STEP_BACKWARD.add
def step_backward_b_hg_from_dz_g(params, cache, dh):
    """Your gradient of b_hg is the sum of dz_g. b_hg is added inside the reset gate's product, to s: sum ds."""
    x, h_prev, r, u, g, s = cache
    dz_g = dh * (1 - u) * (1 - g**2)
    dz_u = dh * (h_prev - g) * u * (1 - u)
    dz_r, ds = dz_g * s * r * (1 - r), dz_g * r
    from_x = np.concatenate([dz_r, dz_u, dz_g], axis=1)
    from_h = np.concatenate([dz_r, dz_u, ds], axis=1)
    grads = Params(x.T @ from_x, h_prev.T @ from_h, from_x.sum(axis=0), dz_g.sum(axis=0))
    return grads, from_x @ params.W_xh.T, from_h @ params.W_hh.T + dh * u


@STEP_BACKWARD.add
def step_backward_b_hg_zero(params, cache, dh):
    """Your gradient of b_hg is zero. b_hg is a part of s, so its gradient is ds, summed over the batch."""
    x, h_prev, r, u, g, s = cache
    dz_g = dh * (1 - u) * (1 - g**2)
    dz_u = dh * (h_prev - g) * u * (1 - u)
    dz_r, ds = dz_g * s * r * (1 - r), dz_g * r
    from_x = np.concatenate([dz_r, dz_u, dz_g], axis=1)
    from_h = np.concatenate([dz_r, dz_u, ds], axis=1)
    grads = Params(x.T @ from_x, h_prev.T @ from_h, from_x.sum(axis=0), np.zeros_like(params.b_hg))
    return grads, from_x @ params.W_xh.T, from_h @ params.W_hh.T + dh * u


@STEP_BACKWARD.add
def step_backward_b_hg_itself(params, cache, dh):
    """You left the parameter b_hg itself in the gradient: name it in _replace too. It is a part of s, so its gradient
    is ds, summed over the batch."""
    x, h_prev, r, u, g, s = cache
    dz_g = dh * (1 - u) * (1 - g**2)
    dz_u = dh * (h_prev - g) * u * (1 - u)
    dz_r, ds = dz_g * s * r * (1 - r), dz_g * r
    from_x = np.concatenate([dz_r, dz_u, dz_g], axis=1)
    from_h = np.concatenate([dz_r, dz_u, ds], axis=1)
    grads = params._replace(W_xh=x.T @ from_x, W_hh=h_prev.T @ from_h, b_h=from_x.sum(axis=0))
    return grads, from_x @ params.W_xh.T, from_h @ params.W_hh.T + dh * u


@STEP_BACKWARD.add
def step_backward_b_hg_not_summed(params, cache, dh):
    """Your gradient of b_hg still has one row per sequence. The one b_hg is added to all N rows of s: sum over them."""
    x, h_prev, r, u, g, s = cache
    dz_g = dh * (1 - u) * (1 - g**2)
    dz_u = dh * (h_prev - g) * u * (1 - u)
    dz_r, ds = dz_g * s * r * (1 - r), dz_g * r
    from_x = np.concatenate([dz_r, dz_u, dz_g], axis=1)
    from_h = np.concatenate([dz_r, dz_u, ds], axis=1)
    grads = Params(x.T @ from_x, h_prev.T @ from_h, from_x.sum(axis=0), ds)
    return grads, from_x @ params.W_xh.T, from_h @ params.W_hh.T + dh * u


@STEP_BACKWARD.add
def step_backward_b_h_not_summed(params, cache, dh):
    """Your gradient of b_h still has one row per sequence. The one b_h is added to all N rows, so the gradients of the
    rows add up."""
    x, h_prev, r, u, g, s = cache
    dz_g = dh * (1 - u) * (1 - g**2)
    dz_u = dh * (h_prev - g) * u * (1 - u)
    dz_r, ds = dz_g * s * r * (1 - r), dz_g * r
    from_x = np.concatenate([dz_r, dz_u, dz_g], axis=1)
    from_h = np.concatenate([dz_r, dz_u, ds], axis=1)
    grads = Params(x.T @ from_x, h_prev.T @ from_h, from_x, ds.sum(axis=0))
    return grads, from_x @ params.W_xh.T, from_h @ params.W_hh.T + dh * u


@STEP_BACKWARD.add
def step_backward_biases_not_summed(params, cache, dh):
    """Your gradients of b_h and b_hg still have one row per sequence. Each bias is added to all N rows, so the
    gradients of the rows add up."""
    x, h_prev, r, u, g, s = cache
    dz_g = dh * (1 - u) * (1 - g**2)
    dz_u = dh * (h_prev - g) * u * (1 - u)
    dz_r, ds = dz_g * s * r * (1 - r), dz_g * r
    from_x = np.concatenate([dz_r, dz_u, dz_g], axis=1)
    from_h = np.concatenate([dz_r, dz_u, ds], axis=1)
    grads = Params(x.T @ from_x, h_prev.T @ from_h, from_x, ds)
    return grads, from_x @ params.W_xh.T, from_h @ params.W_hh.T + dh * u


@STEP_BACKWARD.add
def step_backward_biases_summed_over_units(params, cache, dh):
    """Your gradients of the biases are summed over the columns. Every column has a bias of its own; what they share is
    the batch: axis=0."""
    x, h_prev, r, u, g, s = cache
    dz_g = dh * (1 - u) * (1 - g**2)
    dz_u = dh * (h_prev - g) * u * (1 - u)
    dz_r, ds = dz_g * s * r * (1 - r), dz_g * r
    from_x = np.concatenate([dz_r, dz_u, dz_g], axis=1)
    from_h = np.concatenate([dz_r, dz_u, ds], axis=1)
    grads = Params(x.T @ from_x, h_prev.T @ from_h, from_x.sum(axis=1), ds.sum(axis=1))
    return grads, from_x @ params.W_xh.T, from_h @ params.W_hh.T + dh * u


@STEP_BACKWARD.add
def step_backward_sign_of_the_difference(params, cache, dh):
    """The sign of your dz_u is turned round. h_t is (1 - u) ⊙ g + u ⊙ h_{t-1}, so a larger u takes g away and adds
    h_{t-1}: h_prev - g."""
    x, h_prev, r, u, g, s = cache
    dz_g = dh * (1 - u) * (1 - g**2)
    dz_u = dh * (g - h_prev) * u * (1 - u)
    dz_r, ds = dz_g * s * r * (1 - r), dz_g * r
    from_x = np.concatenate([dz_r, dz_u, dz_g], axis=1)
    from_h = np.concatenate([dz_r, dz_u, ds], axis=1)
    grads = Params(x.T @ from_x, h_prev.T @ from_h, from_x.sum(axis=0), ds.sum(axis=0))
    return grads, from_x @ params.W_xh.T, from_h @ params.W_hh.T + dh * u


@STEP_BACKWARD.add
def step_backward_u_without_g(params, cache, dh):
    """Your dz_u knows only one of its two roads. u stands in both terms of h_t: u ⊙ h_{t-1}, and (1 - u) ⊙ g, which
    brings -g."""
    x, h_prev, r, u, g, s = cache
    dz_g = dh * (1 - u) * (1 - g**2)
    dz_u = dh * h_prev * u * (1 - u)
    dz_r, ds = dz_g * s * r * (1 - r), dz_g * r
    from_x = np.concatenate([dz_r, dz_u, dz_g], axis=1)
    from_h = np.concatenate([dz_r, dz_u, ds], axis=1)
    grads = Params(x.T @ from_x, h_prev.T @ from_h, from_x.sum(axis=0), ds.sum(axis=0))
    return grads, from_x @ params.W_xh.T, from_h @ params.W_hh.T + dh * u


@STEP_BACKWARD.add
def step_backward_u_without_h_prev(params, cache, dh):
    """Your dz_u knows only one of its two roads. u stands in both terms of h_t: (1 - u) ⊙ g, and u ⊙ h_{t-1}, which
    brings h_prev."""
    x, h_prev, r, u, g, s = cache
    dz_g = dh * (1 - u) * (1 - g**2)
    dz_u = dh * -g * u * (1 - u)
    dz_r, ds = dz_g * s * r * (1 - r), dz_g * r
    from_x = np.concatenate([dz_r, dz_u, dz_g], axis=1)
    from_h = np.concatenate([dz_r, dz_u, ds], axis=1)
    grads = Params(x.T @ from_x, h_prev.T @ from_h, from_x.sum(axis=0), ds.sum(axis=0))
    return grads, from_x @ params.W_xh.T, from_h @ params.W_hh.T + dh * u


@STEP_BACKWARD.add
def step_backward_u_with_plus(params, cache, dh):
    """In your dz_u stands h_prev + g. In h_t the candidate is multiplied by 1 - u, whose slope in u is -1: h_prev -
    g."""
    x, h_prev, r, u, g, s = cache
    dz_g = dh * (1 - u) * (1 - g**2)
    dz_u = dh * (h_prev + g) * u * (1 - u)
    dz_r, ds = dz_g * s * r * (1 - r), dz_g * r
    from_x = np.concatenate([dz_r, dz_u, dz_g], axis=1)
    from_h = np.concatenate([dz_r, dz_u, ds], axis=1)
    grads = Params(x.T @ from_x, h_prev.T @ from_h, from_x.sum(axis=0), ds.sum(axis=0))
    return grads, from_x @ params.W_xh.T, from_h @ params.W_hh.T + dh * u


@STEP_BACKWARD.add
def step_backward_s_for_h_prev(params, cache, dh):
    """In your dz_u stands s. The update gate multiplied the old state itself, h_{t-1}: s is what the candidate sees of
    it, by way of W_hg."""
    x, h_prev, r, u, g, s = cache
    dz_g = dh * (1 - u) * (1 - g**2)
    dz_u = dh * (s - g) * u * (1 - u)
    dz_r, ds = dz_g * s * r * (1 - r), dz_g * r
    from_x = np.concatenate([dz_r, dz_u, dz_g], axis=1)
    from_h = np.concatenate([dz_r, dz_u, ds], axis=1)
    grads = Params(x.T @ from_x, h_prev.T @ from_h, from_x.sum(axis=0), ds.sum(axis=0))
    return grads, from_x @ params.W_xh.T, from_h @ params.W_hh.T + dh * u


@STEP_BACKWARD.add
def step_backward_u_for_one_minus_u(params, cache, dh):
    """Your dz_g has the share u. The candidate's share in h_t is 1 - u; u is the old state's."""
    x, h_prev, r, u, g, s = cache
    dz_g = dh * u * (1 - g**2)
    dz_u = dh * (h_prev - g) * u * (1 - u)
    dz_r, ds = dz_g * s * r * (1 - r), dz_g * r
    from_x = np.concatenate([dz_r, dz_u, dz_g], axis=1)
    from_h = np.concatenate([dz_r, dz_u, ds], axis=1)
    grads = Params(x.T @ from_x, h_prev.T @ from_h, from_x.sum(axis=0), ds.sum(axis=0))
    return grads, from_x @ params.W_xh.T, from_h @ params.W_hh.T + dh * u


@STEP_BACKWARD.add
def step_backward_shares_exchanged(params, cache, dh):
    """u and 1 - u have changed places everywhere, as in the papers that define h_t so. Here u is the old state's share,
    and 1 - u the candidate's."""
    x, h_prev, r, u, g, s = cache
    dz_g = dh * u * (1 - g**2)
    dz_u = dh * (g - h_prev) * u * (1 - u)
    dz_r, ds = dz_g * s * r * (1 - r), dz_g * r
    from_x = np.concatenate([dz_r, dz_u, dz_g], axis=1)
    from_h = np.concatenate([dz_r, dz_u, ds], axis=1)
    grads = Params(x.T @ from_x, h_prev.T @ from_h, from_x.sum(axis=0), ds.sum(axis=0))
    return grads, from_x @ params.W_xh.T, from_h @ params.W_hh.T + dh * (1 - u)


@STEP_BACKWARD.add
def step_backward_share_of_g_forgotten(params, cache, dh):
    """Your dz_g lacks 1 - u: only that share of the candidate went into h_t."""
    x, h_prev, r, u, g, s = cache
    dz_g = dh * (1 - g**2)
    dz_u = dh * (h_prev - g) * u * (1 - u)
    dz_r, ds = dz_g * s * r * (1 - r), dz_g * r
    from_x = np.concatenate([dz_r, dz_u, dz_g], axis=1)
    from_h = np.concatenate([dz_r, dz_u, ds], axis=1)
    grads = Params(x.T @ from_x, h_prev.T @ from_h, from_x.sum(axis=0), ds.sum(axis=0))
    return grads, from_x @ params.W_xh.T, from_h @ params.W_hh.T + dh * u


@STEP_BACKWARD.add
def step_backward_h_prev_for_s(params, cache, dh):
    """In your dz_r stands h_{t-1}. The reset gate multiplies s, after the product with W_hg, so s is the other
    factor."""
    x, h_prev, r, u, g, _ = cache
    dz_g = dh * (1 - u) * (1 - g**2)
    dz_u = dh * (h_prev - g) * u * (1 - u)
    dz_r, ds = dz_g * h_prev * r * (1 - r), dz_g * r
    from_x = np.concatenate([dz_r, dz_u, dz_g], axis=1)
    from_h = np.concatenate([dz_r, dz_u, ds], axis=1)
    grads = Params(x.T @ from_x, h_prev.T @ from_h, from_x.sum(axis=0), ds.sum(axis=0))
    return grads, from_x @ params.W_xh.T, from_h @ params.W_hh.T + dh * u


@STEP_BACKWARD.add
def step_backward_s_forgotten(params, cache, dh):
    """Your dz_r lacks s: the reset gate is multiplied by it, and the gradient of one factor holds the other."""
    x, h_prev, r, u, g, _ = cache
    dz_g = dh * (1 - u) * (1 - g**2)
    dz_u = dh * (h_prev - g) * u * (1 - u)
    dz_r, ds = dz_g * r * (1 - r), dz_g * r
    from_x = np.concatenate([dz_r, dz_u, dz_g], axis=1)
    from_h = np.concatenate([dz_r, dz_u, ds], axis=1)
    grads = Params(x.T @ from_x, h_prev.T @ from_h, from_x.sum(axis=0), ds.sum(axis=0))
    return grads, from_x @ params.W_xh.T, from_h @ params.W_hh.T + dh * u


@STEP_BACKWARD.add
def step_backward_r_twice_in_dz_r(params, cache, dh):
    """Your dz_r is made from ds, which holds r already. r and s are the two factors of one product: dr is dz_g times s,
    ds is dz_g times r."""
    x, h_prev, r, u, g, s = cache
    dz_g = dh * (1 - u) * (1 - g**2)
    dz_u = dh * (h_prev - g) * u * (1 - u)
    dz_r, ds = dz_g * r * s * r * (1 - r), dz_g * r
    from_x = np.concatenate([dz_r, dz_u, dz_g], axis=1)
    from_h = np.concatenate([dz_r, dz_u, ds], axis=1)
    grads = Params(x.T @ from_x, h_prev.T @ from_h, from_x.sum(axis=0), ds.sum(axis=0))
    return grads, from_x @ params.W_xh.T, from_h @ params.W_hh.T + dh * u


@STEP_BACKWARD.add
def step_backward_r_from_dh(params, cache, dh):
    """Your dz_r is made from dh. The reset gate acts inside the candidate, so on its way dh passes 1 - u and the slope
    of tanh: start from dz_g."""
    x, h_prev, r, u, g, s = cache
    dz_g = dh * (1 - u) * (1 - g**2)
    dz_u = dh * (h_prev - g) * u * (1 - u)
    dz_r, ds = dh * s * r * (1 - r), dz_g * r
    from_x = np.concatenate([dz_r, dz_u, dz_g], axis=1)
    from_h = np.concatenate([dz_r, dz_u, ds], axis=1)
    grads = Params(x.T @ from_x, h_prev.T @ from_h, from_x.sum(axis=0), ds.sum(axis=0))
    return grads, from_x @ params.W_xh.T, from_h @ params.W_hh.T + dh * u


@STEP_BACKWARD.add
def step_backward_r_without_the_slope_of_tanh(params, cache, dh):
    """Your dz_r lacks the slope of the candidate's tanh. r acts inside that tanh, so start from dz_g, which has the
    slope in it."""
    x, h_prev, r, u, g, s = cache
    dz_g = dh * (1 - u) * (1 - g**2)
    dz_u = dh * (h_prev - g) * u * (1 - u)
    dz_r, ds = dh * (1 - u) * s * r * (1 - r), dz_g * r
    from_x = np.concatenate([dz_r, dz_u, dz_g], axis=1)
    from_h = np.concatenate([dz_r, dz_u, ds], axis=1)
    grads = Params(x.T @ from_x, h_prev.T @ from_h, from_x.sum(axis=0), ds.sum(axis=0))
    return grads, from_x @ params.W_xh.T, from_h @ params.W_hh.T + dh * u


@STEP_BACKWARD.add
def step_backward_slope_of_tanh_for_the_gates(params, cache, dh):
    """1 - r² is the slope of tanh. The two gates went through the sigmoid, whose slope is r (1 - r), and likewise for
    u."""
    x, h_prev, r, u, g, s = cache
    dz_g = dh * (1 - u) * (1 - g**2)
    dz_u = dh * (h_prev - g) * (1 - u**2)
    dz_r, ds = dz_g * s * (1 - r**2), dz_g * r
    from_x = np.concatenate([dz_r, dz_u, dz_g], axis=1)
    from_h = np.concatenate([dz_r, dz_u, ds], axis=1)
    grads = Params(x.T @ from_x, h_prev.T @ from_h, from_x.sum(axis=0), ds.sum(axis=0))
    return grads, from_x @ params.W_xh.T, from_h @ params.W_hh.T + dh * u


@STEP_BACKWARD.add
def step_backward_slope_of_sigmoid_for_g(params, cache, dh):
    """g (1 - g) is the slope of the sigmoid. The candidate went through tanh: 1 - g²."""
    x, h_prev, r, u, g, s = cache
    dz_g = dh * (1 - u) * g * (1 - g)
    dz_u = dh * (h_prev - g) * u * (1 - u)
    dz_r, ds = dz_g * s * r * (1 - r), dz_g * r
    from_x = np.concatenate([dz_r, dz_u, dz_g], axis=1)
    from_h = np.concatenate([dz_r, dz_u, ds], axis=1)
    grads = Params(x.T @ from_x, h_prev.T @ from_h, from_x.sum(axis=0), ds.sum(axis=0))
    return grads, from_x @ params.W_xh.T, from_h @ params.W_hh.T + dh * u


@STEP_BACKWARD.add
def step_backward_no_slopes(params, cache, dh):
    """You stop at the values. r and u went through a sigmoid, g through tanh: multiply by r (1 - r), u (1 - u) and 1 -
    g² to get to the pre-activations."""
    x, h_prev, r, u, g, s = cache
    dz_g = dh * (1 - u)
    dz_u = dh * (h_prev - g)
    dz_r, ds = dz_g * s, dz_g * r
    from_x = np.concatenate([dz_r, dz_u, dz_g], axis=1)
    from_h = np.concatenate([dz_r, dz_u, ds], axis=1)
    grads = Params(x.T @ from_x, h_prev.T @ from_h, from_x.sum(axis=0), ds.sum(axis=0))
    return grads, from_x @ params.W_xh.T, from_h @ params.W_hh.T + dh * u


@STEP_BACKWARD.add
def step_backward_no_slopes_of_the_gates(params, cache, dh):
    """Your dz_r and dz_u lack the slope of the sigmoid: times r (1 - r), and times u (1 - u)."""
    x, h_prev, r, u, g, s = cache
    dz_g = dh * (1 - u) * (1 - g**2)
    dz_u = dh * (h_prev - g)
    dz_r, ds = dz_g * s, dz_g * r
    from_x = np.concatenate([dz_r, dz_u, dz_g], axis=1)
    from_h = np.concatenate([dz_r, dz_u, ds], axis=1)
    grads = Params(x.T @ from_x, h_prev.T @ from_h, from_x.sum(axis=0), ds.sum(axis=0))
    return grads, from_x @ params.W_xh.T, from_h @ params.W_hh.T + dh * u


@STEP_BACKWARD.add
def step_backward_no_slope_of_r(params, cache, dh):
    """Your dz_r lacks the slope of the reset gate's sigmoid: times r (1 - r)."""
    x, h_prev, r, u, g, s = cache
    dz_g = dh * (1 - u) * (1 - g**2)
    dz_u = dh * (h_prev - g) * u * (1 - u)
    dz_r, ds = dz_g * s, dz_g * r
    from_x = np.concatenate([dz_r, dz_u, dz_g], axis=1)
    from_h = np.concatenate([dz_r, dz_u, ds], axis=1)
    grads = Params(x.T @ from_x, h_prev.T @ from_h, from_x.sum(axis=0), ds.sum(axis=0))
    return grads, from_x @ params.W_xh.T, from_h @ params.W_hh.T + dh * u


@STEP_BACKWARD.add
def step_backward_no_slope_of_u(params, cache, dh):
    """Your dz_u lacks the slope of the update gate's sigmoid: times u (1 - u)."""
    x, h_prev, r, u, g, s = cache
    dz_g = dh * (1 - u) * (1 - g**2)
    dz_u = dh * (h_prev - g)
    dz_r, ds = dz_g * s * r * (1 - r), dz_g * r
    from_x = np.concatenate([dz_r, dz_u, dz_g], axis=1)
    from_h = np.concatenate([dz_r, dz_u, ds], axis=1)
    grads = Params(x.T @ from_x, h_prev.T @ from_h, from_x.sum(axis=0), ds.sum(axis=0))
    return grads, from_x @ params.W_xh.T, from_h @ params.W_hh.T + dh * u


@STEP_BACKWARD.add
def step_backward_no_slope_of_g(params, cache, dh):
    """Your dz_g lacks the slope of the candidate's tanh: times 1 - g²."""
    x, h_prev, r, u, g, s = cache
    dz_g = dh * (1 - u)
    dz_u = dh * (h_prev - g) * u * (1 - u)
    dz_r, ds = dz_g * s * r * (1 - r), dz_g * r
    from_x = np.concatenate([dz_r, dz_u, dz_g], axis=1)
    from_h = np.concatenate([dz_r, dz_u, ds], axis=1)
    grads = Params(x.T @ from_x, h_prev.T @ from_h, from_x.sum(axis=0), ds.sum(axis=0))
    return grads, from_x @ params.W_xh.T, from_h @ params.W_hh.T + dh * u


@STEP_BACKWARD.add
def step_backward_half_of_a_slope(params, cache, dh):
    """Your slope of a gate is 1 - r: the slope of the sigmoid has two factors, r (1 - r), and likewise for u."""
    x, h_prev, r, u, g, s = cache
    dz_g = dh * (1 - u) * (1 - g**2)
    dz_u = dh * (h_prev - g) * (1 - u)
    dz_r, ds = dz_g * s * (1 - r), dz_g * r
    from_x = np.concatenate([dz_r, dz_u, dz_g], axis=1)
    from_h = np.concatenate([dz_r, dz_u, ds], axis=1)
    grads = Params(x.T @ from_x, h_prev.T @ from_h, from_x.sum(axis=0), ds.sum(axis=0))
    return grads, from_x @ params.W_xh.T, from_h @ params.W_hh.T + dh * u


@STEP_BACKWARD.add
def step_backward_slope_of_g_twice(params, cache, dh):
    """The slope of tanh is in your dz_r twice: dz_g holds it already."""
    x, h_prev, r, u, g, s = cache
    dz_g = dh * (1 - u) * (1 - g**2)
    dz_u = dh * (h_prev - g) * u * (1 - u)
    dz_r, ds = dz_g * (1 - g**2) * s * r * (1 - r), dz_g * r
    from_x = np.concatenate([dz_r, dz_u, dz_g], axis=1)
    from_h = np.concatenate([dz_r, dz_u, ds], axis=1)
    grads = Params(x.T @ from_x, h_prev.T @ from_h, from_x.sum(axis=0), ds.sum(axis=0))
    return grads, from_x @ params.W_xh.T, from_h @ params.W_hh.T + dh * u


@STEP_BACKWARD.add
def step_backward_packed_u_r_g(params, cache, dh):
    """You pack the gradients as u, r, g. The columns of the weights are in the order r, u, g."""
    x, h_prev, r, u, g, s = cache
    dz_g = dh * (1 - u) * (1 - g**2)
    dz_u = dh * (h_prev - g) * u * (1 - u)
    dz_r, ds = dz_g * s * r * (1 - r), dz_g * r
    from_x = np.concatenate([dz_u, dz_r, dz_g], axis=1)
    from_h = np.concatenate([dz_u, dz_r, ds], axis=1)
    grads = Params(x.T @ from_x, h_prev.T @ from_h, from_x.sum(axis=0), ds.sum(axis=0))
    return grads, from_x @ params.W_xh.T, from_h @ params.W_hh.T + dh * u


@STEP_BACKWARD.add
def step_backward_packed_u_r_g_for_x(params, cache, dh):
    """You pack what met x as u, r, g, though what met h_{t-1} as r, u, s. Both follow the weights' columns: r first,
    then u."""
    x, h_prev, r, u, g, s = cache
    dz_g = dh * (1 - u) * (1 - g**2)
    dz_u = dh * (h_prev - g) * u * (1 - u)
    dz_r, ds = dz_g * s * r * (1 - r), dz_g * r
    from_x = np.concatenate([dz_u, dz_r, dz_g], axis=1)
    from_h = np.concatenate([dz_r, dz_u, ds], axis=1)
    grads = Params(x.T @ from_x, h_prev.T @ from_h, from_x.sum(axis=0), ds.sum(axis=0))
    return grads, from_x @ params.W_xh.T, from_h @ params.W_hh.T + dh * u


@STEP_BACKWARD.add
def step_backward_packed_u_r_s_for_h(params, cache, dh):
    """You pack what met h_{t-1} as u, r, s, though what met x as r, u, g. Both follow the weights' columns: r first,
    then u."""
    x, h_prev, r, u, g, s = cache
    dz_g = dh * (1 - u) * (1 - g**2)
    dz_u = dh * (h_prev - g) * u * (1 - u)
    dz_r, ds = dz_g * s * r * (1 - r), dz_g * r
    from_x = np.concatenate([dz_r, dz_u, dz_g], axis=1)
    from_h = np.concatenate([dz_u, dz_r, ds], axis=1)
    grads = Params(x.T @ from_x, h_prev.T @ from_h, from_x.sum(axis=0), ds.sum(axis=0))
    return grads, from_x @ params.W_xh.T, from_h @ params.W_hh.T + dh * u


@STEP_BACKWARD.add
def step_backward_packed_g_r_u(params, cache, dh):
    """You pack the gradients with the candidate first. The columns of the weights are in the order r, u, g."""
    x, h_prev, r, u, g, s = cache
    dz_g = dh * (1 - u) * (1 - g**2)
    dz_u = dh * (h_prev - g) * u * (1 - u)
    dz_r, ds = dz_g * s * r * (1 - r), dz_g * r
    from_x = np.concatenate([dz_g, dz_r, dz_u], axis=1)
    from_h = np.concatenate([ds, dz_r, dz_u], axis=1)
    grads = Params(x.T @ from_x, h_prev.T @ from_h, from_x.sum(axis=0), ds.sum(axis=0))
    return grads, from_x @ params.W_xh.T, from_h @ params.W_hh.T + dh * u


@STEP_BACKWARD.add
def step_backward_packed_r_g_u(params, cache, dh):
    """You pack the gradients as r, g, u. The columns of the weights are in the order r, u, g."""
    x, h_prev, r, u, g, s = cache
    dz_g = dh * (1 - u) * (1 - g**2)
    dz_u = dh * (h_prev - g) * u * (1 - u)
    dz_r, ds = dz_g * s * r * (1 - r), dz_g * r
    from_x = np.concatenate([dz_r, dz_g, dz_u], axis=1)
    from_h = np.concatenate([dz_r, ds, dz_u], axis=1)
    grads = Params(x.T @ from_x, h_prev.T @ from_h, from_x.sum(axis=0), ds.sum(axis=0))
    return grads, from_x @ params.W_xh.T, from_h @ params.W_hh.T + dh * u


@STEP_BACKWARD.add
def step_backward_packed_on_top_of_one_another(params, cache, dh):
    """np.concatenate puts the three on top of one another unless told otherwise. They belong side by side, (N, 3H):
    axis=1."""
    x, h_prev, r, u, g, s = cache
    dz_g = dh * (1 - u) * (1 - g**2)
    dz_u = dh * (h_prev - g) * u * (1 - u)
    dz_r, ds = dz_g * s * r * (1 - r), dz_g * r
    from_x = np.concatenate([dz_r, dz_u, dz_g])
    from_h = np.concatenate([dz_r, dz_u, ds])
    grads = Params(x.T @ from_x, h_prev.T @ from_h, from_x.sum(axis=0), ds.sum(axis=0))
    return grads, from_x @ params.W_xh.T, from_h @ params.W_hh.T + dh * u


@STEP_BACKWARD.add
def step_backward_dh_prev_without_the_reset_road(params, cache, dh):
    """Your dh_prev leaves out the road through s. h_{t-1} entered r, u and s, and all three send back, ds by way of
    W_hg."""
    x, h_prev, r, u, g, s = cache
    dz_g = dh * (1 - u) * (1 - g**2)
    dz_u = dh * (h_prev - g) * u * (1 - u)
    dz_r, ds = dz_g * s * r * (1 - r), dz_g * r
    from_x = np.concatenate([dz_r, dz_u, dz_g], axis=1)
    from_h = np.concatenate([dz_r, dz_u, ds], axis=1)
    grads = Params(x.T @ from_x, h_prev.T @ from_h, from_x.sum(axis=0), ds.sum(axis=0))
    return grads, from_x @ params.W_xh.T, from_h[:, : -r.shape[1]] @ params.W_hh[:, : -r.shape[1]].T + dh * u


@STEP_BACKWARD.add
def step_backward_dh_prev_without_the_gates(params, cache, dh):
    """Your dh_prev leaves out the roads through r and u: the gates looked at h_{t-1} too, and both send back by their
    blocks of W_hh."""
    x, h_prev, r, u, g, s = cache
    dz_g = dh * (1 - u) * (1 - g**2)
    dz_u = dh * (h_prev - g) * u * (1 - u)
    dz_r, ds = dz_g * s * r * (1 - r), dz_g * r
    from_x = np.concatenate([dz_r, dz_u, dz_g], axis=1)
    from_h = np.concatenate([dz_r, dz_u, ds], axis=1)
    grads = Params(x.T @ from_x, h_prev.T @ from_h, from_x.sum(axis=0), ds.sum(axis=0))
    return grads, from_x @ params.W_xh.T, ds @ np.split(params.W_hh, 3, axis=1)[2].T + dh * u


@STEP_BACKWARD.add
def step_backward_reset_gate_before_the_product(params, cache, dh):
    """Your way back is that of the published version of Cho et al. 2014, gru_reset_first in the package, where r ⊙
    h_{t-1} is multiplied by W_hg. Here r multiplies s, after the product."""
    x, h_prev, r, u, g, _ = cache
    dz_g, dz_u = dh * (1 - u) * (1 - g**2), dh * (h_prev - g) * u * (1 - u)
    W_hru, W_hg = np.split(params.W_hh, [2 * r.shape[1]], axis=1)
    dreset = dz_g @ W_hg.T
    dz_ru = np.concatenate([dreset * h_prev * r * (1 - r), dz_u], axis=1)
    dz = np.concatenate([dz_ru, dz_g], axis=1)
    dW_hh = np.concatenate([h_prev.T @ dz_ru, (r * h_prev).T @ dz_g], axis=1)
    grads = Params(x.T @ dz, dW_hh, dz.sum(axis=0), dz_g.sum(axis=0))
    return grads, dz @ params.W_xh.T, dz_ru @ W_hru.T + dreset * r + dh * u


@STEP_BACKWARD.add
def step_backward_recurrent_weights_not_transposed(params, cache, dh):
    """In dh_prev the sum runs over 3H columns: W_hh is (H, 3H), so it is transposed, and stands on the right."""
    x, h_prev, r, u, g, s = cache
    dz_g = dh * (1 - u) * (1 - g**2)
    dz_u = dh * (h_prev - g) * u * (1 - u)
    dz_r, ds = dz_g * s * r * (1 - r), dz_g * r
    from_x = np.concatenate([dz_r, dz_u, dz_g], axis=1)
    from_h = np.concatenate([dz_r, dz_u, ds], axis=1)
    grads = Params(x.T @ from_x, h_prev.T @ from_h, from_x.sum(axis=0), ds.sum(axis=0))
    return grads, from_x @ params.W_xh.T, from_h @ params.W_hh + dh * u


@STEP_BACKWARD.add
def step_backward_input_weights_not_transposed(params, cache, dh):
    """In dx the sum runs over 3H columns: W_xh is (D, 3H), so it is transposed, and stands on the right."""
    x, h_prev, r, u, g, s = cache
    dz_g = dh * (1 - u) * (1 - g**2)
    dz_u = dh * (h_prev - g) * u * (1 - u)
    dz_r, ds = dz_g * s * r * (1 - r), dz_g * r
    from_x = np.concatenate([dz_r, dz_u, dz_g], axis=1)
    from_h = np.concatenate([dz_r, dz_u, ds], axis=1)
    grads = Params(x.T @ from_x, h_prev.T @ from_h, from_x.sum(axis=0), ds.sum(axis=0))
    return grads, from_x @ params.W_xh, from_h @ params.W_hh.T + dh * u


@STEP_BACKWARD.add
def step_backward_x_not_transposed(params, cache, dh):
    """In the gradient of W_xh the sum runs over the batch: x is (N, D), the gates' gradients are (N, 3H), so x is
    transposed. Likewise h_prev."""
    x, h_prev, r, u, g, s = cache
    dz_g = dh * (1 - u) * (1 - g**2)
    dz_u = dh * (h_prev - g) * u * (1 - u)
    dz_r, ds = dz_g * s * r * (1 - r), dz_g * r
    from_x = np.concatenate([dz_r, dz_u, dz_g], axis=1)
    from_h = np.concatenate([dz_r, dz_u, ds], axis=1)
    grads = Params(x @ from_x, h_prev @ from_h, from_x.sum(axis=0), ds.sum(axis=0))
    return grads, from_x @ params.W_xh.T, from_h @ params.W_hh.T + dh * u


@STEP_BACKWARD.add
def step_backward_weight_gradients_transposed(params, cache, dh):
    """Your weight gradients are transposed: a gradient has the shape of its weight, rows for what goes in, 3H
    columns."""
    x, h_prev, r, u, g, s = cache
    dz_g = dh * (1 - u) * (1 - g**2)
    dz_u = dh * (h_prev - g) * u * (1 - u)
    dz_r, ds = dz_g * s * r * (1 - r), dz_g * r
    from_x = np.concatenate([dz_r, dz_u, dz_g], axis=1)
    from_h = np.concatenate([dz_r, dz_u, ds], axis=1)
    grads = Params(from_x.T @ x, from_h.T @ h_prev, from_x.sum(axis=0), ds.sum(axis=0))
    return grads, from_x @ params.W_xh.T, from_h @ params.W_hh.T + dh * u


@STEP_BACKWARD.add
def step_backward_h_for_h_prev(params, cache, dh):
    """In your gradient of W_hh stands h_t. W_hh multiplied the state that came in: h_prev."""
    x, h_prev, r, u, g, s = cache
    dz_g = dh * (1 - u) * (1 - g**2)
    dz_u = dh * (h_prev - g) * u * (1 - u)
    dz_r, ds = dz_g * s * r * (1 - r), dz_g * r
    from_x = np.concatenate([dz_r, dz_u, dz_g], axis=1)
    from_h = np.concatenate([dz_r, dz_u, ds], axis=1)
    grads = Params(x.T @ from_x, ((1 - u) * g + u * h_prev).T @ from_h, from_x.sum(axis=0), ds.sum(axis=0))
    return grads, from_x @ params.W_xh.T, from_h @ params.W_hh.T + dh * u


@STEP_BACKWARD.add
def step_backward_reset_h_prev_in_the_gradient(params, cache, dh):
    """In your gradient of W_hh stands r ⊙ h_{t-1}. The product with W_hh comes before the reset gate: h_prev as it is,
    and r is in ds."""
    x, h_prev, r, u, g, s = cache
    dz_g = dh * (1 - u) * (1 - g**2)
    dz_u = dh * (h_prev - g) * u * (1 - u)
    dz_r, ds = dz_g * s * r * (1 - r), dz_g * r
    from_x = np.concatenate([dz_r, dz_u, dz_g], axis=1)
    from_h = np.concatenate([dz_r, dz_u, ds], axis=1)
    grads = Params(x.T @ from_x, (r * h_prev).T @ from_h, from_x.sum(axis=0), ds.sum(axis=0))
    return grads, from_x @ params.W_xh.T, from_h @ params.W_hh.T + dh * u


@STEP_BACKWARD.add
def step_backward_averaged_over_the_batch(params, cache, dh):
    """You divide the parameters' gradients by N. The average belongs to the loss, and is in dh already."""
    x, h_prev, r, u, g, s = cache
    dz_g = dh * (1 - u) * (1 - g**2)
    dz_u = dh * (h_prev - g) * u * (1 - u)
    dz_r, ds = dz_g * s * r * (1 - r), dz_g * r
    from_x = np.concatenate([dz_r, dz_u, dz_g], axis=1)
    from_h = np.concatenate([dz_r, dz_u, ds], axis=1)
    grads = Params(*(p / len(dh) for p in (x.T @ from_x, h_prev.T @ from_h, from_x.sum(axis=0), ds.sum(axis=0))))
    return grads, from_x @ params.W_xh.T, from_h @ params.W_hh.T + dh * u


@STEP_BACKWARD.add
def step_backward_r_and_u_exchanged_in_the_cache(params, cache, dh):
    """You take r and u from the cache in the wrong order: its fields are x, h_prev, r, u, g, s."""
    x, h_prev, u, r, g, s = cache
    dz_g = dh * (1 - u) * (1 - g**2)
    dz_u = dh * (h_prev - g) * u * (1 - u)
    dz_r, ds = dz_g * s * r * (1 - r), dz_g * r
    from_x = np.concatenate([dz_r, dz_u, dz_g], axis=1)
    from_h = np.concatenate([dz_r, dz_u, ds], axis=1)
    grads = Params(x.T @ from_x, h_prev.T @ from_h, from_x.sum(axis=0), ds.sum(axis=0))
    return grads, from_x @ params.W_xh.T, from_h @ params.W_hh.T + dh * u


@STEP_BACKWARD.add
def step_backward_g_and_s_exchanged_in_the_cache(params, cache, dh):
    """You take g and s from the cache in the wrong order: its fields are x, h_prev, r, u, g, s."""
    x, h_prev, r, u, s, g = cache
    dz_g = dh * (1 - u) * (1 - g**2)
    dz_u = dh * (h_prev - g) * u * (1 - u)
    dz_r, ds = dz_g * s * r * (1 - r), dz_g * r
    from_x = np.concatenate([dz_r, dz_u, dz_g], axis=1)
    from_h = np.concatenate([dz_r, dz_u, ds], axis=1)
    grads = Params(x.T @ from_x, h_prev.T @ from_h, from_x.sum(axis=0), ds.sum(axis=0))
    return grads, from_x @ params.W_xh.T, from_h @ params.W_hh.T + dh * u


@STEP_BACKWARD.add
def step_backward_params_of_the_lstm(params, cache, dh):
    """The Params that you call are the LSTM's, with three fields. The GRU's have a fourth, b_hg:
    params._replace(W_xh=..., W_hh=..., b_h=..., b_hg=...) has the right type."""
    x, h_prev, r, u, g, s = cache
    dz_g = dh * (1 - u) * (1 - g**2)
    dz_u = dh * (h_prev - g) * u * (1 - u)
    dz_r, ds = dz_g * s * r * (1 - r), dz_g * r
    from_x = np.concatenate([dz_r, dz_u, dz_g], axis=1)
    from_h = np.concatenate([dz_r, dz_u, ds], axis=1)
    grads = lstm.Params(x.T @ from_x, h_prev.T @ from_h, from_x.sum(axis=0), ds.sum(axis=0))  # type: ignore[call-arg]
    return grads, from_x @ params.W_xh.T, from_h @ params.W_hh.T + dh * u


@STEP_BACKWARD.add
def step_backward_params_of_the_lstm_by_name(params, cache, dh):
    """The Params that you call are the LSTM's, which have no b_hg: params._replace(W_xh=..., W_hh=..., b_h=...,
    b_hg=...) has the right type, and so has gru.Params."""
    x, h_prev, r, u, g, s = cache
    dz_g = dh * (1 - u) * (1 - g**2)
    dz_u = dh * (h_prev - g) * u * (1 - u)
    dz_r, ds = dz_g * s * r * (1 - r), dz_g * r
    from_x = np.concatenate([dz_r, dz_u, dz_g], axis=1)
    from_h = np.concatenate([dz_r, dz_u, ds], axis=1)
    W_xh, W_hh = x.T @ from_x, h_prev.T @ from_h
    grads = lstm.Params(W_xh=W_xh, W_hh=W_hh, b_h=from_x.sum(axis=0), b_hg=ds.sum(axis=0))  # type: ignore[call-arg]
    return grads, from_x @ params.W_xh.T, from_h @ params.W_hh.T + dh * u


@STEP_BACKWARD.add
def step_backward_three_gradients(params, cache, dh):
    """Your gradients have three arrays; the GRU has four parameters. The fourth is b_hg, whose gradient is ds summed
    over the batch."""
    x, h_prev, r, u, g, s = cache
    dz_g = dh * (1 - u) * (1 - g**2)
    dz_u = dh * (h_prev - g) * u * (1 - u)
    dz_r, ds = dz_g * s * r * (1 - r), dz_g * r
    from_x = np.concatenate([dz_r, dz_u, dz_g], axis=1)
    from_h = np.concatenate([dz_r, dz_u, ds], axis=1)
    grads = (x.T @ from_x, h_prev.T @ from_h, from_x.sum(axis=0))
    return grads, from_x @ params.W_xh.T, from_h @ params.W_hh.T + dh * u


@STEP_BACKWARD.add
def step_backward_mutates_input(params, cache, dh):
    """The values are right, but dh *= writes into dh, which belongs to whoever called you: give the product a name of
    its own."""
    x, h_prev, r, u, g, s = cache
    dz_g = dh * (1 - u) * (1 - g**2)
    dz_u = dh * (h_prev - g) * u * (1 - u)
    dz_r, ds = dz_g * s * r * (1 - r), dz_g * r
    from_x = np.concatenate([dz_r, dz_u, dz_g], axis=1)
    from_h = np.concatenate([dz_r, dz_u, ds], axis=1)
    grads = Params(x.T @ from_x, h_prev.T @ from_h, from_x.sum(axis=0), ds.sum(axis=0))
    dh *= u
    return grads, from_x @ params.W_xh.T, from_h @ params.W_hh.T + dh


@STEP_BACKWARD.add
def step_backward_clips_inside(params, cache, dh):
    """You clip inside the gradient, so for a large dh it is no longer the gradient of anything. Clipping belongs
    between the gradient and the update."""
    x, h_prev, r, u, g, s = cache
    dz_g = dh * (1 - u) * (1 - g**2)
    dz_u = dh * (h_prev - g) * u * (1 - u)
    dz_r, ds = dz_g * s * r * (1 - r), dz_g * r
    from_x = np.concatenate([dz_r, dz_u, dz_g], axis=1).clip(-5, 5)
    from_h = np.concatenate([dz_r, dz_u, ds], axis=1).clip(-5, 5)
    grads = Params(x.T @ from_x, h_prev.T @ from_h, from_x.sum(axis=0), ds.sum(axis=0))
    return grads, from_x @ params.W_xh.T, from_h @ params.W_hh.T + dh * u


def _step_backward_case(seed: int, N: int, D: int, H: int, scale: float = 0.9, decimals: int = 2) -> Case:
    rng = np.random.default_rng(seed)
    params = draw_gru(rng, D, H, decimals=decimals)
    _, cache = gru.step(params, draw(rng, N, D, decimals=decimals), draw(rng, N, H, decimals=decimals))
    dh = draw(rng, N, H, scale=scale, decimals=decimals)
    return Case(sizes(N=N, D=D, H=H), {"params": params, "cache": cache, "dh": dh})


def step_backward_cases() -> tuple[Case, ...]:
    """Different sizes, a single sequence, a gradient that is large."""
    return (
        _step_backward_case(7215, N=3, D=1, H=2, decimals=1),
        _step_backward_case(7310, N=4, D=3, H=5),
        _step_backward_case(7415, N=1, D=4, H=2),
        _step_backward_case(7510, N=3, D=5, H=4, scale=90.0),
    )


def step_backward_lesson_case() -> Case:
    """One step back of a batch as large as the lessons train on."""
    return _step_backward_case(725, N=100, D=2, H=64)


LESSON = "07_bptt_through_the_lstm"

EXERCISES = (
    Exercise(
        name="gru.step",
        lesson=LESSON,
        minutes=8,
        solution=gru.step,
        returns=("h", "cache"),
        stub='''def my_gru_step(params, x, h_prev):
    """r, u = σ of the first two blocks of x W_xh + b_h + h_{t-1} W_hh. With their third blocks g = tanh(x's + r ⊙ s),
    where s = h_{t-1} W_hg + b_hg. h_t = (1 - u) ⊙ g + u ⊙ h_{t-1}. Return h and Cache(x, h_prev, r, u, g, s)."""
    ...
''',
        hints=(
            "Two gates and a candidate. The reset gate multiplies what the candidate sees of the old state, after the "
            "product with the weights; the update gate says which share of the old state stays.",
            "x W_xh + b_h and h_{t-1} W_hh are (N, 3H) each. Split both into three arrays (N, H) before adding, in the "
            "order r, u, g: the third blocks must stay apart, since r multiplies only one of them. b_hg is (H,).",
            "np.split(..., 3, axis=1), twice. r and u are the sigmoid of the sums of the first two blocks; s is the "
            "third block of h's part plus params.b_hg; g is np.tanh of the third block of x's part plus r times s. "
            "Then mix g and h_prev, with the shares 1 - u and u.",
        ),
        make_cases=step_cases,
        make_lesson_case=step_lesson_case,
        misconceptions=STEP.catalogue,
    ),
    Exercise(
        name="gru.step_backward",
        lesson=LESSON,
        minutes=15,
        solution=gru.step_backward,
        returns=("grads", "dx", "dh_prev"),
        stub='''def my_gru_step_backward(params, cache, dh):
    """From the total dL/dh_t to grads, dx and dh_prev. cache has the fields x, h_prev, r, u, g and s. grads is
    params._replace(W_xh=..., W_hh=..., b_h=..., b_hg=...), or the four arrays in this order."""
    ...
''',
        hints=(
            "h_t is a sum of two products: each factor gets dh times the other one, and u stands in both. Go back "
            "through the candidate before the reset gate. Four roads lead from h_t to h_{t-1}: through r, u and s, and "
            "straight.",
            "dz_r, dz_u, dz_g and ds are (N, H). Side by side they make two arrays (N, 3H): r, u, g for what met x, "
            "which are W_xh, b_h and dx, and r, u, s for what met h_{t-1}, which are W_hh and dh_prev. b_hg (H,) "
            "belongs to s.",
            "dz_g is dh times 1 - u times 1 - g**2; dz_u is dh times h_prev - g times u's slope; dz_r is dz_g times s "
            "times r's slope; ds is dz_g times r. After np.concatenate the products are those of the plain cell; "
            "dh_prev gets dh times u added.",
        ),
        make_cases=step_backward_cases,
        make_lesson_case=step_backward_lesson_case,
        misconceptions=STEP_BACKWARD.catalogue,
    ),
)
