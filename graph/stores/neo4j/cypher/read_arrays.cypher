// Which pieces of the arrays does the graph hold, with every property that Stemma wrote?
// Parameters: none
// Row: one node
MATCH (n:Arrays)
RETURN n.file AS file, n.part AS part, n.whole AS whole, n.bytes AS bytes, n.digest AS digest, n.data AS data
