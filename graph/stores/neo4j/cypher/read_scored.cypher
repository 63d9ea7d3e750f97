// Which results does the graph hold, with every property that Stemma wrote?
// Parameters: none
// Row: one relationship
MATCH (m:Model)-[e:SCORED]->(n:Benchmark)
RETURN
  m.id AS model, n.name AS benchmark, e.setting AS setting, e.source AS source, e.metric AS metric, e.value AS value,
  e.fraction AS fraction, e.items AS items, e.grade AS grade, e.revision AS revision
