"""Lists of models, chosen, ordered, folded and counted in process, by arrays that are made once for a snapshot."""
