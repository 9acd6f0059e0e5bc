"""The catalogue of exercises: right answers pass however they are written, and every mistake is named as itself."""

import inspect
import itertools
import re
import warnings

import numpy as np
import pytest
from other_ways import RIGHT, WRONG, name_of

from bptt_lessons.cells import gru, lstm, rnn, unrolled
from bptt_lessons.course import EXERCISES, grading
from bptt_lessons.course.catalogue import _BY_NAME, ORDER, adding_exercises, copying_exercises, draws, leaky
from bptt_lessons.course.catalogue.draws import Formula
from bptt_lessons.course.catalogue.mistakes import Mistakes
from bptt_lessons.course.grading import printed_case
from bptt_lessons.course.outcomes import Raised, Returned, snapshot
from bptt_lessons.course.sandbox import copied, same_state, unchanged
from bptt_lessons.gradients.gradcheck import by_field, complex_step, relative_error, worst_error
from bptt_lessons.nested import named_arrays
from bptt_lessons.training.loop import Model

MINUTES = {  # what a lesson has for its exercises, at least and at most
    "00_start_here": (3, 8),
    "01_unrolling_a_recurrent_network": (25, 35),
    "02_backpropagation_through_time": (65, 85),
    "03_gradient_flow": (30, 45),
    "04_memory_and_checkpointing": (35, 45),
    "05_truncated_bptt": (55, 70),
    "06_the_lstm": (20, 30),
    "07_bptt_through_the_lstm": (35, 45),
    "08_long_range_tasks": (30, 40),
    "09_language_model": (25, 35),
}

each_exercise = pytest.mark.parametrize("exercise", EXERCISES.values(), ids=EXERCISES.keys())


def learner_function(exercise):
    """Run the stub cell as a notebook would and return what it defines."""
    names = {}
    exec(exercise.stub, names)
    names.pop("__builtins__")
    assert list(names) == [exercise.learner_name]
    return names[exercise.learner_name]


def arrays_of(arguments):
    """Yield all arrays among a case's arguments, lists of NamedTuples included."""
    for value in arguments.values():
        for item in value if isinstance(value, list) else [value]:
            for _, array in named_arrays(item):
                if isinstance(array, np.ndarray):
                    yield array


def size_of(arguments):
    """Return how large a case is: the numbers in its arrays, its whole numbers (which are sizes), its characters."""
    whole = sum(value for value in arguments.values() if type(value) is int)
    characters = sum(len(value) for value in arguments.values() if type(value) is str)
    return whole + characters + sum(array.size for array in arrays_of(arguments))


def result(function, case):
    """Run a function on one case, in this thread: what grading would have to judge."""
    given = {name: copied(value) for name, value in case.arguments.items()}
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            value = snapshot(function(*given.values()))
    except Exception as error:
        return Raised(type(error).__name__, str(error)[:500], "", error=type(error))
    written = tuple(name for name, before in case.arguments.items() if not unchanged(before, given[name]))
    undrawn = tuple(name for name, before in case.arguments.items() if same_state(before, given[name]))
    return Returned(value, written, 0.0, undrawn=undrawn)


# The exercises as a whole.


def test_every_exercise_is_there_once_in_the_order_of_the_lessons():
    assert list(EXERCISES) == list(ORDER)
    assert set(ORDER) == set(_BY_NAME)
    lessons = [e.lesson for e in EXERCISES.values()]
    assert lessons == sorted(lessons)
    assert set(lessons) == set(MINUTES)


def test_the_mapping_cannot_be_changed():
    with pytest.raises(TypeError):
        EXERCISES["rnn.step"] = None
    with pytest.raises(TypeError):
        EXERCISES["rnn.step"].misconceptions["no-tanh"] = None


@pytest.mark.parametrize("lesson", MINUTES)
def test_minutes_add_up_to_what_a_lesson_has(lesson):
    least, most = MINUTES[lesson]
    assert least <= sum(e.minutes for e in EXERCISES.values() if e.lesson == lesson) <= most


