"""Exercises on the LSTM: one step, its start and its memory (lesson 06), and one step back (lesson 07)."""
# mypy: allow-untyped-defs, allow-untyped-calls
# (the wrong answers are written as learners write, without annotations)

from __future__ import annotations

import math

import numpy as np

from bptt_lessons.cells import lstm
from bptt_lessons.cells.activations import sigmoid
from bptt_lessons.cells.lstm import Cache, Params, State
from bptt_lessons.course.catalogue.draws import Seeded, draw, draw_lstm, draw_state, sizes
from bptt_lessons.course.catalogue.mistakes import Mistakes
from bptt_lessons.course.exercises import Case, Exercise

STEP = Mistakes("step")


@STEP.add
def step_gates_in_the_order_i_f_o_g(params, x, state):
    """You take the four blocks as i, f, o, g, an order that some courses use. Here the candidate is the third block and
    the output gate the last: i, f, g, o, as PyTorch packs them."""
    h_prev, c_prev = state
    z_i, z_f, z_o, z_g = np.split(x @ params.W_xh + h_prev @ params.W_hh + params.b_h, 4, axis=1)
    i, f, g, o = sigmoid(z_i), sigmoid(z_f), np.tanh(z_g), sigmoid(z_o)
    c = f * c_prev + i * g
    h = o * np.tanh(c)
    return State(h, c), Cache(x, h_prev, c_prev, i, f, g, o, np.tanh(c))


@STEP.add
def step_gates_in_the_order_f_i_g_o(params, x, state):
    """You take the first block for the forget gate and the second for the input gate. The blocks are packed i, f, g,
    o."""
    h_prev, c_prev = state
    z_f, z_i, z_g, z_o = np.split(x @ params.W_xh + h_prev @ params.W_hh + params.b_h, 4, axis=1)
    i, f, g, o = sigmoid(z_i), sigmoid(z_f), np.tanh(z_g), sigmoid(z_o)
    c = f * c_prev + i * g
    h = o * np.tanh(c)
    return State(h, c), Cache(x, h_prev, c_prev, i, f, g, o, np.tanh(c))


@STEP.add
def step_gates_in_the_order_f_i_o_g(params, x, state):
    """You take the blocks as f, i, o, g, the order in which many texts introduce the gates. They are packed i, f, g,
    o."""
    h_prev, c_prev = state
    z_f, z_i, z_o, z_g = np.split(x @ params.W_xh + h_prev @ params.W_hh + params.b_h, 4, axis=1)
    i, f, g, o = sigmoid(z_i), sigmoid(z_f), np.tanh(z_g), sigmoid(z_o)
    c = f * c_prev + i * g
    h = o * np.tanh(c)
    return State(h, c), Cache(x, h_prev, c_prev, i, f, g, o, np.tanh(c))


@STEP.add
def step_gates_in_the_order_f_i_g_o_with_tanh_on_the_last(params, x, state):
    """Two things at once: you take the blocks as f, i, g, o, and tanh has gone to the last one. They are packed i, f,
    g, o, and tanh belongs to the third, the candidate."""
    h_prev, c_prev = state
    z_f, z_i, z_g, z_o = np.split(x @ params.W_xh + h_prev @ params.W_hh + params.b_h, 4, axis=1)
    i, f, g, o = sigmoid(z_i), sigmoid(z_f), sigmoid(z_g), np.tanh(z_o)
    c = f * c_prev + i * g
    h = o * np.tanh(c)
    return State(h, c), Cache(x, h_prev, c_prev, i, f, g, o, np.tanh(c))


@STEP.add
def step_gates_in_the_order_i_g_f_o(params, x, state):
    """You take the second block for the candidate and the third for the forget gate, as old TensorFlow cells do. Here
    they are packed i, f, g, o."""
    h_prev, c_prev = state
    z_i, z_g, z_f, z_o = np.split(x @ params.W_xh + h_prev @ params.W_hh + params.b_h, 4, axis=1)
    i, f, g, o = sigmoid(z_i), sigmoid(z_f), np.tanh(z_g), sigmoid(z_o)
    c = f * c_prev + i * g
    h = o * np.tanh(c)
    return State(h, c), Cache(x, h_prev, c_prev, i, f, g, o, np.tanh(c))


@STEP.add
def step_gates_in_the_order_i_o_f_g(params, x, state):
    """You take the blocks as i, o, f, g, as the ONNX format does. Here they are packed i, f, g, o."""
    h_prev, c_prev = state
    z_i, z_o, z_f, z_g = np.split(x @ params.W_xh + h_prev @ params.W_hh + params.b_h, 4, axis=1)
    i, f, g, o = sigmoid(z_i), sigmoid(z_f), np.tanh(z_g), sigmoid(z_o)
    c = f * c_prev + i * g
    h = o * np.tanh(c)
    return State(h, c), Cache(x, h_prev, c_prev, i, f, g, o, np.tanh(c))


@STEP.add
def step_gates_in_the_order_o_f_g_i(params, x, state):
    """Input and output gate have changed places: the first block is i, the last is o. The order is i, f, g, o."""
    h_prev, c_prev = state
    z_o, z_f, z_g, z_i = np.split(x @ params.W_xh + h_prev @ params.W_hh + params.b_h, 4, axis=1)
    i, f, g, o = sigmoid(z_i), sigmoid(z_f), np.tanh(z_g), sigmoid(z_o)
    c = f * c_prev + i * g
    h = o * np.tanh(c)
    return State(h, c), Cache(x, h_prev, c_prev, i, f, g, o, np.tanh(c))


@STEP.add
def step_gates_in_the_order_i_o_g_f(params, x, state):
    """Forget and output gate have changed places: the second block is f, the last is o. The order is i, f, g, o."""
    h_prev, c_prev = state
    z_i, z_o, z_g, z_f = np.split(x @ params.W_xh + h_prev @ params.W_hh + params.b_h, 4, axis=1)
    i, f, g, o = sigmoid(z_i), sigmoid(z_f), np.tanh(z_g), sigmoid(z_o)
    c = f * c_prev + i * g
    h = o * np.tanh(c)
    return State(h, c), Cache(x, h_prev, c_prev, i, f, g, o, np.tanh(c))


@STEP.add
def step_gates_in_the_order_g_f_i_o(params, x, state):
    """Input gate and candidate have changed places: the first block is i, the third is g. The order is i, f, g, o."""
    h_prev, c_prev = state
    z_g, z_f, z_i, z_o = np.split(x @ params.W_xh + h_prev @ params.W_hh + params.b_h, 4, axis=1)
    i, f, g, o = sigmoid(z_i), sigmoid(z_f), np.tanh(z_g), sigmoid(z_o)
    c = f * c_prev + i * g
    h = o * np.tanh(c)
    return State(h, c), Cache(x, h_prev, c_prev, i, f, g, o, np.tanh(c))


@STEP.add
def step_gates_interleaved(params, x, state):
    """You take every fourth column for a gate. The blocks lie side by side: the first H columns are all of i, the next
    H all of f, and so on. np.split(z, 4, axis=1) cuts there."""
    h_prev, c_prev = state
    z = x @ params.W_xh + h_prev @ params.W_hh + params.b_h
    i, f, g, o = sigmoid(z[:, 0::4]), sigmoid(z[:, 1::4]), np.tanh(z[:, 2::4]), sigmoid(z[:, 3::4])
    c = f * c_prev + i * g
    h = o * np.tanh(c)
    return State(h, c), Cache(x, h_prev, c_prev, i, f, g, o, np.tanh(c))


@STEP.add
def step_split_along_the_batch(params, x, state):
    """np.split cuts along the first axis unless told otherwise, and that is the batch. The gates lie side by side in
    the columns: axis=1."""
    h_prev, c_prev = state
    z_i, z_f, z_g, z_o = np.split(x @ params.W_xh + h_prev @ params.W_hh + params.b_h, 4)
    i, f, g, o = sigmoid(z_i), sigmoid(z_f), np.tanh(z_g), sigmoid(z_o)
    c = f * c_prev + i * g
    h = o * np.tanh(c)
    return State(h, c), Cache(x, h_prev, c_prev, i, f, g, o, np.tanh(c))


@STEP.add
def step_sigmoid_for_g(params, x, state):
    """Your candidate went through the sigmoid, so it can only add to the content, never take away from it. g is no
    gate: it uses tanh."""
    h_prev, c_prev = state
    z_i, z_f, z_g, z_o = np.split(x @ params.W_xh + h_prev @ params.W_hh + params.b_h, 4, axis=1)
    i, f, g, o = sigmoid(z_i), sigmoid(z_f), sigmoid(z_g), sigmoid(z_o)
    c = f * c_prev + i * g
    h = o * np.tanh(c)
    return State(h, c), Cache(x, h_prev, c_prev, i, f, g, o, np.tanh(c))


@STEP.add
def step_tanh_of_sigmoid_for_g(params, x, state):
    """Your candidate went through the sigmoid with the gates and then through tanh as well, so it is never negative.
    z_g goes through tanh alone: take the sigmoid of the other three blocks only."""
    h_prev, c_prev = state
    z_i, z_f, z_g, z_o = np.split(x @ params.W_xh + h_prev @ params.W_hh + params.b_h, 4, axis=1)
    i, f, g, o = sigmoid(z_i), sigmoid(z_f), np.tanh(sigmoid(z_g)), sigmoid(z_o)
    c = f * c_prev + i * g
    h = o * np.tanh(c)
    return State(h, c), Cache(x, h_prev, c_prev, i, f, g, o, np.tanh(c))


@STEP.add
def step_tanh_for_i(params, x, state):
    """Your input gate went through tanh, so it can be negative. A gate says how much, from 0 to 1: the sigmoid."""
    h_prev, c_prev = state
    z_i, z_f, z_g, z_o = np.split(x @ params.W_xh + h_prev @ params.W_hh + params.b_h, 4, axis=1)
    i, f, g, o = np.tanh(z_i), sigmoid(z_f), np.tanh(z_g), sigmoid(z_o)
    c = f * c_prev + i * g
    h = o * np.tanh(c)
    return State(h, c), Cache(x, h_prev, c_prev, i, f, g, o, np.tanh(c))


@STEP.add
def step_tanh_for_f(params, x, state):
    """Your forget gate went through tanh, so it can turn the content's sign round. A gate says how much, from 0 to 1:
    the sigmoid."""
    h_prev, c_prev = state
    z_i, z_f, z_g, z_o = np.split(x @ params.W_xh + h_prev @ params.W_hh + params.b_h, 4, axis=1)
    i, f, g, o = sigmoid(z_i), np.tanh(z_f), np.tanh(z_g), sigmoid(z_o)
    c = f * c_prev + i * g
    h = o * np.tanh(c)
    return State(h, c), Cache(x, h_prev, c_prev, i, f, g, o, np.tanh(c))


@STEP.add
def step_tanh_for_o(params, x, state):
    """Your output gate went through tanh, so it can be negative. A gate says how much, from 0 to 1: the sigmoid."""
    h_prev, c_prev = state
    z_i, z_f, z_g, z_o = np.split(x @ params.W_xh + h_prev @ params.W_hh + params.b_h, 4, axis=1)
    i, f, g, o = sigmoid(z_i), sigmoid(z_f), np.tanh(z_g), np.tanh(z_o)
    c = f * c_prev + i * g
    h = o * np.tanh(c)
    return State(h, c), Cache(x, h_prev, c_prev, i, f, g, o, np.tanh(c))


@STEP.add
def step_tanh_on_the_last_block(params, x, state):
    """Sigmoid for the first three blocks and tanh for the last: that fits another packing. Here the third block is the
    candidate, with tanh, and the last is the output gate, with the sigmoid."""
    h_prev, c_prev = state
    z_i, z_f, z_g, z_o = np.split(x @ params.W_xh + h_prev @ params.W_hh + params.b_h, 4, axis=1)
    i, f, g, o = sigmoid(z_i), sigmoid(z_f), sigmoid(z_g), np.tanh(z_o)
    c = f * c_prev + i * g
    h = o * np.tanh(c)
    return State(h, c), Cache(x, h_prev, c_prev, i, f, g, o, np.tanh(c))


@STEP.add
def step_tanh_for_every_gate(params, x, state):
    """All your gates went through tanh. Only the candidate g does: i, f and o say how much, from 0 to 1, and use the
    sigmoid."""
    h_prev, c_prev = state
    z_i, z_f, z_g, z_o = np.split(x @ params.W_xh + h_prev @ params.W_hh + params.b_h, 4, axis=1)
    i, f, g, o = np.tanh(z_i), np.tanh(z_f), np.tanh(z_g), np.tanh(z_o)
    c = f * c_prev + i * g
    h = o * np.tanh(c)
    return State(h, c), Cache(x, h_prev, c_prev, i, f, g, o, np.tanh(c))


@STEP.add
def step_gates_not_squashed(params, x, state):
    """i, f and o are pre-activations still. A gate lies between 0 and 1: each of the three goes through the sigmoid."""
    h_prev, c_prev = state
    z_i, z_f, z_g, z_o = np.split(x @ params.W_xh + h_prev @ params.W_hh + params.b_h, 4, axis=1)
    i, f, g, o = z_i, z_f, np.tanh(z_g), z_o
    c = f * c_prev + i * g
    h = o * np.tanh(c)
    return State(h, c), Cache(x, h_prev, c_prev, i, f, g, o, np.tanh(c))


@STEP.add
def step_g_not_squashed(params, x, state):
    """Your candidate is its pre-activation still: g goes through tanh, which keeps what one step can add between -1 and
    1."""
    h_prev, c_prev = state
    z_i, z_f, z_g, z_o = np.split(x @ params.W_xh + h_prev @ params.W_hh + params.b_h, 4, axis=1)
    i, f, g, o = sigmoid(z_i), sigmoid(z_f), z_g, sigmoid(z_o)
    c = f * c_prev + i * g
    h = o * np.tanh(c)
    return State(h, c), Cache(x, h_prev, c_prev, i, f, g, o, np.tanh(c))


@STEP.add
def step_nothing_squashed(params, x, state):
    """You use the four blocks as they come. i, f and o go through the sigmoid and g through tanh before anything is
    multiplied."""
    h_prev, c_prev = state
    z_i, z_f, z_g, z_o = np.split(x @ params.W_xh + h_prev @ params.W_hh + params.b_h, 4, axis=1)
    i, f, g, o = z_i, z_f, z_g, z_o
    c = f * c_prev + i * g
    h = o * np.tanh(c)
    return State(h, c), Cache(x, h_prev, c_prev, i, f, g, o, np.tanh(c))


@STEP.add
def step_no_tanh_in_h(params, x, state):
    """Your h is o times c: between the content and what is shown of it stands a tanh, or h would grow with c."""
    h_prev, c_prev = state
    z_i, z_f, z_g, z_o = np.split(x @ params.W_xh + h_prev @ params.W_hh + params.b_h, 4, axis=1)
    i, f, g, o = sigmoid(z_i), sigmoid(z_f), np.tanh(z_g), sigmoid(z_o)
    c = f * c_prev + i * g
    h = o * c
    return State(h, c), Cache(x, h_prev, c_prev, i, f, g, o, np.tanh(c))


@STEP.add
def step_no_tanh_of_c_at_all(params, x, state):
    """Nowhere do you take tanh of c. What is shown is o times tanh c, and the cache keeps that tanh c for the way
    back."""
    h_prev, c_prev = state
    z_i, z_f, z_g, z_o = np.split(x @ params.W_xh + h_prev @ params.W_hh + params.b_h, 4, axis=1)
    i, f, g, o = sigmoid(z_i), sigmoid(z_f), np.tanh(z_g), sigmoid(z_o)
    c = f * c_prev + i * g
    h = o * c
    return State(h, c), Cache(x, h_prev, c_prev, i, f, g, o, c)


@STEP.add
def step_tanh_round_the_product(params, x, state):
    """You take tanh of o times c. The tanh is of c alone, and the output gate multiplies it afterwards."""
    h_prev, c_prev = state
    z_i, z_f, z_g, z_o = np.split(x @ params.W_xh + h_prev @ params.W_hh + params.b_h, 4, axis=1)
    i, f, g, o = sigmoid(z_i), sigmoid(z_f), np.tanh(z_g), sigmoid(z_o)
    c = f * c_prev + i * g
    h = np.tanh(o * c)
    return State(h, c), Cache(x, h_prev, c_prev, i, f, g, o, np.tanh(c))


@STEP.add
def step_sigmoid_of_c(params, x, state):
    """You show the sigmoid of c, which is never negative: h is o times tanh c."""
    h_prev, c_prev = state
    z_i, z_f, z_g, z_o = np.split(x @ params.W_xh + h_prev @ params.W_hh + params.b_h, 4, axis=1)
    i, f, g, o = sigmoid(z_i), sigmoid(z_f), np.tanh(z_g), sigmoid(z_o)
    c = f * c_prev + i * g
    h = o * sigmoid(c)
    return State(h, c), Cache(x, h_prev, c_prev, i, f, g, o, np.tanh(c))


@STEP.add
def step_output_gate_forgotten(params, x, state):
    """Your h is tanh c, whatever o says: the output gate decides how much of it is shown."""
    h_prev, c_prev = state
    z_i, z_f, z_g, z_o = np.split(x @ params.W_xh + h_prev @ params.W_hh + params.b_h, 4, axis=1)
    i, f, g, o = sigmoid(z_i), sigmoid(z_f), np.tanh(z_g), sigmoid(z_o)
    c = f * c_prev + i * g
    h = np.tanh(c)
    return State(h, c), Cache(x, h_prev, c_prev, i, f, g, o, np.tanh(c))


@STEP.add
def step_c_prev_shown(params, x, state):
    """Your h shows the content before the step. First make the new c, then show o times its tanh."""
    h_prev, c_prev = state
    z_i, z_f, z_g, z_o = np.split(x @ params.W_xh + h_prev @ params.W_hh + params.b_h, 4, axis=1)
    i, f, g, o = sigmoid(z_i), sigmoid(z_f), np.tanh(z_g), sigmoid(z_o)
    c = f * c_prev + i * g
    h = o * np.tanh(c_prev)
    return State(h, c), Cache(x, h_prev, c_prev, i, f, g, o, np.tanh(c))


@STEP.add
def step_c_prev_shown_and_cached(params, x, state):
    """You take tanh of the old content, for h and for the cache. tanh_c is made from the new one: first c = f ⊙ c_{t-1}
    + i ⊙ g, then its tanh."""
    h_prev, c_prev = state
    z_i, z_f, z_g, z_o = np.split(x @ params.W_xh + h_prev @ params.W_hh + params.b_h, 4, axis=1)
    i, f, g, o = sigmoid(z_i), sigmoid(z_f), np.tanh(z_g), sigmoid(z_o)
    c = f * c_prev + i * g
    h = o * np.tanh(c_prev)
    return State(h, c), Cache(x, h_prev, c_prev, i, f, g, o, np.tanh(c_prev))


@STEP.add
def step_g_shown(params, x, state):
    """Your h is o times the candidate, so nothing old is ever seen: what is shown is the content, o times tanh c."""
    h_prev, c_prev = state
    z_i, z_f, z_g, z_o = np.split(x @ params.W_xh + h_prev @ params.W_hh + params.b_h, 4, axis=1)
    i, f, g, o = sigmoid(z_i), sigmoid(z_f), np.tanh(z_g), sigmoid(z_o)
    c = f * c_prev + i * g
    h = o * g
    return State(h, c), Cache(x, h_prev, c_prev, i, f, g, o, np.tanh(c))


@STEP.add
def step_tanh_c_carried(params, x, state):
    """You hand tanh c on as the cell state. c itself must go on untouched: every tanh on its road would shrink the
    content and its gradient, step after step. tanh c is only for h."""
    h_prev, c_prev = state
    z_i, z_f, z_g, z_o = np.split(x @ params.W_xh + h_prev @ params.W_hh + params.b_h, 4, axis=1)
    i, f, g, o = sigmoid(z_i), sigmoid(z_f), np.tanh(z_g), sigmoid(z_o)
    c = f * c_prev + i * g
    h = o * np.tanh(c)
    return State(h, np.tanh(c)), Cache(x, h_prev, c_prev, i, f, g, o, np.tanh(c))


@STEP.add
def step_tanh_c_carried_and_taken_again(params, x, state):
    """You take tanh of the new content at once, so c is squashed at every step, and then again for h. c is f ⊙ c_{t-1}
    + i ⊙ g and nothing more; tanh c is only for h."""
    h_prev, c_prev = state
    z_i, z_f, z_g, z_o = np.split(x @ params.W_xh + h_prev @ params.W_hh + params.b_h, 4, axis=1)
    i, f, g, o = sigmoid(z_i), sigmoid(z_f), np.tanh(z_g), sigmoid(z_o)
    c = np.tanh(f * c_prev + i * g)
    h = o * np.tanh(c)
    return State(h, c), Cache(x, h_prev, c_prev, i, f, g, o, np.tanh(c))


