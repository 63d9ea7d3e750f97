// Which new derivations are written?
// Parameters (columns of equal length):
//   $run         'b1f0...'               the load that may write; none other does
//   $model       ['org/model']            the key, one entry a row
//   $base_model  ['org/base']             the key, one entry a row
//   and a list for each other property below, null where it is absent
// Row: done, how many were written; less than were sent when an end is missing
MATCH (:Catalogue {key: 'catalogue', run: $run})
UNWIND range(0, size($model) - 1) AS i
MATCH (m:Model {id: $model[i]})
MATCH (n:Model {id: $base_model[i]})
CREATE (m)-[e:DERIVED_FROM {
  relation: $relation[i], evidence: $evidence[i], confidence: $confidence[i], conflict: $conflict[i],
  cycle: $cycle[i], claims: $claims[i], contradicts: $contradicts[i], contradiction: $contradiction[i]
}]->(n)
RETURN count(e) AS done
