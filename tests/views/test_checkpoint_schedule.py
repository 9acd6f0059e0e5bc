"""The figure of checkpointing: the package's schedule, slots that are never overfull, and words for what comes next."""

from __future__ import annotations

import pytest
from svg_reader import sentence

from bptt_lessons.gradients import checkpointing
from bptt_lessons.views import checkpoint_schedule, widgets

SIZES = [(1, 1), (2, 1), (7, 2), (12, 3), (12, 12), (20, 1), (20, 5)]


@pytest.mark.parametrize("keeps", ["state", "step"])
@pytest.mark.parametrize(("T", "slots"), SIZES)
def test_moments_are_the_schedule(T: int, slots: int, keeps: str) -> None:
    moments = checkpoint_schedule.play(T, slots, keeps)
    actions = [action for action in checkpointing.schedule(T, slots, keeps) if action.kind != "drop"]
    assert [moment.action for moment in moments] == actions
    assert moments[-1].ran == checkpointing.forward_cost(T, slots, keeps)
    assert [moment.action.stop for moment in moments if moment.action.kind == "back"] == list(range(T, 0, -1))
    for before, moment in zip([None, *moments], moments, strict=False):
        kind, start, stop = moment.action
        assert start == 0 or start in moment.held, "what a run starts from is held"
        assert len(moment.held) <= slots
        assert (stop in moment.held) == (kind != "back" or start == stop)
        if before is not None:
            assert moment.left <= len(moment.held)
            assert len(moment.held) == before.left + (kind != "back")


def test_it_is_stepped_through_in_words() -> None:
    figure = widgets.checkpoint_schedule(T=10, slots=3)
    assert "10 steps with 3 slots for states: 25 forward steps in all, 2.50 times" in sentence(figure)
    assert sentence(figure).endswith("Every step has been backpropagated.")
    figure.controls["Start"].click()
    said = sentence(figure)
    assert "After 0 of 15 actions: 0 forward steps run, 1 of 3 slots in use." in said
    assert said.endswith("Next: run steps 1 to 4 from h_0 and keep h_4.")
    figure.controls["Next"].click()
    figure.controls["Next"].click()
    assert "7 forward steps run, 3 of 3 slots in use. Next: run steps 8 to 10 from h_7 and backpropagate step 10." in (
        sentence(figure)
    )
    figure.controls["a slot holds a"].value = "step"
    assert "18 forward steps in all" in sentence(figure)
    assert sentence(figure).endswith("Next: run steps 8 to 10 from h_7 and keep step 10.")
    figure.controls["Next"].click()
    assert sentence(figure).endswith("Next: backpropagate step 10, which is held.")
    figure.controls["End"].click()
    assert "After 20 of 20 actions: 18 forward steps run, 0 of 3 slots in use." in sentence(figure)
