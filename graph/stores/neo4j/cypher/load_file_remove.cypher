// Which files are no more?
// Parameters (columns of equal length):
//   $run         'b1f0...'               the load that may write; none other does
//   $model       ['org/model']            the key, one entry a row
//   $path        ['model.safetensors']    the key, one entry a row
// Row: done, how many were removed
MATCH (:Catalogue {key: 'catalogue', run: $run})
UNWIND range(0, size($model) - 1) AS i
MATCH (n:File {model: $model[i], path: $path[i]})
DETACH DELETE n
RETURN count(*) AS done
