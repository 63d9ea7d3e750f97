// What are these models made from?
// Parameters:
//   $ids   ['org/model']
// Row: a list of derivations, by model and base model: ends, relation, evidence, confidence, conflict, cycle
UNWIND $ids AS id
MATCH (m:Model {id: id})-[e:DERIVED_FROM]->(b:Model)
WITH m.id AS model, b.id AS base_model, e
ORDER BY model, base_model
RETURN collect([model, base_model, e.relation, e.evidence, e.confidence, e.conflict, e.cycle]) AS answer
