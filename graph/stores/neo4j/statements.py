"""This file knows the Cypher: one static ``.cypher`` file per question, read once, never put together from strings."""

from __future__ import annotations

from functools import cache
from itertools import takewhile
from pathlib import Path
from typing import LiteralString

FOLDER = Path(__file__).parent / "cypher"


@cache
def statement(name: str) -> LiteralString:
    """The text of ``cypher/<name>.cypher`` without the comment above it, which would go to the server with every question."""
    text = (FOLDER / f"{name}.cypher").read_text("utf-8")
    return text[_comment(text) :]


@cache
def statements(name: str) -> tuple[LiteralString, ...]:
    """The statements of a file that holds several, each ended by a semicolon at the end of a line."""
    parts = statement(name).split(";\n")
    return tuple(part for part in parts if _code(part))


def _comment(text: str) -> int:
    """The length of the lines at the top that are comments."""
    lines = text.splitlines(keepends=True)
    return sum(map(len, takewhile(lambda line: line.startswith("//"), lines)))


def _code(text: str) -> str:
    return "\n".join(line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("//"))
