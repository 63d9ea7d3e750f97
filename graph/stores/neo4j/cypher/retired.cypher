// Which indexes did earlier forms of a graph have that no question is answered by any more?
// Parameters: none
// Row: none
DROP INDEX stemma_model_downloads IF EXISTS;
DROP INDEX stemma_model_likes IF EXISTS;
DROP INDEX stemma_model_trending IF EXISTS;
DROP INDEX stemma_model_created IF EXISTS;
DROP INDEX stemma_model_modified IF EXISTS;
DROP INDEX stemma_model_parameters IF EXISTS;
DROP INDEX stemma_model_novelty IF EXISTS;
DROP INDEX stemma_model_ability IF EXISTS;
DROP INDEX stemma_model_standing IF EXISTS;
DROP INDEX stemma_model_task IF EXISTS;
DROP INDEX stemma_model_library IF EXISTS;
DROP INDEX stemma_model_licence IF EXISTS;
DROP INDEX stemma_model_text IF EXISTS;
DROP CONSTRAINT stemma_members IF EXISTS;
DROP CONSTRAINT stemma_lists IF EXISTS;
