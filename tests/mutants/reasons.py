"""Why a mutant that changes something is graded as right: those that remain, with the reason."""

from __future__ import annotations

REASONS: dict[tuple[str, str], str] = {}
