"""This file knows the reading commands: find, model, lineage, path, copies, identify, catalogue."""

from __future__ import annotations

import hashlib
import re
from dataclasses import asdict
from pathlib import Path

import click

from api import cursors
from api.cli import shown
from api.cli.asking import ask, chosen, known, shared
from api.cli.standing import lines_of
from api.cli.weights import on_the_hub, tell_origin
from graph import ability, ranges
from graph import conflicts as disagreements
from graph.errors import BadInput, NotFound
from graph.novelty import Class
from graph.records import DECLARED, Direction, Evidence, ModelRecord, Relation, State
from graph.standard import SHIPPED
from graph.standing import percent
from graph.store import ROOT, Collapse, EdgeFilter, FoldedPage, ModelFilter, ModelPage, Order, Store, Walk
from ingest.weights.repository import HubReading

_WEIGHTS = (".gguf", ".safetensors", ".onnx", ".bin", ".pt", ".pth", ".sketch")


@click.command(name="find")
@click.argument("text", required=False)
@click.option("--task", multiple=True, help="The Hub's pipeline tag.")
@click.option("--library", multiple=True, help="The library that loads it.")
@click.option("--licence", multiple=True, help="As declared on the Hub.")
@click.option("--author", multiple=True, help="The part of the name before the slash.")
@click.option("--state", multiple=True, type=click.Choice([state.value for state in State]))
@click.option("--relation", multiple=True, type=click.Choice([ROOT, *[relation.value for relation in Relation]]))
@click.option("--evidence", multiple=True, type=click.Choice([*[word.value for word in Evidence], "declared"]))
@click.option("--dataset", help="A dataset that it says it was trained on.")
@click.option("--parameters", metavar="LOW..HIGH", help="1B..8B, 350M.., ..3B")
@click.option("--created", metavar="FROM..TO", help="2024, 2024-06..2025, ..2023-12-31")
@click.option("--novelty", metavar="LOW..HIGH", help="By score: 40.., ..5")
@click.option("--novelty-class", multiple=True, type=click.Choice([kind.value for kind in Class]))
@click.option("--collapse", type=click.Choice([mode.value for mode in Collapse]), help="One line a group.")
@click.option("--order", type=click.Choice([order.value for order in Order]), default="downloads", show_default=True)
@click.option("--first", type=click.IntRange(1, 1000), default=20, show_default=True, help="How many.")
@click.option("--meets", multiple=True, type=click.Choice(SHIPPED), help="A standard that it meets; repeat for more.")
@click.option("--after", help="The cursor that the page before ended with.")
@shared
@click.pass_context
def find_command(
    context: click.Context,
    text: str | None,
    task: tuple[str, ...],
    library: tuple[str, ...],
    licence: tuple[str, ...],
    author: tuple[str, ...],
    state: tuple[str, ...],
    relation: tuple[str, ...],
    evidence: tuple[str, ...],
    dataset: str | None,
    parameters: str | None,
    created: str | None,
    novelty: str | None,
    novelty_class: tuple[str, ...],
    meets: tuple[str, ...],
    collapse: str | None,
    order: str,
    first: int,
    after: str | None,
    as_json: bool,
    catalogue: Path | None,
    store: str | None,
) -> None:
    """Search models by a part of the name and by what they are.

    \b
    stemma find mistral --task text-generation --relation merge --order likes
    stemma find mistral --order novelty --collapse quants
    """
    least, most = ranges.ends(parameters)
    since, until = ranges.ends(created)
    lowest, highest = ranges.ends(novelty)
    ranges.check_ordered("--parameters", parameters, ranges.count(least), ranges.count(most))
    ranges.check_ordered("--created", created, ranges.day(since, end=False), ranges.day(until, end=True))
    ranges.check_ordered("--novelty", novelty, ranges.score(lowest), ranges.score(highest))
    where = ModelFilter(
        text=text or None,
        tasks=task,
        libraries=library,
        licences=tuple(word.lower() for word in licence),
        authors=author,
        states=tuple(map(State, state)),
        relations=relation,
        evidence=tuple(sorted(_evidence(evidence))),
        dataset=dataset,
        parameters_min=ranges.count(least),
        parameters_max=ranges.count(most),
        created_from=ranges.day(since, end=False),
        created_until=ranges.day(until, end=True),
        novelty_classes=novelty_class,
        standards=meets,
        novelty_min=ranges.score(lowest),
        novelty_max=ranges.score(highest),
    )
    key = cursors.read(order, after)

    async def asked(graph: Store) -> None:
        page: ModelPage | FoldedPage
        if collapse is None:
            page, total = await graph.find(where, Order(order), first, key), await graph.count(where)
        else:
            mode = Collapse(collapse)
            page = await graph.find_folded(where, mode, Order(order), first, key)
            total = await graph.count_folded(where, mode)
        folded = page.folded if isinstance(page, FoldedPage) else None
        cursor = cursors.write(order, page.keys[-1]) if page.has_next else None
        if as_json:
            models = [asdict(model) for model in page.models]
            for at, count in enumerate(folded or ()):
                models[at]["folded"] = count
            shown.print_json({"snapshot": graph.snapshot, "total": total, "models": models, "next": cursor})
            return
        stood = await graph.standings([model.id for model in page.models]) if order == Order.STANDING else []
        best = [percent(each.probability) if each and each.probability is not None else "" for each in stood]
        measured = any(model.ability is not None for model in page.models)
        rows = (
            (
                model.id,
                model.task or "",
                model.licence or "",
                shown.number(model.parameters),
                shown.number(model.downloads),
                shown.number(model.likes),
                shown.date(model.created_at),
                ", ".join(word.value for word in model.relations) or ("" if model.state is State.MISSING else ROOT),
                f"{model.novelty:.1f}" if model.novelty is not None else model.novelty_class or "",
                *(("" if model.ability is None else f"{model.ability:.0f}",) if measured else ()),
                *((best[at],) if best else ()),
                *(() if folded is None else (str(folded[at]),)),
            )
            for at, model in enumerate(page.models)
        )
        columns: tuple[str, ...] = (
            "model",
            "task",
            "licence",
            "size",
            "downloads",
            "likes",
            "created",
            "relation",
            "novelty",
        )
        columns += (*(("ability at least",) if measured else ()), *(("best of its niche",) if best else ()))
        columns += () if folded is None else ("folded",)
        shown.print_table(columns, rows, right=(3, 4, 5, 8, 9, 10, 11))
        click.echo(f"{len(page.models)} of {total}" + (f"; next page: --after {cursor}" if cursor else ""))

    ask(chosen(context, catalogue, store), asked)


