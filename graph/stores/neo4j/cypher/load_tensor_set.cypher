// Which tensor contents get new values? Properties that Stemma does not know stay.
// Parameters (columns of equal length):
//   $run         'b1f0...'               the load that may write; none other does
//   $digest      ['9f86d081884c7d65']     the key, one entry a row
//   and a list for each other property below, null where it is absent
// Row: done, how many were written
MATCH (:Catalogue {key: 'catalogue', run: $run})
UNWIND range(0, size($digest) - 1) AS i
MATCH (n:Tensor {digest: $digest[i]})
SET n += {values: $values[i], models: $models[i]}
RETURN count(n) AS done
