"""This file knows the GraphQL types of what is known of weights: files, tensors, and models that are alike."""

from __future__ import annotations

from collections.abc import Sequence

import strawberry
from strawberry import Parent

from api.connections import ModelConnection
from api.loaders import Ask
from api.nodes import FileNode, ModelNode, TensorPlaceNode
from api.scalars import Long
from graph.records import FileRecord, SimilarRecord, TensorRecord


@strawberry.type(description="One file of a model repository.")
class File:
    """See ``FileRecord``."""

    path: str = strawberry.field(description="Its path in the repository.")
    size: Long | None = strawberry.field(description="Bytes.")
    sha256: str | None = strawberry.field(description="The sha256 of its content, when it is stored as LFS.")
    blob_id: str | None = strawberry.field(description="Its git blob id.")

    @strawberry.field(description="The model that has it.")
    async def model(root: Parent[FileRecord], info: Ask) -> ModelNode | None:
        """The model's node."""
        return await info.context.load.model.load(root.model)


@strawberry.type(description="Which models hold a weight file or a weight content.")
class Weights:
    """See ``WeightsRecord`` and ``FileRecord``."""

    digest: str = strawberry.field(description="The digest that was asked for.")
    kind: str = strawberry.field(
        description="`file`: the sha256 of a file; `content`: all weight files of a model together."
    )
    files: int = strawberry.field(description="How many distinct files it is.")
    size: Long | None = strawberry.field(description="Bytes.")
    places: Sequence[FileNode] = strawberry.field(
        description="Where the file is found, at most 100; empty for a content."
    )
    holders: ModelConnection = strawberry.field(description="The models that hold it, by downloads.")


@strawberry.type(description="A part of two models that is alike: the layers, or a matrix outside of them.")
class AlikePart:
    """One of ``SimilarRecord.components``."""

    name: str = strawberry.field(description="`layers`, `embedding`, `head` ...")
    cosine: float = strawberry.field(description="The median cosine of its centred matrices.")


@strawberry.type(description="A model whose weights are like this one's.")
class Similarity:
    """See ``SimilarRecord``."""

    cosine: float = strawberry.field(description="Of the centred weights that both have, -1 to 1.")
    relative_distance: float | None = strawberry.field(
        description="The distance over this model's size; null where the shapes differ."
    )
    shared_fraction: float | None = strawberry.field(
        description="Share of the compared weights that are equal to the bit."
    )
    method: str = strawberry.field(description="What was compared: `weights`, or `windows` of large models.")
    p_value: float | None = strawberry.field(
        description="How probable rows as alike as these are between unrelated models of these shapes."
    )

    @strawberry.field(description="The other model.")
    async def model(root: Parent[SimilarRecord], info: Ask) -> ModelNode:
        """Its node."""
        return await info.context.load.known(root.other)

    @strawberry.field(description="The parts that are alike, the most alike first.")
    def parts(root: Parent[SimilarRecord]) -> list[AlikePart]:
        """Names with cosines."""
        pairs = zip(root.components, root.component_cosines, strict=True)
        return [AlikePart(name=name, cosine=cosine) for name, cosine in pairs]


@strawberry.type(description="One tensor of a model whose checkpoint was read whole.")
class TensorPlace:
    """See ``TensorRecord``."""

    digest: str = strawberry.field(description="Of its values, whatever their format: 32 hex digits.")
    role: str = strawberry.field(description="Its layer and part: `3.attention.query`.")
    values: Long = strawberry.field(description="How many values it has.")

    @strawberry.field(description="The model that holds it.")
    async def model(root: Parent[TensorRecord], info: Ask) -> ModelNode:
        """Its node."""
        return await info.context.load.known(root.model)


@strawberry.type(description="Which models hold one tensor content.")
class Tensor:
    """See ``graph.store.TensorPlaces``."""

    digest: str = strawberry.field(description="The digest that was asked for.")
    values: Long = strawberry.field(description="How many values it has.")
    models: int = strawberry.field(description="How many models hold it.")
    places: Sequence[TensorPlaceNode] = strawberry.field(description="The first of its places, by model and role.")
