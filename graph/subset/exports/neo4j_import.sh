#!/bin/sh
# Fills an empty database of a Neo4j 5 server that is stopped. NEO4J_ADMIN names the program, the first argument the database.
set -eu
cd "$(dirname "$0")"
exec "${NEO4J_ADMIN:-neo4j-admin}" database import full "${1:-neo4j}" --overwrite-destination --multiline-fields=true --legacy-style-quoting=true \
  --nodes=Model=models-header.csv,models.csv --relationships=DERIVED_FROM=derivations-header.csv,derivations.csv
