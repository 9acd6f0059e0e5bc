"""Starts: range, spread, dtype, spectra, no bias of sign, and the same draw from the same seed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bptt_lessons.cells import init

seeds = st.integers(0, 2**32 - 1)
gains = st.floats(0.01, 100)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, "float32"])
def test_uniform_fills_its_range(dtype):
    W = init.uniform(np.random.default_rng(0), 100, 200, 0.3, dtype)
    assert (W.shape, W.dtype) == ((100, 200), np.dtype(dtype))
    assert -0.3 <= W.min() < -0.299
    assert 0.299 < W.max() <= np.dtype(dtype).type(0.3)
    assert abs(W.mean()) < 0.005  # four standard errors: 4 · 0.3 / √3 / √20000
    assert abs(W.std() - 0.3 / np.sqrt(3)) < 0.003


def test_uniform_draws_from_the_generator_it_is_given():
    one, two = (init.uniform(np.random.default_rng(5), 3, 4, 1.0) for _ in range(2))
    assert np.array_equal(one, two)
    rng = np.random.default_rng(5)
    init.uniform(rng, 3, 4, 1.0)
    assert not np.array_equal(init.uniform(rng, 3, 4, 1.0), one)


@given(st.integers(1, 12), seeds, gains)
def test_orthogonal_changes_lengths_by_its_gain_alone(H, seed, gain):
    W = init.orthogonal(np.random.default_rng(seed), H, gain)
    assert W.shape == (H, H)
    assert np.allclose(W.T @ W, gain**2 * np.eye(H), rtol=0, atol=1e-13 * gain**2)
    assert np.allclose(np.linalg.svd(W, compute_uv=False), gain, rtol=1e-13, atol=0)
    assert np.allclose(np.abs(np.linalg.eigvals(W)), gain, rtol=1e-12, atol=0)


def test_orthogonal_favours_no_sign_and_no_place():
    """Equally likely matrices: every entry has mean 0 and variance 1/H, and half of them are reflections.

    NumPy's Q alone fails this: its R has a diagonal of one sign, so Q's first entries have a mean of their own.
    """
    rng = np.random.default_rng(0)
    H, draws = 4, 4000
    W = np.stack([init.orthogonal(rng, H) for _ in range(draws)])
    assert np.abs(W.mean(axis=0)).max() < 5 * np.sqrt(1 / H / draws)
    assert np.allclose((W**2).mean(axis=0), 1 / H, atol=0.025)
    assert abs((np.linalg.det(W) > 0).mean() - 0.5) < 5 * 0.5 / np.sqrt(draws)
    assert abs((W[:, 0, 0] > 0).mean() - 0.5) < 5 * 0.5 / np.sqrt(draws)
    assert abs(np.trace(W, axis1=1, axis2=2).mean()) < 5 / np.sqrt(draws)  # its variance is 1
    unsigned = np.stack([np.linalg.qr(rng.normal(size=(H, H)))[0] for _ in range(draws)])
    assert np.abs(unsigned.mean(axis=0)).max() > 10 * np.sqrt(1 / H / draws)  # so the test can tell


def test_one_unit_is_drawn_with_either_sign():
    rng = np.random.default_rng(0)
    drawn = np.array([init.orthogonal(rng, 1).item() for _ in range(400)])
    assert set(drawn) == {-1.0, 1.0}
    assert 150 < (drawn > 0).sum() < 250


def test_identity():
    assert np.array_equal(init.identity(3), np.eye(3))
    assert np.array_equal(init.identity(2, 0.5), [[0.5, 0], [0, 0.5]])


@given(st.integers(1, 10), seeds, gains)
def test_scaled_to_radius_scales_every_entry_alike(H, seed, radius):
    W = np.random.default_rng(seed).normal(size=(H, H))
    before = W.copy()
    scaled = init.scaled_to_radius(W, radius)
    assert np.abs(np.linalg.eigvals(scaled)).max() == pytest.approx(radius, rel=1e-9)
    assert np.allclose(scaled / W, (scaled / W)[0, 0], rtol=1e-12, atol=0)
    assert (scaled / W)[0, 0] > 0
    assert np.array_equal(W, before)


def test_scaled_to_radius_in_a_closed_case_and_without_a_radius():
    W = np.array([[0.0, -3.0], [3.0, 0.0]])  # the eigenvalues are ±3i
    assert np.allclose(init.scaled_to_radius(W, 0.5), [[0, -0.5], [0.5, 0]], rtol=1e-15)
    with pytest.raises(ValueError, match="spectral radius 0"):
        init.scaled_to_radius(np.array([[0.0, 1.0], [0.0, 0.0]]), 1.0)


@pytest.mark.parametrize("H", [2, 3, 8, 15])
@pytest.mark.parametrize("radius", [0.5, 0.9, 1.1])
@pytest.mark.parametrize("shear", [0, 0.3, 1.0])
def test_all_eigenvalues_of_a_sheared_matrix_have_the_radius(H, radius, shear):
    for seed in range(5):
        W = init.non_normal(np.random.default_rng(seed), H, radius, shear)
        eigenvalues = np.linalg.eigvals(W)
        assert np.allclose(np.abs(eigenvalues), radius, rtol=1e-6, atol=0)
        assert np.abs(np.linalg.det(W)) == pytest.approx(radius**H, rel=1e-6)
        commutator = W @ W.T - W.T @ W
        if shear == 0:
            assert np.allclose(W.T @ W, radius**2 * np.eye(H), rtol=0, atol=1e-13)
        elif H > 2:
            assert np.abs(commutator).max() > 1e-3
            assert np.linalg.norm(W, 2) > 1.01 * radius


def test_more_shear_moves_the_singular_values_further():
    sigma = [np.linalg.norm(init.non_normal(np.random.default_rng(0), 12, 0.9, shear), 2) for shear in (0, 0.5, 1, 2)]
    assert sigma == sorted(sigma)
    assert sigma[0] == pytest.approx(0.9, rel=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("number", [0.9, 1, np.float64(0.9), np.float32(0.9)])
def test_every_dtype_is_kept_whatever_number_the_scale_is(dtype, number):
    rng = np.random.default_rng(0)
    assert init.orthogonal(rng, 3, number, dtype).dtype == dtype
    assert init.identity(3, number, dtype).dtype == dtype
    assert init.scaled_to_radius(np.eye(3, dtype=dtype), number).dtype == dtype


def test_the_same_seed_gives_the_same_matrix_and_another_another():
    for draw in (lambda rng: init.orthogonal(rng, 4), lambda rng: init.non_normal(rng, 4, 0.9, 0.5)):
        one, two, three = (draw(np.random.default_rng(seed)) for seed in (0, 0, 1))
        assert np.array_equal(one, two)
        assert not np.array_equal(one, three)
