// Which tensors of models does the graph hold?
// Parameters: none
// Row: one relationship
MATCH (m:Model)-[e:HAS_TENSOR]->(n:Tensor)
RETURN n.digest AS digest, m.id AS model, e.role AS role
