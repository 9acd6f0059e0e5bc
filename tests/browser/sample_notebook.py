"""A small notebook with each interactive figure once, for the browser tests and the benchmark."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat

KERNEL = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}

IMPORTS = """\
import numpy as np
from bptt_lessons.cells import lstm, rnn
from bptt_lessons.tasks import adding, copying
from bptt_lessons.training import loop, optim, readout
from bptt_lessons.views import plots, widgets
rng = np.random.default_rng(0)
x = np.array([1, 0, 1, 1, 0, 1, 0, 0.0])[:, None, None]
net, linear = rnn.init(rng, 1, 2), readout.init(rng, 2, 1)
streams = rng.normal(size=(8, 12, 1))
wanted = rnn.forward(rnn.Params(np.array([[1.0]]), np.array([[0.8]]), np.zeros(1)), streams)[0].copy()
adder = loop.Model(lstm.init(rng, 2, 8), readout.init(rng, 8, 1))
copier = loop.Model(lstm.init(rng, 10, 32), readout.init(rng, 32, 10))
talker = loop.Model(lstm.init(rng, 96, 128), readout.init(rng, 128, 96))
message = copying.sequences(rng, 100, 2)

def advance(session):
    batch = adding.sequences(np.random.default_rng((0, len(session.losses))), 20, 8)
    return loop.fit(session, [batch], lambda model, b: loop.loss_and_gradient(lstm, model, *b),
                    lambda model, grads, memory: optim.adam(model, grads, memory, 1e-2))"""

FIGURES = {
    "unroller": "widgets.unroller(rnn.init(rng, 1, 3), x)",
    "bptt_player": "widgets.bptt_player(net, linear, streams[:4, :1], wanted[:4, :1])",
    "bptt_player_lstm": "widgets.bptt_player(lstm.init(rng, 1, 2), linear, streams[:4, 1:2], wanted[:4, 1:2])",
    "loss_surface": "widgets.loss_surface(streams, wanted, start=(-1.5, -1.0))",
    "gradient_flow": "widgets.gradient_flow()",
    "gate_explorer": "widgets.gate_explorer()",
    "checkpoint_schedule": "widgets.checkpoint_schedule(T=20)",  # as many rows as there can be
    "truncation_matrix": "widgets.truncation_matrix()",
    "task_viewer": "widgets.task_viewer(lstm, copier, message.x, message.target, names='abcdefgh-!')",
    "sampler": "widgets.sampler(loop.reader(lstm, talker), ''.join(map(chr, range(32, 128))), 'The import ')",
    "live_training": (
        "widgets.live_training(loop.Session(adder, optim.adam_start(adder)), advance, 100_000, path='live.npz', "
        "sample=lambda session: f'{len(session.losses)} updates')"
    ),
}
DRAWN = [name for name in FIGURES if name != "sampler"]  # which shows text, not a picture

TRAINING = """\
fitted = loop.fit(loop.Session(loop.Model(net, linear)), [(streams, wanted)] * 200,
                  lambda model, batch: loop.loss_and_gradient(rnn, model, *batch),
                  lambda model, grads, memory: (optim.sgd(model, grads, 0.1), memory),
                  on_update=widgets.training_progress(200))"""

PLOT = 'plots.lines({"x": x[:, 0, 0]}, xlabel="step t", ylabel="x_t", title="The input", alt="A row of bits")'


def notebook(executed: bool = False) -> Any:
    """Return the notebook as written or, if `executed`, as somebody else saved it after running it."""
    sources = [IMPORTS, *FIGURES.values(), TRAINING, PLOT]
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    if executed:
        names: dict[str, Any] = {}
        exec(IMPORTS, names)
        for number, (cell, source) in enumerate(zip(cells, sources, strict=True), 1):
            cell.execution_count = number
            if source in FIGURES.values():
                data = eval(source, names)._repr_mimebundle_()
                cell.outputs = [nbformat.v4.new_output("execute_result", data=data, execution_count=number)]
    return nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": KERNEL})


def write(path: Path, executed: bool = False) -> None:
    """Write the notebook to a file."""
    nbformat.write(notebook(executed), path)
