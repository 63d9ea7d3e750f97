// Which models have weights like this one's?
// Parameters:
//   $id      'org/model'
//   $limit   10
// Row: a list of [model, other, cosine, relative distance, shared fraction, components, their cosines, method, p-value], the most
//   alike first
MATCH (m:Model {id: $id})-[e:SIMILAR_TO]->(o:Model)
WITH m.id AS model, o.id AS other, e
ORDER BY e.cosine DESC, other
LIMIT $limit
RETURN collect([
  model, other, e.cosine, e.relative_distance, e.shared_fraction, e.components, e.component_cosines, e.method, e.p_value
]) AS answer
