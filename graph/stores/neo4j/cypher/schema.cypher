// What keeps names unique? Made before the first row, because loading looks nodes up by these.
// Parameters: none
// Row: none
CREATE CONSTRAINT stemma_catalogue IF NOT EXISTS FOR (c:Catalogue) REQUIRE c.key IS UNIQUE;
CREATE CONSTRAINT stemma_model IF NOT EXISTS FOR (m:Model) REQUIRE m.id IS UNIQUE;
CREATE CONSTRAINT stemma_dataset IF NOT EXISTS FOR (d:Dataset) REQUIRE d.id IS UNIQUE;
CREATE CONSTRAINT stemma_weights IF NOT EXISTS FOR (w:Weights) REQUIRE w.digest IS UNIQUE;
CREATE CONSTRAINT stemma_benchmark IF NOT EXISTS FOR (b:Benchmark) REQUIRE b.name IS UNIQUE;
CREATE CONSTRAINT stemma_alias IF NOT EXISTS FOR (a:Alias) REQUIRE (a.alias, a.id) IS UNIQUE;
CREATE CONSTRAINT stemma_file IF NOT EXISTS FOR (f:File) REQUIRE (f.model, f.path) IS UNIQUE;
CREATE CONSTRAINT stemma_tensor IF NOT EXISTS FOR (t:Tensor) REQUIRE t.digest IS UNIQUE;
CREATE CONSTRAINT stemma_arrays IF NOT EXISTS FOR (a:Arrays) REQUIRE (a.file, a.part) IS UNIQUE;
