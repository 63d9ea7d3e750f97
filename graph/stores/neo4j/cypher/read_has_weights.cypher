// Which holdings does the graph hold, with every property that Stemma wrote?
// Parameters: none
// Row: one relationship
MATCH (m:Model)-[e:HAS_WEIGHTS]->(n:Weights)
RETURN
  n.digest AS digest, m.id AS model
