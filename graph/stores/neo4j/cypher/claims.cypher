// Who says that these models were made from something?
// Parameters:
//   $ids   ['org/model']
// Row: a list of derivations, by model and base model: ends, and the claims, each a JSON array
UNWIND $ids AS id
MATCH (m:Model {id: id})-[e:DERIVED_FROM]->(b:Model)
WITH m.id AS model, b.id AS base_model, e
ORDER BY model, base_model
RETURN collect([model, base_model, e.claims]) AS answer
