"""The catalogue of exercises: right answers pass however they are written, and every mistake is named as itself."""

import inspect
import math
import re

import numpy as np
import other_ways_checkpointing
import other_ways_flow
import other_ways_lstm
import other_ways_tasks
import other_ways_tbptt
import other_ways_unusual
import pytest

from bptt_lessons.cells import gru, lstm, rnn, unrolled
from bptt_lessons.cells.rnn import Cache, Params
from bptt_lessons.cells.unrolled import add_to_hidden, hidden
from bptt_lessons.course import EXERCISES
from bptt_lessons.course.catalogue import _BY_NAME, ORDER, adding_exercises, copying_exercises, draws, leaky
from bptt_lessons.course.catalogue.draws import Formula
from bptt_lessons.course.catalogue.mistakes import Mistakes
from bptt_lessons.course.grading import printed_case
from bptt_lessons.course.sandbox import copied
from bptt_lessons.gradients.gradcheck import by_field, complex_step, relative_error, worst_error
from bptt_lessons.nested import add, map_arrays, named_arrays, zeros_like
from bptt_lessons.training.loop import Model
from bptt_lessons.training.readout import Readout

MISTAKES = [(name, identifier) for name, e in EXERCISES.items() for identifier in e.misconceptions]
LESSONS = (
    "00_start_here",
    "01_unrolling_a_recurrent_network",
    "02_backpropagation_through_time",
    "03_gradient_flow",
    "04_memory_and_checkpointing",
    "05_truncated_bptt",
    "06_the_lstm",
    "07_bptt_through_the_lstm",
    "08_long_range_tasks",
    "09_language_model",
)

each_exercise = pytest.mark.parametrize("exercise", EXERCISES.values(), ids=EXERCISES.keys())


# Right answers, written as people write them.


def sigmoid_by_tanh(z):
    return 0.5 * (1 + np.tanh(0.5 * z))


def sigmoid_by_masks(z):
    out = np.empty_like(z)
    out[z >= 0] = 1 / (1 + np.exp(-z[z >= 0]))
    e = np.exp(z[z < 0])
    out[z < 0] = e / (1 + e)
    return out


def sigmoid_by_where_of_both(z):
    return np.where(z >= 0, 1 / (1 + np.exp(-z)), np.exp(z) / (1 + np.exp(z)))


def sigmoid_as_lists(z):
    if z.ndim > 1:
        return [sigmoid_as_lists(row) for row in z]
    return [1 / (1 + math.exp(-v)) if v > 0 else math.exp(v) / (1 + math.exp(v)) for v in z]


def sigmoid_clipped_far_out(z):
    return 1 / (1 + np.exp(-np.clip(z, -500, 500)))


def step_in_scalars(params, x, h_prev):
    W_xh, W_hh, b_h = params
    h = [
        [
            math.tanh(
                b_h[j]
                + sum(x[n, d] * W_xh[d, j] for d in range(x.shape[1]))
                + sum(h_prev[n, i] * W_hh[i, j] for i in range(h_prev.shape[1]))
            )
            for j in range(len(b_h))
        ]
        for n in range(len(x))
    ]
    return h, (x, h_prev, h)


def step_by_einsum(params, x, h_prev):
    z = np.einsum("nd,dh->nh", x, params.W_xh) + np.einsum("ni,ih->nh", h_prev, params.W_hh) + params.b_h
    h = np.asfortranarray(np.tanh(z))
    return [h, Cache(h=h, x=x, h_prev=h_prev)]


def step_by_one_product(params, x, h_prev):
    z = np.hstack([x, h_prev, np.ones((len(x), 1))]) @ np.vstack(params)
    h = 2 / (1 + np.exp(-2 * z)) - 1
    return h, Cache(x.copy(), h_prev.copy(), h[:])


def unrolled_forward_preallocated(cell, params, x, state0):
    h, caches = np.empty((len(x), *hidden(state0).shape)), ()
    state = state0
    for t in range(len(x)):
        state, cache = cell.step(params, x[t], state)
        h[t] = hidden(state)
        caches += (cache,)
    return h, state, caches


def unrolled_forward_with_sizes_from_params(cell, params, x, state0):
    T, N, _ = x.shape
    h, caches, state = np.zeros((T, N, params.W_hh.shape[0])), [None] * T, state0
    for t in range(T):
        state, caches[t] = cell.step(params, x[t], state)
        h[t, :, : len(params.b_h)] = hidden(state)
    return h, state, caches


def unrolled_forward_with_a_row_more(cell, params, x, state0):
    states, caches = [state0] + [None] * len(x), [None] * len(x)
    for t in range(len(x)):
        states[t + 1], caches[t] = cell.step(params, x[t], states[t])
    return np.array([getattr(state, "h", state) for state in states[1:]]), states[-1], caches


def unrolled_forward_as_lists(cell, params, x, state0):
    steps = []
    for x_t in list(x):
        steps.append(cell.step(params, x_t, steps[-1][0] if steps else state0))
    last = steps[-1][0]
    last = [part.tolist() for part in last] if isinstance(last, tuple) else last.tolist()
    return [hidden(state).tolist() for state, _ in steps], last, [tuple(cache) for _, cache in steps]


def readout_forward_by_einsum(params, h):
    return np.einsum("tnh,hk->tnk", h, params.W_hy) + params.b_y


def readout_forward_step_by_step(params, h):
    return [h_t @ params.W_hy + params.b_y for h_t in h]


def readout_forward_in_rows(params, h):
    T, N, H = h.shape
    return np.asfortranarray((h.reshape(T * N, H) @ params.W_hy + params.b_y).reshape(T, N, -1))


def mse_in_scalars(y, target, mask):
    total = count = 0
    for t, n in np.ndindex(mask.shape):
        if mask[t, n]:
            for k in range(y.shape[2]):
                total += (y[t, n, k] - target[t, n, k]) ** 2
                count += 1
    return total / count


def mse_by_weights(y, target, mask):
    weights = np.broadcast_to(mask[..., None], y.shape)
    return np.sum(np.where(weights, y - target, 0) ** 2) / np.sum(weights)


def mse_as_an_array(y, target, mask):
    return np.array(np.average(np.mean((target - y)[mask] ** 2, axis=-1)))


def cross_entropy_by_logaddexp(y, target):
    T, N, _ = y.shape
    right = y[np.arange(T)[:, None], np.arange(N), target]
    return np.mean(np.logaddexp.reduce(y, axis=-1) - right)


def cross_entropy_in_scalars(y, target):
    total = 0.0
    for t, n in np.ndindex(target.shape):
        m = max(y[t, n])
        total += m + math.log(sum(math.exp(v - m) for v in y[t, n])) - y[t, n, target[t, n]]
    return total / target.size


def cross_entropy_by_one_hot(y, target):
    shifted = y - y.max(-1)[..., None]
    log_p = shifted - np.log(np.exp(shifted).sum(-1))[..., None]
    return -(np.eye(y.shape[2])[target] * log_p).sum() / target.size


