"""This file knows a subset for a Neo4j server: CSV files for `neo4j-admin database import`, and a script that loads the same files.

The script is static text: names of strangers are only ever data of the CSV files. Its graph is that of `stemma load`, with the
columns of a lock. `LOAD CSV` takes a backslash inside quotes for an escape, whatever RFC 4180 says, unless the server's settings
forbid it: so all text is quoted, its backslashes are doubled, and the import is told to read likewise.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from graph.subset.exports.marks import written
from graph.subset.exports.tables import DERIVATIONS, KINDS, MODELS, Values
from graph.subset.lock import Lock

_IDS = {("models", "id"): "id:ID", ("derivations", "model"): ":START_ID", ("derivations", "base_model"): ":END_ID"}
_STATIC = ("load.cypher", "import.sh")


def write(lock: Lock, folder: Path) -> None:
    """Write data and header files, the import's command, and the script."""
    folder.mkdir(parents=True, exist_ok=True)
    for table in (MODELS, DERIVATIONS):
        header = [_IDS.get((table.name, name), f"{name}:{KINDS[kind]}") for name, kind, _ in table.columns]
        (folder / f"{table.name}-header.csv").write_text(",".join(header) + "\n", encoding="utf-8")
        with (folder / f"{table.name}.csv").open("w", encoding="utf-8", newline="\n") as file:
            file.writelines(map(_line, table.rows(lock)))
    for name in _STATIC:
        (folder / name).write_text(
            files(__package__).joinpath(f"neo4j_{name}").read_text(encoding="utf-8"), encoding="utf-8"
        )
    (folder / "import.sh").chmod(0o755)


def _line(values: Values) -> str:
    return ",".join(map(_cell, values)) + "\n"


def _cell(value: object) -> str:
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '""') + '"'
    return "" if value is None else written(value)