@STEP.add
def step_forget_gate_on_the_candidate(params, x, state):
    """Your forget gate multiplies the new as well as the old, f ⊙ (c_{t-1} + i ⊙ g). It decides what stays of the old
    content only."""
    h_prev, c_prev = state
    z_i, z_f, z_g, z_o = np.split(x @ params.W_xh + h_prev @ params.W_hh + params.b_h, 4, axis=1)
    i, f, g, o = sigmoid(z_i), sigmoid(z_f), np.tanh(z_g), sigmoid(z_o)
    c = f * (c_prev + i * g)
    h = o * np.tanh(c)
    return State(h, c), Cache(x, h_prev, c_prev, i, f, g, o, np.tanh(c))


@STEP.add
def step_input_gate_on_the_content(params, x, state):
    """Your input gate multiplies the old content too, i ⊙ (f ⊙ c_{t-1} + g). It decides what comes in, only."""
    h_prev, c_prev = state
    z_i, z_f, z_g, z_o = np.split(x @ params.W_xh + h_prev @ params.W_hh + params.b_h, 4, axis=1)
    i, f, g, o = sigmoid(z_i), sigmoid(z_f), np.tanh(z_g), sigmoid(z_o)
    c = i * (f * c_prev + g)
    h = o * np.tanh(c)
    return State(h, c), Cache(x, h_prev, c_prev, i, f, g, o, np.tanh(c))


@STEP.add
def step_i_and_f_exchanged_in_c(params, x, state):
    """In c the two gates have changed places: f multiplies the old content, i multiplies the candidate."""
    h_prev, c_prev = state
    z_i, z_f, z_g, z_o = np.split(x @ params.W_xh + h_prev @ params.W_hh + params.b_h, 4, axis=1)
    i, f, g, o = sigmoid(z_i), sigmoid(z_f), np.tanh(z_g), sigmoid(z_o)
    c = i * c_prev + f * g
    h = o * np.tanh(c)
    return State(h, c), Cache(x, h_prev, c_prev, i, f, g, o, np.tanh(c))


@STEP.add
def step_f_for_both(params, x, state):
    """f multiplies both terms of c. The candidate has a gate of its own, i."""
    h_prev, c_prev = state
    z_i, z_f, z_g, z_o = np.split(x @ params.W_xh + h_prev @ params.W_hh + params.b_h, 4, axis=1)
    i, f, g, o = sigmoid(z_i), sigmoid(z_f), np.tanh(z_g), sigmoid(z_o)
    c = f * c_prev + f * g
    h = o * np.tanh(c)
    return State(h, c), Cache(x, h_prev, c_prev, i, f, g, o, np.tanh(c))


@STEP.add
def step_coupled_gates(params, x, state):
    """You let 1 - f stand for the input gate. There is such a variant, with coupled gates; here i is a gate of its
    own."""
    h_prev, c_prev = state
    z_i, z_f, z_g, z_o = np.split(x @ params.W_xh + h_prev @ params.W_hh + params.b_h, 4, axis=1)
    i, f, g, o = sigmoid(z_i), sigmoid(z_f), np.tanh(z_g), sigmoid(z_o)
    c = f * c_prev + (1 - f) * g
    h = o * np.tanh(c)
    return State(h, c), Cache(x, h_prev, c_prev, i, f, g, o, np.tanh(c))


@STEP.add
def step_forget_gate_upside_down(params, x, state):
    """You keep 1 - f of the old content. Despite its name, the forget gate says what stays: f near 1 keeps."""
    h_prev, c_prev = state
    z_i, z_f, z_g, z_o = np.split(x @ params.W_xh + h_prev @ params.W_hh + params.b_h, 4, axis=1)
    i, f, g, o = sigmoid(z_i), sigmoid(z_f), np.tanh(z_g), sigmoid(z_o)
    c = (1 - f) * c_prev + i * g
    h = o * np.tanh(c)
    return State(h, c), Cache(x, h_prev, c_prev, i, f, g, o, np.tanh(c))


@STEP.add
def step_forget_gate_forgotten(params, x, state):
    """Your content is only ever added to, as in the LSTM of 1997. Since 2000 the forget gate multiplies c_{t-1}."""
    h_prev, c_prev = state
    z_i, z_f, z_g, z_o = np.split(x @ params.W_xh + h_prev @ params.W_hh + params.b_h, 4, axis=1)
    i, f, g, o = sigmoid(z_i), sigmoid(z_f), np.tanh(z_g), sigmoid(z_o)
    c = c_prev + i * g
    h = o * np.tanh(c)
    return State(h, c), Cache(x, h_prev, c_prev, i, f, g, o, np.tanh(c))


@STEP.add
def step_input_gate_forgotten(params, x, state):
    """The candidate enters your c ungated: it is i times g that is added."""
    h_prev, c_prev = state
    z_i, z_f, z_g, z_o = np.split(x @ params.W_xh + h_prev @ params.W_hh + params.b_h, 4, axis=1)
    i, f, g, o = sigmoid(z_i), sigmoid(z_f), np.tanh(z_g), sigmoid(z_o)
    c = f * c_prev + g
    h = o * np.tanh(c)
    return State(h, c), Cache(x, h_prev, c_prev, i, f, g, o, np.tanh(c))


@STEP.add
def step_old_content_forgotten(params, x, state):
    """Your c holds only what came in now. The first term of c, f ⊙ c_{t-1}, is what carries the memory."""
    h_prev, c_prev = state
    z_i, z_f, z_g, z_o = np.split(x @ params.W_xh + h_prev @ params.W_hh + params.b_h, 4, axis=1)
    i, f, g, o = sigmoid(z_i), sigmoid(z_f), np.tanh(z_g), sigmoid(z_o)
    c = i * g
    h = o * np.tanh(c)
    return State(h, c), Cache(x, h_prev, c_prev, i, f, g, o, np.tanh(c))


@STEP.add
def step_nothing_comes_in(params, x, state):
    """Your c only ever fades: the second term, the input gate times the candidate, is missing."""
    h_prev, c_prev = state
    z_i, z_f, z_g, z_o = np.split(x @ params.W_xh + h_prev @ params.W_hh + params.b_h, 4, axis=1)
    i, f, g, o = sigmoid(z_i), sigmoid(z_f), np.tanh(z_g), sigmoid(z_o)
    c = f * c_prev
    h = o * np.tanh(c)
    return State(h, c), Cache(x, h_prev, c_prev, i, f, g, o, np.tanh(c))


@STEP.add
def step_h_for_c_in_c(params, x, state):
    """Your forget gate multiplies h_{t-1}. The content has a road of its own: c_t is made from c_{t-1}."""
    h_prev, c_prev = state
    z_i, z_f, z_g, z_o = np.split(x @ params.W_xh + h_prev @ params.W_hh + params.b_h, 4, axis=1)
    i, f, g, o = sigmoid(z_i), sigmoid(z_f), np.tanh(z_g), sigmoid(z_o)
    c = f * h_prev + i * g
    h = o * np.tanh(c)
    return State(h, c), Cache(x, h_prev, c_prev, i, f, g, o, np.tanh(c))


@STEP.add
def step_product_for_sum_in_c(params, x, state):
    """You multiply the two terms of c. The new content is added to what stays of the old one: this sum is the whole
    point."""
    h_prev, c_prev = state
    z_i, z_f, z_g, z_o = np.split(x @ params.W_xh + h_prev @ params.W_hh + params.b_h, 4, axis=1)
    i, f, g, o = sigmoid(z_i), sigmoid(z_f), np.tanh(z_g), sigmoid(z_o)
    c = (f * c_prev) * (i * g)
    h = o * np.tanh(c)
    return State(h, c), Cache(x, h_prev, c_prev, i, f, g, o, np.tanh(c))


@STEP.add
def step_matrix_products_for_gates(params, x, state):
    """@ is the matrix product. A gate multiplies entry by entry, each unit for itself: the star."""
    h_prev, c_prev = state
    z_i, z_f, z_g, z_o = np.split(x @ params.W_xh + h_prev @ params.W_hh + params.b_h, 4, axis=1)
    i, f, g, o = sigmoid(z_i), sigmoid(z_f), np.tanh(z_g), sigmoid(z_o)
    c = f @ c_prev + i @ g
    h = o * np.tanh(c)
    return State(h, c), Cache(x, h_prev, c_prev, i, f, g, o, np.tanh(c))


@STEP.add
def step_bias_twice(params, x, state):
    """The bias is added twice. PyTorch keeps two biases for each gate; here they are one, b_h, added once."""
    h_prev, c_prev = state
    z_i, z_f, z_g, z_o = np.split(x @ params.W_xh + h_prev @ params.W_hh + 2 * params.b_h, 4, axis=1)
    i, f, g, o = sigmoid(z_i), sigmoid(z_f), np.tanh(z_g), sigmoid(z_o)
    c = f * c_prev + i * g
    h = o * np.tanh(c)
    return State(h, c), Cache(x, h_prev, c_prev, i, f, g, o, np.tanh(c))


@STEP.add
def step_bias_forgotten(params, x, state):
    """The bias is missing from the pre-activations, so a forget gate could not be opened by its bias either."""
    h_prev, c_prev = state
    z_i, z_f, z_g, z_o = np.split(x @ params.W_xh + h_prev @ params.W_hh, 4, axis=1)
    i, f, g, o = sigmoid(z_i), sigmoid(z_f), np.tanh(z_g), sigmoid(z_o)
    c = f * c_prev + i * g
    h = o * np.tanh(c)
    return State(h, c), Cache(x, h_prev, c_prev, i, f, g, o, np.tanh(c))


@STEP.add
def step_h_prev_forgotten(params, x, state):
    """Your gates look at x only: the term of z that brings h_{t-1} in is missing."""
    h_prev, c_prev = state
    z_i, z_f, z_g, z_o = np.split(x @ params.W_xh + params.b_h, 4, axis=1)
    i, f, g, o = sigmoid(z_i), sigmoid(z_f), np.tanh(z_g), sigmoid(z_o)
    c = f * c_prev + i * g
    h = o * np.tanh(c)
    return State(h, c), Cache(x, h_prev, c_prev, i, f, g, o, np.tanh(c))


@STEP.add
def step_input_forgotten(params, x, state):
    """Your gates do not look at x: the term of z that brings the input in is missing."""
    h_prev, c_prev = state
    z_i, z_f, z_g, z_o = np.split(h_prev @ params.W_hh + params.b_h, 4, axis=1)
    i, f, g, o = sigmoid(z_i), sigmoid(z_f), np.tanh(z_g), sigmoid(z_o)
    c = f * c_prev + i * g
    h = o * np.tanh(c)
    return State(h, c), Cache(x, h_prev, c_prev, i, f, g, o, np.tanh(c))


@STEP.add
def step_c_prev_in_the_gates(params, x, state):
    """Your gates look at c_{t-1}: W_hh is multiplied by h_{t-1}, what the cell has shown. The content itself they do
    not see."""
    h_prev, c_prev = state
    z_i, z_f, z_g, z_o = np.split(x @ params.W_xh + c_prev @ params.W_hh + params.b_h, 4, axis=1)
    i, f, g, o = sigmoid(z_i), sigmoid(z_f), np.tanh(z_g), sigmoid(z_o)
    c = f * c_prev + i * g
    h = o * np.tanh(c)
    return State(h, c), Cache(x, h_prev, c_prev, i, f, g, o, np.tanh(c))


@STEP.add
def step_state_taken_apart_the_other_way_round(params, x, state):
    """Your h_prev holds c and your c_prev holds h: a State is h first, then c. By name, state.h and state.c, it cannot
    go wrong."""
    c_prev, h_prev = state
    z_i, z_f, z_g, z_o = np.split(x @ params.W_xh + h_prev @ params.W_hh + params.b_h, 4, axis=1)
    i, f, g, o = sigmoid(z_i), sigmoid(z_f), np.tanh(z_g), sigmoid(z_o)
    c = f * c_prev + i * g
    h = o * np.tanh(c)
    return State(h, c), Cache(x, h_prev, c_prev, i, f, g, o, np.tanh(c))


@STEP.add
def step_h_and_c_exchanged(params, x, state):
    """You return State(c, h). The fields of State are h, what is seen, and then c, what the cell keeps to itself."""
    h_prev, c_prev = state
    z_i, z_f, z_g, z_o = np.split(x @ params.W_xh + h_prev @ params.W_hh + params.b_h, 4, axis=1)
    i, f, g, o = sigmoid(z_i), sigmoid(z_f), np.tanh(z_g), sigmoid(z_o)
    c = f * c_prev + i * g
    h = o * np.tanh(c)
    return State(c, h), Cache(x, h_prev, c_prev, i, f, g, o, np.tanh(c))


@STEP.add
def step_c_not_carried(params, x, state):
    """You hand c_{t-1} on as it came, so nothing that comes in is ever kept: the new state holds both h_t and c_t."""
    h_prev, c_prev = state
    z_i, z_f, z_g, z_o = np.split(x @ params.W_xh + h_prev @ params.W_hh + params.b_h, 4, axis=1)
    i, f, g, o = sigmoid(z_i), sigmoid(z_f), np.tanh(z_g), sigmoid(z_o)
    c = f * c_prev + i * g
    h = o * np.tanh(c)
    return State(h, c_prev), Cache(x, h_prev, c_prev, i, f, g, o, np.tanh(c))


@STEP.add
def step_h_for_c_in_the_state(params, x, state):
    """You hand h on twice, also as c. The content goes on by itself, before its tanh and before the output gate."""
    h_prev, c_prev = state
    z_i, z_f, z_g, z_o = np.split(x @ params.W_xh + h_prev @ params.W_hh + params.b_h, 4, axis=1)
    i, f, g, o = sigmoid(z_i), sigmoid(z_f), np.tanh(z_g), sigmoid(z_o)
    c = f * c_prev + i * g
    h = o * np.tanh(c)
    return State(h, h), Cache(x, h_prev, c_prev, i, f, g, o, np.tanh(c))


@STEP.add
def step_h_alone_for_the_state(params, x, state):
    """You return h where the state is asked for, and c is lost. What a step hands on is State(h, c), both."""
    h_prev, c_prev = state
    z_i, z_f, z_g, z_o = np.split(x @ params.W_xh + h_prev @ params.W_hh + params.b_h, 4, axis=1)
    i, f, g, o = sigmoid(z_i), sigmoid(z_f), np.tanh(z_g), sigmoid(z_o)
    c = f * c_prev + i * g
    h = o * np.tanh(c)
    return h, Cache(x, h_prev, c_prev, i, f, g, o, np.tanh(c))


@STEP.add
def step_three_results(params, x, state):
    """You return three things. The first two belong together: State(h, c), and then the cache."""
    h_prev, c_prev = state
    z_i, z_f, z_g, z_o = np.split(x @ params.W_xh + h_prev @ params.W_hh + params.b_h, 4, axis=1)
    i, f, g, o = sigmoid(z_i), sigmoid(z_f), np.tanh(z_g), sigmoid(z_o)
    c = f * c_prev + i * g
    h = o * np.tanh(c)
    return h, c, Cache(x, h_prev, c_prev, i, f, g, o, np.tanh(c))


@STEP.add
def step_cache_not_returned(params, x, state):
    """You return the state alone. A step returns two things, the state and the cache for the way back."""
    h_prev, c_prev = state
    z_i, z_f, z_g, z_o = np.split(x @ params.W_xh + h_prev @ params.W_hh + params.b_h, 4, axis=1)
    i, f, g, o = sigmoid(z_i), sigmoid(z_f), np.tanh(z_g), sigmoid(z_o)
    c = f * c_prev + i * g
    h = o * np.tanh(c)
    return State(h, c)


@STEP.add
def step_c_for_tanh_c_in_the_cache(params, x, state):
    """The state is right, but the last field of the cache holds c: it is tanh c that the way back will need, twice."""
    h_prev, c_prev = state
    z_i, z_f, z_g, z_o = np.split(x @ params.W_xh + h_prev @ params.W_hh + params.b_h, 4, axis=1)
    i, f, g, o = sigmoid(z_i), sigmoid(z_f), np.tanh(z_g), sigmoid(z_o)
    c = f * c_prev + i * g
    h = o * np.tanh(c)
    return State(h, c), Cache(x, h_prev, c_prev, i, f, g, o, c)


@STEP.add
def step_h_for_tanh_c_in_the_cache(params, x, state):
    """The state is right, but the last field of the cache holds h: it should be tanh c, before the output gate."""
    h_prev, c_prev = state
    z_i, z_f, z_g, z_o = np.split(x @ params.W_xh + h_prev @ params.W_hh + params.b_h, 4, axis=1)
    i, f, g, o = sigmoid(z_i), sigmoid(z_f), np.tanh(z_g), sigmoid(z_o)
    c = f * c_prev + i * g
    h = o * np.tanh(c)
    return State(h, c), Cache(x, h_prev, c_prev, i, f, g, o, h)


@STEP.add
def step_pre_activations_in_the_cache(params, x, state):
    """The state is right, but the cache holds pre-activations: the slopes on the way back are written with the values
    i, f, g, o."""
    h_prev, c_prev = state
    z_i, z_f, z_g, z_o = np.split(x @ params.W_xh + h_prev @ params.W_hh + params.b_h, 4, axis=1)
    i, f, g, o = sigmoid(z_i), sigmoid(z_f), np.tanh(z_g), sigmoid(z_o)
    c = f * c_prev + i * g
    h = o * np.tanh(c)
    return State(h, c), Cache(x, h_prev, c_prev, z_i, z_f, z_g, z_o, np.tanh(c))


@STEP.add
def step_cache_in_the_order_i_f_o_g(params, x, state):
    """The state is right, but g and o have changed places in the cache: its gates come in the order i, f, g, o."""
    h_prev, c_prev = state
    z_i, z_f, z_g, z_o = np.split(x @ params.W_xh + h_prev @ params.W_hh + params.b_h, 4, axis=1)
    i, f, g, o = sigmoid(z_i), sigmoid(z_f), np.tanh(z_g), sigmoid(z_o)
    c = f * c_prev + i * g
    h = o * np.tanh(c)
    return State(h, c), Cache(x, h_prev, c_prev, i, f, o, g, np.tanh(c))


@STEP.add
def step_cache_in_the_order_f_i_g_o(params, x, state):
    """The state is right, but i and f have changed places in the cache: its gates come in the order i, f, g, o."""
    h_prev, c_prev = state
    z_i, z_f, z_g, z_o = np.split(x @ params.W_xh + h_prev @ params.W_hh + params.b_h, 4, axis=1)
    i, f, g, o = sigmoid(z_i), sigmoid(z_f), np.tanh(z_g), sigmoid(z_o)
    c = f * c_prev + i * g
    h = o * np.tanh(c)
    return State(h, c), Cache(x, h_prev, c_prev, f, i, g, o, np.tanh(c))


@STEP.add
def step_h_and_c_exchanged_in_the_cache(params, x, state):
    """The state is right, but h_prev and c_prev have changed places in the cache: its fields begin x, h_prev,
    c_prev."""
    h_prev, c_prev = state
    z_i, z_f, z_g, z_o = np.split(x @ params.W_xh + h_prev @ params.W_hh + params.b_h, 4, axis=1)
    i, f, g, o = sigmoid(z_i), sigmoid(z_f), np.tanh(z_g), sigmoid(z_o)
    c = f * c_prev + i * g
    h = o * np.tanh(c)
    return State(h, c), Cache(x, c_prev, h_prev, i, f, g, o, np.tanh(c))


@STEP.add
def step_new_state_in_the_cache(params, x, state):
    """The state is right, but the cache holds the new h and c where the old ones belong: the way back needs what came
    in, h_{t-1} and c_{t-1}."""
    h_prev, c_prev = state
    z_i, z_f, z_g, z_o = np.split(x @ params.W_xh + h_prev @ params.W_hh + params.b_h, 4, axis=1)
    i, f, g, o = sigmoid(z_i), sigmoid(z_f), np.tanh(z_g), sigmoid(z_o)
    c = f * c_prev + i * g
    h = o * np.tanh(c)
    return State(h, c), Cache(x, h, c, i, f, g, o, np.tanh(c))


