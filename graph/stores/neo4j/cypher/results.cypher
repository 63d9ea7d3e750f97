// What did this model get on which benchmark?
// Parameters:
//   $id   'org/model'
// Row: a list of results, properties in the order of graph.records.ResultRecord
MATCH (m:Model {id: $id})-[e:SCORED]->(b:Benchmark)
WITH m.id AS model, b.name AS benchmark, e
ORDER BY benchmark, e.setting, e.source
RETURN collect([
  model, benchmark, e.setting, e.source, e.metric, e.value, e.fraction, e.items, e.grade, e.revision
]) AS answer
