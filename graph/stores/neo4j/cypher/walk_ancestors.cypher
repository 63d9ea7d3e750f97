// What was this one made from, at any distance, when no more than the models is asked for?
// Parameters:
//   $id                'org/model'
//   $depth             3     the farthest that are shown
//   $limit             500   the most nodes
//   $fields            ['downloads']  properties wanted of each model that is shown
// Row: as in walk.cypher, without descendants, derivations, numbers of derived models, and what only matters beside them
MATCH (root:Model {id: $id})
CALL (root) {
  MATCH p = (root)-[:DERIVED_FROM*1..]->(m:Model)
  WITH root, m, min(length(p)) AS distance
  WHERE m <> root
  WITH m, distance
  ORDER BY distance, m.downloads_key, m.id
  RETURN collect([distance, [m.id, 0, [k IN $fields | m[k]]]]) AS reached
}
WITH root, size(reached) AS total, [r IN reached WHERE r[0] <= $depth][..$limit] AS shown
RETURN [
  false, total, 0,
  [r IN shown | r[0]], [],
  [[root.id, 0, [k IN $fields | root[k]]]] + [r IN shown | r[1]],
  []
] AS answer