@STEP.add
def step_new_h_in_the_cache(params, x, state):
    """The state is right, but the cache's h_prev holds the new h: the gradient of W_hh will need the one that came
    in."""
    h_prev, c_prev = state
    z_i, z_f, z_g, z_o = np.split(x @ params.W_xh + h_prev @ params.W_hh + params.b_h, 4, axis=1)
    i, f, g, o = sigmoid(z_i), sigmoid(z_f), np.tanh(z_g), sigmoid(z_o)
    c = f * c_prev + i * g
    h = o * np.tanh(c)
    return State(h, c), Cache(x, h, c_prev, i, f, g, o, np.tanh(c))


@STEP.add
def step_new_c_in_the_cache(params, x, state):
    """The state is right, but the cache's c_prev holds the new c: the gradient of the forget gate will need the one
    that came in."""
    h_prev, c_prev = state
    z_i, z_f, z_g, z_o = np.split(x @ params.W_xh + h_prev @ params.W_hh + params.b_h, 4, axis=1)
    i, f, g, o = sigmoid(z_i), sigmoid(z_f), np.tanh(z_g), sigmoid(z_o)
    c = f * c_prev + i * g
    h = o * np.tanh(c)
    return State(h, c), Cache(x, h_prev, c, i, f, g, o, np.tanh(c))


@STEP.add
def step_h_prev_missing_from_the_cache(params, x, state):
    """Your cache lacks a field. It has eight, and c_prev does not stand for both: x, h_prev, c_prev, i, f, g, o,
    tanh_c."""
    h_prev, c_prev = state
    z_i, z_f, z_g, z_o = np.split(x @ params.W_xh + h_prev @ params.W_hh + params.b_h, 4, axis=1)
    i, f, g, o = sigmoid(z_i), sigmoid(z_f), np.tanh(z_g), sigmoid(z_o)
    c = f * c_prev + i * g
    h = o * np.tanh(c)
    return State(h, c), Cache(x, c_prev, i, f, g, o, np.tanh(c))  # type: ignore[call-arg]


@STEP.add
def step_writes_into_c_prev(params, x, state):
    """*= and += write into c_prev, which belongs to whoever called you; your cache's c_prev now shows the new content
    as well. Give the new one a name of its own: c = ..."""
    h_prev, c_prev = state
    z_i, z_f, z_g, z_o = np.split(x @ params.W_xh + h_prev @ params.W_hh + params.b_h, 4, axis=1)
    i, f, g, o = sigmoid(z_i), sigmoid(z_f), np.tanh(z_g), sigmoid(z_o)
    c_prev *= f
    c_prev += i * g
    c = c_prev
    h = o * np.tanh(c)
    return State(h, c), Cache(x, h_prev, c_prev, i, f, g, o, np.tanh(c))


@STEP.add
def step_mutates_input(params, x, state):
    """The values are right, but you write the new content into the array that you were given. Give it an array of its
    own: c = f * c_prev + ..."""
    h_prev, c_prev = state
    z_i, z_f, z_g, z_o = np.split(x @ params.W_xh + h_prev @ params.W_hh + params.b_h, 4, axis=1)
    i, f, g, o = sigmoid(z_i), sigmoid(z_f), np.tanh(z_g), sigmoid(z_o)
    old = c_prev.copy()
    c_prev[:] = f * old + i * g
    c = c_prev
    h = o * np.tanh(c)
    return State(h, c), Cache(x, h_prev, old, i, f, g, o, np.tanh(c))


@STEP.add
def step_recurrent_weights_transposed(params, x, state):
    """W_hh does not fit when transposed: h_prev is (N, H), W_hh is (H, 4H), and the product (N, 4H). The rows stand on
    the left, and nothing is transposed."""
    h_prev, c_prev = state
    z_i, z_f, z_g, z_o = np.split(x @ params.W_xh + h_prev @ params.W_hh.T + params.b_h, 4, axis=1)
    i, f, g, o = sigmoid(z_i), sigmoid(z_f), np.tanh(z_g), sigmoid(z_o)
    c = f * c_prev + i * g
    h = o * np.tanh(c)
    return State(h, c), Cache(x, h_prev, c_prev, i, f, g, o, np.tanh(c))


@STEP.add
def step_input_weights_transposed(params, x, state):
    """W_xh does not fit when transposed: x is (N, D), W_xh is (D, 4H), and the product (N, 4H). The rows stand on the
    left, and nothing is transposed."""
    h_prev, c_prev = state
    z_i, z_f, z_g, z_o = np.split(x @ params.W_xh.T + h_prev @ params.W_hh + params.b_h, 4, axis=1)
    i, f, g, o = sigmoid(z_i), sigmoid(z_f), np.tanh(z_g), sigmoid(z_o)
    c = f * c_prev + i * g
    h = o * np.tanh(c)
    return State(h, c), Cache(x, h_prev, c_prev, i, f, g, o, np.tanh(c))


@STEP.add
def step_weights_on_the_left(params, x, state):
    """You put the weights on the left, as for column vectors. Here each sequence is a row: x @ W_xh, with x (N, D) and
    W_xh (D, 4H)."""
    h_prev, c_prev = state
    z_i, z_f, z_g, z_o = np.split(params.W_xh @ x + params.W_hh @ h_prev + params.b_h, 4, axis=1)
    i, f, g, o = sigmoid(z_i), sigmoid(z_f), np.tanh(z_g), sigmoid(z_o)
    c = f * c_prev + i * g
    h = o * np.tanh(c)
    return State(h, c), Cache(x, h_prev, c_prev, i, f, g, o, np.tanh(c))


@STEP.add
def step_numpy_has_no_sigmoid(params, x, state):
    """NumPy has no sigmoid. The package has one, the function that you wrote in lesson 00: sigmoid(z)."""
    h_prev, c_prev = state
    z_i, z_f, z_g, z_o = np.split(x @ params.W_xh + h_prev @ params.W_hh + params.b_h, 4, axis=1)
    i, f, g, o = np.sigmoid(z_i), np.sigmoid(z_f), np.tanh(z_g), np.sigmoid(z_o)  # type: ignore[attr-defined]
    c = f * c_prev + i * g
    h = o * np.tanh(c)
    return State(h, c), Cache(x, h_prev, c_prev, i, f, g, o, np.tanh(c))


@STEP.add
def step_bare_name(params, x, state):
    """The arrays are fields of params and have no names of their own: write params.W_xh, params.W_hh, params.b_h (or
    first W_xh, W_hh, b_h = params)."""
    h_prev, c_prev = state
    z_i, z_f, z_g, z_o = np.split(x @ W_xh + h_prev @ W_hh + b_h, 4, axis=1)  # type: ignore[name-defined]  # noqa: F821
    i, f, g, o = sigmoid(z_i), sigmoid(z_f), np.tanh(z_g), sigmoid(z_o)
    c = f * c_prev + i * g
    h = o * np.tanh(c)
    return State(h, c), Cache(x, h_prev, c_prev, i, f, g, o, np.tanh(c))


@STEP.add
def step_bare_h_prev(params, x, state):
    """The state comes in one piece, and h_prev has no name yet: begin with h_prev, c_prev = state."""
    z_i, z_f, z_g, z_o = np.split(x @ params.W_xh + h_prev @ params.W_hh + params.b_h, 4, axis=1)  # type: ignore[name-defined]  # noqa: F821
    i, f, g, o = sigmoid(z_i), sigmoid(z_f), np.tanh(z_g), sigmoid(z_o)
    c = f * c_prev + i * g  # type: ignore[name-defined]  # noqa: F821
    h = o * np.tanh(c)
    return State(h, c), Cache(x, h_prev, c_prev, i, f, g, o, np.tanh(c))  # type: ignore[name-defined]  # noqa: F821


def _step_case(seed: int, N: int, D: int, H: int, scale: float = 0.9, decimals: int = 2) -> Case:
    rng = np.random.default_rng(seed)
    params = draw_lstm(rng, D, H, decimals=decimals)
    x, state = draw(rng, N, D, scale=scale, decimals=decimals), draw_state(rng, N, H, decimals=decimals)
    return Case(sizes(N=N, D=D, H=H), {"params": params, "x": x, "state": state})


def step_cases() -> tuple[Case, ...]:
    """Different sizes, a single sequence, inputs that saturate the gates; h and c are never zero."""
    return (
        _step_case(6011, N=2, D=1, H=3, decimals=1),
        _step_case(6110, N=4, D=3, H=5),
        _step_case(6211, N=1, D=4, H=2),
        _step_case(6311, N=3, D=5, H=4, scale=9.0),
    )


def step_lesson_case() -> Case:
    """One step of a batch as large as the lessons train on."""
    return _step_case(605, N=100, D=2, H=64)


INIT = Mistakes("init")


@INIT.add
def init_forget_bias_on_i(rng, D, H, forget_bias):
    """Your forget bias stands in the first quarter of b_h, which is the input gate's. The blocks are i, f, g, o: the
    forget gate has the second, from H to 2H."""
    bound = 1 / np.sqrt(H)
    W_xh = rng.uniform(-bound, bound, (D, 4 * H))
    W_hh = rng.uniform(-bound, bound, (H, 4 * H))
    b_h = np.zeros(4 * H)
    b_h[:H] = forget_bias
    return Params(W_xh, W_hh, b_h)


@INIT.add
def init_forget_bias_on_g(rng, D, H, forget_bias):
    """Your forget bias stands in the third quarter of b_h, which is the candidate's. The blocks are i, f, g, o: the
    forget gate has the second, from H to 2H."""
    bound = 1 / np.sqrt(H)
    W_xh = rng.uniform(-bound, bound, (D, 4 * H))
    W_hh = rng.uniform(-bound, bound, (H, 4 * H))
    b_h = np.zeros(4 * H)
    b_h[2 * H : 3 * H] = forget_bias
    return Params(W_xh, W_hh, b_h)


@INIT.add
def init_forget_bias_on_o(rng, D, H, forget_bias):
    """Your forget bias stands in the last quarter of b_h, which is the output gate's. The blocks are i, f, g, o: the
    forget gate has the second, from H to 2H."""
    bound = 1 / np.sqrt(H)
    W_xh = rng.uniform(-bound, bound, (D, 4 * H))
    W_hh = rng.uniform(-bound, bound, (H, 4 * H))
    b_h = np.zeros(4 * H)
    b_h[3 * H :] = forget_bias
    return Params(W_xh, W_hh, b_h)


@INIT.add
def init_forget_bias_on_all(rng, D, H, forget_bias):
    """Every entry of your b_h is the forget bias. Only the forget gate starts open: the second quarter, from H to 2H;
    the rest is zero."""
    bound = 1 / np.sqrt(H)
    W_xh = rng.uniform(-bound, bound, (D, 4 * H))
    W_hh = rng.uniform(-bound, bound, (H, 4 * H))
    b_h = np.zeros(4 * H)
    b_h[:] = forget_bias
    return Params(W_xh, W_hh, b_h)


@INIT.add
def init_forget_bias_on_i_and_f(rng, D, H, forget_bias):
    """The forget bias stands in the first half of your b_h, so the input gate has it too: the slice begins at H."""
    bound = 1 / np.sqrt(H)
    W_xh = rng.uniform(-bound, bound, (D, 4 * H))
    W_hh = rng.uniform(-bound, bound, (H, 4 * H))
    b_h = np.zeros(4 * H)
    b_h[: 2 * H] = forget_bias
    return Params(W_xh, W_hh, b_h)


@INIT.add
def init_forget_bias_from_h_to_the_end(rng, D, H, forget_bias):
    """The forget bias stands in all of b_h from H on, so candidate and output gate have it too: the slice ends at
    2H."""
    bound = 1 / np.sqrt(H)
    W_xh = rng.uniform(-bound, bound, (D, 4 * H))
    W_hh = rng.uniform(-bound, bound, (H, 4 * H))
    b_h = np.zeros(4 * H)
    b_h[H:] = forget_bias
    return Params(W_xh, W_hh, b_h)


@INIT.add
def init_forget_bias_on_every_gate(rng, D, H, forget_bias):
    """All three gates of yours have the bias, i, f and o. It is there to keep what is remembered, so only the forget
    gate gets it."""
    bound = 1 / np.sqrt(H)
    W_xh = rng.uniform(-bound, bound, (D, 4 * H))
    W_hh = rng.uniform(-bound, bound, (H, 4 * H))
    b_h = np.zeros(4 * H)
    b_h[: 2 * H] = b_h[3 * H :] = forget_bias
    return Params(W_xh, W_hh, b_h)


@INIT.add
def init_forget_bias_on_one_unit(rng, D, H, forget_bias):
    """Only one entry of b_h holds the forget bias. Every unit has a forget gate: all H entries from H to 2H."""
    bound = 1 / np.sqrt(H)
    W_xh = rng.uniform(-bound, bound, (D, 4 * H))
    W_hh = rng.uniform(-bound, bound, (H, 4 * H))
    b_h = np.zeros(4 * H)
    b_h[H] = forget_bias
    return Params(W_xh, W_hh, b_h)


@INIT.add
def init_forget_bias_at_index_1(rng, D, H, forget_bias):
    """b_h[1] is one entry, the input gate's of the second unit. b_h is one row of 4H numbers, and the forget gate has
    those from H to 2H."""
    bound = 1 / np.sqrt(H)
    W_xh = rng.uniform(-bound, bound, (D, 4 * H))
    W_hh = rng.uniform(-bound, bound, (H, 4 * H))
    b_h = np.zeros(4 * H)
    b_h[1] = forget_bias
    return Params(W_xh, W_hh, b_h)


@INIT.add
def init_forget_bias_on_every_fourth(rng, D, H, forget_bias):
    """You set every fourth entry. The gates lie block by block, first all H entries of i, then all H of f: a slice from
    H to 2H."""
    bound = 1 / np.sqrt(H)
    W_xh = rng.uniform(-bound, bound, (D, 4 * H))
    W_hh = rng.uniform(-bound, bound, (H, 4 * H))
    b_h = np.zeros(4 * H)
    b_h[1::4] = forget_bias
    return Params(W_xh, W_hh, b_h)


@INIT.add
def init_forget_bias_forgotten(rng, D, H, forget_bias):
    """Your b_h is zero throughout. Half of the content would go at every step, since σ(0) = 1/2: the forget gate's
    block starts at forget_bias."""
    bound = 1 / np.sqrt(H)
    W_xh = rng.uniform(-bound, bound, (D, 4 * H))
    W_hh = rng.uniform(-bound, bound, (H, 4 * H))
    b_h = np.zeros(4 * H)
    return Params(W_xh, W_hh, b_h)


@INIT.add
def init_forget_bias_always_one(rng, D, H, forget_bias):
    """Your forget gate starts at 1 whatever forget_bias is: 1 is what is usual, but the argument decides."""
    bound = 1 / np.sqrt(H)
    W_xh = rng.uniform(-bound, bound, (D, 4 * H))
    W_hh = rng.uniform(-bound, bound, (H, 4 * H))
    b_h = np.zeros(4 * H)
    b_h[H : 2 * H] = 1
    return Params(W_xh, W_hh, b_h)


@INIT.add
def init_forget_bias_negative(rng, D, H, forget_bias):
    """Your forget bias has the wrong sign. The gate says what stays: a positive bias opens it, and the content is
    kept."""
    bound = 1 / np.sqrt(H)
    W_xh = rng.uniform(-bound, bound, (D, 4 * H))
    W_hh = rng.uniform(-bound, bound, (H, 4 * H))
    b_h = np.zeros(4 * H)
    b_h[H : 2 * H] = -forget_bias
    return Params(W_xh, W_hh, b_h)


@INIT.add
def init_sigmoid_of_the_forget_bias(rng, D, H, forget_bias):
    """You put σ(forget_bias) into b_h. The bias is added before the sigmoid, which step itself takes: put it in as it
    is."""
    bound = 1 / np.sqrt(H)
    W_xh = rng.uniform(-bound, bound, (D, 4 * H))
    W_hh = rng.uniform(-bound, bound, (H, 4 * H))
    b_h = np.zeros(4 * H)
    b_h[H : 2 * H] = sigmoid(np.array(forget_bias, float))
    return Params(W_xh, W_hh, b_h)


@INIT.add
def init_ones_elsewhere(rng, D, H, forget_bias):
    """The forget gate's block is right, but the rest of your b_h is 1: all other biases start at zero."""
    bound = 1 / np.sqrt(H)
    W_xh = rng.uniform(-bound, bound, (D, 4 * H))
    W_hh = rng.uniform(-bound, bound, (H, 4 * H))
    b_h = np.ones(4 * H)
    b_h[H : 2 * H] = forget_bias
    return Params(W_xh, W_hh, b_h)


@INIT.add
def init_ones_throughout(rng, D, H, forget_bias):
    """Your b_h is 1 throughout, as if every gate were the forget gate and its bias always 1. Zeros, and forget_bias in
    the second quarter."""
    bound = 1 / np.sqrt(H)
    W_xh = rng.uniform(-bound, bound, (D, 4 * H))
    W_hh = rng.uniform(-bound, bound, (H, 4 * H))
    b_h = np.ones(4 * H)
    return Params(W_xh, W_hh, b_h)


@INIT.add
def init_biases_drawn(rng, D, H, forget_bias):
    """You draw the biases, as PyTorch does. Here they are zero, all but the forget gate's, and nothing is drawn after
    W_hh."""
    bound = 1 / np.sqrt(H)
    W_xh = rng.uniform(-bound, bound, (D, 4 * H))
    W_hh = rng.uniform(-bound, bound, (H, 4 * H))
    b_h = rng.uniform(-bound, bound, 4 * H)
    b_h[H : 2 * H] = forget_bias
    return Params(W_xh, W_hh, b_h)


@INIT.add
def init_forget_bias_added_to_drawn_biases(rng, D, H, forget_bias):
    """You add the forget bias to biases that you drew, so every unit gets another one. Here b_h is zero, all but the
    forget gate's block, which is forget_bias exactly."""
    bound = 1 / np.sqrt(H)
    W_xh = rng.uniform(-bound, bound, (D, 4 * H))
    W_hh = rng.uniform(-bound, bound, (H, 4 * H))
    b_h = rng.uniform(-bound, bound, 4 * H)
    b_h[H : 2 * H] += forget_bias
    return Params(W_xh, W_hh, b_h)


@INIT.add
def init_biases_drawn_and_no_forget_bias(rng, D, H, forget_bias):
    """You draw the biases like the weights, and the forget gate is as good as half shut. They are zero, and the forget
    gate's block is forget_bias."""
    bound = 1 / np.sqrt(H)
    W_xh = rng.uniform(-bound, bound, (D, 4 * H))
    W_hh = rng.uniform(-bound, bound, (H, 4 * H))
    b_h = rng.uniform(-bound, bound, 4 * H)
    return Params(W_xh, W_hh, b_h)


@INIT.add
def init_w_hh_drawn_first(rng, D, H, forget_bias):
    """You draw W_hh before W_xh. Both are fair, but a seed then gives other numbers: W_xh first, then W_hh."""
    bound = 1 / np.sqrt(H)
    W_hh = rng.uniform(-bound, bound, (H, 4 * H))
    W_xh = rng.uniform(-bound, bound, (D, 4 * H))
    b_h = np.zeros(4 * H)
    b_h[H : 2 * H] = forget_bias
    return Params(W_xh, W_hh, b_h)


@INIT.add
def init_one_draw_shared(rng, D, H, forget_bias):
    """Your W_xh and W_hh hold the same numbers: both are cut from one draw, from its top. Draw twice."""
    bound = 1 / np.sqrt(H)
    W = rng.uniform(-bound, bound, (max(D, H), 4 * H))
    W_xh, W_hh = W[:D], W[:H]
    b_h = np.zeros(4 * H)
    b_h[H : 2 * H] = forget_bias
    return Params(W_xh, W_hh, b_h)


@INIT.add
def init_one_block_four_times(rng, D, H, forget_bias):
    """You draw one block of H columns and use it for all four gates, which then start alike. Draw all 4H columns."""
    bound = 1 / np.sqrt(H)
    W_xh = np.tile(rng.uniform(-bound, bound, (D, H)), 4)
    W_hh = np.tile(rng.uniform(-bound, bound, (H, H)), 4)
    b_h = np.zeros(4 * H)
    b_h[H : 2 * H] = forget_bias
    return Params(W_xh, W_hh, b_h)


@INIT.add
def init_drawn_gate_by_gate(rng, D, H, forget_bias):
    """You draw gate by gate, which is as fair. But take one draw for all 4H columns, or a seed gives other numbers:
    W_xh (D, 4H) at once, and then W_hh (H, 4H)."""
    bound = 1 / np.sqrt(H)
    W_xh = np.hstack([rng.uniform(-bound, bound, (D, H)) for _ in range(4)])
    W_hh = np.hstack([rng.uniform(-bound, bound, (H, H)) for _ in range(4)])
    b_h = np.zeros(4 * H)
    b_h[H : 2 * H] = forget_bias
    return Params(W_xh, W_hh, b_h)


