"""Exercises on optimisers: one step of plain gradient descent (lesson 02), clipping (lesson 03), Adam (lesson 08)."""

from __future__ import annotations

from typing import Any

import numpy as np

from bptt_lessons.cells.rnn import Params
from bptt_lessons.course.catalogue.draws import draw, draw_readout, draw_rnn, sizes
from bptt_lessons.course.exercises import Case, Exercise
from bptt_lessons.nested import map_arrays
from bptt_lessons.training import optim
from bptt_lessons.training.loop import Model
from bptt_lessons.training.optim import AdamState


def _params_case(seed: int, D: int, H: int, lr: float, decimals: int = 2) -> Case:
    rng = np.random.default_rng(seed)
    params, grads = draw_rnn(rng, D, H, decimals=decimals), draw_rnn(rng, D, H, scale=8.0, decimals=decimals)
    return Case(f"Params, {sizes(D=D, H=H)}, lr = {lr:g}", {"params": params, "grads": grads, "lr": lr})


def _model_case(seed: int, D: int, H: int, K: int, lr: float) -> Case:
    rng = np.random.default_rng(seed)
    params, grads = (Model(draw_rnn(rng, D, H), draw_readout(rng, H, K)) for _ in range(2))
    return Case(f"Model, {sizes(D=D, H=H, K=K)}, lr = {lr:g}", {"params": params, "grads": grads, "lr": lr})


def sgd_cases() -> tuple[Case, ...]:
    """The cell alone, with gradients beyond ±5, and a whole model, nested."""
    return (
        _params_case(81, D=2, H=3, lr=0.2, decimals=1),
        _params_case(82, D=4, H=5, lr=0.5),
        _model_case(83, D=1, H=3, K=2, lr=0.25),
    )


def sgd_lesson_case() -> Case:
    """The sunspot net."""
    return _model_case(84, D=1, H=16, K=1, lr=0.1)


def _clip_params_case(seed: int, D: int, H: int, max_norm: float, scale: float = 3.0, decimals: int = 2) -> Case:
    grads = draw_rnn(np.random.default_rng(seed), D, H, scale=scale, decimals=decimals)
    return Case(f"Params, {sizes(D=D, H=H)}, max_norm = {max_norm:g}", {"grads": grads, "max_norm": max_norm})


def _clip_model_case(seed: int, D: int, H: int, K: int, max_norm: float) -> Case:
    rng = np.random.default_rng(seed)
    grads = Model(draw_rnn(rng, D, H, scale=2.0), draw_readout(rng, H, K))
    return Case(f"Model, {sizes(D=D, H=H, K=K)}, max_norm = {max_norm:g}", {"grads": grads, "max_norm": max_norm})


def clip_by_global_norm_cases() -> tuple[Case, ...]:
    """Too long, short enough, nested, nested with each array short enough alone, of norm 1 exactly, and zeros.

    Norm 1 shows who compares with 1 in place of `max_norm`. A shorter gradient would, too, but whoever adds 1e-6 to the
    norm, as PyTorch does, is right, and there that would be seen.
    """
    one = Params(
        np.array([[0.75, 0.0], [-0.5, 0.0], [0.0, 0.25]]), np.array([[0.0, -0.25], [0.0, 0.0]]), np.array([0.25, 0.0])
    )
    zeros = {"grads": Params(np.zeros((3, 2)), np.zeros((2, 2)), np.zeros(2)), "max_norm": 0.5}
    return (
        _clip_params_case(85, D=2, H=3, max_norm=2.0, decimals=1),
        _clip_params_case(86, D=4, H=5, max_norm=6.0, scale=0.9),
        _clip_model_case(87, D=1, H=3, K=2, max_norm=0.5),
        _clip_model_case(88, D=2, H=4, K=3, max_norm=6.0),
        Case("Params, D = 3, H = 2, norm 1, max_norm = 0.2", {"grads": one, "max_norm": 0.2}),
        Case("Params, D = 3, H = 2, zeros", zeros),
    )


def clip_by_global_norm_lesson_case() -> Case:
    """The net of the temporal-order task."""
    return _clip_model_case(89, D=6, H=50, K=4, max_norm=1.0)


def _adam_state(rng: np.random.Generator, like: Any, updates: int, decimals: int) -> AdamState:
    mean = map_arrays(lambda p: draw(rng, *p.shape, decimals=decimals), like)
    square = map_arrays(lambda p: np.abs(draw(rng, *p.shape, decimals=decimals)) + 0.1, like)
    return AdamState(updates, mean, square) if updates else optim.adam_start(like)


