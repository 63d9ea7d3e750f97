// In which groups of several are these models, how many of each group pass a filter, and who stands for it? Reads the groups,
// but not where it is the original that stands and that is not asked for.
// Parameters:
//   $ids             ['org/model']            models
//   $fold            'quants'                 copies, quants or family
//   $known           ['org/base']             originals of groups that need not be read again
//   $order           'downloads_key'          the property of the order, whose first passes where the original does not
//   $text            'llama'                  part of the lower-case id; this and all that follow may be null for any
//   $tasks           ['text-generation']
//   $libraries       ['transformers']
//   $licences        ['mit']
//   $authors         ['org']
//   $states          ['listed']
//   $relations       ['root', 'finetune']     'root' is a model without a base model
//   $evidence        ['hub', 'weights']       some claim about a base model of it is known so
//   $parameters_min  1000000000               inclusive
//   $parameters_max  8000000000               inclusive
//   $created_from    1704067200000            ms since 1970, inclusive
//   $created_until   1735689600000            ms since 1970, exclusive
//   $novelty_classes ['light']
//   $novelty_min     40.0                     inclusive
//   $novelty_max     100.0                    inclusive
//   $standards       ['curated']              all of them are met
//   $domains         ['mathematics']          it has results in one of them
//   $dataset         'org/data'               canonical id
// Row: a list of [id of the original, those of $ids that are in its group, how many pass or null when it was not read, who stands
// for it]; of known groups the last two say nothing
UNWIND $ids AS id
MATCH (m:Model {id: id})
WITH id, CASE $fold
  WHEN 'copies' THEN m.copies_of
  WHEN 'quants' THEN m.quants_of
  ELSE m.family_of
END AS original
WHERE original IS NOT NULL
WITH original, collect(id) AS ids
CALL (original) {
  MATCH (o:Model {id: original})
  WHERE ($text IS NULL OR o.id_lower CONTAINS $text)
    AND ($tasks IS NULL OR o.task IN $tasks)
    AND ($libraries IS NULL OR o.library IN $libraries)
    AND ($licences IS NULL OR o.licence IN $licences)
    AND ($authors IS NULL OR o.author IN $authors)
    AND ($states IS NULL OR o.state IN $states)
    AND ($relations IS NULL OR any(r IN coalesce(o.relations, ['root']) WHERE r IN $relations))
    AND ($evidence IS NULL OR EXISTS { (o)-[d:DERIVED_FROM]->() WHERE any(e IN d.evidence WHERE e IN $evidence) })
    AND ($parameters_min IS NULL OR o.parameters >= $parameters_min)
    AND ($parameters_max IS NULL OR o.parameters <= $parameters_max)
    AND ($created_from IS NULL OR o.created_at >= $created_from)
    AND ($created_until IS NULL OR o.created_at < $created_until)
    AND ($novelty_classes IS NULL OR o.novelty_class IN $novelty_classes)
    AND ($novelty_min IS NULL OR o.novelty >= $novelty_min)
    AND ($novelty_max IS NULL OR o.novelty <= $novelty_max)
    AND ($standards IS NULL OR all(s IN $standards WHERE s IN coalesce(o.standards, [])))
    AND ($domains IS NULL OR any(d IN o.domains WHERE d IN $domains))
    AND ($dataset IS NULL OR EXISTS { (o)-[:TRAINED_ON]->(:Dataset {id: $dataset}) })
  RETURN count(o) = 1 AS passes
}
WITH original, ids, passes, NOT original IN $known AND (original IN ids OR NOT passes) AS read
CALL (original, passes, read) {
  CALL (original, read) {
    WITH 1 AS one WHERE $fold = 'copies' AND read
    MATCH (m:Model)
    USING INDEX m:Model(copies_of)
    WHERE m.copies_of = original
    RETURN m
    UNION ALL
    WITH 1 AS one WHERE $fold = 'quants' AND read
    MATCH (m:Model)
    USING INDEX m:Model(quants_of)
    WHERE m.quants_of = original
    RETURN m
    UNION ALL
    WITH 1 AS one WHERE $fold = 'family' AND read
    MATCH (m:Model)
    USING INDEX m:Model(family_of)
    WHERE m.family_of = original
    RETURN m
  }
  WITH passes, m
  WHERE ($text IS NULL OR m.id_lower CONTAINS $text)
    AND ($tasks IS NULL OR m.task IN $tasks)
    AND ($libraries IS NULL OR m.library IN $libraries)
    AND ($licences IS NULL OR m.licence IN $licences)
    AND ($authors IS NULL OR m.author IN $authors)
    AND ($states IS NULL OR m.state IN $states)
    AND ($relations IS NULL OR any(r IN coalesce(m.relations, ['root']) WHERE r IN $relations))
    AND ($evidence IS NULL OR EXISTS { (m)-[d:DERIVED_FROM]->() WHERE any(e IN d.evidence WHERE e IN $evidence) })
    AND ($parameters_min IS NULL OR m.parameters >= $parameters_min)
    AND ($parameters_max IS NULL OR m.parameters <= $parameters_max)
    AND ($created_from IS NULL OR m.created_at >= $created_from)
    AND ($created_until IS NULL OR m.created_at < $created_until)
    AND ($novelty_classes IS NULL OR m.novelty_class IN $novelty_classes)
    AND ($novelty_min IS NULL OR m.novelty >= $novelty_min)
    AND ($novelty_max IS NULL OR m.novelty <= $novelty_max)
    AND ($standards IS NULL OR all(s IN $standards WHERE s IN coalesce(m.standards, [])))
    AND ($domains IS NULL OR any(d IN m.domains WHERE d IN $domains))
    AND ($dataset IS NULL OR EXISTS { (m)-[:TRAINED_ON]->(:Dataset {id: $dataset}) })
  RETURN count(*) AS models, min(CASE WHEN NOT passes THEN [CASE $order
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
RETURN collect([original, ids, CASE WHEN read THEN models END, CASE WHEN passes THEN original ELSE first[1] END]) AS answer
