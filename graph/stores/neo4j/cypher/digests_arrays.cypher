// Which pieces of the arrays does the graph hold, by their digests?
// Parameters: none
// Row: one node
MATCH (n:Arrays)
RETURN n.file AS file, n.part AS part, n.digest AS digest
