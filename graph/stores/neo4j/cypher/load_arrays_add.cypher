// Which pieces of the arrays are new?
// Parameters (columns of equal length):
//   $run         'b1f0...'               the load that may write; none other does
//   $file        ['code_task.npy']       the key, one entry a row
//   $part        [0]                     the key, one entry a row
//   and a list for each other property below, null where it is absent
// Row: done, how many were written; less than were sent when an end is missing
MATCH (:Catalogue {key: 'catalogue', run: $run})
UNWIND range(0, size($file) - 1) AS i
CREATE (n:Arrays {
  file: $file[i], part: $part[i], whole: $whole[i], bytes: $bytes[i], digest: $digest[i], data: $data[i]
})
RETURN count(n) AS done
