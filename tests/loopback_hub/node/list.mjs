// What does the Hub's JavaScript client list? `node list.mjs http://127.0.0.1:PORT` prints {"models": [...], "datasets": [...]}, names
// in the order in which they came, repeated ones too.
import { listDatasets, listModels } from "@huggingface/hub";

const [hubUrl] = process.argv.slice(2);

async function names(rows) {
  const found = [];
  for await (const row of rows) found.push(row.name);
  return found;
}

const models = await names(listModels({ hubUrl, additionalFields: ["author", "tags", "createdAt"] }));
const datasets = await names(listDatasets({ hubUrl, additionalFields: ["tags"] }));
console.log(JSON.stringify({ models, datasets }));
