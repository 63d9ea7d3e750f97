"""This file knows `stemma subset`: create, export, verify, diff, update."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
import click

from api.cli.asking import chosen, shared
from api.cli.shown import clean, number, print_json, print_table
from graph.catalogue import Catalogue
from graph.errors import BadInput, Damaged, NotFound
from graph.settings import Settings
from graph.store import Store

if TYPE_CHECKING:
    from graph.subset.diff import Difference
    from graph.subset.lock import Lock
    from graph.subset.query import Query

_SHOWN = 20  # lines of a list for people
FORM_NAMES = (
    *("parquet", "csv", "jsonl", "graphml", "gexf", "neo4j", "cyclonedx", "spdx", "croissant", "ro-crate"),
    *("bibtex", "download", "in-toto", "snapshot"),
)


@click.group(name="subset")
def subset_command() -> None:
    """Choose models so that the choice can be repeated, checked, compared, exported and downloaded."""


@subset_command.command(name="create")
@click.argument("query")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="Where the lock goes (default: beside the query)."
)
@click.option(
    "--dry-run", is_flag=True, help="Write nothing: say how many, how large, which licences, what is not known."
)
@click.option("--with-ancestors", is_flag=True, help="Add everything that the chosen were made from.")
@click.option("--with-descendants", is_flag=True, help="Add everything that was made from the chosen.")
@click.option("--snapshot", "id", default="HEAD", show_default=True, help="Which snapshot answers.")
@shared
@click.pass_context
def create_command(
    context: click.Context,
    query: str,
    output: Path | None,
    dry_run: bool,
    with_ancestors: bool,
    with_descendants: bool,
    id: str,
    as_json: bool,
    catalogue: Path | None,
    store: str | None,
) -> None:
    """Ask a query of a snapshot and pin what it chooses in a lock.

    QUERY is a TOML file, or a JSON file with the arguments of a GraphQL `models` question (filter, orderBy, first), or the
    address of a search in the explorer.

    \b
    stemma subset create small-mistrals.toml --dry-run
    stemma subset create small-mistrals.toml --with-ancestors
    """
    from msgspec.structs import replace

    asked = _query(query)
    take = replace(
        asked.take,
        ancestors=asked.take.ancestors or with_ancestors,
        descendants=asked.take.descendants or with_descendants,
    )
    lock = _locked(chosen(context, catalogue, store), replace(asked, take=take), id)
    named = Path("subset" if "://" in query else query)
    place = output or named.with_name(named.name.removesuffix(named.suffix) + ".lock.json")
    if not dry_run:
        lock.write(place)
    if as_json:
        print_json({"lock": None if dry_run else str(place), **_summary(lock)})
        return
    _print_summary(lock)
    if not dry_run:
        click.echo(f"{place} written", err=True)


@subset_command.command(name="export")
@click.argument("lock", type=click.Path(path_type=Path))
@click.option("--format", "name", required=True, type=click.Choice(FORM_NAMES), help="See below.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="File or folder (default: beside the lock).")
@shared
@click.pass_context
def export_command(
    context: click.Context,
    lock: Path,
    name: str,
    output: Path | None,
    as_json: bool,
    catalogue: Path | None,
    store: str | None,
) -> None:
    """Write a lock in a form for other tools. All but `snapshot` need nothing but the lock.

    \b
    parquet, csv      models, derivations and files as tables
    jsonl             the lock's rows, one model a line
    graphml, gexf     the graph, for Gephi and others
    neo4j             CSV for neo4j-admin import, and a Cypher script that loads it
    cyclonedx, spdx   bills of materials: CycloneDX 1.6 ML-BOM, SPDX 3.0 with AI packages
    croissant         Parquet tables described in Croissant
    ro-crate          lock and CSV tables described in RO-Crate 1.1
    bibtex            a citation for each model
    download          a script of `hf download` lines pinned to commits
    in-toto           an in-toto statement over the lock file, to be signed
    snapshot          a catalogue of its own: serve it, load it, add to it
    """
    from graph.subset.exports.form import BY_NAME, export

    form, locked = BY_NAME[name], _whole(lock)
    place = output or lock.with_name(lock.name.removesuffix(".json").removesuffix(".lock") + "." + form.ending)
    if form.folder and place.is_file():
        raise BadInput(f"{place} is a file, {name} makes a folder: choose another place")
    if name == "snapshot":
        from graph.subset.exports import snapshot

        source = Catalogue(chosen(context, catalogue, store).catalogue).get(locked.snapshot)
        written = snapshot.write(locked, source, place)
        if as_json:
            print_json({"format": name, "path": str(place), "snapshot": written.id})
        else:
            click.echo(f"{place} holds snapshot {written.id}: stemma serve --catalogue {place}")
        return
    export(locked, form, place)
    if as_json:
        print_json({"format": name, "path": str(place)})
    else:
        click.echo(f"{place} written")


@subset_command.command(name="verify")
@click.argument("lock", type=click.Path(path_type=Path))
@click.argument("folder", required=False, type=click.Path(path_type=Path))
@click.option("--resume", is_flag=True, help="Do not read again what was found right before and not touched since.")
@click.option("--threads", type=click.IntRange(1, 64), help="Files read at once (default: one a core, at most 8).")
@click.option(
    "--statement", type=click.Path(path_type=Path), help="An in-toto statement that should be over this lock."
)
@shared
@click.pass_context
def verify_command(
    context: click.Context,
    lock: Path,
    folder: Path | None,
    resume: bool,
    threads: int | None,
    statement: Path | None,
    as_json: bool,
    catalogue: Path | None,
    store: str | None,
) -> None:
    """Compare a lock with its own digests, and downloaded files with the hashes that it pins; exit status 4 when they differ.

    \b
    stemma subset verify small-mistrals.lock.json
    stemma subset verify small-mistrals.lock.json models/ --resume
    """
    from api.cli.progress import Bars
    from graph.subset import verify
    from graph.subset.exports import in_toto
    from graph.subset.lock import faults, read

    locked = read(lock)
    wrong = faults(locked)
    if statement is not None:
        wrong += in_toto.faults(statement, lock, locked)
    verdict = None
    if folder is not None:
        with Bars() as bars:
            bars.start("reading files", verify.bytes_to_read(locked), "bytes")
            verdict = verify.verify(locked, folder, resume=resume, threads=threads or 0, advance=bars.advance)
            bars.finish()
    bad = len(wrong) + (len(verdict.faults) if verdict else 0)
    if as_json:
        print_json(
            {
                "whole": not bad,
                "digest": locked.digest,
                "lock": wrong,
                "files": None if verdict is None else asdict(verdict),
            }
        )
    else:
        for text in wrong:
            click.echo(clean(text))
        if verdict is not None:
            for fault in verdict.faults:
                click.echo(clean(f"{fault.kind}: {fault.model or ''} {fault.path}: {fault.detail}"))
            click.echo(
                f"{verdict.right} files as pinned" + (f", {verdict.resumed} by an earlier run" * bool(verdict.resumed))
            )
            if verdict.unhashed:
                click.echo(f"{verdict.unhashed} files of the right size whose hash the lock does not know")
            if verdict.unknown:
                click.echo(f"{len(verdict.unknown)} models whose files the lock does not know")
    if bad:
        raise Damaged(
            f"{lock}: {bad} differences are named above: get those files again, or make the lock from its query"
        )
    if not as_json:
        click.echo(f"subset {locked.digest} is whole")


@subset_command.command(name="diff")
@click.argument("before", type=click.Path(path_type=Path))
@click.argument("after", type=click.Path(path_type=Path))
@shared
@click.pass_context
def diff_command(
    context: click.Context, before: Path, after: Path, as_json: bool, catalogue: Path | None, store: str | None
) -> None:
    """Say how two locks differ: models in and out, moved commits, changed licences, what became gated or gone, and why.

    Where both query and snapshot changed, the catalogue is asked which of them it was, if it still has the older snapshot.
    """
    old, new = _whole(before), _whole(after)
    _tell(_difference(chosen(context, catalogue, store), old, new), as_json=as_json)


@subset_command.command(name="update")
@click.argument("lock", type=click.Path(path_type=Path))
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="Where the new lock goes (default: over the old)."
)
@click.option("--dry-run", is_flag=True, help="Write nothing: only say what would change.")
@click.option("--snapshot", "id", default="HEAD", show_default=True, help="Which snapshot answers.")
@shared
@click.pass_context
def update_command(
    context: click.Context,
    lock: Path,
    output: Path | None,
    dry_run: bool,
    id: str,
    as_json: bool,
    catalogue: Path | None,
    store: str | None,
) -> None:
    """Ask a lock's query again of a newer snapshot: a new lock, and how it differs."""
    settings, old = chosen(context, catalogue, store), _whole(lock)
    new = _locked(settings, old.query, id)
    if not dry_run:
        new.write(output or lock)
    _tell(_difference(settings, old, new), as_json=as_json)


