"""This file knows tiles of products on a GPU: rough products of all pairs there, exact ones of the few that may pass.

For unit vectors the product of their bfloat16 roundings differs from <x, y> by at most 2^-7: each value is rounded by at most 2^-9
of itself, the sum of |x_i y_i| is at most 1 (Cauchy and Schwarz), and what comes out is rounded once more. A GPU may round partial
sums too, so twice that is left. What may reach the threshold is found at ``threshold - ROUGH``, and then multiplied again in
float32, which agrees with ``NumPyTiles`` within ``EXACT``. On a processor the products are float32 from the start.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ingest.weights.checkpoint import Values
from ingest.weights.device import is_gpu
from ingest.weights.pairs import Ints, Multiply, NumPyTiles

if TYPE_CHECKING:
    import torch

ROUGH: Final = 2.0**-6
EXACT: Final = 1e-5
WORTHWHILE: Final = 20_000  # vectors from which on importing torch and moving them takes less than it saves
_AT_ONCE = 1 << 18  # pairs multiplied again at a time


def tiles(vectors: Values, device: str = "auto") -> Multiply:
    """What multiplies ``vectors``, (models, K) float32 of length 1: a GPU where there is one and it is worth it, or the processor.

    ``device``: see ``ingest.weights.device``. Raises BadInput when "cuda" is asked for and is not to be had.
    """
    is_there = is_gpu(device, worthwhile=len(vectors) >= WORTHWHILE)
    return TorchTiles(vectors, "cuda") if is_there else NumPyTiles(vectors)


class TorchTiles:
    """Tiles by torch, on any of its devices."""

    ROWS: Final = 8_192
    COLUMNS: Final = 16_384

    def __init__(self, vectors: Values, device: str, *, rows: int = ROWS, columns: int = COLUMNS) -> None:
        import torch

        self.rows, self.columns = rows, columns
        self._exact = torch.from_numpy(vectors).to(device)
        self._rough, self._margin = self._exact, EXACT
        if device != "cpu":
            self._rough, self._margin = self._exact.to(torch.bfloat16), ROUGH

    def __call__(self, rows: slice, columns: slice, threshold: float) -> tuple[Ints, Ints, Values]:
        """(row, column, product) of what passes."""
        import torch

        product = self._rough[rows] @ self._rough[columns].T
        least = threshold - self._margin
        some = torch.nonzero(product.amax(dim=1) >= least).flatten()
        row, column = torch.nonzero(product[some] >= least, as_tuple=True)
        row, column = some[row] + rows.start, column + columns.start
        score = self._products(row, column)
        passing = score >= threshold
        return row[passing].cpu().numpy(), column[passing].cpu().numpy(), score[passing].cpu().numpy()

    def _products(self, row: torch.Tensor, column: torch.Tensor) -> torch.Tensor:
        """<x_row, x_column> in float32, a part at a time. Shapes: (pairs,)."""
        import torch

        parts = zip(row.split(_AT_ONCE), column.split(_AT_ONCE), strict=True)
        return torch.cat([torch.linalg.vecdot(self._exact[one], self._exact[other]) for one, other in parts])
