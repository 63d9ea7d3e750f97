// What does the graph hold, as counted when it was loaded?
// Parameters: none
// Row: the coverage as JSON
MATCH (c:Catalogue {key: 'catalogue'})
RETURN c.coverage AS answer
