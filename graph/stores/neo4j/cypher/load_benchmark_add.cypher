// Which new benchmarks are written?
// Parameters (columns of equal length):
//   $run         'b1f0...'               the load that may write; none other does
//   $name        ['mmlu-pro']            the key, one entry a row
//   and a list for each other property below, null where it is absent
// Row: done, how many were written; less than were sent when an end is missing
MATCH (:Catalogue {key: 'catalogue', run: $run})
UNWIND range(0, size($name) - 1) AS i
CREATE (n:Benchmark {name: $name[i], domain: $domain[i], models: $models[i]})
RETURN count(n) AS done