@click.command(name="model")
@click.argument("id")
@shared
@click.pass_context
def model_command(context: click.Context, id: str, as_json: bool, catalogue: Path | None, store: str | None) -> None:
    """Show one model: facts, what it was made from and who says so, what was made from it, datasets, copies."""

    async def asked(graph: Store) -> None:
        name = await known(graph, id)
        (model,) = await graph.models([name])
        (bases,) = await graph.base_models([name])
        (claims,) = await graph.claims([name])
        (counts,) = await graph.derived_counts([name])
        (trainings,) = await graph.trainings([name])
        (digest,) = await graph.weights_of([name])
        (able,) = await graph.abilities([name])
        (stood,) = await graph.standings([name])
        (successors,) = await graph.successors([name])
        weights = await graph.weights(digest) if digest else None
        similar = await graph.similar(name, 5)
        if model is None:
            raise NotFound("model", id)
        trouble = [conflict.text for conflict in disagreements.conflicts(claims)]
        if as_json:
            value = {
                "snapshot": graph.snapshot,
                **asdict(model),
                "derivations": [asdict(edge) for edge in bases],
                "claims": [asdict(claim) for claim in claims],
                "conflicts": trouble,
                "derived": {relation.value: count for relation, count in counts.items()},
                "datasets": [training.dataset for training in trainings],
                "ability_facts": asdict(able) if able else None,
                "standing": asdict(stood) if stood else None,
                "successors": [asdict(record) for record in successors],
                "similar": [asdict(record) for record in similar],
                "weights": digest,
                "copies": weights.holders - 1 if weights else None,
            }
            shown.print_json(value)
            return
        _print_card(model)
        for edge in bases:
            by = ", ".join(word.value for word in edge.evidence)
            click.echo(shown.clean(f"made from   {edge.base_model}  {edge.relation.value}  (says {by})"))
            for claim in claims:
                if claim.base_model == edge.base_model and claim.confidence is not None:
                    click.echo(
                        shown.clean(f"            {claim.evidence.value} {claim.confidence:.2f}: {claim.detail}")
                    )
        for text in trouble:
            click.echo(shown.clean(f"conflict    {text}"))
        if able is not None:
            click.echo(shown.clean(f"ability     {ability.told(able)}"))
            for domain in ability.by_domain(able):
                click.echo(shown.clean(f"            {ability.told_domain(domain)}"))
        for line in lines_of(stood, successors):
            click.echo(shown.clean(line))
        if counts:
            ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0].value))
            click.echo("made of it  " + ", ".join(f"{count} {relation.value}" for relation, count in ordered))
        if model.descendants:
            click.echo(f"in all      {model.descendants} descendants")
        for training in trainings:
            click.echo(shown.clean(f"trained on  {training.dataset}"))
        for record in similar:
            parts = ", ".join(
                f"{part} {cosine:.3f}" for part, cosine in zip(record.components, record.component_cosines, strict=True)
            )
            click.echo(shown.clean(f"alike       {record.other}  {record.cosine:.3f}  ({parts})"))
        if weights is not None:
            click.echo(f"copies      {weights.holders - 1} with the same weight files")

    ask(chosen(context, catalogue, store), asked)


