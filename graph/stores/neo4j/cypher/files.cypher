// Which files does this model have?
// Parameters:
//   $id   'org/model'
// Row: a list of [model, path, size, sha256, blob_id], by path
MATCH (:Model {id: $id})-[:HAS_FILE]->(f:File)
WITH f
ORDER BY f.path
RETURN collect([f.model, f.path, f.size, f.sha256, f.blob_id]) AS answer