def mse_gradient_by_index(y, target, mask):
    dy = np.zeros_like(y, order="F")
    dy[mask] = (y[mask] - target[mask]) * 2 / y[mask].size
    return dy


def mse_gradient_by_where(y, target, mask):
    return np.where(mask[..., None], 2 * (y - target), 0) / (mask.sum() * y.shape[-1])


def mse_gradient_in_scalars(y, target, mask):
    T, N, K = y.shape
    share = 2 / (sum(mask.ravel().tolist()) * K)
    return [
        [[share * (y[t, n, k] - target[t, n, k]) if mask[t, n] else 0 for k in range(K)] for n in range(N)]
        for t in range(T)
    ]


def cross_entropy_gradient_by_index(y, target):
    p = np.exp(y - y.max(axis=2, keepdims=True))
    p /= p.sum(axis=2, keepdims=True)
    p[np.arange(len(y))[:, None], np.arange(y.shape[1]), target] -= 1
    return p / target.size


def cross_entropy_gradient_by_jacobian(y, target):
    dy = np.zeros(y.shape)
    for t, n in np.ndindex(target.shape):
        e = np.exp(y[t, n] - y[t, n].max())
        dy[t, n] = e / e.sum()
        dy[t, n, target[t, n]] -= 1
    return list(dy / target.size)


def readout_backward_by_einsum(params, h, dy):
    return (
        Readout(np.einsum("tnh,tnk->hk", h, dy), np.einsum("tnk->k", dy)),
        np.einsum("tnk,hk->tnh", dy, params.W_hy),
    )


def readout_backward_step_by_step(params, h, dy):
    W_hy, b_y, dh = np.zeros_like(params.W_hy), np.zeros_like(params.b_y), []
    for h_t, dy_t in zip(h, dy, strict=True):
        W_hy += h_t.T @ dy_t
        b_y += dy_t.sum(axis=0)
        dh.append(dy_t @ params.W_hy.T)
    return (W_hy, b_y), dh


def readout_backward_by_tensordot(params, h, dy):
    return [
        [np.tensordot(h, dy, axes=([0, 1], [0, 1])), dy.sum(axis=(0, 1))],
        np.tensordot(dy, params.W_hy, axes=([2], [1])),
    ]


def step_backward_recomputing_h(params, cache, dh):
    h = np.tanh(cache.x @ params.W_xh + cache.h_prev @ params.W_hh + params.b_h)
    dz = (1 + h) * (1 - h) * dh
    return (
        Params(cache.x.T @ dz, cache.h_prev.T @ dz, np.ones(len(dz)) @ dz),
        (params.W_xh @ dz.T).T,
        dz @ params.W_hh.T,
    )


def step_backward_sequence_by_sequence(params, cache, dh):
    grads, dx, dh_prev = zeros_like(params), [], []
    for x, h_prev, h, dh_n in zip(*cache, dh, strict=True):
        dz = dh_n - dh_n * h**2
        grads.W_xh[:] += np.outer(x, dz)
        grads.W_hh[:] += np.outer(h_prev, dz)
        grads.b_h[:] += dz
        dx.append(params.W_xh @ dz)
        dh_prev.append(params.W_hh @ dz)
    return tuple(grads), dx, dh_prev


def step_backward_by_einsum(params, cache, dh):
    dz = np.asfortranarray(dh * (1 - cache.h * cache.h))
    grads = Params(
        b_h=dz.sum(0), W_xh=np.einsum("nd,nh->dh", cache.x, dz), W_hh=np.einsum("ni,nh->ih", cache.h_prev, dz)
    )
    return grads, np.einsum("nh,dh->nd", dz, params.W_xh), np.einsum("nh,ih->ni", dz, params.W_hh)


def unrolled_backward_by_index(cell, params, caches, dh):
    T = len(caches)
    grads, dx = [np.zeros(p.shape) for p in params], [None] * T
    dstate = cell.zero_state(params, dh.shape[1])
    for t in reversed(range(T)):
        part, dx[t], dstate = cell.step_backward(params, caches[t], add_to_hidden(dstate, dh[t]))
        for g, g_t in zip(grads, part, strict=True):
            g += g_t
    return grads, dx, dstate


def unrolled_backward_summing_at_the_end(cell, params, caches, dh):
    dx, parts, total = np.empty((len(dh), *caches[0].x.shape)), [], cell.zero_state(params, dh.shape[1])
    for t in range(len(dh) - 1, -1, -1):
        total = total._replace(h=total.h + dh[t]) if hasattr(total, "h") else total + dh[t]
        part, dx[t], total = cell.step_backward(params, caches[t], total)
        parts.append(part)
    return type(params)(*(np.sum(p, axis=0) for p in zip(*parts, strict=True))), dx, total


def unrolled_backward_with_sizes_from_params(cell, params, caches, dh):
    T, N, _ = dh.shape
    grads, dstate = zeros_like(params), cell.zero_state(params, N)
    dx = np.zeros((T, N, params.W_xh.shape[0]))
    for t in range(T - 1, -1, -1):
        g, dx[t], dstate = cell.step_backward(params, caches[t], add_to_hidden(dstate, dh[t]))
        grads = add(grads, g)
    return grads, dx, dstate


def unrolled_backward_by_recursion(cell, params, caches, dh):
    if not caches:
        return zeros_like(params), [], cell.zero_state(params, dh.shape[1])
    part, dx, dstate = unrolled_backward_by_recursion(cell, params, caches[1:], dh[1:])
    first, dx_0, dstate_0 = cell.step_backward(params, caches[0], add_to_hidden(dstate, dh[0]))
    grads = type(params)(*(np.asfortranarray(a + b) for a, b in zip(first, part, strict=True)))
    return grads, [dx_0, *dx], dstate_0


def central_difference_putting_back(f, w, eps):
    gradient = np.empty_like(w)
    for i in np.ndindex(w.shape):
        old = w[i]
        w[i] = old + eps
        above = f(w)
        w[i] = old - eps
        gradient[i] = (above - f(w)) / (2 * eps)
        w[i] = old
    return gradient


def central_difference_by_units(f, w, eps):
    units = np.eye(w.size).reshape(w.size, *w.shape)
    slopes = [(f(w + eps * e) - f(w - eps * e)) / eps / 2 for e in units]
    return np.reshape(slopes, w.shape, order="C")


def central_difference_flat_and_back(f, w, eps):
    flat = w.ravel()
    gradient = []
    for i in range(flat.size):
        d = np.zeros(flat.size)
        d[i] = eps
        gradient.append((f((flat + d).reshape(w.shape)) - f((flat - d).reshape(w.shape))) / (2 * eps))
    return np.array(gradient).reshape(w.shape).tolist()


def complex_step_by_units(f, w, eps):
    units = np.eye(w.size).reshape(w.size, *w.shape)
    return np.array([f(w + 1j * eps * e).imag / eps for e in units]).reshape(w.shape)


