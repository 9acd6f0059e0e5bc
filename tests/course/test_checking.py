"""`check` in a real kernel: which function a lesson uses, whatever the stub cell holds; and that function at work."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient

from bptt_lessons.course import EXERCISES, check, example, hint, progress, solution
from bptt_lessons.course.checking import trouble_in_a_lesson
from bptt_lessons.course.learner_function import LearnerFunction
from bptt_lessons.course.sandbox import copied
from bptt_lessons.gradients.bptt import Gradient
from bptt_lessons.tasks import cliff

RIGHT = """
def my_rnn_step(params, x, h_prev):
    h = np.tanh(x @ params.W_xh + h_prev @ params.W_hh + params.b_h)
    return h, (x, h_prev, h)
"""
IMPORTS = """
import sys
import numpy as np
from bptt_lessons.cells import rnn
from bptt_lessons.course import check, example, hint, solution

def whose(f):
    return "the package's" if f is rnn.step else "the learner's"
"""
CHECK = 'f = check("rnn.step")\nprint("USES", whose(f))'

# What a learner may leave in the stub cell, what the report then says, and whose function the lesson uses.
STATES = [
    ("", "not attempted yet", "the package's"),
    (EXERCISES["rnn.step"].stub, "not attempted yet", "the package's"),
    ("def my_rnn_step(params, x, h_prev):\n    raise NotImplementedError", "not attempted yet", "the package's"),
    (RIGHT, "correct", "the learner's"),
    ("def my_rnn_step(params, x, h_prev):\n    return None", "returns None", "the package's"),
    ("def my_rnn_step(params, x, h_prev):\n    return params.nothing", "AttributeError", "the package's"),
    ("def my_rnn_step(params, x, h_prev):\n    return x, (x, h_prev, x)", "has shape", "the package's"),
    (RIGHT.replace("tanh", "sin"), "not right yet", "the package's"),
    ("def my_rnn_step(params, x, h_prev):\n    return 'h'", "should return 2 things", "the package's"),
    (RIGHT.replace("    h = ", "    h_prev[:] = 0 * h_prev; h = "), "not right yet", "the package's"),
    (RIGHT.replace("    h = ", "    print('here'); h = "), "correct", "the learner's"),
    (RIGHT.replace("):\n", ")\n", 1), "does not parse", "the package's"),
    (RIGHT.replace("def ", "de ", 1), "does not parse", "the package's"),
    ("undefined_name\n" + RIGHT, "its cell stopped with an error before", "the package's"),
    ("%%time\n" + RIGHT, "correct", "the learner's"),
    ("my_rnn_step = 3", "is of type int, not a function", "the package's"),
    ("def my_rnn_step(params, x, h_prev):\n    sys.exit()", "SystemExit", "the package's"),
    ("def my_rnn_step(params, x):\n    return x", "TypeError", "the package's"),
]


class Kernel:
    """Runs cells in a kernel and returns what each of them shows."""

    def __init__(self, folder: Path) -> None:
        notebook = nbformat.v4.new_notebook()
        resources = {"metadata": {"path": str(folder)}}
        self.client = NotebookClient(notebook, timeout=60, allow_errors=True, resources=resources)

    def execute(self, sources: list[str]) -> list[str]:
        return [self.shown(nbformat.v4.new_code_cell(source)) for source in sources]

    def shown(self, cell: Any) -> str:
        cells = self.client.nb.cells
        cells.append(cell)
        self.client.execute_cell(cell, len(cells) - 1)
        return "".join(
            output.get("text", "") or output.get("data", {}).get("text/plain", "") or output.get("evalue", "")
            for output in cell.outputs
        )


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    """One kernel for all tests: each defines what it checks anew."""
    kernel = Kernel(tmp_path_factory.mktemp("notebooks"))
    with kernel.client.setup_kernel():
        yield kernel


def test_every_state_of_the_stub_cell_each_after_a_right_one(kernel: Kernel) -> None:
    """The older, right definition must never be graded in place of what now stands in the cell."""
    sources = [IMPORTS]
    for source, _, _ in STATES:
        sources += [RIGHT if source else "", source, CHECK]
    shown = kernel.execute(sources)
    for number, (source, says, whose) in enumerate(STATES):
        text = shown[3 * number + 3]
        assert says in text, f"{source!r} gives: {text}"
        assert f"USES {whose}" in text, f"{source!r} gives: {text}"


def test_a_slip_in_another_cell_costs_nobody_their_function(kernel: Kernel) -> None:
    slip = 'assert my_rnn_step(*example("rnn.step"))[0].shape == (2, 3)\nprint("fine")'
    shown = kernel.execute([IMPORTS, RIGHT, slip, "x = 3 +", CHECK])
    assert "fine" in shown[2]
    assert "USES the learner's" in shown[4]


def test_a_slip_in_the_name_is_pointed_out(kernel: Kernel) -> None:
    text = kernel.execute([IMPORTS, "def my_losses_msee(): return 0", 'check("losses.mse")'])[2]
    assert "not attempted yet" in text
    assert "There is a function `my_losses_msee`" in text


def test_a_quick_function_on_a_busy_machine_is_used(kernel: Kernel) -> None:
    late = RIGHT.replace("    h = ", "    import time; time.sleep(0.03); h = ")  # as where others have their turn
    text = kernel.execute([IMPORTS, late, CHECK])[2]
    assert "The lesson goes on with your function" in text


def test_a_right_but_slow_function_is_praised_and_not_used(kernel: Kernel) -> None:
    busy = "    from time import thread_time as now; end = now() + 0.03\n    while now() < end: pass\n"
    slow = RIGHT.replace("    h = ", f"{busy}    h = ")
    text = kernel.execute([IMPORTS, slow, CHECK])[2]
    assert "correct" in text
    assert "more than 10 times as long" in text
    assert "USES the package's" in text


def test_the_function_in_use_returns_the_packages_types_and_survives_its_own_failure(kernel: Kernel) -> None:
    moody = RIGHT.replace("    h = ", "    assert x.shape[0] != 7, 'no sevens'\n    h = ")
    use = (
        "f = check('rnn.step')\np = rnn.init(np.random.default_rng(0), 2, 3)\n"
        "print(type(f(p, np.ones((4, 2)), np.ones((4, 3)))[1]).__name__)\n"
        "for _ in range(2): print(f(p, np.ones((7, 2)), np.ones((7, 3)))[0].shape)"
    )
    text = kernel.execute([IMPORTS, moody, use])[2]
    assert "The lesson goes on with your function." in text
    assert "Cache" in text
    assert text.count("(7, 3)") == 2
    assert text.count("my_rnn_step raised AssertionError: no sevens") == 1


def test_hints_come_one_by_one_and_the_solution_is_the_source(kernel: Kernel) -> None:
    shown = kernel.execute([IMPORTS] + ['hint("rnn.step")'] * 4 + ['solution("rnn.step")'])
    assert ["hint 1 of 3" in shown[1], "hint 2 of 3" in shown[2], "hint 3 of 3" in shown[3]] == [True] * 3
    assert shown[4] == shown[3]
    assert "def step(params" in shown[5]


def test_progress_is_written_beside_the_notebook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BPTT_LESSONS_HOME")
    kernel = Kernel(tmp_path)
    with kernel.client.setup_kernel():
        kernel.execute([IMPORTS, RIGHT, CHECK, RIGHT.replace("tanh", "cos"), CHECK])
    entries = progress.read(tmp_path)
    assert [(e.exercise, e.status) for e in entries] == [("rnn.step", "correct"), ("rnn.step", "wrong")]


def test_progress_that_cannot_be_written_is_said_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*arguments: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(progress, "record", full)
    monkeypatch.setitem(globals(), "my_losses_mse", EXERCISES["losses.mse"].solution)
    function = check("losses.mse")
    text = capsys.readouterr().out
    assert "could not be written down: No space left on device" in text
    assert isinstance(function, LearnerFunction)


# --- outside a notebook ------------------------------------------------------------------------------------


def test_in_a_plain_program_it_prints(capsys: pytest.CaptureFixture[str]) -> None:
    assert check("losses.mse") is EXERCISES["losses.mse"].solution
    assert "losses.mse: not attempted yet." in capsys.readouterr().out


@pytest.mark.parametrize("name", [None, [], {}, 3])
def test_what_is_no_name_is_met_calmly(name: Any, capsys: pytest.CaptureFixture[str]) -> None:
    for call in (check, hint, solution):
        call(name)
    assert capsys.readouterr().out.count("There is no exercise") == 3


@pytest.mark.parametrize("call", [check, hint, solution])
def test_an_unknown_exercise_is_met_with_the_nearest(call: Any, capsys: pytest.CaptureFixture[str]) -> None:
    call("rnn.stepp")
    assert "Did you mean 'rnn.step'" in capsys.readouterr().out


def test_example_gives_copies_of_a_case() -> None:
    example("rnn.step")[1][:] = 0
    assert np.any(example("rnn.step")[1])
    with pytest.raises(ValueError, match="number must be 1"):
        example("rnn.step", 99)
    with pytest.raises(ValueError, match="no exercise"):
        example("rnn.stepp")


# --- a right function at work ------------------------------------------------------------------------------


SAMPLE = [
    pytest.param(name, marks=[pytest.mark.long] if number % 6 != 1 else []) for number, name in enumerate(EXERCISES)
]


def at_work(name: str, function: Any) -> LearnerFunction:
    return LearnerFunction(EXERCISES[name], function)


@pytest.mark.parametrize("name", SAMPLE)
def test_the_packages_function_at_work_returns_what_it_returns(name: str) -> None:
    exercise = EXERCISES[name]
    learner = at_work(name, exercise.solution)
    for case in [*exercise.make_cases(), exercise.make_lesson_case()]:
        if case.refused:
            continue
        first, second = (list(map(copied, case.arguments.values())) for _ in range(2))
        same(learner(*first), exercise.solution(*second))
    assert not learner.failed


def same(a: Any, b: Any) -> None:
    assert type(a) is type(b)
    if isinstance(b, (list, tuple)):
        assert len(a) == len(b)
        for p, q in zip(a, b, strict=True):
            same(p, q)
    else:
        assert np.asarray(a).dtype == np.asarray(b).dtype
        np.testing.assert_array_equal(a, b)


def test_plain_tuples_and_lists_become_the_packages_types() -> None:
    step = EXERCISES["rnn.step"].solution

    def plain(params: Any, x: Any, h_prev: Any) -> Any:
        h, cache = step(params, x, h_prev)
        return [h.tolist(), [array.tolist() for array in cache]]

    arguments = EXERCISES["rnn.step"].make_cases()[1].arguments.values()
    same(at_work("rnn.step", plain)(*arguments), step(*arguments))


def test_a_plain_tuple_with_a_longer_history_becomes_a_session() -> None:
    fit = EXERCISES["loop.fit"].solution

    def plain(*arguments: Any) -> Any:
        session = fit(*arguments)
        return (*session[:3], list(session.losses))

    arguments = EXERCISES["loop.fit"].make_cases()[0].arguments.values()
    learner, session = at_work("loop.fit", plain), None
    for _ in range(3):
        session = learner(*([session] if session else []), *list(arguments)[bool(session) :])
    assert type(session).__name__ == "Session"
    assert len(session.losses) == 9
    assert not learner.failed


def test_after_one_failure_the_packages_function_stays(capsys: pytest.CaptureFixture[str]) -> None:
    mse, calls = EXERCISES["losses.mse"], []

    def leaves(*arguments: Any) -> Any:
        calls.append(1)
        raise SystemExit

    arguments = mse.make_cases()[0].arguments
    learner = at_work("losses.mse", leaves)
    assert learner(*arguments.values()) == learner(**arguments) == mse.solution(**arguments)
    assert len(calls) == 1
    assert capsys.readouterr().out.count("my_losses_mse raised SystemExit") == 1


def test_after_a_failure_the_package_begins_with_the_first_of_the_batches(capsys: pytest.CaptureFixture[str]) -> None:
    fit = EXERCISES["loop.fit"]
    session, batches, gradient, update, _ = fit.make_cases()[0].arguments.values()

    def stumbles(session: Any, batches: Any, *others: Any) -> Any:
        raise ArithmeticError(f"after {len([next(batches), next(batches)])}")

    result = at_work("loop.fit", stumbles)(session, iter(batches), gradient, update)
    same(result, fit.solution(session, batches, gradient, update))
    assert "my_loop_fit raised ArithmeticError: after 2" in capsys.readouterr().out


def test_a_training_that_diverges_raises_with_a_learners_loop_too() -> None:
    fit = EXERCISES["loop.fit"]
    session, batches, gradient, update, _ = fit.make_cases()[-1].arguments.values()
    with pytest.raises(ValueError, match="training diverged"):
        at_work("loop.fit", fit.solution)(session, iter(batches), gradient, update)


def test_other_names_for_the_parameters_do_no_harm() -> None:
    mse = EXERCISES["losses.mse"]
    learner = at_work("losses.mse", lambda a, b, c: mse.solution(a, b, c))
    arguments = mse.make_cases()[0].arguments
    assert learner(**arguments) == mse.solution(**arguments)
    assert not learner.failed


def test_a_single_precision_result_gets_the_arguments_precision_back() -> None:
    forward = EXERCISES["readout.forward"]
    learner = at_work("readout.forward", lambda params, h: forward.solution(params, h).astype(np.float32))
    params, h = forward.make_cases()[0].arguments.values()
    assert learner(params, h).dtype == np.float64
    small = type(params)(*(p.astype(np.float32) for p in params))
    assert learner(small, h.astype(np.float32)).dtype == np.float32
    large = type(params)(*(p.astype(complex) for p in params))
    assert at_work("readout.forward", forward.solution)(large, h).dtype == np.complex128


def test_a_loss_without_parameters_of_its_own_leaves_none() -> None:
    windowed = EXERCISES["tbptt.windowed_gradient"]
    cell, params, x, state0, _, k = windowed.make_cases()[0].arguments.values()
    learner = at_work("tbptt.windowed_gradient", lambda *arguments: tuple(windowed.solution(*arguments)))
    result = learner(cell, params, x, state0, lambda h, start: (0.0, h, None), k)
    assert type(result) is Gradient
    assert result.extra is None
    assert not learner.failed


def test_lists_of_whole_numbers_become_what_the_package_returns() -> None:
    batches = EXERCISES["tbptt.stream_batches"]
    learner = at_work("tbptt.stream_batches", lambda stream, N: batches.solution(stream, N).tolist())
    assert np.array_equal(learner(np.arange(7), 2), [[0, 3], [1, 4], [2, 5]])
    assert isinstance(learner(np.arange(7), 2), np.ndarray)
    windows = at_work("tbptt.windows", lambda T, k: np.array([(0.0, 4.0), (4.0, 5.0)]))
    assert windows(5, 4) == [(0, 4), (4, 5)]
    assert all(type(place) is int for pair in windows(5, 4) for place in pair)


def test_without_arrays_among_the_arguments_the_package_says_the_precision() -> None:
    orthogonal = EXERCISES["init.orthogonal"]
    learner = at_work("init.orthogonal", lambda *arguments: orthogonal.solution(*arguments).astype(np.float32))
    assert learner(np.random.default_rng(0), 3, 1.0).dtype == np.float64


def test_a_plain_tuple_becomes_the_type_that_was_given() -> None:
    clip = EXERCISES["optim.clip_by_global_norm"]
    learner = at_work("optim.clip_by_global_norm", lambda *arguments: tuple(map(np.float32, clip.solution(*arguments))))
    point = cliff.Point(np.float64(3.0), np.float64(4.0))
    clipped = learner(point, 1.0)
    assert type(clipped) is cliff.Point
    assert clipped.w.dtype == np.float64
    assert not learner.failed


def test_letters_stay_letters() -> None:
    batches = EXERCISES["tbptt.stream_batches"]
    learner = at_work("tbptt.stream_batches", batches.solution)
    assert "".join(learner(np.array(list("abcde")), 2)[:, 1]) == "cd"


def test_a_tuple_of_another_cell_stays_what_it_is() -> None:
    class Other(NamedTuple):
        W_xh: Any
        W_hh: Any
        b_h: Any

    Other.__module__ = "bptt_lessons.cells.other"
    other = Other(np.ones((2, 3)), np.ones((3, 3)), np.ones(3))
    learner = at_work("optim.sgd", lambda params, grads, lr: type(params)(*map(np.add, params, grads)))
    assert type(learner(other, other, 0.5)) is Other


def test_a_failure_on_a_lesson_sized_case_is_told_as_what_it_is() -> None:
    exercise = EXERCISES["unrolled.forward"]

    def fails_when_long(cell: Any, params: Any, x: Any, state0: Any) -> Any:
        if len(x) > 100:
            raise RecursionError("too deep")
        return exercise.solution(cell, params, x, state0)

    assert exercise.grade(fails_when_long).status == "correct"
    trouble = trouble_in_a_lesson(exercise, fails_when_long)
    assert "it raises RecursionError: too deep" in trouble
    assert "times as long" not in trouble
