"""Forms that a subset is written in for other tools: a file each, all from the lock alone but the snapshot."""
