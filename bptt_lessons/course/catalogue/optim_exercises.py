"""Exercises on optimisers: one step of plain gradient descent (lesson 02), clipping (lesson 03), Adam (lesson 08)."""
# mypy: allow-untyped-defs, allow-untyped-calls
# (the wrong answers are written as learners write, without annotations)

from __future__ import annotations

from typing import Any

import numpy as np

from bptt_lessons.cells.rnn import Params
from bptt_lessons.course.catalogue.draws import draw, draw_readout, draw_rnn, sizes
from bptt_lessons.course.catalogue.mistakes import Mistakes
from bptt_lessons.course.exercises import Case, Exercise
from bptt_lessons.nested import map_arrays, named_arrays, zeros_like
from bptt_lessons.training import optim
from bptt_lessons.training.loop import Model
from bptt_lessons.training.optim import AdamState

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


CLIP = Mistakes("clip")


@CLIP.add
def clip_each_array_on_its_own(grads, max_norm):
    """You clip each array by its own norm, so they shrink by different factors and the direction turns. One norm over
    all arrays, and one factor for all."""
    return map_arrays(lambda dp: dp * min(1, max_norm / max(np.linalg.norm(dp), 1e-300)), grads)


@CLIP.add
def clip_each_entry(grads, max_norm):
    """You clip each entry to ± max_norm, which turns the gradient towards the diagonals. Multiply all entries by one
    factor, max_norm over the global norm: the direction stays."""
    return map_arrays(lambda dp: np.clip(dp, -max_norm, max_norm), grads)


@CLIP.add
def clip_each_row_on_its_own(grads, max_norm):
    """You clip each row by its own norm, so the direction turns. One norm over all entries of all arrays, and one
    factor for all of them."""
    return map_arrays(lambda dp: dp * np.minimum(1, max_norm / np.linalg.norm(dp, axis=-1, keepdims=True)), grads)


@CLIP.add
def clip_raises_small_gradients(grads, max_norm):
    """You scale every gradient to max_norm, so small ones grow: near a minimum the steps would never shorten, and a
    zero gradient has no direction at all. Clip only where the norm is above max_norm."""
    norm = np.sqrt(sum(np.sum(dp**2) for _, dp in named_arrays(grads)))
    return map_arrays(lambda dp: dp * max_norm / norm, grads)


@CLIP.add
def clip_condition_turned_round(grads, max_norm):
    """Gradients that are too long stay as they are, and short ones are raised: your condition is turned round, or you
    take the larger of 1 and max_norm / norm. The factor is the smaller of the two."""
    norm = np.sqrt(sum(np.sum(dp**2) for _, dp in named_arrays(grads)))
    return map_arrays(lambda dp: dp * max_norm / norm if norm < max_norm else dp, grads)


@CLIP.add
def clip_scale_inverted(grads, max_norm):
    """Your factor is upside down: what is too long comes out longer still. Multiply by max_norm / norm, which is
    below 1 there; do not divide by it."""
    norm = np.sqrt(sum(np.sum(dp**2) for _, dp in named_arrays(grads)))
    return map_arrays(lambda dp: dp * norm / max_norm if norm > max_norm else dp, grads)


@CLIP.add
def clip_divided_by_the_norm(grads, max_norm):
    """You divide what is too long by its norm, so it comes out with the length 1, whatever max_norm is: multiply by
    max_norm as well."""
    norm = np.sqrt(sum(np.sum(dp**2) for _, dp in named_arrays(grads)))
    return map_arrays(lambda dp: dp / norm if norm > max_norm else dp, grads)


@CLIP.add
def clip_times_max_norm(grads, max_norm):
    """You multiply what is too long by max_norm alone: divide by the norm as well, and its length becomes max_norm."""
    norm = np.sqrt(sum(np.sum(dp**2) for _, dp in named_arrays(grads)))
    return map_arrays(lambda dp: dp * max_norm if norm > max_norm else dp, grads)


@CLIP.add
def clip_divided_by_max_norm(grads, max_norm):
    """You divide what is too long by max_norm: the factor is max_norm over the norm, and the length becomes
    max_norm."""
    norm = np.sqrt(sum(np.sum(dp**2) for _, dp in named_arrays(grads)))
    return map_arrays(lambda dp: dp / max_norm if norm > max_norm else dp, grads)


@CLIP.add
def clip_no_root(grads, max_norm):
    """Your norm is the sum of squares: the root is missing, np.sqrt."""
    norm = sum(np.sum(dp**2) for _, dp in named_arrays(grads))
    return map_arrays(lambda dp: dp * max_norm / norm if norm > max_norm else dp, grads)


