"""The sampler: it says what ``text.generate`` says, the same for a seed, and shows it as it is."""

from __future__ import annotations

import re
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


def test_the_words_are_those_of_the_text() -> None:
    made = figure()
    said = expected(1.0, 0)
    different = len(set(said))
    longest = max(k for k in range(300) if len({said[s : s + k] for s in range(301 - k)}) < 301 - k)
    assert sentence(made) == (
        f"Temperature 1, seed 0: 300 characters after the start, of {different} kinds. "
        f"The longest piece that comes twice has {longest} of them."
    )


@pytest.mark.parametrize(
    ("said", "longest"), [("", 0), ("a", 0), ("ab", 0), ("aa", 1), ("aaaa", 3), ("abcab", 2), ("abcdbcd", 3)]
)
def test_longest_repeat(said: str, longest: int) -> None:
    assert sampler.longest_repeat(said) == longest


def test_the_static_words_hold_whatever_the_model_has_learnt() -> None:
    one, other = (figure(seed)._repr_mimebundle_()["text/html"] for seed in (0, 1))
    assert one != other
    assert one.split('"')[1] == other.split('"')[1]
    assert re.search("temperature 1, seed 0", one)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda: widgets.sampler(reader(), ALPHABET, "z"), "start has characters that are not in the alphabet: 'z'"),
        (lambda: widgets.sampler(reader(), "aa", "a"), "alphabet must have each character once"),
        (lambda: widgets.sampler(reader(), ALPHABET, "a", 2001), "length must be a whole number from 1 to 2000"),
    ],
)
def test_bad_input(wrong: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        wrong()
