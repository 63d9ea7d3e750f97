"""This file knows how a model's licence report is asked for, and its GraphQL types."""

from __future__ import annotations

import strawberry

from graph.licence import LicenceReport as Report
from graph.licence import licence_report
from graph.records import Direction, ModelRecord
from graph.store import EVERY_FIELD, EdgeFilter, Store, Want

ANCESTORS_AT_MOST = 2_000  # looked at for one report


@strawberry.type(description="Something that a licence in the lineage asks of the model.")
class Duty:
    """See ``graph.licence.Duty``."""

    kind: str = strawberry.field(description="Such as `non-commercial`, `naming`, `use-restrictions`.")
    meaning: str = strawberry.field(description="The same in words.")
    licence: str = strawberry.field(description="The licence that asks it.")
    path: list[strawberry.ID] = strawberry.field(
        description="The chain of derivations from the model to who asks it; the model alone for its own licence."
    )


@strawberry.type(description="A duty of an ancestor that the declared licence leaves out.")
class LeftOut:
    """See ``graph.licence.LeftOut``."""

    duty: Duty = strawberry.field(description="The duty, with its witness.")
    text: str = strawberry.field(description="The same in words.")


@strawberry.type(
    description="What the licences along the lineage ask together. No legal advice: it says which texts to read."
)
class LicenceReport:
    """See ``graph.licence.LicenceReport``."""

    declared: str | None = strawberry.field(description="As declared on the Hub.")
    spdx: str | None = strawberry.field(description="The identifier that SPDX has for it.")
    duties: list[Duty] = strawberry.field(description="By kind, the nearest who asks first.")
    left_out: list[LeftOut] = strawberry.field(description="Duties of ancestors that the declared licence leaves out.")
    unknown: list[strawberry.ID] = strawberry.field(
        description="Models of the lineage whose licence is not known: these may ask more."
    )
    complete: bool = strawberry.field(description="Whether the whole lineage was looked at.")


async def report_on(store: Store, model: ModelRecord) -> Report:
    """The licence report of one model, from one walk."""
    want = Want(edges=True, hidden=False, fields=EVERY_FIELD)
    walk = await store.walk(model.id, Direction.ANCESTORS, EdgeFilter(), ANCESTORS_AT_MOST, ANCESTORS_AT_MOST, want)
    ancestors = {node.id: record for node, record in zip(walk.nodes, walk.models, strict=True) if node.id != model.id}
    return licence_report(model, ancestors, walk.edges, complete=walk.total_ancestors < len(walk.nodes))