@CLIP.add
def clip_factor_squared(grads, max_norm):
    """You multiply by (max_norm / norm)², so long gradients come out too short: the factor is without the square."""
    norm = np.sqrt(sum(np.sum(dp**2) for _, dp in named_arrays(grads)))
    return map_arrays(lambda dp: dp * min(1, max_norm / max(norm, 1e-300)) ** 2, grads)


@CLIP.add
def clip_sum_of_norms(grads, max_norm):
    """You add up the norms of the arrays. The global norm is the root of the sum of their *squares*, as if all entries
    stood in one long vector."""
    norm = sum(np.linalg.norm(dp) for _, dp in named_arrays(grads))
    return map_arrays(lambda dp: dp * max_norm / norm if norm > max_norm else dp, grads)


@CLIP.add
def clip_largest_norm(grads, max_norm):
    """You take the norm of the largest array for the norm of all. The global norm is the root of the sum of squares
    over all entries of all arrays."""
    norm = max(np.linalg.norm(dp) for _, dp in named_arrays(grads))
    return map_arrays(lambda dp: dp * max_norm / norm if norm > max_norm else dp, grads)


@CLIP.add
def clip_mean_of_norms(grads, max_norm):
    """You average the norms of the arrays. The global norm is the root of the sum of squares over all entries of all
    arrays."""
    norm = np.mean([np.linalg.norm(dp) for _, dp in named_arrays(grads)])
    return map_arrays(lambda dp: dp * max_norm / norm if norm > max_norm else dp, grads)


@CLIP.add
def clip_largest_entry(grads, max_norm):
    """You measure the gradient by its largest entry. Its length is the root of the sum of squares over all entries of
    all arrays."""
    norm = max(np.max(np.abs(dp)) for _, dp in named_arrays(grads))
    return map_arrays(lambda dp: dp * max_norm / norm if norm > max_norm else dp, grads)


@CLIP.add
def clip_norm_of_the_largest_entries(grads, max_norm):
    """You take the largest entry of each array and the norm of those. All entries count: the root of the sum of squares
    over all entries of all arrays."""
    norm = np.sqrt(sum(np.max(np.abs(dp)) ** 2 for _, dp in named_arrays(grads)))
    return map_arrays(lambda dp: dp * max_norm / norm if norm > max_norm else dp, grads)


@CLIP.add
def clip_sum_of_absolute_values(grads, max_norm):
    """You add up absolute values, which is the 1-norm. The length of a gradient is the root of the sum of squares."""
    norm = sum(np.sum(np.abs(dp)) for _, dp in named_arrays(grads))
    return map_arrays(lambda dp: dp * max_norm / norm if norm > max_norm else dp, grads)


@CLIP.add
def clip_sum_of_the_entries(grads, max_norm):
    """You add the entries up before you square, so plus and minus cancel: square each entry first, then add, then take
    the root."""
    norm = np.abs(sum(np.sum(dp) for _, dp in named_arrays(grads)))
    return map_arrays(lambda dp: dp * max_norm / norm if norm > max_norm else dp, grads)


@CLIP.add
def clip_mean_of_squares(grads, max_norm):
    """You take the mean of the squares, so the larger the net, the later you clip. The length of a gradient is the root
    of their sum."""
    norm = np.sqrt(np.mean(np.concatenate([dp.ravel() for _, dp in named_arrays(grads)]) ** 2))
    return map_arrays(lambda dp: dp * max_norm / norm if norm > max_norm else dp, grads)


@CLIP.add
def clip_sum_of_mean_squares(grads, max_norm):
    """You take the mean of the squares within each array: the length of a gradient is the root of the sum of all
    squares, so np.sum, not np.mean."""
    norm = np.sqrt(sum(np.mean(dp**2) for _, dp in named_arrays(grads)))
    return map_arrays(lambda dp: dp * max_norm / norm if norm > max_norm else dp, grads)


@CLIP.add
def clip_largest_singular_values(grads, max_norm):
    """np.linalg.norm(dp, 2) of a matrix is its largest singular value, not the root of its sum of squares: leave the 2
    out, or write np.sum(dp**2)."""
    norm = np.sqrt(sum(np.linalg.norm(dp, 2) ** 2 for _, dp in named_arrays(grads)))
    return map_arrays(lambda dp: dp * max_norm / norm if norm > max_norm else dp, grads)


@CLIP.add
def clip_biases_not_counted(grads, max_norm):
    """Your norm counts the weights and leaves the biases out: every entry of every array belongs to the one
    gradient."""
    norm = np.sqrt(sum(np.sum(dp**2) for _, dp in named_arrays(grads) if dp.ndim == 2))
    return map_arrays(lambda dp: dp * max_norm / norm if norm > max_norm else dp, grads)


