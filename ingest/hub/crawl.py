"""This file knows a walk over the Hub's lists: page by page, each page a staged part, with a cursor that survives a kill."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

import msgspec

from graph.errors import BadInput, Unreachable
from graph.progress import Progress
from ingest.hub.session import Answer, HubSession
from ingest.parse import PartBuilder
from ingest.staging import Speaks, Staging

MODEL_EXPANDS = [
    *(
        "author",
        "baseModels",
        "createdAt",
        "downloads",
        "downloadsAllTime",
        "evalResults",
        "gated",
        "gguf",
        "lastModified",
        "library_name",
    ),
    *("likes", "pipeline_tag", "safetensors", "sha", "tags", "trendingScore"),
]
DATASET_EXPANDS = "author createdAt downloads gated lastModified likes sha tags".split()  # noqa: SIM905 - words are easier to read so
_SMALLER = {1000: 500, 500: 100}  # when a deep page takes the Hub too long


class _Place(msgspec.Struct):
    """What decides where a walk ends: a row's id and times."""

    id: str = ""
    oid: str | None = msgspec.field(default=None, name="_id")
    createdAt: str | None = None  # noqa: N815 - the Hub's own names
    lastModified: str | None = None  # noqa: N815 - the Hub's own names


@dataclass(frozen=True, slots=True)
class Walk:
    """One list to walk: all of it, or in ``sort`` order down to a time."""

    name: str  # of its parts
    kind: str  # "model" | "dataset"
    sort: str | None = None
    until: datetime | None = None
    author: str | None = None
    filter: str | None = None
    limit: int | None = None


def first_url(session: HubSession, walk: Walk, page_size: int) -> str:
    """Where a walk begins."""
    expands = MODEL_EXPANDS if walk.kind == "model" else DATASET_EXPANDS
    query = [("limit", str(min(page_size, walk.limit or page_size)))]
    query += [(name, value) for name, value in (("author", walk.author), ("filter", walk.filter)) if value]
    if walk.sort:
        query += [("sort", walk.sort), ("direction", "-1")]
    query += [("expand", name) for name in expands]
    return f"{session.endpoint}/api/{walk.kind}s?{urlencode(query)}"


def follow(
    session: HubSession, staging: Staging, walk: Walk, page_size: int, progress: Progress, notes: list[str]
) -> None:
    """Walk to the end, or on from where an earlier run was cut off.

    The cursor is kept after the page's part: a kill between the two reads one page twice, under the same name.
    """
    state = json.loads(staging.note(f"walk-{walk.name}") or "null") or {
        "url": first_url(session, walk, page_size),
        "page": 0,
        "rows": 0,
    }
    progress.start(f"reading {walk.kind}s", walk.limit, "rows")
    progress.advance(state["rows"])
    while state["url"]:
        rows, answer, asked = _page(session, state["url"], notes)
        part = f"{walk.name}-{state['page']:06d}"
        kept, ended = _kept(rows, walk, state["rows"])
        if not staging.has(part):
            _stage(staging, part, walk, kept, state["rows"], session.endpoint, asked)
        state = {
            "url": None if ended else answer.next_url,
            "page": state["page"] + 1,
            "rows": state["rows"] + len(kept),
        }
        staging.note(f"walk-{walk.name}", json.dumps(state))
        progress.advance(len(kept))
    progress.finish()


def _page(session: HubSession, url: str, notes: list[str]) -> tuple[list[msgspec.Raw], Answer, str]:
    """A page, and what was asked for in the end.

    It is asked again without what the server does not know, and in smaller pieces when it takes too long.
    """
    for _ in range(40):
        rows, answer = session.rows(url)
        if answer.status == 200:
            return rows, answer, url
        if answer.status == 504:
            smaller = _with_limit(url)
            if smaller is None:
                break
            url = smaller
            continue
        if answer.status == 400:
            fewer = _without_unknown(url, answer.body, notes)
            if fewer is not None:
                url = fewer
                continue
        raise BadInput(
            f"{session.endpoint} refused a list with status {answer.status} "
            f"({answer.body[:200].decode('utf-8', 'replace')}): check --author, --filter and the token"
        )
    raise Unreachable(
        f"{session.endpoint} takes too long for this page: what was read is kept; go on later with --resume"
    )


def _with_limit(url: str) -> str | None:
    parts = urlsplit(url)
    query = parse_qsl(parts.query)
    limit = int(dict(query).get("limit", "1000"))
    smaller = _SMALLER.get(limit, limit // 2 if limit > 1 else None)
    if smaller is None:
        return None
    changed = [(name, str(smaller) if name == "limit" else value) for name, value in query]
    return urlunsplit(parts._replace(query=urlencode(changed)))


def _without_unknown(url: str, body: bytes, notes: list[str]) -> str | None:
    """The same question without expands that the server's complaint does not list as valid."""
    valid = set(re.findall(r"[A-Za-z_]+", body.decode("utf-8", "replace")))
    parts = urlsplit(url)
    query = parse_qsl(parts.query)
    dropped = [value for name, value in query if name in ("expand", "expand[]") and value not in valid]
    expands = sum(name in ("expand", "expand[]") for name, _ in query)
    if not dropped or len(dropped) == expands:
        return None
    notes.append(f"the server does not know {', '.join(dropped)}: read without")
    return urlunsplit(parts._replace(query=urlencode([pair for pair in query if pair[1] not in dropped])))


def _kept(rows: list[msgspec.Raw], walk: Walk, before: int) -> tuple[list[msgspec.Raw], bool]:
    """The rows of a page that the walk wants, and whether it ends here."""
    if walk.limit is not None and before + len(rows) >= walk.limit:
        return rows[: walk.limit - before], True
    if walk.until is None or walk.sort is None:
        return rows, False
    for number, raw in enumerate(rows):
        try:
            place = msgspec.json.decode(raw, type=_Place)
            told = place.createdAt if walk.sort == "createdAt" else place.lastModified
            if told and datetime.fromisoformat(told) < walk.until:
                return rows[:number], True
        except (msgspec.DecodeError, ValueError, TypeError):
            continue  # a row that cannot be read ends no walk; it will be counted as skipped
    return rows, False


def _stage(
    staging: Staging, part: str, walk: Walk, rows: list[msgspec.Raw], before: int, source: str, asked: str
) -> None:
    builder = PartBuilder()
    speaks = Speaks.HUB | Speaks.TAGS
    if ("expand", "evalResults") in parse_qsl(urlsplit(asked).query):  # without the field a model has none
        speaks |= Speaks.RESULTS
    for number, raw in enumerate(rows, before + 1):
        if walk.kind == "model":
            builder.add_model(bytes(raw), source, number, speaks)
        else:
            builder.add_dataset(bytes(raw), source, number)
        try:
            place = msgspec.json.decode(raw, type=_Place)
        except msgspec.DecodeError:
            continue
        if place.id:
            builder.add_seen(walk.kind, place.id, place.oid)
    staging.write(part, builder.tables(), builder.counts())


def redirected(session: HubSession, names: list[str], told: Callable[[int], None]) -> list[tuple[str, str]]:
    """(old name, name today) for names that the Hub answers with a redirect; others are left out."""
    found = []
    for name in names:
        answer = session.get(f"{session.endpoint}/api/models/{quote(name, safe='/')}")
        told(1)
        if answer.status in (301, 302, 307, 308) and answer.location:
            target = urlsplit(answer.location).path.partition("/api/models/")[2].strip("/")
            if target and target != name:
                found.append((name, target))
    return found
