// Which models no longer hold which tensors?
// Parameters (columns of equal length):
//   $run         'b1f0...'               the load that may write; none other does
//   $digest      ['9f86d081884c7d65']     the key, one entry a row
//   $model       ['org/model']            the key, one entry a row
//   $role        ['3.attention.query']    the key, one entry a row
// Row: done, how many were removed
MATCH (:Catalogue {key: 'catalogue', run: $run})
UNWIND range(0, size($model) - 1) AS i
MATCH (m:Model {id: $model[i]})-[e:HAS_TENSOR {role: $role[i]}]->(:Tensor {digest: $digest[i]})
USING INDEX m:Model(id)  // a model has few of these, the other end may have thousands
DELETE e
RETURN count(*) AS done