@CLIP.add
def clip_biases_not_scaled(grads, max_norm):
    """Your weights are scaled and your biases stay, so the direction turns: one factor for every array."""
    norm = np.sqrt(sum(np.sum(dp**2) for _, dp in named_arrays(grads)))
    return map_arrays(lambda dp: dp * max_norm / norm if norm > max_norm and dp.ndim == 2 else dp, grads)


@CLIP.add
def clip_first_array_only(grads, max_norm):
    """Your norm is that of the first array alone: add up the squares of all arrays, then take the root once."""
    norm = np.linalg.norm(next(named_arrays(grads))[1])
    return map_arrays(lambda dp: dp * max_norm / norm if norm > max_norm else dp, grads)


@CLIP.add
def clip_last_array_only(grads, max_norm):
    """Your norm is that of the last array alone. If you wrote a loop, total = ... overwrites where total += ... adds:
    add up the squares of all arrays, then take the root once."""
    for _, dp in named_arrays(grads):
        norm = np.linalg.norm(dp)
    return map_arrays(lambda dp: dp * max_norm / norm if norm > max_norm else dp, grads)


@CLIP.add
def clip_nothing_changes(grads, max_norm):
    """Your gradient comes back unchanged. If you wrote a loop, dp = dp * ... only gives the name dp to a new array; the
    NamedTuple still holds the old one. Build a new NamedTuple, with map_arrays."""
    norm = np.sqrt(sum(np.sum(dp**2) for _, dp in named_arrays(grads)))
    for _, dp in named_arrays(grads):
        dp = dp * min(1, max_norm / max(norm, 1e-300))
    return grads


@CLIP.add
def clip_dropped_when_too_long(grads, max_norm):
    """You set a gradient that is too long to zero, so nothing is learnt from it. Keep its direction, and shorten it to
    max_norm."""
    norm = np.sqrt(sum(np.sum(dp**2) for _, dp in named_arrays(grads)))
    return map_arrays(lambda dp: 0 * dp if norm > max_norm else dp, grads)


@CLIP.add
def clip_one_level_only(grads, max_norm):
    """Your norm works for Params and stumbles over a Model, whose two fields are NamedTuples themselves.
    named_arrays(grads) goes down to the arrays, and map_arrays(function, grads) builds the result."""
    norm = np.sqrt(sum(np.sum(dp**2) for dp in grads))
    return type(grads)(*(dp * min(1.0, max_norm / norm) for dp in grads))


@CLIP.add
def clip_norm_of_a_nested_field(grads, max_norm):
    """np.linalg.norm takes one array, and the two fields of a Model are NamedTuples of several, of different shapes.
    named_arrays(grads) goes down to the arrays, and map_arrays(function, grads) builds the result."""
    norm = np.sqrt(sum(np.linalg.norm(dp) ** 2 for dp in grads))
    return type(grads)(*(dp * min(1.0, max_norm / norm) for dp in grads))


@CLIP.add
def clip_scaled_one_level_only(grads, max_norm):
    """Your norm is right, but you scale the fields of grads one level deep, and the fields of a Model are NamedTuples,
    which do not multiply as arrays do. map_arrays(function, grads) goes down to the arrays."""
    norm = np.sqrt(sum(np.sum(dp**2) for _, dp in named_arrays(grads)))
    return type(grads)(*(dp * min(1.0, max_norm / norm) for dp in grads))


@CLIP.add
def clip_tuple_times_a_number(grads, max_norm):
    """grads is a NamedTuple, and tuples do not multiply as arrays do: apply the factor to each array, with
    map_arrays."""
    norm = np.sqrt(sum(np.sum(dp**2) for _, dp in named_arrays(grads)))
    return grads * float(max_norm / norm) if norm > max_norm else grads


@CLIP.add
def clip_parts_of_a_model_on_their_own(grads, max_norm):
    """You clip the cell's and the readout's gradients apart, each by its own norm, and the direction of the whole
    turns. One norm over all arrays of the Model, and one factor for all."""
    parts = grads if isinstance(grads, Model) else [grads]
    norms = [np.sqrt(sum(np.sum(dp**2) for _, dp in named_arrays(part))) for part in parts]
    scales = [min(1, max_norm / max(norm, 1e-300)) for norm in norms]
    clipped = [map_arrays(lambda dp: dp * s, part) for part, s in zip(parts, scales, strict=True)]  # noqa: B023
    return Model(*clipped) if isinstance(grads, Model) else clipped[0]


@CLIP.add
def clip_norm_returned(grads, max_norm):
    """You return the norm. Asked for is the gradient itself, shortened where it is too long."""
    return np.sqrt(sum(np.sum(dp**2) for _, dp in named_arrays(grads)))


