// What are questions answered by, ours and those of whoever writes Cypher? Made before a change is loaded, but after the first load:
// filling an index in one pass costs a third of keeping it up to date through millions of single rows.
// Parameters: none
// Row: none
CREATE INDEX stemma_model_hub_id IF NOT EXISTS FOR (n:Model) ON (n.hub_id);
CREATE INDEX stemma_model_id_lower IF NOT EXISTS FOR (n:Model) ON (n.id_lower);
CREATE INDEX stemma_model_author IF NOT EXISTS FOR (n:Model) ON (n.author);
CREATE INDEX stemma_model_downloads IF NOT EXISTS FOR (n:Model) ON (n.downloads);
CREATE INDEX stemma_model_task IF NOT EXISTS FOR (n:Model) ON (n.task);
CREATE INDEX stemma_model_library IF NOT EXISTS FOR (n:Model) ON (n.library);
CREATE INDEX stemma_model_licence IF NOT EXISTS FOR (n:Model) ON (n.licence);
CREATE INDEX stemma_model_copies_of IF NOT EXISTS FOR (n:Model) ON (n.copies_of);
CREATE INDEX stemma_model_quants_of IF NOT EXISTS FOR (n:Model) ON (n.quants_of);
CREATE INDEX stemma_model_family_of IF NOT EXISTS FOR (n:Model) ON (n.family_of);
CREATE INDEX stemma_dataset_id_lower IF NOT EXISTS FOR (n:Dataset) ON (n.id_lower);
CREATE INDEX stemma_alias_alias IF NOT EXISTS FOR (n:Alias) ON (n.alias);
CREATE INDEX stemma_alias_alias_lower IF NOT EXISTS FOR (n:Alias) ON (n.alias_lower);
CREATE INDEX stemma_file_sha256 IF NOT EXISTS FOR (n:File) ON (n.sha256);
CREATE INDEX stemma_derived_contradicts IF NOT EXISTS FOR ()-[e:DERIVED_FROM]-() ON (e.contradicts);
