"""Answers to the exercises on gradient flow, starts and clipping (lesson 03), right and wrong, as people write them."""

import math

import numpy as np

from bptt_lessons.cells.unrolled import hidden
from bptt_lessons.nested import map_arrays, named_arrays


def step_jacobian_by_einsum(params, h):
    return np.einsum("ij,nj->nij", params.W_hh, 1 - h * h)


def step_jacobian_by_diagonal_matrices(params, h):
    return [params.W_hh @ np.diag(1 - h_n**2) for h_n in h]


def step_jacobian_in_scalars(params, h):
    J = np.empty((len(h), *params.W_hh.shape), order="F")
    for n, i, j in np.ndindex(J.shape):
        J[n, i, j] = params.W_hh[i, j] * (1 + h[n, j]) * (1 - h[n, j])
    return J


def gradient_norms_by_index(cell, params, caches, dstate_T):
    T, N = len(caches), len(hidden(dstate_T))
    norms, dstate = np.zeros((T, N)), dstate_T
    for t in range(T - 1, -1, -1):
        norms[t] = np.sqrt((hidden(dstate) ** 2).sum(axis=-1))
        _, _, dstate = cell.step_backward(params, caches[t], dstate)
    return norms


def gradient_norms_by_recursion(cell, params, caches, dstate_T):
    own = np.linalg.norm(hidden(dstate_T), 2, axis=1)[None]
    if len(caches) == 1:
        return own
    *_, dstate = cell.step_backward(params, caches[-1], dstate_T)
    return np.concatenate([gradient_norms_by_recursion(cell, params, caches[:-1], dstate), own])


def spectral_radius_by_eig(W):
    eigenvalues, _ = np.linalg.eig(W)
    return max(abs(eigenvalue) for eigenvalue in eigenvalues)


def spectral_radius_by_the_characteristic_polynomial(W):
    return np.sort(np.abs(np.roots(np.poly(W))))[-1]


def spectral_radius_by_gelfand(W):
    logarithm, doublings = 0.0, 40
    for k in range(doublings):
        size = np.linalg.norm(W)
        logarithm += math.log(size) / 2**k
        W = (W / size) @ (W / size)
    return np.array(math.exp(logarithm))


def clip_if_too_long(grads, max_norm):
    norm = np.sqrt(sum((dp**2).sum() for _, dp in named_arrays(grads)))
    if norm > max_norm:
        return map_arrays(lambda dp: dp * (max_norm / norm), grads)
    return grads


def clip_with_a_small_number_added(grads, max_norm):
    norm = math.sqrt(sum(float(np.vdot(dp, dp)) for _, dp in named_arrays(grads)))
    return map_arrays(lambda dp: dp * min(1.0, max_norm / (norm + 1e-6)), grads)


def clip_as_plain_tuples(grads, max_norm):
    def squares(tree):
        return sum(map(squares, tree)) if isinstance(tree, tuple) else np.sum(tree * tree)

    def scaled(tree, scale):
        return tuple(scaled(part, scale) for part in tree) if isinstance(tree, tuple) else (tree * scale).tolist()

    norm = np.sqrt(squares(grads))
    return scaled(grads, max_norm / norm if norm >= max_norm else 1)


def clip_letting_numpy_divide_by_zero(grads, max_norm):
    norm = np.sqrt(sum(np.linalg.norm(dp) ** 2 for _, dp in named_arrays(grads)))
    return map_arrays(lambda dp: dp * np.minimum(1, max_norm / norm), grads)


def orthogonal_by_a_diagonal_matrix(rng, H, gain):
    Q, R = np.linalg.qr(rng.standard_normal((H, H)))
    return Q @ np.diag(gain * np.where(np.diag(R) < 0, -1.0, 1.0))


def orthogonal_by_gram_schmidt(rng, H, gain):
    columns = []
    for a in rng.normal(size=(H, H)).T:
        for q in columns:
            a = a - (q @ a) * q
        columns.append(a / np.linalg.norm(a))
    return gain * np.stack(columns, axis=1)


