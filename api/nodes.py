"""This file knows which record stands behind each GraphQL type: resolvers give records, and Strawberry reads their attributes.

A field or resolver that is typed with one of these names is a record to the type checker and a type of the schema to Strawberry.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import strawberry

if TYPE_CHECKING:
    from api.lineage import Reached
    from api.loaders import Edge
    from graph.conflicts import Conflict
    from graph.contradictions import Contradiction
    from graph.decay import NicheDecay
    from graph.fan import Crowd
    from graph.licence import LicenceReport
    from graph.novelty import Novelty
    from graph.records import (
        AbilityRecord,
        ClaimRecord,
        DatasetRecord,
        FileRecord,
        ModelRecord,
        ResultRecord,
        SimilarRecord,
        StandingRecord,
        SuccessorRecord,
        TensorRecord,
        TrainingRecord,
    )
    from graph.report import Group
    from graph.snapshot import Source
    from graph.standard import Verdict
    from graph.store import FacetCount, Hidden, Spot

    AbilityNode = AbilityRecord
    ClaimNode = ClaimRecord
    ConflictNode = Conflict
    ContradictionNode = Contradiction
    CrowdNode = Crowd
    DatasetNode = DatasetRecord
    DerivationNode = Edge
    FacetCountNode = FacetCount
    FileNode = FileRecord
    LicenceReportNode = LicenceReport
    ReachedNode = Reached
    ModelNode = ModelRecord
    NicheDecayNode = NicheDecay
    NoveltyGroupNode = Group
    NoveltyNode = Novelty
    ResultNode = ResultRecord
    RuleVerdictNode = Verdict
    SimilarityNode = SimilarRecord
    SourceNode = Source
    SpotNode = Spot
    StandingNode = StandingRecord
    SuccessorNode = SuccessorRecord
    TensorPlaceNode = TensorRecord
    TrainingNode = TrainingRecord
    TruncationNode = Hidden
else:

    def _type(name: str, module: str) -> object:
        return Annotated[name, strawberry.lazy(f"api.{module}")]

    AbilityNode = _type("Ability", "ability")
    ClaimNode = _type("Claim", "derivation")
    ConflictNode = _type("Conflict", "derivation")
    ContradictionNode = _type("Contradiction", "contradictions")
    CrowdNode = _type("Crowd", "fan")
    DatasetNode = _type("Dataset", "dataset")
    DerivationNode = _type("Derivation", "derivation")
    FacetCountNode = _type("FacetCount", "catalogue")
    FileNode = _type("File", "weights")
    LicenceReportNode = _type("LicenceReport", "licence")
    ReachedNode = _type("LineageNode", "lineage")
    ModelNode = _type("Model", "model")
    NicheDecayNode = _type("NicheDecay", "standing")
    NoveltyGroupNode = _type("NoveltyGroup", "novelty")
    NoveltyNode = _type("Novelty", "novelty")
    ResultNode = _type("Result", "ability")
    RuleVerdictNode = _type("RuleVerdict", "standards")
    SimilarityNode = _type("Similarity", "weights")
    SourceNode = _type("Source", "catalogue")
    SpotNode = _type("Spot", "model")
    StandingNode = _type("Standing", "standing")
    SuccessorNode = _type("Successor", "standing")
    TensorPlaceNode = _type("TensorPlace", "weights")
    TrainingNode = _type("Training", "dataset")
    TruncationNode = _type("Truncation", "lineage")
