// What is known of these datasets? The exact spelling wins, then the first by name.
// Parameters:
//   $names  ['org/Data']
//   $lower  ['org/data']  the same in lower case
// Row: a list with one entry a name: its properties in the order of graph.records.DatasetRecord, or null
UNWIND range(0, size($names) - 1) AS i
OPTIONAL MATCH (d:Dataset {id_lower: $lower[i]})
WITH i, d
ORDER BY i, d.id <> $names[i], d.id
WITH i, collect(d)[0] AS d
ORDER BY i
RETURN collect(CASE WHEN d IS NULL THEN [null] ELSE [[
  d.id, d.hub_id, d.author, d.state, d.created_at, d.modified_at, d.downloads, d.likes, d.licence, d.gated, d.tags,
  d.languages, d.models
]] END) AS answer
