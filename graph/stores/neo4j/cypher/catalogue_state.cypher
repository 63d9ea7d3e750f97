// Which snapshot does this graph hold, and is it whole?
// Parameters: none
// Row: a list of the state as a map (null where nothing was ever loaded) and whether there is any node of ours
OPTIONAL MATCH (c:Catalogue {key: 'catalogue'})
RETURN [
  c {.snapshot, .state, .loading, .run, .rows, .form},
  EXISTS { MATCH (:Model) } OR EXISTS { MATCH (:Dataset) } OR EXISTS { MATCH (:Weights) }
] AS answer
