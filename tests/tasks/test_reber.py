"""Embedded Reber grammar: its strings against a regular expression that knows nothing of the graph."""

from __future__ import annotations

import re
from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bptt_lessons.tasks import reber

seeds = st.integers(0, 2**32 - 1)

# Reber's graph as a regular expression.  Below: T any number of times, then V to the way out; from there V or S
# ends it, and P X comes back below.  Above: T, any number of S, X; then S ends it, or X goes down.
BELOW = "T*V(?:PXT*V)*(?:V|PS)"
INNER = f"B(?:TS*XS|TS*XX{BELOW}|P{BELOW})E"
GRAMMAR = re.compile(f"B(?:T{INNER}T|P{INNER}P)E")


def language(most: int) -> set[str]:
    """All strings of up to `most` inner symbols that the regular expression accepts, found without the graph."""
    inner = re.compile(INNER)
    found = set()
    for length in range(1, most + 1):
        for middle in product("TPSXV", repeat=length):
            text = f"B{''.join(middle)}E"
            if inner.fullmatch(text):
                found |= {f"B{outer}{text}{outer}E" for outer in "TP"}
    return found


def drawn(count: int, seed: int = 0) -> list[str]:
    """Strings of the generator."""
    rng = np.random.default_rng(seed)
    return [reber.string(rng) for _ in range(count)]


def test_every_short_string_of_the_language_is_drawn_and_no_other():
    """Up to four inner symbols: each of them comes up among 6,000."""
    short = language(4)
    assert {text for text in drawn(6_000) if len(text) <= 2 + 6 + 2} == short
    assert "BTBTXSETE" in short
    assert "BPBPVVEPE" in short


def accepted(text: str) -> bool:
    """Whether `legal_next` takes a string."""
    try:
        reber.legal_next(text)
    except ValueError:
        return False
    return True


def test_strings_are_refused_exactly_where_the_regular_expression_refuses_them():
    """Every string of nine symbols that begins and ends as one of the grammar, and every change of one symbol."""
    for middle in product(reber.SYMBOLS, repeat=3):
        for start, end in product(["BTB", "BPB", "BB", "TTB"], ["ETE", "EPE", "EE", "E"]):
            text = start + "".join(middle) + end
            assert accepted(text) == bool(GRAMMAR.fullmatch(text)), text
    for text in drawn(8, 1):
        for place in range(len(text)):
            for symbol in reber.SYMBOLS + "x":
                changed = text[:place] + symbol + text[place + 1 :]
                assert accepted(changed) == bool(GRAMMAR.fullmatch(changed)), changed
        assert not accepted(text[:-1])
        assert not accepted(text + "E")


def could_begin(start: str, strings: set[str]) -> bool:
    """Whether one of the strings begins so."""
    return any(text.startswith(start) for text in strings)


def test_the_symbols_that_may_come_next_are_those_that_some_string_continues_with():
    """From the language alone: a beginning can be continued by just the symbols that `legal_next` lists."""
    strings = language(6)
    for text in sorted(language(3)):
        for t, symbols in enumerate(reber.legal_next(text), start=1):
            goes_on = {symbol for symbol in reber.SYMBOLS if could_begin(text[:t] + symbol, strings)}
            assert set(symbols) == goes_on, (text[:t], symbols)


@given(seeds)
def test_every_symbol_drawn_is_legal_and_only_the_last_but_one_depends_on_the_second(seed):
    for text in drawn(10, seed):
        legal = reber.legal_next(text)
        assert len(legal) == len(text) - 1
        assert all(following in symbols for following, symbols in zip(text[1:], legal, strict=True))
        assert legal[0] == "TP"
        assert legal[-2] == text[1] == text[-2]
        other = {"T": "P", "P": "T"}[text[1]]
        swapped = f"B{other}{text[2:-2]}{other}E"
        assert reber.legal_next(swapped)[:-2] == legal[:-2]
        assert reber.legal_next(swapped)[-2] == other


def test_a_batch_by_hand():
    texts = ["BTBTXSETE", "BPBTSXSEPE"]
    x, target, mask, legal = reber.batch(texts)
    assert (x.shape, target.shape, mask.shape, legal.shape) == ((9, 2, 7), (9, 2), (9, 2), (9, 2, 7))
    assert (x.dtype, target.dtype.kind, mask.dtype, legal.dtype) == (np.float64, "i", np.bool_, np.bool_)
    for n, text in enumerate(texts):
        for t, (symbol, following) in enumerate(pairwise(text)):
            assert x[t, n].tolist() == [float(s == symbol) for s in reber.SYMBOLS]
            assert reber.SYMBOLS[target[t, n]] == following
            assert legal[t, n].tolist() == [s in reber.legal_next(text)[t] for s in reber.SYMBOLS]
    assert mask.tolist() == [[True, True]] * 8 + [[False, True]]
    assert not x[8, 0].any()
    assert not legal[8, 0].any()
    assert target[8, 0] == 0


@given(seeds, st.integers(1, 6))
def test_batches_are_strings_padded_at_the_end(seed, N):
    x, target, mask, legal = reber.sequences(np.random.default_rng(seed), N)
    texts = drawn(N, seed)  # the same draws, one by one
    again = reber.batch(texts)
    assert all(np.array_equal(a, b) for a, b in zip((x, target, mask, legal), again, strict=True))
    assert len(x) == max(map(len, texts)) - 1
    assert mask.sum(axis=0).tolist() == [len(text) - 1 for text in texts]
    assert np.array_equal(x.sum(axis=2), mask)  # a symbol wherever there is one
    assert np.array_equal(legal.any(axis=2), mask)
    assert np.take_along_axis(legal, target[..., None], axis=2)[..., 0][mask].all()


def test_both_choices_occur_about_equally_often_wherever_there_is_one():
    counts: dict[tuple[str, str], int] = {}
    for text in drawn(2000):
        legal = reber.legal_next(text)
        for symbols, following in zip(legal, text[1:], strict=True):
            counts[symbols, following] = counts.get((symbols, following), 0) + 1
    choices = {symbols for symbols, _ in counts if len(symbols) == 2}
    assert choices == {"TP", "SX", "TV", "XS", "PV"}
    for symbols in choices:
        one, two = (counts[symbols, symbol] for symbol in symbols)
        assert one / (one + two) == pytest.approx(0.5, abs=0.05)
