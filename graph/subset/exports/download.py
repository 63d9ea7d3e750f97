"""This file knows a subset as a shell script that downloads it: one `hf download` a model, pinned to its commit.

A model that is whole is marked and not asked for again; `hf` itself goes on with a file that was cut off. Where something stands
in the way (consent, no commit, gone), the script says so. Names come from strangers and are quoted.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

from graph.subset.lock import Lock
from graph.subset.rows import Row
from graph.subset.verify import is_safe

_HEAD = r"""#!/bin/sh
# Downloads a subset of models with `hf` (pip install huggingface_hub) into the folder given, or the one that it is run in.
# Run it again to go on where it was cut off. Then: stemma subset verify LOCK FOLDER
set -u
cd "${1:-.}" || exit 2
failed=0
fetch() { # model, commit
  mark="$1/.cache/stemma/$2"
  if [ -e "$mark" ]; then return; fi
  if hf download --revision "$2" --local-dir "$1" -- "$1"; then
    mkdir -p "$1/.cache/stemma" && : > "$mark"
  else
    echo "not downloaded: $1" >&2
    failed=$((failed + 1))
  fi
}
"""
_TAIL = r"""if [ "$failed" -gt 0 ]; then
  echo "$failed models were not downloaded; run this again to go on" >&2
  exit 3
fi
"""


def write(lock: Lock, path: Path) -> None:
    """Write one script."""
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(_lines(lock))
    path.chmod(0o755)


def _lines(lock: Lock) -> Iterator[str]:
    yield _HEAD
    yield f"# subset {lock.digest}\n"
    for row in lock.models:
        if row.gated is not None:
            yield "# its files need consent: ask for it on the Hub, then `hf auth login`\n"
        obstacle = _obstacle(row)
        if obstacle is not None:
            yield f"echo {shlex.quote(f'left out: {_shown(row.model)}: {obstacle}')} >&2\n"
        else:
            yield f"fetch {shlex.quote(row.model)} {shlex.quote(row.commit or '')}\n"
    yield _TAIL


def _obstacle(row: Row) -> str | None:
    if not is_safe(row.model) or row.model.startswith("-"):
        return "its name is no name of a repository"
    if row.state == "gone":
        return "it is gone from the Hub"
    if row.commit is None:
        return "its commit is not known"
    return None if re.fullmatch("[0-9a-f]{40}", row.commit) else "its commit is none"


def _shown(text: str) -> str:
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in text)
