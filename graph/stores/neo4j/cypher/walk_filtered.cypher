// Which models lie around this one, over derivations of some relation and evidence?
// Parameters:
//   $id                'org/model'
//   $relations         ['finetune']   or null for any
//   $evidence          ['hub']        or null for any
//   $up                true  whether ancestors are asked for
//   $down              true  whether descendants are
//   $depth             3     the farthest that are shown
//   $limit             500   the most nodes of each side
//   $edges             true  whether derivations are wanted
//   $degrees           true  whether numbers of derived models are
//   $fields            ['downloads']  properties wanted of each model that is shown
// Row: a list of
//   whether the model lies on a cycle (both sides may then name the same model),
//   the total of ancestors and of descendants at any distance,
//   the distances of shown ancestors and of shown descendants, both by distance, downloads and name,
//   the shown models (root, ancestors, descendants) as [id, number of derived models, properties],
//   and all derivations of shown models, by model and base model
MATCH (root:Model {id: $id})
CALL (root) {
  WITH root WHERE $up
  MATCH p = (root)-[:DERIVED_FROM*1..]->(m:Model)
    WHERE all(e IN relationships(p) WHERE
      ($relations IS NULL OR e.relation IN $relations)
      AND ($evidence IS NULL OR any(v IN e.evidence WHERE v IN $evidence)))
  WITH root, m, min(length(p)) AS distance
  WHERE m <> root
  WITH m, distance
  ORDER BY distance, m.downloads_key, m.id
  WITH collect([m, distance]) AS reached
  RETURN size(reached) AS ancestor_total, [r IN reached WHERE r[1] <= $depth][..$limit] AS ancestors
}
CALL (root) {
  WITH root WHERE $down
  MATCH p = (root)<-[:DERIVED_FROM*1..]-(m:Model)
    WHERE all(e IN relationships(p) WHERE
      ($relations IS NULL OR e.relation IN $relations)
      AND ($evidence IS NULL OR any(v IN e.evidence WHERE v IN $evidence)))
  WITH root, m, min(length(p)) AS distance
  WHERE m <> root
  WITH m, distance
  ORDER BY distance, m.downloads_key, m.id
  WITH collect([m, distance]) AS reached
  RETURN size(reached) AS descendant_total, [r IN reached WHERE r[1] <= $depth][..$limit] AS descendants
}
WITH *, [root] + [r IN ancestors | r[0]] + [r IN descendants | r[0]] AS shown
CALL (shown) {
  WITH shown WHERE $edges
  UNWIND shown AS n
  WITH DISTINCT n
  MATCH (n)-[e:DERIVED_FROM]->(b:Model)
  WHERE ($relations IS NULL OR e.relation IN $relations)
      AND ($evidence IS NULL OR any(v IN e.evidence WHERE v IN $evidence))
  WITH n.id AS model, b.id AS base_model, e
  ORDER BY model, base_model
  RETURN collect([model, base_model, e.relation, e.evidence, e.confidence, e.conflict, e.cycle]) AS edges
}
CALL (shown) {
  UNWIND shown AS n
  RETURN collect([
    n.id,
    CASE WHEN $degrees THEN COUNT {
      (n)<-[e:DERIVED_FROM]-()
      WHERE ($relations IS NULL OR e.relation IN $relations)
        AND ($evidence IS NULL OR any(v IN e.evidence WHERE v IN $evidence))
    } ELSE 0 END,
    [k IN $fields | n[k]]
  ]) AS models
}
RETURN [
  EXISTS { (root)-[:DERIVED_FROM {cycle: true}]->() },
  ancestor_total, descendant_total,
  [r IN ancestors | r[1]], [r IN descendants | r[1]], models,
  edges
] AS answer
