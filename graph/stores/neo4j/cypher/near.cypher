// What is this model, what was it made from, and what was made from it, most downloaded first?
// Parameters:
//   $id      'org/model'
//   $limit   11             of what was made from it; 0 when it is not asked for
//   $fields  ['downloads']  properties wanted of the models at the other ends
// Row: [what is known of the model, in the order of graph.records.ModelRecord,
//   derivations towards base models, by base model: ends, relation, evidence, confidence, conflict, cycle, the wanted properties of
//   the base model,
//   how many were made from it,
//   the first of them, each as above with the wanted properties of the derived model, and its downloads]
MATCH (m:Model {id: $id})
RETURN [
  [
    m.id, m.hub_id, m.author, m.state, m.created_at, m.modified_at, m.task, m.library, m.licence, m.parameters,
    m.dtype, m.architecture, m.context_length, m.downloads, m.downloads_all_time, m.likes, m.trending, m.sha, m.gated,
    m.tags, m.languages, m.relations, m.generation, m.descendants, m.base_models, m.new_version,
    m.novelty, m.novelty_class, m.ability, m.standards
  ],
  COLLECT {
    MATCH (m)-[e:DERIVED_FROM]->(b:Model)
    WITH e, b, b.id AS base_model
    ORDER BY base_model
    RETURN [m.id, base_model, e.relation, e.evidence, e.confidence, e.conflict, e.cycle, [k IN $fields | b[k]]]
  },
  COUNT { (m)<-[:DERIVED_FROM]-() },
  COLLECT {
    MATCH (m)<-[e:DERIVED_FROM]-(d:Model)
    WHERE $limit > 0
    WITH e, d, d.id AS model
    ORDER BY d.downloads_key, model
    LIMIT $limit
    RETURN [model, m.id, e.relation, e.evidence, e.confidence, e.conflict, e.cycle, [k IN $fields | d[k]], d.downloads]
  }
] AS answer
