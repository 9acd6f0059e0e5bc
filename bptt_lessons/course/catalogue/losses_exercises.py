"""Exercises on losses: their values (lesson 01) and their gradients (lesson 02)."""
# mypy: allow-untyped-defs, allow-untyped-calls
# (the wrong answers are written as learners write, without annotations)

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from bptt_lessons.course.catalogue.draws import draw, sizes
from bptt_lessons.course.catalogue.mistakes import Mistakes
from bptt_lessons.course.exercises import Case, Exercise
from bptt_lessons.training import losses

MSE = Mistakes("mse")


@MSE.add
def mse_half(y, target, mask):
    """There is a factor ½ in your loss. Some books put it there to tidy up the gradient; in this course it is left
    out."""
    d = y[mask] - target[mask]
    return np.mean(d * d) / 2


@MSE.add
def mse_mask_ignored(y, target, mask):
    """You average over all steps, those that the mask drops included: only entries with mask True count."""
    return np.mean((y - target) ** 2)


@MSE.add
def mse_dropped_steps_in_the_count(y, target, mask):
    """You set the dropped steps to zero but still divide by all of them, so the loss depends on how many there are.
    Divide by what the mask keeps."""
    return np.mean((y - target) ** 2 * mask[:, :, None])


@MSE.add
def mse_mask_the_wrong_way_round(y, target, mask):
    """You keep just the steps that should be dropped: the loss counts where mask is True."""
    d = y[~mask] - target[~mask]
    return np.mean(d * d) if d.size else 0.0


@MSE.add
def mse_mask_without_an_axis(y, target, mask):
    """mask is (T, N) and the squares are (T, N, K): give the mask a third axis before you multiply,
    or use it as an index, y[mask]."""
    return np.sum((y - target) ** 2 * mask) / (mask.sum() * y.shape[2])


@MSE.add
def mse_summed_over_outputs(y, target, mask):
    """You add up the K outputs and average over the rest. The mean runs over the kept (t, n) *and* over all K."""
    return np.sum((y[mask] - target[mask]) ** 2) / mask.sum()


@MSE.add
def mse_sum_for_mean(y, target, mask):
    """That is the sum of the squares; the loss is their mean, so that it does not grow with T, N or K."""
    return np.sum((y[mask] - target[mask]) ** 2)


@MSE.add
def mse_mean_over_batch_only(y, target, mask):
    """You divide by N only, so a longer sequence has a larger loss. The mean runs over all that you summed:
    the kept (t, n) and all K."""
    return np.sum((y[mask] - target[mask]) ** 2) / y.shape[1]


@MSE.add
def mse_mean_over_steps_only(y, target, mask):
    """You divide by T only, so a larger batch has a larger loss. The mean runs over all that you summed:
    the kept (t, n) and all K."""
    return np.sum((y[mask] - target[mask]) ** 2) / y.shape[0]


@MSE.add
def mse_root(y, target, mask):
    """You take the root at the end. That has the target's own unit, good for reporting; the loss here is the square."""
    d = y[mask] - target[mask]
    return np.sqrt(np.mean(d * d))


@MSE.add
def mse_absolute(y, target, mask):
    """You average absolute differences; this loss squares them."""
    return np.mean(np.abs(y[mask] - target[mask]))


@MSE.add
def mse_square_of_the_mean(y, target, mask):
    """You average first and square afterwards, so that errors of opposite signs cancel: square each one, then
    average."""
    return np.mean(y[mask] - target[mask]) ** 2


@MSE.add
def mse_one_loss_per_step(y, target, mask):
    """You return a loss for every (t, n). Training needs one number: average these as well."""
    return np.mean((y - target) ** 2, axis=2) * mask


@MSE.add
def mse_mean_of_the_sequences_means(y, target, mask):
    """You average each sequence first and then the averages, so a sequence with few kept steps counts as much
    as one with many. Every kept (t, n) has the same weight."""
    squares = np.mean((y - target) ** 2, axis=2) * mask
    return np.mean(squares.sum(axis=0) / mask.sum(axis=0))


@MSE.add
def mse_multiplies_by_the_mask(y, target, mask):
    """A dropped target may be nan, a measurement that is missing, and nan times 0 is nan.
    Do not compute with it at all: pick the kept steps first, y[mask] and target[mask]."""
    return np.sum((y - target) ** 2 * mask[..., None]) / (mask.sum() * y.shape[2])


@MSE.add
def mse_mask_on_y_only(y, target, mask):
    """You pick the kept steps of y but not of target, so the shapes differ: y[mask] - target[mask]."""
    return np.mean((y[mask] - target) ** 2)


@MSE.add
def mse_mask_on_target_only(y, target, mask):
    """You pick the kept steps of target but not of y, so the shapes differ: y[mask] - target[mask]."""
    return np.mean((y - target[mask]) ** 2)


@MSE.add
def mse_square_forgotten(y, target, mask):
    """You average the differences themselves, so that errors of opposite signs cancel: square each one first."""
    return np.mean(y[mask] - target[mask])


@MSE.add
def mse_difference_of_squares(y, target, mask):
    """You square y and target first and then subtract: it is the difference that is squared, (y - target)²."""
    return np.mean(y[mask] ** 2 - target[mask] ** 2)


@MSE.add
def mse_caret(y, target, mask):
    """In Python ^ is not a power but an operation on bits: the square of d is d**2."""
    return np.mean((y[mask] - target[mask]) ^ 2)


MSE_GRADIENT = Mistakes("mse_gradient")


@MSE_GRADIENT.add
def mse_gradient_no_two(y, target, mask):
    """Your gradient is half of what it should be: the square brings down a factor 2, and our loss has no ½ to cancel
    it."""
    return np.where(mask[:, :, None], y - target, 0) / (mask.sum() * y.shape[2])


