// What is known of this dataset? The exact spelling wins, then the first by name.
// Parameters:
//   $name   'org/Data'
//   $lower  'org/data'
// Row: its properties in the order of graph.records.DatasetRecord, or null
OPTIONAL MATCH (d:Dataset {id_lower: $lower})
WITH d
ORDER BY d.id <> $name, d.id
LIMIT 1
RETURN [
  d.id, d.hub_id, d.author, d.state, d.created_at, d.modified_at, d.downloads, d.likes, d.licence, d.gated, d.tags,
  d.languages, d.models
] AS answer
