// What supersedes these models?
// Parameters:
//   $ids   ['org/model']
// Row: a list of [model, successor, probability, derivations between them, whether the author names it], the first to take first
UNWIND $ids AS id
MATCH (m:Model {id: id})-[e:SUCCEEDED_BY]->(o:Model)
WITH m.id AS model, o.id AS successor, e
ORDER BY model, e.place, successor
RETURN collect([model, successor, e.probability, e.steps, e.declared]) AS answer