@INIT.add
def init_drawn_in_turn_gate_by_gate(rng, D, H, forget_bias):
    """You draw W_xh and W_hh of one gate, then of the next. It is as fair, but a seed gives other numbers: one draw for
    all 4H columns of W_xh, and then one for all of W_hh."""
    bound = 1 / np.sqrt(H)
    blocks = [rng.uniform(-bound, bound, (rows, H)) for _ in range(4) for rows in (D, H)]
    W_xh, W_hh = np.hstack(blocks[0::2]), np.hstack(blocks[1::2])
    b_h = np.zeros(4 * H)
    b_h[H : 2 * H] = forget_bias
    return Params(W_xh, W_hh, b_h)


@INIT.add
def init_gates_on_top_of_one_another(rng, D, H, forget_bias):
    """np.concatenate puts the four blocks on top of one another unless told otherwise; they belong side by side.
    Simpler is one draw for all 4H columns, which the seed asks for anyway."""
    bound = 1 / np.sqrt(H)
    W_xh = np.concatenate([rng.uniform(-bound, bound, (D, H)) for _ in range(4)])
    W_hh = np.concatenate([rng.uniform(-bound, bound, (H, H)) for _ in range(4)])
    b_h = np.zeros(4 * H)
    b_h[H : 2 * H] = forget_bias
    return Params(W_xh, W_hh, b_h)


@INIT.add
def init_drawn_transposed(rng, D, H, forget_bias):
    """You draw with rows and columns exchanged and transpose: the shapes are right, but a seed gives other numbers.
    Draw (D, 4H), then (H, 4H)."""
    bound = 1 / np.sqrt(H)
    W_xh = rng.uniform(-bound, bound, (4 * H, D)).T
    W_hh = rng.uniform(-bound, bound, (4 * H, H)).T
    b_h = np.zeros(4 * H)
    b_h[H : 2 * H] = forget_bias
    return Params(W_xh, W_hh, b_h)


@INIT.add
def init_shapes_of_pytorch(rng, D, H, forget_bias):
    """Your matrices are (4H, D) and (4H, H), as PyTorch keeps them. Here rows are for what goes in: (D, 4H) and (H,
    4H)."""
    bound = 1 / np.sqrt(H)
    W_xh = rng.uniform(-bound, bound, (4 * H, D))
    W_hh = rng.uniform(-bound, bound, (4 * H, H))
    b_h = np.zeros(4 * H)
    b_h[H : 2 * H] = forget_bias
    return Params(W_xh, W_hh, b_h)


@INIT.add
def init_one_block_wide(rng, D, H, forget_bias):
    """Your arrays are H wide, as for the plain cell. There are three gates and a candidate, each with weights of its
    own: 4H columns."""
    bound = 1 / np.sqrt(H)
    W_xh = rng.uniform(-bound, bound, (D, H))
    W_hh = rng.uniform(-bound, bound, (H, H))
    b_h = np.zeros(H)
    b_h[:] = forget_bias
    return Params(W_xh, W_hh, b_h)


@INIT.add
def init_weights_one_block_wide(rng, D, H, forget_bias):
    """Your b_h is long enough for all gates, but your matrices are H wide: three gates and a candidate make 4H
    columns."""
    bound = 1 / np.sqrt(H)
    W_xh = rng.uniform(-bound, bound, (D, H))
    W_hh = rng.uniform(-bound, bound, (H, H))
    b_h = np.zeros(4 * H)
    b_h[H : 2 * H] = forget_bias
    return Params(W_xh, W_hh, b_h)


@INIT.add
def init_bias_in_a_table(rng, D, H, forget_bias):
    """Your b_h is a table of four rows. The numbers are right, but b_h is one row, (4H,): set its entries from H to
    2H."""
    bound = 1 / np.sqrt(H)
    W_xh = rng.uniform(-bound, bound, (D, 4 * H))
    W_hh = rng.uniform(-bound, bound, (H, 4 * H))
    b_h = np.zeros((4, H))
    b_h[1] = forget_bias
    return Params(W_xh, W_hh, b_h)


@INIT.add
def init_bias_with_two_axes(rng, D, H, forget_bias):
    """Your b_h has the right numbers in the shape (1, 4H): it should have one axis, (4H,)."""
    bound = 1 / np.sqrt(H)
    W_xh = rng.uniform(-bound, bound, (D, 4 * H))
    W_hh = rng.uniform(-bound, bound, (H, 4 * H))
    b_h = np.zeros((1, 4 * H))
    b_h[:, H : 2 * H] = forget_bias
    return Params(W_xh, W_hh, b_h)


@INIT.add
def init_bound_not_rooted(rng, D, H, forget_bias):
    """Your bound is 1/H: it is 1/√H. The sum over H units of random sign grows like √H, not like H."""
    bound = 1 / H
    W_xh = rng.uniform(-bound, bound, (D, 4 * H))
    W_hh = rng.uniform(-bound, bound, (H, 4 * H))
    b_h = np.zeros(4 * H)
    b_h[H : 2 * H] = forget_bias
    return Params(W_xh, W_hh, b_h)


@INIT.add
def init_bound_upside_down(rng, D, H, forget_bias):
    """Your bound is √H, which grows with H: it is 1/√H, smaller for a larger net."""
    bound = np.sqrt(H)
    W_xh = rng.uniform(-bound, bound, (D, 4 * H))
    W_hh = rng.uniform(-bound, bound, (H, 4 * H))
    b_h = np.zeros(4 * H)
    b_h[H : 2 * H] = forget_bias
    return Params(W_xh, W_hh, b_h)


@INIT.add
def init_bound_from_d(rng, D, H, forget_bias):
    """Your bound is made of D. For both matrices it is 1/√H, as in PyTorch."""
    bound = 1 / np.sqrt(D)
    W_xh = rng.uniform(-bound, bound, (D, 4 * H))
    W_hh = rng.uniform(-bound, bound, (H, 4 * H))
    b_h = np.zeros(4 * H)
    b_h[H : 2 * H] = forget_bias
    return Params(W_xh, W_hh, b_h)


@INIT.add
def init_bound_of_w_xh_from_d(rng, D, H, forget_bias):
    """Your W_hh is right, but W_xh is drawn with a bound of its own, 1/√D. Here, as in PyTorch, 1/√H serves for
    both."""
    bound = 1 / np.sqrt(H)
    W_xh = rng.uniform(-1, 1, (D, 4 * H)) / np.sqrt(D)
    W_hh = rng.uniform(-bound, bound, (H, 4 * H))
    b_h = np.zeros(4 * H)
    b_h[H : 2 * H] = forget_bias
    return Params(W_xh, W_hh, b_h)


@INIT.add
def init_bound_from_all_columns(rng, D, H, forget_bias):
    """Your bound is made of the 4H columns. It is 1/√H: each unit sums over H others, however many gates there are."""
    bound = 1 / np.sqrt(4 * H)
    W_xh = rng.uniform(-bound, bound, (D, 4 * H))
    W_hh = rng.uniform(-bound, bound, (H, 4 * H))
    b_h = np.zeros(4 * H)
    b_h[H : 2 * H] = forget_bias
    return Params(W_xh, W_hh, b_h)


@INIT.add
def init_bound_from_d_and_h(rng, D, H, forget_bias):
    """Your bound is 1/√(D + H). That would be reasonable, but here, as in PyTorch, it is 1/√H for both matrices."""
    bound = 1 / np.sqrt(D + H)
    W_xh = rng.uniform(-bound, bound, (D, 4 * H))
    W_hh = rng.uniform(-bound, bound, (H, 4 * H))
    b_h = np.zeros(4 * H)
    b_h[H : 2 * H] = forget_bias
    return Params(W_xh, W_hh, b_h)


@INIT.add
def init_bound_of_glorot(rng, D, H, forget_bias):
    """Your bound is Glorot's, √6 over the root of rows plus columns. Here, as in PyTorch, it is 1/√H for both
    matrices."""
    W_xh = rng.uniform(-1, 1, (D, 4 * H)) * np.sqrt(6 / (D + 4 * H))
    W_hh = rng.uniform(-1, 1, (H, 4 * H)) * np.sqrt(6 / (H + 4 * H))
    b_h = np.zeros(4 * H)
    b_h[H : 2 * H] = forget_bias
    return Params(W_xh, W_hh, b_h)


@INIT.add
def init_bound_of_one(rng, D, H, forget_bias):
    """You draw between -1 and 1 whatever H is. The bound is 1/√H, so that a sum over H units does not grow with H."""
    bound = 1
    W_xh = rng.uniform(-bound, bound, (D, 4 * H))
    W_hh = rng.uniform(-bound, bound, (H, 4 * H))
    b_h = np.zeros(4 * H)
    b_h[H : 2 * H] = forget_bias
    return Params(W_xh, W_hh, b_h)


@INIT.add
def init_normals(rng, D, H, forget_bias):
    """You draw normals. The draw is uniform, between -1/√H and 1/√H: rng.uniform(-bound, bound, shape)."""
    bound = 1 / np.sqrt(H)
    W_xh = rng.normal(0, bound, (D, 4 * H))
    W_hh = rng.normal(0, bound, (H, 4 * H))
    b_h = np.zeros(4 * H)
    b_h[H : 2 * H] = forget_bias
    return Params(W_xh, W_hh, b_h)


@INIT.add
def init_small_normals(rng, D, H, forget_bias):
    """You draw normals times 0.01, small whatever H is. The draw is uniform, between -1/√H and 1/√H."""
    W_xh = rng.normal(0, 0.01, (D, 4 * H))
    W_hh = rng.normal(0, 0.01, (H, 4 * H))
    b_h = np.zeros(4 * H)
    b_h[H : 2 * H] = forget_bias
    return Params(W_xh, W_hh, b_h)


@INIT.add
def init_positive_only(rng, D, H, forget_bias):
    """Your weights are all positive: the draw goes from -1/√H to 1/√H, not from 0."""
    bound = 1 / np.sqrt(H)
    W_xh = rng.uniform(0, bound, (D, 4 * H))
    W_hh = rng.uniform(0, bound, (H, 4 * H))
    b_h = np.zeros(4 * H)
    b_h[H : 2 * H] = forget_bias
    return Params(W_xh, W_hh, b_h)


@INIT.add
def init_shape_not_a_pair(rng, D, H, forget_bias):
    """rng.uniform takes a lower bound, an upper bound and a shape: rows and columns are one argument, a pair in
    brackets of its own."""
    bound = 1 / np.sqrt(H)
    W_xh = rng.uniform(-bound, bound, D, 4 * H)
    W_hh = rng.uniform(-bound, bound, H, 4 * H)
    b_h = np.zeros(4 * H)
    b_h[H : 2 * H] = forget_bias
    return Params(W_xh, W_hh, b_h)


@INIT.add
def init_seed_of_its_own(rng, D, H, forget_bias):
    """You make a generator of your own, so every draw is the same. Draw from the rng that you are given."""
    bound, rng = 1 / np.sqrt(H), np.random.default_rng(0)
    W_xh = rng.uniform(-bound, bound, (D, 4 * H))
    W_hh = rng.uniform(-bound, bound, (H, 4 * H))
    b_h = np.zeros(4 * H)
    b_h[H : 2 * H] = forget_bias
    return Params(W_xh, W_hh, b_h)


@INIT.add
def init_global_random_state(rng, D, H, forget_bias):
    """You draw from np.random, a state that the whole program shares, and never look at rng: nobody could repeat your
    draw."""
    bound = 1 / np.sqrt(H)
    W_xh = np.random.uniform(-bound, bound, (D, 4 * H))  # noqa: NPY002
    W_hh = np.random.uniform(-bound, bound, (H, 4 * H))  # noqa: NPY002
    b_h = np.zeros(4 * H)
    b_h[H : 2 * H] = forget_bias
    return Params(W_xh, W_hh, b_h)


def _init_case(seed: int, D: int, H: int, forget_bias: float) -> Case:
    label = f"{sizes(D=D, H=H)}, forget_bias = {forget_bias:g}"
    return Case(label, {"rng": Seeded(seed), "D": D, "H": H, "forget_bias": forget_bias})


def init_cases() -> tuple[Case, ...]:
    """Fewer inputs than units and more, forget biases of either sign; none is 1, which would hide a 1 written out."""
    return (
        _init_case(611, D=2, H=3, forget_bias=1.5),
        _init_case(612, D=5, H=4, forget_bias=-0.5),
        _init_case(613, D=3, H=6, forget_bias=2.0),
    )


def init_lesson_case() -> Case:
    """The net of the lessons on long-range tasks."""
    return _init_case(614, D=2, H=64, forget_bias=1.0)


# Whoever takes the logarithm of the gate goes wrong far out too, at either end, and so in two cases of their own. The
# grader overlooks a second mistake in the last case only: the two together are written out, "... and log of sigmoid".
HALF_LIFE = Mistakes("memory_half_life")


@HALF_LIFE.add
def memory_half_life_log_of_sigmoid(b):
    """The formula is right, but far out it breaks: for b = -800 σ(b) is 0 here and its logarithm -inf, or e^800
    overflows. -ln σ(b) is ln(1 + e^-b), and np.logaddexp(0, -b) gives it safely."""
    return np.log(0.5) / np.log(sigmoid(np.asarray(b)))


@HALF_LIFE.add
def memory_half_life_gate_kept_off_zero(b):
    """You keep σ(b) off zero by a smallest value, so all gates that are shut further get the half-life of that one. -ln
    σ(b) is ln(1 + e^-b), and np.logaddexp(0, -b) needs no such prop."""
    return np.log(0.5) / np.log(np.maximum(sigmoid(np.asarray(b)), 1e-12))


@HALF_LIFE.add
def memory_half_life_safe_at_the_shut_end_only(b):
    """Far shut you are safe, far open not: for b = 40 e^-b is lost in 1 + e^-b, the logarithm is 0, and you divide by
    it. np.logaddexp(0, -b) is safe at both ends."""
    shut = np.asarray(b) < -30
    return np.log(2) / np.where(shut, -b, np.log(1 + np.exp(-b)))


@HALF_LIFE.add
def memory_half_life_logarithm_of_a_gate_that_is_one(b):
    """Far shut you are safe, far open not: for b = 40 σ(b) is 1 in floating point, its logarithm 0, and you divide by
    it. np.logaddexp(0, -b) is safe at both ends."""
    shut = np.asarray(b) < -30
    return np.log(0.5) / np.where(shut, b, np.log(sigmoid(np.asarray(b))))


@HALF_LIFE.add
def memory_half_life_negative(b):
    """Your half-life is negative. ln σ(b) is below zero, and so is ln ½: divide the one by the other, or turn both
    signs round."""
    return np.log(2) / -np.logaddexp(0, -b)


@HALF_LIFE.add
def memory_half_life_negative_and_log_of_sigmoid(b):
    """Your half-life is negative: ln σ(b) is below zero, so ln ½ belongs above it. And for b = -800 σ(b) is 0 here:
    take np.logaddexp(0, -b) for -ln σ(b)."""
    return np.log(2) / np.log(sigmoid(np.asarray(b)))


@HALF_LIFE.add
def memory_half_life_sign_of_b(b):
    """Your memory gets shorter when the forget gate opens: you have σ(-b), which is 1 - σ(b). It is ln(1 + e^-b) that
    stands below, with the minus."""
    return np.log(2) / np.logaddexp(0, b)


@HALF_LIFE.add
def memory_half_life_sign_of_b_and_log_of_sigmoid(b):
    """Your memory gets shorter when the forget gate opens: σ(-b) is 1 - σ(b). And far out the logarithm of a gate
    breaks: np.logaddexp(0, -b) is -ln σ(b), for any b."""
    return np.log(0.5) / np.log(sigmoid(-np.asarray(b)))


@HALF_LIFE.add
def memory_half_life_subtracted_at_every_step(b):
    """½ / (1 - f) would be right if every step took away the same amount. Each step multiplies by f, so after n steps
    fⁿ is left: solve fⁿ = ½."""
    return 0.5 / (1 - sigmoid(np.asarray(b)))


@HALF_LIFE.add
def memory_half_life_mean_lifetime(b):
    """1 / (1 - f) is the mean number of steps that a content stays, the sum of fⁿ over all n. After the half-life one
    half is left: solve fⁿ = ½."""
    return 1 / (1 - sigmoid(np.asarray(b)))


@HALF_LIFE.add
def memory_half_life_time_constant(b):
    """You divide 1 by -ln f: after that many steps 1/e of the content is left, not one half. Above belongs ln 2. If
    your 1 is np.log2(2), take np.log, the natural logarithm, above and below."""
    return 1 / np.logaddexp(0, -b)


@HALF_LIFE.add
def memory_half_life_time_constant_and_log_of_sigmoid(b):
    """You divide 1 by -ln f: after that many steps 1/e is left. Above belongs ln 2; if your 1 is np.log2(2), take
    np.log above as below. And σ(b) is 0 for b = -800: np.logaddexp(0, -b) is -ln σ(b)."""
    return -1 / np.log(sigmoid(np.asarray(b)))


@HALF_LIFE.add
def memory_half_life_base_two_below(b):
    """Above stands ln 2, below a logarithm to the base 2. Any base will do, but the same for both."""
    return np.log(2) / (np.logaddexp(0, -b) / np.log(2))


@HALF_LIFE.add
def memory_half_life_base_two_below_and_log_of_sigmoid(b):
    """Below stands a logarithm to the base 2, above a natural one: any base will do, but the same for both. And for b =
    -800 σ(b) is 0: np.logaddexp(0, -b) is -ln σ(b)."""
    return np.log(0.5) / np.log2(sigmoid(np.asarray(b)))


@HALF_LIFE.add
def memory_half_life_base_ten_above(b):
    """Above stands a logarithm to the base 10, below a natural one. Any base will do, but the same for both: np.log is
    the natural one."""
    return np.log10(2) / np.logaddexp(0, -b)


@HALF_LIFE.add
def memory_half_life_base_ten_above_and_log_of_sigmoid(b):
    """Above stands a logarithm to the base 10, below a natural one: any base will do, but the same for both. And for b
    = -800 σ(b) is 0: np.logaddexp(0, -b) is -ln σ(b)."""
    return np.log10(0.5) / np.log(sigmoid(np.asarray(b)))


@HALF_LIFE.add
def memory_half_life_upside_down(b):
    """You divide the wrong way round: n ln f = ln ½, so ln ½ stands above and ln f below."""
    return np.logaddexp(0, -b) / np.log(2)


@HALF_LIFE.add
def memory_half_life_upside_down_and_log_of_sigmoid(b):
    """You divide the wrong way round: in n ln f = ln ½ it is ln f that n is multiplied by, so it stands below. And for
    b = -800 f is 0: np.logaddexp(0, -b) is -ln f."""
    return np.log(sigmoid(np.asarray(b))) / np.log(0.5)


@HALF_LIFE.add
def memory_half_life_multiplied(b):
    """You multiply the two logarithms. n ln f = ln ½ is solved by dividing."""
    return np.log(2) * np.logaddexp(0, -b)


@HALF_LIFE.add
def memory_half_life_multiplied_and_log_of_sigmoid(b):
    """You multiply the two logarithms: n ln f = ln ½ is solved by dividing. And for b = -800 f is 0 in floating point:
    np.logaddexp(0, -b) is -ln f."""
    return np.log(0.5) * np.log(sigmoid(np.asarray(b)))


@HALF_LIFE.add
def memory_half_life_logarithm_forgotten_below(b):
    """Below stands ln(1 + e^-b); yours has 1 + e^-b itself, without the logarithm."""
    return np.log(2) / (1 + np.exp(-b))


@HALF_LIFE.add
def memory_half_life_one_forgotten(b):
    """ln 2 · e^b is the half-life for a gate that is almost wholly open. For any b it is ln 2 / ln(1 + e^-b)."""
    return np.log(2) * np.exp(b)


@HALF_LIFE.add
def memory_half_life_one_for_zero_in_logaddexp(b):
    """np.logaddexp(1, -b) is ln(e¹ + e^-b): it takes both terms as exponents, and the 1 in 1 + e^-b is e⁰."""
    return np.log(2) / np.logaddexp(1, -b)


@HALF_LIFE.add
def memory_half_life_terms_for_exponents(b):
    """You give np.logaddexp the terms 1 and e^-b. It takes their exponents, and makes the powers itself: 1 is e⁰, so
    they are 0 and -b."""
    return np.log(2) / np.logaddexp(1, np.exp(-b))


@HALF_LIFE.add
def memory_half_life_exponential_twice(b):
    """Your second argument of np.logaddexp is e^-b. It takes exponents, and makes the powers itself: what you want
    there is -b."""
    return np.log(2) / np.logaddexp(0, np.exp(-b))


