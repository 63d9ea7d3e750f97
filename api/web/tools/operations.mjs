// This file knows how the operations in src/**/*.graphql become typed documents: each is validated against api/schema.graphql, and its
// variables and its answer are written out as TypeScript in src/operations.ts. Fragments are written into the operations that use them,
// and have types of their own for the components that show them.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  buildSchema,
  concatAST,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isListType,
  isNonNullType,
  isUnionType,
  Kind,
  parse,
  print,
  typeFromAST,
  validate,
} from "graphql";

const web = join(dirname(fileURLToPath(import.meta.url)), "..");
const schema = buildSchema(readFileSync(join(web, "../schema.graphql"), "utf8"));
const SCALARS = {
  ID: "string",
  String: "string",
  Int: "number",
  Float: "number",
  Boolean: "boolean",
  Long: "number",
  DateTime: "string",
  JSON: "unknown",
};

const files = readdirSync(join(web, "src"), { recursive: true }).filter((name) => name.endsWith(".graphql"));
const documents = files.sort().map((name) => parse(readFileSync(join(web, "src", name), "utf8")));
const all = concatAST(documents);
const faults = validate(schema, all).filter((fault) => !/is never used/.test(fault.message));
if (faults.length > 0) {
  for (const fault of faults) console.error(String(fault));
  process.exit(1);
}
const fragments = new Map(
  all.definitions.filter((d) => d.kind === Kind.FRAGMENT_DEFINITION).map((d) => [d.name.value, d]),
);
const named = new Set();

function scalar(type) {
  named.add(type.name);
  return SCALARS[type.name] ?? type.name;
}

/** The TypeScript of a value that is read. */
function read(type, selections) {
  if (isNonNullType(type)) return bare(type.ofType, selections);
  return `${bare(type, selections)} | null`;
}

function bare(type, selections) {
  if (isListType(type)) {
    const inner = read(type.ofType, selections);
    return inner.includes(" | ") && !inner.startsWith("{")
      ? `(${inner})[]`
      : `${inner.endsWith("| null") ? `(${inner})` : inner}[]`;
  }
  return selections ? object(type, selections) : scalar(type);
}

/** The fields of selections on one type, with fragments written in. */
function fieldsOf(type, selections, found = new Map()) {
  for (const node of selections) {
    if (node.kind === Kind.FRAGMENT_SPREAD)
      fieldsOf(type, fragments.get(node.name.value).selectionSet.selections, found);
    else if (node.kind === Kind.INLINE_FRAGMENT) {
      const on = node.typeCondition?.name.value;
      if (!on || on === type.name) fieldsOf(type, node.selectionSet.selections, found);
    } else {
      const key = node.alias?.value ?? node.name.value;
      const before = found.get(key);
      const inner = [...(before?.inner ?? []), ...(node.selectionSet?.selections ?? [])];
      found.set(key, { name: node.name.value, inner });
    }
  }
  return found;
}

function object(type, selections) {
  const kinds = isUnionType(type) || isInterfaceType(type) ? schema.getPossibleTypes(type) : [type];
  return kinds.map((kind) => one(kind, selections)).join(" | ");
}

function one(type, selections) {
  const lines = [];
  for (const [key, { name, inner }] of fieldsOf(type, selections)) {
    if (name === "__typename") lines.push(`${key}: "${type.name}"`);
    else lines.push(`${key}: ${read(type.getFields()[name].type, inner.length > 0 ? inner : undefined)}`);
  }
  return `{ ${lines.join("; ")} }`;
}

/** The TypeScript of a value that is given. */
function given(type) {
  if (isNonNullType(type)) return givenBare(type.ofType);
  return `${givenBare(type)} | null`;
}

function givenBare(type) {
  if (isListType(type)) return `(${given(type.ofType)})[]`;
  return scalar(type);
}

function variables(operation) {
  const lines = (operation.variableDefinitions ?? []).map((node) => {
    const type = typeFromAST(schema, node.type);
    const optional = !isNonNullType(type) || node.defaultValue !== undefined;
    return `${node.variable.name.value}${optional ? "?" : ""}: ${given(type)}`;
  });
  return lines.length > 0 ? `{ ${lines.join("; ")} }` : "Record<string, never>";
}

function used(node, found = new Set()) {
  for (const inner of node.selectionSet?.selections ?? []) {
    if (inner.kind === Kind.FRAGMENT_SPREAD && !found.has(inner.name.value)) {
      found.add(inner.name.value);
      used(fragments.get(inner.name.value), found);
    } else used(inner, found);
  }
  return found;
}

const body = [];
for (const [name, node] of fragments) {
  const type = schema.getType(node.typeCondition.name.value);
  body.push(`export type ${name} = ${object(type, node.selectionSet.selections)};`);
}
for (const node of all.definitions.filter((d) => d.kind === Kind.OPERATION_DEFINITION)) {
  const name = node.name.value;
  const text = [print(node), ...[...used(node)].map((fragment) => print(fragments.get(fragment)))].join("\n\n");
  body.push(`export type ${name}Answer = ${object(schema.getQueryType(), node.selectionSet.selections)};`);
  body.push(`export type ${name}Variables = ${variables(node)};`);
  body.push(
    `export const ${name}: Operation<${name}Answer, ${name}Variables> = { name: "${name}", text: ${JSON.stringify(text)} };`,
  );
}
const kinds = [];
const told = new Set();
while (told.size < named.size) {
  for (const name of [...named].filter((each) => !told.has(each))) {
    told.add(name);
    const type = schema.getType(name);
    if (isEnumType(type))
      kinds.push(
        `export type ${name} = ${type
          .getValues()
          .map((v) => `"${v.name}"`)
          .join(" | ")};`,
      );
    if (isInputObjectType(type)) {
      const lines = Object.values(type.getFields()).map(
        (f) => `${f.name}${isNonNullType(f.type) ? "" : "?"}: ${given(f.type)}`,
      );
      kinds.push(`export type ${name} = { ${lines.join("; ")} };`);
    }
  }
}
const head = "// Written by tools/operations.mjs from the schema and the .graphql files; not kept in git.\n";
const kind =
  "export type Operation<Answer, Variables> = { name: string; text: string; answer?: Answer; variables?: Variables };";
writeFileSync(join(web, "src/operations.ts"), `${head}${kind}\n${kinds.sort().join("\n")}\n${body.join("\n")}\n`);