@MSE_GRADIENT.add
def mse_gradient_no_mean(y, target, mask):
    """That is the gradient of a sum. The loss is a mean, so each entry's share is divided by the number of kept
    entries, as in the loss itself."""
    return 2 * np.where(mask[:, :, None], y - target, 0)


@MSE_GRADIENT.add
def mse_gradient_sign_flipped(y, target, mask):
    """Your gradient points the other way: where y is too large, raising it makes the loss larger,
    so dL/dy is positive there."""
    return 2 * np.where(mask[:, :, None], target - y, 0) / (mask.sum() * y.shape[2])


@MSE_GRADIENT.add
def mse_gradient_mask_ignored(y, target, mask):
    """You do not use the mask: a dropped step has no say in the loss, so its gradient is 0,
    and it does not count in the mean."""
    return 2 * (y - target) / y.size


@MSE_GRADIENT.add
def mse_gradient_dropped_steps_in_the_count(y, target, mask):
    """The zeros are in the right places, but you divide by all steps: the loss is a mean over the kept ones."""
    return 2 * np.where(mask[:, :, None], y - target, 0) / y.size


@MSE_GRADIENT.add
def mse_gradient_dropped_steps_not_zero(y, target, mask):
    """You count the kept steps rightly, but the dropped ones have a gradient too. They have no say in the loss:
    dL/dy is 0 there."""
    return 2 * (y - target) / (mask.sum() * y.shape[2])


@MSE_GRADIENT.add
def mse_gradient_outputs_not_in_the_count(y, target, mask):
    """You divide by the number of kept (t, n), but the mean runs over their K outputs as well."""
    return 2 * np.where(mask[:, :, None], y - target, 0) / mask.sum()


@MSE_GRADIENT.add
def mse_gradient_mean_over_batch_only(y, target, mask):
    """You divide by N only. The loss is a mean over the kept (t, n) and all K, and so the gradient carries that
    number."""
    return 2 * np.where(mask[:, :, None], y - target, 0) / y.shape[1]


@MSE_GRADIENT.add
def mse_gradient_mean_over_steps_only(y, target, mask):
    """You divide by T only. The loss is a mean over the kept (t, n) and all K, and so the gradient carries that
    number."""
    return 2 * np.where(mask[:, :, None], y - target, 0) / y.shape[0]


@MSE_GRADIENT.add
def mse_gradient_kept_rows_only(y, target, mask):
    """You return the kept rows only. A gradient has the shape of what it belongs to, here y (T, N, K):
    fill the dropped steps with zeros."""
    return 2 * (y[mask] - target[mask]) / (mask.sum() * y.shape[2])


@MSE_GRADIENT.add
def mse_gradient_square_left(y, target, mask):
    """You still have the square in it: that is each entry's share of the loss, not of its gradient.
    What is the derivative of d²?"""
    return np.where(mask[:, :, None], (y - target) ** 2, 0) / (mask.sum() * y.shape[2])


@MSE_GRADIENT.add
def mse_gradient_summed_over_the_batch(y, target, mask):
    """You add up the gradients of the sequences. Each y_t[n] is a number of its own with a gradient of its own:
    dy is (T, N, K), like y."""
    return (2 * np.where(mask[:, :, None], y - target, 0) / (mask.sum() * y.shape[2])).sum(axis=1)


@MSE_GRADIENT.add
def mse_gradient_mutates_input(y, target, mask):
    """The values are right, but you write into an array that belongs to whoever called you, y or target: -= does so,
    and target[~mask] = 0. A plain y - target makes a new array."""
    y -= target
    y *= 2 / (mask.sum() * y.shape[2])
    y[~mask] = 0
    return y


@MSE_GRADIENT.add
def mse_gradient_multiplies_by_the_mask(y, target, mask):
    """A dropped target may be nan, a measurement that is missing, and nan times 0 is nan. Do not compute with it at
    all: start from zeros and fill in the kept steps, dy[mask] = ..., from y[mask] and target[mask]."""
    return 2 * (y - target) * mask[:, :, None] / (mask.sum() * y.shape[2])


@MSE_GRADIENT.add
def mse_gradient_mask_without_an_axis(y, target, mask):
    """mask is (T, N) and the differences are (T, N, K), which do not fit: use the mask as an index, y[mask],
    or give it a third axis, mask[:, :, None]."""
    return 2 * (y - target) * mask / (mask.sum() * y.shape[2])


@MSE_GRADIENT.add
def mse_gradient_mask_on_one_side_only(y, target, mask):
    """You index one of the two with the mask, and then the shapes differ: pick the kept steps from both,
    y[mask] - target[mask]."""
    dy = np.zeros_like(y)
    dy[mask] = 2 * (y[mask] - target) / (mask.sum() * y.shape[2])
    return dy


@MSE_GRADIENT.add
def mse_gradient_kept_rows_into_the_whole(y, target, mask):
    """The right numbers for the kept steps, but dy[:] = ... wants to fill all of them: on the left, too,
    the mask picks the steps, dy[mask] = ..."""
    dy = np.zeros_like(y)
    dy[:] = 2 * (y[mask] - target[mask]) / (mask.sum() * y.shape[2])
    return dy


@MSE_GRADIENT.add
def mse_gradient_summed_to_a_number(y, target, mask):
    """You return one number. The loss is one number, and it has a slope along every entry of y:
    dy is (T, N, K), like y."""
    return 2 * np.mean(y[mask] - target[mask])


def _masked_case(seed: int, T: int, N: int, K: int, kind: str, decimals: int = 2) -> Case:
    rng = np.random.default_rng(seed)
    y, target = draw(rng, T, N, K, decimals=decimals), draw(rng, T, N, K, scale=2.0, decimals=decimals)
    mask = np.ones((T, N), dtype=bool)
    if kind == "last step only":
        mask[:-1] = False
    if kind == "some steps dropped":  # not all of a sequence, nor as many in each, nor half of all
        mask[-2:, -1] = False
    if kind == "dropped targets are nan":
        mask[0], mask[2, 1] = False, False
        target[~mask] = np.nan
    return Case(f"{sizes(T=T, N=N, K=K)}, {kind}", {"y": y, "target": target, "mask": mask})


