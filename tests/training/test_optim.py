"""Plain gradient descent, clipping by the global norm, and Adam against hand and against PyTorch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bptt_lessons import nested
from bptt_lessons.cells import rnn
from bptt_lessons.training import loop, optim, readout


def test_sgd_takes_the_step_it_says_and_leaves_its_arguments_alone():
    params = rnn.Params(np.array([[1.0]]), np.array([[2.0]]), np.array([3.0]))
    grads = rnn.Params(np.array([[10.0]]), np.array([[-20.0]]), np.array([0.0]))
    for array in (*params, *grads):
        array.setflags(write=False)
    better = optim.sgd(params, grads, 0.5)
    assert type(better) is rnn.Params
    assert [float(p.item()) for p in better] == [-4.0, 12.0, 3.0]
    assert not any(np.shares_memory(new, old) for new, old in zip(better, params, strict=True))


@pytest.mark.parametrize("lr", [0.1, 1, np.float64(0.1), np.float32(0.1), np.int64(1)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex64])
def test_dtype_is_kept_whatever_number_lr_is(lr, dtype):
    params = rnn.Params(*(np.ones((1, 1), dtype) for _ in range(3)))
    assert {p.dtype for p in optim.sgd(params, params, lr)} == {np.dtype(dtype)}


def draw_model(seed: int, size: float = 1.0, dtype: Any = np.float64) -> loop.Model:
    """A nested gradient."""
    rng = np.random.default_rng(seed)
    model = loop.Model(rnn.init(rng, 2, 3), readout.Readout(rng.normal(size=(3, 4)), rng.normal(size=4)))
    return nested.map_arrays(lambda p: (size * p).astype(dtype), model)


def flat(tree: Any) -> Any:
    """All entries in one row."""
    return np.concatenate([array.ravel() for _, array in nested.named_arrays(tree)])


@given(st.integers(0, 2**32 - 1), st.floats(1e-6, 1e6), st.floats(1e-6, 1e6))
def test_the_global_norm_is_that_of_all_entries_and_clipping_keeps_the_direction(seed, size, max_norm):
    grads = draw_model(seed, size)
    norm = np.linalg.norm(flat(grads))
    assert optim.global_norm(grads) == pytest.approx(norm, rel=1e-14)
    clipped = optim.clip_by_global_norm(grads, max_norm)
    assert type(clipped) is loop.Model
    if norm <= max_norm:
        assert all(
            new.tobytes() == old.tobytes()
            for (_, new), (_, old) in zip(nested.named_arrays(clipped), nested.named_arrays(grads), strict=True)
        )
    else:
        assert np.linalg.norm(flat(clipped)) == pytest.approx(max_norm, rel=1e-14)
        cosine = flat(clipped) @ flat(grads) / np.linalg.norm(flat(clipped)) / norm
        assert abs(cosine - 1) <= 1e-14
        ratio = flat(clipped) / flat(grads)
        assert np.allclose(ratio, max_norm / norm, rtol=1e-14, atol=0)


def test_clipping_by_hand():
    grads = readout.Readout(np.array([[3.0]]), np.array([-4.0]))
    assert optim.global_norm(grads) == 5
    clipped = optim.clip_by_global_norm(grads, 1)
    assert (clipped.W_hy.item(), clipped.b_y.item()) == pytest.approx((0.6, -0.8), rel=1e-15)
    assert (grads.W_hy.item(), grads.b_y.item()) == (3, -4)
    same = optim.clip_by_global_norm(grads, 5)
    assert (same.W_hy.item(), same.b_y.item()) == (3, -4)
    complex_grads = readout.Readout(np.array([[3j]]), np.array([4 + 0j]))
    assert optim.global_norm(complex_grads) == 5
    assert optim.clip_by_global_norm(complex_grads, 1).W_hy.item() == pytest.approx(0.6j)


def test_a_gradient_of_zeros_or_of_next_to_nothing_stays():
    zeros = nested.zeros_like(draw_model(0))
    assert optim.global_norm(zeros) == 0
    assert not flat(optim.clip_by_global_norm(zeros, 1e-3)).any()
    tiny = draw_model(0, 1e-200)
    assert np.array_equal(flat(optim.clip_by_global_norm(tiny, 1.0)), flat(tiny))
    signed = readout.Readout(np.array([[-0.0]]), np.array([0.5]))
    assert np.signbit(optim.clip_by_global_norm(signed, 1.0).W_hy).all()


@pytest.mark.parametrize("max_norm", [0.5, 1, np.float64(0.5), np.float32(0.5)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex64])
def test_clipping_keeps_every_dtype_and_writes_into_nothing(dtype, max_norm):
    grads = draw_model(0, 10, dtype)
    for _, array in nested.named_arrays(grads):
        array.setflags(write=False)
    clipped = optim.clip_by_global_norm(grads, max_norm)
    assert {array.dtype for _, array in nested.named_arrays(clipped)} == {np.dtype(dtype)}
    assert optim.global_norm(clipped) == pytest.approx(float(max_norm), rel=1e-6)


def test_the_first_steps_of_adam_by_hand():
    """Gradients 2 and then -1: the first step is lr whatever the size, the second follows the paper's algorithm 1."""
    params = readout.Readout(np.array([[1.0]]), np.array([10.0]))
    grads = [readout.Readout(np.array([[g]]), np.array([100 * g])) for g in (2.0, -1.0)]
    state = optim.adam_start(params)
    assert (state.updates, state.mean.W_hy.item(), state.square.b_y.item()) == (0, 0, 0)
    one, state = optim.adam(params, grads[0], state, lr=0.1)
    assert one.W_hy.item() == pytest.approx(1 - 0.1 * 2 / (2 + 1e-8), rel=1e-15)
    assert one.b_y.item() == pytest.approx(10 - 0.1 * 200 / (200 + 1e-8), rel=1e-15)
    two, state = optim.adam(one, grads[1], state, lr=0.1)
    mean = (0.9 * 0.1 * 2 + 0.1 * -1) / (1 - 0.9**2)
    square = (0.999 * 0.001 * 4 + 0.001 * 1) / (1 - 0.999**2)
    assert two.W_hy.item() == pytest.approx(one.W_hy.item() - 0.1 * mean / (np.sqrt(square) + 1e-8), rel=1e-14)
    assert state.updates == 2
    assert state.mean.W_hy.item() == pytest.approx(0.9 * 0.2 - 0.1, rel=1e-14)
    assert (params.W_hy.item(), params.b_y.item()) == (1, 10)


@pytest.mark.parametrize("number", [np.float64, np.float32, float])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_adam_keeps_every_dtype_whatever_its_numbers_are_and_writes_into_nothing(dtype, number):
    params = draw_model(0, 1, dtype)
    state = optim.adam_start(params)
    for _, array in [
        *nested.named_arrays(params),
        *nested.named_arrays(state.mean),
        *nested.named_arrays(state.square),
    ]:
        array.setflags(write=False)
    for _ in range(2):
        params, state = optim.adam(params, params, state, number(0.1), number(0.9), number(0.99), number(1e-6))
    for tree in (params, state.mean, state.square):
        assert {array.dtype for _, array in nested.named_arrays(tree)} == {np.dtype(dtype)}
