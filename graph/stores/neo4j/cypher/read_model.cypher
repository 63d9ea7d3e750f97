// Which models does the graph hold, with every property that Stemma wrote?
// Parameters: none
// Row: one node
MATCH (n:Model)
RETURN
  n.id AS id, n.hub_id AS hub_id, n.author AS author, n.state AS state, n.created_at AS created_at,
  n.modified_at AS modified_at, n.task AS task, n.library AS library, n.licence AS licence,
  n.parameters AS parameters, n.dtype AS dtype, n.architecture AS architecture, n.context_length AS context_length,
  n.downloads AS downloads, n.downloads_all_time AS downloads_all_time, n.likes AS likes, n.trending AS trending,
  n.sha AS sha, n.gated AS gated, n.tags AS tags, n.languages AS languages, n.relations AS relations,
  n.generation AS generation, n.descendants AS descendants, n.base_models AS base_models,
  n.new_version AS new_version, n.id_lower AS id_lower, n.downloads_key AS downloads_key, n.novelty AS novelty, n.novelty_class AS novelty_class,
  n.novelty_facts AS novelty_facts, n.copies_of AS copies_of,
  n.quants_of AS quants_of, n.family_of AS family_of, n.ability AS ability, n.standards AS standards,
  n.ability_facts AS ability_facts,
  n.standing_facts AS standing_facts, n.domains AS domains
