"""This file knows how parts of a file on the Hub are read: by byte ranges, of one commit, within a budget of bytes.

Each range is asked of the resolver, which sends on to another server with an address that may be good for that range alone. A
range that was cut off goes on from its last byte. What is no part is never read: an answer of the whole file ends the reading.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import quote, urljoin, urlsplit

import httpx2

from graph.errors import BadInput, Damaged, LimitExceeded, NotFound, StemmaError
from ingest.hub.session import PASSING, HubSession

MERGED_GAP = 16 * 2**10  # bytes between two ranges up to which both are asked for at once; they count as read
_MOST_REDIRECTS = 5
_SLOWEST = 10_000  # bytes a second, beyond the first minute; a slower answer is given up and asked for again
_PATIENCE = 60.0  # seconds
_FEW = 4096  # bytes
_REDIRECTS = frozenset([301, 302, 303, 307, 308])
_SAID = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18}|\*)")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_AGAIN = "ask again later"


@dataclass
class ByteBudget:
    """The most bytes that may be read for one purpose, and how many were."""

    name: str  # "bytes of windows of org/name"
    allowed: int
    advice: str
    spent: int = 0

    def allows(self, wanted: int) -> bool:
        """Whether ``wanted`` bytes more may be read."""
        return self.spent + wanted <= self.allowed

    def check(self, wanted: int) -> None:
        """Raises LimitExceeded when ``wanted`` bytes more would be too many."""
        if not self.allows(wanted):
            raise LimitExceeded(self.name, self.allowed, self.spent + wanted, self.advice)


@dataclass
class RemoteFile:
    """One file of a repository at one revision, ``size`` bytes long, as a listing told."""

    session: HubSession
    repository: str
    revision: str
    path: str
    size: int
    _mark: tuple[str, str] | None = field(default=None, repr=False)  # what the first answer said it is a part of

    @property
    def url(self) -> str:
        """Where the resolver has it."""
        place = (
            f"{quote(self.repository, safe='/')}/resolve/{quote(self.revision, safe='')}/{quote(self.path, safe='/')}"
        )
        return f"{self.session.endpoint}/{place}"

    def read(self, ranges: Sequence[tuple[int, int]], budget: ByteBudget, reserved: int = 0) -> list[bytes]:
        """The bytes of each range [begin, end), in the order asked. Ranges at most MERGED_GAP apart are one request, unless the
        gaps would pass the budget, of which ``reserved`` bytes are for other files.

        Raises LimitExceeded before anything is asked for when the budget does not suffice, Damaged when an answer is not the part
        that was asked for, or of another commit; BadInput when the server sends no parts or refuses, NotFound, Unreachable.
        """
        for begin, end in ranges:
            if not 0 <= begin <= end <= self.size:
                raise Damaged(f"{self} has {self.size} bytes, and {begin} to {end} are asked for: list its files again")
        wanted = merged(ranges)
        if not budget.allows(sum(end - begin for begin, end in wanted) + reserved):
            wanted = merged(ranges, gap=0)
        budget.check(sum(end - begin for begin, end in wanted))
        pieces = [(begin, self._range(begin, end, budget)) for begin, end in wanted]
        return [_cut(pieces, begin, end) for begin, end in ranges]

    def whole(self, budget: ByteBudget) -> bytes:
        """All bytes of a small file, asked for without a range. Raises as ``read`` does."""
        budget.check(self.size)
        body = bytearray()

        def ask() -> tuple[bytes | None, str]:
            with self._answer({}) as response:
                trouble = self._refusal(response, 200)
                if trouble is None:
                    budget.check(self.size)  # again: what was cut off before is read anew
                    body.clear()
                    trouble = self._take(response, body, self.size, budget)
                return (bytes(body) if trouble is None else None), trouble or ""

        return self.session.patiently(ask, _AGAIN)

    def _range(self, begin: int, end: int, budget: ByteBudget) -> bytes:
        """One request's worth; after a cut the rest of it."""
        body = bytearray()

        def ask() -> tuple[bytes | None, str]:
            first, last = begin + len(body), end - 1
            budget.check(last - first + 1)
            with self._answer({"range": f"bytes={first}-{last}"}) as response:
                trouble = self._refusal(response, 206)
                if trouble is None:
                    self._compare(response, first, last)
                    trouble = self._take(response, body, end - begin, budget)
                return (bytes(body) if trouble is None else None), trouble or ""

        return self.session.patiently(ask, _AGAIN)

    @contextmanager
    def _answer(self, headers: dict[str, str]) -> Iterator[httpx2.Response]:
        """The answer at the end of all redirects. The token goes to the Hub's own origin, and nowhere after leaving it."""
        url, with_token = self.url, True
        headers = {**headers, "accept-encoding": "identity"}
        commit = etag = ""
        for _ in range(_MOST_REDIRECTS + 1):
            with self.session.asked(url, headers, with_token=with_token) as response:
                if with_token:
                    commit = response.headers.get("x-repo-commit", commit)
                    etag = response.headers.get("x-linked-etag", etag)
                if response.status_code not in _REDIRECTS or "location" not in response.headers:
                    if response.status_code in (200, 206):
                        self._pin(commit, etag or response.headers.get("etag", ""))
                    yield response
                    return
                if response.headers.get("content-length", "").isdigit():
                    _finish(response)
                url = self._next(url, response.headers["location"])
                with_token = with_token and self.session.is_here(url)
        raise BadInput(f"{self} is redirected more than {_MOST_REDIRECTS} times: check the endpoint")

    def _next(self, url: str, location: str) -> str:
        following = urljoin(url, location)
        scheme = urlsplit(following).scheme
        if scheme not in ("http", "https") or (scheme == "http" and urlsplit(url).scheme == "https"):
            raise BadInput(
                f"{self} is redirected to {scheme or 'no address'}, which is not followed: check the endpoint"
            )
        return following

    def _pin(self, commit: str, etag: str) -> None:
        """All answers are of one commit, and of the one asked for; where no commit is told, of one entity tag."""
        mark = ("commit", commit) if commit else ("entity tag", etag.removeprefix("W/").strip('"'))
        if not mark[1]:
            raise BadInput(
                f"{self}: the server tells neither commit nor entity tag, so that parts may be of two states"
            )
        expected = ("commit", self.revision) if commit and _COMMIT.fullmatch(self.revision) else self._mark
        if expected is not None and mark != expected:
            raise Damaged(f"{self} changed while it was read ({mark[0]} {mark[1][:64]}): read it again")
        self._mark = mark

    def _refusal(self, response: httpx2.Response, expected: int) -> str | None:
        """The trouble, when the same may be asked again; None for the status expected. Raises for any other."""
        status = response.status_code
        if status == expected and response.headers.get("content-encoding", "identity") == "identity":
            return None
        if status in PASSING:
            return f"status {status}"
        raise self._error(response, status)

    def _error(self, response: httpx2.Response, status: int) -> StemmaError:
        said = response.headers.get("x-error-message", "")[:200]
        if status in (200, 206):
            return BadInput(
                f"{self}: the server sends the whole file or an encoding of it where a part was asked for: download the checkpoint"
                if status == 200
                else f"{self}: the server sends what was not asked for: download the checkpoint"
            )
        if status == 416:
            return Damaged(f"{self} is shorter than the {self.size} bytes listed: list its files again")
        if response.headers.get("x-error-code") == "GatedRepo":
            return BadInput(f"{self} is gated: ask its authors for access, and give a token ({said})")
        if status in (401, 404):
            return NotFound("file", str(self), said or "it is not there, or not public: check the name and the token")
        return BadInput(f"{self}: the server refused with status {status}: {said or 'check the token'}")

    def _compare(self, response: httpx2.Response, first: int, last: int) -> None:
        said = response.headers.get("content-range", "")
        match = _SAID.fullmatch(said.strip())
        if (
            match is None
            or (int(match[1]), int(match[2])) != (first, last)
            or match[3] not in ("*", str(self.size))
            or response.headers.get("content-length", str(last - first + 1)) != str(last - first + 1)
        ):
            raise Damaged(
                f"{self}: bytes {first}-{last}/{self.size} were asked for, and the answer is {said[:80] or 'without range'!r}: "
                "list its files again"
            )

    def _take(self, response: httpx2.Response, body: bytearray, length: int, budget: ByteBudget) -> str | None:
        """Read up to ``length`` bytes into ``body``; None when it is full, else what was wrong."""
        until = time.monotonic() + _PATIENCE + (length - len(body)) / _SLOWEST
        for chunk in response.iter_raw():
            room = length - len(body)
            budget.spent += min(len(chunk), room)
            if len(chunk) > room:
                raise Damaged(f"{self}: the server sends more than the bytes asked for: list its files again")
            body += chunk
            if len(body) < length and time.monotonic() > until:
                return "an answer was too slow"
        return None if len(body) == length else "an answer was cut short"

    def __str__(self) -> str:
        return f"{self.repository}/{self.path}"


def _finish(response: httpx2.Response) -> None:
    """Read the few words of a redirect, so that its connection serves again."""
    if int(response.headers["content-length"]) <= _FEW:
        response.read()


def merged(ranges: Sequence[tuple[int, int]], gap: int = MERGED_GAP) -> list[tuple[int, int]]:
    """What to ask for to have all of ``ranges``: sorted, further apart than ``gap``, none empty."""
    found: list[tuple[int, int]] = []
    for begin, end in sorted(ranges):
        if begin == end:
            continue
        if found and begin - found[-1][1] <= gap:
            found[-1] = found[-1][0], max(found[-1][1], end)
        else:
            found.append((begin, end))
    return found


def _cut(pieces: Sequence[tuple[int, bytes]], begin: int, end: int) -> bytes:
    for first, piece in pieces:
        if first <= begin < end <= first + len(piece):
            return piece[begin - first : end - first]
    return b""
