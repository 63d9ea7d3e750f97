// Which columns of the tables of members beside large groups say something else?
// Parameters (columns of equal length):
//   $run         'b1f0...'               the load that may write; none other does
//   $fold        ['family']              the key, one entry a row
//   $original    ['org/base']            the key, one entry a row
//   $column      ['task']                the key, one entry a row
//   $part        [0]                     the key, one entry a row
//   and a list for each other property below, null where it is absent
// Row: done, how many were written; less than were sent when an end is missing
MATCH (:Catalogue {key: 'catalogue', run: $run})
UNWIND range(0, size($fold) - 1) AS i
MATCH (n:Members {fold: $fold[i], original: $original[i], column: $column[i], part: $part[i]})
SET n += {models: $models[i], values: $values[i], codes: $codes[i], ids: $ids[i], digest: $digest[i]}
RETURN count(n) AS done
