"""This file knows how text of strangers is put into XML, and how a model is named for other tools."""

from __future__ import annotations

import re
from urllib.parse import quote
from xml.sax.saxutils import escape

HUB = "https://huggingface.co"
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def xml(text: object) -> str:
    """Text for an element or an attribute in double quotes; characters that XML cannot hold are replaced."""
    return escape(_FORBIDDEN.sub("\ufffd", str(text)), {'"': "&quot;", "\n": "&#10;", "\r": "&#13;", "\t": "&#9;"})


def address(model: str, commit: str | None = None) -> str:
    """Where a repository is seen on its Hub."""
    return f"{HUB}/{quote(model)}" + (f"/tree/{quote(commit, safe='')}" if commit else "")


def purl(model: str, commit: str | None) -> str:
    """A package URL of type ``huggingface``."""
    return f"pkg:huggingface/{quote(model)}" + (f"@{quote(commit.lower(), safe='')}" if commit else "")
