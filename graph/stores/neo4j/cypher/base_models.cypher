// What are these models made from?
// Parameters:
//   $ids   ['org/model']
// Row: a list of derivations, by model and base model: ends, relation, evidence, confidence, conflict, cycle, and what is known of the
//   base model, in the order of graph.records.ModelRecord
UNWIND $ids AS id
MATCH (m:Model {id: id})-[e:DERIVED_FROM]->(b:Model)
WITH m.id AS model, b.id AS base_model, e, b
ORDER BY model, base_model
RETURN collect([
  model, base_model, e.relation, e.evidence, e.confidence, e.conflict, e.cycle, [
    b.id, b.hub_id, b.author, b.state, b.created_at, b.modified_at, b.task, b.library, b.licence, b.parameters,
    b.dtype, b.architecture, b.context_length, b.downloads, b.downloads_all_time, b.likes, b.trending, b.sha, b.gated,
    b.tags, b.languages, b.relations, b.generation, b.descendants, b.base_models, b.new_version,
    b.novelty, b.novelty_class, b.ability, b.standards
  ]
]) AS answer
