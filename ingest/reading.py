"""This file knows how many checkpoints are read at once: in threads, from disk and from the Hub, what was read before left out; the
outcome does not depend on which is ready first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from graph.errors import NotFound, StemmaError, Unreachable
from graph.novelty import Tier
from graph.progress import Progress
from graph.records import ClaimRecord, Evidence, Relation
from ingest.names import Rejected, judge
from ingest.parse import PartBuilder
from ingest.weights.adapter import WEIGHTS, Modules, modules_of
from ingest.weights.assignment import is_anonymous, named_by_content
from ingest.weights.checkpoint import DamagedCheckpoint
from ingest.weights.folder import ADAPTER, BASE_OF_ADAPTER, Found
from ingest.weights.member import member
from ingest.weights.repository import HubReading, Repository
from ingest.weights.safetensors_file import read_safetensors
from ingest.weights.shelf import WeightShelf, mark_of

if TYPE_CHECKING:
    from ingest.hub.session import HubSession

AT_ONCE = 2  # checkpoints; each needs memory for its largest tensor, some times over
Item = Found | Repository


@dataclass(frozen=True, slots=True)
class _Seen:
    """What reading one checkpoint came to."""

    adapter: object = None  # the base that an adapter names
    is_adapter: bool = False
    modules: Modules = field(default_factory=dict)  # that an adapter changes
    is_anonymous: bool = False  # to be named by what the others hold, once these are read
    error: StemmaError | None = None


def read_all(
    items: Sequence[Item],
    shelf: WeightShelf,
    hub: HubReading,
    builder: PartBuilder,
    progress: Progress,
    device: str = "auto",
) -> list[tuple[ClaimRecord, Modules]]:
    """Put what was not read before on the shelf; returns what adapters say of themselves, and the modules that they change.

    A checkpoint that cannot be read, or has the name of one before it, is a row of the report. Raises Unreachable when the Hub is
    not there; what was read is kept.
    """
    items = _of_different_names(items, builder)
    progress.start("reading", sum(_size(item, hub) for item in items), "bytes")
    with _session(items, hub) as session:

        def look(item: Item) -> _Seen:
            left = _size(item, hub)

            def on_bytes(count: int) -> None:
                nonlocal left
                step = min(left, count)
                left -= step
                progress.advance(step)

            try:
                if isinstance(item, Found):
                    return _look(item, shelf, on_bytes, device)
                return _look_at_hub(session, item, shelf, hub)
            except Unreachable:
                raise
            except StemmaError as error:
                return _Seen(error=error)
            finally:
                progress.advance(left)

        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="reading") as threads:
            try:
                outcomes = list(threads.map(look, items))
            except BaseException:
                threads.shutdown(cancel_futures=True)
                raise
    adapters: list[tuple[ClaimRecord, Modules]] = []
    for number, (item, seen) in enumerate(zip(items, outcomes, strict=True), 1):
        error = seen.error
        if seen.is_anonymous and isinstance(item, Found):
            try:
                _keep(item, shelf, lambda _: None, device, by_content=True)
            except StemmaError as failed:
                error = failed
        if error is not None:
            _tell(builder, number, item, error)
        elif seen.is_adapter:
            adapters += ((claim, seen.modules) for claim in _claim(builder, number, item, seen.adapter))
    progress.finish()
    return adapters


def _of_different_names(items: Sequence[Item], builder: PartBuilder) -> list[Item]:
    """The first of each name: what is read at once never has one place on the shelf."""
    chosen: dict[str, Item] = {}
    for number, item in enumerate(items, 1):
        if chosen.setdefault(item.model, item) != item:
            builder.skip(
                "folder", number, "same-name", str(item.path) if isinstance(item, Found) else item.model, item.model
            )
    return list(chosen.values())


def _size(item: Item, hub: HubReading) -> int:
    return item.size_bytes if isinstance(item, Found) else hub.window_bytes


@contextmanager
def _session(items: Sequence[Item], hub: HubReading) -> Iterator[HubSession | None]:
    """The session with the Hub, where it is to be asked."""
    if not any(isinstance(item, Repository) for item in items):
        yield None
        return
    from ingest.hub.session import HubSession

    session = HubSession(hub.endpoint, timeout_seconds=hub.timeout_seconds, pause_seconds=hub.pause_seconds)
    with session.open():
        yield session


def _look(item: Found, shelf: WeightShelf, on_bytes: Callable[[int], None], device: str) -> _Seen:
    settings = item.adapter
    if settings is not None:
        path = item.path / WEIGHTS
        held = read_safetensors([path]).tensors.values() if path.is_file() else ()
        return _Seen(settings.get(BASE_OF_ADAPTER), is_adapter=True, modules=modules_of(held))
    return _Seen(is_anonymous=not _keep(item, shelf, on_bytes, device, by_content=False))


def _keep(item: Found, shelf: WeightShelf, on_bytes: Callable[[int], None], device: str, *, by_content: bool) -> bool:
    """Read a checkpoint unless it was read before. False when its matrices have no names, and are not to be named yet."""
    checkpoint = item.read()
    mark = mark_of(checkpoint)
    if shelf.has(item.model, mark):
        return True
    if is_anonymous(checkpoint):
        if not by_content:
            return False
        checkpoint = named_by_content(checkpoint, shelf.members())
    shelf.put(member(item.model, checkpoint, on_bytes=on_bytes, device=device), mark)
    return True


def _look_at_hub(session: HubSession | None, item: Repository, shelf: WeightShelf, hub: HubReading) -> _Seen:
    from ingest.hub.checkpoint import RemoteCheckpoint

    if session is None:
        return _Seen()
    remote = RemoteCheckpoint(session, item)
    known = shelf.known(item.model)
    if known is not None:
        windows_tell_less = known.tier is Tier.T2 and known.read_bytes > hub.window_bytes
        if windows_tell_less or known.mark == remote.mark(hub.window_bytes):
            return _Seen()
    settings = remote.adapter
    if settings is not None:
        modules = modules_of(remote.tensors_of(WEIGHTS))
        return _Seen(settings.get(BASE_OF_ADAPTER), is_adapter=True, modules=modules)
    shelf.put(remote.read(hub.window_bytes).member, remote.mark(hub.window_bytes))
    return _Seen()


def _claim(builder: PartBuilder, number: int, item: Item, base: object) -> Iterator[ClaimRecord]:
    """What an adapter says of its base."""
    name = judge(str(base or ""))
    if isinstance(name, Rejected):
        builder.skip("folder", number, name.reason, str(base), item.model)
    else:
        yield ClaimRecord(item.model, name, Relation.ADAPTER, Evidence.CONFIG, ADAPTER)


def _tell(builder: PartBuilder, number: int, item: Item, error: StemmaError) -> None:
    if isinstance(error, DamagedCheckpoint):
        builder.bad_row("folder", number, "damaged-checkpoint", f"{item.model}: {error.what}")
    else:
        reason = "not-on-the-hub" if isinstance(error, NotFound) else "not-a-checkpoint"
        builder.bad_row("folder", number, reason, f"{item.model}: {error}")
