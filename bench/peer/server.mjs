// The usual way to put GraphQL on Neo4j, to be measured beside: @neo4j/graphql with graphql-yoga, over the graph that `stemma load`
// wrote. BOLT names the database, PORT where to listen; prints one line when it answers.
import { createServer } from "node:http";
import { Neo4jGraphQL } from "@neo4j/graphql";
import { createYoga } from "graphql-yoga";
import neo4j from "neo4j-driver";

const walk = (arrow, order) => `
  MATCH p = (m:Model {id: $id})${arrow}(x:Model)
  WITH x, min(length(p)) AS distance ORDER BY ${order} LIMIT 1000
  RETURN {id: x.id, downloads: x.downloads, likes: x.likes, task: x.task, distance: distance} AS row`;

const typeDefs = `#graphql
  type Model @node {
    id: String!
    author: String
    task: String
    library: String
    licence: String
    downloads: BigInt
    likes: BigInt
    created_at: BigInt
    parameters: BigInt
    gated: String
    architecture: String
    sha: String
    baseModels: [Model!]! @relationship(type: "DERIVED_FROM", direction: OUT, properties: "Derivation")
    derivedModels: [Model!]! @relationship(type: "DERIVED_FROM", direction: IN, properties: "Derivation")
  }
  type Derivation @relationshipProperties {
    relation: String
  }
  type Row {
    id: String
    downloads: BigInt
    likes: BigInt
    task: String
    distance: BigInt
  }
  type Query {
    ancestors(id: String!): [Row!]!
      @cypher(statement: """${walk("-[:DERIVED_FROM*1..20]->", "distance, x.id")}""", columnName: "row")
    descendants(id: String!): [Row!]!
      @cypher(
        statement: """${walk("<-[:DERIVED_FROM*1..20]-", "distance, x.downloads DESC, x.id")}"""
        columnName: "row"
      )
  }
`;

const driver = neo4j.driver(process.env.BOLT);
const schema = await new Neo4jGraphQL({ typeDefs, driver }).getSchema();
const port = Number(process.env.PORT);
createServer(createYoga({ schema, logging: false })).listen(port, "127.0.0.1", () => console.log(`http://127.0.0.1:${port}`));
