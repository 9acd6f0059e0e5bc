"""The same language model, larger and ten times as long: what patience brings, as a curve."""

from __future__ import annotations

from bptt_lessons.experiments import language_model
from bptt_lessons.experiments.recording import Experiment, Values


def run(seed: int, *, H: int, N: int, k: int, lr: float, updates: int, points: int) -> Values:
    """Run ``language_model.run``; the arguments and what comes back are the same."""
    return language_model.run(seed, H=H, N=N, k=k, lr=lr, updates=updates, points=points)


EXPERIMENT = Experiment(
    name="language_model_long",
    question="How many bits for a character of Python's manual, after 5,000 updates of a larger LSTM?",
    run=run,
    seeds=(0,),
    full={"H": 192, "N": 32, "k": 64, "lr": 0.02, "updates": 5000, "points": 25},
    lesson=language_model.EXPERIMENT.lesson,
    published={},
    note=language_model.EXPERIMENT.note,
)
