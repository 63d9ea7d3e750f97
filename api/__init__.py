"""How Stemma tells: GraphQL, REST, and the command line."""
