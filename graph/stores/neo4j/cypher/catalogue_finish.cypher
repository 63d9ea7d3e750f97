// The graph holds all of the snapshot: from which counts is it described, and may it be served?
// Parameters:
//   $run             'b1f0...'           this load
//   $snapshot        '9f86d0...'         the snapshot that it brought
//   $schema_version  1                   of the snapshot's tables
//   $form            2                   of the graph: graph.stores.neo4j.projection.FORM
//   $coverage        '{"datasets": 3}'   graph.store.Coverage as JSON
// Row: done, 1 unless another load has taken over
MATCH (c:Catalogue {key: 'catalogue', run: $run})
SET c += {
  snapshot: $snapshot, state: 'ready', loading: null, rows: null, schema_version: $schema_version, form: $form,
  coverage: $coverage, loaded_at: datetime()
}
RETURN count(c) AS done
