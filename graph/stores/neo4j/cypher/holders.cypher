// Which models hold this weight content, most downloaded first?
// Parameters:
//   $digest  '9f86d081...'
//   $page.key     -1200          a model's downloads_key ...
//   $page.after   'org/model'    ... and name, after which the page starts; the smallest number and '' for the first page
//   $page.limit   21
// Row: a list of models, properties in the order of graph.records.ModelRecord
MATCH (:Weights {digest: $digest})<-[:HAS_WEIGHTS]-(m:Model)
WHERE m.downloads_key > $page.key OR m.downloads_key = $page.key AND m.id > $page.after
WITH m
ORDER BY m.downloads_key, m.id
LIMIT $page.limit
RETURN collect([
  m.id, m.hub_id, m.author, m.state, m.created_at, m.modified_at, m.task, m.library, m.licence, m.parameters,
  m.dtype, m.architecture, m.context_length, m.downloads, m.downloads_all_time, m.likes, m.trending, m.sha, m.gated,
  m.tags, m.languages, m.relations, m.generation, m.descendants, m.base_models, m.new_version,
  m.novelty, m.novelty_class, m.ability, m.standards
]) AS answer