def complex_step_putting_back(f, w, eps):
    gradient, w_complex = np.empty(w.shape, order="F"), w + 0j
    for i in np.ndindex(w.shape):
        w_complex[i] = complex(w[i], eps)
        gradient[i] = np.imag(f(w_complex)) / eps
        w_complex[i] = w[i]
    return gradient


def sgd_by_recursion(params, grads, lr):
    if isinstance(params, np.ndarray):
        return params - lr * grads
    return type(params)(*(sgd_by_recursion(p, g, lr) for p, g in zip(params, grads, strict=True)))


def sgd_as_plain_tuples(params, grads, lr):
    if isinstance(params, tuple):
        return tuple(sgd_as_plain_tuples(p, g, lr) for p, g in zip(params, grads, strict=True))
    return np.add(params, np.multiply(-lr, grads)).tolist()


def sgd_by_type(params, grads, lr):
    if isinstance(params, Model):
        return Model(sgd_by_type(params.cell, grads.cell, lr), sgd_by_type(params.readout, grads.readout, lr))
    return params._replace(**{k: getattr(params, k) - getattr(grads, k) * lr for k in params._fields})


RIGHT = {
    "activations.sigmoid": [
        sigmoid_by_tanh,
        sigmoid_by_masks,
        sigmoid_by_where_of_both,
        sigmoid_as_lists,
        sigmoid_clipped_far_out,
    ],
    "rnn.step": [step_in_scalars, step_by_einsum, step_by_one_product],
    "unrolled.forward": [
        unrolled_forward_preallocated,
        unrolled_forward_with_sizes_from_params,
        unrolled_forward_with_a_row_more,
        unrolled_forward_as_lists,
    ],
    "readout.forward": [readout_forward_by_einsum, readout_forward_step_by_step, readout_forward_in_rows],
    "losses.mse": [mse_in_scalars, mse_by_weights, mse_as_an_array],
    "losses.softmax_cross_entropy": [cross_entropy_by_logaddexp, cross_entropy_in_scalars, cross_entropy_by_one_hot],
    "losses.mse_gradient": [mse_gradient_by_index, mse_gradient_by_where, mse_gradient_in_scalars],
    "losses.softmax_cross_entropy_gradient": [cross_entropy_gradient_by_index, cross_entropy_gradient_by_jacobian],
    "readout.backward": [readout_backward_by_einsum, readout_backward_step_by_step, readout_backward_by_tensordot],
    "rnn.step_backward": [
        step_backward_recomputing_h,
        step_backward_sequence_by_sequence,
        step_backward_by_einsum,
    ],
    "unrolled.backward": [
        unrolled_backward_by_index,
        unrolled_backward_summing_at_the_end,
        unrolled_backward_by_recursion,
        unrolled_backward_with_sizes_from_params,
    ],
    "gradcheck.central_difference": [
        central_difference_putting_back,
        central_difference_by_units,
        central_difference_flat_and_back,
    ],
    "gradcheck.complex_step": [complex_step_by_units, complex_step_putting_back],
    "optim.sgd": [sgd_by_recursion, sgd_as_plain_tuples, sgd_by_type],
    **other_ways_flow.RIGHT,
    **other_ways_checkpointing.RIGHT,
    **other_ways_tbptt.RIGHT,
    **other_ways_tasks.RIGHT,
    **other_ways_lstm.RIGHT,
}
RIGHT = {name: [*functions, *other_ways_unusual.RIGHT[name]] for name, functions in RIGHT.items()}


def learner_function(exercise):
    """Run the stub cell as a notebook would and return what it defines."""
    names = {}
    exec(exercise.stub, names)
    names.pop("__builtins__")
    assert list(names) == [exercise.learner_name]
    return names[exercise.learner_name]


def arrays_of(arguments):
    """All arrays among a case's arguments, lists of NamedTuples included."""
    for value in arguments.values():
        for item in value if isinstance(value, list) else [value]:
            for _, array in named_arrays(item):
                if isinstance(array, np.ndarray):
                    yield array


def size_of(arguments):
    """How large a case is: the numbers in its arrays, its whole numbers, which are sizes, and its characters."""
    whole = sum(value for value in arguments.values() if type(value) is int)
    characters = sum(len(value) for value in arguments.values() if type(value) is str)
    return whole + characters + sum(array.size for array in arrays_of(arguments))


def test_there_is_enough_of_it():
    assert len(EXERCISES) >= 12
    assert len(MISTAKES) >= 75
    assert all(len(e.misconceptions) >= 4 for e in EXERCISES.values())


def test_every_exercise_is_there_once_in_the_order_of_the_lessons():
    assert list(EXERCISES) == list(ORDER)
    assert set(ORDER) == set(_BY_NAME)
    lessons = [e.lesson for e in EXERCISES.values()]
    assert lessons == sorted(lessons)
    assert set(lessons) == set(LESSONS)


def test_the_mapping_cannot_be_changed():
    with pytest.raises(TypeError):
        EXERCISES["rnn.step"] = None
    with pytest.raises(TypeError):
        EXERCISES["rnn.step"].misconceptions["no-tanh"] = None


@pytest.mark.parametrize(
    ("lesson", "least", "most"),
    [
        (LESSONS[0], 3, 8),
        (LESSONS[1], 25, 35),
        (LESSONS[2], 65, 85),
        (LESSONS[3], 30, 45),
        (LESSONS[4], 35, 45),
        (LESSONS[5], 55, 70),
        (LESSONS[6], 20, 30),
        (LESSONS[7], 35, 45),
        (LESSONS[8], 30, 40),
        (LESSONS[9], 25, 35),
    ],
)
def test_minutes_add_up_to_what_a_lesson_has(lesson, least, most):
    assert least <= sum(e.minutes for e in EXERCISES.values() if e.lesson == lesson) <= most


@each_exercise
def test_the_solution_is_correct(exercise):
    report = exercise.grade(exercise.solution)
    assert report.status == "correct", str(report)
    assert report.misconception is None


@pytest.mark.parametrize("function", [f for fs in RIGHT.values() for f in fs], ids=other_ways_unusual.name_of)
def test_other_ways_to_write_it_are_correct(function):
    (name,) = [n for n, functions in RIGHT.items() if function in functions]
    report = EXERCISES[name].grade(function)
    assert report.status == "correct", str(report)


def test_every_exercise_has_other_ways():
    assert RIGHT.keys() == EXERCISES.keys() == other_ways_unusual.RIGHT.keys()
    assert all(len(functions) >= 4 for functions in RIGHT.values())


@each_exercise
def test_the_stub_is_not_attempted(exercise):
    assert exercise.grade(learner_function(exercise)).status == "not attempted"


