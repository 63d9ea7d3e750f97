// How able are these models, and what is that known from?
// Parameters:
//   $ids   ['org/model']
// Row: a list of [id, the ability as a JSON object], for those that have one
UNWIND $ids AS id
MATCH (m:Model {id: id})
WHERE m.ability_facts IS NOT NULL
RETURN collect([m.id, m.ability_facts]) AS answer
