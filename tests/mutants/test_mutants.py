"""Mutants of the solutions are what they are said to be, a sample of them is caught, and the table is not stale.

All of them are graded by a command, `python tests/mutants/run.py`.
"""

import ast
import functools
import random
from typing import NamedTuple

import numpy as np
import pytest
from mutation import KINDS, built, mutants
from run import TABLE, Reference, mutants_of, same_distribution, verdict

from bptt_lessons.course import EXERCISES

SAMPLE = ("rnn.step_backward", "losses.mse", "tbptt.windows", "optim.adam", "text.sample", "lstm.memory_half_life")


class Pair(NamedTuple):
    W: object
    V: object


@functools.cache
def all_mutants(name):
    """Return the mutants of an exercise, made once for all tests."""
    return mutants_of(EXERCISES[name])


def product(x, h, W):
    z = x @ W + h
    return np.tanh(z)


def total(xs):
    s = 0
    for t in range(1, len(xs)):
        s += xs[t]
    return s


def centred(x):
    y = x.copy()
    y[:, 0] = x[:, 0] - x.mean(axis=0, keepdims=True)[0, 0]
    return y


def chosen(a, b):
    return a if a > 0.5 and b < 2 else b


def fields(pair, x, k):
    left, right = x[k:], x[:k]
    return pair.W * 2, Pair(W=left, V=right)


def backwards(x):
    out = []
    for row in reversed(x):
        out.append(row[::-1])
    return np.stack(out)


def scaled(x):
    return x * 2


GIVEN = {
    scaled: {"x": np.ones(3)},
    product: {"x": np.ones((2, 3)), "h": np.ones((2, 4)), "W": np.ones((3, 4))},
    total: {"xs": np.arange(4)},
    centred: {"x": np.ones((3, 3))},
    chosen: {"a": 1.0, "b": 2.0},
    fields: {"pair": Pair(np.ones(2), np.ones(2)), "x": np.ones(5), "k": 2},
    backwards: {"x": np.ones((3, 2))},
}


