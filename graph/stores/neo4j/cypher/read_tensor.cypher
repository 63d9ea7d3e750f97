// Which tensor contents does the graph hold, with every property that Stemma wrote?
// Parameters: none
// Row: one node
MATCH (n:Tensor)
RETURN n.digest AS digest, n.values AS values, n.models AS models
