/** This file knows the list of what is drawn, for those who would rather read. */
import { count, relation, short } from "../../words";
import type { Drawn } from "./drawn";
import type { Scene } from "./layout";

export function List({ scene, drawn, select }: { scene: Scene; drawn: Drawn; select(key: string): void }) {
  const rows = scene.items.flatMap((item) => {
    const node = item.model === null ? undefined : drawn.nodes.get(item.model);
    return node ? [{ item, node }] : [];
  });
  return (
    <section class="list" aria-label="What is drawn, as a list">
      <h2>{count(rows.length)} models drawn</h2>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reached by the keyboard */}
      <div class="rows" tabIndex={0} role="region" aria-label="Models drawn">
        <table>
          <thead>
            <tr>
              <th scope="col">Model</th>
              <th scope="col">Relation</th>
              <th scope="col" class="number">
                Generation
              </th>
              <th scope="col" class="number">
                Downloads
              </th>
              <th scope="col" class="number">
                Descendants
              </th>
            </tr>
          </thead>
          <tbody>
            {rows.map(({ item, node }) => (
              <tr key={node.id}>
                <th scope="row">
                  <button type="button" class="plain" onClick={() => select(item.key)}>
                    {node.id}
                  </button>
                </th>
                <td>{item.relation === null ? "origin" : relation(item.relation)}</td>
                <td class="number">{item.column}</td>
                <td class="number">{node.downloads === null ? "" : short(node.downloads)}</td>
                <td class="number">{count(node.descendants)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}