@CLIP.add
def clip_norm_returned_too(grads, max_norm):
    """You return the norm as well. Only the clipped gradient is asked for, of the same type as grads."""
    norm = np.sqrt(sum(np.sum(dp**2) for _, dp in named_arrays(grads)))
    return map_arrays(lambda dp: dp * max_norm / norm if norm > max_norm else dp, grads), norm


@CLIP.add
def clip_list_of_arrays(grads, max_norm):
    """You return a list of arrays, in which the names and the nesting are lost: map_arrays builds a NamedTuple of the
    same type."""
    norm = np.sqrt(sum(np.sum(dp**2) for _, dp in named_arrays(grads)))
    return [dp * max_norm / norm if norm > max_norm else dp for _, dp in named_arrays(grads)]


@CLIP.add
def clip_mutates_input(grads, max_norm):
    """The values are right, but *= writes into the gradient that you were given: make new arrays, with map_arrays."""
    norm = np.sqrt(sum(np.sum(dp**2) for _, dp in named_arrays(grads)))
    for _, dp in named_arrays(grads):
        dp *= min(1, max_norm / max(norm, 1e-300))
    return grads


@CLIP.add
def clip_zero_gradient_divided(grads, max_norm):
    """You divide by the norm before you look at it, and the norm of a zero gradient is 0: divide only where the norm is
    above max_norm."""
    norm = float(np.sqrt(sum(np.sum(dp**2) for _, dp in named_arrays(grads))))
    return map_arrays(lambda dp: dp * min(1.0, max_norm / norm), grads)


@CLIP.add
def clip_zero_times_infinity(grads, max_norm):
    """A zero gradient comes back as NaN: its norm is 0, and the factor infinite or undefined. Divide only where the
    norm is above max_norm; shorter gradients stay as they are."""
    norm = np.sqrt(sum(np.sum(dp**2) for _, dp in named_arrays(grads)))
    return map_arrays(lambda dp: dp / norm * np.minimum(norm, max_norm), grads)


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


ADAM = Mistakes("adam")


def averages(grads, state, decay_mean, decay_square):
    """Return the two running averages after an update: what most of the mistakes have right."""
    mean = map_arrays(lambda m, dp: decay_mean * m + (1 - decay_mean) * dp, state.mean, grads)
    square = map_arrays(lambda v, dp: decay_square * v + (1 - decay_square) * dp**2, state.square, grads)
    return mean, square


def moved(params, mean, square, lr, eps, c_mean=1.0, c_square=1.0):
    """Return the parameters after an update with averages that are divided by the two corrections."""
    return map_arrays(lambda p, m, v: p - lr * (m / c_mean) / (np.sqrt(v / c_square) + eps), params, mean, square)


@ADAM.add
def adam_no_correction(params, grads, state, lr, decay_mean, decay_square, eps):
    """You use the averages as they are. They start at zero, so the first ones are too small: divide them by
    1 - decay ** updates, each with its own decay."""
    mean, square = averages(grads, state, decay_mean, decay_square)
    return moved(params, mean, square, lr, eps), AdamState(state.updates + 1, mean, square)


@ADAM.add
def adam_updates_from_0(params, grads, state, lr, decay_mean, decay_square, eps):
    """You correct with state.updates as it was, which is 0 at the first update, and 1 - decay ** 0 is 0. This update
    counts already: state.updates + 1."""
    mean, square = averages(grads, state, decay_mean, decay_square)
    t = state.updates
    return moved(params, mean, square, lr, eps, 1 - decay_mean**t, 1 - decay_square**t), AdamState(t + 1, mean, square)


@ADAM.add
def adam_one_update_too_many(params, grads, state, lr, decay_mean, decay_square, eps):
    """You correct with state.updates + 2. The state says how many updates were made before; with this one there is
    one more."""
    mean, square = averages(grads, state, decay_mean, decay_square)
    t = state.updates + 2
    return moved(params, mean, square, lr, eps, 1 - decay_mean**t, 1 - decay_square**t), AdamState(t - 1, mean, square)


@ADAM.add
def adam_only_the_mean_corrected(params, grads, state, lr, decay_mean, decay_square, eps):
    """You correct the mean and not the square: divide that by 1 - decay_square ** updates before the root."""
    mean, square = averages(grads, state, decay_mean, decay_square)
    t = state.updates + 1
    return moved(params, mean, square, lr, eps, 1 - decay_mean**t), AdamState(t, mean, square)


@ADAM.add
def adam_only_the_square_corrected(params, grads, state, lr, decay_mean, decay_square, eps):
    """You correct the square and not the mean: divide that by 1 - decay_mean ** updates."""
    mean, square = averages(grads, state, decay_mean, decay_square)
    t = state.updates + 1
    return moved(params, mean, square, lr, eps, 1, 1 - decay_square**t), AdamState(t, mean, square)


