// Which nodes did earlier forms of a graph have that no question is answered by any more?
// Parameters: none
// Row: how many are gone
MATCH (n:Members|Lists)
DETACH DELETE n
RETURN count(*) AS done
