"""The sampler: it says what ``text.generate`` says, the same for a seed, and shows it as it is."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from typing import Any

import numpy as np
import pytest
from svg_reader import sentence

from bptt_lessons.cells import lstm
from bptt_lessons.tasks import text
from bptt_lessons.training import loop, readout
from bptt_lessons.views import sampler, widgets
from bptt_lessons.views.frame import Interactive

ALPHABET = "\n <>&ab\0"
START = "a <b>&\n"


def reader(seed: int = 0) -> Any:
    rng = np.random.default_rng(seed)
    K = len(ALPHABET)
    linear = readout.init(rng, 6, K)
    return loop.reader(lstm, loop.Model(lstm.init(rng, K, 6), linear._replace(W_hy=9 * linear.W_hy)))


def figure(seed: int = 0, length: int = 300) -> Interactive:
    return widgets.sampler(reader(seed), ALPHABET, START, length)


def expected(temperature: float, seed: int) -> str:
    rng = np.random.default_rng(seed)
    said = text.generate(rng, reader(), text.encode(START, ALPHABET), 300, temperature)
    return text.decode(said, ALPHABET).replace("\0", "\N{REPLACEMENT CHARACTER}")


def shown(made: Interactive) -> tuple[str, str]:
    """Return the text in bold and the text after it."""
    (pre,) = ElementTree.fromstring(made.picture.value).iter("pre")
    bold = pre.find("strong")
    assert bold is not None
    return str(bold.text), str(bold.tail)


def test_it_says_what_generate_says() -> None:
    made = figure()
    assert shown(made) == (START, expected(1.0, 0))
    made.controls["temperature"].value = 0.3
    assert shown(made) == (START, expected(0.3, 0))
    made.controls["Next"].click()
    made.controls["seed"].value = 7
    assert shown(made) == (START, expected(0.3, 7))
    assert expected(0.3, 7) != expected(0.3, 0) != expected(1.0, 0)
    made.controls["Previous"].click()
    assert shown(made) == (START, expected(0.3, 6))
    assert sentence(made).startswith("Temperature 0.3, seed 6: 300 characters after the start, of ")


@pytest.mark.parametrize(
    ("said", "longest"), [("", 0), ("a", 0), ("ab", 0), ("aa", 1), ("aaaa", 3), ("abcab", 2), ("abcdbcd", 3)]
)
def test_longest_repeat(said: str, longest: int) -> None:
    assert sampler.longest_repeat(said) == longest
