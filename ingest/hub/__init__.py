"""The Hub's API as a source: pages, limits, cursors, sweeps. The only package that imports huggingface_hub."""

from __future__ import annotations

import hashlib
from collections import Counter
from datetime import datetime, timedelta

from graph.catalogue import Catalogue
from graph.errors import BadInput
from graph.progress import Progress, Silent
from graph.snapshot import Source
from ingest.finish import finish
from ingest.hub.crawl import Walk, follow, redirected
from ingest.hub.session import HubSession
from ingest.parse import PartBuilder
from ingest.report import MAX_BAD_FRACTION, Report
from ingest.staging import Staging

OVERLAP = timedelta(hours=1)  # before the watermark, since what is modified during a walk moves in the lists
MOST_REDIRECTS = 200  # names asked for in one run


def ingest_hub(
    catalogue: Catalogue,
    *,
    endpoint: str | None = None,
    author: str | None = None,
    filter: str | None = None,
    limit: int | None = None,
    resume: bool = False,
    full: bool = False,
    page_size: int = 1000,
    timeout_seconds: float = 30.0,
    pause_seconds: float = 1.0,
    progress: Progress | None = None,
) -> Report:
    """Read the Hub's lists into a new snapshot and make it HEAD.

    The whole Hub the first time and with ``full``; after that what is new or changed since the watermark. With ``author``,
    ``filter`` or ``limit`` only a part is read, nothing is marked gone and no watermark moves. A run that was cut off goes on with
    ``resume``. Raises Unreachable, BadInput; HEAD is then as before.
    """
    progress = progress or Silent()
    session = HubSession(endpoint, timeout_seconds=timeout_seconds, pause_seconds=pause_seconds)
    scoped = bool(author or filter or limit)
    with catalogue.locked(), session.open():
        since = None if full or scoped else _watermark(catalogue)
        run = hashlib.sha256(repr((session.endpoint, author, filter, limit)).encode()).hexdigest()[:12]
        staging = Staging(catalogue.staging(f"hub-{run}"))
        if staging.folder.is_dir() and not resume:
            staging.remove()
        since = _remembered(staging, since)
        notes: list[str] = []
        for walk in _walks(since, author, filter, limit, scoped=scoped):
            follow(session, staging, walk, page_size, progress, notes)
        if since is None and not scoped:
            staging.note("sweep-model", "complete")
            staging.note("sweep-dataset", "complete")
        _aliases(session, staging, progress)
        source = Source("hub-part" if scoped else "hub", session.endpoint, 0)
        report = finish(catalogue, staging, [source], MAX_BAD_FRACTION, progress)
        report.notes += notes
        return report


def _walks(
    since: datetime | None, author: str | None, filter: str | None, limit: int | None, *, scoped: bool
) -> list[Walk]:
    if scoped:
        return [Walk("models", "model", None, None, author, filter, limit)]
    if since is None:
        return [Walk("models", "model"), Walk("datasets", "dataset")]
    until = since - OVERLAP
    return [
        Walk(f"{kind}s-{sort}", kind, sort, until)
        for kind in ("model", "dataset")
        for sort in ("createdAt", "lastModified")
    ]


def _watermark(catalogue: Catalogue) -> datetime | None:
    if catalogue.head_id() is None:
        return None
    times = [
        source.watermark for source in catalogue.head().manifest.sources if source.kind == "hub" and source.watermark
    ]
    return max(times, default=None)


def _remembered(staging: Staging, since: datetime | None) -> datetime | None:
    """Where the run began to look, also when it is resumed after another run has moved the watermark."""
    kept = staging.note("since")
    if kept is None:
        kept = staging.note("since", since.isoformat() if since else "the beginning")
    if kept is None:
        raise BadInput(f"{staging.folder} cannot be written: choose another catalogue folder")
    return None if kept == "the beginning" else datetime.fromisoformat(kept)


def _aliases(session: HubSession, staging: Staging, progress: Progress) -> None:
    """Ask where bare names of base models lead today; most said first."""
    if staging.has("zz-aliases"):
        return
    said: Counter[str] = Counter()
    for claims in staging.batches("claims"):
        said.update(name for name in claims.column("said").to_pylist() if "/" not in name)
    names = [name for name, _ in sorted(said.items(), key=lambda item: (-item[1], item[0]))[:MOST_REDIRECTS]]
    progress.start("asking for renamed models", len(names), "names")
    builder = PartBuilder()
    for alias, id in redirected(session, names, progress.advance):
        builder.add_alias(alias, id, "redirect")
    progress.finish()
    staging.write("zz-aliases", builder.tables(), builder.counts())