@ADAM.add
def adam_correction_multiplied(params, grads, state, lr, decay_mean, decay_square, eps):
    """You multiply by 1 - decay ** updates, which makes what is too small smaller still: divide."""
    mean, square = averages(grads, state, decay_mean, decay_square)
    t = state.updates + 1
    new = moved(params, mean, square, lr, eps, 1 / (1 - decay_mean**t), 1 / (1 - decay_square**t))
    return new, AdamState(t, mean, square)


@ADAM.add
def adam_correction_without_a_power(params, grads, state, lr, decay_mean, decay_square, eps):
    """You divide by 1 - decay at every update. That is right for the first one only: the decay to the power of the
    number of updates is what the zeros at the start still weigh."""
    mean, square = averages(grads, state, decay_mean, decay_square)
    new = moved(params, mean, square, lr, eps, 1 - decay_mean, 1 - decay_square)
    return new, AdamState(state.updates + 1, mean, square)


@ADAM.add
def adam_decay_times_updates(params, grads, state, lr, decay_mean, decay_square, eps):
    """Your correction is 1 - decay * updates: it is a power, decay ** updates, for the zeros at the start are
    multiplied by the decay once in every update."""
    mean, square = averages(grads, state, decay_mean, decay_square)
    t = state.updates + 1
    return moved(params, mean, square, lr, eps, 1 - decay_mean * t, 1 - decay_square * t), AdamState(t, mean, square)


@ADAM.add
def adam_one_correction_for_both(params, grads, state, lr, decay_mean, decay_square, eps):
    """You correct both averages with decay_mean: the square has a decay of its own, and is divided by
    1 - decay_square ** updates."""
    mean, square = averages(grads, state, decay_mean, decay_square)
    t = state.updates + 1
    return moved(params, mean, square, lr, eps, 1 - decay_mean**t, 1 - decay_mean**t), AdamState(t, mean, square)


@ADAM.add
def adam_square_corrected_after_the_root(params, grads, state, lr, decay_mean, decay_square, eps):
    """You take the root first and then divide by 1 - decay_square ** updates: correct the square, then take the
    root."""
    mean, square = averages(grads, state, decay_mean, decay_square)
    t = state.updates + 1
    return moved(params, mean, square, lr, eps, 1 - decay_mean**t, (1 - decay_square**t) ** 2), AdamState(
        t, mean, square
    )


@ADAM.add
def adam_eps_beside_the_uncorrected_root(params, grads, state, lr, decay_mean, decay_square, eps):
    """Both corrections are in the step size, as in the paper's shorter form; eps then weighs more than it should in the
    first updates. Here it is added to the root of the corrected square."""
    mean, square = averages(grads, state, decay_mean, decay_square)
    t = state.updates + 1
    lr = lr * np.sqrt(1 - decay_square**t) / (1 - decay_mean**t)
    return moved(params, mean, square, lr, eps), AdamState(t, mean, square)


@ADAM.add
def adam_corrected_averages_kept(params, grads, state, lr, decay_mean, decay_square, eps):
    """You keep the corrected averages in the state, so that they are corrected again at the next update. The state
    holds them as they are; the correction is for this step only."""
    mean, square = averages(grads, state, decay_mean, decay_square)
    t = state.updates + 1
    mean, square = (
        map_arrays(lambda m: m / (1 - decay_mean**t), mean),
        map_arrays(lambda v: v / (1 - decay_square**t), square),
    )
    return moved(params, mean, square, lr, eps), AdamState(t, mean, square)


@ADAM.add
def adam_no_root(params, grads, state, lr, decay_mean, decay_square, eps):
    """You divide by the square itself: by its root, np.sqrt, so that the unit of the gradient cancels."""
    mean, square = averages(grads, state, decay_mean, decay_square)
    t = state.updates + 1
    c, d = 1 - decay_mean**t, 1 - decay_square**t
    return map_arrays(lambda p, m, v: p - lr * m / c / (v / d + eps), params, mean, square), AdamState(t, mean, square)


@ADAM.add
def adam_eps_inside_the_root(params, grads, state, lr, decay_mean, decay_square, eps):
    """Your eps stands under the root, where its own root is taken too: add it to the root."""
    mean, square = averages(grads, state, decay_mean, decay_square)
    t = state.updates + 1
    c, d = 1 - decay_mean**t, 1 - decay_square**t
    new = map_arrays(lambda p, m, v: p - lr * m / c / np.sqrt(v / d + eps), params, mean, square)
    return new, AdamState(t, mean, square)


