"""The map of all models: families as discs on continents, computed once a snapshot, without chance and without a simulation."""
