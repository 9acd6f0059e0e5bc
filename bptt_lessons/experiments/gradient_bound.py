"""The bound on a product of Jacobians, tested on many nets (Pascanu, Mikolov and Bengio 2013)."""

from __future__ import annotations

import numpy as np

from bptt_lessons.cells import rnn
from bptt_lessons.cells.activations import LINEAR, RELU, SIGMOID, TANH
from bptt_lessons.experiments.recording import Experiment, Values
from bptt_lessons.gradients import flow

ROUNDING = 1e-10  # relative: a linear net reaches its bound at lag 1, up to rounding


def run(seed: int, *, sizes: tuple[int, ...], scales: tuple[float, ...], lags: int) -> Values:
    """Compare ‖∂h_T/∂h_{T-lag}‖ with (γ σ_max)^lag for four activations, several sizes and scales.

    Weights W_hh are normal with standard deviation scale/√H, biases and inputs standard normal.

    Parameters
    ----------
    seed : int
    sizes : tuple of int
        Hidden units.
    scales : tuple of float
    lags : int
        Lags 1 ... `lags` are tried on each net: each is one trial.

    Returns
    -------
    dict
        The number of trials and of those in which the bound holds, the largest share of the bound
        reached at lag 1, and the median share at the last lag (its log10).
    """
    rng = np.random.default_rng(seed)
    shares = []
    for activation in (TANH, SIGMOID, RELU, LINEAR):
        for H in sizes:
            for scale in scales:
                params = rnn.Params(
                    rng.normal(size=(1, H)), scale * rng.normal(size=(H, H)) / H**0.5, rng.normal(size=H)
                )
                h, _, _ = rnn.forward(params, rng.normal(size=(lags + 1, 1, 1)), activation=activation)
                norms = flow.operator_norms(flow.jacobian_products(params, h, activation)[:, 0])[::-1]
                shares.append((norms / flow.bound(params.W_hh, activation.gamma, lags + 1))[1:])
    share = np.array(shares)
    last = np.maximum(share[:, -1], 1e-300)  # a ReLU net may have died out: exactly 0
    return {
        "trials": share.size,
        "trials in which the bound holds": int((share <= 1 + ROUNDING).sum()),
        "largest share of the bound, lag 1": float(share[:, 0].max()),
        f"median share of the bound, lag {lags}, log10": float(np.median(np.log10(last))),
    }


EXPERIMENT = Experiment(
    name="gradient_bound",
    question="Does ‖∂h_T/∂h_s‖ ≤ (γ σ_max)^(T - s) hold on every net that is tried?",
    run=run,
    seeds=tuple(range(10)),
    full={"sizes": (2, 8, 32), "scales": (0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0), "lags": 50},
    lesson={"sizes": (2, 8), "scales": (0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0), "lags": 50},
    published={"trials in which the bound holds": "all: a theorem (Pascanu, Mikolov and Bengio 2013, section 2.1)"},
)