@pytest.mark.parametrize(
    ("function", "kind", "line"),
    [
        (product, "operator", "z = x * W + h"),
        (product, "sign", "z = -(x @ W) + h"),
        (product, "term dropped", "z = x @ W"),
        (product, "transposition", "z = x @ W.T + h"),
        (product, "name", "z = h @ W + h"),
        (product, "statement", "return np.tanh(z)"),
        (product, "call dropped", "return z"),
        (product, "function", "return np.sin(z)"),
        (product, "in place", "return np.tanh(z, out=z)"),
        (total, "accumulation", "s = xs[t]"),
        (total, "index", "s += xs[t + 1]"),
        (total, "loop", "for t in range(1, len(xs) - 1):"),
        (total, "loop", "for t in range(1, len(xs))[::-1]:"),
        (total, "loop", "        break"),
        (centred, "in place", "y = x"),
        (centred, "axis", "y[:, 0] = x[:, 0] - x.mean(axis=1, keepdims=True)[0, 0]"),
        (centred, "function", "y[:, 0] = x[:, 0] - x.sum(axis=0, keepdims=True)[0, 0]"),
        (centred, "index", "y[0, :] = x[:, 0] - x.mean(axis=0, keepdims=True)[0, 0]"),
        (chosen, "operator", "return a if a > 0.5 or b < 2 else b"),
        (chosen, "constant", "return a if a > 1.0 and b < 2 else b"),
        (chosen, "condition", "return a if not (a > 0.5 and b < 2) else b"),
        (fields, "field", "return (pair.V * 2, Pair(W=left, V=right))"),
        (fields, "returned", "return (Pair(W=left, V=right), pair.W * 2)"),
        (fields, "name", "return (pair.W * 2, Pair(W=right, V=right))"),
        (fields, "slice", "left, right = (x, x[:k])"),
        (fields, "order", "right, left = (x[k:], x[:k])"),
        (backwards, "loop", "for row in x:"),
        (backwards, "slice", "out.append(row[:])"),
        (backwards, "call dropped", "return out"),
    ],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_a_rule_makes_what_it_says(function, kind, line):
    found = [m for m in mutants(function, GIVEN[function]) if any(now.endswith(line) for now in m.source.splitlines())]
    assert kind in {m.kind for m in found}, [m.change for m in found]


@pytest.mark.parametrize("function", GIVEN, ids=lambda f: f.__name__)
def test_mutants_differ_from_the_function_and_from_one_another_and_can_be_built(function):
    made = mutants(function, GIVEN[function])
    trees = [ast.dump(ast.parse(m.source)) for m in made]
    assert len(set(trees)) == len(trees) > 5
    assert len({m.change for m in made}) == len(made)
    assert ast.unparse(ast.parse(made[0].source)) == made[0].source
    assert {m.kind for m in made} <= set(KINDS)
    assert all(built(m.source, function).__name__ == function.__name__ for m in made)


def test_what_examines_arguments_is_left_alone():
    for m in all_mutants("rnn.step"):
        assert "check_step(params, x, h_prev, activation)" in m.source


def test_a_changed_line_is_told_with_its_number():
    changes = {m.change for m in mutants(product, GIVEN[product])}
    assert {"1: `z = x @ W + h` -> `z = x @ W`", "2: `return np.tanh(z)` left out"} <= changes


def test_a_function_whose_source_has_changed_since_is_refused():
    def other():
        return 1

    other.__name__ = "another"
    with pytest.raises(ValueError, match="the source of another has changed"):
        mutants(other, {})


@pytest.mark.parametrize("name", [n if n in SAMPLE else pytest.param(n, marks=pytest.mark.long) for n in EXERCISES])
def test_a_sample_of_mutants_is_caught(name):
    """No two are of one kind."""
    reference = Reference(EXERCISES[name], every=10)
    found = all_mutants(name)
    of_kinds = {mutant.kind: mutant for mutant in random.Random(name).sample(found, len(found))}
    for mutant in list(of_kinds.values())[:7]:
        assert verdict(EXERCISES[name], reference, mutant)["result"] != "missed", mutant.change


@pytest.mark.parametrize("name", ["losses.mse", "tbptt.windows", "adding.sequences"])
def test_the_solution_differs_from_itself_on_no_input_and_a_stub_does(name):
    reference = Reference(EXERCISES[name], every=7)
    assert not reference.first_difference(EXERCISES[name].solution)
    assert reference.first_difference(lambda *arguments: None)


def test_a_small_difference_is_seen_where_it_is_above_rounding():
    reference = Reference(EXERCISES["readout.forward"], every=5)
    solution = reference.exercise.solution
    assert not reference.first_difference(lambda params, h: solution(params, h) * (1 + 1e-12))
    assert reference.first_difference(lambda params, h: solution(params, h) * (1 + 1e-8)).startswith("input 0: off by")
    assert "writes into h" in reference.first_difference(
        lambda params, h: np.multiply(0, h, out=h) + solution(params, h)
    )


def test_distributions_are_told_apart_by_means_and_by_products():
    one, two = np.random.default_rng(1), np.random.default_rng(2)
    a, b = one.random((3, 20_000)), two.random((3, 20_000))
    assert same_distribution([a], [b])
    assert not same_distribution([a], [b + 0.02])
    assert not same_distribution([np.stack([a[0], a[0]])], [b[:2]])  # the same means, but not independent


def test_drawing_in_another_order_changes_nothing_and_drawing_wrongly_does():
    exercise = EXERCISES["copying.sequences"]
    reference = Reference(exercise, every=7)
    assert max(arguments["N"] for arguments, _ in reference.inputs()) == 20_000  # or only properties would be compared

    def after_a_wasted_draw(rng, gap, N):
        rng.random()
        return exercise.solution(rng, gap, N)

    def with_a_rare_symbol(rng, gap, N):
        x, target, mask = exercise.solution(rng, gap, N)
        target[:, rng.random(N) < 0.5] = 0
        return x, target, mask

    assert not reference.first_difference(after_a_wasted_draw)
    assert reference.first_difference(with_a_rare_symbol)


def test_the_table_has_as_many_mutants_as_there_are(whole):
    lines = TABLE.read_text(encoding="utf-8").splitlines()
    rows = {line.split("`")[1]: [int(cell) for cell in line.split("|")[2:-1]] for line in lines if line[:3] == "| `"}
    assert list(rows) == list(EXERCISES)
    for name in EXERCISES if whole else SAMPLE:
        many, equal, caught, missed = rows[name]
        assert many == len(all_mutants(name)), "run python tests/mutants/run.py once more"
        assert many == equal + caught + missed
        assert not missed


@pytest.mark.long
def test_every_kind_of_change_is_made_somewhere():
    assert {mutant.kind for name in EXERCISES for mutant in all_mutants(name)} == set(KINDS)
