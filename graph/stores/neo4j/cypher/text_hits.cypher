// Do more than a few models have this in their name?
// Parameters:
//   $text   'llama'   in lower case
//   $limit  2000      where counting stops
// Row: the number of models, at most $limit
MATCH (m:Model)
USING TEXT INDEX m:Model(id_lower)
WHERE m.id_lower CONTAINS $text
WITH m LIMIT $limit
RETURN count(m) AS answer
