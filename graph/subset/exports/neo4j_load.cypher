// Loads models.csv and derivations.csv into a Neo4j 5 server. Put both into the server's import folder, then run this script
// with `cypher-shell -f load.cypher` or in the browser. Loading twice changes nothing.
CREATE CONSTRAINT model_id IF NOT EXISTS FOR (model:Model) REQUIRE model.id IS UNIQUE;

LOAD CSV FROM 'file:///models.csv' AS row
CALL (row) {
  MERGE (model:Model {id: row[0]})
  SET model.inside = row[1] = 'true', model.hub_id = row[2], model.author = row[3], model.commit = row[4],
    model.state = row[5], model.gated = row[6], model.licence = row[7], model.licence_where = row[8], model.task = row[9],
    model.library = row[10], model.architecture = row[11], model.parameters = toInteger(row[12]), model.created_at = row[13],
    model.novelty = toFloat(row[14]), model.novelty_class = row[15], model.ability = toFloat(row[16]),
    model.ability_error = toFloat(row[17]), model.files = toInteger(row[18]), model.bytes = toInteger(row[19]), model.why = row[20]
} IN TRANSACTIONS OF 5000 ROWS;

LOAD CSV FROM 'file:///derivations.csv' AS row
CALL (row) {
  MATCH (model:Model {id: row[0]}), (base:Model {id: row[1]})
  MERGE (model)-[edge:DERIVED_FROM]->(base)
  SET edge.relation = row[2], edge.evidence = row[3], edge.inside = row[4] = 'true', edge.conflict = row[5] = 'true',
    edge.cycle = row[6] = 'true'
} IN TRANSACTIONS OF 5000 ROWS;
