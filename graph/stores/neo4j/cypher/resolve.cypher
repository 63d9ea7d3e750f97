// Which models are meant by these names: an id, a hub id, another name, an id or another name in any case?
// Parameters:
//   $names   ['org/Model', '621ffdc0']   as asked
//   $lower   ['org/model', '621ffdc0']   the same in lower case
// Row: a list with one entry a name: the id, or null
UNWIND range(0, size($names) - 1) AS i
CALL (i) {
  OPTIONAL MATCH (exact:Model {id: $names[i]})
  RETURN exact.id AS exact
}
CALL (i, exact) {
  WITH i, exact WHERE exact IS NULL
  MATCH (m:Model {hub_id: $names[i]})
  RETURN m, 1 AS rank, '' AS alias
  UNION ALL
  WITH i, exact WHERE exact IS NULL
  MATCH (a:Alias {alias: $names[i]})-[:ALIAS_OF]->(m:Model)
  RETURN m, 2 AS rank, a.alias AS alias
  UNION ALL
  WITH i, exact WHERE exact IS NULL
  MATCH (m:Model {id_lower: $lower[i]})
  RETURN m, 3 AS rank, '' AS alias
  UNION ALL
  WITH i, exact WHERE exact IS NULL
  MATCH (a:Alias {alias_lower: $lower[i]})-[:ALIAS_OF]->(m:Model)
  RETURN m, 4 AS rank, a.alias AS alias
  UNION ALL
  RETURN null AS m, 5 AS rank, '' AS alias
}
WITH i, coalesce(exact, m.id) AS id, rank, alias,
  CASE WHEN rank = 3 AND m.state = 'missing' THEN 1 ELSE 0 END AS missing,
  CASE WHEN rank = 3 THEN m.downloads_key ELSE 0 END AS downloads
ORDER BY i, rank, missing, downloads, alias, id
WITH i, collect([id])[0] AS found
ORDER BY i
RETURN collect(found) AS answer
