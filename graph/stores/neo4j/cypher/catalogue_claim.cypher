// Who may write now? Marks the graph as not whole, so that nothing is served from it until the load has ended.
// Parameters:
//   $run       'b1f0...'     this load; a load that came before stops at its next batch
//   $snapshot  '9f86d0...'   the snapshot that it brings
// Row: the run
MERGE (c:Catalogue {key: 'catalogue'})
SET c.run = $run, c.state = 'loading', c.loading = $snapshot
RETURN c.run AS run
