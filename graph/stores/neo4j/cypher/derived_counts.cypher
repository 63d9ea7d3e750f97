// How many models were made from each of these, by relation?
// Parameters:
//   $ids   ['org/base']
// Row: a list of [id, relation, count]
UNWIND $ids AS id
MATCH (:Model {id: id})<-[e:DERIVED_FROM]-()
WITH id, e.relation AS relation, count(*) AS derived
ORDER BY id, relation
RETURN collect([id, relation, derived]) AS answer
