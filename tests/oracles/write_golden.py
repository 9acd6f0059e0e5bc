"""Write ``golden/``: questions and their right answers by PyTorch and JAX, for tests that run without either.

    python tests/oracles/write_golden.py

Nothing of bptt_lessons is used: NumPy draws the inputs, PyTorch answers, or JAX where PyTorch has no such cell;
where both have it they must agree to 1e-13, and ``apart`` is their difference.  Python writes every number so that it
reads the same one back.  Questions in float32 are answered in float64, and ``allowed`` says how far a float32 answer
may be off in every array (``agreement`` says why).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import agreement
import by_jax
import by_pytorch
import numpy as np
from questions import CELLS, Question, cast, draw_cell, draw_clip, draw_loss, draw_readout, draw_updates

GOLDEN = Path(__file__).parent / "golden"
AGREED = 1e-13
SHAPES = [(1, 1, 1, 1), (4, 3, 2, 1), (5, 2, 3, 4), (30, 1, 1, 2)]  # T, N, D, H


def all_questions() -> dict[str, list[Question]]:
    """What is asked, file by file."""
    files = {of: list(questions_of(of)) for of in CELLS}
    files["losses"] = [
        draw_loss(of, T, N, K, dtype, seed=1, mask=mask)
        for of in ("mse", "softmax_cross_entropy")
        for mask in (False, True)
        for T, N, K, dtype in [(1, 1, 2, "float64"), (4, 3, 5, "float64"), (8, 2, 3, "float64"), (8, 2, 3, "float32")]
    ]
    files["readout"] = [
        draw_readout(T, N, H, K, dtype, seed=1)
        for T, N, H, K, dtype in [
            (1, 1, 1, 1, "float64"),
            (4, 3, 2, 5, "float64"),
            (7, 2, 3, 4, "float64"),
            (7, 2, 3, 4, "float32"),
        ]
    ]
    adam = {"lr": 0.05, "decay_mean": 0.9, "decay_square": 0.999, "eps": 1e-8}
    files["updates"] = [
        draw_updates(of, updates, dtype, seed=1, **settings)
        for of, settings in [
            ("sgd", {"lr": 0.1}),
            ("adam", adam),
            ("adam", adam | {"decay_mean": 0.5, "decay_square": 0.9, "eps": 1e-3}),
        ]
        for updates, dtype in [(1, "float64"), (3, "float64"), (8, "float64"), (8, "float32")]
    ]
    files["clipping"] = [
        draw_clip(3, 2, dtype, seed=1, max_norm=max_norm)
        for max_norm, dtype in [(1.0, "float64"), (0.25, "float64"), (100.0, "float64"), (1.0, "float32")]
    ]
    return files


def questions_of(cell: str) -> Iterator[Question]:
    """Every shape, with first state and last gradient and without; and one in float32."""
    for seed, shape in enumerate(SHAPES):
        for states in (False, True):
            yield draw_cell(cell, *shape, "float64", seed, state0=states, dstate_T=states)
    yield draw_cell(cell, 5, 2, 3, 4, "float32", 0, state0=True, dstate_T=True)


def answered(question: Question) -> dict[str, Any]:
    """A question with its answer, as it is stored."""
    exact = cast(question, np.float64)
    libraries = [library for library in (by_pytorch, by_jax) if question.of in library.ANSWERS]
    answers = [library.answer(exact) for library in libraries]
    apart = max(agreement.relative_error(a, answers[-1][name]) for name, a in answers[0].items())
    if not apart <= AGREED:
        raise SystemExit(f"{' and '.join(library.NAME for library in libraries)} are {apart} apart: {question.drawn}")
    stored = {
        "of": question.of,
        "drawn": question.drawn,
        "dtype": str(question.dtype),
        "settings": question.settings,
        "by": libraries[0].NAME,
        "apart": float(f"{apart:.1e}") if len(libraries) > 1 else None,
        "inputs": {name: a.tolist() for name, a in question.inputs.items()},
        "answers": {name: a.tolist() for name, a in answers[0].items()},
    }
    if question.dtype == np.float32:
        bounds = agreement.rounding_bounds(libraries[0].answer, question, answers[0], agreement.HALF_BIT_32)
        stored["allowed"] = {name: float(f"{bound:.2e}") for name, bound in bounds.items()}
    return stored


def as_text(stored: list[dict[str, Any]]) -> str:
    """JSON with a line for every array, or for every step of one, so that a diff can be read."""

    def lines(value: Any, indent: str) -> str:
        deeper = indent + " "
        if isinstance(value, dict) and value:
            items = [f"{deeper}{json.dumps(key)}: {lines(item, deeper)}" for key, item in value.items()]
            return "{\n" + ",\n".join(items) + f"\n{indent}}}"
        if isinstance(value, list) and isinstance(value[0], dict):
            return "[\n" + ",\n".join(deeper + lines(item, deeper) for item in value) + f"\n{indent}]"
        if isinstance(value, list) and len(value) > 1 and isinstance(value[0], list) and isinstance(value[0][0], list):
            return "[\n" + ",\n".join(deeper + json.dumps(item) for item in value) + f"\n{indent}]"
        return json.dumps(value)

    versions = {"NumPy": np.__version__, by_pytorch.NAME: by_pytorch.VERSION, by_jax.NAME: by_jax.VERSION}
    return lines({"versions": versions, "questions": stored}, "") + "\n"


def main() -> None:
    """Write all files."""
    GOLDEN.mkdir(exist_ok=True)
    for name, questions in all_questions().items():
        text = as_text([answered(question) for question in questions])
        (GOLDEN / f"{name}.json").write_text(text, encoding="utf-8")
        print(f"{name}: {len(questions)} questions, {len(text) / 1000:.0f} kB")


if __name__ == "__main__":
    main()
