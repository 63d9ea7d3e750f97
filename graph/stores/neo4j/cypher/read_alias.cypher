// Which aliases does the graph hold, with every property that Stemma wrote, and whose are they?
// Parameters: none
// Row: one node; target is null when its relationship is missing
MATCH (n:Alias)
OPTIONAL MATCH (n)-[:ALIAS_OF]->(m:Model)
RETURN
  n.alias AS alias, n.id AS id, n.source AS source, n.alias_lower AS alias_lower, m.id AS target