def mse_cases() -> tuple[Case, ...]:
    """Masks of three kinds, one output and several, and targets that are missing where the mask drops them."""
    return (
        _masked_case(51, T=3, N=2, K=1, kind="some steps dropped", decimals=1),
        _masked_case(52, T=5, N=4, K=3, kind="some steps dropped"),
        _masked_case(53, T=4, N=3, K=2, kind="last step only"),
        _masked_case(54, T=4, N=2, K=3, kind="all steps kept"),
        _masked_case(56, T=4, N=3, K=2, kind="dropped targets are nan"),
    )


def mse_lesson_case() -> Case:
    """As many steps as the largest batch of a lesson."""
    return _masked_case(55, T=12, N=1000, K=1, kind="some steps dropped")


CROSS_ENTROPY = Mistakes("softmax_cross_entropy")


def _log_softmax(y):
    shifted = y - y.max(axis=2, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=2, keepdims=True))


def _softmax(y, axis=2):
    e = np.exp(y - y.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def _at_target(values, target):
    return np.take_along_axis(values, target[:, :, None], axis=2)[:, :, 0]


def _one_hot(target, K):
    return np.eye(K)[target]


@CROSS_ENTROPY.add
def softmax_cross_entropy_exp_of_large_logits(y, target):
    """Right for small logits, but exp(1000) overflows. Subtracting the largest logit of each (t, n) first
    changes nothing in the softmax, and then exp sees no number above 0."""
    p = np.exp(y) / np.exp(y).sum(axis=2, keepdims=True)
    return -np.mean(np.log(_at_target(p, target)))


@CROSS_ENTROPY.add
def softmax_cross_entropy_log_of_zero(y, target):
    """Your softmax does not overflow, but a very unlikely class gets p = 0 exactly, and log(0) is -inf.
    Write log p as a difference of two terms and take the log of the sum only."""
    return -np.mean(np.log(_at_target(_softmax(y), target)))


@CROSS_ENTROPY.add
def softmax_cross_entropy_small_number_in_the_log(y, target):
    """A small number inside the log keeps away -inf, but it also caps the loss: with logits of ±1000
    the loss is in the hundreds. Write log p as a difference, and nothing needs guarding."""
    return -np.mean(np.log(_at_target(_softmax(y), target) + 1e-12))


@CROSS_ENTROPY.add
def softmax_cross_entropy_softmax_over_the_batch(y, target):
    """Your probabilities sum to 1 over the batch. They should sum to 1 over the K classes, the last axis."""
    logits = y - y.max(axis=1, keepdims=True)
    log_p = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    return -np.mean(_at_target(log_p, target))


@CROSS_ENTROPY.add
def softmax_cross_entropy_softmax_over_steps(y, target):
    """Your probabilities sum to 1 over the steps. They should sum to 1 over the K classes, the last axis."""
    logits = y - y.max(axis=0, keepdims=True)
    log_p = logits - np.log(np.exp(logits).sum(axis=0, keepdims=True))
    return -np.mean(_at_target(log_p, target))


@CROSS_ENTROPY.add
def softmax_cross_entropy_softmax_over_everything(y, target):
    """You divide by one sum over the whole array: each (t, n) has a softmax of its own, over its K classes."""
    logits = y - y.max()
    log_p = logits - np.log(np.exp(logits).sum())
    return -np.mean(_at_target(log_p, target))


@CROSS_ENTROPY.add
def softmax_cross_entropy_shifted_in_one_place(y, target):
    """You subtract the largest logit inside the sum but not from the right class's logit (or the other way round):
    the shift only cancels if it is in both."""
    log_sum = np.log(np.exp(y - y.max(axis=2, keepdims=True)).sum(axis=2))
    return np.mean(log_sum - _at_target(y, target))


@CROSS_ENTROPY.add
def softmax_cross_entropy_no_normaliser(y, target):
    """You take the right class's logit for its log-probability: the log of the sum over all classes is missing."""
    return -np.mean(_at_target(y, target))


@CROSS_ENTROPY.add
def softmax_cross_entropy_sum_for_mean(y, target):
    """That is the sum over steps and batch; the loss is the mean, so that it does not grow with T or N."""
    return -np.sum(_at_target(_log_softmax(y), target))


@CROSS_ENTROPY.add
def softmax_cross_entropy_mean_over_batch_only(y, target):
    """You divide by N only, so a longer sequence has a larger loss: the mean runs over steps as well."""
    return -np.sum(_at_target(_log_softmax(y), target)) / y.shape[1]


@CROSS_ENTROPY.add
def softmax_cross_entropy_mean_over_steps_only(y, target):
    """You divide by T only, so a larger batch has a larger loss: the mean runs over the batch as well."""
    return -np.sum(_at_target(_log_softmax(y), target)) / y.shape[0]


@CROSS_ENTROPY.add
def softmax_cross_entropy_mean_over_classes_too(y, target):
    """You divide by K as well. Of the K classes only the right one has a term; the mean runs over (t, n)."""
    return -np.mean(_one_hot(target, y.shape[2]) * _log_softmax(y))


@CROSS_ENTROPY.add
def softmax_cross_entropy_sign_flipped(y, target):
    """Your loss is negative. A log-probability is at most 0 and the loss is minus that: 0 if you are sure and right."""
    return np.mean(_at_target(_log_softmax(y), target))


@CROSS_ENTROPY.add
def softmax_cross_entropy_in_bits(y, target):
    """You use the logarithm to base 2, which gives bits. This loss is in nats: the natural logarithm."""
    return -np.mean(_at_target(_log_softmax(y), target)) / np.log(2)


@CROSS_ENTROPY.add
def softmax_cross_entropy_no_log(y, target):
    """You average 1 - p of the right class; the cross-entropy is minus the logarithm of p."""
    return np.mean(1 - _at_target(_softmax(y), target))


@CROSS_ENTROPY.add
def softmax_cross_entropy_likeliest_class(y, target):
    """You take the class with the largest logit. The loss asks how likely the *right* class was, target[t, n]."""
    return -np.mean(_log_softmax(y).max(axis=2))


@CROSS_ENTROPY.add
def softmax_cross_entropy_every_target_at_every_step(y, target):
    """log_p[:, :, target] picks the classes of all targets at every (t, n), T·N times too many.
    Each (t, n) wants its own target: index all three axes together, or use np.take_along_axis."""
    return -np.mean(_log_softmax(y)[:, :, target])


@CROSS_ENTROPY.add
def softmax_cross_entropy_keepdims_forgotten(y, target):
    """max and sum over axis 2 take that axis away, and (T, N, K) and (T, N) do not fit: keepdims=True keeps it,
    with size 1. (With y.reshape(-1, K) it is axis 1 of rows.)"""
    shifted = y - y.max(axis=2)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=2, keepdims=True))
    return -np.mean(_at_target(log_p, target))


