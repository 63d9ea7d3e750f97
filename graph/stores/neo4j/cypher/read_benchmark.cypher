// Which benchmarks does the graph hold, with every property that Stemma wrote?
// Parameters: none
// Row: one node
MATCH (n:Benchmark)
RETURN n.name AS name, n.domain AS domain, n.models AS models
