// Which datasets does the graph hold, with every property that Stemma wrote?
// Parameters: none
// Row: one node
MATCH (n:Dataset)
RETURN
  n.id AS id, n.hub_id AS hub_id, n.author AS author, n.state AS state, n.created_at AS created_at,
  n.modified_at AS modified_at, n.downloads AS downloads, n.likes AS likes, n.licence AS licence, n.gated AS gated,
  n.tags AS tags, n.languages AS languages, n.models AS models, n.id_lower AS id_lower
