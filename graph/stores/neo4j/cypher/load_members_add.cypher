// Which parts of the tables of members beside large groups are new?
// Parameters (columns of equal length):
//   $run         'b1f0...'               the load that may write; none other does
//   $fold        ['family']              the key, one entry a row
//   $original    ['org/base']            the key, one entry a row
//   $part        [0]                     the key, one entry a row
//   and a list for each other property below, null where it is absent
// Row: done, how many were written; less than were sent when an end is missing
MATCH (:Catalogue {key: 'catalogue', run: $run})
UNWIND range(0, size($fold) - 1) AS i
CREATE (n:Members {
  fold: $fold[i], original: $original[i], part: $part[i], models: $models[i], ids: $ids[i], names: $names[i],
  downloads_rank: $downloads_rank[i], likes_rank: $likes_rank[i], trending_rank: $trending_rank[i],
  created_rank: $created_rank[i], modified_rank: $modified_rank[i], parameters_rank: $parameters_rank[i],
  novelty_rank: $novelty_rank[i], ability_rank: $ability_rank[i], standing_rank: $standing_rank[i],
  task_values: $task_values[i], task_codes: $task_codes[i], library_values: $library_values[i],
  library_codes: $library_codes[i], licence_values: $licence_values[i], licence_codes: $licence_codes[i],
  state_values: $state_values[i], state_codes: $state_codes[i], relations_values: $relations_values[i],
  relations_codes: $relations_codes[i], evidence_values: $evidence_values[i], evidence_codes: $evidence_codes[i],
  parameters_values: $parameters_values[i], parameters_codes: $parameters_codes[i],
  created_at_values: $created_at_values[i], created_at_codes: $created_at_codes[i],
  novelty_class_values: $novelty_class_values[i], novelty_class_codes: $novelty_class_codes[i],
  novelty_values: $novelty_values[i], novelty_codes: $novelty_codes[i], standards_values: $standards_values[i],
  standards_codes: $standards_codes[i], domains_values: $domains_values[i], domains_codes: $domains_codes[i]
})
RETURN count(n) AS done
