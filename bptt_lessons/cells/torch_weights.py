"""Weights as PyTorch names and lays them out, for those who compare or move a net.

    PyTorch                           here
    weight_ih_l0  (blocks·H, D)       W_xh transposed
    weight_hh_l0  (blocks·H, H)       W_hh transposed
    bias_ih_l0 + bias_hh_l0           b_h: two biases that only ever appear as a sum
    ... of torch.nn.GRU               b_hg is the last third of bias_hh_l0, the part inside the reset gate's product

The order of the blocks is the same: i, f, g, o in ``torch.nn.LSTM`` and in ``lstm``; r, z, n
in ``torch.nn.GRU`` are r, u, g in ``gru``.  Only NumPy is needed: PyTorch's side is a mapping
of arrays, such as ``{name: p.detach().numpy() for name, p in net.named_parameters()}``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from bptt_lessons.arguments import Arguments, Array
from bptt_lessons.cells import gru, lstm, rnn

BLOCKS = {rnn: 1, gru: 3, lstm: 4}
CHECKS = {
    blocks: Arguments(
        weight_hh_l0=f"{rows} H",
        weight_ih_l0=f"{rows} D",
        bias_ih_l0=rows,
        bias_hh_l0=rows,
    )
    for blocks, rows in {1: "H", 3: "3H", 4: "4H"}.items()
}


def to_torch(params: Any) -> dict[str, Array]:
    """Return the parameters of a cell as a one-layer module of PyTorch names them.

    Parameters
    ----------
    params : rnn.Params, gru.Params or lstm.Params

    Returns
    -------
    dict of str to array
        b_h is given to bias_ih_l0; bias_hh_l0 is zero but for the GRU's b_hg.

    Raises
    ------
    ValueError
        If `params` belong to another cell or their shapes do not fit.
    """
    cell = cell_of(params)
    cell.check_params(params)
    H = len(params.W_hh)
    second = np.zeros_like(params.b_h)
    if cell is gru:
        second[2 * H :] = params.b_hg
    return {
        "weight_ih_l0": params.W_xh.T.copy(),
        "weight_hh_l0": params.W_hh.T.copy(),
        "bias_ih_l0": params.b_h.copy(),
        "bias_hh_l0": second,
    }


def from_torch(cell: Any, weights: Mapping[str, Array]) -> Any:
    """Return the cell's parameters from those of a one-layer module of PyTorch.

    Parameters
    ----------
    cell : module
        ``rnn``, ``gru`` or ``lstm``.
    weights : mapping of str to array
        weight_ih_l0, weight_hh_l0, bias_ih_l0 and bias_hh_l0.

    Returns
    -------
    the cell's Params
    """
    if not any(cell is known for known in BLOCKS):
        raise ValueError(f"cell must be one of the modules rnn, gru and lstm, got {getattr(cell, '__name__', cell)!r}")
    if not isinstance(weights, Mapping):
        raise ValueError(f"weights must be a mapping of names to arrays, got {type(weights).__name__}")
    check_weights = CHECKS[BLOCKS[cell]]
    for name in check_weights.rules:
        if name not in weights:
            raise ValueError(f"weights has no {name}; it has {', '.join(map(str, weights)) or 'nothing'}")
    W_hh, W_ih, b_ih, b_hh = (weights[name] for name in check_weights.rules)
    check_weights(W_hh, W_ih, b_ih, b_hh)
    H = W_hh.shape[1]
    if cell is gru:
        b_h = b_ih + np.concatenate([b_hh[: 2 * H], np.zeros_like(b_hh[2 * H :])])
        return gru.Params(W_ih.T.copy(), W_hh.T.copy(), b_h, b_hh[2 * H :].copy())
    return cell.Params(W_ih.T.copy(), W_hh.T.copy(), b_ih + b_hh)


def cell_of(params: Any) -> Any:
    """Return the module whose Params these are, or raise ValueError."""
    for cell in BLOCKS:
        if isinstance(params, cell.Params):
            return cell
    found = f"{type(params).__module__}.{type(params).__name__}"
    raise ValueError(f"params must be those of rnn, gru or lstm, got {found}")
