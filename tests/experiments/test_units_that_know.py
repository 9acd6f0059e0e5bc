"""Reading facts off units."""

from __future__ import annotations

import numpy as np

from bptt_lessons.experiments.units_that_know import agreement, inside


def test_the_unit_that_is_the_fact_is_found_with_its_sign() -> None:
    rng = np.random.default_rng(0)
    fact = (rng.random(400) < 0.3).astype(float)
    units = rng.normal(size=(400, 5))
    units[:, 3] = 2 - 5 * fact
    found = agreement(units, fact)
    assert found.unit == 3
    assert np.isclose(found.alone, -1)
    assert np.isclose(found.together, 1)


def test_a_fact_spread_over_units_is_read_from_all_together_only() -> None:
    rng = np.random.default_rng(1)
    fact = (rng.random(4000) < 0.5).astype(float)
    noise = rng.normal(size=(4000, 1))
    found = agreement(np.hstack([fact[:, None] + 10 * noise, noise]), fact)
    assert abs(found.alone) < 0.2
    assert np.isclose(found.together, 1)
    assert np.allclose(found.weights, [1, -10])


def test_what_is_chosen_comes_from_the_first_half() -> None:
    fact = np.tile([0.0, 1.0], 100)
    units = np.zeros((200, 2))
    units[:100, 0] = fact[:100]  # says it on the first half only
    units[100:, 1] = fact[100:]
    found = agreement(units, fact)
    assert found[:3] == (0, 0.0, 0.0)


def test_brackets_and_quotes() -> None:
    facts = inside('a(b"c")d)e"')
    assert facts["in brackets"].tolist() == [0, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0]
    assert facts["in quotes"].tolist() == [0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 1]