@CROSS_ENTROPY.add
def softmax_cross_entropy_row_numbers_for_steps(y, target):
    """log_p[np.arange(rows), classes] is for an array of rows, (rows, K), and yours is (T, N, K):
    make rows of it first, y.reshape(-1, K) and target.reshape(-1)."""
    return -np.mean(_log_softmax(y)[np.arange(len(y)), target])


@CROSS_ENTROPY.add
def softmax_cross_entropy_row_numbers_for_steps_and_batch(y, target):
    """The numbers of steps (T,) and of sequences (N,) do not make pairs on their own. Make rows first,
    y.reshape(-1, K) and target.reshape(-1), or give the steps a second axis: np.arange(T)[:, None]."""
    T, N, _ = y.shape
    return -np.mean(_log_softmax(y)[np.arange(T), np.arange(N), target])


@CROSS_ENTROPY.add
def softmax_cross_entropy_all_row_numbers_on_steps(y, target):
    """Your row numbers run to T·N, but y still has three axes: make rows of it first,
    y.reshape(-1, K), and of the classes, target.reshape(-1)."""
    return -np.mean(_log_softmax(y)[np.arange(target.size), target.reshape(-1)])


@CROSS_ENTROPY.add
def softmax_cross_entropy_target_not_in_rows(y, target):
    """You number the T·N rows of y, and target is still (T, N): make one long row of it as well, target.reshape(-1)."""
    log_p = _log_softmax(y).reshape(-1, y.shape[2])
    return -np.mean(log_p[np.arange(len(log_p)), target])


@CROSS_ENTROPY.add
def softmax_cross_entropy_neither_in_rows(y, target):
    """Your row numbers run to T·N, but y still has three axes and target two: make rows of both first,
    y.reshape(-1, K) and target.reshape(-1)."""
    return -np.mean(_log_softmax(y)[np.arange(target.size), target])


@CROSS_ENTROPY.add
def softmax_cross_entropy_target_as_the_first_index(y, target):
    """log_p[target] uses the classes as numbers of steps, the first axis. The classes are the last axis of y:
    make rows first, y.reshape(-1, K), and pick one entry from each."""
    return -np.mean(_log_softmax(y)[target])


@CROSS_ENTROPY.add
def softmax_cross_entropy_one_maximum_for_all(y, target):
    """You subtract one maximum for several (t, n), or for all. Where all K logits are far below it, every exp is 0
    and its log -inf: each (t, n) needs its own maximum, over the last axis."""
    shifted = y - y.max()
    log_p = shifted - np.log(np.exp(shifted).sum(axis=2, keepdims=True))
    return -np.mean(_at_target(log_p, target))


@CROSS_ENTROPY.add
def softmax_cross_entropy_one_maximum_in_the_softmax(y, target):
    """You subtract one maximum for several (t, n), or for all. Where all K logits are far below it, the softmax is
    0 / 0, nan: each (t, n) needs its own maximum, over the last axis."""
    e = np.exp(y - y.max())
    return -np.mean(np.log(_at_target(e / e.sum(axis=2, keepdims=True), target)))


@CROSS_ENTROPY.add
def softmax_cross_entropy_log_of_a_large_sum(y, target):
    """The difference of two terms is right, but exp(1000) inside the sum overflows: subtract the largest logit of each
    (t, n) from all K of them first, also from the right class's."""
    return np.mean(np.log(np.exp(y).sum(axis=2)) - _at_target(y, target))


@CROSS_ENTROPY.add
def softmax_cross_entropy_probability_for_loss(y, target):
    """You average minus the probability of the right class: the logarithm is missing, -log p."""
    return -np.mean(_at_target(_softmax(y), target))


@CROSS_ENTROPY.add
def softmax_cross_entropy_one_loss_per_step(y, target):
    """You return a loss for every (t, n). Training needs one number: their mean."""
    return -_at_target(_log_softmax(y), target)


@CROSS_ENTROPY.add
def softmax_cross_entropy_softmax_over_the_rows(y, target):
    """Your probabilities sum to 1 over all steps and sequences: axis 0 of rows (rows, K) is the rows themselves.
    They should sum to 1 over the K classes, axis 1 there."""
    rows, classes = y.reshape(-1, y.shape[2]), target.reshape(-1)
    rows = rows - rows.max(axis=0)
    log_p = rows - np.log(np.exp(rows).sum(axis=0))
    return -np.mean(log_p[np.arange(len(rows)), classes])


