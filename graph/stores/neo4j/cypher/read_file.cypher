// Which files does the graph hold, with every property that Stemma wrote, and whose are they?
// Parameters: none
// Row: one node; holder is null when its relationship is missing
MATCH (n:File)
OPTIONAL MATCH (n)<-[:HAS_FILE]-(m:Model)
RETURN
  n.model AS model, n.path AS path, n.size AS size, n.sha256 AS sha256, n.blob_id AS blob_id, m.id AS holder
