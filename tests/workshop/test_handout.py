"""The handout as a file: its equations are right, and it never overwrites someone else's file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from html_pages import Reader, assert_nothing_is_loaded

from bptt_lessons.cells import rnn
from bptt_lessons.course import cli
from bptt_lessons.gradients import gradcheck
from bptt_lessons.training import losses, readout
from bptt_lessons.workshop import commands


def main_with(*arguments: str) -> int:
    """Run the command line."""
    return cli.main(arguments, add_more=commands.add)


def test_the_handouts_own_backward_pass_is_the_packages() -> None:
    """The equations of the handout from the softmax to the readout's gradient, in their order, as NumPy."""
    T, N, D, H, K = 6, 3, 2, 4, 5
    rng = np.random.default_rng(1)
    params, out = rnn.init(rng, D, H), readout.init(rng, H, K)
    x, h0, target = rng.normal(size=(T, N, D)), rng.normal(size=(N, H)), rng.integers(0, K, (T, N))
    h, _, tape = rnn.forward(params, x, h0)
    y = readout.forward(out, h)
    p = np.exp(y) / np.exp(y).sum(axis=2, keepdims=True)
    kept = np.eye(K)[target]
    L = -np.log((p * kept).sum(axis=2)).sum() / (T * N)
    dy = (p - kept) / (T * N)
    dh_next, dz, dx = np.zeros((N, H)), np.empty((T, N, H)), np.empty((T, N, D))
    for t in reversed(range(T)):
        dh_own = dy[t] @ out.W_hy.T
        dh_t = dh_own + dh_next
        dz[t] = dh_t * (1 - h[t] ** 2)
        dx[t] = dz[t] @ params.W_xh.T
        dh_next = dz[t] @ params.W_hh.T
    h_before = np.concatenate([h0[None], h[:-1]])
    found = [
        *(L, dy, dx, dh_next, sum(x[t].T @ dz[t] for t in range(T)), sum(h_before[t].T @ dz[t] for t in range(T))),
        *(dz.sum(axis=(0, 1)), sum(h[t].T @ dy[t] for t in range(T)), dy.sum(axis=(0, 1))),
    ]
    of_out, dh = readout.backward(out, h, dy)
    grads, dx_right, dh_0 = rnn.backward(params, tape, dh)
    value, gradient = losses.softmax_cross_entropy(y, target), losses.softmax_cross_entropy_gradient(y, target)
    for ours, right in zip(found, [value, gradient, dx_right, dh_0, *grads, *of_out], strict=True):
        assert gradcheck.relative_error(np.asarray(ours), np.asarray(right)) < 1e-12


def test_the_handout_is_one_file_and_overwrites_no_other(tmp_path: Path) -> None:
    assert main_with("handout", "--to", str(tmp_path / "sheet.html")) == 0
    assert_nothing_is_loaded(Reader((tmp_path / "sheet.html").read_text(encoding="utf-8")))
    (tmp_path / "mine.html").write_text("mine")
    assert main_with("handout", "--to", str(tmp_path / "mine.html")) == 1
    assert (tmp_path / "mine.html").read_text() == "mine"
