"""Compression: bits per character of models that everyone has, to measure a language model against.

A model that gives the next character the probability p needs -log₂ p bits for it.
"""

from __future__ import annotations

import lzma
from sys import maxunicode

import numpy as np

from bptt_lessons.arguments import Array, check_plain, check_size, kind_of, shown

FILTERS = [{"id": lzma.FILTER_LZMA2, "preset": 9 | lzma.PRESET_EXTREME, "dict_size": 1 << 24}]


def uniform_bits(K: int) -> float:
    """Bits per character of a model that knows only the alphabet of K characters."""
    K = check_alphabet_size(K)
    return float(np.log2(K))


def unigram_bits(training: Array, held_out: Array, K: int) -> float:
    """Bits per character of the training text's frequencies, each count raised by one, on the held-out text.

    Parameters
    ----------
    training, held_out : integer arrays (L,)
    K : int
        Characters in the alphabet.
    """
    K = check_symbols("training", training, K)
    check_symbols("held_out", held_out, K)
    counts = np.bincount(training, minlength=K) + 1
    return float(-np.log2(counts[held_out] / counts.sum()).mean())


def trigram_bits(training: Array, held_out: Array, K: int, rounds: int = 20) -> float:
    """Bits per character of an interpolated trigram model on the held-out text.

    The probability of a character is a weighted sum of how often it came after the last two, after
    the last one, at all, and of 1/K.  The four weights are fitted, by expectation maximisation, to
    the last tenth of the training text with the counts of the rest (Jelinek and Mercer 1980); then
    all of it is counted.

    Parameters
    ----------
    training, held_out : integer arrays (L,)
        Of at least 30 and 3 characters.
    K : int
    rounds : int, optional
        Of the fit.
    """
    check_symbols("training", training, K, at_least=30)
    check_symbols("held_out", held_out, K, at_least=3)
    check_size("rounds", rounds)
    cut = len(training) - len(training) // 10
    weights = np.full(4, 0.25)
    p = trigram_parts(training[:cut], training[cut:], K)
    for _ in range(rounds):
        shares = weights[:, None] * p
        weights = (shares / shares.sum(axis=0)).mean(axis=1)
    return float(-np.log2(weights @ trigram_parts(training, held_out, K)).mean())


def trigram_parts(counted: Array, text: Array, K: int) -> Array:
    """Return what each of the four models says of a text's characters from the third on, (4, L - 2)."""
    K = check_symbols("counted", counted, K, at_least=3)
    check_symbols("text", text, K, at_least=3)
    parts = [np.full(len(text) - 2, 1 / K)]
    for order in (1, 2, 3):
        seen, context = _grams(counted, order, K), _grams(counted[:-1], order - 1, K)  # a run less its last character
        wanted, before = _grams(text, order, K)[3 - order :], _grams(text[:-1], order - 1, K)[3 - order :]
        n, total = _count_of(seen, wanted), _count_of(context, before)
        parts.append(np.divide(n, total, out=parts[-1].copy(), where=total > 0))  # never seen: as the shorter one says
    return np.stack(parts)


def _grams(text: Array, order: int, K: int) -> Array:
    """Return a number for every run of `order` characters, (L - order + 1,)."""
    L = len(text) - order + 1
    code = np.zeros(L, dtype=np.int64)
    for k in range(order):
        code = code * K + text[k : k + L]
    return code


def _count_of(seen: Array, wanted: Array) -> Array:
    """Return how often each of `wanted` is in `seen`."""
    values, counts = np.unique(seen, return_counts=True)
    at = np.minimum(np.searchsorted(values, wanted), len(values) - 1)
    found: Array = np.where(values[at] == wanted, counts[at], 0)
    return found


def xz_bits(held_out: str, given: str = "") -> float:
    """Bits per character that ``xz`` at its strongest adds for a text, after one that both sides know.

    Parameters
    ----------
    held_out : str
    given : str, optional
        Compressed in front of it, and not counted.
    """
    if not isinstance(held_out, str) or not isinstance(given, str) or not held_out:
        raise ValueError("held_out and given must be strings, held_out not empty")
    return 8 * (_xz_bytes(given + held_out) - _xz_bytes(given)) / len(held_out)


def _xz_bytes(text: str) -> int:
    """Bytes of a text compressed by xz, without the container's fixed few."""
    return len(lzma.compress(text.encode(), format=lzma.FORMAT_RAW, filters=FILTERS)) if text else 0


def check_alphabet_size(K: object) -> int:
    """Return K as an int if it is a whole number from 2 to as many characters as there are, else raise ValueError."""
    if isinstance(K, bool) or not isinstance(K, (int, np.integer)) or not 2 <= K <= maxunicode + 1:
        raise ValueError(f"K must be a whole number of at least 2 and at most {maxunicode + 1}, got {shown(K)}")
    return int(K)


def check_symbols(name: str, symbols: Array, K: int, at_least: int = 1) -> int:
    """Return K as an int if `symbols` are integers (L,) from 0 to K - 1, else raise ValueError."""
    K = check_alphabet_size(K)
    if not isinstance(symbols, np.ndarray) or symbols.ndim != 1 or symbols.dtype.kind not in "iu":
        found = kind_of(symbols) if isinstance(symbols, np.ndarray) else shown(symbols)
        raise ValueError(f"{name} has {found}, expected integers of shape (L,)")
    check_plain(name, symbols)
    if len(symbols) < at_least:
        raise ValueError(f"{name} has shape {symbols.shape}, expected at least {at_least} characters")
    if not 0 <= symbols.min() <= symbols.max() < K:
        raise ValueError(f"{name} must hold numbers from 0 to {K - 1}, got {symbols.min()} to {symbols.max()}")
    return K