@each_exercise
def test_the_parameters_are_the_solutions_leading_ones(exercise):
    names = list(inspect.signature(learner_function(exercise)).parameters)
    assert names == list(inspect.signature(exercise.solution).parameters)[: len(names)]
    for case in (*exercise.make_cases(), exercise.make_lesson_case()):
        assert list(case.arguments) == names


@pytest.mark.parametrize(("name", "identifier"), MISTAKES)
def test_a_mistake_is_named_as_itself(name, identifier):
    exercise = EXERCISES[name]
    report = exercise.grade(exercise.misconceptions[identifier].function)
    assert (report.status, report.misconception) == ("wrong", identifier), str(report)
    assert exercise.misconceptions[identifier].sentence in str(report)


@pytest.mark.parametrize(("name", "identifier"), MISTAKES)
def test_a_mistake_is_well_told(name, identifier):
    misconception = EXERCISES[name].misconceptions[identifier]
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", identifier)
    assert re.search(r"[.?)]$", misconception.sentence)
    assert "  " not in misconception.sentence
    assert "\n" not in misconception.sentence
    assert 40 <= len(misconception.sentence) <= 280
    body = inspect.getsource(misconception.function).split('"""')[2].strip().splitlines()
    assert 1 <= len(body) <= 11
    assert list(inspect.signature(misconception.function).parameters) == list(
        inspect.signature(learner_function(EXERCISES[name])).parameters
    )


# Mistakes as others write them, which must get the same names.


def cross_entropy_without_keepdims_in_the_softmax(y, target):
    p = np.exp(y - y.max(axis=2, keepdims=True))
    p = p / p.sum(-1)
    return -np.log(np.take_along_axis(p, target[..., None], 2)).mean()


def cross_entropy_with_one_maximum_in_rows(y, target):
    rows, classes = (y - y.max()).reshape(-1, y.shape[2]), target.ravel()
    return np.mean(np.log(np.exp(rows).sum(1)) - rows[np.arange(len(rows)), classes])


def mse_with_a_flat_mask(y, target, mask):
    return ((y - target) ** 2 * mask).mean()


def sigmoid_row_by_row(z):
    return [1 / (1 + math.exp(-v)) if v >= 0 else math.exp(v) / (1 + math.exp(v)) for v in z]


def step_with_z_of_bare_names(params, x, h_prev):
    z = x @ W_xh + h_prev @ W_hh + b_h  # noqa: F821
    return np.tanh(z), Cache(x, h_prev, np.tanh(z))


def unrolled_forward_by_equation(cell, params, x, state0):
    h, caches = [state0], []
    for t in range(len(x)):
        h.append(np.tanh(x[t] @ params.W_xh + h[t] @ params.W_hh + params.b_h))
        caches.append((x[t], h[t], h[t + 1]))
    return np.array(h[1:]), h[-1], caches


def unrolled_backward_with_arrays(cell, params, caches, dh):
    grads, dx, dh_next = zeros_like(params), [None] * len(dh), 0
    for t in range(len(dh))[::-1]:
        part, dx[t], dh_next = cell.step_backward(params, caches[t], dh[t] + dh_next)
        grads = type(params)(*(a + b for a, b in zip(grads, part, strict=True)))
    return grads, dx, dh_next


def unrolled_forward_by_equation_into_rows(cell, params, x, state0):
    T, N, _ = x.shape
    h, caches, h_prev = np.zeros((T, N, params.W_xh.shape[1])), [], state0
    for t in range(T):
        h[t] = np.tanh(x[t] @ params.W_xh + h_prev @ params.W_hh + params.b_h)
        caches.append(Cache(x[t], h_prev, h[t]))
        h_prev = h[t]
    return h, h_prev, caches


def step_with_both_matrices_exchanged(params, x, h_prev):
    h = np.tanh(x @ params.W_hh + h_prev @ params.W_xh + params.b_h)
    return h, Cache(x, h_prev, h)


def sigmoid_of_a_maximum(z):
    return 1 / (1 + np.exp(-max(0, z)))


def complex_copy_and_real_step(f, w, eps):
    gradient = np.zeros(w.shape)
    for i in np.ndindex(w.shape):
        u = w + 0j
        u[i] += eps
        gradient[i] = f(u).imag / eps
    return gradient


def up_is_w_and_down_is_w(f, w, eps):
    gradient, up, down = np.empty(w.shape), w, w
    for i in np.ndindex(w.shape):
        up[i] += eps
        down[i] -= eps
        gradient[i] = (f(up) - f(down)) / (2 * eps)
    return gradient


def mse_gradient_with_target_put_right(y, target, mask):
    target[~mask] = 0
    return 2 * (y - target) * mask[..., None] / (mask.sum() * y.shape[2])


def cross_entropy_with_one_maximum_per_step(y, target):
    shifted = y - y.max(axis=(1, 2))[:, None, None]
    return np.mean(np.log(np.exp(shifted).sum(2)) - np.take_along_axis(shifted, target[..., None], 2)[..., 0])


def cross_entropy_gradient_with_one_maximum_per_step(y, target):
    p = np.exp(y - y.max(axis=(1, 2))[:, None, None])
    return (p / p.sum(2)[..., None] - np.eye(y.shape[2])[target]) / target.size


def cross_entropy_in_rows_of_float32(y, target):
    rows = y.astype(np.float32).reshape(-1, y.shape[2])
    rows = rows - rows.max(1)[:, None]
    return np.mean(np.log(np.exp(rows).sum(1)) - rows[np.arange(len(rows)), target.ravel()])


def cross_entropy_gradient_in_float32(y, target):
    p = np.exp(np.float32(y) - np.float32(y).max(2)[..., None])
    p /= p.sum(2)[..., None]
    p[np.arange(len(y))[:, None], np.arange(y.shape[1]), target] -= 1
    return p / target.size


def readout_backward_into_params(params, h, dy):
    dh = np.einsum("tnk,hk->tnh", dy, params.W_hy)
    params.W_hy[...] = np.einsum("tnh,tnk->hk", h, dy)
    params.b_y[...] = dy.sum((0, 1))
    return params, dh


def sgd_with_its_names_exchanged(params, grads, lr):
    return map_arrays(lambda dp, p: p - lr * dp, params, grads)