@each_exercise
def test_the_solution_is_correct(exercise):
    report = exercise.grade(exercise.solution)
    assert report.status == "correct", str(report)
    assert report.misconception is None


@each_exercise
def test_other_ways_to_write_it_are_correct(exercise):
    for function in RIGHT[exercise.name]:
        report = exercise.grade(function, time_limit=60.0)
        assert report.status == "correct", f"{name_of(function)}: {report}"


def test_every_exercise_has_other_ways():
    assert RIGHT.keys() == EXERCISES.keys()
    assert all(len(set(functions)) == len(functions) >= 3 for functions in RIGHT.values())


@each_exercise
def test_the_stub_is_not_attempted(exercise):
    assert exercise.grade(learner_function(exercise)).status == "not attempted"


@each_exercise
def test_the_parameters_are_the_solutions_leading_ones(exercise):
    names = list(inspect.signature(learner_function(exercise)).parameters)
    assert names == list(inspect.signature(exercise.solution).parameters)[: len(names)]
    for case in (*exercise.make_cases(), exercise.make_lesson_case()):
        assert list(case.arguments) == names


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
def test_the_solution_runs_on_the_lessons_case(exercise):
    exercise.solution(*map(copied, exercise.make_lesson_case().arguments.values()))


# Mistakes.


def remembered(function, number):
    """Return a function that remembers what it returned or raised for each object that is its argument `number`."""
    known = {}  # with the arguments, which stay alive so that no other object gets their identity

    def once(*arguments):
        key = id(arguments[number])
        if key not in known:
            try:
                known[key] = arguments, function(*arguments), None
            except grading.StructureError as error:
                known[key] = arguments, None, error
        _, value, error = known[key]
        if error:
            raise error
        return value

    return once


@each_exercise
@np.errstate(all="ignore")
def test_every_mistake_is_wrong_and_like_no_other(exercise, monkeypatch):
    """Compare results directly, without thread and report: `grade` names the mistake whose results a learner has."""
    monkeypatch.setattr(grading, "leaves", remembered(grading.leaves, 0))
    monkeypatch.setattr(grading, "properties", remembered(grading.properties, 2))
    cases = exercise.make_cases()
    expected = [grading.right_answer(exercise, case) for case in cases]
    found = {
        name: [result(mistake.function, case) for case in cases] for name, mistake in exercise.misconceptions.items()
    }
    for name, outcomes in found.items():
        rows = zip(cases, outcomes, expected, strict=True)
        faults = (grading.fault(exercise, case.arguments, outcome, right, 0)[0] for case, outcome, right in rows)
        first = next(filter(None, faults), "")
        assert first not in ("no-return", "timeout"), f"{name} has no name of its own"
        if not first:  # the results are right
            assert name == "mutates-input"
            assert any(outcome.written for outcome in outcomes)
    for (name, mine), (other, theirs) in itertools.combinations(found.items(), 2):
        rows = zip(cases, mine, theirs, expected, strict=True)
        alike = all(grading.same_mistake(exercise, case.arguments, a, b, right, True) for case, a, b, right in rows)
        assert not alike, f"{name} and {other} cannot be told apart"


@each_exercise
def test_a_mistake_is_named_as_itself(exercise, whole):
    for identifier in list(exercise.misconceptions)[:: 1 if whole else 50]:
        known = exercise.misconceptions[identifier]
        report = exercise.grade(known.function)
        assert (report.status, report.misconception) == ("wrong", identifier), str(report)
        assert known.sentence in str(report)


@each_exercise
def test_a_mistake_is_well_told(exercise):
    parameters = list(inspect.signature(learner_function(exercise)).parameters)
    assert len(exercise.misconceptions) >= 4
    sentences = [known.sentence for known in exercise.misconceptions.values()]
    assert len(set(sentences)) == len(sentences)
    for identifier, known in exercise.misconceptions.items():
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", identifier)
        assert re.search(r"[.?)]$", known.sentence)
        assert "  " not in known.sentence
        assert "\n" not in known.sentence
        assert 40 <= len(known.sentence) <= 280
        body = inspect.getsource(known.function).split('"""')[2].strip().splitlines()
        assert 1 <= len(body) <= 11
        assert list(inspect.signature(known.function).parameters) == parameters


