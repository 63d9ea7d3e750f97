"""This file knows options that several commands take alike, and what their words mean."""

from __future__ import annotations

import click

from graph.records import DECLARED, Evidence

_DECLARED = "declared"
evidence_option = click.option(
    "--evidence",
    multiple=True,
    type=click.Choice([*[word.value for word in Evidence], _DECLARED]),
    help="How a claim is known; repeat for more.",
)


def evidence_of(words: tuple[str, ...]) -> frozenset[Evidence]:
    """The kinds of evidence that the option names."""
    return frozenset(map(Evidence, set(words) - {_DECLARED})) | (DECLARED if _DECLARED in words else frozenset())
