"""This file knows which files a repository has at one commit: their sizes, and their sha256 where the Hub tells it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote, urljoin

import msgspec

from graph.errors import BadInput, NotFound
from ingest.assemble import WEIGHT_FILES
from ingest.facts import count, sha256
from ingest.hub.session import Answer, HubSession
from ingest.names import Rejected, judge
from ingest.rows import SiblingRow

_MOST_MOVES = 3
_MOVED = (301, 302, 307, 308)
_COMMIT = re.compile(r"[0-9a-f]{40}")


class _Detail(msgspec.Struct):
    """What the Hub says of one repository."""

    id: str
    sha: str
    siblings: list[SiblingRow] = msgspec.field(default_factory=list)


@dataclass(frozen=True, slots=True)
class ListedFile:
    """One file. ``sha256`` only of files in large file storage, as weights are."""

    path: str
    size: int
    sha256: str | None


@dataclass(frozen=True, slots=True)
class Listing:
    """The files of a repository at one commit, by path, under its name today."""

    repository: str
    commit: str
    files: tuple[ListedFile, ...]

    def file(self, path: str) -> ListedFile | None:
        """The file of that path."""
        return next((file for file in self.files if file.path == path), None)

    @property
    def content(self) -> str | None:
        """The digest of the set of its weight files, as the catalogue has it: equal digests, equal files. None when some file's
        sha256 is not known, or there is none.
        """
        hashes = [file.sha256 for file in self.files if re.search(WEIGHT_FILES, file.path)]
        known = sorted({hash for hash in hashes if hash is not None})
        if not known or None in hashes:
            return None
        return hashlib.sha256("\n".join(known).encode()).hexdigest()


def listing(session: HubSession, repository: str, revision: str | None = None) -> Listing:
    """The files at a branch, tag or commit; without one, at the newest commit. One request.

    Raises BadInput for what is no repository's name or is refused, NotFound, Unreachable.
    """
    name = judge(repository)
    if isinstance(name, Rejected):
        raise BadInput(f"{repository[:100]!r} is no repository's name ({name.reason}): write author/name")
    asked = f"/revision/{quote(revision, safe='')}" if revision else ""
    answer = _moved(session, f"{session.endpoint}/api/models/{quote(name, safe='/')}{asked}?blobs=true")
    if answer.status in (401, 404):
        what = f"{name} at {revision}" if revision else name
        raise NotFound("model", what, "it is not there, or not public: check the name, the revision and the token")
    if answer.status != 200:
        raise BadInput(f"{session.endpoint} refused to list {name} with status {answer.status}: check the token")
    try:
        said = msgspec.json.decode(answer.body, type=_Detail)
    except msgspec.DecodeError as error:
        raise BadInput(f"{session.endpoint} lists {name} in a form that is not the Hub's ({error})") from error
    if not _COMMIT.fullmatch(said.sha):
        raise BadInput(f"{session.endpoint} tells no commit of {name}")
    return Listing(said.id, said.sha, tuple(sorted(_files(said.siblings), key=lambda file: file.path)))


def _moved(session: HubSession, url: str) -> Answer:
    """The answer, also where a repository was renamed."""
    for _ in range(_MOST_MOVES):
        answer = session.get(url)
        if answer.status not in _MOVED or not answer.location:
            return answer
        following = urljoin(url, answer.location)
        url = following if "?" in following else f"{following}?blobs=true"
    raise BadInput(f"{session.endpoint} sends from one name to another without end: check the repository's name")


def _files(siblings: list[SiblingRow]) -> Iterator[ListedFile]:
    for sibling in siblings:
        lfs = sibling.lfs
        size = count(lfs.size if lfs and lfs.size is not None else sibling.size)
        if size is not None:
            yield ListedFile(sibling.rfilename, size, sha256(lfs.sha256 if lfs else None))
