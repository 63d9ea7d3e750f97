// Which columns of the tables of members beside large groups are no more?
// Parameters (columns of equal length):
//   $run         'b1f0...'               the load that may write; none other does
//   $fold        ['family']              the key, one entry a row
//   $original    ['org/base']            the key, one entry a row
//   $column      ['task']                the key, one entry a row
//   $part        [0]                     the key, one entry a row
// Row: done, how many were removed
MATCH (:Catalogue {key: 'catalogue', run: $run})
UNWIND range(0, size($fold) - 1) AS i
MATCH (n:Members {fold: $fold[i], original: $original[i], column: $column[i], part: $part[i]})
DETACH DELETE n
RETURN count(*) AS done
