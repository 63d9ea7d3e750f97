// How do these models stand in their niches?
// Parameters:
//   $ids   ['org/model']
// Row: a list of [id, the standing as a JSON object], for those that have one
UNWIND $ids AS id
MATCH (m:Model {id: id})
WHERE m.standing_facts IS NOT NULL
RETURN collect([m.id, m.standing_facts]) AS answer
