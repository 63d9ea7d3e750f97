// Which weight contents do these models hold?
// Parameters:
//   $ids   ['org/model']
// Row: a list of [model, digest]
UNWIND $ids AS id
MATCH (m:Model {id: id})-[:HAS_WEIGHTS]->(w:Weights)
WITH m.id AS model, w.digest AS digest
ORDER BY model, digest
RETURN collect([model, digest]) AS answer