@HALF_LIFE.add
def memory_half_life_bias_for_gate(b):
    """You take b itself for the forget gate. The gate is σ(b), between 0 and 1; b may be any number."""
    return np.log(0.5) / np.log(b)


@HALF_LIFE.add
def memory_half_life_tanh_for_the_gate(b):
    """Your gate is tanh b. A gate goes through the sigmoid: f = σ(b)."""
    return np.log(0.5) / np.log(np.tanh(b))


@HALF_LIFE.add
def memory_half_life_half_over_the_gate(b):
    """½ / f solves n f = ½. The gate multiplies once in every step, so after n steps it is fⁿ that is left: fⁿ = ½, and
    take logarithms."""
    return 0.5 / sigmoid(np.asarray(b))


@HALF_LIFE.add
def memory_half_life_power_of_a_half(b):
    """½ to the power f, or f to the power ½, is not n: in fⁿ = ½ the unknown stands in the exponent, and a logarithm
    brings it down."""
    return 0.5 ** sigmoid(np.asarray(b))


@HALF_LIFE.add
def memory_half_life_half_left_out(b):
    """You divide by ln f the number ½ itself. Take the logarithm of both sides of fⁿ = ½: n ln f = ln ½."""
    return 0.5 / np.logaddexp(0, -b)


@HALF_LIFE.add
def memory_half_life_half_left_out_and_log_of_sigmoid(b):
    """You divide the number ½ itself: its logarithm, ln ½, belongs above ln f. And for b = -800 f is 0 in floating
    point: np.logaddexp(0, -b) is -ln f."""
    return -0.5 / np.log(sigmoid(np.asarray(b)))


@HALF_LIFE.add
def memory_half_life_rounded(b):
    """You round to whole steps. Half-lives are compared and drawn here, so leave the number as it is: 0.53 steps is a
    fair answer."""
    return np.round(np.log(2) / np.logaddexp(0, -b))


@HALF_LIFE.add
def memory_half_life_rounded_up(b):
    """You round up to whole steps. Half-lives are compared and drawn here, so leave the number as it is: 0.53 steps is
    a fair answer."""
    return np.ceil(np.log(2) / np.logaddexp(0, -b))


@HALF_LIFE.add
def memory_half_life_rounded_up_and_log_of_sigmoid(b):
    """You round up to whole steps, and for b = -800 not even that, since σ(b) is 0 here. Leave the number as it is, and
    take np.logaddexp(0, -b) for -ln σ(b)."""
    return np.ceil(np.log(0.5) / np.log(sigmoid(np.asarray(b))))


@HALF_LIFE.add
def memory_half_life_rounded_down(b):
    """You round down to whole steps, which makes short memories 0. Leave the number as it is: 0.53 steps is a fair
    answer."""
    return np.floor(np.log(2) / np.logaddexp(0, -b))


@HALF_LIFE.add
def memory_half_life_cut_by_int(b):
    """int() cuts down to whole steps, and takes one number only, while b may be an array. Leave the half-life as it is:
    2.2 steps is a fair answer."""
    return int(np.log(2) / np.logaddexp(0, -b))


@HALF_LIFE.add
def memory_half_life_counted_in_a_loop(b):
    """You count steps until less than half is left: that gives whole steps only, and no answer for an array of biases.
    Solve fⁿ = ½ for n."""
    f, steps = sigmoid(np.asarray(b)), 0
    while f**steps > 0.5:
        steps += 1
    return steps


@HALF_LIFE.add
def memory_half_life_if_on_an_array(b):
    """b may be an array, and `if` wants one yes or no. np.logaddexp(0, -b) needs no such branch, whatever the sign of
    b."""
    if b > 0:
        return np.log(2) / np.log1p(np.exp(-b))
    return np.log(2) / (np.log1p(np.exp(b)) - b)


@HALF_LIFE.add
def memory_half_life_math_for_numpy(b):
    """The functions of math take one number, and b may be an array: np.log and np.logaddexp take every entry in
    turn."""
    return math.log(2) / math.log(1 + math.exp(-b))


@HALF_LIFE.add
def memory_half_life_for_the_mean_bias(b):
    """You return one number for all biases. Every entry of b is a gate of its own: the answer has the shape of b."""
    return np.log(2) / np.mean(np.logaddexp(0, -b))


@HALF_LIFE.add
def memory_half_life_for_the_mean_bias_and_log_of_sigmoid(b):
    """You return one number for all biases: the answer has the shape of b. And for b = -800 σ(b) is 0 in floating
    point: np.logaddexp(0, -b) is -ln σ(b), entry by entry."""
    return np.log(0.5) / np.mean(np.log(sigmoid(np.asarray(b))))


@HALF_LIFE.add
def memory_half_life_an_axis_more(b):
    """For a single bias you return an array of one entry: the answer has the shape of b, so a number for a number.
    np.logaddexp takes both as they come, without np.atleast_1d."""
    return np.log(2) / np.logaddexp(0, -np.atleast_1d(b))


def memory_half_life_cases() -> tuple[Case, ...]:
    """One number, arrays of one axis and two, and gates so far shut that σ(b) is 0 in floating point, or so far open
    that it is 1.

    The last are a case of their own, for beside 10¹⁷ steps an error in a short half-life would not show; two biases,
    for a loop that counts steps would never end for one.
    """
    return (
        Case("one bias", {"b": 1.0}),
        Case("an array of biases", {"b": np.array([-2.0, 0.0, 0.5, 3.0, 6.0])}),
        Case("two axes", {"b": np.array([[-20.0, -7.5, 1.0], [2.5, 12.0, 20.0]])}),
        Case("gates far shut", {"b": np.array([-800.0, -60.0, -3.0])}),
        Case("gates far open", {"b": np.array([38.0, 40.0])}),
    )


def memory_half_life_lesson_case() -> Case:
    """A curve over biases, as the lesson draws it."""
    return Case("a curve", {"b": np.linspace(-5.0, 10.0, 1001)})


STEP_BACKWARD = Mistakes("step_backward")


@STEP_BACKWARD.add
def step_backward_no_road_through_h(params, cache, dstate):
    """Your dc is only what came from step t + 1. c_t is also seen through h_t = o ⊙ tanh c_t, and that road brings dh,
    times o, times the slope of that tanh."""
    x, h_prev, c_prev, i, f, g, o, tanh_c = cache
    dh, dc = dstate
    dz_i, dz_f = dc * g * i * (1 - i), dc * c_prev * f * (1 - f)
    dz_g, dz_o = dc * i * (1 - g**2), dh * tanh_c * o * (1 - o)
    dz = np.concatenate([dz_i, dz_f, dz_g, dz_o], axis=1)
    grads = Params(x.T @ dz, h_prev.T @ dz, dz.sum(axis=0))
    return grads, dz @ params.W_xh.T, State(dz @ params.W_hh.T, dc * f)


@STEP_BACKWARD.add
def step_backward_dc_next_forgotten(params, cache, dstate):
    """Your dc comes through h_t only. c_t is also handed on to step t + 1, and what comes back from there is dstate.c:
    two roads, so two terms."""
    x, h_prev, c_prev, i, f, g, o, tanh_c = cache
    dh, dc = dstate
    dc = dh * o * (1 - tanh_c**2)
    dz_i, dz_f = dc * g * i * (1 - i), dc * c_prev * f * (1 - f)
    dz_g, dz_o = dc * i * (1 - g**2), dh * tanh_c * o * (1 - o)
    dz = np.concatenate([dz_i, dz_f, dz_g, dz_o], axis=1)
    grads = Params(x.T @ dz, h_prev.T @ dz, dz.sum(axis=0))
    return grads, dz @ params.W_xh.T, State(dz @ params.W_hh.T, dc * f)


@STEP_BACKWARD.add
def step_backward_dh_added_to_dc_as_it_is(params, cache, dstate):
    """You add dh to dc as it is. Between c_t and h_t stand a tanh and the output gate: dh times o, times the slope of
    that tanh."""
    x, h_prev, c_prev, i, f, g, o, tanh_c = cache
    dh, dc = dstate
    dc = dc + dh
    dz_i, dz_f = dc * g * i * (1 - i), dc * c_prev * f * (1 - f)
    dz_g, dz_o = dc * i * (1 - g**2), dh * tanh_c * o * (1 - o)
    dz = np.concatenate([dz_i, dz_f, dz_g, dz_o], axis=1)
    grads = Params(x.T @ dz, h_prev.T @ dz, dz.sum(axis=0))
    return grads, dz @ params.W_xh.T, State(dz @ params.W_hh.T, dc * f)


@STEP_BACKWARD.add
def step_backward_slope_of_tanh_c_missing(params, cache, dstate):
    """On the road from h_t to c_t you multiply by o only. There is a tanh on it too: times 1 - tanh_c²."""
    x, h_prev, c_prev, i, f, g, o, tanh_c = cache
    dh, dc = dstate
    dc = dc + dh * o
    dz_i, dz_f = dc * g * i * (1 - i), dc * c_prev * f * (1 - f)
    dz_g, dz_o = dc * i * (1 - g**2), dh * tanh_c * o * (1 - o)
    dz = np.concatenate([dz_i, dz_f, dz_g, dz_o], axis=1)
    grads = Params(x.T @ dz, h_prev.T @ dz, dz.sum(axis=0))
    return grads, dz @ params.W_xh.T, State(dz @ params.W_hh.T, dc * f)


@STEP_BACKWARD.add
def step_backward_o_missing_on_the_road_to_c(params, cache, dstate):
    """On the road from h_t to c_t the output gate is missing: h_t is o times tanh c_t, so dh is multiplied by o as
    well."""
    x, h_prev, c_prev, i, f, g, o, tanh_c = cache
    dh, dc = dstate
    dc = dc + dh * (1 - tanh_c**2)
    dz_i, dz_f = dc * g * i * (1 - i), dc * c_prev * f * (1 - f)
    dz_g, dz_o = dc * i * (1 - g**2), dh * tanh_c * o * (1 - o)
    dz = np.concatenate([dz_i, dz_f, dz_g, dz_o], axis=1)
    grads = Params(x.T @ dz, h_prev.T @ dz, dz.sum(axis=0))
    return grads, dz @ params.W_xh.T, State(dz @ params.W_hh.T, dc * f)


@STEP_BACKWARD.add
def step_backward_tanh_of_tanh_c(params, cache, dstate):
    """You take tanh of cache.tanh_c, which has been through tanh already: the slope is 1 - tanh_c², as it stands."""
    x, h_prev, c_prev, i, f, g, o, tanh_c = cache
    dh, dc = dstate
    dc = dc + dh * o * (1 - np.tanh(tanh_c) ** 2)
    dz_i, dz_f = dc * g * i * (1 - i), dc * c_prev * f * (1 - f)
    dz_g, dz_o = dc * i * (1 - g**2), dh * tanh_c * o * (1 - o)
    dz = np.concatenate([dz_i, dz_f, dz_g, dz_o], axis=1)
    grads = Params(x.T @ dz, h_prev.T @ dz, dz.sum(axis=0))
    return grads, dz @ params.W_xh.T, State(dz @ params.W_hh.T, dc * f)


@STEP_BACKWARD.add
def step_backward_slope_at_c(params, cache, dstate):
    """Your slope is 1 - c_t². The slope of tanh is written with its value, tanh c_t, which the cache holds: 1 -
    tanh_c²."""
    x, h_prev, c_prev, i, f, g, o, tanh_c = cache
    dh, dc = dstate
    dc = dc + dh * o * (1 - (f * c_prev + i * g) ** 2)
    dz_i, dz_f = dc * g * i * (1 - i), dc * c_prev * f * (1 - f)
    dz_g, dz_o = dc * i * (1 - g**2), dh * tanh_c * o * (1 - o)
    dz = np.concatenate([dz_i, dz_f, dz_g, dz_o], axis=1)
    grads = Params(x.T @ dz, h_prev.T @ dz, dz.sum(axis=0))
    return grads, dz @ params.W_xh.T, State(dz @ params.W_hh.T, dc * f)


@STEP_BACKWARD.add
def step_backward_slope_at_c_prev(params, cache, dstate):
    """You take the slope of tanh at the old content. h_t shows c_t, so it is 1 - tanh_c², with the tanh_c of the
    cache."""
    x, h_prev, c_prev, i, f, g, o, tanh_c = cache
    dh, dc = dstate
    dc = dc + dh * o * (1 - np.tanh(c_prev) ** 2)
    dz_i, dz_f = dc * g * i * (1 - i), dc * c_prev * f * (1 - f)
    dz_g, dz_o = dc * i * (1 - g**2), dh * tanh_c * o * (1 - o)
    dz = np.concatenate([dz_i, dz_f, dz_g, dz_o], axis=1)
    grads = Params(x.T @ dz, h_prev.T @ dz, dz.sum(axis=0))
    return grads, dz @ params.W_xh.T, State(dz @ params.W_hh.T, dc * f)


@STEP_BACKWARD.add
def step_backward_slope_of_tanh_not_squared(params, cache, dstate):
    """Your slope of tanh c_t is 1 - tanh_c, without the square: it should be 1 at c = 0 and 0 at both ends."""
    x, h_prev, c_prev, i, f, g, o, tanh_c = cache
    dh, dc = dstate
    dc = dc + dh * o * (1 - tanh_c)
    dz_i, dz_f = dc * g * i * (1 - i), dc * c_prev * f * (1 - f)
    dz_g, dz_o = dc * i * (1 - g**2), dh * tanh_c * o * (1 - o)
    dz = np.concatenate([dz_i, dz_f, dz_g, dz_o], axis=1)
    grads = Params(x.T @ dz, h_prev.T @ dz, dz.sum(axis=0))
    return grads, dz @ params.W_xh.T, State(dz @ params.W_hh.T, dc * f)


@STEP_BACKWARD.add
def step_backward_difference_squared(params, cache, dstate):
    """You square the difference, (1 - tanh_c)²: the slope of tanh is 1 - tanh_c², with only the value squared."""
    x, h_prev, c_prev, i, f, g, o, tanh_c = cache
    dh, dc = dstate
    dc = dc + dh * o * (1 - tanh_c) ** 2
    dz_i, dz_f = dc * g * i * (1 - i), dc * c_prev * f * (1 - f)
    dz_g, dz_o = dc * i * (1 - g**2), dh * tanh_c * o * (1 - o)
    dz = np.concatenate([dz_i, dz_f, dz_g, dz_o], axis=1)
    grads = Params(x.T @ dz, h_prev.T @ dz, dz.sum(axis=0))
    return grads, dz @ params.W_xh.T, State(dz @ params.W_hh.T, dc * f)


@STEP_BACKWARD.add
def step_backward_slope_of_sigmoid_for_tanh_c(params, cache, dstate):
    """tanh_c (1 - tanh_c) is the slope of a sigmoid. Between c_t and h_t stands a tanh: 1 - tanh_c²."""
    x, h_prev, c_prev, i, f, g, o, tanh_c = cache
    dh, dc = dstate
    dc = dc + dh * o * tanh_c * (1 - tanh_c)
    dz_i, dz_f = dc * g * i * (1 - i), dc * c_prev * f * (1 - f)
    dz_g, dz_o = dc * i * (1 - g**2), dh * tanh_c * o * (1 - o)
    dz = np.concatenate([dz_i, dz_f, dz_g, dz_o], axis=1)
    grads = Params(x.T @ dz, h_prev.T @ dz, dz.sum(axis=0))
    return grads, dz @ params.W_xh.T, State(dz @ params.W_hh.T, dc * f)


@STEP_BACKWARD.add
def step_backward_h_for_tanh_c_in_the_slope(params, cache, dstate):
    """Your slope is made of h_t, as in the plain cell. Here h_t is o ⊙ tanh c_t, and the tanh alone makes the slope: 1
    - tanh_c²."""
    x, h_prev, c_prev, i, f, g, o, tanh_c = cache
    dh, dc = dstate
    dc = dc + dh * o * (1 - (o * tanh_c) ** 2)
    dz_i, dz_f = dc * g * i * (1 - i), dc * c_prev * f * (1 - f)
    dz_g, dz_o = dc * i * (1 - g**2), dh * tanh_c * o * (1 - o)
    dz = np.concatenate([dz_i, dz_f, dz_g, dz_o], axis=1)
    grads = Params(x.T @ dz, h_prev.T @ dz, dz.sum(axis=0))
    return grads, dz @ params.W_xh.T, State(dz @ params.W_hh.T, dc * f)


@STEP_BACKWARD.add
def step_backward_dc_through_the_output_gate_too(params, cache, dstate):
    """You send dc through o and tanh as well. dstate.c reaches c_t directly, from step t + 1: only dh comes through the
    output gate."""
    x, h_prev, c_prev, i, f, g, o, tanh_c = cache
    dh, dc = dstate
    dc = (dc + dh) * o * (1 - tanh_c**2)
    dz_i, dz_f = dc * g * i * (1 - i), dc * c_prev * f * (1 - f)
    dz_g, dz_o = dc * i * (1 - g**2), dh * tanh_c * o * (1 - o)
    dz = np.concatenate([dz_i, dz_f, dz_g, dz_o], axis=1)
    grads = Params(x.T @ dz, h_prev.T @ dz, dz.sum(axis=0))
    return grads, dz @ params.W_xh.T, State(dz @ params.W_hh.T, dc * f)


@STEP_BACKWARD.add
def step_backward_road_through_h_too_late(params, cache, dstate):
    """You add the road through h_t to dc after the gates' gradients have been made. i, f and g made all of c_t, so
    theirs needs the whole dc: add first."""
    x, h_prev, c_prev, i, f, g, o, tanh_c = cache
    dh, dc = dstate
    dz_i, dz_f = dc * g * i * (1 - i), dc * c_prev * f * (1 - f)
    dz_g, dz_o = dc * i * (1 - g**2), dh * tanh_c * o * (1 - o)
    dc = dc + dh * o * (1 - tanh_c**2)
    dz = np.concatenate([dz_i, dz_f, dz_g, dz_o], axis=1)
    grads = Params(x.T @ dz, h_prev.T @ dz, dz.sum(axis=0))
    return grads, dz @ params.W_xh.T, State(dz @ params.W_hh.T, dc * f)


@STEP_BACKWARD.add
def step_backward_dc_prev_before_the_road_through_h(params, cache, dstate):
    """The gates are right, but your dc_prev is made of dstate.c alone. All that reaches c_t goes on to c_{t-1}: the
    whole dc, times f."""
    x, h_prev, c_prev, i, f, g, o, tanh_c = cache
    dh, dc = dstate
    dc = dc + dh * o * (1 - tanh_c**2)
    dz_i, dz_f = dc * g * i * (1 - i), dc * c_prev * f * (1 - f)
    dz_g, dz_o = dc * i * (1 - g**2), dh * tanh_c * o * (1 - o)
    dz = np.concatenate([dz_i, dz_f, dz_g, dz_o], axis=1)
    grads = Params(x.T @ dz, h_prev.T @ dz, dz.sum(axis=0))
    return grads, dz @ params.W_xh.T, State(dz @ params.W_hh.T, dstate.c * f)


@STEP_BACKWARD.add
def step_backward_f_missing_in_dc_prev(params, cache, dstate):
    """You hand dc back as it is. c_{t-1} entered c_t times f, so what goes back to it is dc times f."""
    x, h_prev, c_prev, i, f, g, o, tanh_c = cache
    dh, dc = dstate
    dc = dc + dh * o * (1 - tanh_c**2)
    dz_i, dz_f = dc * g * i * (1 - i), dc * c_prev * f * (1 - f)
    dz_g, dz_o = dc * i * (1 - g**2), dh * tanh_c * o * (1 - o)
    dz = np.concatenate([dz_i, dz_f, dz_g, dz_o], axis=1)
    grads = Params(x.T @ dz, h_prev.T @ dz, dz.sum(axis=0))
    return grads, dz @ params.W_xh.T, State(dz @ params.W_hh.T, dc)


@STEP_BACKWARD.add
def step_backward_i_for_f_in_dc_prev(params, cache, dstate):
    """You hand dc back times i. It is the forget gate that multiplied c_{t-1}: dc times f."""
    x, h_prev, c_prev, i, f, g, o, tanh_c = cache
    dh, dc = dstate
    dc = dc + dh * o * (1 - tanh_c**2)
    dz_i, dz_f = dc * g * i * (1 - i), dc * c_prev * f * (1 - f)
    dz_g, dz_o = dc * i * (1 - g**2), dh * tanh_c * o * (1 - o)
    dz = np.concatenate([dz_i, dz_f, dz_g, dz_o], axis=1)
    grads = Params(x.T @ dz, h_prev.T @ dz, dz.sum(axis=0))
    return grads, dz @ params.W_xh.T, State(dz @ params.W_hh.T, dc * i)


