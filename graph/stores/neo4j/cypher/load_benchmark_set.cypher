// Which benchmarks have changed?
// Parameters (columns of equal length):
//   $run         'b1f0...'               the load that may write; none other does
//   $name        ['mmlu-pro']            the key, one entry a row
//   and a list for each other property below, null where it is absent
// Row: done, how many were written
MATCH (:Catalogue {key: 'catalogue', run: $run})
UNWIND range(0, size($name) - 1) AS i
MATCH (n:Benchmark {name: $name[i]})
SET n += {domain: $domain[i], models: $models[i]}
RETURN count(n) AS done
