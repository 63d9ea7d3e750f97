// Which new models are written?
// Parameters (columns of equal length):
//   $run         'b1f0...'               the load that may write; none other does
//   $id          ['org/model']            the key, one entry a row
//   and a list for each other property below, null where it is absent
// Row: done, how many were written; less than were sent when an end is missing
MATCH (:Catalogue {key: 'catalogue', run: $run})
UNWIND range(0, size($id) - 1) AS i
CREATE (n:Model {
  id: $id[i], hub_id: $hub_id[i], author: $author[i], state: $state[i], created_at: $created_at[i],
  modified_at: $modified_at[i], task: $task[i], library: $library[i], licence: $licence[i],
  parameters: $parameters[i], dtype: $dtype[i], architecture: $architecture[i], context_length: $context_length[i],
  downloads: $downloads[i], downloads_all_time: $downloads_all_time[i], likes: $likes[i], trending: $trending[i],
  sha: $sha[i], gated: $gated[i], tags: $tags[i], languages: $languages[i], relations: $relations[i],
  generation: $generation[i], descendants: $descendants[i], base_models: $base_models[i],
  new_version: $new_version[i], id_lower: $id_lower[i], downloads_key: $downloads_key[i], novelty: $novelty[i], novelty_class: $novelty_class[i],
  novelty_facts: $novelty_facts[i], copies_of: $copies_of[i], quants_of: $quants_of[i],
  family_of: $family_of[i], standards: $standards[i], ability: $ability[i], ability_facts: $ability_facts[i],
  standing_facts: $standing_facts[i], domains: $domains[i]
})
RETURN count(n) AS done
