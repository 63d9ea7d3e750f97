// Which new similarities are written?
// Parameters (columns of equal length):
//   $run         'b1f0...'               the load that may write; none other does
//   $model       ['org/model']            the key, one entry a row
//   $other       ['org/other']            the key, one entry a row
//   and a list for each other property below, null where it is absent
// Row: done, how many were written; less than were sent when an end is missing
MATCH (:Catalogue {key: 'catalogue', run: $run})
UNWIND range(0, size($model) - 1) AS i
MATCH (m:Model {id: $model[i]})
MATCH (n:Model {id: $other[i]})
CREATE (m)-[e:SIMILAR_TO {
  cosine: $cosine[i], relative_distance: $relative_distance[i], shared_fraction: $shared_fraction[i],
  components: $components[i], component_cosines: $component_cosines[i], method: $method[i], p_value: $p_value[i]
}]->(n)
RETURN count(e) AS done
