// Where is a file with this content?
// Parameters:
//   $sha256  '9f86d081...'
//   $limit   100
// Row: a list of [model, path, size, sha256, blob_id], by model and path
MATCH (f:File {sha256: $sha256})
WITH f
ORDER BY f.model, f.path
LIMIT $limit
RETURN collect([f.model, f.path, f.size, f.sha256, f.blob_id]) AS answer
