"""Exercises on text: characters as numbers, and one character drawn from what a net says (lesson 09)."""
# mypy: allow-untyped-defs, allow-untyped-calls
# (the wrong answers are written as learners write, without annotations)

from __future__ import annotations

import numpy as np

from bptt_lessons.arguments import Array
from bptt_lessons.course.catalogue.draws import draw, sizes
from bptt_lessons.course.catalogue.mistakes import Mistakes
from bptt_lessons.course.exercises import Case, Exercise
from bptt_lessons.tasks import text as text_task

ENCODE = Mistakes("encode")


@ENCODE.add
def encode_character_codes(text, alphabet):
    """You return the characters' code points, which leave gaps and go far beyond K. Wanted is each character's place in
    the alphabet, from 0 to K - 1."""
    return np.array([ord(c) for c in text])


@ENCODE.add
def encode_codes_from_a(text, alphabet):
    """You count from the letter a. The alphabet may hold anything, in any order: look each character up in it."""
    return np.array([ord(c) - ord("a") for c in text])


@ENCODE.add
def encode_codes_from_the_first_character(text, alphabet):
    """You count code points from the alphabet's first character. Its characters need not follow one another in
    Unicode: look each one up."""
    return np.array([ord(c) - ord(alphabet[0]) for c in text])


@ENCODE.add
def encode_alphabet_sorted_again(text, alphabet):
    """You sort the alphabet before you count. It has an order already, and the readout counts on it."""
    order = sorted(alphabet)
    return np.array([order.index(c) for c in text])


@ENCODE.add
def encode_alphabet_of_the_text(text, alphabet):
    """You make an alphabet of your own from the characters of this text, so that another text would get other numbers:
    use the one that you are given."""
    order = sorted(set(text))
    return np.array([order.index(c) for c in text])


@ENCODE.add
def encode_order_of_appearance(text, alphabet):
    """You number the characters in the order in which they first appear in this text: use the alphabet's order."""
    order = list(dict.fromkeys(text))
    return np.array([order.index(c) for c in text])


@ENCODE.add
def encode_by_frequency(text, alphabet):
    """You number the characters by how often they come: use the alphabet's order."""
    order = sorted(set(text), key=lambda c: (-text.count(c), c))
    return np.array([order.index(c) for c in text])


@ENCODE.add
def encode_from_1(text, alphabet):
    """You count from 1: the first character of the alphabet is 0, so that the numbers are places in an array of K."""
    return np.array([alphabet.index(c) + 1 for c in text])


@ENCODE.add
def encode_from_the_end(text, alphabet):
    """You count from the end of the alphabet: its first character is 0."""
    return np.array([len(alphabet) - 1 - alphabet.index(c) for c in text])


@ENCODE.add
def encode_places_in_the_text(text, alphabet):
    """You look the alphabet's characters up in the text: it is the other way round, each character of the text in the
    alphabet."""
    return np.array([text.find(c) for c in alphabet])


@ENCODE.add
def encode_dictionary_turned_round(text, alphabet):
    """Your dictionary leads from numbers to characters, as decoding needs it. Here it is {character: k for k, character
    in enumerate(alphabet)}."""
    place = dict(enumerate(alphabet))
    return np.array([place[c] for c in text])


@ENCODE.add
def encode_each_character_once(text, alphabet):
    """Characters that come again are missing: each of the L characters gets its number, in the order of the text."""
    return np.array([alphabet.index(c) for c in dict.fromkeys(text)])


@ENCODE.add
def encode_counts(text, alphabet):
    """You count how often each character of the alphabet comes. Wanted is a number for each character of the text."""
    return np.array([text.count(c) for c in alphabet])


@ENCODE.add
def encode_sorted_by_place(text, alphabet):
    """Your numbers are sorted, and the text is lost: keep the order of the text."""
    return np.array(sorted(alphabet.index(c) for c in text))


@ENCODE.add
def encode_lower_case(text, alphabet):
    """You turn the text into small letters first. A capital is another character, with a place of its own."""
    return np.array([alphabet.find(c) for c in text.lower()])


@ENCODE.add
def encode_spaces_stripped(text, alphabet):
    """Spaces and line ends at the text's ends are missing: strip takes them off, and they are characters like any
    other."""
    return np.array([alphabet.index(c) for c in text.strip()])


@ENCODE.add
def encode_word_by_word(text, alphabet):
    """Spaces and line ends are missing, which split takes out: they are characters like any other."""
    return np.array([alphabet.index(c) for word in text.split() for c in word])


@ENCODE.add
def encode_one_hot(text, alphabet):
    """You return one-hot rows. Here each character is one whole number, which needs far less room; the rows are made
    window by window."""
    return np.eye(len(alphabet))[[alphabet.index(c) for c in text]]