@STEP_BACKWARD.add
def step_backward_slope_of_f_in_dc_prev(params, cache, dstate):
    """Your dc_prev holds the slope of the forget gate. That one belongs to dz_f; c_{t-1} was simply multiplied by f."""
    x, h_prev, c_prev, i, f, g, o, tanh_c = cache
    dh, dc = dstate
    dc = dc + dh * o * (1 - tanh_c**2)
    dz_i, dz_f = dc * g * i * (1 - i), dc * c_prev * f * (1 - f)
    dz_g, dz_o = dc * i * (1 - g**2), dh * tanh_c * o * (1 - o)
    dz = np.concatenate([dz_i, dz_f, dz_g, dz_o], axis=1)
    grads = Params(x.T @ dz, h_prev.T @ dz, dz.sum(axis=0))
    return grads, dz @ params.W_xh.T, State(dz @ params.W_hh.T, dc * f * (1 - f))


@STEP_BACKWARD.add
def step_backward_content_in_dc_prev(params, cache, dstate):
    """Your dc_prev holds c_{t-1} itself. In a product each factor gets the other one: c_{t-1} gets dc times f, and f
    gets dc times c_{t-1}."""
    x, h_prev, c_prev, i, f, g, o, tanh_c = cache
    dh, dc = dstate
    dc = dc + dh * o * (1 - tanh_c**2)
    dz_i, dz_f = dc * g * i * (1 - i), dc * c_prev * f * (1 - f)
    dz_g, dz_o = dc * i * (1 - g**2), dh * tanh_c * o * (1 - o)
    dz = np.concatenate([dz_i, dz_f, dz_g, dz_o], axis=1)
    grads = Params(x.T @ dz, h_prev.T @ dz, dz.sum(axis=0))
    return grads, dz @ params.W_xh.T, State(dz @ params.W_hh.T, dc * f * c_prev)


@STEP_BACKWARD.add
def step_backward_dc_for_dc_prev_left_zero(params, cache, dstate):
    """You hand nothing back to c_{t-1}, so the carousel stands still: dc times f goes on to the step before."""
    x, h_prev, c_prev, i, f, g, o, tanh_c = cache
    dh, dc = dstate
    dc = dc + dh * o * (1 - tanh_c**2)
    dz_i, dz_f = dc * g * i * (1 - i), dc * c_prev * f * (1 - f)
    dz_g, dz_o = dc * i * (1 - g**2), dh * tanh_c * o * (1 - o)
    dz = np.concatenate([dz_i, dz_f, dz_g, dz_o], axis=1)
    grads = Params(x.T @ dz, h_prev.T @ dz, dz.sum(axis=0))
    return grads, dz @ params.W_xh.T, State(dz @ params.W_hh.T, np.zeros_like(dc))


@STEP_BACKWARD.add
def step_backward_o_without_tanh_c(params, cache, dstate):
    """Your dz_o lacks tanh c_t: h_t is o times tanh c_t, and the gradient of one factor holds the other."""
    x, h_prev, c_prev, i, f, g, o, tanh_c = cache
    dh, dc = dstate
    dc = dc + dh * o * (1 - tanh_c**2)
    dz_i, dz_f = dc * g * i * (1 - i), dc * c_prev * f * (1 - f)
    dz_g, dz_o = dc * i * (1 - g**2), dh * o * (1 - o)
    dz = np.concatenate([dz_i, dz_f, dz_g, dz_o], axis=1)
    grads = Params(x.T @ dz, h_prev.T @ dz, dz.sum(axis=0))
    return grads, dz @ params.W_xh.T, State(dz @ params.W_hh.T, dc * f)


@STEP_BACKWARD.add
def step_backward_o_with_c_for_tanh_c(params, cache, dstate):
    """In your dz_o stands c_t. The output gate multiplied tanh c_t, which the cache holds as tanh_c."""
    x, h_prev, c_prev, i, f, g, o, tanh_c = cache
    dh, dc = dstate
    dc = dc + dh * o * (1 - tanh_c**2)
    dz_i, dz_f = dc * g * i * (1 - i), dc * c_prev * f * (1 - f)
    dz_g, dz_o = dc * i * (1 - g**2), dh * (f * c_prev + i * g) * o * (1 - o)
    dz = np.concatenate([dz_i, dz_f, dz_g, dz_o], axis=1)
    grads = Params(x.T @ dz, h_prev.T @ dz, dz.sum(axis=0))
    return grads, dz @ params.W_xh.T, State(dz @ params.W_hh.T, dc * f)


@STEP_BACKWARD.add
def step_backward_o_with_h_for_tanh_c(params, cache, dstate):
    """In your dz_o stands h_t. The other factor in h_t = o ⊙ tanh c_t is tanh c_t alone; o is in your product twice."""
    x, h_prev, c_prev, i, f, g, o, tanh_c = cache
    dh, dc = dstate
    dc = dc + dh * o * (1 - tanh_c**2)
    dz_i, dz_f = dc * g * i * (1 - i), dc * c_prev * f * (1 - f)
    dz_g, dz_o = dc * i * (1 - g**2), dh * o * tanh_c * o * (1 - o)
    dz = np.concatenate([dz_i, dz_f, dz_g, dz_o], axis=1)
    grads = Params(x.T @ dz, h_prev.T @ dz, dz.sum(axis=0))
    return grads, dz @ params.W_xh.T, State(dz @ params.W_hh.T, dc * f)


@STEP_BACKWARD.add
def step_backward_o_from_dc(params, cache, dstate):
    """Your dz_o is made from dc. The output gate comes after c_t and acts on h_t only: its gradient is made from dh."""
    x, h_prev, c_prev, i, f, g, o, tanh_c = cache
    dh, dc = dstate
    dc = dc + dh * o * (1 - tanh_c**2)
    dz_i, dz_f = dc * g * i * (1 - i), dc * c_prev * f * (1 - f)
    dz_g, dz_o = dc * i * (1 - g**2), dc * tanh_c * o * (1 - o)
    dz = np.concatenate([dz_i, dz_f, dz_g, dz_o], axis=1)
    grads = Params(x.T @ dz, h_prev.T @ dz, dz.sum(axis=0))
    return grads, dz @ params.W_xh.T, State(dz @ params.W_hh.T, dc * f)


@STEP_BACKWARD.add
def step_backward_all_gates_from_dh(params, cache, dstate):
    """You make the gradients of i, f and g from dh. These three made c_t, so theirs is made from dc, the whole of
    it."""
    x, h_prev, c_prev, i, f, g, o, tanh_c = cache
    dh, dc = dstate
    dc = dc + dh * o * (1 - tanh_c**2)
    dz_i, dz_f = dh * g * i * (1 - i), dh * c_prev * f * (1 - f)
    dz_g, dz_o = dh * i * (1 - g**2), dh * tanh_c * o * (1 - o)
    dz = np.concatenate([dz_i, dz_f, dz_g, dz_o], axis=1)
    grads = Params(x.T @ dz, h_prev.T @ dz, dz.sum(axis=0))
    return grads, dz @ params.W_xh.T, State(dz @ params.W_hh.T, dc * f)


@STEP_BACKWARD.add
def step_backward_f_with_new_c(params, cache, dstate):
    """In your dz_f stands c_t. The forget gate multiplied the old content: c_prev."""
    x, h_prev, c_prev, i, f, g, o, tanh_c = cache
    dh, dc = dstate
    dc = dc + dh * o * (1 - tanh_c**2)
    dz_i, dz_f = dc * g * i * (1 - i), dc * (f * c_prev + i * g) * f * (1 - f)
    dz_g, dz_o = dc * i * (1 - g**2), dh * tanh_c * o * (1 - o)
    dz = np.concatenate([dz_i, dz_f, dz_g, dz_o], axis=1)
    grads = Params(x.T @ dz, h_prev.T @ dz, dz.sum(axis=0))
    return grads, dz @ params.W_xh.T, State(dz @ params.W_hh.T, dc * f)


@STEP_BACKWARD.add
def step_backward_f_with_tanh_c(params, cache, dstate):
    """In your dz_f stands tanh c_t. The forget gate multiplied the old content, before any tanh: c_prev."""
    x, h_prev, _, i, f, g, o, tanh_c = cache
    dh, dc = dstate
    dc = dc + dh * o * (1 - tanh_c**2)
    dz_i, dz_f = dc * g * i * (1 - i), dc * tanh_c * f * (1 - f)
    dz_g, dz_o = dc * i * (1 - g**2), dh * tanh_c * o * (1 - o)
    dz = np.concatenate([dz_i, dz_f, dz_g, dz_o], axis=1)
    grads = Params(x.T @ dz, h_prev.T @ dz, dz.sum(axis=0))
    return grads, dz @ params.W_xh.T, State(dz @ params.W_hh.T, dc * f)


@STEP_BACKWARD.add
def step_backward_f_with_h_prev(params, cache, dstate):
    """In your dz_f stands h_{t-1}. The forget gate multiplied the old content, c_prev, not what was shown of it."""
    x, h_prev, _, i, f, g, o, tanh_c = cache
    dh, dc = dstate
    dc = dc + dh * o * (1 - tanh_c**2)
    dz_i, dz_f = dc * g * i * (1 - i), dc * h_prev * f * (1 - f)
    dz_g, dz_o = dc * i * (1 - g**2), dh * tanh_c * o * (1 - o)
    dz = np.concatenate([dz_i, dz_f, dz_g, dz_o], axis=1)
    grads = Params(x.T @ dz, h_prev.T @ dz, dz.sum(axis=0))
    return grads, dz @ params.W_xh.T, State(dz @ params.W_hh.T, dc * f)


@STEP_BACKWARD.add
def step_backward_f_without_c_prev(params, cache, dstate):
    """Your dz_f lacks c_{t-1}: in c_t the forget gate is multiplied by it, and the gradient of one factor holds the
    other."""
    x, h_prev, _, i, f, g, o, tanh_c = cache
    dh, dc = dstate
    dc = dc + dh * o * (1 - tanh_c**2)
    dz_i, dz_f = dc * g * i * (1 - i), dc * f * (1 - f)
    dz_g, dz_o = dc * i * (1 - g**2), dh * tanh_c * o * (1 - o)
    dz = np.concatenate([dz_i, dz_f, dz_g, dz_o], axis=1)
    grads = Params(x.T @ dz, h_prev.T @ dz, dz.sum(axis=0))
    return grads, dz @ params.W_xh.T, State(dz @ params.W_hh.T, dc * f)


@STEP_BACKWARD.add
def step_backward_f_from_dc_next(params, cache, dstate):
    """Your dz_f is made from dstate.c alone, without the road through h_t. The forget gate made all of c_t, so it needs
    the whole dc, as i and g do."""
    x, h_prev, c_prev, i, f, g, o, tanh_c = cache
    dh, dc = dstate
    dc = dc + dh * o * (1 - tanh_c**2)
    dz_i, dz_f = dc * g * i * (1 - i), dstate.c * c_prev * f * (1 - f)
    dz_g, dz_o = dc * i * (1 - g**2), dh * tanh_c * o * (1 - o)
    dz = np.concatenate([dz_i, dz_f, dz_g, dz_o], axis=1)
    grads = Params(x.T @ dz, h_prev.T @ dz, dz.sum(axis=0))
    return grads, dz @ params.W_xh.T, State(dz @ params.W_hh.T, dc * f)


@STEP_BACKWARD.add
def step_backward_f_by_itself(params, cache, dstate):
    """Your dz_f holds f where c_{t-1} belongs. In the product f ⊙ c_{t-1} each factor gets the other: f gets dc times
    c_prev; dc times f is what goes back to c_{t-1}."""
    x, h_prev, _, i, f, g, o, tanh_c = cache
    dh, dc = dstate
    dc = dc + dh * o * (1 - tanh_c**2)
    dz_i, dz_f = dc * g * i * (1 - i), dc * f * f * (1 - f)
    dz_g, dz_o = dc * i * (1 - g**2), dh * tanh_c * o * (1 - o)
    dz = np.concatenate([dz_i, dz_f, dz_g, dz_o], axis=1)
    grads = Params(x.T @ dz, h_prev.T @ dz, dz.sum(axis=0))
    return grads, dz @ params.W_xh.T, State(dz @ params.W_hh.T, dc * f)


@STEP_BACKWARD.add
def step_backward_i_without_g(params, cache, dstate):
    """Your dz_i lacks g: in c_t the input gate is multiplied by the candidate, and the gradient of one factor holds the
    other."""
    x, h_prev, c_prev, i, f, g, o, tanh_c = cache
    dh, dc = dstate
    dc = dc + dh * o * (1 - tanh_c**2)
    dz_i, dz_f = dc * i * (1 - i), dc * c_prev * f * (1 - f)
    dz_g, dz_o = dc * i * (1 - g**2), dh * tanh_c * o * (1 - o)
    dz = np.concatenate([dz_i, dz_f, dz_g, dz_o], axis=1)
    grads = Params(x.T @ dz, h_prev.T @ dz, dz.sum(axis=0))
    return grads, dz @ params.W_xh.T, State(dz @ params.W_hh.T, dc * f)


@STEP_BACKWARD.add
def step_backward_g_without_i(params, cache, dstate):
    """Your dz_g lacks i: in c_t the candidate is multiplied by the input gate, and the gradient of one factor holds the
    other."""
    x, h_prev, c_prev, i, f, g, o, tanh_c = cache
    dh, dc = dstate
    dc = dc + dh * o * (1 - tanh_c**2)
    dz_i, dz_f = dc * g * i * (1 - i), dc * c_prev * f * (1 - f)
    dz_g, dz_o = dc * (1 - g**2), dh * tanh_c * o * (1 - o)
    dz = np.concatenate([dz_i, dz_f, dz_g, dz_o], axis=1)
    grads = Params(x.T @ dz, h_prev.T @ dz, dz.sum(axis=0))
    return grads, dz @ params.W_xh.T, State(dz @ params.W_hh.T, dc * f)


@STEP_BACKWARD.add
def step_backward_i_and_g_exchanged(params, cache, dstate):
    """In dz_i and dz_g each factor holds itself. In the product i ⊙ g each gets the other: di = dc ⊙ g, dg = dc ⊙ i."""
    x, h_prev, c_prev, i, f, g, o, tanh_c = cache
    dh, dc = dstate
    dc = dc + dh * o * (1 - tanh_c**2)
    dz_i, dz_f = dc * i * i * (1 - i), dc * c_prev * f * (1 - f)
    dz_g, dz_o = dc * g * (1 - g**2), dh * tanh_c * o * (1 - o)
    dz = np.concatenate([dz_i, dz_f, dz_g, dz_o], axis=1)
    grads = Params(x.T @ dz, h_prev.T @ dz, dz.sum(axis=0))
    return grads, dz @ params.W_xh.T, State(dz @ params.W_hh.T, dc * f)


@STEP_BACKWARD.add
def step_backward_i_by_itself(params, cache, dstate):
    """Your dz_i holds i where g belongs. In the product i ⊙ g each factor gets the other: i gets dc times g."""
    x, h_prev, c_prev, i, f, g, o, tanh_c = cache
    dh, dc = dstate
    dc = dc + dh * o * (1 - tanh_c**2)
    dz_i, dz_f = dc * i * i * (1 - i), dc * c_prev * f * (1 - f)
    dz_g, dz_o = dc * i * (1 - g**2), dh * tanh_c * o * (1 - o)
    dz = np.concatenate([dz_i, dz_f, dz_g, dz_o], axis=1)
    grads = Params(x.T @ dz, h_prev.T @ dz, dz.sum(axis=0))
    return grads, dz @ params.W_xh.T, State(dz @ params.W_hh.T, dc * f)


@STEP_BACKWARD.add
def step_backward_g_by_itself(params, cache, dstate):
    """Your dz_g holds g where i belongs. In the product i ⊙ g each factor gets the other: g gets dc times i."""
    x, h_prev, c_prev, i, f, g, o, tanh_c = cache
    dh, dc = dstate
    dc = dc + dh * o * (1 - tanh_c**2)
    dz_i, dz_f = dc * g * i * (1 - i), dc * c_prev * f * (1 - f)
    dz_g, dz_o = dc * g * (1 - g**2), dh * tanh_c * o * (1 - o)
    dz = np.concatenate([dz_i, dz_f, dz_g, dz_o], axis=1)
    grads = Params(x.T @ dz, h_prev.T @ dz, dz.sum(axis=0))
    return grads, dz @ params.W_xh.T, State(dz @ params.W_hh.T, dc * f)


@STEP_BACKWARD.add
def step_backward_slope_of_tanh_for_the_gates(params, cache, dstate):
    """1 - i² is the slope of tanh. The three gates went through the sigmoid, whose slope is i (1 - i), and likewise for
    f and o."""
    x, h_prev, c_prev, i, f, g, o, tanh_c = cache
    dh, dc = dstate
    dc = dc + dh * o * (1 - tanh_c**2)
    dz_i, dz_f = dc * g * (1 - i**2), dc * c_prev * (1 - f**2)
    dz_g, dz_o = dc * i * (1 - g**2), dh * tanh_c * (1 - o**2)
    dz = np.concatenate([dz_i, dz_f, dz_g, dz_o], axis=1)
    grads = Params(x.T @ dz, h_prev.T @ dz, dz.sum(axis=0))
    return grads, dz @ params.W_xh.T, State(dz @ params.W_hh.T, dc * f)


@STEP_BACKWARD.add
def step_backward_slope_of_tanh_for_o(params, cache, dstate):
    """Only your dz_o is off: 1 - o² is the slope of tanh, and o went through the sigmoid: o (1 - o). The tanh in h_t is
    that of c_t, not of o."""
    x, h_prev, c_prev, i, f, g, o, tanh_c = cache
    dh, dc = dstate
    dc = dc + dh * o * (1 - tanh_c**2)
    dz_i, dz_f = dc * g * i * (1 - i), dc * c_prev * f * (1 - f)
    dz_g, dz_o = dc * i * (1 - g**2), dh * tanh_c * (1 - o**2)
    dz = np.concatenate([dz_i, dz_f, dz_g, dz_o], axis=1)
    grads = Params(x.T @ dz, h_prev.T @ dz, dz.sum(axis=0))
    return grads, dz @ params.W_xh.T, State(dz @ params.W_hh.T, dc * f)


@STEP_BACKWARD.add
def step_backward_slope_of_sigmoid_for_g(params, cache, dstate):
    """g (1 - g) is the slope of the sigmoid. The candidate went through tanh: 1 - g²."""
    x, h_prev, c_prev, i, f, g, o, tanh_c = cache
    dh, dc = dstate
    dc = dc + dh * o * (1 - tanh_c**2)
    dz_i, dz_f = dc * g * i * (1 - i), dc * c_prev * f * (1 - f)
    dz_g, dz_o = dc * i * g * (1 - g), dh * tanh_c * o * (1 - o)
    dz = np.concatenate([dz_i, dz_f, dz_g, dz_o], axis=1)
    grads = Params(x.T @ dz, h_prev.T @ dz, dz.sum(axis=0))
    return grads, dz @ params.W_xh.T, State(dz @ params.W_hh.T, dc * f)


@STEP_BACKWARD.add
def step_backward_slope_of_tanh_and_sigmoid_exchanged(params, cache, dstate):
    """The slopes have changed places: the gates i, f, o need that of the sigmoid, i (1 - i), and the candidate that of
    tanh, 1 - g²."""
    x, h_prev, c_prev, i, f, g, o, tanh_c = cache
    dh, dc = dstate
    dc = dc + dh * o * (1 - tanh_c**2)
    dz_i, dz_f = dc * g * (1 - i**2), dc * c_prev * (1 - f**2)
    dz_g, dz_o = dc * i * g * (1 - g), dh * tanh_c * (1 - o**2)
    dz = np.concatenate([dz_i, dz_f, dz_g, dz_o], axis=1)
    grads = Params(x.T @ dz, h_prev.T @ dz, dz.sum(axis=0))
    return grads, dz @ params.W_xh.T, State(dz @ params.W_hh.T, dc * f)


@STEP_BACKWARD.add
def step_backward_no_slopes(params, cache, dstate):
    """You stop at the gates' values. Each of the four went through a sigmoid or tanh: multiply by i (1 - i), f (1 - f),
    1 - g², o (1 - o) to get to z."""
    x, h_prev, c_prev, i, f, g, o, tanh_c = cache
    dh, dc = dstate
    dc = dc + dh * o * (1 - tanh_c**2)
    dz_i, dz_f = dc * g, dc * c_prev
    dz_g, dz_o = dc * i, dh * tanh_c
    dz = np.concatenate([dz_i, dz_f, dz_g, dz_o], axis=1)
    grads = Params(x.T @ dz, h_prev.T @ dz, dz.sum(axis=0))
    return grads, dz @ params.W_xh.T, State(dz @ params.W_hh.T, dc * f)


