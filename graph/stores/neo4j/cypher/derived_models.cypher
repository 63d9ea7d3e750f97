// What was made from these models, most downloaded first?
// Parameters:
//   $ids        ['org/base']
//   $relations  ['finetune']   or null for any
//   $evidence   ['hub']        or null for any
//   $page.key   -1200          a derived model's downloads_key ...
//   $page.after 'org/model'    ... and name, after which the page starts; the smallest number and '' for the first page
//   $page.limit 21
// Row: a list with one entry an id: [id, total under the filter, the page's derivations, each with what is known of the derived
//   model, in the order of graph.records.ModelRecord]
UNWIND $ids AS id
CALL (id) {
  MATCH (:Model {id: id})<-[e:DERIVED_FROM]-(m:Model)
  WHERE ($relations IS NULL OR e.relation IN $relations)
    AND ($evidence IS NULL OR any(v IN e.evidence WHERE v IN $evidence))
  RETURN count(e) AS total
}
CALL (id) {
  MATCH (:Model {id: id})<-[e:DERIVED_FROM]-(m:Model)
  WHERE ($relations IS NULL OR e.relation IN $relations)
    AND ($evidence IS NULL OR any(v IN e.evidence WHERE v IN $evidence))
    AND (m.downloads_key > $page.key OR m.downloads_key = $page.key AND m.id > $page.after)
  WITH e, m
  ORDER BY m.downloads_key, m.id
  LIMIT $page.limit
  RETURN collect([
    m.id, id, e.relation, e.evidence, e.confidence, e.conflict, e.cycle, [
      m.id, m.hub_id, m.author, m.state, m.created_at, m.modified_at, m.task, m.library, m.licence, m.parameters,
      m.dtype, m.architecture, m.context_length, m.downloads, m.downloads_all_time, m.likes, m.trending, m.sha, m.gated,
      m.tags, m.languages, m.relations, m.generation, m.descendants, m.base_models, m.new_version,
      m.novelty, m.novelty_class, m.ability, m.standards
    ]
  ]) AS page
}
RETURN collect([id, total, page]) AS answer
