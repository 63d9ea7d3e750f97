// Which pieces of the arrays of lists does the graph hold, by their digests?
// Parameters: none
// Row: one node
MATCH (n:Lists)
RETURN n.file AS file, n.part AS part, n.digest AS digest