@ADAM.add
def adam_no_eps(params, grads, state, lr, decay_mean, decay_square, eps):
    """You divide without eps. Where a gradient has been zero all along that is 0 / 0, and elsewhere it is not quite the
    step that is asked for: add eps to the root."""
    mean, square = averages(grads, state, decay_mean, decay_square)
    t = state.updates + 1
    return moved(params, mean, square, lr, 0, 1 - decay_mean**t, 1 - decay_square**t), AdamState(t, mean, square)


@ADAM.add
def adam_eps_outside_the_quotient(params, grads, state, lr, decay_mean, decay_square, eps):
    """You add eps to the quotient, so every parameter drifts: it belongs to the denominator, beside the root. Mind the
    brackets."""
    mean, square = averages(grads, state, decay_mean, decay_square)
    t = state.updates + 1
    c, d = 1 - decay_mean**t, 1 - decay_square**t
    new = map_arrays(lambda p, m, v: p - lr * (m / c / np.sqrt(v / d) + eps), params, mean, square)
    return new, AdamState(t, mean, square)


@ADAM.add
def adam_eps_outside_the_step(params, grads, state, lr, decay_mean, decay_square, eps):
    """You take eps off beside the whole step, so every parameter drifts by eps at each update: it belongs to the
    denominator, beside the root. Mind the brackets."""
    mean, square = averages(grads, state, decay_mean, decay_square)
    t = state.updates + 1
    c, d = 1 - decay_mean**t, 1 - decay_square**t
    new = map_arrays(lambda p, m, v: p - (lr * (m / c) / np.sqrt(v / d) + eps), params, mean, square)
    return new, AdamState(t, mean, square)


@ADAM.add
def adam_eps_outside_the_step_without_brackets(params, grads, state, lr, decay_mean, decay_square, eps):
    """You add eps behind the whole step, so every parameter drifts upwards by eps at each update: it belongs to the
    denominator, beside the root, in brackets with it."""
    mean, square = averages(grads, state, decay_mean, decay_square)
    t = state.updates + 1
    c, d = 1 - decay_mean**t, 1 - decay_square**t
    new = map_arrays(lambda p, m, v: p - lr * (m / c) / np.sqrt(v / d) + eps, params, mean, square)
    return new, AdamState(t, mean, square)


@ADAM.add
def adam_decays_exchanged(params, grads, state, lr, decay_mean, decay_square, eps):
    """The two decays have changed places: decay_mean is the mean's, decay_square the square's."""
    mean, square = averages(grads, state, decay_square, decay_mean)
    t = state.updates + 1
    return moved(params, mean, square, lr, eps, 1 - decay_square**t, 1 - decay_mean**t), AdamState(t, mean, square)


@ADAM.add
def adam_decay_and_rest_exchanged(params, grads, state, lr, decay_mean, decay_square, eps):
    """You give the new gradient the weight `decay` and the old average the rest. It is the old that is kept, times
    decay, and the new that comes in with 1 - decay."""
    mean, square = averages(grads, state, 1 - decay_mean, 1 - decay_square)
    t = state.updates + 1
    return moved(params, mean, square, lr, eps, 1 - decay_mean**t, 1 - decay_square**t), AdamState(t, mean, square)


@ADAM.add
def adam_sums_for_averages(params, grads, state, lr, decay_mean, decay_square, eps):
    """You add the whole gradient to what is left of the old. For an average the new one comes in with the weight
    1 - decay."""
    mean = map_arrays(lambda m, dp: decay_mean * m + dp, state.mean, grads)
    square = map_arrays(lambda v, dp: decay_square * v + dp**2, state.square, grads)
    t = state.updates + 1
    return moved(params, mean, square, lr, eps, 1 - decay_mean**t, 1 - decay_square**t), AdamState(t, mean, square)


@ADAM.add
def adam_mean_is_a_running_sum(params, grads, state, lr, decay_mean, decay_square, eps):
    """Your mean is a running sum, as in momentum: the whole gradient is added to what is left of the old. For an
    average it comes in with the weight 1 - decay_mean."""
    _, square = averages(grads, state, decay_mean, decay_square)
    mean = map_arrays(lambda m, dp: decay_mean * m + dp, state.mean, grads)
    t = state.updates + 1
    return moved(params, mean, square, lr, eps, 1 - decay_mean**t, 1 - decay_square**t), AdamState(t, mean, square)


@ADAM.add
def adam_squares_not_squared(params, grads, state, lr, decay_mean, decay_square, eps):
    """Your second average is of the gradient itself, whose root may not even exist: square dp first."""
    mean, _ = averages(grads, state, decay_mean, decay_square)
    square = map_arrays(lambda v, dp: decay_square * v + (1 - decay_square) * dp, state.square, grads)
    t = state.updates + 1
    return moved(params, mean, square, lr, eps, 1 - decay_mean**t, 1 - decay_square**t), AdamState(t, mean, square)