def _query(said: str) -> Query:
    """The query that a file or an address holds."""
    from api.subset_views import from_address, from_arguments
    from graph.subset.query import MOST_BYTES, from_toml

    if said.startswith(("http://", "https://")):
        return from_address(said)
    path = Path(said)
    try:
        if path.stat().st_size > MOST_BYTES:
            raise BadInput(f"{path} has more than {MOST_BYTES} bytes: is it a query?")
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{path} cannot be read ({error}): give a query file") from error
    return from_arguments(text, str(path)) if path.suffix == ".json" else from_toml(text, str(path))


def _locked(settings: Settings, query: Query, id: str) -> Lock:
    """Ask a query of a snapshot."""
    from graph.stores import open_store
    from graph.stores.embedded import open_snapshot
    from graph.subset.build import build

    async def asking() -> Lock:
        store: Store
        if settings.store == "snapshot":
            store = await open_snapshot(Catalogue(settings.catalogue).get(id))
        else:
            store = await open_store(settings)
            if id != "HEAD" and not store.snapshot.startswith(id):
                raise BadInput(f"the graph holds snapshot {store.snapshot[:12]}, not {id}: load that one first")
        try:
            return await build(store, query)
        finally:
            await store.close()

    return anyio.run(asking)


def _whole(path: Path) -> Lock:
    """A lock that agrees with its own digests. Raises Damaged."""
    from graph.subset.lock import faults, read

    lock = read(path)
    wrong = faults(lock)
    if wrong:
        raise Damaged(f"{path}: {clean(wrong[0])}; `stemma subset verify {path}` names everything")
    return lock


