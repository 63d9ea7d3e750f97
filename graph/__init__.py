"""What Stemma knows: records, tables, snapshots, and the stores that answer questions about them."""
