// What does the novelty of these models rest on?
// Parameters:
//   $ids   ['org/model']
// Row: a list of [id, the facts as a JSON object], for those that have some
UNWIND $ids AS id
MATCH (m:Model {id: id})
WHERE m.novelty_facts IS NOT NULL
RETURN collect([m.id, m.novelty_facts]) AS answer