@ENCODE.add
def encode_as_a_column(text, alphabet):
    """Your result has one column, (L, 1). A list of L numbers is wanted, (L,)."""
    return np.array([[alphabet.index(c)] for c in text])


@ENCODE.add
def encode_characters(text, alphabet):
    """You return the characters themselves, as an array: each is replaced by its place in the alphabet."""
    return np.array(list(text))


@ENCODE.add
def encode_bytes(text, alphabet):
    """You return the text's bytes in UTF-8. Some characters have several, and none is a place in the alphabet."""
    return np.frombuffer(text.encode(), dtype=np.uint8)


@ENCODE.add
def encode_scaled(text, alphabet):
    """You divide by K, as if the numbers were amounts. They are places in the alphabet, and stay whole."""
    return np.array([alphabet.index(c) for c in text]) / len(alphabet)


def _encode_case(text: str, alphabet: str) -> Case:
    return Case(f"{len(text)} characters, K = {len(alphabet)}", {"text": text, "alphabet": alphabet})


def encode_cases() -> tuple[Case, ...]:
    """An alphabet that is in no order; capitals, spaces and line ends; one with more than is needed; one character."""
    return (
        _encode_case("banana", "nbca"),
        _encode_case("\n Up and up, it says. \n", " \n,.Uuadinpsyt?"),
        _encode_case("f(x) = 'é' # ε\n", "\n '()#=fxéabcε"),
        _encode_case("z", "xyz"),
    )


def encode_lesson_case() -> Case:
    """A text of fifty thousand characters."""
    alphabet = "".join(map(chr, range(32, 127)))
    rng = np.random.default_rng(940)
    return _encode_case("".join(alphabet[k] for k in rng.integers(0, len(alphabet), 50_000)), alphabet)


SAMPLE = Mistakes("sample")


def softmax(z):
    """Return softmax over the last axis, with the row's maximum taken off first."""
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def chosen(p, u):
    """Return the first place whose running sum of p is above u: what most of the mistakes have right."""
    return (p.cumsum(axis=1) <= u[:, None]).sum(axis=1)


@SAMPLE.add
def sample_most_likely(y, temperature, u):
    """You always take the most likely symbol. Draw by u: a symbol of probability p is hit by a share p of all u."""
    return y.argmax(axis=1)


@SAMPLE.add
def sample_temperature_multiplied(y, temperature, u):
    """You multiply by the temperature, or raise the probabilities to its power, so that high ones make the likely
    likelier: divide the logits by it."""
    return chosen(softmax(y * temperature), u)


@SAMPLE.add
def sample_temperature_ignored(y, temperature, u):
    """Your result does not depend on temperature: divide the logits by it, before the softmax."""
    return chosen(softmax(y), u)


@SAMPLE.add
def sample_temperature_after_the_softmax(y, temperature, u):
    """You divide the probabilities by the temperature, and they no longer add up to 1: divide the logits, before the
    softmax."""
    return chosen(softmax(y) / temperature, u)


@SAMPLE.add
def sample_temperature_on_the_probabilities_in_exp(y, temperature, u):
    """You apply the softmax twice, the second time to probabilities over temperature. Divide the logits by temperature,
    and apply it once."""
    return chosen(softmax(softmax(y) / temperature), u)


@SAMPLE.add
def sample_unstable(y, temperature, u):
    """np.exp of large logits is infinite, and infinity over infinity is NaN. Take each row's maximum off first, which
    changes no probability."""
    e = np.exp(y / temperature)
    return chosen(e / e.sum(axis=1, keepdims=True), u)


@SAMPLE.add
def sample_unstable_first_edge_above_u(y, temperature, u):
    """np.exp of large logits is infinite, infinity over infinity is NaN, and no NaN is above u, so that argmax says 0.
    Take each row's maximum off first, which changes no probability."""
    e = np.exp(y / temperature)
    p = e / e.sum(axis=1, keepdims=True)
    return (p.cumsum(axis=1) > u[:, None]).argmax(axis=1)


@SAMPLE.add
def sample_unstable_with_u_stretched(y, temperature, u):
    """np.exp of large logits is infinite, and so is the sum that u is stretched by. Take each row's maximum off first,
    which changes no probability."""
    edges = np.exp(y / temperature).cumsum(axis=1)
    return (edges <= u[:, None] * edges[:, -1:]).sum(axis=1)


@SAMPLE.add
def sample_one_maximum_for_all(y, temperature, u):
    """You take the maximum of all rows off each, and np.exp of a row far below it is all zeros, whose sum is 0: take
    off each row's own maximum, y.max(axis=1, keepdims=True)."""
    e = np.exp((y - y.max()) / temperature)
    return chosen(e / e.sum(axis=1, keepdims=True), u)


