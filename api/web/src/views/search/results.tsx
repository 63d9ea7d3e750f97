/** This file knows the table of results: a row a model, arrow keys from row to row, a box to put a model aside for comparing. */
import { modelAddress } from "../../addresses";
import type { Row } from "../../operations";
import { State } from "../../parts/state";
import { toggle, tray } from "../../tray";
import { count } from "../../words";
import type { Column } from "./columns";

interface Found {
  /** How many others of its group are folded under it. */
  folded: number;
  node: Row;
}

export function Results({ rows, columns }: { rows: readonly Found[]; columns: readonly Column[] }) {
  const aside = tray.use();
  return (
    <div class="wide">
      <table class="results" onKeyDown={walk}>
        <thead>
          <tr>
            <th scope="col" class="pick">
              <span class="unseen">Compare</span>
            </th>
            <th scope="col">Model</th>
            {columns.map(({ key, words, number }) => (
              <th key={key} scope="col" class={number ? "number" : undefined}>
                {words}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(({ node: model, folded }) => (
            <tr key={model.id} class={model.state.toLowerCase()}>
              <td class="pick">
                <input
                  type="checkbox"
                  aria-label={`Compare ${model.id}`}
                  checked={aside.includes(model.id)}
                  onChange={() => toggle(model.id)}
                />
              </td>
              <th scope="row">
                <a class="id" href={modelAddress(model.id)}>
                  {model.id}
                </a>
                <State name={model.state} />
                {folded > 0 && <span class="folded">+{count(folded)} folded</span>}
              </th>
              {columns.map(({ key, words, number, show }) => (
                <td key={key} data-words={words} class={number ? `number ${key}` : key}>
                  {show(model)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** Up and down go from model to model; up from the first goes to the box. */
function walk(event: KeyboardEvent & { currentTarget: HTMLTableElement }): void {
  const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
  if (step === 0 || !(event.target instanceof HTMLAnchorElement)) return;
  const links = [...event.currentTarget.querySelectorAll<HTMLAnchorElement>("a.id")];
  const here = links.indexOf(event.target);
  if (here < 0) return;
  event.preventDefault();
  const next = links[here + step];
  if (next) next.focus();
  else if (step < 0) document.querySelector<HTMLInputElement>("#search-box")?.focus();
}