def orthogonal_by_cholesky(rng, H, gain):
    A = rng.normal(size=(H, H))
    return gain * np.linalg.solve(np.linalg.cholesky(A.T @ A), A.T).T


def orthogonal_in_float32(rng, H, gain):
    Q, R = np.linalg.qr(rng.normal(size=(H, H)))
    d = R.diagonal()
    return np.asfortranarray(Q * (d / np.abs(d)) * gain, dtype=np.float32)


RIGHT: dict[str, list] = {
    "flow.step_jacobian": [step_jacobian_by_einsum, step_jacobian_by_diagonal_matrices, step_jacobian_in_scalars],
    "flow.gradient_norms": [gradient_norms_by_index, gradient_norms_by_recursion],
    "flow.spectral_radius": [
        spectral_radius_by_eig,
        spectral_radius_by_the_characteristic_polynomial,
        spectral_radius_by_gelfand,
    ],
    "optim.clip_by_global_norm": [
        clip_if_too_long,
        clip_with_a_small_number_added,
        clip_as_plain_tuples,
        clip_letting_numpy_divide_by_zero,
    ],
    "init.orthogonal": [
        orthogonal_by_a_diagonal_matrix,
        orthogonal_by_gram_schmidt,
        orthogonal_by_cholesky,
        orthogonal_in_float32,
    ],
}


# Mistakes of the catalogue, written otherwise than there.


def step_jacobian_with_j_before_i(params, h):
    return np.einsum("ij,nj->nji", params.W_hh, 1 - h**2)


def gradient_norms_squared_and_arrays_for_states(cell, params, caches, dstate_T):
    norms, dstate = np.zeros((len(caches), len(hidden(dstate_T)))), dstate_T
    for t in reversed(range(len(caches))):
        norms[t] = (dstate**2).sum(axis=1)
        _, _, dstate = cell.step_backward(params, caches[t], dstate)
    return norms


def gradient_norms_for_the_rnn_by_hand(cell, params, caches, dstate_T):
    dh, norms = hidden(dstate_T), [np.linalg.norm(hidden(dstate_T), axis=1)]
    for cache in caches[:0:-1]:
        J = np.einsum("ij,nj->nij", params.W_hh, 1 - cache.h**2)
        dh = np.einsum("nj,nij->ni", dh, J)
        norms.insert(0, np.linalg.norm(dh, axis=1))
    return norms


def spectral_radius_by_svd(W):
    return np.linalg.svd(W)[1][0]


def spectral_radius_forced_into_a_float(W):
    return float(np.max(np.linalg.eigvals(W)))


def clip_by_minimum_and_maximum(grads, max_norm):
    return map_arrays(lambda dp: np.minimum(np.maximum(dp, -max_norm), max_norm), grads)


def orthogonal_with_a_diagonal_matrix_on_the_left(rng, H, gain):
    Q, R = np.linalg.qr(rng.normal(size=(H, H)))
    return gain * np.diag(np.sign(np.diag(R))) @ Q


def orthogonal_multiplied_back(rng, H, gain):
    Q, R = np.linalg.qr(rng.normal(size=(H, H)))
    return gain * Q @ R


WRONG: list[tuple] = [
    ("flow.step_jacobian", step_jacobian_with_j_before_i, "transposed"),
    ("flow.gradient_norms", gradient_norms_squared_and_arrays_for_states, "squared"),
    ("flow.gradient_norms", gradient_norms_for_the_rnn_by_hand, "step-written-out"),
    ("flow.spectral_radius", spectral_radius_by_svd, "largest-singular-value"),
    ("flow.spectral_radius", spectral_radius_forced_into_a_float, "largest-real-part"),
    ("optim.clip_by_global_norm", clip_by_minimum_and_maximum, "each-entry"),
    ("init.orthogonal", orthogonal_with_a_diagonal_matrix_on_the_left, "signs-on-rows"),
    ("init.orthogonal", orthogonal_multiplied_back, "normals-only"),
]
