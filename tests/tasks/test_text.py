"""Text: symbols there and back, sampling against explicit probabilities, and where the text comes from."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bptt_lessons.tasks import text

seeds = st.integers(0, 2**32 - 1)


@given(st.text("abcßλ語🙂 \n", min_size=1, max_size=20))
def test_decode_undoes_encode(original):
    letters = text.alphabet(original)
    symbols = text.encode(original, letters)
    assert (symbols.shape, symbols.dtype.kind) == ((len(original),), "i")
    assert text.decode(symbols, letters) == original
    assert letters == "".join(sorted(set(original)))
    assert symbols.tolist() == [letters.index(character) for character in original]


def softmax(y: Any) -> Any:
    """exp y by its sum, the plain way."""
    return np.exp(y) / np.exp(y).sum(axis=-1, keepdims=True)


@given(st.integers(1, 6), st.integers(1, 8), seeds, st.floats(0.2, 5))
def test_a_sample_is_the_first_symbol_whose_cumulative_probability_is_above_u(N, K, seed, temperature):
    rng = np.random.default_rng(seed)
    y, u = rng.normal(size=(N, K)), rng.random(N)
    p = softmax(y / temperature)
    found = text.sample(y, temperature, u)
    assert (found.shape, found.dtype.kind) == ((N,), "i")
    for n in range(N):
        below = 0.0
        for k in range(K):
            if below + p[n, k] > u[n]:
                break
            below += p[n, k]
        assert found[n] == k


def test_each_symbol_is_hit_by_its_share_of_all_u():
    """A grid of u: no chance in it.  A share p of 10,000 numbers is within one of 10,000 p."""
    u = (np.arange(10_000) + 0.5) / 10_000
    y = np.array([0.0, 1.0, -2.0, 0.5])
    for temperature in (0.5, 1.0, 3.0):
        found = text.sample(np.tile(y, (10_000, 1)), temperature, u)
        assert np.all(np.diff(found) >= 0)
        shares = np.bincount(found, minlength=4)
        assert np.all(np.abs(shares - 10_000 * softmax(y / temperature)) <= 1)


def test_the_edges_of_u():
    y = np.log(np.array([[0.25, 0.25, 0.5]] * 5))
    u = np.array([0.0, 0.2499, 0.2501, 0.5001, np.nextafter(1, 0)])
    assert text.sample(y, 1.0, u).tolist() == [0, 0, 1, 2, 2]
    zero_first = np.array([[-np.inf, 0.0, 0.0]])
    assert text.sample(zero_first, 1.0, np.array([0.0])).tolist() == [1]  # what cannot come never does, even at u = 0
    assert text.sample(np.array([[0.0, -1e9]]), 1.0, np.array([np.nextafter(1, 0)])).tolist() == [0]


class Reader:
    """A reader that says the next symbol of a circle of K for sure, and writes down what it was given."""

    def __init__(self, K: int) -> None:
        self.K = K
        self.heard: list[tuple[list[int], Any]] = []

    def __call__(self, symbols: Any, state: Any) -> tuple[Any, Any]:
        self.heard.append((symbols.tolist(), state))
        y = np.full((1, self.K), -1e9)
        y[0, (symbols[-1] + 1) % self.K] = 0
        return y, len(self.heard)


def test_what_a_model_says_is_what_it_hears_next():
    read = Reader(4)
    said = text.generate(np.random.default_rng(0), read, np.array([0, 1]), 5)
    assert said.tolist() == [2, 3, 0, 1, 2]
    assert said.dtype.kind == "i"
    assert read.heard[0] == ([0, 1], None)
    assert [(symbols, state) for symbols, state in read.heard[1:]] == [([2], 1), ([3], 2), ([0], 3), ([1], 4), ([2], 5)]


def test_generation_draws_from_the_softmax_with_the_rngs_own_numbers():
    y = np.array([[0.0, 1.0, -1.0]])
    for temperature in (0.7, 1.0):
        said = text.generate(np.random.default_rng(3), lambda symbols, state: (y, None), np.array([0]), 50, temperature)
        u = np.random.default_rng(3).random(50)
        assert said.tolist() == [int(np.searchsorted(softmax(y / temperature)[0].cumsum(), v, "right")) for v in u]


TOPICS = {"b": "second " * 30, "a": "first " * 50, "c": "third\n"}


def stand_in(topics: dict[str, str]) -> Any:
    """An `import_module` that knows one module."""

    def import_module(name: str) -> Any:
        assert name == "pydoc_data.topics"
        return SimpleNamespace(topics=topics)

    return import_module


def test_the_parts_of_the_manual_add_up_in_alphabetical_order(monkeypatch):
    monkeypatch.setattr(text, "import_module", stand_in(TOPICS))
    training, held_out, source = text.python_manual()
    assert training + held_out == "\n\n".join([TOPICS["a"], TOPICS["b"], TOPICS["c"]])
    assert len(held_out) == len(training + held_out) // 10
    assert "pydoc_data.topics" in source
    monkeypatch.setattr(text, "import_module", stand_in(dict(sorted(TOPICS.items()))))
    assert text.python_manual().training == training  # whatever the order in the dictionary


def test_the_manual_of_this_python():
    pytest.importorskip("pydoc_data.topics")
    one, two = text.python_manual(), text.python_manual()
    assert one == two
    whole = one.training + one.held_out
    assert len(whole) > 300_000
    assert len(one.held_out) == len(whole) // 10
    assert one.source == "pydoc_data.topics"
    letters = text.alphabet(whole)
    assert 60 <= len(letters) < 300
    assert text.decode(text.encode(whole, letters), letters) == whole
    assert "lambda" in whole


def no_topics(name: str) -> Any:
    """An `import_module` of a Python without them."""
    raise ModuleNotFoundError(name)


def test_a_python_without_the_topics_takes_its_docstrings_and_says_so(monkeypatch):
    monkeypatch.setattr(text, "import_module", no_topics)
    monkeypatch.setattr(text, "WANTED", 20_000)
    training, held_out, source = text.python_manual()
    assert "without pydoc_data.topics" in source
    assert "docstrings" in source
    assert training + held_out == text.library_docstrings()
    assert 10_000 < len(training + held_out) <= text.WANTED
    assert len(held_out) == len(training + held_out) // 10


def test_docstrings_of_a_folder_in_alphabetical_order(tmp_path):
    body = "x" * 400
    (tmp_path / "b.py").write_text(f'"""Last. {body}"""\n', encoding="utf-8")
    (tmp_path / "a.py").write_text(
        f'"""Module. {body}"""\n\nclass C:\n    """Class. {body}"""\n\n    def f(self):\n        """Method."""\n\n'
        'async def g():\n    """Later."""\n\ndef h():\n    return "no docstring"\n\nbad = "\\d"\n',
        encoding="utf-8",
    )
    (tmp_path / "broken.py").write_text("def :", encoding="utf-8")
    (tmp_path / "latin.py").write_bytes(b'"""\xff"""')
    (tmp_path / "note.txt").write_text("not a module", encoding="utf-8")
    found = text.library_docstrings(tmp_path)
    assert found.split("\n\n")[0] == f"Module. {body}"
    assert found.split("\n\n")[-1] == f"Last. {body}"
    assert set(found.split("\n\n")[1:-1]) == {f"Class. {body}", "Method.", "Later."}


def test_a_python_with_neither_says_so(tmp_path, monkeypatch):
    with pytest.raises(ValueError, match=r"neither pydoc_data\.topics nor its standard library"):
        text.library_docstrings(tmp_path)
    monkeypatch.setattr(text, "import_module", no_topics)
    monkeypatch.setattr(text.sysconfig, "get_paths", lambda: {"stdlib": str(tmp_path)})
    with pytest.raises(ValueError, match="no text to learn from"):
        text.python_manual()
