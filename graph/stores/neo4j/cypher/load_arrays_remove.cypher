// Which pieces of the arrays are no more?
// Parameters (columns of equal length):
//   $run         'b1f0...'               the load that may write; none other does
//   $file        ['code_task.npy']       the key, one entry a row
//   $part        [0]                     the key, one entry a row
// Row: done, how many were removed
MATCH (:Catalogue {key: 'catalogue', run: $run})
UNWIND range(0, size($file) - 1) AS i
MATCH (n:Arrays {file: $file[i], part: $part[i]})
DETACH DELETE n
RETURN count(*) AS done
