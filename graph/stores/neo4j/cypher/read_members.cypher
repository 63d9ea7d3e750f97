// Which columns of the tables of members beside large groups does the graph hold, with every property that Stemma wrote?
// Parameters: none
// Row: one node
MATCH (n:Members)
RETURN
  n.fold AS fold, n.original AS original, n.column AS column, n.part AS part, n.models AS models, n.values AS values,
  n.codes AS codes, n.ids AS ids, n.digest AS digest
