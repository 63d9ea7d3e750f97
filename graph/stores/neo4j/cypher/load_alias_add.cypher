// Which new aliases, each with its ALIAS_OF, are written?
// Parameters (columns of equal length):
//   $run         'b1f0...'               the load that may write; none other does
//   $alias       ['old/name']             the key, one entry a row
//   $id          ['org/model']            the key, one entry a row
//   and a list for each other property below, null where it is absent
// Row: done, how many were written; less than were sent when an end is missing
MATCH (:Catalogue {key: 'catalogue', run: $run})
UNWIND range(0, size($alias) - 1) AS i
MATCH (m:Model {id: $id[i]})
CREATE (n:Alias {
  alias: $alias[i], id: $id[i], source: $source[i], alias_lower: $alias_lower[i]
})
CREATE (n)-[:ALIAS_OF]->(m)
RETURN count(n) AS done
