// Which weight contents does the graph hold, with every property that Stemma wrote?
// Parameters: none
// Row: one node
MATCH (n:Weights)
RETURN
  n.digest AS digest, n.files AS files, n.size AS size, n.holders AS holders