def _evidence(words: tuple[str, ...]) -> frozenset[Evidence]:
    """Kinds of evidence as options name them."""
    return frozenset(map(Evidence, set(words) - {"declared"})) | (DECLARED if "declared" in words else frozenset())


def _novelty(model: ModelRecord) -> str | None:
    if model.novelty is None:
        return model.novelty_class
    return f"{model.novelty:.1f} {model.novelty_class}"


def _print_card(model: ModelRecord) -> None:
    click.secho(shown.clean(model.id), bold=True)
    facts = {
        "state": model.state.value,
        "task": model.task,
        "library": model.library,
        "licence": model.licence,
        "size": f"{shown.number(model.parameters)} {model.dtype or ''}".strip() if model.parameters else None,
        "architecture": model.architecture,
        "created": shown.date(model.created_at),
        "modified": shown.date(model.modified_at),
        "downloads": shown.number(model.downloads),
        "likes": shown.number(model.likes),
        "commit": model.sha,
        "generation": str(model.generation) if model.generation else None,
        "novelty": _novelty(model),
    }
    for name, value in facts.items():
        if value:
            click.echo(shown.clean(f"{name:<11} {value}"))


@click.command(name="lineage")
@click.argument("id")
@click.option("--direction", type=click.Choice([word.value for word in Direction]), default="both", show_default=True)
@click.option(
    "--depth", type=click.IntRange(0, 1000), default=3, show_default=True, help="Derivations away from the model."
)
@click.option("--relation", multiple=True, type=click.Choice([word.value for word in Relation]))
@click.option("--evidence", multiple=True, type=click.Choice([*[word.value for word in Evidence], "declared"]))
@click.option("--limit", type=click.IntRange(0, 100_000), default=500, show_default=True, help="Most models shown.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["tree", "table", "json", "dot", "graphml"]),
    default="tree",
    show_default=True,
)
@shared
@click.pass_context
def lineage_command(
    context: click.Context,
    id: str,
    direction: str,
    depth: int,
    relation: tuple[str, ...],
    evidence: tuple[str, ...],
    limit: int,
    form: str,
    as_json: bool,
    catalogue: Path | None,
    store: str | None,
) -> None:
    """Show what a model was made from and what was made from it.

    \b
    stemma lineage mistralai/Mistral-7B-v0.1 --direction descendants --depth 2
    stemma lineage MODEL --format dot | dot -Tsvg > lineage.svg
    """
    words = _evidence(evidence)
    where = EdgeFilter(frozenset(map(Relation, relation)) if relation else None, frozenset(words) if words else None)

    async def asked(graph: Store) -> tuple[str, str, Walk, dict[str, ModelRecord]]:
        name = await known(graph, id)
        walk = await graph.walk(name, Direction(direction), where, depth, limit)
        ids = [node.id for node in walk.nodes]
        records = await graph.models(ids)
        return graph.snapshot, name, walk, {id: record for id, record in zip(ids, records, strict=True) if record}

    snapshot, root, walk, records = ask(chosen(context, catalogue, store), asked)
    if as_json or form == "json":
        shown.print_json(shown.lineage_json(snapshot, root, walk, records))
    elif form == "dot":
        click.echo(shown.lineage_dot(walk))
    elif form == "graphml":
        click.echo(shown.lineage_graphml(walk, records))
    elif form == "table":
        by = {node.id: node.distance for node in walk.nodes}
        rows = (
            (e.model, e.relation.value, e.base_model, ", ".join(w.value for w in e.evidence), str(by[e.model]))
            for e in walk.edges
        )
        shown.print_table(("model", "relation", "base model", "evidence", "distance"), rows, right=(4,))
    else:
        shown.console().print(shown.lineage_tree(root, walk, records))


@click.command(name="path")
@click.argument("start")
@click.argument("end")
@click.option("--limit", type=click.IntRange(1, 20), default=3, show_default=True, help="Most chains.")
@shared
@click.pass_context
def path_command(
    context: click.Context, start: str, end: str, limit: int, as_json: bool, catalogue: Path | None, store: str | None
) -> None:
    """Show how two models are related: shortest chains of derivations, in either direction."""

    async def asked(graph: Store) -> None:
        here, there = await known(graph, start), await known(graph, end)
        chains = await graph.path(here, there, limit)
        if as_json:
            shown.print_json({"snapshot": graph.snapshot, "paths": [list(chain) for chain in chains]})
        elif not chains:
            raise NotFound("path", f"{here} - {there}", "the two are not related by known derivations")
        else:
            for chain in chains:
                click.echo(shown.clean(" - ".join(chain)))

    ask(chosen(context, catalogue, store), asked)