@pytest.mark.parametrize(
    ("name", "function", "identifier"),
    [
        ("unrolled.forward", unrolled_forward_by_equation_into_rows, "step-written-out-into-rows"),
        ("rnn.step", step_with_both_matrices_exchanged, "product-with-x-does-not-fit"),
        ("activations.sigmoid", sigmoid_of_a_maximum, "if-on-an-array"),
        ("gradcheck.complex_step", complex_copy_and_real_step, "copy-still-real"),
        ("gradcheck.central_difference", up_is_w_and_down_is_w, "up-and-down-are-w"),
        ("losses.mse_gradient", mse_gradient_with_target_put_right, "mutates-input"),
        ("losses.softmax_cross_entropy", cross_entropy_with_one_maximum_per_step, "one-maximum-for-all"),
        (
            "losses.softmax_cross_entropy_gradient",
            cross_entropy_gradient_with_one_maximum_per_step,
            "one-maximum-for-all",
        ),
        ("losses.softmax_cross_entropy", cross_entropy_in_rows_of_float32, "float32-inside"),
        ("losses.softmax_cross_entropy_gradient", cross_entropy_gradient_in_float32, "float32-inside"),
        ("readout.backward", readout_backward_into_params, "mutates-input"),
        ("optim.sgd", sgd_with_its_names_exchanged, "params-and-grads-exchanged"),
        ("losses.softmax_cross_entropy", cross_entropy_without_keepdims_in_the_softmax, "keepdims-forgotten"),
        ("losses.softmax_cross_entropy", cross_entropy_with_one_maximum_in_rows, "one-maximum-for-all"),
        ("losses.mse", mse_with_a_flat_mask, "mask-without-an-axis"),
        ("activations.sigmoid", sigmoid_row_by_row, "if-on-a-row"),
        ("rnn.step", step_with_z_of_bare_names, "bare-name"),
        ("unrolled.forward", unrolled_forward_by_equation, "step-written-out"),
        ("unrolled.backward", unrolled_backward_with_arrays, "state-for-hidden"),
        *other_ways_flow.WRONG,
        *other_ways_checkpointing.WRONG,
        *other_ways_tbptt.WRONG,
        *other_ways_tasks.WRONG,
        *other_ways_lstm.WRONG,
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_a_mistake_is_named_however_it_is_written(name, function, identifier):
    assert EXERCISES[name].grade(function).misconception == identifier


def half_and_multiplied(y, target, mask):
    return np.sum((y - target) ** 2 * mask[..., None]) / (2 * mask.sum() * y.shape[2])


def not_carried_and_states_stacked(cell, params, x, state0):
    states, caches = zip(*(cell.step(params, x_t, state0) for x_t in x), strict=True)
    return np.stack(states), states[-1], list(caches)


def no_dh_next_and_arrays_for_states(cell, params, caches, dh):
    parts = [cell.step_backward(params, cache, dh_t) for cache, dh_t in zip(caches, dh, strict=True)]
    grads, dx, dh_prev = zip(*parts, strict=True)
    return type(params)(*(sum(g) for g in zip(*grads, strict=True))), np.stack(dx), dh_prev[0]


@pytest.mark.parametrize(
    ("name", "function", "identifier"),
    [
        ("losses.mse", half_and_multiplied, "half"),
        ("unrolled.forward", not_carried_and_states_stacked, "state-not-carried"),
        ("unrolled.backward", no_dh_next_and_arrays_for_states, "no-dh-next"),
    ],
)
def test_what_only_the_last_case_shows_does_not_hide_a_mistake_that_all_show(name, function, identifier):
    assert EXERCISES[name].grade(function).misconception == identifier


LOOPS = [  # where dh_next starts, in which order t runs, what step_backward takes, what is returned as dstate_0
    ("0", "reversed(range(T))", "caches[t], dh[t]", "dh_next", "no-dh-next"),
    ("0", "range(T)", "caches[t], dh[t]", "dh_next", "no-dh-next-walking-forward"),
    ("0", "reversed(range(T))", "caches[t], dh[t]", "dh[0]", "no-dh-next-and-dh-for-dstate-0"),
    ("0", "reversed(range(T))", "caches[t], dh[t]", "0 * dh[0]", "dh-next-never-updated"),
    ("0 * dh[0]", "reversed(range(T))", "caches[t], dh_next", "dh_next", "sum-of-roads-not-kept"),
    ("0", "reversed(range(T))", "caches[t], dh[t] + dh_next", "dh[0]", "dh-for-dstate-0"),
    ("dh[-1]", "reversed(range(T))", "caches[t], dh[t] + dh_next", "dh_next", "last-loss-twice"),
    ("dh[-1]", "reversed(range(T))", "caches[t], dh_next", "dh_next", "own-loss-forgotten"),
    ("0", "range(T)", "caches[T - 1 - t], dh[t] + dh_next", "dh_next", "caches-only-reversed"),
    ("0", "range(T)", "caches[T - 1 - t], dh[T - 1 - t] + dh_next", "dh_next", "dx-last-first"),
    ("0", "range(T)", "caches[T - t], dh[t] + dh_next", "dh_next", "starts-beyond-the-caches"),
    ("0", "reversed(range(T))", "caches[T - 1 - t], dh[T - 1 - t] + dh_next", "dh_next", "turned-round-twice"),
    ("0", "reversed(range(T))", "caches[T - 1 - t], dh[t] + dh_next", "dh_next", "caches-not-reversed"),
    ("0", "reversed(range(T))", "caches[t - 1], dh[t] + dh_next", "dh_next", "cache-of-the-step-before"),
]


@pytest.mark.parametrize(("start", "order", "taken", "dstate_0", "identifier"), LOOPS)
def test_loops_back_in_time_are_told_apart(start, order, taken, dstate_0, identifier):
    assert EXERCISES["unrolled.backward"].grade(loop_back(start, order, taken, dstate_0)).misconception == identifier


@pytest.mark.parametrize(
    ("start", "order", "taken", "dstate_0", "identifier"), [loop for loop in LOOPS if "+ dh_next" in loop[2]]
)
def test_loops_back_in_time_are_told_apart_with_add_to_hidden_too(start, order, taken, dstate_0, identifier):
    cache, dh_t = taken.removesuffix(" + dh_next").split(", ")
    start = "cell.zero_state(params, N)" if start == "0" else start
    function = loop_back(start, order, f"{cache}, add_to_hidden(dh_next, {dh_t})", dstate_0)
    assert EXERCISES["unrolled.backward"].grade(function).misconception == identifier


def loop_back(start, order, taken, dstate_0):
    """Write a loop back in time and run its definition."""
    source = f"""
def backward(cell, params, caches, dh):
    T, N, _ = dh.shape
    grads, dx, dh_next = zeros_like(params), [None] * T, {start}
    for t in {order}:
        grads_t, dx[t], dh_next = cell.step_backward(params, {taken})
        grads = add(grads, grads_t)
    return grads, np.stack(dx), {dstate_0}
"""
    names = {"np": np, "add": add, "zeros_like": zeros_like, "add_to_hidden": add_to_hidden}
    exec(source, names)
    return names["backward"]


def test_no_sentence_is_told_twice_in_one_exercise():
    for exercise in EXERCISES.values():
        sentences = [m.sentence for m in exercise.misconceptions.values()]
        assert len(set(sentences)) == len(sentences)


@each_exercise
def test_hints_are_three_and_do_not_hold_a_whole_line_of_the_solution(exercise):
    assert len(exercise.hints) == 3
    assert len(set(exercise.hints)) == 3
    lines = [line.strip() for line in inspect.getsource(exercise.solution).split('"""')[2].splitlines()]
    for line in filter(re.compile(r"\w").search, lines):  # a bracket alone is no line
        assert not any(line in hint for hint in exercise.hints), line


@each_exercise
def test_the_solution_fits_on_a_screen(exercise):
    assert len(inspect.getsource(exercise.solution).splitlines()) <= 60
    assert all(len(line) <= 120 for line in exercise.stub.splitlines())


@each_exercise
def test_cases_are_the_same_every_time_and_in_float64_unless_they_say_otherwise(exercise):
    first, second = exercise.make_cases(), exercise.make_cases()
    assert [case.label for case in first] == [case.label for case in second]
    for a, b in zip(first, second, strict=True):
        for p, q in zip(arrays_of(a.arguments), arrays_of(b.arguments), strict=True):
            assert p is not q
            assert np.array_equal(p, q, equal_nan=True)
            assert p.dtype in (np.float32 if "float32" in a.label else np.float64, np.bool_, np.int64)
            assert not np.isinf(p).any()


def test_only_targets_that_the_mask_drops_are_nan():
    found = 0
    for exercise in EXERCISES.values():
        for case in exercise.make_cases():
            given = dict(case.arguments)
            if case.refused:
                continue
            if "mask" in given:
                found += np.isnan(given["target"]).any()
                given["target"] = given["target"][given["mask"]]
            assert not any(np.isnan(array).any() for array in arrays_of(given))
    assert found == 2  # one case of losses.mse, one of its gradient


@each_exercise
def test_what_is_refused_stands_last_and_the_package_refuses_it(exercise):
    cases = exercise.make_cases()
    assert not cases[0].refused
    assert [bool(case.refused) for case in cases] == sorted(bool(case.refused) for case in cases)
    for case in filter(lambda case: case.refused, cases):
        with np.errstate(all="ignore"), pytest.raises(ValueError, match=r"the loss is (inf|nan) at update \d"):
            exercise.solution(*map(copied, case.arguments.values()))


@pytest.mark.parametrize("name", ["loop.fit", "loop.truncated_epoch"])
def test_training_must_refuse_infinity_and_nan_and_at_once(name):
    exercise = EXERCISES[name]
    refused = [case.refused for case in exercise.make_cases() if case.refused]
    assert ["infinite" in why for why in refused] == [True, False]
    for identifier in ("loss-not-looked-at", "only-nan-looked-for", "stops-quietly", "losses-looked-at-afterwards"):
        report = exercise.grade(exercise.misconceptions[identifier].function)
        assert "it should raise ValueError, since the loss of the second" in str(report)


@each_exercise
def test_the_first_case_is_the_smallest_and_can_be_printed(exercise):
    sizes = [size_of(case.arguments) for case in exercise.make_cases()]
    assert printed_case(exercise.make_cases()[0].arguments)
    assert sizes[0] <= 80
    assert size_of(exercise.make_lesson_case().arguments) > sizes[0]


@each_exercise
def test_cases_have_sizes_that_can_be_told_apart(exercise):
    told = [dict(re.findall(r"\b([TNDHK]) = (\d+)", case.label)) for case in exercise.make_cases()]
    for sizes in filter(None, told[1:]):  # the first case trades this for being short enough to print
        assert len(set(sizes.values())) == len(sizes)
    long_ones = [sizes for sizes in told if int(sizes.get("T", 3)) >= 3]
    assert len(long_ones) >= 3


@each_exercise
def test_the_solution_runs_on_the_lessons_case(exercise):
    exercise.solution(*map(copied, exercise.make_lesson_case().arguments.values()))


@pytest.mark.parametrize(
    "name",
    [
        "rnn.step",
        "rnn.step_backward",
        "unrolled.forward",
        "unrolled.backward",
        "optim.sgd",
        "flow.step_jacobian",
        "flow.gradient_norms",
        "checkpointing.backward_sqrt",
        "checkpointing.backward",
        "tbptt.contributions",
        "tbptt.windowed_gradient",
        "tbptt.sliding_gradient",
        "tbptt.randomised_gradient",
    ],
)
def test_recurrent_weights_are_not_symmetric(name):
    for case in EXERCISES[name].make_cases():
        params = case.arguments["params"]
        W_hh = next(p for n, p in named_arrays(params) if n.rpartition(".")[2] == "W_hh")
        assert np.abs(W_hh - W_hh.T).max() > 0.2


def test_states_do_not_start_at_zero_and_some_saturate():
    for name, state in (("rnn.step", "h_prev"), ("unrolled.forward", "state0")):
        cases = EXERCISES[name].make_cases()
        assert all(np.abs(case.arguments[state]).max() > 0.3 for case in cases)
        assert any(np.abs(EXERCISES[name].solution(*c.arguments.values())[0]).max() > 0.9999 for c in cases)


def test_gradients_flow_through_states_that_are_not_zero_and_some_saturate():
    norms = EXERCISES["flow.gradient_norms"].make_cases()
    states = [np.stack([cache.h for cache in case.arguments["caches"]]) for case in norms]
    states += [case.arguments["h"] for case in EXERCISES["flow.step_jacobian"].make_cases()]
    assert all(np.abs(h).max() > 0.2 for h in states)
    assert sum(np.abs(h).max() > 0.9999 for h in states) >= 2
    assert all(np.abs(case.arguments["caches"][0].h_prev).max() > 0.3 for case in norms)


def test_radii_come_from_complex_negative_and_positive_eigenvalues():
    largest = []
    for case in EXERCISES["flow.spectral_radius"].make_cases():
        W = case.arguments["W"]
        assert np.abs(W - W.T).max() > 0.2
        assert np.linalg.norm(W, 2) > 1.02 * np.abs(np.linalg.eigvals(W)).max()
        largest.append(max(np.linalg.eigvals(W), key=abs))
    assert any(value.imag != 0 for value in largest)
    assert any(value.imag == 0 and value.real < 0 for value in largest)
    assert any(value.imag == 0 and value.real > 0 for value in largest)


def test_gradients_to_clip_are_too_long_short_enough_nested_and_zero():
    cases = [tuple(case.arguments.values()) for case in EXERCISES["optim.clip_by_global_norm"].make_cases()]
    norms = [np.sqrt(sum(np.sum(a**2) for _, a in named_arrays(grads))) for grads, _ in cases]
    assert sum(norm > 1.05 * max_norm for norm, (_, max_norm) in zip(norms, cases, strict=True)) >= 3
    assert any(0 < norm < 0.95 * max_norm for norm, (_, max_norm) in zip(norms, cases, strict=True))
    assert norms[-1] == 0
    assert any(
        norm > max_norm > max(np.linalg.norm(a) for _, a in named_arrays(grads))
        for norm, (grads, max_norm) in zip(norms, cases, strict=True)
    )
    assert any(isinstance(grads, Model) for grads, _ in cases)


def test_qr_leaves_both_signs_on_the_diagonal():
    for case in EXERCISES["init.orthogonal"].make_cases():
        rng, H, _ = map(copied, case.arguments.values())
        signs = np.sign(np.diag(np.linalg.qr(rng.normal(size=(H, H)))[1]))
        assert set(signs) == {-1.0, 1.0}


def test_segments_leave_a_rest_or_none_and_may_be_one_step_or_longer_than_all():
    cases = [case.arguments for case in EXERCISES["checkpointing.backward_sqrt"].make_cases()]
    lengths = [(len(case["x"]), case["segment"]) for case in cases]
    assert sum(segment < T and T % segment != 0 for T, segment in lengths) >= 2
    assert any(1 < segment < T and T % segment == 0 for T, segment in lengths)
    assert any(segment == 1 for _, segment in lengths)
    assert any(segment > T for T, segment in lengths)
    assert repr(cases[-1]["cell"]) == "looped(leaky)"
    assert printed_case(cases[-1]).startswith("cell = looped(leaky)\n")


def test_schedules_are_of_both_kinds_with_one_slot_with_few_and_with_many():
    cases = [case.arguments for case in EXERCISES["checkpointing.backward"].make_cases()]
    kinds = [{action.kind for action in case["actions"]} for case in cases]
    assert sum("keep state" in kind for kind in kinds) >= 2
    assert sum("keep step" in kind for kind in kinds) >= 2
    assert {"back"} in kinds
    assert any(len(case["actions"]) == 3 * len(case["x"]) for case in cases)  # every step kept, taken back, dropped
    assert cases[-1]["cell"] is leaky
    assert printed_case(cases[-1]).startswith("cell = leaky\n")
    assert "actions = [Action(kind='keep state', start=0, stop=" in printed_case(cases[0])


def test_costs_are_asked_of_both_kinds_at_their_edges():
    asked = {tuple(case.arguments.values()) for case in EXERCISES["checkpointing.forward_cost"].make_cases()}
    for keeps in ("state", "step"):
        sizes = [(T, slots) for T, slots, kind in asked if kind == keeps]
        assert any(slots == 1 < T for T, slots in sizes)
        assert any(slots > T > 1 for T, slots in sizes)
        assert any(T == 1 for T, _ in sizes)
        assert any(T >= 29 and 1 < slots < T for T, slots in sizes)


def test_windows_leave_a_tail_or_none_and_may_be_one_step_or_longer_than_all():
    plain = [tuple(case.arguments.values()) for case in EXERCISES["tbptt.windows"].make_cases()]
    cases = [case.arguments for case in EXERCISES["tbptt.windowed_gradient"].make_cases()]
    for lengths in (plain, [(len(case["x"]), case["k"]) for case in cases]):
        tails = {T % k for T, k in lengths if 1 < k < T}
        assert tails >= {0, 1}
        assert max(tails) > 1  # a tail of several steps is not one of one step
        assert any(k == 1 < T for T, k in lengths)
        assert any(k > T for T, k in lengths)
    assert all(np.abs(case["state0"]).max() > 0.3 for case in cases[:-1])
    assert printed_case(cases[-1]).startswith("cell = looped(leaky)\n")


def test_sliding_horizons_are_of_every_kind_that_can_be_mistaken_for_another_in_tbptt():
    cases = [case.arguments for case in EXERCISES["tbptt.sliding_gradient"].make_cases()]
    sizes = [(len(case["x"]), case["k1"], case["k2"]) for case in cases]
    assert any(k1 == 1 < k2 < T for T, k1, k2 in sizes)
    assert any(1 < k1 == k2 < T and T % k1 for T, k1, k2 in sizes)
    assert sum(1 < k1 < k2 < T and T % k1 > 0 and k2 % k1 > 0 for T, k1, k2 in sizes) >= 2
    assert any(k2 > T for T, _, k2 in sizes)
    assert repr(cases[-1]["cell"]) == "looped(leaky)"


def test_tbptt_is_cut_nowhere_once_and_at_neighbours_with_a_probability_that_is_not_one_half():
    cases = [case.arguments for case in EXERCISES["tbptt.randomised_gradient"].make_cases()]
    cuts = [case["cuts"] for case in cases]
    assert cases[0]["cuts"]
    assert () in cuts
    assert {len(c) for c in cuts} >= {0, 1, 2, 3}
    assert any(cut + 1 in c for c in cuts for cut in c)
    assert all(case["probability"] != 0.5 for case in cases)  # there p and 1 - p are the same
    assert sum(case["probability"] == 0 for case in cases) == 1
    assert repr(cases[-1]["cell"]) == "looped(leaky)"


def test_tbptt_streams_have_one_axis_and_two_a_tail_or_none_and_whole_numbers_too():
    streams = [tuple(case.arguments.values()) for case in EXERCISES["tbptt.stream_batches"].make_cases()]
    assert {stream.ndim for stream, _ in streams} == {1, 2}
    assert {stream.dtype.kind for stream, _ in streams} == {"i", "f"}
    assert any(len(stream) % N == 0 and N > 1 for stream, N in streams)
    assert any(len(stream) % N > 1 for stream, N in streams)
    assert any(len(stream) // N == 1 for stream, N in streams)
    assert any(N == 1 for _, N in streams)


def test_masks_drop_steps_but_never_a_whole_sequence():
    masks = [case.arguments["mask"] for case in EXERCISES["losses.mse"].make_cases()]
    assert sum(not mask.all() for mask in masks) >= 2
    assert all(mask.any(axis=0).all() for mask in masks)


def test_the_caches_of_a_case_are_the_packages():
    for case in EXERCISES["rnn.step_backward"].make_cases():
        params, cache = case.arguments["params"], case.arguments["cache"]
        assert np.array_equal(rnn.step(params, cache.x, cache.h_prev)[0], cache.h)


@pytest.mark.parametrize("name", ["lstm.step", "lstm.step_backward", "gru.step", "gru.step_backward"])
def test_gated_cells_have_biases_states_and_weights_that_can_tell(name):
    for case in EXERCISES[name].make_cases():
        params = case.arguments["params"]
        H = len(params.W_hh)
        assert all(np.abs(b).min() > 0 for b in params[2:])
        blocks = np.split(params.W_hh, params.W_hh.shape[1] // H, axis=1)
        assert all(np.abs(block - block.T).max() > 0.2 for block in blocks)
        assert all(np.abs(a - b).max() > 0.2 for k, a in enumerate(blocks) for b in blocks[:k])
        states = [a for n, a in named_arrays(tuple(case.arguments.values())[-1])]
        assert all(np.abs(state).max() > 0.3 for state in states)


def test_the_caches_of_the_gated_cells_are_the_packages():
    for case in EXERCISES["lstm.step_backward"].make_cases():
        params, cache = case.arguments["params"], case.arguments["cache"]
        again = lstm.step(params, cache.x, lstm.State(cache.h_prev, cache.c_prev))[1]
        assert worst_error(again, cache)[1] == 0
    for case in EXERCISES["gru.step_backward"].make_cases():
        params, cache = case.arguments["params"], case.arguments["cache"]
        assert worst_error(gru.step(params, cache.x, cache.h_prev)[1], cache)[1] == 0


def test_gates_saturate_in_one_case():
    for name, gate in (("lstm.step", "f"), ("gru.step", "u")):
        caches = [EXERCISES[name].solution(*case.arguments.values())[1] for case in EXERCISES[name].make_cases()]
        gates = [getattr(cache, gate) for cache in caches]
        assert any(values.max() > 0.999 and values.min() < 0.001 for values in gates)


def test_half_lives_are_asked_of_numbers_and_arrays_far_shut_and_far_open():
    asked = [case.arguments["b"] for case in EXERCISES["lstm.memory_half_life"].make_cases()]
    assert {np.ndim(b) for b in asked} == {0, 1, 2}
    assert min(np.min(b) for b in asked) <= -800
    assert max(np.max(b) for b in asked) >= 20


def test_forget_biases_are_not_one_and_of_both_signs_with_more_inputs_than_units_and_fewer():
    cases = [case.arguments for case in EXERCISES["lstm.init"].make_cases()]
    assert {np.sign(case["forget_bias"]) for case in cases} == {-1, 1}
    assert all(case["forget_bias"] not in (0, 1) for case in cases)
    assert {case["D"] < case["H"] for case in cases} == {True, False}


@pytest.mark.parametrize("name", ["unrolled.forward", "unrolled.backward", "flow.gradient_norms"])
def test_one_cell_is_not_the_rnn_and_has_a_readable_name(name):
    *others, last = EXERCISES[name].make_cases()
    assert all(case.arguments["cell"] is rnn for case in others)
    assert last.arguments["cell"] is leaky
    assert "hidden(state)" in EXERCISES["unrolled.forward"].hints[2]
    if name == "unrolled.forward":
        assert printed_case(last.arguments).startswith("cell = leaky\n")


def test_the_leaky_cells_gradient_is_right():
    params, caches, dh = (
        EXERCISES["unrolled.backward"].make_cases()[-1].arguments[k] for k in ("params", "caches", "dh")
    )
    x, state0 = np.stack([c.x for c in caches]), leaky.State(caches[0].h_prev, caches[0].c_prev)
    grads, dx, dstate_0 = unrolled.backward(leaky, params, caches, dh)

    def loss(params, x, state0):
        return np.sum(dh * unrolled.forward(leaky, params, x, state0)[0])

    assert worst_error(grads, by_field(complex_step, lambda p: loss(p, x, state0), params))[1] < 1e-13
    assert worst_error(dstate_0, by_field(complex_step, lambda s: loss(params, x, s), state0))[1] < 1e-13
    assert relative_error(dx, complex_step(lambda x: loss(params, x, state0), x)) < 1e-13


def test_lesson_cases_are_as_large_as_the_lessons_use():
    step = EXERCISES["rnn.step"].make_lesson_case().arguments
    assert (step["x"].shape, step["h_prev"].shape) == ((1000, 1), (1000, 16))
    x = EXERCISES["unrolled.forward"].make_lesson_case().arguments["x"]
    assert len(x) == 1000
    assert x.size >= 12 * 1000
    assert EXERCISES["readout.forward"].make_lesson_case().arguments["h"].shape == (12, 1000, 16)


@pytest.mark.parametrize("name", ["adding.sequences", "copying.sequences"])
def test_every_draw_has_the_properties_that_the_cases_draw_has(name):
    exercise = EXERCISES[name]
    for case in exercise.make_cases():
        wanted = exercise.properties(case.arguments, *exercise.solution(*map(copied, case.arguments.values())))
        for seed in range(20):
            others = list(case.arguments.values())[1:]
            found = exercise.properties(case.arguments, *exercise.solution(np.random.default_rng(seed), *others))
            for a, b in zip(found, wanted, strict=True):
                assert np.array_equal(a, b)


def test_properties_are_of_every_kind_of_batch():
    sizes_of_adding = [tuple(case.arguments.values())[1:] for case in EXERCISES["adding.sequences"].make_cases()]
    assert {T % 2 for T, N in sizes_of_adding if N >= adding_exercises.MANY} == {0, 1}
    assert min(T for T, _ in sizes_of_adding) == 2
    sizes_of_copying = [tuple(case.arguments.values())[1:] for case in EXERCISES["copying.sequences"].make_cases()]
    assert any(N >= copying_exercises.MANY for _, N in sizes_of_copying)
    assert min(gap for gap, _ in sizes_of_copying) == 1


def test_adam_is_asked_at_first_and_later_with_decays_that_differ_and_of_a_whole_model():
    cases = [case.arguments for case in EXERCISES["optim.adam"].make_cases()]
    assert {case["state"].updates for case in cases} >= {0, 3, 7}
    assert all(case["decay_mean"] != case["decay_square"] for case in cases)
    assert any(isinstance(case["params"], Model) for case in cases)
    assert any(not array.any() for case in cases for _, array in named_arrays(case["grads"]))


def test_streams_are_read_in_windows_of_every_kind_by_two_cells():
    for name in ("loop.truncated_epoch", "loop.bits_per_symbol"):
        cases = [case.arguments for case in EXERCISES[name].make_cases()]
        lengths = [(len(case["symbols"]) - 1, case["k"]) for case in cases]
        tails = {T % k for T, k in lengths if 1 < k < T}
        assert tails >= {0, 1}
        assert max(tails) > 1
        assert any(k > T for T, k in lengths)
        assert {printed_case({"cell": case["cell"]}) for case in cases} == {"cell = rnn", "cell = lstm"}
    states = [case.arguments["session"].state for case in EXERCISES["loop.truncated_epoch"].make_cases()]
    assert any(state is None for state in states)
    assert any(isinstance(state, lstm.State) for state in states)


def test_u_falls_on_edges_and_logits_overflow():
    cases = [case.arguments for case in EXERCISES["text.sample"].make_cases()]
    assert any(np.abs(case["y"]).max() > 710 for case in cases)
    assert any({0.0, 0.25, 0.5, 0.75} <= set(case["u"]) for case in cases)
    assert any(case["temperature"] < 1 for case in cases)
    assert any(case["temperature"] > 1 for case in cases)


@pytest.mark.parametrize("formula", [f for f in vars(draws).values() if isinstance(f, Formula)], ids=repr)
def test_a_formula_is_what_it_shows(formula):
    w = np.random.default_rng(0).normal(size=(3, 3))
    assert formula(w) == eval(repr(formula), {"np": np})(w)
    assert np.iscomplexobj(formula(w + 0j))


def test_two_mistakes_cannot_have_one_name():
    mistakes = Mistakes("step")

    def step_upside_down(params, x, h_prev):
        """Some sentence."""

    mistakes.add(step_upside_down)
    with pytest.raises(ValueError, match="upside-down"):
        mistakes.add(step_upside_down)
