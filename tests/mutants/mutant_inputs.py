"""Inputs beyond the cases of an exercise: they decide whether a mutant that is graded as right changes anything.

The functions that make the exercise's own cases make them, with other sizes (some all equal, some 1), seeds and scales;
and each of these, and of the cases, comes again with every array of real numbers drawn anew.  What an exercise promises
about its arguments holds here too: caches come from a forward pass, schedules from the package, probabilities are below
1, and u is in [0, 1).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from bptt_lessons.cells import lstm, rnn
from bptt_lessons.course.catalogue import (
    adding_exercises,
    checkpointing_exercises,
    copying_exercises,
    draws,
    flow_exercises,
    gradcheck_exercises,
    gru_exercises,
    init_exercises,
    loop_exercises,
    losses_exercises,
    lstm_exercises,
    optim_exercises,
    readout_exercises,
    rnn_exercises,
    tbptt_exercises,
    text_exercises,
    unrolled_exercises,
)
from bptt_lessons.course.exercises import Case, Exercise

Maker = Callable[[], Iterator[Case]]
SCALES = (1.0, 0.01, 20.0)
KEPT = (
    "cache",
    "caches",
    "u",
    "state",
    "session",
    "actions",
    "probability",
)  # arguments whose values depend on one another
SMALL = [(1, 1, 1), (2, 2, 2), (3, 1, 2), (1, 3, 1), (5, 4, 3), (2, 6, 4), (4, 1, 5)]
LONG = [(1, 1, 1, 1), (2, 2, 2, 2), (3, 3, 3, 3), (1, 2, 3, 4), (7, 1, 2, 3), (4, 5, 1, 2), (12, 2, 3, 5)]


def more_inputs(exercise: Exercise) -> list[Mapping[str, Any]]:
    """Return the arguments of many calls, the exercise's own cases and the lesson's first."""
    own = [
        case.arguments for case in (*(c for c in exercise.make_cases() if not c.refused), exercise.make_lesson_case())
    ]
    made = [case.arguments for case in MORE[exercise.name]()]
    again = [
        {name: value if name in KEPT else redrawn(rng, value, scale) for name, value in arguments.items()}
        for number, arguments in enumerate(own[:-1] + made)
        if any(name not in KEPT and has_real_numbers(value) for name, value in arguments.items())
        for scale in SCALES
        for rng in [np.random.default_rng([number, round(100 * scale)])]
    ]
    return own + made + again


def has_real_numbers(value: Any) -> bool:
    """Whether a value holds an array of real numbers."""
    if isinstance(value, np.ndarray):
        return value.dtype.kind == "f"
    return isinstance(value, (list, tuple)) and any(map(has_real_numbers, value))


def redrawn(rng: np.random.Generator, value: Any, scale: float) -> Any:
    """Return a value with all its arrays of real numbers drawn anew; NaN stays where it is."""
    if isinstance(value, np.ndarray) and value.dtype.kind == "f":
        new = rng.normal(size=value.shape) * scale
        return np.where(np.isnan(value), value, new).astype(value.dtype)
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*(redrawn(rng, v, scale) for v in value))
    if isinstance(value, (list, tuple)):
        return type(value)(redrawn(rng, v, scale) for v in value)
    return value


# Makers, in the order of the lessons.


def of_sizes(make: Callable[..., Case], letters: str, all_sizes: list[tuple[int, ...]], **how: Any) -> Maker:
    """Return a maker of cases of many sizes."""

    def cases() -> Iterator[Case]:
        for seed, sizes in enumerate(all_sizes, start=7001):
            yield make(seed, **dict(zip(letters, sizes, strict=True)), **how)

    return cases


def together(*makers: Maker) -> Maker:
    """Return a maker of the cases of several."""
    return lambda: itertools.chain.from_iterable(maker() for maker in makers)


def sigmoid() -> Iterator[Case]:
    rng = np.random.default_rng(7100)
    for shape in ((), (1,), (7,), (3, 2), (2, 3, 4)):
        for scale in (1e-9, 1e-3, 1.0, 30.0, 800.0):
            if shape:
                yield Case("", {"z": rng.normal(size=shape) * scale})
    yield Case("", {"z": np.array([0.0, -0.0])})


def masked() -> Iterator[Case]:
    for kind in ("last step only", "some steps dropped", "all steps kept", "dropped targets are nan"):
        for seed, (T, N, K) in enumerate(((3, 2, 1), (3, 3, 3), (4, 2, 2), (7, 3, 5)), start=7200):
            yield losses_exercises._masked_case(seed, T=T, N=N, K=K, kind=kind)


def classes() -> Iterator[Case]:
    for seed, (T, N, K) in enumerate(((1, 1, 2), (1, 1, 3), (3, 3, 3), (2, 5, 7), (6, 1, 4)), start=7300):
        yield losses_exercises._classes_case(seed, T=T, N=N, K=K)
        for levels in ((0.0, 700.0), (-700.0,), (30.0, -40.0, 5.0), (3000.0, -3000.0)):
            yield losses_exercises._level_case(seed, levels, T=T, N=N, K=K)


def differences(epsilons: tuple[float, ...]) -> Maker:
    def cases() -> Iterator[Case]:
        rng = np.random.default_rng(7400)
        for formula in (draws.SUM_OF_CUBES, draws.SUM_OF_EXPONENTIALS, draws.PRODUCT_OF_SINES, draws.LAST_TANH):
            for shape, eps in itertools.product(((1, 1), (2, 2), (4, 4)), epsilons):
                yield gradcheck_exercises._case("", formula, rng.normal(size=shape), eps)

    return cases


def clipped() -> Iterator[Case]:
    for seed, max_norm in enumerate((0.01, 0.7, 1.0, 3.0, 100.0), start=7500):
        yield optim_exercises._clip_params_case(seed, D=1, H=1, max_norm=max_norm)
        yield optim_exercises._clip_params_case(seed, D=3, H=2, max_norm=max_norm, scale=0.3)
        yield optim_exercises._clip_model_case(seed, D=2, H=2, K=3, max_norm=max_norm)


def sgd() -> Iterator[Case]:
    for seed, lr in enumerate((0.001, 0.3, 1.0, 2.0), start=7550):
        yield optim_exercises._params_case(seed, D=2, H=2, lr=lr)
        yield optim_exercises._model_case(seed, D=3, H=2, K=4, lr=lr)


def adam() -> Iterator[Case]:
    for seed, (updates, K, zeros) in enumerate(itertools.product((0, 1, 2, 50), (0, 3), (False, True)), start=7600):
        for how in ({}, {"lr": 0.3, "decay_mean": 0.5, "decay_square": 0.9, "eps": 1e-8}, {"eps": 0.5, "lr": 2.0}):
            yield optim_exercises._adam_case(seed, updates, D=2, H=3, K=K, zeros=zeros, **how)


def radii() -> Iterator[Case]:
    rng = np.random.default_rng(7700)
    for H, scale in itertools.product((1, 2, 3, 4, 7), (1e-3, 1.0, 30.0)):
        yield Case("", {"W": scale * rng.normal(size=(H, H))})


def orthogonal() -> Iterator[Case]:
    for seed, (H, gain) in enumerate(itertools.product((1, 2, 3, 7, 12), (0.1, 1.0, 2.5)), start=7800):
        yield init_exercises._orthogonal_case(seed, H=H, gain=gain)


def bytes_of_tapes() -> Iterator[Case]:
    for T, N, D, H, itemsize in itertools.product((1, 2, 9), (1, 2, 5), (1, 3), (1, 2, 6), (2, 8)):
        yield Case("", {"T": T, "N": N, "D": D, "H": H, "itemsize": itemsize})


def segments() -> Iterator[Case]:
    for seed, (T, segment) in enumerate(((1, 1), (1, 3), (2, 1), (3, 3), (7, 2), (7, 3), (9, 4), (12, 3)), start=7850):
        yield checkpointing_exercises._sqrt_case(segment, seed, K=2, T=T, N=2, D=2, H=2)
        yield checkpointing_exercises._sqrt_case(segment, seed + 50, K=1, T=T, N=1, D=3, H=2, scale=5.0)


def costs() -> Iterator[Case]:
    for T, slots, keeps in itertools.product(
        (1, 2, 3, 4, 6, 8, 13, 21, 40), (1, 2, 3, 4, 7, 12, 60), ("state", "step")
    ):
        yield checkpointing_exercises._cost_case(T, slots, keeps)


def schedules() -> Iterator[Case]:
    sizes = itertools.product(((1, 1), (2, 1), (4, 3), (7, 2), (9, 4), (12, 3)), ("state", "step"))
    for seed, ((T, slots), keeps) in enumerate(sizes, start=7900):
        yield checkpointing_exercises._schedule_case(slots, keeps, seed, K=2, T=T, N=2, D=2, H=2)
        yield checkpointing_exercises._schedule_case(slots, keeps, seed + 50, K=1, T=T, N=1, D=3, H=2)


def cut_into_windows() -> Iterator[Case]:
    for T, k in itertools.product((1, 2, 3, 5, 8, 12), (1, 2, 3, 4, 5, 20)):
        yield tbptt_exercises._windows_case(T, k)


def gradients(*ways: dict[str, Any]) -> Maker:
    def cases() -> Iterator[Case]:
        for seed, (how, another) in enumerate(itertools.product(ways, (False, True)), start=8000):
            yield tbptt_exercises._gradient_case(seed, N=2, D=2, H=2, another=another, **how)
            yield tbptt_exercises._gradient_case(seed + 100, N=1, D=1, H=3, another=another, **how)

    return cases


WINDOWED = [{"T": T, "k": k} for T, k in itertools.product((1, 2, 6, 7), (1, 2, 3, 9))]
SLIDING = [{"T": T, "k1": k1, "k2": k2} for T, k1, k2 in itertools.product((1, 4, 9), (1, 2, 3), (3, 4, 7, 12))]
RANDOMISED = [
    {"T": T, "cuts": cuts, "probability": p}
    for T, cuts in ((2, ()), (2, (1,)), (6, (1, 2, 5)), (7, (4,)), (9, (3, 6)))
    for p in (0.0, 0.1, 0.6)
]


def streams() -> Iterator[Case]:
    for seed, (L, N, D) in enumerate(((1, 1, 0), (2, 2, 0), (9, 3, 0), (10, 3, 2), (25, 4, 3), (8, 2, 2)), start=8200):
        yield tbptt_exercises._stream_case(seed, L=L, N=N, D=D)
        yield tbptt_exercises._stream_case(seed, L=L, N=N, D=D, whole=True)


def half_lives() -> Iterator[Case]:
    rng = np.random.default_rng(8300)
    for shape, scale in itertools.product(((1,), (4,), (2, 3), (2, 2, 2)), (1e-3, 1.0, 10.0, 300.0)):
        yield Case("", {"b": rng.normal(size=shape) * scale})
    for b in (0.0, -3.0, 7.5):
        yield Case("", {"b": b})


def lstm_inits() -> Iterator[Case]:
    for seed, (D, H, bias) in enumerate(itertools.product((1, 2, 6), (1, 2, 5), (0.5, 1.0, -2.0)), start=8400):
        yield lstm_exercises._init_case(seed, D=D, H=H, forget_bias=bias)


def fits() -> Iterator[Case]:
    for seed, (batches, size) in enumerate(((1, 1), (2, 3), (6, 2)), start=8500):
        for losses in ((), (1.0,), (3.0, 2.0, 1.5)):
            yield loop_exercises._vector_case(seed, batches, size, losses)
            yield loop_exercises._vector_case(seed, batches, size, losses, carried=True)
            yield loop_exercises._diary_case(seed, batches, size, losses)
    yield loop_exercises._net_case(8550, batches=2, T=4, N=2, H=2, losses=(0.5,))


def epochs() -> Iterator[Case]:
    sizes = itertools.product(((1, 1), (3, 3), (7, 2), (9, 4)), (rnn, lstm), (False, True))
    for seed, ((T, k), cell, carried) in enumerate(sizes, start=8600):
        yield loop_exercises._truncated_case(seed, cell, T=T, N=2, H=2, K=2, k=k, carried=carried)
        yield loop_exercises._truncated_case(seed + 50, cell, T=T, N=1, H=3, K=4, k=k, losses=(2.0,), carried=carried)


def bits() -> Iterator[Case]:
    for seed, ((T, k), cell) in enumerate(itertools.product(((1, 1), (3, 3), (7, 2), (9, 4)), (rnn, lstm)), start=8700):
        yield loop_exercises._bits_case(seed, cell, T=T, N=2, H=2, K=2, k=k)
        yield loop_exercises._bits_case(seed + 50, cell, T=T, N=1, H=3, K=4, k=k)


def texts() -> Iterator[Case]:
    for text, alphabet in (("a", "a"), ("abab", "ba"), ("aaa", "cba"), ("zyx\n ", " xyz\n"), ("1 + 1 = 2", "21=+ ")):
        yield text_exercises._encode_case(text, alphabet)


def samples() -> Iterator[Case]:
    for seed, (N, K) in enumerate(((1, 1), (1, 2), (2, 2), (5, 5), (30, 3), (50, 12)), start=8800):
        for temperature, scale in itertools.product((0.1, 1.0, 3.0), (0.01, 2.0, 100.0)):
            yield text_exercises._sample_case(seed, N=N, K=K, temperature=temperature, scale=scale)


def drawn(make: Callable[..., Case], lengths: tuple[int, ...]) -> Maker:
    """Return a maker of small and of large batches."""

    def cases() -> Iterator[Case]:
        for seed, (length, N) in enumerate(itertools.product(lengths, (1, 2, 20_000)), start=8900):
            yield make(seed, length, N)

    return cases


MORE: dict[str, Maker] = {
    "activations.sigmoid": sigmoid,
    "rnn.step": of_sizes(rnn_exercises._step_case, "NDH", SMALL),
    "unrolled.forward": together(
        of_sizes(unrolled_exercises._forward_case, "TNDH", LONG),
        of_sizes(unrolled_exercises._leaky_forward_case, "TNDH", LONG),
    ),
    "readout.forward": of_sizes(readout_exercises._forward_case, "TNHK", LONG),
    "losses.mse": masked,
    "losses.softmax_cross_entropy": classes,
    "losses.mse_gradient": masked,
    "losses.softmax_cross_entropy_gradient": classes,
    "readout.backward": of_sizes(readout_exercises._backward_case, "TNHK", LONG),
    "rnn.step_backward": of_sizes(rnn_exercises._step_backward_case, "NDH", SMALL),
    "unrolled.backward": together(
        of_sizes(unrolled_exercises._backward_case, "TNDH", LONG),
        of_sizes(unrolled_exercises._leaky_backward_case, "TNDH", LONG),
    ),
    "gradcheck.central_difference": differences((0.3, 0.01, 1e-5)),
    "gradcheck.complex_step": differences((0.1, 1e-8, 1e-30)),
    "optim.sgd": sgd,
    "flow.step_jacobian": of_sizes(flow_exercises._step_jacobian_case, "NDH", SMALL),
    "flow.gradient_norms": together(
        of_sizes(flow_exercises._gradient_norms_case, "TNDH", LONG),
        of_sizes(flow_exercises._gradient_norms_case, "TNDH", LONG, weights=3.0, scale=0.1),
        of_sizes(flow_exercises._leaky_gradient_norms_case, "TNDH", LONG),
    ),
    "flow.spectral_radius": radii,
    "optim.clip_by_global_norm": clipped,
    "init.orthogonal": orthogonal,
    "checkpointing.tape_bytes": bytes_of_tapes,
    "checkpointing.backward_sqrt": segments,
    "checkpointing.forward_cost": costs,
    "checkpointing.backward": schedules,
    "tbptt.contributions": together(
        of_sizes(tbptt_exercises._contributions_case, "TNDH", LONG[:6]),
        of_sizes(tbptt_exercises._contributions_case, "TNDH", LONG[:6], another=True),
    ),
    "tbptt.windows": cut_into_windows,
    "tbptt.windowed_gradient": gradients(*WINDOWED),
    "tbptt.sliding_gradient": gradients(*(how for how in SLIDING if how["k1"] <= how["k2"])),
    "tbptt.stream_batches": streams,
    "tbptt.randomised_gradient": gradients(*RANDOMISED),
    "lstm.step": of_sizes(lstm_exercises._step_case, "NDH", SMALL),
    "lstm.memory_half_life": half_lives,
    "lstm.init": lstm_inits,
    "lstm.step_backward": of_sizes(lstm_exercises._step_backward_case, "NDH", SMALL),
    "gru.step": of_sizes(gru_exercises._step_case, "NDH", SMALL),
    "gru.step_backward": of_sizes(gru_exercises._step_backward_case, "NDH", SMALL),
    "adding.sequences": drawn(adding_exercises._adding_case, (2, 3, 5, 8)),
    "loop.fit": fits,
    "optim.adam": adam,
    "copying.sequences": drawn(copying_exercises._copying_case, (1, 2, 5)),
    "text.encode": texts,
    "loop.bits_per_symbol": bits,
    "loop.truncated_epoch": epochs,
    "text.sample": samples,
}
