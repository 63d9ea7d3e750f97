// Which indexes are not yet filled?
// Parameters: none
// Row: a list of [name, state]; state FAILED will not pass
SHOW INDEXES YIELD name, state
WHERE state <> 'ONLINE'
RETURN collect([name, state]) AS answer
