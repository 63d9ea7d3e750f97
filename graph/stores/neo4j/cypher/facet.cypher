// How many models that pass a filter have each value of a facet?
// Parameters:
//   $facet           'task'                   task, library, licence, author, state, relation, evidence, domain, year, size, novelty or family
//   $sizes           [['<1B', 1000000000], ['>=1B', null]]   size classes with their exclusive upper bounds
//   $evidences       ['hub', 'weights']       every kind of evidence
//   $first           50
//   $lead            'author'                 the filter that is answered by an index: dataset, author, text, task, library, licence or all
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
// Row: a list of [value, count], by count, then value; null is unknown and the last of equals
CALL () {
  WITH 1 AS one WHERE $lead = 'dataset'
  MATCH (m:Model)-[:TRAINED_ON]->(:Dataset {id: $where.dataset})
  RETURN m
  UNION ALL
  WITH 1 AS one WHERE $lead = 'author'
  MATCH (m:Model)
  USING INDEX m:Model(author)
  WHERE m.author IN $where.authors
  RETURN m
  UNION ALL
  WITH 1 AS one WHERE $lead = 'text'
  MATCH (m:Model)
  USING TEXT INDEX m:Model(id_lower)
  WHERE m.id_lower CONTAINS $where.text
  RETURN m
  UNION ALL
  WITH 1 AS one WHERE $lead = 'task'
  MATCH (m:Model)
  USING INDEX m:Model(task, downloads_key, id)
  WHERE m.task IN $where.tasks AND m.downloads_key IS NOT NULL AND m.id IS NOT NULL
  RETURN m
  UNION ALL
  WITH 1 AS one WHERE $lead = 'library'
  MATCH (m:Model)
  USING INDEX m:Model(library, downloads_key, id)
  WHERE m.library IN $where.libraries AND m.downloads_key IS NOT NULL AND m.id IS NOT NULL
  RETURN m
  UNION ALL
  WITH 1 AS one WHERE $lead = 'licence'
  MATCH (m:Model)
  USING INDEX m:Model(licence, downloads_key, id)
  WHERE m.licence IN $where.licences AND m.downloads_key IS NOT NULL AND m.id IS NOT NULL
  RETURN m
  UNION ALL
  WITH 1 AS one WHERE $lead = 'all'
  MATCH (m:Model)
  RETURN m
}
WITH m
WHERE ($where.text IS NULL OR m.id_lower CONTAINS $where.text)
  AND ($where.tasks IS NULL OR m.task IN $where.tasks)
  AND ($where.libraries IS NULL OR m.library IN $where.libraries)
  AND ($where.licences IS NULL OR m.licence IN $where.licences)
  AND ($where.authors IS NULL OR m.author IN $where.authors)
  AND ($where.states IS NULL OR m.state IN $where.states)
  AND ($where.relations IS NULL OR any(r IN coalesce(m.relations, ['root']) WHERE r IN $where.relations))
  AND ($where.evidence IS NULL OR EXISTS { (m)-[d:DERIVED_FROM]->() WHERE any(e IN d.evidence WHERE e IN $where.evidence) })
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
UNWIND CASE $facet
  WHEN 'task' THEN [m.task]
  WHEN 'library' THEN [m.library]
  WHEN 'licence' THEN [m.licence]
  WHEN 'author' THEN [m.author]
  WHEN 'state' THEN [m.state]
  WHEN 'relation' THEN coalesce(m.relations, ['root'])
  WHEN 'evidence' THEN [e IN $evidences WHERE EXISTS { (m)-[d:DERIVED_FROM]->() WHERE e IN d.evidence }]
  WHEN 'domain' THEN m.domains
  WHEN 'novelty' THEN [m.novelty_class]
  WHEN 'family' THEN [coalesce(m.family_of, m.id)]
  WHEN 'year' THEN [CASE WHEN m.created_at IS NULL THEN null ELSE toString(datetime({epochMillis: m.created_at}).year) END]
  ELSE [CASE WHEN m.parameters IS NULL THEN null ELSE head([s IN $sizes WHERE s[1] IS NULL OR m.parameters < s[1] | s[0]]) END]
END AS value
WITH value, count(*) AS models
ORDER BY models DESC, value
LIMIT $first
RETURN collect([value, models]) AS answer
