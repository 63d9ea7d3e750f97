// Which trainings does the graph hold, with every property that Stemma wrote?
// Parameters: none
// Row: one relationship
MATCH (m:Model)-[e:TRAINED_ON]->(n:Dataset)
RETURN
  m.id AS model, n.id AS dataset, e.evidence AS evidence
