// Which new successors are written?
// Parameters (columns of equal length):
//   $run         'b1f0...'               the load that may write; none other does
//   $model       ['org/model']            the key, one entry a row
//   $successor   ['org/other']            the key, one entry a row
//   and a list for each other property below, null where it is absent
// Row: done, how many were written; less than were sent when an end is missing
MATCH (:Catalogue {key: 'catalogue', run: $run})
UNWIND range(0, size($model) - 1) AS i
MATCH (m:Model {id: $model[i]})
MATCH (n:Model {id: $successor[i]})
CREATE (m)-[e:SUCCEEDED_BY {
  place: $place[i], probability: $probability[i], steps: $steps[i], declared: $declared[i]
}]->(n)
RETURN count(e) AS done
