// Which derivations does the graph hold, with every property that Stemma wrote?
// Parameters: none
// Row: one relationship
MATCH (m:Model)-[e:DERIVED_FROM]->(n:Model)
RETURN
  m.id AS model, n.id AS base_model, e.relation AS relation, e.evidence AS evidence, e.confidence AS confidence,
  e.conflict AS conflict, e.cycle AS cycle, e.claims AS claims,
  e.contradicts AS contradicts, e.contradiction AS contradiction
