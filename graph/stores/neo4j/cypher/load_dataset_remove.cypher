// Which datasets are no more?
// Parameters (columns of equal length):
//   $run         'b1f0...'               the load that may write; none other does
//   $id          ['org/model']            the key, one entry a row
// Row: done, how many were removed
MATCH (:Catalogue {key: 'catalogue', run: $run})
UNWIND range(0, size($id) - 1) AS i
MATCH (n:Dataset {id: $id[i]})
DETACH DELETE n
RETURN count(*) AS done
