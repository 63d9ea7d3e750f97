// Which tensors does this model hold that say something of its origin?
// Parameters:
//   $id   'org/model'
// Row: a list of [digest, model, role, values], by role, then digest
MATCH (m:Model {id: $id})-[e:HAS_TENSOR]->(t:Tensor)
WITH t.digest AS digest, m.id AS model, e.role AS role, t.values AS values
ORDER BY role, digest
RETURN collect([digest, model, role, values]) AS answer
