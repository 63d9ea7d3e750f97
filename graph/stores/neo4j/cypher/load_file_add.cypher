// Which new files, each with the HAS_FILE of its model, are written?
// Parameters (columns of equal length):
//   $run         'b1f0...'               the load that may write; none other does
//   $model       ['org/model']            the key, one entry a row
//   $path        ['model.safetensors']    the key, one entry a row
//   and a list for each other property below, null where it is absent
// Row: done, how many were written; less than were sent when an end is missing
MATCH (:Catalogue {key: 'catalogue', run: $run})
UNWIND range(0, size($model) - 1) AS i
MATCH (m:Model {id: $model[i]})
CREATE (n:File {
  model: $model[i], path: $path[i], size: $size[i], sha256: $sha256[i], blob_id: $blob_id[i]
})
CREATE (n)<-[:HAS_FILE]-(m)
RETURN count(n) AS done
