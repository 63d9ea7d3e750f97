// Which datasets do these models say they were trained on?
// Parameters:
//   $ids   ['org/model']
// Row: a list of [model, dataset, evidence], by model and dataset
UNWIND $ids AS id
MATCH (m:Model {id: id})-[e:TRAINED_ON]->(d:Dataset)
WITH m.id AS model, d.id AS dataset, e
ORDER BY model, dataset
RETURN collect([model, dataset, e.evidence]) AS answer
