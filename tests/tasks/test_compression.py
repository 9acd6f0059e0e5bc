"""Compression: models by hand, probabilities that add up to one, and what xz does with a text that it has seen."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bptt_lessons.tasks import compression

seeds = st.integers(0, 2**32 - 1)


def test_unigram_by_hand():
    """Counts 3, 1, 0, each raised by one: 4/7, 2/7 and 1/7."""
    training = np.array([0, 0, 1, 0])
    assert compression.unigram_bits(training, np.array([0]), 3) == pytest.approx(-np.log2(4 / 7), rel=1e-15)
    assert compression.unigram_bits(training, np.array([2]), 3) == pytest.approx(np.log2(7), rel=1e-15)
    both = (-np.log2(2 / 7) - np.log2(4 / 7) - np.log2(4 / 7)) / 3
    assert compression.unigram_bits(training, np.array([1, 0, 0]), 3) == pytest.approx(both, rel=1e-15)


@given(st.integers(2, 4), st.integers(3, 60), seeds)
def test_each_of_the_four_models_gives_the_next_characters_probabilities_that_sum_to_one(K, L, seed):
    """After any two characters, seen before or not."""
    counted = np.random.default_rng(seed).integers(0, K, L)
    for a in range(K):
        for b in range(K):
            parts = np.stack([compression.trigram_parts(counted, np.array([a, b, c]), K)[:, 0] for c in range(K)])
            assert np.all(parts >= 0)
            assert parts.sum(axis=0) == pytest.approx(np.ones(4), rel=1e-14)


@given(st.integers(2, 4), st.integers(3, 60), st.integers(3, 20), seeds)
def test_the_parts_are_counts_by_plain_loops(K, L, of_text, seed):
    rng = np.random.default_rng(seed)
    counted, text = rng.integers(0, K, L).tolist(), rng.integers(0, K, of_text).tolist()
    parts = compression.trigram_parts(np.array(counted), np.array(text), K)
    assert parts.shape == (4, of_text - 2)
    for at in range(2, of_text):
        right = [1 / K]
        for order in (1, 2, 3):
            wanted = text[at - order + 1 : at + 1]
            places = range(L - order + 1)
            runs = [counted[j : j + order] for j in places]
            total = sum(run[:-1] == wanted[:-1] for run in runs)
            right.append(sum(run == wanted for run in runs) / total if total else right[-1])
        assert parts[:, at - 2] == pytest.approx(right, rel=1e-14)


def test_a_sequence_that_the_last_two_characters_settle():
    """0 1 2 0 1 2 ... costs next to nothing by trigram and log2 3 by unigram."""
    training, held_out = np.tile([0, 1, 2], 400), np.tile([0, 1, 2], 50)
    assert compression.trigram_bits(training, held_out, 3) < 1e-3
    assert compression.unigram_bits(training, held_out, 3) == pytest.approx(np.log2(3), rel=1e-12)


def test_the_trigram_is_a_mixture_with_fitted_weights():
    """No less than the best of any fixed weights on a grid, by more than a little: the fit is on other data."""
    rng = np.random.default_rng(1)
    chain = [0, 1]
    for u in rng.random(6000):
        chain.append(int((chain[-1] + 2 * chain[-2] + (u < 0.3)) % 3))
    training, held_out = np.array(chain[:5000]), np.array(chain[5000:])
    parts = compression.trigram_parts(training, held_out, 3)
    grid = np.random.default_rng(2).dirichlet(np.ones(4), 2000)
    best = float((-np.log2(grid @ parts)).mean(axis=1).min())
    fitted = compression.trigram_bits(training, held_out, 3)
    assert fitted <= best + 0.01
    assert fitted < compression.unigram_bits(training, held_out, 3) - 0.3
    first = compression.trigram_bits(training, held_out, 3, rounds=1)
    assert fitted <= first + 1e-9


def test_an_unseen_character_still_has_a_probability():
    training = np.tile([0, 1], 50)
    bits = compression.trigram_bits(training, np.array([0, 1, 2, 2, 2]), 3)
    assert np.isfinite(bits)
    assert bits > 2


def noise(seed: int, length: int) -> str:
    """Letters without any order."""
    return "".join(np.random.default_rng(seed).choice(list("abcdefghijklmnop"), length))


def test_xz_that_was_given_the_text_needs_next_to_nothing_for_it_again():
    text = noise(0, 20_000)
    alone, given_it, given_other = (
        compression.xz_bits(text, before) for before in ("", noise(1, 5000) + text, noise(1, 20_000))
    )
    assert 4 <= alone < 4.6  # sixteen letters: four bits, and xz is not made for noise
    assert given_it < 0.05 * alone
    assert given_other == pytest.approx(alone, rel=0.05)


def test_an_alphabet_alone():
    assert compression.uniform_bits(2) == 1
    assert compression.uniform_bits(64) == 6
    assert compression.uniform_bits(100) == pytest.approx(6.643856, rel=1e-6)


def test_bits_are_by_character_and_not_by_byte():
    """Two bytes each in UTF-8, one character each."""
    latin, greek = noise(2, 5000), noise(2, 5000).translate({ord("a") + k: chr(0x3B1 + k) for k in range(16)})
    assert compression.xz_bits(greek) < 1.6 * compression.xz_bits(latin)
