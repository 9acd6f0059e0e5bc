"""Exercises on optimisers: one step of plain gradient descent (lesson 02)."""
# mypy: allow-untyped-defs, allow-untyped-calls
# (the wrong answers are written as learners write, without annotations)

from __future__ import annotations

import numpy as np

from bptt_lessons.cells.rnn import Params
from bptt_lessons.course.catalogue.draws import draw_readout, draw_rnn, sizes
from bptt_lessons.course.catalogue.mistakes import Mistakes
from bptt_lessons.course.exercises import Case, Exercise
from bptt_lessons.nested import map_arrays, named_arrays
from bptt_lessons.training import optim
from bptt_lessons.training.loop import Model

SGD = Mistakes("sgd")


@SGD.add
def sgd_plus_sign(params, grads, lr):
    """You walk up the gradient, where the loss grows fastest: to make it smaller, go the other way."""
    return map_arrays(lambda p, dp: p + lr * dp, params, grads)


@SGD.add
def sgd_no_lr(params, grads, lr):
    """You take the whole gradient as the step: lr says how large a part of it to go."""
    return map_arrays(lambda p, dp: p - dp, params, grads)


@SGD.add
def sgd_lr_twice(params, grads, lr):
    """You multiply by lr twice: once is enough."""
    return map_arrays(lambda p, dp: p - lr * lr * dp, params, grads)


@SGD.add
def sgd_divided_by_lr(params, grads, lr):
    """You divide by lr, so a smaller learning rate makes a larger step: multiply."""
    return map_arrays(lambda p, dp: p - dp / lr, params, grads)


@SGD.add
def sgd_lr_outside_the_brackets(params, grads, lr):
    """Your lr multiplies the parameters as well, so they shrink even where the gradient is zero: it belongs to dp
    only."""
    return map_arrays(lambda p, dp: lr * (p - dp), params, grads)


@SGD.add
def sgd_divided_by_rows(params, grads, lr):
    """You divide the gradient by the number of its rows, as if it were a batch. The rows of a weight matrix are units;
    the average over the batch is in the loss already."""
    return map_arrays(lambda p, dp: p - lr * dp / len(dp), params, grads)


@SGD.add
def sgd_step_returned(params, grads, lr):
    """You return the step, -lr · dp, without the parameters that it starts from."""
    return map_arrays(lambda p, dp: -lr * dp, params, grads)


@SGD.add
def sgd_grads_returned(params, grads, lr):
    """You return the gradient, not the new parameters."""
    return grads


@SGD.add
def sgd_nothing_changes(params, grads, lr):
    """Your parameters come back unchanged. If you wrote a loop, p = p - ... only gives the name p to a new array;
    the NamedTuple still holds the old one. Build a new NamedTuple, with map_arrays."""
    for (_, p), (_, dp) in zip(named_arrays(params), named_arrays(grads), strict=True):
        p = p - lr * dp
    return params


@SGD.add
def sgd_one_level_only(params, grads, lr):
    """Your update works for Params and stumbles over a Model, whose two fields are NamedTuples themselves.
    map_arrays(function, params, grads) goes down to the arrays and builds the result of the same type."""
    return type(params)(*(p - lr * dp for p, dp in zip(params, grads, strict=True)))


@SGD.add
def sgd_minus_between_tuples(params, grads, lr):
    """params and grads are NamedTuples, and tuples do not multiply or subtract as arrays do:
    apply the update to each array, with map_arrays."""
    return params - lr * grads


@SGD.add
def sgd_biases_forgotten(params, grads, lr):
    """Your weights move and your biases stay: every array in params has a gradient and gets its update."""
    return map_arrays(lambda p, dp: p - lr * dp if p.ndim == 2 else p, params, grads)


@SGD.add
def sgd_first_array_only(params, grads, lr):
    """Only the first array moves: every array in params has a gradient and gets its update."""
    _, first = next(named_arrays(params))
    return map_arrays(lambda p, dp: p - lr * dp if p is first else p, params, grads)


@SGD.add
def sgd_sign_of_the_gradient(params, grads, lr):
    """You keep only the sign of the gradient, so all entries move by the same amount:
    here the step is proportional to the gradient."""
    return map_arrays(lambda p, dp: p - lr * np.sign(dp), params, grads)