@STEP_BACKWARD.add
def step_backward_no_slopes_of_the_gates(params, cache, dstate):
    """Only your candidate has its slope. i, f and o went through the sigmoid: times i (1 - i), f (1 - f) and o (1 -
    o)."""
    x, h_prev, c_prev, i, f, g, o, tanh_c = cache
    dh, dc = dstate
    dc = dc + dh * o * (1 - tanh_c**2)
    dz_i, dz_f = dc * g, dc * c_prev
    dz_g, dz_o = dc * i * (1 - g**2), dh * tanh_c
    dz = np.concatenate([dz_i, dz_f, dz_g, dz_o], axis=1)
    grads = Params(x.T @ dz, h_prev.T @ dz, dz.sum(axis=0))
    return grads, dz @ params.W_xh.T, State(dz @ params.W_hh.T, dc * f)


@STEP_BACKWARD.add
def step_backward_no_slope_of_g(params, cache, dstate):
    """Your dz_g lacks the slope of the candidate's tanh: times 1 - g²."""
    x, h_prev, c_prev, i, f, g, o, tanh_c = cache
    dh, dc = dstate
    dc = dc + dh * o * (1 - tanh_c**2)
    dz_i, dz_f = dc * g * i * (1 - i), dc * c_prev * f * (1 - f)
    dz_g, dz_o = dc * i, dh * tanh_c * o * (1 - o)
    dz = np.concatenate([dz_i, dz_f, dz_g, dz_o], axis=1)
    grads = Params(x.T @ dz, h_prev.T @ dz, dz.sum(axis=0))
    return grads, dz @ params.W_xh.T, State(dz @ params.W_hh.T, dc * f)


@STEP_BACKWARD.add
def step_backward_half_of_a_slope(params, cache, dstate):
    """Your slope of a gate is 1 - i: the slope of the sigmoid has two factors, i (1 - i), and likewise for f and o."""
    x, h_prev, c_prev, i, f, g, o, tanh_c = cache
    dh, dc = dstate
    dc = dc + dh * o * (1 - tanh_c**2)
    dz_i, dz_f = dc * g * (1 - i), dc * c_prev * (1 - f)
    dz_g, dz_o = dc * i * (1 - g**2), dh * tanh_c * (1 - o)
    dz = np.concatenate([dz_i, dz_f, dz_g, dz_o], axis=1)
    grads = Params(x.T @ dz, h_prev.T @ dz, dz.sum(axis=0))
    return grads, dz @ params.W_xh.T, State(dz @ params.W_hh.T, dc * f)


@STEP_BACKWARD.add
def step_backward_sigmoid_of_the_gates(params, cache, dstate):
    """You send the cache's gates through the sigmoid again. They are values already: the slope is i (1 - i) with i as
    it stands."""
    x, h_prev, c_prev, i, f, g, o, tanh_c = cache
    dh, dc = dstate
    dc = dc + dh * o * (1 - tanh_c**2)
    dz_i, dz_f = dc * g * sigmoid(i) * (1 - sigmoid(i)), dc * c_prev * sigmoid(f) * (1 - sigmoid(f))
    dz_g, dz_o = dc * i * (1 - np.tanh(g) ** 2), dh * tanh_c * sigmoid(o) * (1 - sigmoid(o))
    dz = np.concatenate([dz_i, dz_f, dz_g, dz_o], axis=1)
    grads = Params(x.T @ dz, h_prev.T @ dz, dz.sum(axis=0))
    return grads, dz @ params.W_xh.T, State(dz @ params.W_hh.T, dc * f)


@STEP_BACKWARD.add
def step_backward_packed_i_f_o_g(params, cache, dstate):
    """You pack the four gradients as i, f, o, g. The columns of the weights are in the order i, f, g, o."""
    x, h_prev, c_prev, i, f, g, o, tanh_c = cache
    dh, dc = dstate
    dc = dc + dh * o * (1 - tanh_c**2)
    dz_i, dz_f = dc * g * i * (1 - i), dc * c_prev * f * (1 - f)
    dz_g, dz_o = dc * i * (1 - g**2), dh * tanh_c * o * (1 - o)
    dz = np.concatenate([dz_i, dz_f, dz_o, dz_g], axis=1)
    grads = Params(x.T @ dz, h_prev.T @ dz, dz.sum(axis=0))
    return grads, dz @ params.W_xh.T, State(dz @ params.W_hh.T, dc * f)


@STEP_BACKWARD.add
def step_backward_packed_f_i_g_o(params, cache, dstate):
    """You pack the four gradients as f, i, g, o. The columns of the weights are in the order i, f, g, o."""
    x, h_prev, c_prev, i, f, g, o, tanh_c = cache
    dh, dc = dstate
    dc = dc + dh * o * (1 - tanh_c**2)
    dz_i, dz_f = dc * g * i * (1 - i), dc * c_prev * f * (1 - f)
    dz_g, dz_o = dc * i * (1 - g**2), dh * tanh_c * o * (1 - o)
    dz = np.concatenate([dz_f, dz_i, dz_g, dz_o], axis=1)
    grads = Params(x.T @ dz, h_prev.T @ dz, dz.sum(axis=0))
    return grads, dz @ params.W_xh.T, State(dz @ params.W_hh.T, dc * f)


@STEP_BACKWARD.add
def step_backward_packed_f_i_o_g(params, cache, dstate):
    """You pack the four gradients as f, i, o, g. The columns of the weights are in the order i, f, g, o."""
    x, h_prev, c_prev, i, f, g, o, tanh_c = cache
    dh, dc = dstate
    dc = dc + dh * o * (1 - tanh_c**2)
    dz_i, dz_f = dc * g * i * (1 - i), dc * c_prev * f * (1 - f)
    dz_g, dz_o = dc * i * (1 - g**2), dh * tanh_c * o * (1 - o)
    dz = np.concatenate([dz_f, dz_i, dz_o, dz_g], axis=1)
    grads = Params(x.T @ dz, h_prev.T @ dz, dz.sum(axis=0))
    return grads, dz @ params.W_xh.T, State(dz @ params.W_hh.T, dc * f)


@STEP_BACKWARD.add
def step_backward_packed_i_g_f_o(params, cache, dstate):
    """You pack the four gradients as i, g, f, o. The columns of the weights are in the order i, f, g, o."""
    x, h_prev, c_prev, i, f, g, o, tanh_c = cache
    dh, dc = dstate
    dc = dc + dh * o * (1 - tanh_c**2)
    dz_i, dz_f = dc * g * i * (1 - i), dc * c_prev * f * (1 - f)
    dz_g, dz_o = dc * i * (1 - g**2), dh * tanh_c * o * (1 - o)
    dz = np.concatenate([dz_i, dz_g, dz_f, dz_o], axis=1)
    grads = Params(x.T @ dz, h_prev.T @ dz, dz.sum(axis=0))
    return grads, dz @ params.W_xh.T, State(dz @ params.W_hh.T, dc * f)


@STEP_BACKWARD.add
def step_backward_packed_on_top_of_one_another(params, cache, dstate):
    """np.concatenate puts the four on top of one another unless told otherwise. They belong side by side, (N, 4H):
    axis=1."""
    x, h_prev, c_prev, i, f, g, o, tanh_c = cache
    dh, dc = dstate
    dc = dc + dh * o * (1 - tanh_c**2)
    dz_i, dz_f = dc * g * i * (1 - i), dc * c_prev * f * (1 - f)
    dz_g, dz_o = dc * i * (1 - g**2), dh * tanh_c * o * (1 - o)
    dz = np.concatenate([dz_i, dz_f, dz_g, dz_o])
    grads = Params(x.T @ dz, h_prev.T @ dz, dz.sum(axis=0))
    return grads, dz @ params.W_xh.T, State(dz @ params.W_hh.T, dc * f)


@STEP_BACKWARD.add
def step_backward_packed_in_a_new_axis(params, cache, dstate):
    """np.stack makes a new axis for the four gates. They belong side by side in the columns, (N, 4H): np.concatenate
    with axis=1."""
    x, h_prev, c_prev, i, f, g, o, tanh_c = cache
    dh, dc = dstate
    dc = dc + dh * o * (1 - tanh_c**2)
    dz_i, dz_f = dc * g * i * (1 - i), dc * c_prev * f * (1 - f)
    dz_g, dz_o = dc * i * (1 - g**2), dh * tanh_c * o * (1 - o)
    dz = np.stack([dz_i, dz_f, dz_g, dz_o], axis=1)
    grads = Params(x.T @ dz, h_prev.T @ dz, dz.sum(axis=0))
    return grads, dz @ params.W_xh.T, State(dz @ params.W_hh.T, dc * f)


@STEP_BACKWARD.add
def step_backward_columns_interleaved(params, cache, dstate):
    """You interleave the four, unit by unit. The columns are block by block, first all of i, then all of f:
    np.concatenate with axis=1."""
    x, h_prev, c_prev, i, f, g, o, tanh_c = cache
    dh, dc = dstate
    dc = dc + dh * o * (1 - tanh_c**2)
    dz_i, dz_f = dc * g * i * (1 - i), dc * c_prev * f * (1 - f)
    dz_g, dz_o = dc * i * (1 - g**2), dh * tanh_c * o * (1 - o)
    dz = np.stack([dz_i, dz_f, dz_g, dz_o], axis=2).reshape(len(x), -1)
    grads = Params(x.T @ dz, h_prev.T @ dz, dz.sum(axis=0))
    return grads, dz @ params.W_xh.T, State(dz @ params.W_hh.T, dc * f)


@STEP_BACKWARD.add
def step_backward_dh_prev_from_g_only(params, cache, dstate):
    """Your dh_prev comes through the candidate only. h_{t-1} entered all four pre-activations, and all four send back:
    dz as a whole."""
    x, h_prev, c_prev, i, f, g, o, tanh_c = cache
    dh, dc = dstate
    dc = dc + dh * o * (1 - tanh_c**2)
    dz_i, dz_f = dc * g * i * (1 - i), dc * c_prev * f * (1 - f)
    dz_g, dz_o = dc * i * (1 - g**2), dh * tanh_c * o * (1 - o)
    dz = np.concatenate([dz_i, dz_f, dz_g, dz_o], axis=1)
    grads = Params(x.T @ dz, h_prev.T @ dz, dz.sum(axis=0))
    return grads, dz @ params.W_xh.T, State(dz_g @ np.split(params.W_hh, 4, axis=1)[2].T, dc * f)


@STEP_BACKWARD.add
def step_backward_dh_prev_without_o(params, cache, dstate):
    """Your dh_prev leaves the output gate out. h_{t-1} entered all four pre-activations, and all four send back: dz as
    a whole."""
    x, h_prev, c_prev, i, f, g, o, tanh_c = cache
    dh, dc = dstate
    dc = dc + dh * o * (1 - tanh_c**2)
    dz_i, dz_f = dc * g * i * (1 - i), dc * c_prev * f * (1 - f)
    dz_g, dz_o = dc * i * (1 - g**2), dh * tanh_c * o * (1 - o)
    dz = np.concatenate([dz_i, dz_f, dz_g, dz_o], axis=1)
    grads = Params(x.T @ dz, h_prev.T @ dz, dz.sum(axis=0))
    return grads, dz @ params.W_xh.T, State(dz[:, : -o.shape[1]] @ params.W_hh[:, : -o.shape[1]].T, dc * f)


@STEP_BACKWARD.add
def step_backward_recurrent_weights_not_transposed(params, cache, dstate):
    """In dh_prev the sum runs over the 4H columns of dz: dz is (N, 4H), W_hh is (H, 4H), so W_hh is transposed."""
    x, h_prev, c_prev, i, f, g, o, tanh_c = cache
    dh, dc = dstate
    dc = dc + dh * o * (1 - tanh_c**2)
    dz_i, dz_f = dc * g * i * (1 - i), dc * c_prev * f * (1 - f)
    dz_g, dz_o = dc * i * (1 - g**2), dh * tanh_c * o * (1 - o)
    dz = np.concatenate([dz_i, dz_f, dz_g, dz_o], axis=1)
    grads = Params(x.T @ dz, h_prev.T @ dz, dz.sum(axis=0))
    return grads, dz @ params.W_xh.T, State(dz @ params.W_hh, dc * f)


@STEP_BACKWARD.add
def step_backward_input_weights_not_transposed(params, cache, dstate):
    """In dx the sum runs over the 4H columns of dz: dz is (N, 4H), W_xh is (D, 4H), so W_xh is transposed."""
    x, h_prev, c_prev, i, f, g, o, tanh_c = cache
    dh, dc = dstate
    dc = dc + dh * o * (1 - tanh_c**2)
    dz_i, dz_f = dc * g * i * (1 - i), dc * c_prev * f * (1 - f)
    dz_g, dz_o = dc * i * (1 - g**2), dh * tanh_c * o * (1 - o)
    dz = np.concatenate([dz_i, dz_f, dz_g, dz_o], axis=1)
    grads = Params(x.T @ dz, h_prev.T @ dz, dz.sum(axis=0))
    return grads, dz @ params.W_xh, State(dz @ params.W_hh.T, dc * f)


@STEP_BACKWARD.add
def step_backward_x_not_transposed(params, cache, dstate):
    """In the gradient of W_xh the sum runs over the batch: x is (N, D), dz is (N, 4H), so x is transposed. Likewise
    h_prev."""
    x, h_prev, c_prev, i, f, g, o, tanh_c = cache
    dh, dc = dstate
    dc = dc + dh * o * (1 - tanh_c**2)
    dz_i, dz_f = dc * g * i * (1 - i), dc * c_prev * f * (1 - f)
    dz_g, dz_o = dc * i * (1 - g**2), dh * tanh_c * o * (1 - o)
    dz = np.concatenate([dz_i, dz_f, dz_g, dz_o], axis=1)
    grads = Params(x @ dz, h_prev @ dz, dz.sum(axis=0))
    return grads, dz @ params.W_xh.T, State(dz @ params.W_hh.T, dc * f)


@STEP_BACKWARD.add
def step_backward_weight_gradients_transposed(params, cache, dstate):
    """Your weight gradients are transposed: a gradient has the shape of its weight, rows for what goes in, 4H
    columns."""
    x, h_prev, c_prev, i, f, g, o, tanh_c = cache
    dh, dc = dstate
    dc = dc + dh * o * (1 - tanh_c**2)
    dz_i, dz_f = dc * g * i * (1 - i), dc * c_prev * f * (1 - f)
    dz_g, dz_o = dc * i * (1 - g**2), dh * tanh_c * o * (1 - o)
    dz = np.concatenate([dz_i, dz_f, dz_g, dz_o], axis=1)
    grads = Params(dz.T @ x, dz.T @ h_prev, dz.sum(axis=0))
    return grads, dz @ params.W_xh.T, State(dz @ params.W_hh.T, dc * f)


@STEP_BACKWARD.add
def step_backward_weight_gradients_exchanged(params, cache, dstate):
    """Your gradients of W_xh and W_hh have changed places: the fields of Params are W_xh, W_hh, b_h, in this order."""
    x, h_prev, c_prev, i, f, g, o, tanh_c = cache
    dh, dc = dstate
    dc = dc + dh * o * (1 - tanh_c**2)
    dz_i, dz_f = dc * g * i * (1 - i), dc * c_prev * f * (1 - f)
    dz_g, dz_o = dc * i * (1 - g**2), dh * tanh_c * o * (1 - o)
    dz = np.concatenate([dz_i, dz_f, dz_g, dz_o], axis=1)
    grads = Params(h_prev.T @ dz, x.T @ dz, dz.sum(axis=0))
    return grads, dz @ params.W_xh.T, State(dz @ params.W_hh.T, dc * f)


@STEP_BACKWARD.add
def step_backward_h_for_h_prev(params, cache, dstate):
    """In your gradient of W_hh stands h_t. W_hh multiplied the state that came in: h_prev."""
    x, _, c_prev, i, f, g, o, tanh_c = cache
    dh, dc = dstate
    dc = dc + dh * o * (1 - tanh_c**2)
    dz_i, dz_f = dc * g * i * (1 - i), dc * c_prev * f * (1 - f)
    dz_g, dz_o = dc * i * (1 - g**2), dh * tanh_c * o * (1 - o)
    dz = np.concatenate([dz_i, dz_f, dz_g, dz_o], axis=1)
    grads = Params(x.T @ dz, (o * tanh_c).T @ dz, dz.sum(axis=0))
    return grads, dz @ params.W_xh.T, State(dz @ params.W_hh.T, dc * f)


@STEP_BACKWARD.add
def step_backward_c_prev_for_h_prev(params, cache, dstate):
    """In your gradient of W_hh stands c_{t-1}. The gates look at h_{t-1}, so W_hh was multiplied by h_prev."""
    x, _, c_prev, i, f, g, o, tanh_c = cache
    dh, dc = dstate
    dc = dc + dh * o * (1 - tanh_c**2)
    dz_i, dz_f = dc * g * i * (1 - i), dc * c_prev * f * (1 - f)
    dz_g, dz_o = dc * i * (1 - g**2), dh * tanh_c * o * (1 - o)
    dz = np.concatenate([dz_i, dz_f, dz_g, dz_o], axis=1)
    grads = Params(x.T @ dz, c_prev.T @ dz, dz.sum(axis=0))
    return grads, dz @ params.W_xh.T, State(dz @ params.W_hh.T, dc * f)


@STEP_BACKWARD.add
def step_backward_bias_not_summed_over_the_batch(params, cache, dstate):
    """Your gradient of b_h still has one row per sequence. The one b_h is added to all N rows of z, so the gradients of
    the rows add up."""
    x, h_prev, c_prev, i, f, g, o, tanh_c = cache
    dh, dc = dstate
    dc = dc + dh * o * (1 - tanh_c**2)
    dz_i, dz_f = dc * g * i * (1 - i), dc * c_prev * f * (1 - f)
    dz_g, dz_o = dc * i * (1 - g**2), dh * tanh_c * o * (1 - o)
    dz = np.concatenate([dz_i, dz_f, dz_g, dz_o], axis=1)
    grads = Params(x.T @ dz, h_prev.T @ dz, dz)
    return grads, dz @ params.W_xh.T, State(dz @ params.W_hh.T, dc * f)


@STEP_BACKWARD.add
def step_backward_bias_summed_over_units(params, cache, dstate):
    """Your gradient of b_h is summed over the columns. Every column has a bias of its own; what they share is the
    batch: axis=0."""
    x, h_prev, c_prev, i, f, g, o, tanh_c = cache
    dh, dc = dstate
    dc = dc + dh * o * (1 - tanh_c**2)
    dz_i, dz_f = dc * g * i * (1 - i), dc * c_prev * f * (1 - f)
    dz_g, dz_o = dc * i * (1 - g**2), dh * tanh_c * o * (1 - o)
    dz = np.concatenate([dz_i, dz_f, dz_g, dz_o], axis=1)
    grads = Params(x.T @ dz, h_prev.T @ dz, dz.sum(axis=1))
    return grads, dz @ params.W_xh.T, State(dz @ params.W_hh.T, dc * f)


@STEP_BACKWARD.add
def step_backward_bias_summed_over_everything(params, cache, dstate):
    """Your gradient of b_h is one number: dz.sum() sums over the columns too. Sum over the batch only, axis=0."""
    x, h_prev, c_prev, i, f, g, o, tanh_c = cache
    dh, dc = dstate
    dc = dc + dh * o * (1 - tanh_c**2)
    dz_i, dz_f = dc * g * i * (1 - i), dc * c_prev * f * (1 - f)
    dz_g, dz_o = dc * i * (1 - g**2), dh * tanh_c * o * (1 - o)
    dz = np.concatenate([dz_i, dz_f, dz_g, dz_o], axis=1)
    grads = Params(x.T @ dz, h_prev.T @ dz, dz.sum())
    return grads, dz @ params.W_xh.T, State(dz @ params.W_hh.T, dc * f)


@STEP_BACKWARD.add
def step_backward_bias_keeps_an_axis(params, cache, dstate):
    """Your gradient of b_h has the right numbers in the wrong shape, (1, 4H): b_h is (4H,), and so is its gradient."""
    x, h_prev, c_prev, i, f, g, o, tanh_c = cache
    dh, dc = dstate
    dc = dc + dh * o * (1 - tanh_c**2)
    dz_i, dz_f = dc * g * i * (1 - i), dc * c_prev * f * (1 - f)
    dz_g, dz_o = dc * i * (1 - g**2), dh * tanh_c * o * (1 - o)
    dz = np.concatenate([dz_i, dz_f, dz_g, dz_o], axis=1)
    grads = Params(x.T @ dz, h_prev.T @ dz, dz.sum(axis=0, keepdims=True))
    return grads, dz @ params.W_xh.T, State(dz @ params.W_hh.T, dc * f)