@SAMPLE.add
def sample_edge_belongs_to_the_symbol_before(y, temperature, u):
    """Where u falls on an edge exactly, you take the symbol before it; so u = 0 may draw a symbol of probability 0. The
    running sum has to be above u: count those that are <= u."""
    return (softmax(y / temperature).cumsum(axis=1) < u[:, None]).sum(axis=1)


@SAMPLE.add
def sample_one_too_far(y, temperature, u):
    """Your symbols are one too high: count only the edges that u has reached, without adding 1."""
    return chosen(softmax(y / temperature), u) + 1


@SAMPLE.add
def sample_one_too_low(y, temperature, u):
    """Your symbols are one too low: as many edges as u has reached, that symbol it is, with nothing taken off."""
    return chosen(softmax(y / temperature), u) - 1


@SAMPLE.add
def sample_edges_above_u(y, temperature, u):
    """You count the edges above u, which runs through the symbols backwards: count those that u has reached, <= u."""
    return (softmax(y / temperature).cumsum(axis=1) > u[:, None]).sum(axis=1)


@SAMPLE.add
def sample_from_the_last_symbol(y, temperature, u):
    """You lay the probabilities out from the last symbol to the first. That draws as fairly, but another symbol for
    each u: the first one begins at 0."""
    return y.shape[1] - 1 - chosen(softmax(y / temperature)[:, ::-1], u)


@SAMPLE.add
def sample_sorted_first(y, temperature, u):
    """You sort the probabilities before you add them up, and then return a place among the sorted: keep them in the
    order of the symbols."""
    return chosen(-np.sort(-softmax(y / temperature), axis=1), u)


@SAMPLE.add
def sample_by_descending_probability(y, temperature, u):
    """You lay the probabilities out from the most likely symbol to the least. That draws as fairly, but another symbol
    for each u: keep the order of the symbols."""
    order = np.argsort(-y, axis=1, kind="stable")
    k = chosen(np.take_along_axis(softmax(y / temperature), order, axis=1), u)
    return np.take_along_axis(order, np.minimum(k, y.shape[1] - 1)[:, None], axis=1)[:, 0]


@SAMPLE.add
def sample_no_running_sum(y, temperature, u):
    """You compare u with the probabilities themselves: with their running sum, np.cumsum, whose steps are as wide as
    the probabilities."""
    return (softmax(y / temperature) <= u[:, None]).sum(axis=1)


@SAMPLE.add
def sample_first_probability_above_u(y, temperature, u):
    """You take the first symbol that is more likely than u. It is the running sum, np.cumsum, that has to pass u."""
    return (softmax(y / temperature) > u[:, None]).argmax(axis=1)


@SAMPLE.add
def sample_running_sum_over_sequences(y, temperature, u):
    """You add up over the sequences: the running sum goes over the symbols, axis 1."""
    return (softmax(y / temperature).cumsum(axis=0) <= u[:, None]).sum(axis=1)


@SAMPLE.add
def sample_running_sum_over_everything(y, temperature, u):
    """np.cumsum without an axis runs on through all sequences in one row: over the symbols of each, axis=1."""
    return (np.cumsum(softmax(y / temperature)).reshape(y.shape) <= u[:, None]).sum(axis=1)


@SAMPLE.add
def sample_softmax_over_sequences(y, temperature, u):
    """Your probabilities add up to 1 over the sequences: each row is a distribution of its own, over axis 1."""
    e = np.exp((y - y.max(axis=1, keepdims=True)) / temperature)
    return chosen(e / e.sum(axis=0), u)


@SAMPLE.add
def sample_softmax_over_everything(y, temperature, u):
    """Your probabilities add up to 1 over all sequences together: each row is a distribution of its own, so divide by
    its own sum, with keepdims."""
    e = np.exp((y - y.max(axis=1, keepdims=True)) / temperature)
    return chosen(e / e.sum(), u)


@SAMPLE.add
def sample_not_normalised(y, temperature, u):
    """Your exponentials do not add up to 1: divide by the row's sum, or stretch u by it."""
    return chosen(np.exp((y - y.max(axis=1, keepdims=True)) / temperature), u)


@SAMPLE.add
def sample_no_exponential(y, temperature, u):
    """You divide the logits by their sum, and they may be negative: probabilities come from the softmax, with
    np.exp."""
    return chosen(y / temperature / y.sum(axis=1, keepdims=True), u)


@SAMPLE.add
def sample_same_u_for_all(y, temperature, u):
    """All sequences use the first u: each has its own, so compare with u[:, None]."""
    return chosen(softmax(y / temperature), np.full(len(u), u[0]))


@SAMPLE.add
def sample_one_u_against_one_symbol(y, temperature, u):
    """u has the shape (N,) and the edges (N, K), and side by side u is laid along the symbols: u[:, None] lays it along
    the sequences."""
    return (softmax(y / temperature).cumsum(axis=1) <= u).sum(axis=1)


