// What are questions answered by? Made before a change is loaded, but after the first load: filling an index in one pass
// costs a third of keeping it up to date through millions of single rows.
// Parameters: none
// Row: none
CREATE INDEX stemma_model_hub_id IF NOT EXISTS FOR (n:Model) ON (n.hub_id);
CREATE INDEX stemma_model_id_lower IF NOT EXISTS FOR (n:Model) ON (n.id_lower);
CREATE INDEX stemma_model_author IF NOT EXISTS FOR (n:Model) ON (n.author);
CREATE INDEX stemma_model_downloads IF NOT EXISTS FOR (n:Model) ON (n.downloads_key, n.id);
CREATE INDEX stemma_model_likes IF NOT EXISTS FOR (n:Model) ON (n.likes_key, n.id);
CREATE INDEX stemma_model_trending IF NOT EXISTS FOR (n:Model) ON (n.trending_key, n.id);
CREATE INDEX stemma_model_created IF NOT EXISTS FOR (n:Model) ON (n.created_key, n.id);
CREATE INDEX stemma_model_modified IF NOT EXISTS FOR (n:Model) ON (n.modified_key, n.id);
CREATE INDEX stemma_model_parameters IF NOT EXISTS FOR (n:Model) ON (n.parameters_key, n.id);
CREATE INDEX stemma_model_novelty IF NOT EXISTS FOR (n:Model) ON (n.novelty_key, n.id);
CREATE INDEX stemma_model_ability IF NOT EXISTS FOR (n:Model) ON (n.ability_key, n.id);
CREATE INDEX stemma_model_standing IF NOT EXISTS FOR (n:Model) ON (n.standing_key, n.id);
CREATE INDEX stemma_model_task IF NOT EXISTS FOR (n:Model) ON (n.task, n.downloads_key, n.id);
CREATE INDEX stemma_model_library IF NOT EXISTS FOR (n:Model) ON (n.library, n.downloads_key, n.id);
CREATE INDEX stemma_model_licence IF NOT EXISTS FOR (n:Model) ON (n.licence, n.downloads_key, n.id);
CREATE INDEX stemma_model_copies_of IF NOT EXISTS FOR (n:Model) ON (n.copies_of);
CREATE INDEX stemma_model_quants_of IF NOT EXISTS FOR (n:Model) ON (n.quants_of);
CREATE INDEX stemma_model_family_of IF NOT EXISTS FOR (n:Model) ON (n.family_of);
CREATE INDEX stemma_dataset_id_lower IF NOT EXISTS FOR (n:Dataset) ON (n.id_lower);
CREATE INDEX stemma_alias_alias IF NOT EXISTS FOR (n:Alias) ON (n.alias);
CREATE INDEX stemma_alias_alias_lower IF NOT EXISTS FOR (n:Alias) ON (n.alias_lower);
CREATE INDEX stemma_file_sha256 IF NOT EXISTS FOR (n:File) ON (n.sha256);
CREATE INDEX stemma_derived_contradicts IF NOT EXISTS FOR ()-[e:DERIVED_FROM]-() ON (e.contradicts);
CREATE TEXT INDEX stemma_model_text IF NOT EXISTS FOR (n:Model) ON (n.id_lower);
