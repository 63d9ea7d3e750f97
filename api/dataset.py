"""This file knows the GraphQL types of datasets, and of what models say they were trained on."""

from __future__ import annotations

from datetime import datetime

import strawberry
from strawberry import Parent

from api import cursors
from api.connections import DOWNLOADS, ModelConnection, connection, page_size
from api.loaders import Ask
from api.nodes import DatasetNode
from api.scalars import Evidence, Long, Order, State
from graph.records import DatasetRecord, TrainingRecord
from graph.store import ModelFilter


@strawberry.type(description="A dataset repository, or a name that models give.")
class Dataset:
    """See ``DatasetRecord``."""

    id: strawberry.ID = strawberry.field(description="Its name.")
    hub_id: str | None = strawberry.field(description="The Hub's permanent id.")
    author: str | None = strawberry.field(description="The part of the name before the slash.")
    state: State = strawberry.field(description="Whether it was seen.")
    created_at: datetime | None = strawberry.field(description="When the repository was made.")
    modified_at: datetime | None = strawberry.field(description="When it was last committed to.")
    downloads: Long | None = strawberry.field(description="Downloads in the last 30 days.")
    likes: Long | None = strawberry.field(description="Likes.")
    licence: str | None = strawberry.field(description="As declared on the Hub, lower case.")
    tags: list[str] = strawberry.field(description="Its tags.")
    languages: list[str] = strawberry.field(description="Its languages.")
    models: int = strawberry.field(name="modelCount", description="How many models say they were trained on it.")

    @strawberry.field(name="models", description="The models that say they were trained on it, by downloads.")
    async def trained(
        root: Parent[DatasetRecord], info: Ask, first: int = 20, after: str | None = None
    ) -> ModelConnection:
        """A page of models."""
        where = ModelFilter(dataset=root.id)
        page = await info.context.store.find(
            where, Order.DOWNLOADS, page_size(info, first), cursors.read(DOWNLOADS, after)
        )
        return connection(page, DOWNLOADS, after, root.models)


@strawberry.type(description="That a model says it was trained on a dataset.")
class Training:
    """See ``TrainingRecord``."""

    evidence: list[Evidence] = strawberry.field(description="Where it says so.")

    @strawberry.field(description="The dataset.")
    async def dataset(root: Parent[TrainingRecord], info: Ask) -> DatasetNode | None:
        """The dataset's node."""
        return await info.context.load.dataset.load(root.dataset)
