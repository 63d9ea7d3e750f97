"""This file knows how the models whose checkpoints were read are compared, and their likeness becomes part of the next snapshot."""

from __future__ import annotations

from graph.catalogue import Catalogue
from graph.errors import BadInput
from graph.progress import Progress, Silent
from graph.tables import SIMILAR
from ingest.finish import finish
from ingest.folders import shelf_of
from ingest.parse import PartBuilder
from ingest.report import Report
from ingest.staging import SIMILAR_ANEW, Staging
from ingest.weights.compare import Comparison


def compare_all(catalogue: Catalogue, *, device: str = "auto", progress: Progress | None = None) -> Report:
    """Compare the checkpoints that were read, new ones with all, and make the next snapshot HEAD. Raises BadInput.

    ``device``: see ``ingest.weights.torch_tiles.tiles``.
    """
    progress = progress or Silent()
    shelf = shelf_of(catalogue)
    if not catalogue.head_id() or not shelf.stamps():
        raise BadInput(f"no checkpoint was read into {catalogue.folder}: `stemma ingest folder DIR` reads them")
    with catalogue.locked():
        builder = PartBuilder()
        staging = Staging(catalogue.staging("similar"))
        staging.remove()
        staging.write("similar", {SIMILAR.name: Comparison(shelf, device).table(progress)}, builder.counts())
        staging.note(SIMILAR_ANEW, "all")
        return finish(catalogue, staging, [], 0.0, progress)
