// Which new trainings are written?
// Parameters (columns of equal length):
//   $run         'b1f0...'               the load that may write; none other does
//   $model       ['org/model']            the key, one entry a row
//   $dataset     ['org/data']             the key, one entry a row
//   and a list for each other property below, null where it is absent
// Row: done, how many were written; less than were sent when an end is missing
MATCH (:Catalogue {key: 'catalogue', run: $run})
UNWIND range(0, size($model) - 1) AS i
MATCH (m:Model {id: $model[i]})
MATCH (n:Dataset {id: $dataset[i]})
CREATE (m)-[e:TRAINED_ON {
  evidence: $evidence[i]
}]->(n)
RETURN count(e) AS done
