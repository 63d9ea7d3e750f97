"""This file knows how a run tells what it did: progress while it goes on, and the report at its end."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from graph.errors import BadInput

MAX_BAD_FRACTION = 0.05


@dataclass(slots=True)
class Report:
    """What a run read, kept and left out."""

    rows: int = 0  # read from the sources
    skipped: Counter[str] = field(default_factory=Counter)  # lines of `skipped`, by reason: rows, and parts of rows
    bad_rows: int = 0  # rows that could not be read at all
    models: int = 0  # in the snapshot
    datasets: int = 0
    claims: int = 0
    derivations: int = 0
    snapshot: str | None = None
    notes: list[str] = field(default_factory=list)  # what the user should know, one sentence each

    def top_reasons(self, most: int = 5) -> list[tuple[str, int]]:
        """The commonest reasons, by count, then by name."""
        return sorted(self.skipped.items(), key=lambda item: (-item[1], item[0]))[:most]

    def check(self, max_bad_fraction: float) -> None:
        """Raise BadInput when more than this share of the rows could not be read."""
        if self.rows and self.bad_rows > max_bad_fraction * self.rows:
            reasons = ", ".join(f"{reason} ({count})" for reason, count in self.top_reasons())
            raise BadInput(
                f"{self.bad_rows} of {self.rows} rows could not be read, more than {max_bad_fraction:.0%} of them; "
                f"the commonest reasons: {reasons}. The catalogue is unchanged. Look at the input, or allow more with --max-bad"
            )
