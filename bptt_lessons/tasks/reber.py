"""The embedded Reber grammar: strings whose second symbol must return as the last but one
(Hochreiter and Schmidhuber 1997, experiment 1; the inner grammar: Reber 1967).

Outside:  B, T or P, an inner string, the same T or P again, E.  The inner string, itself
from B to E, follows a graph; what comes between the two T or P says nothing about them.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from bptt_lessons.arguments import Array, check_rng, check_size

SYMBOLS = "BTPSXVE"
# the inner grammar: from each state, the symbols that may come and the state that each leads to
GRAPH: tuple[dict[str, int], ...] = (
    {"B": 1},
    {"T": 2, "P": 3},
    {"S": 2, "X": 4},
    {"T": 3, "V": 5},
    {"X": 3, "S": 6},
    {"P": 4, "V": 6},
    {"E": 7},
)


class Batch(NamedTuple):
    """Strings symbol by symbol, the next symbol as the target; shorter ones are padded at the end."""

    x: Array  # (T, N, 7), one of the seven is 1.0; all 0.0 after the string's end
    target: Array  # (T, N) integer, the next symbol; 0 after the end
    mask: Array  # (T, N) bool, False after the end
    legal: Array  # (T, N, 7) bool, the symbols that could come next; none after the end


def string(rng: np.random.Generator) -> str:
    """Draw one string of the embedded grammar, such as "BTBTXSETE"; each choice is a fair coin."""
    check_rng(rng)
    outer = "TP"[rng.integers(2)]
    inner, state = "", 0
    while state < len(GRAPH):
        symbol = list(GRAPH[state])[rng.integers(len(GRAPH[state]))]
        inner, state = inner + symbol, GRAPH[state][symbol]
    return f"B{outer}{inner}{outer}E"


def legal_next(text: str) -> list[str]:
    """Return, for every symbol of a string but the last, the symbols that may come after it.

    Parameters
    ----------
    text : str
        A whole string of the embedded grammar.

    Returns
    -------
    list of str
        One for each of the len(text) - 1 steps, such as "TP"; a single symbol where there is no choice.
    """
    check_string("text", text)
    found, state = ["TP", "B"], 0
    for symbol in text[2:-2]:
        state = GRAPH[state].get(symbol, -1) if 0 <= state < len(GRAPH) else -1
        found.append("".join(GRAPH[state]) if 0 <= state < len(GRAPH) else text[1])
    found.append("E")
    if state != len(GRAPH) or text[0] != "B" or text[1] not in "TP" or text[-2:] != text[1] + "E":
        raise ValueError(f"text must be a whole string of the embedded Reber grammar, got {text!r}")
    return found


def sequences(rng: np.random.Generator, N: int) -> Batch:
    """Draw N strings; T is one less than the longest of them."""
    check_rng(rng)
    return batch([string(rng) for _ in range(check_size("N", N))])


def batch(strings: list[str]) -> Batch:
    """Lay strings of the grammar side by side."""
    if not isinstance(strings, list) or not strings:
        raise ValueError(f"strings must be a list of at least one string, got {strings!r}")
    for text in strings:
        check_string("strings", text)
    T, N = max(map(len, strings)) - 1, len(strings)
    x, legal = np.zeros((T, N, len(SYMBOLS))), np.zeros((T, N, len(SYMBOLS)), dtype=bool)
    target, mask = np.zeros((T, N), dtype=int), np.zeros((T, N), dtype=bool)
    for n, text in enumerate(strings):
        steps = legal_next(text)
        index = [SYMBOLS.index(symbol) for symbol in text]
        x[np.arange(len(steps)), n, index[:-1]] = 1
        target[: len(steps), n] = index[1:]
        mask[: len(steps), n] = True
        for t, symbols in enumerate(steps):
            legal[t, n, [SYMBOLS.index(symbol) for symbol in symbols]] = True
    return Batch(x, target, mask, legal)


def check_string(name: str, text: object) -> None:
    """Raise ValueError unless `text` is a string."""
    if not isinstance(text, str):
        raise ValueError(f"{name} must be a string of the embedded Reber grammar, got {type(text).__name__}")
