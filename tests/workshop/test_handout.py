"""The handout as a file: its equations, its structure, and that it never overwrites someone else's file."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
from html_pages import Reader, assert_nothing_is_loaded

from bptt_lessons.cells import rnn
from bptt_lessons.course import cli, learner_folder
from bptt_lessons.gradients import gradcheck
from bptt_lessons.training import losses, readout
from bptt_lessons.workshop import commands, handout, prose

LESSONS = learner_folder.shipped_lessons(learner_folder.shipped_folder())
# Formulas that no notebook has in these words, because it names an index, or says the sum or the mask in prose.
OWN = (
    r"p_{tnk} = \frac{e^{y_{tnk}}}{\sum_j e^{y_{tnj}}}",
    r"L = -\frac{1}{|M|} \sum_{(t,n) \in M} \ln p_{tnk}",
    r"k = \mathrm{target}_{tn}",
    r"\frac{\partial L}{\partial y_{tnk}} = \frac{p_{tnk} - [k = \mathrm{target}_{tn}]}{|M|}",
    r"dh^{\text{own}}_t = dy_t\, W_{hy}^{\top}",
    r"dh_t = dh^{\text{own}}_t + dh^{\text{next}}_t",
    r"dz_t = dh_t \odot (1 - h_t^2)",
    r"dx_t = dz_t\, W_{xh}^{\top}",
    r"dh^{\text{next}}_{t-1} = dz_t\, W_{hh}^{\top}",
    r"dW_{xh} = \sum_t x_t^{\top} dz_t",
    r"db_h = \sum_{t,n} dz_{tn}",
    r"dW_{hy} = \sum_t h_t^{\top} dy_t",
    r"\frac{\partial f}{\partial w_j} \approx \frac{f(w + \varepsilon e_j) - f(w - \varepsilon e_j)}{2 \varepsilon}",
    r"\frac{\partial f}{\partial w_j} \approx \frac{\operatorname{Im} f(w + \mathrm{i} \varepsilon e_j)}{\varepsilon}",
    r"dh^{\text{next}}_{t-1} = dh_t\, J_t^{\top}",
    r"\frac{dL_T}{dh_s} = \frac{dL_T}{dh_T}\,\bigl(J_{s+1} \cdots J_{T-1} J_T\bigr)^{\top}",
    r"\lVert J_{s+1} \cdots J_T \rVert \le (\gamma\, \sigma_{\max})^{T-s}",
    r"\lVert W_{hh}^k \rVert^{1/k} \to \rho \le \sigma_{\max}",
    r"(k \to \infty)",
    r"\frac{dL}{dW} = \sum_{t=1}^{T} \sum_{s=1}^{t} G[t, s]",
    r"G[t, s] = \frac{dL_t}{dh_s} \frac{\partial^+ h_s}{\partial W}",
    r"dh^{\text{next}}_{t-1} = [dz_r, dz_u, ds]\, W_{hh}^{\top} + dh_t \odot u",
    r"\lVert g \rVert = \sqrt{\sum_j g_j^2}",
    r"w \leftarrow w - \text{lr}\, g",
)


def main_with(*arguments: str) -> int:
    """Run the command line."""
    return cli.main(arguments, add_more=commands.add)


def pieces(formula: str) -> list[str]:
    """Return the equations in a formula, without spaces, numbers and the full stop."""
    plain = re.sub(r"\\tag\{\w+\}|\\[,;]|\\textstyle", "", formula)
    found = [re.sub(r"\s+", "", piece).rstrip(".,;") for piece in re.split(r"\\q?quad", plain)]
    return [piece for piece in found if piece]


def test_every_equation_of_the_handout_is_in_a_notebook_or_listed_here() -> None:
    own = {piece for formula in OWN for piece in pieces(formula)}
    known = set(own)
    for path in LESSONS:
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            if cell["cell_type"] == "markdown":
                for formula in prose.equations("".join(cell["source"])):
                    known.update(pieces(formula))
    text = handout.source().read_text(encoding="utf-8")
    shown = [p for part in prose.parts(text) if part.kind == "equation" for p in pieces(part.source.strip("$"))]
    assert len(shown) > 50
    assert [piece for piece in shown if piece not in known] == []
    assert own - set(shown) == set(), "listed here, and no longer on the page"


def test_the_handouts_own_backward_pass_is_the_packages() -> None:
    """The lines of `OWN` from the softmax to the readout's gradient, in their order, as NumPy."""
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


def test_a_table_has_a_caption_and_headers_for_columns_and_rows() -> None:
    read = Reader(handout.handout(handout.source().read_text(encoding="utf-8")))
    tables, rows = len(read.all("table")), len(read.all("tr"))
    assert len(read.all("caption")) == tables == 2
    scopes = [header.get("scope") for header in read.all("th")]
    assert (scopes.count("col"), scopes.count("row"), scopes.count(None)) == (5, rows - tables, 0)


def test_a_heading_names_its_lesson() -> None:
    text = handout.source().read_text(encoding="utf-8")
    titles = [part.title for part in prose.parts(text) if part.kind == "heading" and part.level == 2]
    assert titles[0] == "The alphabet"
    assert all(re.match(r"0\d(,? (to )?0\d)* [A-Z]", title) for title in titles[1:])


def test_the_handout_is_one_file_and_overwrites_no_other(tmp_path: Path) -> None:
    assert main_with("handout", "--to", str(tmp_path / "sheet.html")) == 0
    assert_nothing_is_loaded(Reader((tmp_path / "sheet.html").read_text(encoding="utf-8")))
    (tmp_path / "mine.html").write_text("mine")
    assert main_with("handout", "--to", str(tmp_path / "mine.html")) == 1
    assert (tmp_path / "mine.html").read_text() == "mine"
