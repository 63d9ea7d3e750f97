// Which benchmarks are no more?
// Parameters (columns of equal length):
//   $run         'b1f0...'               the load that may write; none other does
//   $name        ['mmlu-pro']            the key, one entry a row
// Row: done, how many were removed
MATCH (:Catalogue {key: 'catalogue', run: $run})
UNWIND range(0, size($name) - 1) AS i
MATCH (n:Benchmark {name: $name[i]})
DETACH DELETE n
RETURN count(*) AS done