@click.command(name="copies")
@click.argument("id")
@click.option("--first", type=click.IntRange(1, 1000), default=20, show_default=True, help="How many.")
@shared
@click.pass_context
def copies_command(
    context: click.Context, id: str, first: int, as_json: bool, catalogue: Path | None, store: str | None
) -> None:
    """List the models that have exactly the same weight files."""

    async def asked(graph: Store) -> None:
        name = await known(graph, id)
        (digest,) = await graph.weights_of([name])
        if digest is None:
            raise NotFound(
                "weight content", name, "the hashes of its weight files are not known; ingest it with its files"
            )
        page = await graph.holders(digest, first + 1)
        others = [model for model in page.models if model.id != name][:first]
        if as_json:
            shown.print_json({"snapshot": graph.snapshot, "digest": digest, "copies": [model.id for model in others]})
        else:
            rows = ((model.id, shown.number(model.downloads), shown.date(model.created_at)) for model in others)
            shown.print_table(("model", "downloads", "created"), rows, right=(1,))

    ask(chosen(context, catalogue, store), asked)


@click.command(name="identify")
@click.argument("path", metavar="PATH|AUTHOR/NAME|DIGEST")
@on_the_hub
@shared
@click.pass_context
def identify_command(
    context: click.Context,
    path: str,
    budget: int,
    endpoint: str | None,
    revision: str | None,
    as_json: bool,
    catalogue: Path | None,
    store: str | None,
) -> None:
    """Say what a checkpoint or a file is: copy, quantised version, fine-tune or merge of what; or which models hold it.

    A folder or a file of weights, or a sketch of one (`stemma weights sketch`), is compared with the checkpoints that the
    catalogue has read. Of any other file the sha256 is looked for, as of a digest of 64 hex digits. What is no path is a
    repository of the Hub: its headers are read, and windows of its weights by byte ranges within the budget.

    \b
    stemma identify downloads/unknown-model
    stemma identify HuggingFaceH4/zephyr-7b-beta
    stemma identify sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
    """
    is_weights = Path(path).is_dir() or Path(path).suffix in _WEIGHTS
    if is_weights or (not Path(path).exists() and "/" in path):
        tell_origin(chosen(context, catalogue, store), path, HubReading(endpoint, budget), revision, as_json=as_json)
        return
    if re.fullmatch(r"(?:sha256:)?[0-9a-fA-F]{64}", path):
        digest = path.lower().removeprefix("sha256:")
    else:
        try:
            with Path(path).open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise BadInput(
                f"{path} cannot be read ({error.strerror}): give a file, or a sha256 of 64 hex digits"
            ) from error

    async def asked(graph: Store) -> None:
        places = await graph.file_places(digest)
        content = await graph.weights(digest)
        holders = await graph.holders(digest, 100) if content else None
        if not places and holders is None:
            raise NotFound("file or weight content", digest, "no model of the catalogue is known to hold it")
        models = [model.id for model in holders.models] if holders else []
        if as_json:
            files = [{"model": file.model, "path": file.path, "size": file.size} for file in places]
            shown.print_json({"snapshot": graph.snapshot, "digest": digest, "files": files, "models": models})
        else:
            shown.print_table(
                ("model", "path"), [(file.model, file.path) for file in places] + [(model, "") for model in models]
            )

    ask(chosen(context, catalogue, store), asked)


@click.command(name="catalogue")
@shared
@click.pass_context
def catalogue_command(context: click.Context, as_json: bool, catalogue: Path | None, store: str | None) -> None:
    """Say what the catalogue holds, and how much of it rests on what."""

    async def asked(graph: Store) -> None:
        held = await graph.coverage()
        if as_json:
            shown.print_json({"snapshot": graph.snapshot, **asdict(held)})
            return
        rows = [("models, " + state, str(count)) for state, count in held.models.items()]
        rows += [("models with a base model", str(held.with_base)), ("derivations", str(held.derivations_total))]
        rows += [("derivations said by " + word, str(count)) for word, count in held.derivations.items()]
        rows += [("derivations, " + word, str(count)) for word, count in held.relations.items()]
        rows += [("derivations in conflict", str(held.conflicts)), ("derivations on a cycle", str(held.cycles))]
        rows += [("datasets", str(held.datasets)), ("trainings", str(held.trainings))]
        rows += [("novelty, " + word, str(count)) for word, count in held.novelty.items()]
        rows += [("novelty scores on " + word, str(count)) for word, count in held.tiers.items()]
        rows += [("files", str(held.files)), ("weight contents", str(held.weights))]
        rows += [("left out, " + word, str(count)) for word, count in held.skipped.items()]
        click.echo(f"snapshot {graph.snapshot}")
        shown.print_table(("what", "how many"), rows, right=(1,))

    ask(chosen(context, catalogue, store), asked)
