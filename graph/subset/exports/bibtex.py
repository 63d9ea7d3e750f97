"""This file knows a subset as BibTeX: one entry of type misc for each model, pinned to its commit."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from graph.subset.exports.marks import address
from graph.subset.lock import Lock
from graph.subset.rows import Row

_SPECIAL = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    **{letter: "\\" + letter for letter in "&%$#_"},
}


def write(lock: Lock, path: Path) -> None:
    """Write one file."""
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(_entries(lock))


def _entries(lock: Lock) -> Iterator[str]:
    used = set[str]()
    for row in lock.models:
        key = re.sub(r"[^A-Za-z0-9.-]+", "_", row.model)
        while key.lower() in used:  # BibTeX does not tell capitals apart
            key += "_"
        used.add(key.lower())
        yield _entry(key, row)


def _entry(key: str, row: Row) -> str:
    fields = {
        "title": "{" + _text(row.model) + "}",
        "author": "{" + _text(row.author or row.model) + "}",
        "year": row.created_at[:4] if row.created_at else None,
        "url": address(row.model, row.commit),
        "note": "commit " + row.commit if row.commit else None,
    }
    if row.licence is not None:
        fields["note"] = ", ".join(filter(None, [fields["note"], "licence " + _text(row.licence.id)]))
    body = "".join(f"  {name} = {{{value}}},\n" for name, value in fields.items() if value)
    return f"@misc{{{key},\n{body}}}\n"


def _text(text: str) -> str:
    printable = "".join(letter if letter.isprintable() else "\ufffd" for letter in text)
    return "".join(_SPECIAL.get(letter, letter) for letter in printable)
