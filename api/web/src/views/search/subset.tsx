/** This file knows what a subset of the view would be: its numbers before anything is made, its query, and its tables to save. */
import { useAnswer } from "../../ask";
import { SubsetOf, type SubsetOfAnswer } from "../../operations";
import { Copy } from "../../parts/copy";
import { Failure } from "../../parts/failure";
import { go, withQuery } from "../../place";
import { save } from "../../save";
import { count, several } from "../../words";
import { type Asked, asParameters, MOST, sizeOf } from "./taken";
import { filterOf, type Wanted } from "./wanted";

const USUAL = 100;
const LICENCES = 6;
const TABLES = ["csv", "jsonl", "parquet"] as const;

type Counted = SubsetOfAnswer["subset"];

export function SubsetButton({ open, total }: { open: boolean; total: number }) {
  if (total === 0) return null;
  return (
    <button
      type="button"
      aria-expanded={open}
      onClick={() => go(open ? closed() : withQuery({ limit: String(Math.min(total, USUAL)) }))}
    >
      Make a subset
    </button>
  );
}

const closed = (): string => withQuery({ limit: null, ancestors: null, descendants: null });

export function Subset({ wanted, asked, query }: { wanted: Wanted; asked: Asked; query: URLSearchParams }) {
  const { data, error, loading, again } = useAnswer(SubsetOf, {
    filter: filterOf(wanted),
    orderBy: wanted.order,
    collapse: wanted.collapse,
    ...asked,
  });
  const found = data?.subset;
  const parameters = asParameters(query);
  const address = `${location.origin}/?${parameters}`;
  const command = `stemma subset create '${address}'`;
  return (
    <section class="subset" aria-labelledby="subset-title" aria-busy={loading}>
      <div class="head">
        <h2 id="subset-title">A subset of this view</h2>
        <button type="button" class="plain" onClick={() => go(closed())}>
          Close
        </button>
      </div>
      <div class="asked">
        <label>
          The first{" "}
          <input
            type="number"
            min={1}
            max={MOST}
            value={asked.limit}
            onChange={(event) => {
              const limit = Math.round(event.currentTarget.valueAsNumber);
              if (limit >= 1) go(withQuery({ limit: String(Math.min(limit, MOST)) }), { replace: true });
            }}
          />{" "}
          {wanted.collapse ? "rows" : "models"}, in this order
        </label>
        <Also words="and all that they were made from" name="ancestors" on={asked.ancestors} />
        <Also words="and all that was made from them" name="descendants" on={asked.descendants} />
      </div>
      {error && <Failure error={error} again={again} />}
      {!found && !error && <p class="quiet">Counting …</p>}
      {found && (
        <>
          <div aria-live="polite">
            <Numbers found={found} states={!wanted.chosen.STATE} />
          </div>
          <p class="files">
            Save its models:{" "}
            {TABLES.map((kind) => (
              <a key={kind} href={`/subsets/preview.${kind}?${parameters}`} download={`subset.${kind}`}>
                {{ csv: "CSV", jsonl: "JSON lines", parquet: "Parquet" }[kind]}
              </a>
            ))}
          </p>
          <p class="small">
            To have it again, with its commits, file hashes and licences under one digest:{" "}
            <button type="button" onClick={() => save("subset.toml", found.query, "application/toml")}>
              Save subset.toml
            </button>{" "}
            and run <code>stemma subset create subset.toml</code>; or, as long as this service is here:
          </p>
          <pre class="command">{command}</pre>
          <Copy text={command} words="Copy the command" />
        </>
      )}
    </section>
  );
}

function Also({ words, name, on }: { words: string; name: string; on: boolean }) {
  return (
    <label>
      <input
        type="checkbox"
        checked={on}
        onChange={(event) => go(withQuery({ [name]: event.currentTarget.checked ? "1" : null }), { replace: true })}
      />{" "}
      {words}
    </label>
  );
}

function Numbers({ found, states }: { found: Counted; states: boolean }) {
  const { models, gated, licences, withoutLicence, outside, conflicts } = found;
  const missing = outside.filter(({ state }) => state === "MISSING").length;
  return (
    <dl>
      <dt>Models</dt>
      <dd>
        <strong>{count(models)}</strong>
        {states && <span class="quiet"> that can be fetched</span>}
      </dd>
      <dt>Size</dt>
      <dd>{sizeOf(found)}</dd>
      <dt>Consent</dt>
      <dd>
        {gated === 0 ? "none asks for it" : `${several(gated, "model")} ask${gated === 1 ? "s" : ""} for it first`}
      </dd>
      <dt>Licences</dt>
      <dd>
        {licences
          .slice(0, LICENCES)
          .map(({ licence, count: n }) => `${licence} ${count(n)}`)
          .concat(licences.length > LICENCES ? [`${count(licences.length - LICENCES)} more`] : [])
          .concat(withoutLicence > 0 ? [`none declared ${count(withoutLicence)}`] : [])
          .join(", ")}
      </dd>
      <dt>Base models outside</dt>
      <dd>
        {count(outside.length)}
        {missing > 0 && `, ${count(missing)} of them never seen`}
      </dd>
      {conflicts > 0 && (
        <>
          <dt>Claims disagree</dt>
          <dd class="conflict">about {several(conflicts, "derivation")}</dd>
        </>
      )}
      <dt>Digest</dt>
      <dd>
        <code title={found.digest}>{found.digest.slice(0, 16)}</code>
      </dd>
    </dl>
  );
}
