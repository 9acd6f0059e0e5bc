"""Every formula of the handout, written out in Python beside it, gives what the package gives."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache, reduce
from itertools import combinations
from typing import Any

import numpy as np
import pytest

from bptt_lessons.cells import gru, lstm, rnn, unrolled
from bptt_lessons.cells.activations import SIGMOID, TANH
from bptt_lessons.gradients import checkpointing, flow, gradcheck, tbptt
from bptt_lessons.tasks import adding, copying, temporal_xor
from bptt_lessons.training import losses, optim, readout
from bptt_lessons.workshop import handout, prose

T, N, D, H, K = 6, 3, 2, 4, 5
TEXT = handout.source().read_text(encoding="utf-8")
RELATION = re.compile(r"=|[<>]|\\(le|ge|to|approx|leftarrow)\b(?!ft)")

# What the page says, and the same in Python. A step's x_t is x_t, h_{t-1} is h_before; code counts from 0.
PAGE: dict[str, dict[str, str]] = {
    "forward": {
        r"z_t = x_t W_{xh} + h_{t-1} W_{hh} + b_h": "z_t = x_t @ W_xh + h_before @ W_hh + b_h",
        r"h_t = \tanh z_t": "h_t = np.tanh(z_t)",
        r"y_t = h_t W_{hy} + b_y": "y_t = h_t @ W_hy + b_y",
    },
    "squares": {
        r"L = \frac{1}{|M|\,K} \sum_{(t,n) \in M} \sum_k (y_{tnk} - \mathrm{target}_{tnk})^2": (
            "L = 1 / (len(M) * K) * sum((y[t, n, k] - target[t, n, k]) ** 2 for t, n in M for k in range(K))"
        ),
    },
    "classes": {
        r"p_{tnk} = \frac{e^{y_{tnk}}}{\sum_j e^{y_{tnj}}}": (
            "p = lambda t, n, k: np.exp(y[t, n, k]) / sum(np.exp(y[t, n, j]) for j in range(K))"
        ),
        r"L = -\frac{1}{|M|} \sum_{(t,n) \in M} \ln p_{tnk}": (
            "L = -1 / len(M) * sum(np.log(p(t, n, target[t, n])) for t, n in M)"
        ),
        r"k = \mathrm{target}_{tn}": "",  # the k of the line before
        r"\frac{\partial L}{\partial y_{tnk}} = \frac{p_{tnk} - [k = \mathrm{target}_{tn}]}{|M|}": (
            "dy = lambda t, n, k: (p(t, n, k) - (k == target[t, n])) / len(M) if (t, n) in M else 0"
        ),
    },
    "roads": {
        r"dh^{\text{own}}_t = dy_t\, W_{hy}^{\top}": "dh_own = dy_t @ W_hy.T",
        r"dh_t = dh^{\text{own}}_t + dh^{\text{next}}_t": "dh_t = dh_own + dh_next",
    },
    "tanh": {r"dz_t = dh_t \odot (1 - h_t^2)": "dz_t = dh_t * (1 - h_t**2)"},
    "products": {
        r"dx_t = dz_t\, W_{xh}^{\top}": "dx_t = dz_t @ W_xh.T",
        r"dh^{\text{next}}_{t-1} = dz_t\, W_{hh}^{\top}": "dh_next = dz_t @ W_hh.T",
    },
    "sums": {
        r"dW_{xh} = \sum_t x_t^{\top} dz_t": "dW_xh = sum(x[t].T @ dz[t] for t in range(T))",
        r"dW_{hh} = \sum_t h_{t-1}^{\top} dz_t": "dW_hh = sum(h_prev[t].T @ dz[t] for t in range(T))",
        r"db_h = \sum_{t,n} dz_{tn}": "db_h = sum(dz[t, n] for t in range(T) for n in range(N))",
    },
    "readout": {
        r"dW_{hy} = \sum_t h_t^{\top} dy_t": "dW_hy = sum(h[t].T @ dy[t] for t in range(T))",
        r"db_y = \sum_{t,n} dy_{tn}": "db_y = sum(dy[t, n] for t in range(T) for n in range(N))",
    },
    "start": {r"dh_0 = dh^{\text{next}}_0": "dh_0 = dh_next"},
    "differences": {
        r"\frac{\partial f}{\partial w_j} \approx \frac{f(w + \varepsilon e_j) - f(w - \varepsilon e_j)}{2 \varepsilon}": (  # noqa: E501
            "central = lambda j: (f(w + 1e-5 * e(j)) - f(w - 1e-5 * e(j))) / (2 * 1e-5)"
        ),
        r"\frac{\partial f}{\partial w_j} \approx \frac{\operatorname{Im} f(w + \mathrm{i} \varepsilon e_j)}{\varepsilon}": (  # noqa: E501
            "by_complex_step = lambda j: f(w + 1j * 1e-30 * e(j)).imag / 1e-30"
        ),
    },
    "jacobian": {
        r"J_t[n, i, j] = \frac{\partial h_t[n, j]}{\partial h_{t-1}[n, i]} = W_{hh}[i, j]\,\bigl(1 - h_t[n, j]^2\bigr)": (  # noqa: E501
            "J_t = np.array([[[W_hh[i, j] * (1 - h_t[n, j] ** 2) for j in range(H)] for i in range(H)]"
            " for n in range(N)])"
        ),
    },
    "flow": {
        r"dh^{\text{next}}_{t-1} = dh_t\, J_t^{\top}": "dh_next = dh_t[n] @ J[T - 1][n].T",
        r"\frac{dL_T}{dh_s} = \frac{dL_T}{dh_T}\,\bigl(J_{s+1} \cdots J_{T-1} J_T\bigr)^{\top}": (
            "dL_dh_s = dh_t[n] @ reduce(np.matmul, [J[t][n] for t in range(s + 1, T)], np.eye(H)).T"
        ),
        r"\lVert J_{s+1} \cdots J_T \rVert \le (\gamma\, \sigma_{\max})^{T-s}": (
            "holds = norm(reduce(np.matmul, [J[t][n] for t in range(s + 1, T)], np.eye(H)), 2)"
            " <= (gamma * sigma_max) ** (T - (s + 1)) * (1 + 1e-12)"
        ),
    },
    "radius": {
        r"\lVert W_{hh}^k \rVert^{1/k} \to \rho \le \sigma_{\max}": (
            "far, holds = norm(np.linalg.matrix_power(W_hh, k), 2) ** (1 / k), rho <= sigma_max"
        ),
    },
    "one slot": {r"C(t, 1) = t(t+1)/2": "C_1 = lambda t: t * (t + 1) / 2"},
    "states": {
        r"C(t, m) = \min_{1 \le y < t} \bigl[\, y + C(t - y,\, m - 1) + C(y,\, m) \,\bigr]": (
            "C = cache(lambda t, m: C_1(t) if m == 1 else C_short(t, m) if t == 1 else"
            " min(y + C(t - y, m - 1) + C(y, m) for y in range(1, t)))"
        ),
        r"C(1, m) = 1": "C_short = lambda t, m: 1",
    },
    "steps": {
        r"C(t, m) = \min_{1 \le y \le t} \bigl[\, y + C(t - y,\, m - 1) + C(y - 1,\, m) \,\bigr]": (
            "C = cache(lambda t, m: C_1(t) if m == 1 else C_short(t, m) if t == 0 else"
            " min(y + C(t - y, m - 1) + C(y - 1, m) for y in range(1, t + 1)))"
        ),
        r"C(0, m) = 0": "C_short = lambda t, m: 0",
    },
    "triangle": {
        r"\frac{dL}{dW} = \sum_{t=1}^{T} \sum_{s=1}^{t} G[t, s]": (
            "dL_dW = sum(G(t, s) for t in range(T) for s in range(t + 1))"
        ),
        r"G[t, s] = \frac{dL_t}{dh_s} \frac{\partial^+ h_s}{\partial W}": (
            "G = lambda t, s: np.einsum('nj,njab->ab', dL_dh(t, s), use(s))"
        ),
    },
    "sliding": {r"s > e(t) - k_2": "kept = s > e - k2"},
    "sigmoid": {r"\sigma(z) = 1/(1 + e^{-z})": "sigma = lambda z: 1 / (1 + np.exp(-z))"},
    "lstm": {
        r"[z_i, z_f, z_g, z_o] = x_t W_{xh} + h_{t-1} W_{hh} + b_h": (
            "z_i, z_f, z_g, z_o = np.split(x_t @ W_xh + h_before @ W_hh + b_h, 4, axis=1)"
        ),
        r"i, f, o = \sigma(z_i), \sigma(z_f), \sigma(z_o)": "i, f, o = sigma(z_i), sigma(z_f), sigma(z_o)",
        r"g = \tanh z_g": "g = np.tanh(z_g)",
        r"c_t = f \odot c_{t-1} + i \odot g": "c_t = f * c_before + i * g",
        r"h_t = o \odot \tanh c_t": "h_t = o * np.tanh(c_t)",
    },
    "lstm back": {
        r"do = dh_t \odot \tanh c_t": "do = dh_t * np.tanh(c_t)",
        r"dc_t = dc^{\text{next}}_t + dh_t \odot o \odot (1 - \tanh^2 c_t)": (
            "dc_t = dc_next + dh_t * o * (1 - np.tanh(c_t) ** 2)"
        ),
        r"df = dc_t \odot c_{t-1}": "df = dc_t * c_before",
        r"di = dc_t \odot g": "di = dc_t * g",
        r"dg = dc_t \odot i": "dg = dc_t * i",
        r"dc^{\text{next}}_{t-1} = dc_t \odot f": "dc_next = dc_t * f",
        r"dz_i = di \odot i (1-i)": "dz_i = di * i * (1 - i)",
        r"dz_f = df \odot f (1-f)": "dz_f = df * f * (1 - f)",
        r"dz_g = dg \odot (1-g^2)": "dz_g = dg * (1 - g**2)",
        r"dz_o = do \odot o (1-o)": "dz_o = do * o * (1 - o)",
        r"dz_t = [dz_i, dz_f, dz_g, dz_o]": "dz_t = np.concatenate([dz_i, dz_f, dz_g, dz_o], axis=1)",
    },
    "half-life": {
        r"f = \sigma(b)": "f = sigma(b)",
        r"k = \ln\frac12 / \ln f": "k = np.log(1 / 2) / np.log(f)",
    },
    "gru": {
        r"[r, u] = \sigma(x_t W_{x,ru} + b_{ru} + h_{t-1} W_{h,ru})": (
            "r, u = np.split(sigma(x_t @ W_xh[:, :2*H] + b_h[:2*H] + h_before @ W_hh[:, :2*H]), 2, axis=1)"
        ),
        r"s = h_{t-1} W_{hg} + b_{hg}": "s = h_before @ W_hh[:, -H:] + b_hg",
        r"g = \tanh(x_t W_{xg} + b_g + r \odot s)": "g = np.tanh(x_t @ W_xh[:, -H:] + b_h[-H:] + r * s)",
        r"h_t = (1 - u) \odot g + u \odot h_{t-1}": "h_t = (1 - u) * g + u * h_before",
    },
    "gru back": {
        r"dz_g = dh_t \odot (1-u) \odot (1-g^2)": "dz_g = dh_t * (1 - u) * (1 - g**2)",
        r"ds = dz_g \odot r": "ds = dz_g * r",
        r"dz_r = dz_g \odot s \odot r(1-r)": "dz_r = dz_g * s * r * (1 - r)",
        r"dz_u = dh_t \odot (h_{t-1} - g) \odot u(1-u)": "dz_u = dh_t * (h_before - g) * u * (1 - u)",
    },
    "gru to the step before": {
        r"dh^{\text{next}}_{t-1} = [dz_r, dz_u, ds]\, W_{hh}^{\top} + dh_t \odot u": (
            "dh_next = np.concatenate([dz_r, dz_u, ds], axis=1) @ W_hh.T + dh_t * u"
        ),
    },
    "clipping": {
        r"g \leftarrow g \cdot \min\Bigl(1, \frac{\text{max\_norm}}{\lVert g \rVert}\Bigr)": (
            "clipped = g * min(1, max_norm / length(g))"
        ),
    },
    "length": {
        r"\lVert g \rVert = \sqrt{\sum_j g_j^2}": "length = lambda g: np.sqrt(sum(g_j**2 for g_j in g))",
    },
    "descent": {r"w \leftarrow w - \text{lr}\, g": "w = w - lr * g"},
    "adam": {
        r"m \leftarrow \beta_1 m + (1-\beta_1)\, g": "m = beta_1 * m + (1 - beta_1) * g",
        r"v \leftarrow \beta_2 v + (1-\beta_2)\, g^2": "v = beta_2 * v + (1 - beta_2) * g**2",
        r"\hat m = \frac{m}{1-\beta_1^t}": "m_hat = m / (1 - beta_1**t)",
        r"\hat v = \frac{v}{1-\beta_2^t}": "v_hat = v / (1 - beta_2**t)",
        r"w \leftarrow w - \text{lr}\,\frac{\hat m}{\sqrt{\hat v} + \varepsilon}": (
            "w = w - lr * m_hat / (np.sqrt(v_hat) + eps)"
        ),
    },
    "usual": {
        r"\beta_1 = 0.9": "beta_1 = 0.9",
        r"\beta_2 = 0.999": "beta_2 = 0.999",
        r"\varepsilon = 10^{-8}": "eps = 1e-8",
    },
}
# Names, conditions and beginnings: the tests below are written so.
CONDITIONS = {
    r"dh^{\text{next}}_T = 0",
    r"dc^{\text{next}}_T = 0",
    r"\varepsilon = 10^{-5}",
    r"\varepsilon = 10^{-30}",
    r"\mathrm{i}^2 = -1",
    r"(k \to \infty)",
    r"\gamma\,\sigma_{\max} < 1",
    r"m \ge 2",
    r"L = \sum_t L_t",
    r"s \le t",
    r"k_2 \ge k_1",
    r"g = dL/dw",
}


def plain(formula: str) -> str:
    """A formula without spaces."""
    return re.sub(r"\\[,;]|\\textstyle|\s", "", formula).rstrip(".,;")


def run(group: str, names: dict[str, Any], *, order: int = 1) -> dict[str, Any]:
    """Compute a group of formulas, where they stand or from the last to the first, and return all names."""
    names |= {"np": np, "cache": cache, "reduce": reduce, "norm": np.linalg.norm, "T": T, "N": N, "H": H, "K": K}
    for code in list(PAGE[group].values())[::order]:
        exec(code, names)
    return names


def same(a: Any, b: Any) -> None:
    np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(6)


def sequence(cell: Any, rng: np.random.Generator) -> tuple[Any, np.ndarray, np.ndarray]:
    params = cell.init(rng, D, H)._replace(b_h=rng.normal(size=cell.init(rng, D, H).b_h.shape))
    return params, rng.normal(size=(T, N, D)), rng.normal(size=(N, H)) / 2


def backwards(names: dict[str, Any], tape: Any, h: np.ndarray, dh: np.ndarray) -> Iterator[int]:
    """From the last step to the first, with what the step has seen and both roads summed."""
    names |= {"dh_next": np.zeros((N, H)), "h_prev": tape.h_prev, "x": tape.x}
    for t in reversed(range(T)):
        names |= {"x_t": tape.x[t], "h_before": tape.h_prev[t], "h_t": h[t], "dh_t": dh[t] + names["dh_next"]}
        yield t


def test_every_formula_of_the_page_is_here() -> None:
    shown = [p for f in prose.equations(TEXT) for p in re.split(r"\\q?quad", f) if RELATION.search(p)]
    known = {plain(formula) for group in PAGE.values() for formula in group}
    conditions = {plain(formula) for formula in CONDITIONS}
    assert [p for p in shown if plain(p) not in known | conditions] == []
    assert known | conditions <= {plain(p) for p in shown}, "and what is here is on the page"


def test_forward_and_losses(rng: np.random.Generator) -> None:
    params, x, h0 = sequence(rnn, rng)
    out = readout.init(rng, H, K)._replace(b_y=rng.normal(size=K))
    names = {**params._asdict(), **out._asdict(), "h_t": h0}
    steps = []
    for x_t in x:
        names |= {"x_t": x_t, "h_before": names["h_t"]}
        steps.append(run("forward", names)["y_t"])
    y = np.stack(steps)
    same(y, readout.forward(out, rnn.forward(params, x, h0)[0]))
    mask = rng.random((T, N)) < 0.6
    M = {(int(t), int(n)) for t, n in zip(*np.nonzero(mask), strict=True)}
    real, classes = rng.normal(size=(T, N, K)), rng.integers(0, K, (T, N))
    same(run("squares", {"y": y, "M": M, "target": real})["L"], losses.mse(y, real, mask))
    found = run("classes", {"y": y, "M": M, "target": classes})
    same(found["L"], losses.softmax_cross_entropy(y, classes, mask))
    dy = [[[found["dy"](t, n, k) for k in range(K)] for n in range(N)] for t in range(T)]
    same(dy, losses.softmax_cross_entropy_gradient(y, classes, mask))


def test_back_through_the_plain_cell(rng: np.random.Generator) -> None:
    params, x, h0 = sequence(rnn, rng)
    out, dy = readout.init(rng, H, K), rng.normal(size=(T, N, K))
    h, _, tape = rnn.forward(params, x, h0)
    names: dict[str, Any] = {**params._asdict(), **out._asdict(), "h": h, "dy": dy}
    dx, dz = np.empty((T, N, D)), np.empty((T, N, H))
    for t in backwards(names, tape, h, np.zeros((T, N, H))):
        names["dy_t"] = dy[t]
        for group in ("roads", "tanh", "products"):
            run(group, names)
        dx[t], dz[t] = names["dx_t"], names["dz_t"]
    names["dz"] = dz
    for group in ("sums", "readout", "start"):
        run(group, names)
    of_out, dh = readout.backward(out, h, dy)
    grads, dx_right, dh_0 = rnn.backward(params, tape, dh)
    for name, gradient in (grads._asdict() | of_out._asdict()).items():
        same(names[f"d{name}"], gradient)
    same(dx, dx_right)
    same(names["dh_0"], dh_0)


def test_gradient_check(rng: np.random.Generator) -> None:
    w = rng.normal(size=H)

    def f(w: np.ndarray) -> Any:
        return np.tanh(w @ w[::-1]) + np.sum(w**3)

    found = run("differences", {"f": f, "w": w, "e": lambda j: np.eye(H)[j]})
    same([found["central"](j) for j in range(H)], gradcheck.central_difference(f, w, 1e-5))
    same([found["by_complex_step"](j) for j in range(H)], gradcheck.complex_step(f, w, 1e-30))
    assert gradcheck.relative_error(gradcheck.central_difference(f, w), gradcheck.complex_step(f, w)) < 1e-8


def test_gradient_flow(rng: np.random.Generator) -> None:
    params, x, h0 = sequence(rnn, rng)
    h, _, tape = rnn.forward(params, x, h0)
    names: dict[str, Any] = params._asdict()
    J = [run("jacobian", names | {"h_t": h_t})["J_t"] for h_t in h]
    for h_t, J_t in zip(h, J, strict=True):
        same(J_t, flow.step_jacobian(params, h_t))
    for i in range(H):  # it is the derivative: old unit i, new unit j
        moved = h[-2] + 1e-30j * np.eye(H)[i]
        same(rnn.step(params, x[-1], moved)[0].imag / 1e-30, J[-1][:, i])
    dL_T, gamma, sigma_max = rng.normal(size=(N, H)), 1.0, flow.largest_singular_value(params.W_hh)
    assert TANH.gamma == 1
    assert SIGMOID.gamma == 1 / 4
    dh = np.zeros((T, N, H))
    dh[-1] = dL_T
    for n in range(N):
        for s in range(T):
            found = run("flow", {"J": J, "n": n, "s": s, "dh_t": dL_T, "gamma": gamma, "sigma_max": sigma_max})
            at_s = rnn.Tape(tape.x[s + 1 :], tape.h_prev[s + 1 :], tape.h[s + 1 :])
            same(found["dL_dh_s"], rnn.backward(params, at_s, dh[s + 1 :])[2][n] if s < T - 1 else dL_T[n])
            assert found["holds"]
        same(found["dh_next"], ((dL_T * (1 - h[-1] ** 2)) @ params.W_hh.T)[n])
    rho = flow.spectral_radius(params.W_hh)
    found = run("radius", {"W_hh": params.W_hh, "k": 2000, "rho": rho, "sigma_max": sigma_max})
    assert found["far"] == pytest.approx(rho, rel=1e-2)
    assert found["holds"]


@pytest.mark.parametrize(("group", "keeps"), [("states", "state"), ("steps", "step")])
def test_checkpointing(group: str, keeps: str) -> None:
    found = run(group, run("one slot", {}))
    first = 1 if keeps == "state" else 0
    for m in range(1, 7):
        assert found["C"](first, m) == first
        assert [found["C"](t, m) for t in range(1, 25)] == [
            checkpointing.forward_cost(t, m, keeps) for t in range(1, 25)
        ]


def test_every_root_th_state(rng: np.random.Generator) -> None:
    params = rnn.init(rng, 1, H)
    runs, steps, k = np.zeros(49, int), np.arange(49.0).reshape(49, 1, 1), 7

    def forward(params: Any, x: np.ndarray, state: Any) -> Any:
        runs[x[:, 0, 0].astype(int)] += 1
        return rnn.forward(params, x, state)

    cell = rnn.with_activation(TANH)._replace(forward=forward)
    checkpointing.backward_sqrt(cell, params, steps, None, lambda h, start: (0.0, np.ones_like(h), None), k)
    assert set(runs) <= {1, 2}
    assert 49 / k + k == 2 * np.sqrt(49)


def test_the_triangle(rng: np.random.Generator) -> None:
    params, x, h0 = sequence(rnn, rng)
    dh = rng.normal(size=(T, N, H))
    h, _, tape = rnn.forward(params, x, h0)
    _, _, caches = unrolled.forward(unrolled.looped(rnn), params, x, h0)
    parts = tbptt.contributions(rnn, params, caches, dh).W_hh
    J = [flow.step_jacobian(params, h_t) for h_t in h]

    def dL_dh(t: int, s: int) -> np.ndarray:
        return reduce(lambda back, j: np.einsum("nj,nij->ni", back, J[j]), range(t, s, -1), dh[t])

    def use(s: int) -> np.ndarray:
        """The derivative of h_s[n, j] by W_hh[a, b], with h_{s-1} held fixed."""
        return np.einsum("nb,na,jb->njab", 1 - h[s] ** 2, tape.h_prev[s], np.eye(H))

    found = run("triangle", {"dL_dh": dL_dh, "use": use}, order=-1)
    for t in range(T):
        for s in range(t + 1):
            same(found["G"](t, s), parts[t, s])
    same(found["dL_dW"], rnn.backward(params, tape, dh)[0].W_hh)


def pairs(length: int) -> list[tuple[int, int]]:
    """All (t, s) with s ≤ t, counted from 1."""
    return [(t, s) for t in range(1, length + 1) for s in range(1, t + 1)]


def test_what_truncations_keep(rng: np.random.Generator) -> None:
    for k1 in range(1, 12):
        kept = tbptt.kept_by_windows(10, k1)
        assert all(kept[t - 1, s - 1] == ((t - 1) // k1 == (s - 1) // k1) for t, s in pairs(10))
        for k2 in range(k1, 14):
            kept = tbptt.kept_by_sliding(10, k1, k2)
            for t, s in pairs(10):
                e = min(next(multiple for multiple in range(k1, 99, k1) if multiple >= t), 10)
                assert run("sliding", {"s": s, "e": e, "k2": k2})["kept"] == kept[t - 1, s - 1]
    # Windows whose state is reset: the pairs within a window, of the states that start anew in it
    params, x, _ = sequence(rnn, rng)
    dh = rng.normal(size=(T, N, H))
    reset = tbptt.windowed_gradient(rnn, params, x, None, lambda h, a: (0.0, dh[a : a + len(h)], None), 2, carry=False)
    windows = [rnn.backward(params, rnn.forward(params, x[a:b])[2], dh[a:b])[0] for a, b in tbptt.windows(T, 2)]
    same(reset.grads.W_hh, sum(window.W_hh for window in windows))
    # Random cuts: with the weight on the page, the mean over all of them keeps everything once
    q, mean = 0.3, np.zeros((5, 5))
    for count in range(5):
        for cuts in combinations(range(1, 5), count):
            weights = tbptt.kept_by_cuts(5, cuts, q)
            for t, s in pairs(5):
                cut_between = any(s <= cut < t for cut in cuts)  # cut c lies between the steps c and c + 1
                same(weights[t - 1, s - 1], 0 if cut_between else (1 - q) ** -(t - s))
            mean += q**count * (1 - q) ** (4 - count) * weights
    same(mean, np.tri(5))
    assert "$(1-q)^{-(t-s)}$" in TEXT


def test_the_lstm(rng: np.random.Generator) -> None:
    params, x, h0 = sequence(lstm, rng)
    dh, c0 = rng.normal(size=(T, N, H)), rng.normal(size=(N, H))
    h, last, tape = lstm.forward(params, x, lstm.State(h0, c0))
    names = run("sigmoid", {**params._asdict(), "h_t": h0, "c_t": c0})
    steps = []
    for t in range(T):
        names |= {"x_t": x[t], "h_before": names["h_t"], "c_before": names["c_t"]}
        run("lstm", names)
        steps.append({key: names[key] for key in ("i", "f", "g", "o", "c_t", "c_before")})
        same(names["h_t"], h[t])
    same(names["c_t"], last.c)
    dx, dz = np.empty((T, N, D)), np.empty((T, N, 4 * H))
    names["dc_next"] = np.zeros((N, H))
    for t in backwards(names, tape, h, dh):
        names |= steps[t]
        run("lstm back", names)
        run("products", names)
        dx[t], dz[t] = names["dx_t"], names["dz_t"]
    names["dz"] = dz
    run("sums", names)
    grads, dx_right, start = lstm.backward(params, tape, dh)
    for name, gradient in grads._asdict().items():
        same(names[f"d{name}"], gradient)
    same(dx, dx_right)
    same(names["dh_next"], start.h)
    same(names["dc_next"], start.c)
    for b in (-2.0, 0.0, 1.0, 5.0):
        same(run("half-life", {"b": b} | run("sigmoid", {}))["k"], lstm.memory_half_life(b))


def test_the_gru(rng: np.random.Generator) -> None:
    params, x, h0 = sequence(gru, rng)
    params = params._replace(b_hg=rng.normal(size=H))
    dh = rng.normal(size=(T, N, H))
    h, _, tape = gru.forward(params, x, h0)
    names = run("sigmoid", {**params._asdict(), "h_t": h0})
    steps = []
    for t in range(T):
        names |= {"x_t": x[t], "h_before": names["h_t"]}
        run("gru", names)
        steps.append({key: names[key] for key in "rugs"})
        same(names["h_t"], h[t])
    dx, by_x, by_h, ds = np.empty((T, N, D)), np.empty((T, N, 3 * H)), np.empty((T, N, 3 * H)), np.empty((T, N, H))
    for t in backwards(names, tape, h, dh):
        names |= steps[t]
        run("gru back", names)
        run("gru to the step before", names)
        dz_r, dz_u, dz_g, ds[t] = (names[key] for key in ("dz_r", "dz_u", "dz_g", "ds"))
        by_x[t], by_h[t] = np.concatenate([dz_r, dz_u, dz_g], axis=1), np.concatenate([dz_r, dz_u, ds[t]], axis=1)
        dx[t] = run("products", names | {"dz_t": by_x[t]})["dx_t"]
    grads, dx_right, dh_0 = gru.backward(params, tape, dh)
    of_x, of_h = run("sums", names | {"dz": by_x}), run("sums", names | {"dz": by_h})
    same(of_x["dW_xh"], grads.W_xh)
    same(of_x["db_h"], grads.b_h)
    same(of_h["dW_hh"], grads.W_hh)
    same(run("sums", names | {"dz": ds})["db_h"], grads.b_hg)
    same(dx, dx_right)
    same(names["dh_next"], dh_0)


def flat(tree: Any) -> np.ndarray:
    """All numbers of a gradient in one row."""
    return np.concatenate([array.ravel() for array in tree])


def test_updates(rng: np.random.Generator) -> None:
    params = rnn.init(rng, D, H)
    state, names = optim.adam_start(params), {"m": 0.0, "v": 0.0, "lr": 0.1}
    names["w"] = flat(params)
    for t in range(1, 5):
        grads = rnn.Params(*(rng.normal(size=p.shape) * t for p in params))
        names |= {"g": flat(grads), "t": t}
        for max_norm in (1.0, 1e3):
            clipped = run("clipping", run("length", names | {"max_norm": max_norm}))["clipped"]
            same(clipped, flat(optim.clip_by_global_norm(grads, max_norm)))
        same(run("descent", dict(names))["w"], flat(optim.sgd(params, grads, 0.1)))
        run("adam", run("usual", names))
        params, state = optim.adam(params, grads, state, 0.1)
        same(names["w"], flat(params))


def test_what_is_to_be_beaten(rng: np.random.Generator) -> None:
    same(losses.softmax_cross_entropy(np.zeros((T, N, K)), rng.integers(0, K, (T, N))), np.log(K))
    same(np.log(K) / np.log(2), np.log2(K))
    batch = temporal_xor.sequences(rng, 30, N)
    same(losses.mse(np.full_like(batch.target, 0.5), batch.target, ~batch.predictable), 1 / 4)
    assert adding.BASELINE == 1 / 6
    sums = adding.sequences(rng, 4, 40_000)
    assert losses.mse(np.ones_like(sums.target), sums.target, sums.mask) == pytest.approx(1 / 6, rel=0.02)
    for gap in (1, 10, 100):
        same(copying.baseline(gap), 10 * np.log(8) / (gap + 20))
    for said in (
        "1/4 where a bit",
        "1/6 in adding",
        r"$10 \ln 8 / (\text{gap} + 20)$",
        r"$\ln K$ nats, $\log_2 K$ bits",
    ):
        assert said in TEXT
