// Which models are one derivation away from these, in either direction?
// Parameters:
//   $ids   ['org/model']
// Row: a list of [id, neighbour]
UNWIND $ids AS id
MATCH (:Model {id: id})-[:DERIVED_FROM]-(n:Model)
WITH DISTINCT id, n.id AS neighbour
RETURN collect([id, neighbour]) AS answer