@SAMPLE.add
def sample_1_minus_u(y, temperature, u):
    """You use 1 - u. That draws as fairly, but another symbol for each u: the first symbol begins at u = 0."""
    return chosen(softmax(y / temperature), 1 - u)


@SAMPLE.add
def sample_u_scaled_by_k(y, temperature, u):
    """You take int(u * K), which draws every symbol equally often: the logits say how often each should come."""
    return (u * y.shape[1]).astype(int)


@SAMPLE.add
def sample_probabilities_returned(y, temperature, u):
    """You return the probabilities: draw one symbol of each row by u, and return its number."""
    return softmax(y / temperature)


@SAMPLE.add
def sample_one_hot(y, temperature, u):
    """You return one-hot rows: the symbols' numbers are wanted, (N,)."""
    return np.eye(y.shape[1])[np.minimum(chosen(softmax(y / temperature), u), y.shape[1] - 1)]


@SAMPLE.add
def sample_np_random_choice(y, temperature, u):
    """You draw with np.random, and never look at u. Everything that is random here is in u, so that a draw can be
    repeated."""
    p = softmax(y / temperature)
    return np.array([np.random.choice(len(row), p=row) for row in p])  # noqa: NPY002


def _sample_case(seed: int, N: int, K: int, temperature: float, scale: float = 2.0) -> Case:
    rng = np.random.default_rng(seed)
    arguments = {"y": draw(rng, N, K, scale=scale), "temperature": temperature, "u": np.round(rng.random(N), 3)}
    return Case(f"{sizes(N=N, K=K)}, temperature = {temperature:g}", arguments)


def _edge_case() -> Case:
    """Four equally likely symbols, with u on the edges; two that are out of the question; and u just below 1."""
    y: Array = np.zeros((6, 4))
    y[4, 0], y[5, 3] = -5000.0, -5000.0
    u = np.array([0.0, 0.25, 0.5, 0.75, 0.0, 0.999])
    return Case("N = 6, K = 4, u on the edges", {"y": y, "temperature": 1.0, "u": u})


def sample_cases() -> tuple[Case, ...]:
    """Warm, cold and plain; logits that overflow; and u that falls on an edge exactly."""
    return (
        _sample_case(950, N=4, K=3, temperature=0.5),
        _sample_case(951, N=12, K=5, temperature=2.0),
        _sample_case(952, N=9, K=7, temperature=0.7, scale=2000.0),
        _edge_case(),
        _sample_case(953, N=20, K=8, temperature=1.5),
    )


def sample_lesson_case() -> Case:
    """A hundred texts side by side."""
    return _sample_case(954, N=100, K=90, temperature=0.8)


EXERCISES = (
    Exercise(
        name="text.encode",
        lesson="09_language_model",
        minutes=4,
        solution=text_task.encode,
        returns=("symbols",),
        stub='''def my_text_encode(text, alphabet):
    """Replace each of the L characters of text by its place in alphabet, a string of K characters in no particular
    order, each once. Return an array (L,) of integers from 0 to K - 1. (All characters of text are in alphabet.)"""
    ...
''',
        hints=(
            "Each character of the text is looked up in the alphabet. The alphabet is used as it is, in its own order.",
            "For the text 'banana' and the alphabet 'nbca' the answer is [1, 3, 0, 3, 0, 3]. A text may have half a "
            "million characters, and a dictionary finds each of them at once.",
            "enumerate(alphabet) gives pairs of place and character; make a dictionary from character to place, and an "
            "array of what it says for each character of the text.",
        ),
        make_cases=encode_cases,
        make_lesson_case=encode_lesson_case,
        misconceptions=ENCODE.catalogue,
    ),
    Exercise(
        name="text.sample",
        lesson="09_language_model",
        minutes=6,
        solution=text_task.sample,
        returns=("symbols",),
        stub='''def my_text_sample(y, temperature, u):
    """One symbol for each row of y (N, K), from softmax(y / temperature), by u (N,), uniform numbers in [0, 1):
    the first j with P(0) + ... + P(j) > u. Logits may be as large as 5000. Return an array (N,) of integers."""
    ...
''',
        hints=(
            "Lay the probabilities of a row side by side from 0 to 1, each as wide as it is likely. u falls into one "
            "of these pieces, and that is the symbol.",
            "np.cumsum with axis=1 gives the right edges of the pieces, (N, K). u[:, None] is (N, 1) and can be "
            "compared with all edges of its own row. np.exp overflows above 709: take each row's maximum off first.",
            "Divide y by the temperature, take off the maximum (axis=1, keepdims=True), exponentiate, divide by the "
            "sum. In each row, count the edges that are <= u.",
        ),
        make_cases=sample_cases,
        make_lesson_case=sample_lesson_case,
        misconceptions=SAMPLE.catalogue,
    ),
)
