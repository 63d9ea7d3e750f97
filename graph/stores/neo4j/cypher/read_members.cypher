// Which parts of the tables of members beside large groups does the graph hold, with every property that Stemma wrote?
// Parameters: none
// Row: one node
MATCH (n:Members)
RETURN
  n.fold AS fold, n.original AS original, n.part AS part, n.models AS models, n.ids AS ids, n.names AS names,
  n.downloads_rank AS downloads_rank, n.likes_rank AS likes_rank, n.trending_rank AS trending_rank,
  n.created_rank AS created_rank, n.modified_rank AS modified_rank, n.parameters_rank AS parameters_rank,
  n.novelty_rank AS novelty_rank, n.ability_rank AS ability_rank, n.standing_rank AS standing_rank,
  n.task_values AS task_values, n.task_codes AS task_codes, n.library_values AS library_values,
  n.library_codes AS library_codes, n.licence_values AS licence_values, n.licence_codes AS licence_codes,
  n.state_values AS state_values, n.state_codes AS state_codes, n.relations_values AS relations_values,
  n.relations_codes AS relations_codes, n.evidence_values AS evidence_values, n.evidence_codes AS evidence_codes,
  n.parameters_values AS parameters_values, n.parameters_codes AS parameters_codes,
  n.created_at_values AS created_at_values, n.created_at_codes AS created_at_codes,
  n.novelty_class_values AS novelty_class_values, n.novelty_class_codes AS novelty_class_codes,
  n.novelty_values AS novelty_values, n.novelty_codes AS novelty_codes, n.standards_values AS standards_values,
  n.standards_codes AS standards_codes, n.domains_values AS domains_values, n.domains_codes AS domains_codes