@each_exercise
def test_a_mistake_is_named_however_it_is_written(exercise, whole):
    rows = [row for row in WRONG if row[0] == exercise.name]
    for _, function, identifier in rows if whole else rows[:1]:
        assert exercise.grade(function).misconception == identifier, name_of(function)


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


@pytest.mark.parametrize("name", ["loop.fit", "loop.truncated_epoch"])
@np.errstate(all="ignore")
def test_training_must_refuse_infinity_and_nan_and_at_once(name):
    exercise = EXERCISES[name]
    refused = [case.refused for case in exercise.make_cases() if case.refused]
    assert ["infinite" in why for why in refused] == [True, False]
    for identifier in ("loss-not-looked-at", "only-nan-looked-for", "stops-quietly", "losses-looked-at-afterwards"):
        outcomes = [result(exercise.misconceptions[identifier].function, case) for case in exercise.make_cases()]
        texts = [
            grading.fault(exercise, case.arguments, outcome, grading.right_answer(exercise, case), 0)[1]
            for case, outcome in zip(exercise.make_cases(), outcomes, strict=True)
        ]
        assert "it should raise ValueError, since the loss of the second" in "".join(texts)


def test_two_mistakes_cannot_have_one_name():
    mistakes = Mistakes("step")

    def step_upside_down(params, x, h_prev):
        """Some sentence."""

    mistakes.add(step_upside_down)
    with pytest.raises(ValueError, match="upside-down"):
        mistakes.add(step_upside_down)


# Cases.  That they tell mistakes apart is tested above, and by the mutants of the solutions.


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
def test_refused_cases_come_last_and_the_package_refuses_them(exercise):
    cases = exercise.make_cases()
    assert not cases[0].refused
    assert [bool(case.refused) for case in cases] == sorted(bool(case.refused) for case in cases)
    for case in filter(lambda case: case.refused, cases):
        with np.errstate(all="ignore"), pytest.raises(ValueError, match=r"the loss is (inf|nan) at update \d"):
            exercise.solution(*map(copied, case.arguments.values()))


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