@CROSS_ENTROPY.add
def softmax_cross_entropy_sum_over_the_rows(y, target):
    """Your maximum is over the classes, but your sum runs over the rows, axis 0. Both run over the K classes,
    axis 1 of rows (rows, K)."""
    rows, classes = y.reshape(-1, y.shape[2]), target.reshape(-1)
    rows = rows - rows.max(axis=1, keepdims=True)
    log_p = rows - np.log(np.exp(rows).sum(axis=0))
    return -np.mean(log_p[np.arange(len(rows)), classes])


@CROSS_ENTROPY.add
def softmax_cross_entropy_sum_over_the_batch(y, target):
    """Your maximum is over the classes, but your sum runs over the batch, axis 1. Both run over the K classes,
    the last axis."""
    shifted = y - y.max(axis=2, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return -np.mean(_at_target(log_p, target))


@CROSS_ENTROPY.add
def softmax_cross_entropy_sum_over_steps(y, target):
    """Your maximum is over the classes, but your sum runs over the steps, axis 0. Both run over the K classes,
    the last axis."""
    shifted = y - y.max(axis=2, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=0, keepdims=True))
    return -np.mean(_at_target(log_p, target))


@CROSS_ENTROPY.add
def softmax_cross_entropy_one_maximum_per_sequence(y, target):
    """You subtract one maximum from all steps of a sequence. Where all K logits of a step are far below it,
    every exp is 0: each (t, n) needs its own, over the last axis only."""
    shifted = y - y.max(axis=(0, 2), keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=2, keepdims=True))
    return -np.mean(_at_target(log_p, target))


@CROSS_ENTROPY.add
def softmax_cross_entropy_maximum_over_the_rows(y, target):
    """Your maximum runs over the rows, axis 0, so the K logits of one (t, n) move by different amounts, and that
    changes the softmax. It has to run over the K classes, like the sum."""
    shifted = y - y.max(axis=(0, 1), keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=2, keepdims=True))
    return -np.mean(_at_target(log_p, target))


@CROSS_ENTROPY.add
def softmax_cross_entropy_maximum_over_the_batch(y, target):
    """Your maximum runs over the batch, axis 1, so the K logits of one (t, n) move by different amounts, and that
    changes the softmax. It has to run over the K classes, like the sum."""
    shifted = y - y.max(axis=1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=2, keepdims=True))
    return -np.mean(_at_target(log_p, target))


@CROSS_ENTROPY.add
def softmax_cross_entropy_maximum_over_steps(y, target):
    """Your maximum runs over the steps, axis 0, so the K logits of one (t, n) move by different amounts, and that
    changes the softmax. It has to run over the K classes, like the sum."""
    shifted = y - y.max(axis=0, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=2, keepdims=True))
    return -np.mean(_at_target(log_p, target))


@CROSS_ENTROPY.add
def softmax_cross_entropy_one_maximum_per_sequence_in_the_softmax(y, target):
    """You subtract one maximum from all steps of a sequence. Where all K logits of a step are far below it,
    the softmax is 0 / 0, nan: each (t, n) needs its own, over the last axis only."""
    e = np.exp(y - y.max(axis=(0, 2), keepdims=True))
    return -np.mean(np.log(_at_target(e / e.sum(axis=2, keepdims=True), target)))


@CROSS_ENTROPY.add
def softmax_cross_entropy_float32_inside(y, target):
    """You compute in float32. It has seven digits, and of a logit near 500 only four are left behind the point:
    stay in the dtype of y, float64 here."""
    return -np.mean(_at_target(_log_softmax(y.astype(np.float32)), target))


@CROSS_ENTROPY.add
def softmax_cross_entropy_float32_and_the_maximum_added_back(y, target):
    """You compute in float32, whose seven digits are few for a logit near 1000, and add the maximum back, which loses
    more of them: stay in the dtype of y, float64 here."""
    rows, classes = y.astype(np.float32).reshape(-1, y.shape[2]), target.reshape(-1)
    m = rows.max(axis=1)
    log_sum = m + np.log(np.exp(rows - m[:, None]).sum(axis=1))
    return np.mean(log_sum - rows[np.arange(len(rows)), classes])


CROSS_ENTROPY_GRADIENT = Mistakes("softmax_cross_entropy_gradient")


@CROSS_ENTROPY_GRADIENT.add
def softmax_cross_entropy_gradient_no_mean(y, target):
    """p - 1 at the right class, p elsewhere: that is one (t, n)'s gradient. The loss is a mean over T·N of them."""
    return _softmax(y) - _one_hot(target, y.shape[2])


@CROSS_ENTROPY_GRADIENT.add
def softmax_cross_entropy_gradient_mean_over_batch_only(y, target):
    """You divide by N only: the loss is a mean over steps as well."""
    return (_softmax(y) - _one_hot(target, y.shape[2])) / y.shape[1]


@CROSS_ENTROPY_GRADIENT.add
def softmax_cross_entropy_gradient_mean_over_steps_only(y, target):
    """You divide by T only: the loss is a mean over the batch as well."""
    return (_softmax(y) - _one_hot(target, y.shape[2])) / y.shape[0]


@CROSS_ENTROPY_GRADIENT.add
def softmax_cross_entropy_gradient_mean_over_classes_too(y, target):
    """You divide by K as well: the loss is a mean over the T·N steps, not over the classes."""
    return (_softmax(y) - _one_hot(target, y.shape[2])) / y.size


@CROSS_ENTROPY_GRADIENT.add
def softmax_cross_entropy_gradient_target_forgotten(y, target):
    """Your gradient is p / (T N), whatever the target is. At the right class something is missing:
    over the K classes, each (t, n)'s gradient sums to 0."""
    return _softmax(y) / target.size


@CROSS_ENTROPY_GRADIENT.add
def softmax_cross_entropy_gradient_sign_flipped(y, target):
    """Your gradient points the other way: raising the right class's logit makes the loss smaller,
    so dL/dy is negative there."""
    return (_one_hot(target, y.shape[2]) - _softmax(y)) / target.size


