// Of which models that pass a filter do the weights contradict what is said of them, most downloaded first?
// Parameters:
//   $kinds           ['copy', 'relation']     of contradictions
//   $probability     0.5                      least of the weights' claim
//   $page.key        -1200                    a model's downloads_key ...
//   $page.after      'org/model'              ... and name, after which the page starts; the smallest number and '' at first
//   $page.limit      21
//   $where           a map, so that the server plans one statement for all filters; what is null lets any pass
//     .text             'llama'                  part of the lower-case id
//     .tasks            ['text-generation']
//     .libraries        ['transformers']
//     .licences         ['mit']
//     .authors          ['org']
//     .states           ['listed']
//     .relations        ['root', 'finetune']     'root' is a model without a base model
//     .evidence         ['hub', 'weights']       some claim about a base model of it is known so
//     .parameters_min   1000000000               inclusive
//     .parameters_max   8000000000               inclusive
//     .created_from     1704067200000            ms since 1970, inclusive
//     .created_until    1735689600000            ms since 1970, exclusive
//     .novelty_classes  ['light']
//     .novelty_min      40.0                     inclusive
//     .novelty_max      100.0                    inclusive
//     .standards        ['curated']              all of them are met
//     .domains          ['mathematics']          it has results in one of them
//     .dataset          'org/data'               canonical id
// Row: how many models in all, and a list of [properties in the order of graph.records.ModelRecord, its contradictions by base model,
//   each: base model, kind, probability]
CALL () {
  MATCH (m:Model)-[e:DERIVED_FROM]->(b:Model)
  USING INDEX e:DERIVED_FROM(contradicts)
  WHERE e.contradicts IN $kinds AND e.contradiction >= $probability
    AND ($where.text IS NULL OR m.id_lower CONTAINS $where.text)
    AND ($where.tasks IS NULL OR m.task IN $where.tasks)
    AND ($where.libraries IS NULL OR m.library IN $where.libraries)
    AND ($where.licences IS NULL OR m.licence IN $where.licences)
    AND ($where.authors IS NULL OR m.author IN $where.authors)
    AND ($where.states IS NULL OR m.state IN $where.states)
    AND ($where.relations IS NULL OR any(r IN coalesce(m.relations, ['root']) WHERE r IN $where.relations))
    AND ($where.evidence IS NULL OR EXISTS { (m)-[d:DERIVED_FROM]->() WHERE any(w IN d.evidence WHERE w IN $where.evidence) })
    AND ($where.parameters_min IS NULL OR m.parameters >= $where.parameters_min)
    AND ($where.parameters_max IS NULL OR m.parameters <= $where.parameters_max)
    AND ($where.created_from IS NULL OR m.created_at >= $where.created_from)
    AND ($where.created_until IS NULL OR m.created_at < $where.created_until)
    AND ($where.novelty_classes IS NULL OR m.novelty_class IN $where.novelty_classes)
    AND ($where.novelty_min IS NULL OR m.novelty >= $where.novelty_min)
    AND ($where.novelty_max IS NULL OR m.novelty <= $where.novelty_max)
    AND ($where.standards IS NULL OR all(s IN $where.standards WHERE s IN coalesce(m.standards, [])))
    AND ($where.domains IS NULL OR any(d IN m.domains WHERE d IN $where.domains))
    AND ($where.dataset IS NULL OR EXISTS { (m)-[:TRAINED_ON]->(:Dataset {id: $where.dataset}) })
  WITH m, b.id AS base_model, e
  ORDER BY base_model
  RETURN m, collect([base_model, e.contradicts, e.contradiction]) AS found
}
WITH collect([m, found]) AS everyone
CALL (everyone) {
  UNWIND everyone AS one
  WITH one[0] AS m, one[1] AS found
  WHERE m.downloads_key > $page.key OR m.downloads_key = $page.key AND m.id > $page.after
  WITH m, found
  ORDER BY m.downloads_key, m.id
  LIMIT $page.limit
  RETURN collect([
    [
      m.id, m.hub_id, m.author, m.state, m.created_at, m.modified_at, m.task, m.library, m.licence, m.parameters,
      m.dtype, m.architecture, m.context_length, m.downloads, m.downloads_all_time, m.likes, m.trending, m.sha, m.gated,
      m.tags, m.languages, m.relations, m.generation, m.descendants, m.base_models, m.new_version,
      m.novelty, m.novelty_class, m.ability, m.standards
    ], found
  ]) AS page
}
RETURN [size(everyone), page] AS answer
