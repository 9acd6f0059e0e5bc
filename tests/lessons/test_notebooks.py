"""What every notebook must be, read from its file."""

from __future__ import annotations

import ast
import builtins
import dis
import inspect
import re
import statistics
from typing import Any

import pytest
from lessons.lesson_files import CHECK, NOTEBOOKS, STEMS, code_cells, exercises_in, read

from bptt_lessons.course import EXERCISES


@pytest.fixture(params=NOTEBOOKS, ids=STEMS)
def path(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture
def notebook(path: Any) -> Any:
    return read(path)


def test_there_are_lessons() -> None:
    assert STEMS[:6] == [
        "00_start_here",
        "01_unrolling_a_recurrent_network",
        "02_backpropagation_through_time",
        "03_gradient_flow",
        "04_memory_and_checkpointing",
        "05_truncated_bptt",
    ]


def test_it_was_executed_in_order_and_kept_its_outputs(notebook: Any) -> None:
    cells = code_cells(notebook)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    assert sum(bool(cell.outputs) for cell in cells) >= 5


def test_no_output_is_an_error(notebook: Any) -> None:
    assert [o for cell in code_cells(notebook) for o in cell.outputs if o.output_type == "error"] == []


def test_no_cell_ends_in_a_semicolon(notebook: Any) -> None:
    assert [cell.source for cell in code_cells(notebook) if cell.source.rstrip().endswith(";")] == []


def test_cells_are_short(notebook: Any) -> None:
    lengths = [len(cell.source.splitlines()) for cell in code_cells(notebook)]
    assert statistics.median(lengths) <= 6
    assert max(lengths) <= 30
    assert len(notebook.cells) <= 105


def test_it_opens_with_a_title_a_promise_and_what_is_needed(notebook: Any) -> None:
    first = notebook.cells[0].source
    assert first.startswith("# ")
    for word in ("**You will**", "**You need**", "**Time:**"):
        assert word in first


def test_it_closes_with_a_recap_and_own_work(notebook: Any) -> None:
    prose = [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]
    assert any(text.startswith("## Recap") for text in prose[-3:])
    assert any("**Next:**" in text or "On your own" in text for text in prose[-3:])


def test_it_asks_before_it_shows(notebook: Any) -> None:
    prose = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    assert prose.count("**Predict") >= 1


def test_it_asserts_what_it_claims(notebook: Any) -> None:
    assert any("assert " in cell.source for cell in code_cells(notebook))


def test_each_exercise_is_its_stub_then_its_check(path: Any, notebook: Any) -> None:
    found = exercises_in(notebook)
    assert [name for name, _, _ in found] == [name for name, e in EXERCISES.items() if e.lesson == path.stem]
    for name, stub, check in found:
        assert stub.source == EXERCISES[name].stub.strip("\n")
        assert "raises-exception" in stub.metadata.tags
        assert CHECK.match(check.source).group(1) == name.replace(".", "_")
        assert any("not attempted" in output.data["text/plain"] for output in check.outputs)


def test_only_stubs_may_raise(notebook: Any) -> None:
    stubs = [stub.id for _, stub, _ in exercises_in(notebook)]
    tagged = [cell.id for cell in notebook.cells if "raises-exception" in cell.metadata.get("tags", [])]
    assert tagged == stubs


def test_no_cell_gives_an_answer_away(notebook: Any) -> None:
    calls = re.compile(r"^\s*(hint|solution)\(", re.MULTILINE)
    assert [cell.source for cell in code_cells(notebook) if calls.search(cell.source)] == []


def test_the_imports_cell_provides_what_the_solutions_use(notebook: Any) -> None:
    names: dict[str, Any] = {}
    exec(compile(code_cells(notebook)[0].source, "imports", "exec"), names)
    for name, _, _ in exercises_in(notebook):
        used = globals_of(EXERCISES[name].solution.__code__) - set(dir(builtins))
        assert used <= set(names), f"{name} uses {sorted(used - set(names))}"


def globals_of(code: Any) -> set[str]:
    """Return the global names that a function and its inner functions use."""
    own = {i.argval for i in dis.get_instructions(code) if i.opname in ("LOAD_GLOBAL", "LOAD_NAME")}
    return own.union(*(globals_of(inner) for inner in code.co_consts if inspect.iscode(inner)))


def test_the_lessons_do_no_plotting_of_their_own(notebook: Any) -> None:
    imported = {
        alias.name.split(".")[0]
        for cell in code_cells(notebook)
        if not cell.source.lstrip().startswith(("%", "!"))
        for node in ast.walk(ast.parse(cell.source))
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for alias in (node.names if isinstance(node, ast.Import) else [ast.alias(node.module or "")])
    }
    plain = {"__future__", "collections", "functools", "itertools", "tempfile", "time", "types"}
    assert imported <= {"numpy", "bptt_lessons"} | plain


def test_every_picture_has_alternative_text_without_measured_digits(notebook: Any) -> None:
    pictures = [
        tag
        for cell in code_cells(notebook)
        for output in cell.outputs
        for tag in re.findall(r"<img [^>]*>", "".join(output.get("data", {}).get("text/html", "")))
    ]
    for tag in pictures:
        assert re.search(r'alt="[^"]{20,}"', tag)
        assert "[measured" not in tag
    assert not any("image/png" in o.get("data", {}) for cell in code_cells(notebook) for o in cell.outputs)


def test_the_file_carries_no_traces_of_one_machine(notebook: Any) -> None:
    assert set(notebook.metadata) <= {"kernelspec", "language_info"}
    assert "version" not in notebook.metadata.get("language_info", {})
    for cell in notebook.cells:
        assert set(cell.metadata) <= {"tags", "jupyter", "slideshow"}


def test_the_minutes_of_an_exercise_are_those_of_the_catalogue(notebook: Any) -> None:
    text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    stated = [int(n) for n in re.findall(r"\*\*Exercise: [^*]+\*\* \((\d+) minutes\)", text)]
    assert stated == [EXERCISES[name].minutes for name, _, _ in exercises_in(notebook)]
