// Which columns of the tables of members beside large groups does the graph hold, by their digests?
// Parameters: none
// Row: one node
MATCH (n:Members)
RETURN n.fold AS fold, n.original AS original, n.column AS column, n.part AS part, n.digest AS digest