@ADAM.add
def adam_absolute_for_square(params, grads, state, lr, decay_mean, decay_square, eps):
    """Your second average is of the gradient's absolute value: it is of its square."""
    mean, _ = averages(grads, state, decay_mean, decay_square)
    square = map_arrays(lambda v, dp: decay_square * v + (1 - decay_square) * np.abs(dp), state.square, grads)
    t = state.updates + 1
    return moved(params, mean, square, lr, eps, 1 - decay_mean**t, 1 - decay_square**t), AdamState(t, mean, square)


@ADAM.add
def adam_square_of_the_mean(params, grads, state, lr, decay_mean, decay_square, eps):
    """Your second average takes in the square of the mean. It is the mean of the squares: square this update's
    gradient."""
    mean, _ = averages(grads, state, decay_mean, decay_square)
    square = map_arrays(lambda v, m: decay_square * v + (1 - decay_square) * m**2, state.square, mean)
    t = state.updates + 1
    return moved(params, mean, square, lr, eps, 1 - decay_mean**t, 1 - decay_square**t), AdamState(t, mean, square)


@ADAM.add
def adam_square_of_the_corrected_mean(params, grads, state, lr, decay_mean, decay_square, eps):
    """Your second average takes in the square of the corrected mean. It is of the gradient's own squares:
    dp ** 2."""
    t = state.updates + 1
    mean, _ = averages(grads, state, decay_mean, decay_square)
    m_hat = map_arrays(lambda m: m / (1 - decay_mean**t), mean)
    square = map_arrays(lambda v, m: decay_square * v + (1 - decay_square) * m**2, state.square, m_hat)
    return moved(params, mean, square, lr, eps, 1 - decay_mean**t, 1 - decay_square**t), AdamState(t, mean, square)


@ADAM.add
def adam_rest_squared(params, grads, state, lr, decay_mean, decay_square, eps):
    """You square (1 - decay_square) together with dp. The weight stays as it is; only the gradient is squared."""
    mean, _ = averages(grads, state, decay_mean, decay_square)
    square = map_arrays(lambda v, dp: decay_square * v + ((1 - decay_square) * dp) ** 2, state.square, grads)
    t = state.updates + 1
    return moved(params, mean, square, lr, eps, 1 - decay_mean**t, 1 - decay_square**t), AdamState(t, mean, square)


@ADAM.add
def adam_gradient_for_mean(params, grads, state, lr, decay_mean, decay_square, eps):
    """You step along this update's gradient, as RMSProp does. Adam steps along the running mean."""
    mean, square = averages(grads, state, decay_mean, decay_square)
    t = state.updates + 1
    return moved(params, grads, square, lr, eps, 1, 1 - decay_square**t), AdamState(t, mean, square)


@ADAM.add
def adam_gradient_corrected_for_mean(params, grads, state, lr, decay_mean, decay_square, eps):
    """You divide this update's gradient by 1 - decay_mean ** updates. It is the running mean that is corrected and
    stepped along."""
    mean, square = averages(grads, state, decay_mean, decay_square)
    t = state.updates + 1
    return moved(params, grads, square, lr, eps, 1 - decay_mean**t, 1 - decay_square**t), AdamState(t, mean, square)


@ADAM.add
def adam_old_averages(params, grads, state, lr, decay_mean, decay_square, eps):
    """You step with the averages as they were before this gradient came in: update them first, then step with the new
    ones."""
    mean, square = averages(grads, state, decay_mean, decay_square)
    t = state.updates + 1
    new = moved(params, state.mean, state.square, lr, eps, 1 - decay_mean**t, 1 - decay_square**t)
    return new, AdamState(t, mean, square)


@ADAM.add
def adam_averages_from_zero(params, grads, state, lr, decay_mean, decay_square, eps):
    """You forget what the state holds, so each update is like a first one: decay times the old average, plus
    1 - decay times the new."""
    mean, square = averages(grads, AdamState(0, zeros_like(params), zeros_like(params)), decay_mean, decay_square)
    t = state.updates + 1
    return moved(params, mean, square, lr, eps, 1 - decay_mean**t, 1 - decay_square**t), AdamState(t, mean, square)


@ADAM.add
def adam_plus_sign(params, grads, state, lr, decay_mean, decay_square, eps):
    """You walk up the gradient. To make the loss smaller, subtract the step."""
    mean, square = averages(grads, state, decay_mean, decay_square)
    t = state.updates + 1
    return moved(params, mean, square, -lr, eps, 1 - decay_mean**t, 1 - decay_square**t), AdamState(t, mean, square)