@CROSS_ENTROPY_GRADIENT.add
def softmax_cross_entropy_gradient_exp_of_large_logits(y, target):
    """Right for small logits, but exp(1000) overflows and leaves nan: subtract the largest logit of each (t, n)
    first."""
    p = np.exp(y) / np.exp(y).sum(axis=2, keepdims=True)
    return (p - _one_hot(target, y.shape[2])) / target.size


@CROSS_ENTROPY_GRADIENT.add
def softmax_cross_entropy_gradient_softmax_over_the_batch(y, target):
    """Your probabilities sum to 1 over the batch. They should sum to 1 over the K classes, the last axis."""
    return (_softmax(y, axis=1) - _one_hot(target, y.shape[2])) / target.size


@CROSS_ENTROPY_GRADIENT.add
def softmax_cross_entropy_gradient_softmax_over_steps(y, target):
    """Your probabilities sum to 1 over the steps. They should sum to 1 over the K classes, the last axis."""
    return (_softmax(y, axis=0) - _one_hot(target, y.shape[2])) / target.size


@CROSS_ENTROPY_GRADIENT.add
def softmax_cross_entropy_gradient_softmax_over_the_rows(y, target):
    """Your probabilities sum to 1 over all steps and sequences: axis 0 of rows (rows, K) is the rows themselves.
    They should sum to 1 over the K classes, axis 1 there."""
    return (_softmax(y, axis=(0, 1)) - _one_hot(target, y.shape[2])) / target.size


@CROSS_ENTROPY_GRADIENT.add
def softmax_cross_entropy_gradient_sum_over_the_rows(y, target):
    """Your maximum is over the classes, but you divide by a sum over the rows, axis 0. Both run over the K classes,
    axis 1 of rows (rows, K)."""
    e = np.exp(y - y.max(axis=2, keepdims=True))
    return (e / e.sum(axis=(0, 1)) - _one_hot(target, y.shape[2])) / target.size


@CROSS_ENTROPY_GRADIENT.add
def softmax_cross_entropy_gradient_sum_over_the_batch(y, target):
    """Your maximum is over the classes, but you divide by a sum over the batch, axis 1. Both run over the K classes,
    the last axis."""
    e = np.exp(y - y.max(axis=2, keepdims=True))
    return (e / e.sum(axis=1, keepdims=True) - _one_hot(target, y.shape[2])) / target.size


@CROSS_ENTROPY_GRADIENT.add
def softmax_cross_entropy_gradient_sum_over_steps(y, target):
    """Your maximum is over the classes, but you divide by a sum over the steps, axis 0. Both run over the K classes,
    the last axis."""
    e = np.exp(y - y.max(axis=2, keepdims=True))
    return (e / e.sum(axis=0, keepdims=True) - _one_hot(target, y.shape[2])) / target.size


@CROSS_ENTROPY_GRADIENT.add
def softmax_cross_entropy_gradient_one_subtracted_after_the_mean(y, target):
    """You divide by T·N first and then subtract 1. The mean divides the whole of each (t, n)'s gradient,
    the 1 included: subtract first, then divide."""
    return _softmax(y) / target.size - _one_hot(target, y.shape[2])


@CROSS_ENTROPY_GRADIENT.add
def softmax_cross_entropy_gradient_one_maximum_per_sequence(y, target):
    """You subtract one maximum from all steps of a sequence. Where all K logits of a step are far below it,
    the softmax is 0 / 0: each (t, n) needs its own, over the last axis only."""
    e = np.exp(y - y.max(axis=(0, 2), keepdims=True))
    return (e / e.sum(axis=2, keepdims=True) - _one_hot(target, y.shape[2])) / target.size


@CROSS_ENTROPY_GRADIENT.add
def softmax_cross_entropy_gradient_maximum_over_the_rows(y, target):
    """Your maximum runs over the rows, axis 0, so the K logits of one (t, n) move by different amounts, and that
    changes the softmax. It has to run over the K classes, like the sum."""
    e = np.exp(y - y.max(axis=(0, 1), keepdims=True))
    return (e / e.sum(axis=2, keepdims=True) - _one_hot(target, y.shape[2])) / target.size


@CROSS_ENTROPY_GRADIENT.add
def softmax_cross_entropy_gradient_maximum_over_the_batch(y, target):
    """Your maximum runs over the batch, axis 1, so the K logits of one (t, n) move by different amounts, and that
    changes the softmax. It has to run over the K classes, like the sum."""
    e = np.exp(y - y.max(axis=1, keepdims=True))
    return (e / e.sum(axis=2, keepdims=True) - _one_hot(target, y.shape[2])) / target.size


@CROSS_ENTROPY_GRADIENT.add
def softmax_cross_entropy_gradient_maximum_over_steps(y, target):
    """Your maximum runs over the steps, axis 0, so the K logits of one (t, n) move by different amounts, and that
    changes the softmax. It has to run over the K classes, like the sum."""
    e = np.exp(y - y.max(axis=0, keepdims=True))
    return (e / e.sum(axis=2, keepdims=True) - _one_hot(target, y.shape[2])) / target.size


@CROSS_ENTROPY_GRADIENT.add
def softmax_cross_entropy_gradient_float32_inside(y, target):
    """You compute in float32. It has seven digits, and of a logit near 500 only four are left behind the point:
    stay in the dtype of y, float64 here."""
    return (_softmax(y.astype(np.float32)) - _one_hot(target, y.shape[2])) / target.size


@CROSS_ENTROPY_GRADIENT.add
def softmax_cross_entropy_gradient_softmax_over_everything(y, target):
    """You divide by one sum over the whole array: each (t, n) has a softmax of its own, over its K classes."""
    e = np.exp(y - y.max())
    return (e / e.sum() - _one_hot(target, y.shape[2])) / target.size


