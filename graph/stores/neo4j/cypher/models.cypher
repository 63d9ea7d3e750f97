// What is known of these models?
// Parameters:
//   $ids   ['org/model']
// Row: a list with one entry a model that there is: its properties in the order of graph.records.ModelRecord
UNWIND $ids AS id
MATCH (m:Model {id: id})
RETURN collect([
  m.id, m.hub_id, m.author, m.state, m.created_at, m.modified_at, m.task, m.library, m.licence, m.parameters,
  m.dtype, m.architecture, m.context_length, m.downloads, m.downloads_all_time, m.likes, m.trending, m.sha, m.gated,
  m.tags, m.languages, m.relations, m.generation, m.descendants, m.base_models, m.new_version,
  m.novelty, m.novelty_class, m.ability, m.standards
]) AS answer
