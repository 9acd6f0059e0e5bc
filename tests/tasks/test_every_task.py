"""What every task that draws must hold: the seed decides everything, and an array's entries share no memory."""

from __future__ import annotations

import numpy as np
import pytest

from bptt_lessons.tasks import adding, copying, delayed_echo, reber, temporal_order, temporal_xor

DRAWS = {
    "adding": lambda rng: adding.sequences(rng, 12, 3),
    "copying": lambda rng: copying.sequences(rng, 5, 3),
    "delayed echo": lambda rng: delayed_echo.stream(rng, 12, 3, 2),
    "reber": lambda rng: reber.sequences(rng, 3),
    "temporal order": lambda rng: temporal_order.sequences(rng, 12, 3),
    "temporal xor": lambda rng: temporal_xor.sequences(rng, 12, 3),
}
every_task = pytest.mark.parametrize("draw", DRAWS.values(), ids=DRAWS)


@every_task
def test_the_same_seed_gives_the_same_data_and_another_seed_other_data(draw):
    one, two, three = (draw(np.random.default_rng(seed)) for seed in (0, 0, 1))
    assert all(np.array_equal(a, b) for a, b in zip(one, two, strict=True))
    assert not np.array_equal(one[0], three[0])


@every_task
def test_every_array_can_be_written_into_without_touching_its_neighbours(draw):
    for array in draw(np.random.default_rng(0)):
        before = array.copy()
        array[0, 0] = 1 - array[0, 0]
        assert np.array_equal(array[1:], before[1:])
        assert np.array_equal(array[0, 1:], before[0, 1:])