@ADAM.add
def adam_no_lr(params, grads, state, lr, decay_mean, decay_square, eps):
    """Your step is without lr: multiply the quotient by it."""
    mean, square = averages(grads, state, decay_mean, decay_square)
    t = state.updates + 1
    return moved(params, mean, square, 1, eps, 1 - decay_mean**t, 1 - decay_square**t), AdamState(t, mean, square)


@ADAM.add
def adam_lr_in_the_mean(params, grads, state, lr, decay_mean, decay_square, eps):
    """You put lr into the running mean. The state remembers the gradient alone; lr multiplies the step, so that it can
    change from one update to the next."""
    mean, square = averages(grads, state, decay_mean, decay_square)
    mean = map_arrays(lambda m, dp: decay_mean * m + (1 - decay_mean) * lr * dp, state.mean, grads)
    t = state.updates + 1
    return moved(params, mean, square, 1, eps, 1 - decay_mean**t, 1 - decay_square**t), AdamState(t, mean, square)


@ADAM.add
def adam_step_returned(params, grads, state, lr, decay_mean, decay_square, eps):
    """You return the step without the parameters that it starts from: params minus the step."""
    mean, square = averages(grads, state, decay_mean, decay_square)
    t = state.updates + 1
    step = moved(zeros_like(params), mean, square, lr, eps, 1 - decay_mean**t, 1 - decay_square**t)
    return step, AdamState(t, mean, square)


@ADAM.add
def adam_state_not_returned(params, grads, state, lr, decay_mean, decay_square, eps):
    """You return the parameters alone. Without its new state Adam would start anew at every update: return both."""
    mean, square = averages(grads, state, decay_mean, decay_square)
    t = state.updates + 1
    return moved(params, mean, square, lr, eps, 1 - decay_mean**t, 1 - decay_square**t)


@ADAM.add
def adam_old_state_returned(params, grads, state, lr, decay_mean, decay_square, eps):
    """You return the state that you were given. The new one holds the new averages, and one update more."""
    mean, square = averages(grads, state, decay_mean, decay_square)
    t = state.updates + 1
    return moved(params, mean, square, lr, eps, 1 - decay_mean**t, 1 - decay_square**t), state


@ADAM.add
def adam_updates_not_counted(params, grads, state, lr, decay_mean, decay_square, eps):
    """The state that you return counts no update more than before, so the correction would stay as strong for ever:
    AdamState(state.updates + 1, mean, square)."""
    mean, square = averages(grads, state, decay_mean, decay_square)
    t = state.updates + 1
    return moved(params, mean, square, lr, eps, 1 - decay_mean**t, 1 - decay_square**t), AdamState(t - 1, mean, square)


@ADAM.add
def adam_mean_and_square_exchanged_in_the_state(params, grads, state, lr, decay_mean, decay_square, eps):
    """Mean and square have changed places in the state that you return: AdamState(updates, mean, square)."""
    mean, square = averages(grads, state, decay_mean, decay_square)
    t = state.updates + 1
    return moved(params, mean, square, lr, eps, 1 - decay_mean**t, 1 - decay_square**t), AdamState(t, square, mean)


@ADAM.add
def adam_state_and_params_exchanged(params, grads, state, lr, decay_mean, decay_square, eps):
    """You return the state first: the new parameters come first, then the state."""
    mean, square = averages(grads, state, decay_mean, decay_square)
    t = state.updates + 1
    return AdamState(t, mean, square), moved(params, mean, square, lr, eps, 1 - decay_mean**t, 1 - decay_square**t)


@ADAM.add
def adam_tuple_times_a_number(params, grads, state, lr, decay_mean, decay_square, eps):
    """state.mean and grads are NamedTuples, and tuples do not multiply as arrays do: apply each line to the arrays,
    with map_arrays."""
    mean = decay_mean * state.mean + (1 - decay_mean) * grads
    square = decay_square * state.square + (1 - decay_square) * grads**2
    return params - lr * mean / (np.sqrt(square) + eps), AdamState(state.updates + 1, mean, square)


@ADAM.add
def adam_state_assigned(params, grads, state, lr, decay_mean, decay_square, eps):
    """A field of a NamedTuple cannot be given a new value: count with updates = state.updates + 1, and build a new
    AdamState at the end."""
    state.updates += 1
    mean, square = averages(grads, state, decay_mean, decay_square)
    return moved(params, mean, square, lr, eps), state


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
        misconceptions=SGD.catalogue,
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
        misconceptions=CLIP.catalogue,
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
        misconceptions=ADAM.catalogue,
    ),
)