@CROSS_ENTROPY_GRADIENT.add
def softmax_cross_entropy_gradient_one_off_every_class(y, target):
    """You subtract 1 from every class. Only the right class's logit stands in the loss on its own:
    index with (t, n, target[t, n])."""
    return (_softmax(y) - 1) / target.size


@CROSS_ENTROPY_GRADIENT.add
def softmax_cross_entropy_gradient_every_target_at_every_step(y, target):
    """p[:, :, target] -= 1 touches the classes of all targets at every (t, n). Each (t, n) wants its own target:
    index all three axes together."""
    p = _softmax(y)
    p[:, :, target] -= 1
    return p / target.size


@CROSS_ENTROPY_GRADIENT.add
def softmax_cross_entropy_gradient_class_number_subtracted(y, target):
    """You subtract the number of the class, which is only its name. What is wanted is 1 at that class and 0
    elsewhere."""
    return (_softmax(y) - target[:, :, None]) / target.size


@CROSS_ENTROPY_GRADIENT.add
def softmax_cross_entropy_gradient_right_class_only(y, target):
    """Your gradient is zero except at the right class. The other logits stand in the sum under the logarithm,
    and raising one of them takes probability away from the right class."""
    one_hot = _one_hot(target, y.shape[2])
    return (_softmax(y) - 1) * one_hot / target.size


@CROSS_ENTROPY_GRADIENT.add
def softmax_cross_entropy_gradient_slope_of_sigmoid(y, target):
    """p (1 - p) is how one probability moves with its own logit. The loss takes the logarithm of p,
    and the two together become simpler: try to differentiate log-sum-exp directly."""
    p = _softmax(y)
    return (p - _one_hot(target, y.shape[2])) * p * (1 - p) / target.size


@CROSS_ENTROPY_GRADIENT.add
def softmax_cross_entropy_gradient_not_normalised(y, target):
    """You take exp of the logits for probabilities. They are not, until each is divided by the sum over its K classes:
    p / p.sum(axis=2, keepdims=True)."""
    p = np.exp(y - y.max(axis=2, keepdims=True))
    return (p - _one_hot(target, y.shape[2])) / target.size


@CROSS_ENTROPY_GRADIENT.add
def softmax_cross_entropy_gradient_of_minus_log_p(y, target):
    """You stop at dL/dp, which is -1/p at the right class. One more step of the chain rule leads from p to the logits
    y, and there most of it cancels."""
    return -_one_hot(target, y.shape[2]) / _softmax(y) / target.size


@CROSS_ENTROPY_GRADIENT.add
def softmax_cross_entropy_gradient_mutates_input(y, target):
    """The values are right, but you write into y, which belongs to whoever called you: work on a new array."""
    y -= y.max(axis=2, keepdims=True)
    np.exp(y, out=y)
    y /= y.sum(axis=2, keepdims=True)
    return (y - _one_hot(target, y.shape[2])) / target.size


@CROSS_ENTROPY_GRADIENT.add
def softmax_cross_entropy_gradient_keepdims_forgotten(y, target):
    """You combine (T, N, K) with (T, N), which do not fit. max and sum over axis 2 take that axis away: keepdims=True
    keeps it, with size 1. And target holds class numbers: np.eye(K)[target] is (T, N, K)."""
    e = np.exp(y - y.max(axis=2))
    return (e / e.sum(axis=2, keepdims=True) - _one_hot(target, y.shape[2])) / target.size


@CROSS_ENTROPY_GRADIENT.add
def softmax_cross_entropy_gradient_row_numbers_for_steps(y, target):
    """p[np.arange(rows), classes] is for an array of rows, (rows, K), and yours is (T, N, K):
    make rows of it first, and give the gradient its three axes back at the end."""
    p = _softmax(y)
    p[np.arange(len(y)), target] -= 1
    return p / target.size


@CROSS_ENTROPY_GRADIENT.add
def softmax_cross_entropy_gradient_row_numbers_for_steps_and_batch(y, target):
    """The numbers of steps (T,) and of sequences (N,) do not make pairs on their own:
    give the steps a second axis, np.arange(T)[:, None], or make rows of y and target first."""
    p, (T, N) = _softmax(y), target.shape
    p[np.arange(T), np.arange(N), target] -= 1
    return p / target.size


@CROSS_ENTROPY_GRADIENT.add
def softmax_cross_entropy_gradient_rows_not_unfolded(y, target):
    """The numbers are right, but steps and batch are still in one axis: reshape dy to (T, N, K), like y."""
    dy = (_softmax(y) - _one_hot(target, y.shape[2])) / target.size
    return dy.reshape(-1, y.shape[2])


@CROSS_ENTROPY_GRADIENT.add
def softmax_cross_entropy_gradient_one_maximum_for_all(y, target):
    """You subtract one maximum for several (t, n), or for all. Where all K logits are far below it, the softmax is
    0 / 0, nan: each (t, n) needs its own maximum, over the last axis."""
    e = np.exp(y - y.max())
    return (e / e.sum(axis=2, keepdims=True) - _one_hot(target, y.shape[2])) / target.size


@CROSS_ENTROPY_GRADIENT.add
def softmax_cross_entropy_gradient_logits_for_probabilities(y, target):
    """You subtract 1 from the right class's logit. What is wanted there is its probability: take the softmax first."""
    return (y - _one_hot(target, y.shape[2])) / target.size


def _classes_case(seed: int, T: int, N: int, K: int, decimals: int = 2) -> Case:
    rng = np.random.default_rng(seed)
    y = draw(rng, T, N, K, scale=3.0, decimals=decimals)
    target = rng.integers(K, size=(T, N))
    target[0, 0] = K - 1  # so that the largest class occurs
    return Case(sizes(T=T, N=N, K=K), {"y": y, "target": target})


