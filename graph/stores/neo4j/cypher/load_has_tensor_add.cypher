// Which models hold new tensors?
// Parameters (columns of equal length):
//   $run         'b1f0...'               the load that may write; none other does
//   $digest      ['9f86d081884c7d65']     the key, one entry a row
//   $model       ['org/model']            the key, one entry a row
//   $role        ['3.attention.query']    the key, one entry a row
// Row: done, how many were written; less than were sent when an end is missing
MATCH (:Catalogue {key: 'catalogue', run: $run})
UNWIND range(0, size($model) - 1) AS i
MATCH (m:Model {id: $model[i]})
MATCH (n:Tensor {digest: $digest[i]})
CREATE (m)-[e:HAS_TENSOR {role: $role[i]}]->(n)
RETURN count(e) AS done
