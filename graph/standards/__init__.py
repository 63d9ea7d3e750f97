"""The standards that come with Stemma: TOML files of rules. ``graph.standard`` says what they mean."""
