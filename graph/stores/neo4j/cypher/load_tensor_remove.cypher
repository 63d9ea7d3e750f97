// Which tensor contents are no more?
// Parameters (columns of equal length):
//   $run         'b1f0...'               the load that may write; none other does
//   $digest      ['9f86d081884c7d65']     the key, one entry a row
// Row: done, how many were removed
MATCH (:Catalogue {key: 'catalogue', run: $run})
UNWIND range(0, size($digest) - 1) AS i
MATCH (n:Tensor {digest: $digest[i]})
DETACH DELETE n
RETURN count(*) AS done
