"""This file knows how values, text of strangers, names of models and descriptions are written for other tools."""

from __future__ import annotations

import json
import re
from pathlib import Path
from urllib.parse import quote
from xml.sax.saxutils import escape

HUB = "https://huggingface.co"
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def written(value: object) -> str:
    """A value as other tools read it: ``true`` and ``false`` in small letters."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def xml(value: object) -> str:
    """A value for an element or an attribute in double quotes; characters that XML cannot hold are replaced."""
    return escape(_FORBIDDEN.sub("\ufffd", written(value)), {'"': "&quot;", "\n": "&#10;", "\r": "&#13;", "\t": "&#9;"})


def address(model: str, commit: str | None = None) -> str:
    """Where a repository is seen on its Hub."""
    return f"{HUB}/{quote(model)}" + (f"/tree/{quote(commit, safe='')}" if commit else "")


def purl(model: str, commit: str | None) -> str:
    """A package URL of type ``huggingface``."""
    return f"pkg:huggingface/{quote(model)}" + (f"@{quote(commit.lower(), safe='')}" if commit else "")


def describe(path: Path, description: object) -> None:
    """Write the JSON that describes the other files of a folder."""
    path.write_text(json.dumps(description, indent=1, ensure_ascii=False) + "\n", "utf-8")