@SGD.add
def sgd_clips_inside(params, grads, lr):
    """You clip the gradient before the step. Plain gradient descent takes it as it is; clipping is a function of its
    own, and a lesson of its own."""
    return map_arrays(lambda p, dp: p - lr * np.clip(dp, -1, 1), params, grads)


@SGD.add
def sgd_mutates_input(params, grads, lr):
    """The values are right, but -= writes into the parameters that you were given, so there is nothing left to
    compare with or to go back to: make new arrays."""
    for (_, p), (_, dp) in zip(named_arrays(params), named_arrays(grads), strict=True):
        p -= lr * dp
    return params


@SGD.add
def sgd_mutates_in_a_loop(params, grads, lr):
    """-= writes into the arrays that you were given, so nothing is left to go back to. And your loop goes one
    level deep, while the fields of a Model are NamedTuples themselves. map_arrays does neither."""
    for p, dp in zip(params, grads, strict=True):
        p -= lr * dp
    return params


@SGD.add
def sgd_items_assigned(params, grads, lr):
    """An item of a tuple cannot be given a new value, and NamedTuples are tuples: they do not change.
    map_arrays(function, params, grads) builds a new one."""
    for i in range(len(params)):
        params[i] -= lr * grads[i]
    return params


@SGD.add
def sgd_params_and_grads_exchanged(params, grads, lr):
    """params and grads have changed places: you subtract lr times the parameters from the gradient. map_arrays hands p
    and dp to your function in the order in which you name params and grads."""
    return map_arrays(lambda p, dp: p - lr * dp, grads, params)


@SGD.add
def sgd_fields_assigned(params, grads, lr):
    """A field of a NamedTuple cannot be given a new value: NamedTuples do not change.
    map_arrays(function, params, grads) builds a new one."""
    params.W_xh = params.W_xh - lr * grads.W_xh
    params.W_hh = params.W_hh - lr * grads.W_hh
    params.b_h = params.b_h - lr * grads.b_h
    return params


@SGD.add
def sgd_fields_of_the_cell_by_name(params, grads, lr):
    """Your update knows the names of the cell's arrays, and so works for Params only; a Model holds other fields.
    map_arrays(function, params, grads) needs no names."""
    return Params(
        params.W_xh - lr * grads.W_xh,
        params.W_hh - lr * grads.W_hh,
        params.b_h - lr * grads.b_h,
    )


@SGD.add
def sgd_list_of_arrays(params, grads, lr):
    """You return a list of arrays, in which the names and the nesting are lost:
    map_arrays builds a NamedTuple of the same type."""
    return [p - lr * dp for (_, p), (_, dp) in zip(named_arrays(params), named_arrays(grads), strict=True)]


def _params_case(seed: int, D: int, H: int, lr: float, decimals: int = 2) -> Case:
    rng = np.random.default_rng(seed)
    params, grads = draw_rnn(rng, D, H, decimals=decimals), draw_rnn(rng, D, H, scale=3.0, decimals=decimals)
    return Case(f"Params, {sizes(D=D, H=H)}, lr = {lr:g}", {"params": params, "grads": grads, "lr": lr})


def _model_case(seed: int, D: int, H: int, K: int, lr: float) -> Case:
    rng = np.random.default_rng(seed)
    params, grads = (Model(draw_rnn(rng, D, H), draw_readout(rng, H, K)) for _ in range(2))
    return Case(f"Model, {sizes(D=D, H=H, K=K)}, lr = {lr:g}", {"params": params, "grads": grads, "lr": lr})


def sgd_cases() -> tuple[Case, ...]:
    """The cell alone, and a whole model, nested."""
    return (
        _params_case(81, D=2, H=3, lr=0.1, decimals=1),
        _params_case(82, D=4, H=5, lr=0.5),
        _model_case(83, D=1, H=3, K=2, lr=0.25),
    )


def sgd_lesson_case() -> Case:
    """The sunspot net."""
    return _model_case(84, D=1, H=16, K=1, lr=0.1)


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
        misconceptions=SGD.catalogue,
    ),
)
