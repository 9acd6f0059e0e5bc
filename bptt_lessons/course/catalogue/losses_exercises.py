"""Exercises on losses: their values (lesson 01) and their gradients (lesson 02)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from bptt_lessons.course.catalogue.draws import draw, sizes
from bptt_lessons.course.exercises import Case, Exercise
from bptt_lessons.training import losses


def _masked_case(seed: int, T: int, N: int, K: int, kind: str, scale: float = 0.9, decimals: int = 2) -> Case:
    rng = np.random.default_rng(seed)
    y = draw(rng, T, N, K, scale=scale, decimals=decimals)
    target = draw(rng, T, N, K, scale=2.0, decimals=decimals)
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
        _masked_case(53, T=4, N=3, K=2, kind="last step only", scale=90.0),  # with gradients beyond 5
        _masked_case(54, T=4, N=2, K=3, kind="all steps kept"),
        _masked_case(56, T=4, N=3, K=2, kind="dropped targets are nan"),
    )


def mse_lesson_case() -> Case:
    """As many steps as the largest batch of a lesson."""
    return _masked_case(55, T=12, N=1000, K=1, kind="some steps dropped")


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


def _underflow_case() -> Case:
    """Logits whose exp keeps few digits: below -738 in every other (t, n), and one class 743 below another."""
    case = _level_case(68, (0.0, -741.0), T=2, N=3, K=4)
    y, target = case.arguments["y"], case.arguments["target"]
    low = y.max(axis=2) < -700
    target[low] = y.argmax(axis=2)[low]  # exp of the others may be 0
    y[0, 2, target[0, 2]] = y[0, 2].max() - 743
    return Case("T = 2, N = 3, K = 4, logits down to -744", {"y": y, "target": target})


def _far_apart_case() -> Case:
    """Logits that lie 2000 apart, the right class among the unlikely ones."""
    pairs = np.array([[1000.0, -1000.0], [0.0, 1000.0], [-1000.0, -998.0], [1000.0, -1000.0]])
    y, target = np.stack([pairs, pairs[::-1], pairs]), np.array([[1, 1, 0, 0], [0, 1, 1, 1], [0, 0, 1, 1]])
    return Case("T = 3, N = 4, K = 2, logits of ±1000", {"y": y, "target": target})


def classes_cases() -> tuple[Case, ...]:
    """Different sizes, a single step, and large logits of four kinds."""
    return (
        _classes_case(61, T=3, N=2, K=4, decimals=1),
        _classes_case(62, T=4, N=3, K=5),
        _classes_case(63, T=1, N=2, K=3),
        _level_case(65, (500.0, -500.0), T=2, N=4, K=3),  # exp is safe as it stands, but not after one shift for all
        _level_case(66, (1000.0,), T=3, N=5, K=2),  # here one shift for all is safe
        _underflow_case(),  # so that a careless exp gives wrong numbers, not only inf and nan
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
    ),
)