def _level_case(seed: int, levels: tuple[float, ...], T: int, N: int, K: int) -> Case:
    """Logits that differ little within each (t, n), whose level is one of those given, in turn."""
    case = _classes_case(seed, T, N, K)
    y = case.arguments["y"] + np.resize(levels, (T, N, 1))
    label = f"{case.label}, logits near {' and '.join(f'{level:g}' for level in levels)}"
    return Case(label, {**case.arguments, "y": y})


def _far_apart_case() -> Case:
    """Logits that lie 2000 apart, the right class among the unlikely ones."""
    pairs = np.array([[1000.0, -1000.0], [0.0, 1000.0], [-1000.0, -998.0], [1000.0, -1000.0]])
    y, target = np.stack([pairs, pairs[::-1], pairs]), np.array([[1, 1, 0, 0], [0, 1, 1, 1], [0, 0, 1, 1]])
    return Case("T = 3, N = 4, K = 2, logits of ±1000", {"y": y, "target": target})


def classes_cases() -> tuple[Case, ...]:
    """Different sizes, a single step, and large logits of three kinds."""
    return (
        _classes_case(61, T=3, N=2, K=4, decimals=1),
        _classes_case(62, T=4, N=3, K=5),
        _classes_case(63, T=1, N=2, K=3),
        _level_case(65, (500.0, -500.0), T=2, N=4, K=3),  # exp is safe as it stands, but not after one shift for all
        _level_case(66, (1000.0,), T=3, N=5, K=2),  # here one shift for all is safe
        _far_apart_case(),
    )


def classes_lesson_case() -> Case:
    """A batch of sequences over an alphabet of eight."""
    return _classes_case(64, T=48, N=32, K=8)


def _exercise(
    name: str,
    lesson: str,
    minutes: int,
    solution: Callable[..., object],
    stub: str,
    hints: tuple[str, str, str],
    mistakes: Mistakes,
) -> Exercise:
    masked = solution in (losses.mse, losses.mse_gradient)
    return Exercise(
        name=name,
        lesson=lesson,
        minutes=minutes,
        solution=solution,
        returns=("dy",) if name.endswith("gradient") else ("loss",),
        stub=stub,
        hints=hints,
        make_cases=mse_cases if masked else classes_cases,
        make_lesson_case=mse_lesson_case if masked else classes_lesson_case,
        misconceptions=mistakes.catalogue,
    )


EXERCISES = (
    _exercise(
        "losses.mse",
        "01_unrolling_a_recurrent_network",
        5,
        losses.mse,
        '''def my_losses_mse(y, target, mask):
    """The mean of (y - target)² over the kept (t, n) and all K. mask is a bool array (T, N), True where it counts."""
    ...
''',
        (
            "Squared differences, averaged; a step that the mask drops is neither in the sum nor in the count.",
            "y and target are (T, N, K), mask is (T, N). Indexing y with the mask keeps the rows where it is True "
            "and gives an array of shape (kept, K). The result is one number.",
            "Index y and target with mask, subtract, square, and take np.mean of all that is left.",
        ),
        MSE,
    ),
    _exercise(
        "losses.softmax_cross_entropy",
        "01_unrolling_a_recurrent_network",
        10,
        losses.softmax_cross_entropy,
        '''def my_losses_softmax_cross_entropy(y, target):
    """The mean over (t, n) of -log softmax(y_t)[target_t], in nats. y (T, N, K) are logits, target (T, N) classes."""
    ...
''',
        (
            "-log of the right class's probability is log(Σ exp y) minus the right class's y. Subtracting one number "
            "from all K logits changes nothing in that; which number makes exp safe?",
            "The largest logit of each (t, n): y.max(axis=2, keepdims=True) is (T, N, 1). The log of the sum over "
            "classes is (T, N), the right class's logit is (T, N), and the result is one number. "
            "np.take_along_axis(y, target[:, :, None], axis=2) is (T, N, 1).",
            "With shifted = y - y.max(axis=2, keepdims=True): log_sum is np.log of the sum of np.exp(shifted) "
            "over axis 2, right is shifted at the target classes, and the loss is the mean of their difference. "
            "(Or make rows of y and target first; then the classes are axis 1.)",
        ),
        CROSS_ENTROPY,
    ),
    _exercise(
        "losses.mse_gradient",
        "02_backpropagation_through_time",
        6,
        losses.mse_gradient,
        '''def my_losses_mse_gradient(y, target, mask):
    """dL/dy of losses.mse: an array (T, N, K), 0 where mask is False."""
    ...
''',
        (
            "Each kept entry stands in the mean once, squared. "
            "Differentiate that one term, the mean's divisor included.",
            "dy is (T, N, K), like y. The divisor is the number of kept entries: kept (t, n) times K. "
            "Indexing with the mask, as in y[mask], gives the kept rows, (kept, K), and dy[mask] = ... fills them in.",
            "Start from zeros. At mask, dy is twice the difference of y and target there, "
            "divided by mask.sum() times K.",
        ),
        MSE_GRADIENT,
    ),
    _exercise(
        "losses.softmax_cross_entropy_gradient",
        "02_backpropagation_through_time",
        10,
        losses.softmax_cross_entropy_gradient,
        '''def my_losses_softmax_cross_entropy_gradient(y, target):
    """dL/dy of losses.softmax_cross_entropy: an array (T, N, K)."""
    ...
''',
        (
            "Differentiate log(Σ exp y) - y[right] with respect to each logit: the first part gives a probability, "
            "the second a constant, and that only at the right class.",
            "p is (T, N, K) and sums to 1 over axis 2. target is (T, N): np.eye(K)[target] is (T, N, K), "
            "with a 1 at each right class. The mean runs over T·N.",
            "Compute the stable softmax p, take away 1 at the right classes, divide by T·N, which is target.size.",
        ),
        CROSS_ENTROPY_GRADIENT,
    ),
)
