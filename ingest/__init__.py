"""How Stemma learns: fetch, parse, resolve, enrich, and write a snapshot."""
