// What does the graph hold, as counted when it was loaded?
// Parameters: none
// Row: [coverage, facets], both JSON
MATCH (c:Catalogue {key: 'catalogue'})
RETURN [c.coverage, c.facets] AS answer