def _difference(settings: Settings, old: Lock, new: Lock) -> Difference:
    """With the lock between, where it is needed and can be had."""
    from graph.subset.diff import difference

    middle = None
    if old.query != new.query and old.snapshot != new.snapshot and settings.store == "snapshot":
        try:
            middle = _locked(settings, new.query, old.snapshot)
        except (NotFound, BadInput):
            click.echo("the catalogue cannot say whether query or data changed: it lacks the older snapshot", err=True)
    return difference(old, new, middle)


def _summary(lock: Lock) -> dict[str, object]:
    import msgspec

    totals: dict[str, object] = msgspec.to_builtins(lock.totals)
    return {"digest": lock.digest, "snapshot": lock.snapshot, **totals, "unmatched": lock.unmatched}


def _print_summary(lock: Lock) -> None:
    """What a curator wants to know before anything is downloaded."""
    counts = lock.totals
    size = number(counts.bytes) or "0"
    lines = [
        ("models", f"{counts.models}"),
        ("files", f"{counts.files}, {size} bytes"),
        ("gated", f"{counts.gated}"),
        ("gone", f"{counts.gone}"),
        ("files not known", f"{counts.without_files} models"),
        ("size not known", f"{counts.files_without_size} files"),
        ("git blob id only", f"{counts.files_by_git_blob} files"),
        ("hash not known", f"{counts.files_without_hash} files"),
        ("commit not known", f"{counts.without_commit} models"),
        ("licence not known", f"{counts.without_licence} models"),
        ("claims in conflict", f"{counts.conflicts} of {counts.derivations} derivations"),
        ("on a cycle", f"{counts.cycles} of {counts.derivations} derivations"),
    ]
    usual = ("models", "files")
    rows = [line for line in lines if line[0] in usual or (not line[1].startswith("0 ") and line[1] != "0")]
    ordered = sorted(counts.licences.items(), key=lambda item: (-item[1], item[0]))
    rows += [(f"licence {name}", f"{count}") for name, count in ordered[:_SHOWN]]
    if len(ordered) > _SHOWN:
        rows.append(("other licences", f"{sum(count for _, count in ordered[_SHOWN:])}"))
    rows += [("made from, outside", f"{clean(base.model)} ({base.why})") for base in lock.outside[:_SHOWN]]
    if len(lock.outside) > _SHOWN:
        rows.append(("", f"and {len(lock.outside) - _SHOWN} more"))
    rows += [("excluded in vain", clean(name)) for name in lock.unmatched]
    rows += [("snapshot", lock.snapshot), ("digest", lock.digest)]
    _print_pairs(rows)


def _print_pairs(rows: Sequence[tuple[str, str]]) -> None:
    width = max(len(name) for name, _ in rows)
    for name, value in rows:
        click.echo(clean(f"{name:{width}}  {value}"))


def _tell(found: Difference, *, as_json: bool) -> None:
    if as_json:
        print_json(asdict(found))
        return
    if not found.changes:
        click.echo("no difference" + ("" if found.same_snapshot else ", though the snapshots differ"))
        return
    rows = ((c.kind, c.model, c.before or "", c.after or "", c.why) for c in found.changes)
    print_table(("what", "model", "before", "after", "because of"), rows)
    click.echo(", ".join(f"{count} {kind}" for kind, count in found.counts.items()))
