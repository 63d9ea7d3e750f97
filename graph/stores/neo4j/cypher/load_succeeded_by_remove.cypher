// Which successors are no more?
// Parameters (columns of equal length):
//   $run         'b1f0...'               the load that may write; none other does
//   $model       ['org/model']            the key, one entry a row
//   $successor   ['org/other']            the key, one entry a row
// Row: done, how many were removed
MATCH (:Catalogue {key: 'catalogue', run: $run})
UNWIND range(0, size($model) - 1) AS i
MATCH (m:Model {id: $model[i]})-[e:SUCCEEDED_BY]->(:Model {id: $successor[i]})
USING INDEX m:Model(id)  // a model has few of these, the other end may have thousands
DELETE e
RETURN count(*) AS done
