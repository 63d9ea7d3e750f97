// In which groups of several are these models, how many of each group pass a filter, and who stands for it? Reads the groups,
// but neither those that have a table of members, nor where it is the original that stands and that is not asked for.
// Parameters:
//   $of.ids          ['org/model']            models
//   $of.fold         'quants'                 copies, quants or family
//   $of.known        ['org/base']             originals of groups that need not be read again
//   $of.order        'downloads_key'          the property of the order, whose first passes where the original does not
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
// Row: a list of [id of the original, those of $of.ids that are in its group, how many pass or null when it was not read, who stands
// for it or null when that would have had to be read, whether the group has a table of members]
UNWIND $of.ids AS id
MATCH (m:Model {id: id})
WITH id, CASE $of.fold
  WHEN 'copies' THEN m.copies_of
  WHEN 'quants' THEN m.quants_of
  ELSE m.family_of
END AS original
WHERE original IS NOT NULL
WITH original, collect(id) AS ids
CALL (original) {
  MATCH (o:Model {id: original})
  WHERE ($where.text IS NULL OR o.id_lower CONTAINS $where.text)
    AND ($where.tasks IS NULL OR o.task IN $where.tasks)
    AND ($where.libraries IS NULL OR o.library IN $where.libraries)
    AND ($where.licences IS NULL OR o.licence IN $where.licences)
    AND ($where.authors IS NULL OR o.author IN $where.authors)
    AND ($where.states IS NULL OR o.state IN $where.states)
    AND ($where.relations IS NULL OR any(r IN coalesce(o.relations, ['root']) WHERE r IN $where.relations))
    AND ($where.evidence IS NULL OR EXISTS { (o)-[d:DERIVED_FROM]->() WHERE any(e IN d.evidence WHERE e IN $where.evidence) })
    AND ($where.parameters_min IS NULL OR o.parameters >= $where.parameters_min)
    AND ($where.parameters_max IS NULL OR o.parameters <= $where.parameters_max)
    AND ($where.created_from IS NULL OR o.created_at >= $where.created_from)
    AND ($where.created_until IS NULL OR o.created_at < $where.created_until)
    AND ($where.novelty_classes IS NULL OR o.novelty_class IN $where.novelty_classes)
    AND ($where.novelty_min IS NULL OR o.novelty >= $where.novelty_min)
    AND ($where.novelty_max IS NULL OR o.novelty <= $where.novelty_max)
    AND ($where.standards IS NULL OR all(s IN $where.standards WHERE s IN coalesce(o.standards, [])))
    AND ($where.domains IS NULL OR any(d IN o.domains WHERE d IN $where.domains))
    AND ($where.dataset IS NULL OR EXISTS { (o)-[:TRAINED_ON]->(:Dataset {id: $where.dataset}) })
  RETURN count(o) = 1 AS passes
}
WITH original, ids, passes, EXISTS { (:Members {fold: $of.fold, original: original, column: 'ids', part: 0}) } AS large
WITH original, ids, passes, large, NOT large AND NOT original IN $of.known AND (original IN ids OR NOT passes) AS read
CALL (original, passes, read) {
  CALL (original, read) {
    WITH 1 AS one WHERE $of.fold = 'copies' AND read
    MATCH (m:Model)
    USING INDEX m:Model(copies_of)
    WHERE m.copies_of = original
    RETURN m
    UNION ALL
    WITH 1 AS one WHERE $of.fold = 'quants' AND read
    MATCH (m:Model)
    USING INDEX m:Model(quants_of)
    WHERE m.quants_of = original
    RETURN m
    UNION ALL
    WITH 1 AS one WHERE $of.fold = 'family' AND read
    MATCH (m:Model)
    USING INDEX m:Model(family_of)
    WHERE m.family_of = original
    RETURN m
  }
  WITH passes, m
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
  RETURN count(*) AS models, min(CASE WHEN NOT passes THEN [CASE $of.order
    WHEN 'downloads_key' THEN m.downloads_key
    WHEN 'likes_key' THEN m.likes_key
    WHEN 'trending_key' THEN m.trending_key
    WHEN 'created_key' THEN m.created_key
    WHEN 'modified_key' THEN m.modified_key
    WHEN 'novelty_key' THEN m.novelty_key
    WHEN 'ability_key' THEN m.ability_key
    WHEN 'standing_key' THEN m.standing_key
    ELSE m.parameters_key
  END, m.id] END) AS first
}
RETURN collect([original, ids, CASE WHEN read THEN models END, CASE WHEN passes THEN original ELSE first[1] END, large]) AS answer
