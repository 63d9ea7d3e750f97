// How many nodes and relationships of each kind are there? Answered from the counts that the server keeps.
// Parameters: none
// Row: a map by label and type
RETURN {
  Dataset: COUNT { (:Dataset) },
  Weights: COUNT { (:Weights) },
  Model: COUNT { (:Model) },
  Alias: COUNT { (:Alias) },
  File: COUNT { (:File) },
  DERIVED_FROM: COUNT { ()-[:DERIVED_FROM]->() },
  TRAINED_ON: COUNT { ()-[:TRAINED_ON]->() },
  Benchmark: COUNT { (:Benchmark) },
  SCORED: COUNT { ()-[:SCORED]->() },
  SIMILAR_TO: COUNT { ()-[:SIMILAR_TO]->() },
  SUCCEEDED_BY: COUNT { ()-[:SUCCEEDED_BY]->() },
  Arrays: COUNT { (:Arrays) },
  Tensor: COUNT { (:Tensor) },
  HAS_TENSOR: COUNT { ()-[:HAS_TENSOR]->() },
  HAS_WEIGHTS: COUNT { ()-[:HAS_WEIGHTS]->() }
} AS answer