def test_recurrent_weights_are_not_symmetric():
    found = 0
    for exercise in EXERCISES.values():
        for case in exercise.make_cases() if not exercise.name.startswith(("loop.", "optim.")) else ():
            for name, W_hh in named_arrays(case.arguments.get("params", ())):
                if name.rpartition(".")[2] == "W_hh":
                    blocks = np.split(W_hh, W_hh.shape[1] // len(W_hh), axis=1)
                    assert all(np.abs(block - block.T).max() > 0.2 for block in blocks), exercise.name
                    found += 1
    assert found > 50


def test_states_do_not_start_at_zero_and_some_saturate():
    for name, state in (("rnn.step", "h_prev"), ("unrolled.forward", "state0")):
        cases = EXERCISES[name].make_cases()
        assert all(np.abs(case.arguments[state]).max() > 0.3 for case in cases)
        assert any(np.abs(EXERCISES[name].solution(*c.arguments.values())[0]).max() > 0.9999 for c in cases)
    for name, gate in (("lstm.step", "f"), ("gru.step", "u")):
        caches = [EXERCISES[name].solution(*case.arguments.values())[1] for case in EXERCISES[name].make_cases()]
        gates = [getattr(cache, gate) for cache in caches]
        assert any(values.max() > 0.999 and values.min() < 0.001 for values in gates)


def test_windows_and_segments_leave_a_rest_or_none_and_may_be_one_step_or_longer_than_all():
    windows = [tuple(case.arguments.values()) for case in EXERCISES["tbptt.windows"].make_cases()]
    for name, k in (("tbptt.windowed_gradient", "k"), ("checkpointing.backward_sqrt", "segment")):
        cases = [case.arguments for case in EXERCISES[name].make_cases()]
        for lengths in (windows, [(len(case["x"]), case[k]) for case in cases]):
            rests = {T % length for T, length in lengths if 1 < length < T}
            assert 0 in rests
            assert max(rests) > 0
            assert any(length == 1 < T for T, length in lengths)
            assert any(length > T for T, length in lengths)


@pytest.mark.parametrize(
    ("name", "cell"),
    [
        ("unrolled.forward", "leaky"),
        ("unrolled.backward", "leaky"),
        ("flow.gradient_norms", "leaky"),
        ("checkpointing.backward", "leaky"),
        ("checkpointing.backward_sqrt", "looped(leaky)"),
        ("tbptt.windowed_gradient", "looped(leaky)"),
        ("tbptt.sliding_gradient", "looped(leaky)"),
        ("tbptt.randomised_gradient", "looped(leaky)"),
    ],
)
def test_the_last_case_has_another_cell_with_a_readable_name(name, cell):
    *others, last = EXERCISES[name].make_cases()
    assert others
    assert not any("leaky" in printed_case({"cell": case.arguments["cell"]}) for case in others)
    assert printed_case({"cell": last.arguments["cell"]}) == f"cell = {cell}"


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


@pytest.mark.parametrize(("cell", "name"), [(rnn, "rnn"), (lstm, "lstm"), (gru, "gru")], ids=["rnn", "lstm", "gru"])
def test_the_caches_of_a_case_are_the_packages(cell, name):
    for case in EXERCISES[f"{name}.step_backward"].make_cases():
        params, cache = case.arguments["params"], case.arguments["cache"]
        state = lstm.State(cache.h_prev, cache.c_prev) if cell is lstm else cache.h_prev
        assert worst_error(cell.step(params, cache.x, state)[1], cache)[1] == 0


def test_lesson_cases_are_as_large_as_the_lessons_use():
    step = EXERCISES["rnn.step"].make_lesson_case().arguments
    assert (step["x"].shape, step["h_prev"].shape) == ((1000, 1), (1000, 16))
    x = EXERCISES["unrolled.forward"].make_lesson_case().arguments["x"]
    assert len(x) == 1000
    assert x.size >= 12 * 1000
    assert EXERCISES["readout.forward"].make_lesson_case().arguments["h"].shape == (12, 1000, 16)


@pytest.mark.parametrize("name", ["adding.sequences", "copying.sequences"])
def test_every_draw_has_the_properties_that_the_cases_draw_has(name, whole):
    exercise = EXERCISES[name]
    many = adding_exercises.MANY if name == "adding.sequences" else copying_exercises.MANY
    cases = exercise.make_cases()
    assert max(case.arguments["N"] for case in cases) >= many
    for case in cases:
        wanted = exercise.properties(case.arguments, *exercise.solution(*map(copied, case.arguments.values())))
        for seed in range(20 if whole else 3):
            others = list(case.arguments.values())[1:]
            found = exercise.properties(case.arguments, *exercise.solution(np.random.default_rng(seed), *others))
            for a, b in zip(found, wanted, strict=True):
                assert np.array_equal(a, b)


def test_updates_are_asked_of_a_whole_model_and_of_a_gradient_of_zeros():
    for name in ("optim.sgd", "optim.clip_by_global_norm", "optim.adam"):
        cases = [case.arguments for case in EXERCISES[name].make_cases()]
        assert any(isinstance(case["grads"], Model) for case in cases)
        if name != "optim.sgd":
            assert any(not array.any() for case in cases for _, array in named_arrays(case["grads"]))


@pytest.mark.parametrize("formula", [f for f in vars(draws).values() if isinstance(f, Formula)], ids=repr)
def test_a_formula_is_what_it_shows(formula):
    w = np.random.default_rng(0).normal(size=(3, 3))
    assert formula(w) == eval(repr(formula), {"np": np})(w)
    assert np.iscomplexobj(formula(w + 0j))
