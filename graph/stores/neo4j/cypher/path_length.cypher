// How many derivations lie between two models, in either direction, at most 20?
// Parameters:
//   $start  'org/one'
//   $end    'org/two'
// Row: the number, or null when there is no such path
OPTIONAL MATCH p = shortestPath((:Model {id: $start})-[:DERIVED_FROM*..20]-(:Model {id: $end}))
RETURN length(p) AS answer
