// Which successors does the graph hold, with every property that Stemma wrote?
// Parameters: none
// Row: one relationship
MATCH (m:Model)-[e:SUCCEEDED_BY]->(n:Model)
RETURN
  m.id AS model, n.id AS successor, e.place AS place, e.probability AS probability, e.steps AS steps,
  e.declared AS declared