def _adam_case(
    seed: int, updates: int, D: int, H: int, K: int = 0, zeros: bool = False, decimals: int = 2, **numbers: float
) -> Case:
    rng = np.random.default_rng(seed)
    params, grads = (
        Model(draw_rnn(rng, D, H, decimals=decimals), draw_readout(rng, H, K, decimals=decimals))
        if K
        else draw_rnn(rng, D, H, decimals=decimals)
        for _ in range(2)
    )
    if zeros and isinstance(grads, Params):
        grads = grads._replace(W_xh=np.zeros((D, H)))
    state = _adam_state(rng, params, updates, decimals)
    given = {"lr": 0.1, "decay_mean": 0.9, "decay_square": 0.99, "eps": 0.01, **numbers}
    label = f"{'Model' if K else 'Params'}, {sizes(D=D, H=H, **({'K': K} if K else {}))}, {updates} updates before"
    return Case(label, {"params": params, "grads": grads, "state": state, **given})


def adam_cases() -> tuple[Case, ...]:
    """A first update; later ones, of a whole model too; and a first one in which some gradients are zero."""
    return (
        _adam_case(830, 0, D=1, H=2, decimals=1),
        _adam_case(831, 3, D=2, H=3, lr=0.05, decay_mean=0.8),
        _adam_case(832, 7, D=4, H=3, K=2, decay_square=0.95, eps=0.001),
        _adam_case(833, 0, D=3, H=2, zeros=True, lr=0.02, eps=1e-6),
    )


def adam_lesson_case() -> Case:
    """The lesson's tanh net."""
    return _adam_case(834, 3, D=2, H=100, K=1, lr=0.001, decay_square=0.999, eps=1e-8)


EXERCISES = (
    Exercise(
        name="optim.sgd",
        lesson="02_backpropagation_through_time",
        minutes=6,
        solution=optim.sgd,
        returns=("params",),
        stub='''def my_optim_sgd(params, grads, lr):
    """p - lr · dp for every array. params and grads are NamedTuples of arrays, nested or not; return a new one."""
    ...
''',
        hints=(
            "Every parameter takes a small step against its own gradient. Nothing that you were given changes: "
            "the result is new.",
            "params may be rnn.Params, or a Model that holds a Params and a Readout. "
            "map_arrays(function, params, grads) calls function(p, dp) for each pair of arrays "
            "and builds a result of the same type.",
            "Give map_arrays a function (a lambda is short) that takes p and dp, "
            "and returns p minus lr times dp; then params and grads.",
        ),
        make_cases=sgd_cases,
        make_lesson_case=sgd_lesson_case,
    ),
    Exercise(
        name="optim.clip_by_global_norm",
        lesson="03_gradient_flow",
        minutes=8,
        solution=optim.clip_by_global_norm,
        returns=("grads",),
        stub='''def my_optim_clip_by_global_norm(grads, max_norm):
    """If the norm over all entries of all arrays is above max_norm, scale grads (a NamedTuple of arrays, nested or
    not) down to it; otherwise leave it. Return the same type, and write into nothing."""
    ...
''',
        hints=(
            "Think of all the arrays as one long vector. If it is too long, one factor shortens it, the same for every "
            "entry; if it is not, nothing happens to it.",
            "for name, dp in named_arrays(grads) goes through all arrays, however deeply they are nested; their "
            "squares add up to one number, and its root is the norm. map_arrays(function, grads) calls "
            "function(dp) for each array and builds a result of the same type.",
            "The factor is max_norm / norm where norm > max_norm, and 1 otherwise. Do not divide before you have "
            "looked: the norm may be 0. Give map_arrays a lambda that multiplies dp by the factor.",
        ),
        make_cases=clip_by_global_norm_cases,
        make_lesson_case=clip_by_global_norm_lesson_case,
    ),
    Exercise(
        name="optim.adam",
        lesson="08_long_range_tasks",
        minutes=10,
        solution=optim.adam,
        returns=("params", "state"),
        stub='''def my_optim_adam(
    params, grads, state, lr=1e-3, decay_mean=0.9, decay_square=0.999, eps=1e-8
):
    """state is AdamState(updates, mean, square): updates made before this one, and running averages of the gradient and
    of its square, built like params (NamedTuples of arrays, nested or not). Return the new params and the new state."""
    ...
''',
        hints=(
            "First bring both averages up to date with this gradient; then correct them, for they started at zero; "
            "then step along the mean, divided by the root of the square. The new state is not corrected.",
            "map_arrays(function, a, b) calls function for each pair of arrays and builds a result like a. An average "
            "is decay times the old plus 1 - decay times the new. The correction divides it by 1 - decay ** updates, "
            "where updates is 1 at the first update.",
            "Give map_arrays a lambda of p, m and v for the step: lr times m / (1 - decay_mean ** updates), over "
            "np.sqrt(v / (1 - decay_square ** updates)) plus eps. Return the moved params, and "
            "AdamState(updates, mean, square).",
        ),
        make_cases=adam_cases,
        make_lesson_case=adam_lesson_case,
    ),
)
