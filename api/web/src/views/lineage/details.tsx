/** This file knows what is said beside the picture of the model that was chosen in it. */
import { lineageAddress, modelAddress } from "../../addresses";
import { count, day, evidence, noveltyAtLength, relation, short } from "../../words";
import type { Edge, Node } from "./graph";

interface Props {
  node: Node;
  /** Its derivations towards models that are drawn. */
  bases: readonly Edge[];
  focus: string;
  hidden: number;
  opened: boolean;
  toggle(): void;
  pathTo(): void;
  close(): void;
}

const list = (words: readonly string[]): string =>
  words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} and ${words[words.length - 1]}`;

export function Details({ node, bases, focus, hidden, opened, toggle, pathTo, close }: Props) {
  return (
    <section class="details" aria-label={`About ${node.id}`}>
      <div class="head">
        <h2>{node.id}</h2>
        <button type="button" class="plain" onClick={close}>
          Close
        </button>
      </div>
      {node.state === "MISSING" && <p>Named by other models, never seen itself.</p>}
      {node.state === "GONE" && <p>It was on the Hub once and is gone.</p>}
      <dl>
        {node.created !== null && (
          <>
            <dt>Made</dt>
            <dd>{day(new Date(node.created).toISOString())}</dd>
          </>
        )}
        {node.downloads !== null && (
          <>
            <dt>Downloads</dt>
            <dd>{short(node.downloads)} a month</dd>
          </>
        )}
        {node.licence !== null && (
          <>
            <dt>Licence</dt>
            <dd>{node.licence}</dd>
          </>
        )}
        <dt>Descendants</dt>
        <dd>{count(node.descendants)}</dd>
        {node.kind !== null && (
          <>
            <dt>Novelty</dt>
            <dd>
              {node.novelty !== null && `${Math.round(node.novelty)} of 100, `}
              {noveltyAtLength(node.kind)}
            </dd>
          </>
        )}
      </dl>
      {bases.length > 0 && (
        <ul class="plain-list">
          {bases.map((edge) => (
            <li key={edge.base}>
              {relation(edge.relation)} of <strong>{edge.base}</strong>, says {list(edge.evidence.map(evidence))}
              {edge.confidence !== null && ` (probability ${edge.confidence.toFixed(2)})`}
              {edge.cosine !== null && `; weights alike to ${edge.cosine.toFixed(3)}`}
              {edge.conflict && <span class="conflict"> – claims disagree</span>}
            </li>
          ))}
        </ul>
      )}
      <div class="actions">
        {(hidden > 0 || opened) && (
          <button type="button" onClick={toggle}>
            {hidden > 0 ? `Show what was made from it (${count(hidden)} not drawn)` : "Fold what was made from it"}
          </button>
        )}
        {node.id !== focus && (
          <button type="button" onClick={pathTo}>
            Path from {focus}
          </button>
        )}
        <a href={modelAddress(node.id)}>Its page</a>
        {node.id !== focus && <a href={lineageAddress(node.id)}>Its own lineage</a>}
      </div>
    </section>
  );
}
