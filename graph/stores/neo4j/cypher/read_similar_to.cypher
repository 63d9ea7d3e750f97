// Which similarities does the graph hold, with every property that Stemma wrote?
// Parameters: none
// Row: one relationship
MATCH (m:Model)-[e:SIMILAR_TO]->(n:Model)
RETURN
  m.id AS model, n.id AS other, e.cosine AS cosine, e.relative_distance AS relative_distance,
  e.shared_fraction AS shared_fraction, e.components AS components, e.component_cosines AS component_cosines,
  e.method AS method, e.p_value AS p_value