@STEP_BACKWARD.add
def step_backward_averaged_over_the_batch(params, cache, dstate):
    """You divide the parameters' gradients by N. The average belongs to the loss, and is in dh already."""
    x, h_prev, c_prev, i, f, g, o, tanh_c = cache
    dh, dc = dstate
    dc = dc + dh * o * (1 - tanh_c**2)
    dz_i, dz_f = dc * g * i * (1 - i), dc * c_prev * f * (1 - f)
    dz_g, dz_o = dc * i * (1 - g**2), dh * tanh_c * o * (1 - o)
    dz = np.concatenate([dz_i, dz_f, dz_g, dz_o], axis=1)
    grads = Params(x.T @ dz / len(dz), h_prev.T @ dz / len(dz), dz.mean(axis=0))
    return grads, dz @ params.W_xh.T, State(dz @ params.W_hh.T, dc * f)


@STEP_BACKWARD.add
def step_backward_dh_added_to_dh_prev(params, cache, dstate):
    """You add dh to dh_prev. What reaches h_{t-1} through this step comes by way of the gates only; the loss at t - 1
    is added by the loop, later."""
    x, h_prev, c_prev, i, f, g, o, tanh_c = cache
    dh, dc = dstate
    dc = dc + dh * o * (1 - tanh_c**2)
    dz_i, dz_f = dc * g * i * (1 - i), dc * c_prev * f * (1 - f)
    dz_g, dz_o = dc * i * (1 - g**2), dh * tanh_c * o * (1 - o)
    dz = np.concatenate([dz_i, dz_f, dz_g, dz_o], axis=1)
    grads = Params(x.T @ dz, h_prev.T @ dz, dz.sum(axis=0))
    return grads, dz @ params.W_xh.T, State(dz @ params.W_hh.T + dh, dc * f)


@STEP_BACKWARD.add
def step_backward_dstate_taken_apart_the_other_way_round(params, cache, dstate):
    """Your dh holds dc and your dc holds dh: a State is h first, then c. By name, dstate.h and dstate.c, it cannot go
    wrong."""
    x, h_prev, c_prev, i, f, g, o, tanh_c = cache
    dc, dh = dstate
    dc = dc + dh * o * (1 - tanh_c**2)
    dz_i, dz_f = dc * g * i * (1 - i), dc * c_prev * f * (1 - f)
    dz_g, dz_o = dc * i * (1 - g**2), dh * tanh_c * o * (1 - o)
    dz = np.concatenate([dz_i, dz_f, dz_g, dz_o], axis=1)
    grads = Params(x.T @ dz, h_prev.T @ dz, dz.sum(axis=0))
    return grads, dz @ params.W_xh.T, State(dz @ params.W_hh.T, dc * f)


@STEP_BACKWARD.add
def step_backward_dstate_prev_exchanged(params, cache, dstate):
    """dh_prev and dc_prev have changed places in what you return: State(h, c), what goes through the gates first."""
    x, h_prev, c_prev, i, f, g, o, tanh_c = cache
    dh, dc = dstate
    dc = dc + dh * o * (1 - tanh_c**2)
    dz_i, dz_f = dc * g * i * (1 - i), dc * c_prev * f * (1 - f)
    dz_g, dz_o = dc * i * (1 - g**2), dh * tanh_c * o * (1 - o)
    dz = np.concatenate([dz_i, dz_f, dz_g, dz_o], axis=1)
    grads = Params(x.T @ dz, h_prev.T @ dz, dz.sum(axis=0))
    return grads, dz @ params.W_xh.T, State(dc * f, dz @ params.W_hh.T)


@STEP_BACKWARD.add
def step_backward_dstate_prev_h_alone(params, cache, dstate):
    """You return dh_prev where State(h, c) is asked for: what goes back to c_{t-1} has to be handed on too."""
    x, h_prev, c_prev, i, f, g, o, tanh_c = cache
    dh, dc = dstate
    dc = dc + dh * o * (1 - tanh_c**2)
    dz_i, dz_f = dc * g * i * (1 - i), dc * c_prev * f * (1 - f)
    dz_g, dz_o = dc * i * (1 - g**2), dh * tanh_c * o * (1 - o)
    dz = np.concatenate([dz_i, dz_f, dz_g, dz_o], axis=1)
    grads = Params(x.T @ dz, h_prev.T @ dz, dz.sum(axis=0))
    return grads, dz @ params.W_xh.T, dz @ params.W_hh.T


@STEP_BACKWARD.add
def step_backward_four_results(params, cache, dstate):
    """You return four things. The last two belong together: grads, dx, and State(dh_prev, dc_prev)."""
    x, h_prev, c_prev, i, f, g, o, tanh_c = cache
    dh, dc = dstate
    dc = dc + dh * o * (1 - tanh_c**2)
    dz_i, dz_f = dc * g * i * (1 - i), dc * c_prev * f * (1 - f)
    dz_g, dz_o = dc * i * (1 - g**2), dh * tanh_c * o * (1 - o)
    dz = np.concatenate([dz_i, dz_f, dz_g, dz_o], axis=1)
    grads = Params(x.T @ dz, h_prev.T @ dz, dz.sum(axis=0))
    return grads, dz @ params.W_xh.T, dz @ params.W_hh.T, dc * f


@STEP_BACKWARD.add
def step_backward_dx_and_dstate_prev_exchanged(params, cache, dstate):
    """dx and dstate_prev have changed places: the order is grads, dx, dstate_prev."""
    x, h_prev, c_prev, i, f, g, o, tanh_c = cache
    dh, dc = dstate
    dc = dc + dh * o * (1 - tanh_c**2)
    dz_i, dz_f = dc * g * i * (1 - i), dc * c_prev * f * (1 - f)
    dz_g, dz_o = dc * i * (1 - g**2), dh * tanh_c * o * (1 - o)
    dz = np.concatenate([dz_i, dz_f, dz_g, dz_o], axis=1)
    grads = Params(x.T @ dz, h_prev.T @ dz, dz.sum(axis=0))
    return grads, State(dz @ params.W_hh.T, dc * f), dz @ params.W_xh.T


@STEP_BACKWARD.add
def step_backward_i_and_f_exchanged_in_the_cache(params, cache, dstate):
    """You take i and f from the cache in the wrong order: its fields are x, h_prev, c_prev, i, f, g, o, tanh_c."""
    x, h_prev, c_prev, f, i, g, o, tanh_c = cache
    dh, dc = dstate
    dc = dc + dh * o * (1 - tanh_c**2)
    dz_i, dz_f = dc * g * i * (1 - i), dc * c_prev * f * (1 - f)
    dz_g, dz_o = dc * i * (1 - g**2), dh * tanh_c * o * (1 - o)
    dz = np.concatenate([dz_i, dz_f, dz_g, dz_o], axis=1)
    grads = Params(x.T @ dz, h_prev.T @ dz, dz.sum(axis=0))
    return grads, dz @ params.W_xh.T, State(dz @ params.W_hh.T, dc * f)


@STEP_BACKWARD.add
def step_backward_g_and_o_exchanged_in_the_cache(params, cache, dstate):
    """You take g and o from the cache in the wrong order: its fields are x, h_prev, c_prev, i, f, g, o, tanh_c."""
    x, h_prev, c_prev, i, f, o, g, tanh_c = cache
    dh, dc = dstate
    dc = dc + dh * o * (1 - tanh_c**2)
    dz_i, dz_f = dc * g * i * (1 - i), dc * c_prev * f * (1 - f)
    dz_g, dz_o = dc * i * (1 - g**2), dh * tanh_c * o * (1 - o)
    dz = np.concatenate([dz_i, dz_f, dz_g, dz_o], axis=1)
    grads = Params(x.T @ dz, h_prev.T @ dz, dz.sum(axis=0))
    return grads, dz @ params.W_xh.T, State(dz @ params.W_hh.T, dc * f)


@STEP_BACKWARD.add
def step_backward_h_and_c_exchanged_in_the_cache(params, cache, dstate):
    """You take h_prev and c_prev from the cache in the wrong order: its fields are x, h_prev, c_prev, i, f, g, o,
    tanh_c."""
    x, c_prev, h_prev, i, f, g, o, tanh_c = cache
    dh, dc = dstate
    dc = dc + dh * o * (1 - tanh_c**2)
    dz_i, dz_f = dc * g * i * (1 - i), dc * c_prev * f * (1 - f)
    dz_g, dz_o = dc * i * (1 - g**2), dh * tanh_c * o * (1 - o)
    dz = np.concatenate([dz_i, dz_f, dz_g, dz_o], axis=1)
    grads = Params(x.T @ dz, h_prev.T @ dz, dz.sum(axis=0))
    return grads, dz @ params.W_xh.T, State(dz @ params.W_hh.T, dc * f)


@STEP_BACKWARD.add
def step_backward_clips_inside(params, cache, dstate):
    """You clip inside the gradient, so for a large dh it is no longer the gradient of anything. Clipping belongs
    between the gradient and the update."""
    x, h_prev, c_prev, i, f, g, o, tanh_c = cache
    dh, dc = dstate
    dc = dc + dh * o * (1 - tanh_c**2)
    dz_i, dz_f = dc * g * i * (1 - i), dc * c_prev * f * (1 - f)
    dz_g, dz_o = dc * i * (1 - g**2), dh * tanh_c * o * (1 - o)
    dz = np.concatenate([dz_i, dz_f, dz_g, dz_o], axis=1).clip(-5, 5)
    grads = Params(x.T @ dz, h_prev.T @ dz, dz.sum(axis=0))
    return grads, dz @ params.W_xh.T, State(dz @ params.W_hh.T, dc * f)


@STEP_BACKWARD.add
def step_backward_mutates_input(params, cache, dstate):
    """The values are right, but dc += writes into dstate.c, which belongs to whoever called you: dc = dc + ... makes a
    new array."""
    x, h_prev, c_prev, i, f, g, o, tanh_c = cache
    dh, dc = dstate
    dc += dh * o * (1 - tanh_c**2)
    dz_i, dz_f = dc * g * i * (1 - i), dc * c_prev * f * (1 - f)
    dz_g, dz_o = dc * i * (1 - g**2), dh * tanh_c * o * (1 - o)
    dz = np.concatenate([dz_i, dz_f, dz_g, dz_o], axis=1)
    grads = Params(x.T @ dz, h_prev.T @ dz, dz.sum(axis=0))
    return grads, dz @ params.W_xh.T, State(dz @ params.W_hh.T, dc * f)


@STEP_BACKWARD.add
def step_backward_dc_scaled_in_place(params, cache, dstate):
    """dc *= f writes into dstate.c, which belongs to whoever called you: dc * f makes a new array. And with it the road
    through h_t has been left out of dc."""
    x, h_prev, c_prev, i, f, g, o, tanh_c = cache
    dh, dc = dstate
    dz_i, dz_f = dc * g * i * (1 - i), dc * c_prev * f * (1 - f)
    dz_g, dz_o = dc * i * (1 - g**2), dh * tanh_c * o * (1 - o)
    dz = np.concatenate([dz_i, dz_f, dz_g, dz_o], axis=1)
    grads = Params(x.T @ dz, h_prev.T @ dz, dz.sum(axis=0))
    dc *= f
    return grads, dz @ params.W_xh.T, State(dz @ params.W_hh.T, dc)


@STEP_BACKWARD.add
def step_backward_bare_c(params, cache, dstate):
    """The cache has no c: c_t is seen only through tanh_c, which it has, and c_{t-1} is c_prev. Which of the two do you
    need?"""
    x, h_prev, c_prev, i, f, g, o, tanh_c = cache
    dh, dc = dstate
    dc = dc + dh * o * (1 - np.tanh(c) ** 2)  # type: ignore[name-defined]  # noqa: F821
    dz_i, dz_f = dc * g * i * (1 - i), dc * c_prev * f * (1 - f)
    dz_g, dz_o = dc * i * (1 - g**2), dh * tanh_c * o * (1 - o)
    dz = np.concatenate([dz_i, dz_f, dz_g, dz_o], axis=1)
    grads = Params(x.T @ dz, h_prev.T @ dz, dz.sum(axis=0))
    return grads, dz @ params.W_xh.T, State(dz @ params.W_hh.T, dc * f)


@STEP_BACKWARD.add
def step_backward_cache_c(params, cache, dstate):
    """The cache has no field c: c_t is needed only as tanh_c, which it has, and c_{t-1} is c_prev."""
    x, h_prev, c_prev, i, f, g, o, tanh_c = cache
    dh, dc = dstate
    dc = dc + dh * o * (1 - np.tanh(cache.c) ** 2)
    dz_i, dz_f = dc * g * i * (1 - i), dc * c_prev * f * (1 - f)
    dz_g, dz_o = dc * i * (1 - g**2), dh * tanh_c * o * (1 - o)
    dz = np.concatenate([dz_i, dz_f, dz_g, dz_o], axis=1)
    grads = Params(x.T @ dz, h_prev.T @ dz, dz.sum(axis=0))
    return grads, dz @ params.W_xh.T, State(dz @ params.W_hh.T, dc * f)


@STEP_BACKWARD.add
def step_backward_matrix_products_for_gates(params, cache, dstate):
    """Look at the @ in the line below: the gates multiply entry by entry, so on the way back the star stands there too.
    @ is for weights only."""
    x, h_prev, c_prev, i, f, g, o, tanh_c = cache
    dh, dc = dstate
    dc = dc + dh @ o * (1 - tanh_c**2)
    dz_i, dz_f = dc * g * i * (1 - i), dc * c_prev * f * (1 - f)
    dz_g, dz_o = dc * i * (1 - g**2), dh * tanh_c * o * (1 - o)
    dz = np.concatenate([dz_i, dz_f, dz_g, dz_o], axis=1)
    grads = Params(x.T @ dz, h_prev.T @ dz, dz.sum(axis=0))
    return grads, dz @ params.W_xh.T, State(dz @ params.W_hh.T, dc * f)


def _step_backward_case(seed: int, N: int, D: int, H: int, scale: float = 0.9, decimals: int = 2) -> Case:
    rng = np.random.default_rng(seed)
    params = draw_lstm(rng, D, H, decimals=decimals)
    _, cache = lstm.step(params, draw(rng, N, D, decimals=decimals), draw_state(rng, N, H, decimals=decimals))
    dstate = draw_state(rng, N, H, scale=scale, decimals=decimals)
    return Case(sizes(N=N, D=D, H=H), {"params": params, "cache": cache, "dstate": dstate})


def step_backward_cases() -> tuple[Case, ...]:
    """Different sizes, a single sequence, a gradient that is large; dh and dc are never zero."""
    return (
        _step_backward_case(6222, N=2, D=1, H=2, decimals=1),
        _step_backward_case(6310, N=4, D=3, H=5),
        _step_backward_case(6419, N=1, D=4, H=2),
        _step_backward_case(6510, N=3, D=5, H=4, scale=90.0),
    )


def step_backward_lesson_case() -> Case:
    """One step back of a batch as large as the lessons train on."""
    return _step_backward_case(625, N=100, D=2, H=64)


LESSON = "06_the_lstm"

EXERCISES = (
    Exercise(
        name="lstm.step",
        lesson=LESSON,
        minutes=12,
        solution=lstm.step,
        returns=("state", "cache"),
        stub='''def my_lstm_step(params, x, state):
    """i, f, g, o = σ, σ, tanh, σ of the four blocks of x W_xh + h_{t-1} W_hh + b_h; c_t = f ⊙ c_{t-1} + i ⊙ g,
    h_t = o ⊙ tanh c_t. Return State(h, c) and Cache(x, h_prev, c_prev, i, f, g, o, tanh_c)."""
    ...
''',
        hints=(
            "One sum of products gives the pre-activations of all four at once. Three become gates, numbers between "
            "0 and 1; one becomes the candidate. The content c is kept in part and added to; h shows a part of it.",
            "x is (N, D), W_xh (D, 4H), h_prev (N, H), W_hh (H, 4H), b_h (4H,): z is (N, 4H). np.split(z, 4, axis=1) "
            "cuts it into four arrays (N, H), in the order i, f, g, o. From there on every product is the star. "
            "state has the fields h and c.",
            "Take h_prev and c_prev from the state, make z, split it, and send the third block through np.tanh and the "
            "others through sigmoid. The new content is f times the old one plus i times g; give np.tanh of it a name, "
            "since h is o times that and the cache keeps it.",
        ),
        make_cases=step_cases,
        make_lesson_case=step_lesson_case,
        misconceptions=STEP.catalogue,
    ),
    Exercise(
        name="lstm.init",
        lesson=LESSON,
        minutes=5,
        solution=lstm.init,
        returns=("params",),
        stub='''def my_lstm_init(rng, D, H, forget_bias=1.0):
    """Draw W_xh (D, 4H) and then W_hh (H, 4H) with rng.uniform, between -1/√H and 1/√H. b_h (4H,) is zero, but for the
    forget gate's block, which is forget_bias. Return Params(W_xh, W_hh, b_h)."""
    ...
''',
        hints=(
            "Three arrays: two are drawn, one is written down. Only the gate that says what stays starts open; "
            "which of the four blocks is it?",
            "W_xh is (D, 4H), W_hh (H, 4H), b_h (4H,), and the blocks are i, f, g, o with H columns each, so that f "
            "has those from H to 2H. rng.uniform takes a lower bound, an upper bound and a shape, which is a pair.",
            "The bound is 1 / np.sqrt(H). Draw with rng.uniform(-bound, bound, (rows, 4 * H)), twice, W_xh first. "
            "Start b_h from np.zeros and set the slice b_h[H : 2 * H].",
        ),
        make_cases=init_cases,
        make_lesson_case=init_lesson_case,
        misconceptions=INIT.catalogue,
    ),
    Exercise(
        name="lstm.memory_half_life",
        lesson=LESSON,
        minutes=5,
        solution=lstm.memory_half_life,
        returns=("steps",),
        stub='''def my_lstm_memory_half_life(b):
    """Solve fⁿ = ½ for n, where f = σ(b) at every step. b is a number or an array of any shape. For b = -800 σ(b) is 0
    in floating point, so do not take its logarithm: -ln σ(b) = ln(1 + e^-b), which is np.logaddexp's to compute."""
    ...
''',
        hints=(
            "Each step multiplies the content by f. The number of steps stands in an exponent: "
            "logarithms bring it down.",
            "n ln f = ln ½, so n = ln 2 / -ln f, for every entry of b by itself: the result has the shape of b. "
            "-ln σ(b) is ln(1 + e^-b), and 1 is e⁰.",
            "np.logaddexp(p, q) is ln(e^p + e^q) without ever making e^p: with p = 0 and q = -b it is what np.log(2) "
            "is divided by.",
        ),
        make_cases=memory_half_life_cases,
        make_lesson_case=memory_half_life_lesson_case,
        misconceptions=HALF_LIFE.catalogue,
    ),
    Exercise(
        name="lstm.step_backward",
        lesson="07_bptt_through_the_lstm",
        minutes=20,
        solution=lstm.step_backward,
        returns=("grads", "dx", "dstate_prev"),
        stub='''def my_lstm_step_backward(params, cache, dstate):
    """dstate is State(h, c): the total dL/dh_t, and what reaches c_t from step t + 1, not through h_t. cache has the
    fields x, h_prev, c_prev, i, f, g, o, tanh_c. Return grads (Params), dx and State(dh_prev, dc_prev)."""
    ...
''',
        hints=(
            "Two roads lead into c_t: from c_{t+1}, and from h_t = o ⊙ tanh c_t. Add them first. Then every product "
            "hands each factor the gradient times the other factor, and every gate its own slope. o is no "
            "part of c_t: its gradient is made from dh alone.",
            "dc, and dz of each gate, are (N, H); side by side, in the order i, f, g, o, they make dz (N, 4H), and "
            "from there on all is as in the plain cell: W_xh (D, 4H), W_hh (H, 4H), b_h (4H,), dx (N, D), "
            "dh_prev (N, H). dc_prev (N, H) is one product more.",
            "What comes through h_t is dh times o times 1 - tanh_c**2. Then dz_i is dc times g, dz_f is dc times "
            "c_prev, each times a slope like i * (1 - i); dz_g is dc times i times 1 - g**2; dz_o is dh times "
            "tanh_c times its slope. c_{t-1} gets dc times f.",
        ),
        make_cases=step_backward_cases,
        make_lesson_case=step_backward_lesson_case,
        misconceptions=STEP_BACKWARD.catalogue,
    ),
)
