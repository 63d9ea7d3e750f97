/** This file knows the search: one box with results as you type, facets, order, columns, pages; the address holds it all. */
import { useEffect, useRef } from "preact/hooks";
import { useAnswer } from "../../ask";
import { Numbers, Search } from "../../operations";
import { Failure } from "../../parts/failure";
import { go, usePlace, withQuery } from "../../place";
import { count, several } from "../../words";
import { COLUMNS, prefer, useColumns } from "./columns";
import { FacetList } from "./facets";
import { Results } from "./results";
import { Subset, SubsetButton } from "./subset";
import { askedIn } from "./taken";
import { FACETS, FOLDS, filterOf, further, isAnything, ORDERS, PAGE_ROWS, type Wanted, wantedIn } from "./wanted";

export default function SearchView() {
  const { query } = usePlace();
  const wanted = wantedIn(query);
  const after = wanted.trail.at(-1) ?? null;
  const answer = useAnswer(Search, {
    filter: filterOf(wanted),
    orderBy: wanted.order,
    collapse: wanted.collapse,
    first: PAGE_ROWS,
    after,
  });
  const columns = useColumns(query);
  const subset = askedIn(query);
  const found = answer.data?.models;
  return (
    <>
      <div>
        <h1 class="unseen">Search the catalogue</h1>
        <Box text={query.get("q") ?? ""} />
        {!isAnything(wanted) && <Welcome />}
      </div>
      <div class="columns">
        <aside aria-label="Narrow the search">
          <details open={matchMedia("(min-width: 56rem)").matches}>
            <summary>Narrow the search</summary>
            <FacetList wanted={wanted} />
          </details>
        </aside>
        <section aria-label="Results" aria-busy={answer.loading}>
          <div class="head">
            <p role="status" class="total">
              {found && <strong>{several(found.totalCount, wanted.collapse ? "row" : "model")}</strong>}
              {!found && !answer.error && "Searching …"}
            </p>
            <Fold wanted={wanted} />
            <Order wanted={wanted} />
            {found && <SubsetButton open={subset !== null} total={found.totalCount} />}
            <ColumnChoice shown={columns.map(({ key }) => key)} />
          </div>
          <Chosen wanted={wanted} />
          {subset && <Subset wanted={wanted} asked={subset} query={query} />}
          {answer.error && <Failure error={answer.error} again={answer.again} />}
          {found && found.totalCount > 0 && (
            <>
              <Results rows={found.edges} columns={columns} />
              <Pages trail={wanted.trail} next={found.pageInfo.hasNextPage ? found.pageInfo.endCursor : null} />
            </>
          )}
          {found?.totalCount === 0 && <Nothing wanted={wanted} />}
        </section>
      </div>
    </>
  );
}

function Box({ text }: { text: string }) {
  const box = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (matchMedia("(hover: hover)").matches) box.current?.focus({ preventScroll: true });
    const slash = (event: KeyboardEvent) => {
      const typing = event.target instanceof HTMLElement && event.target.matches("input, textarea, select");
      if (event.key !== "/" || typing || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      box.current?.select();
    };
    addEventListener("keydown", slash);
    return () => removeEventListener("keydown", slash);
  }, []);
  return (
    <form
      role="search"
      onSubmit={(event) => {
        event.preventDefault();
        document.querySelector<HTMLAnchorElement>(".results a.id")?.focus();
      }}
    >
      <label for="search-box" class="unseen">
        Part of a model's name
      </label>
      <input
        id="search-box"
        ref={box}
        type="search"
        value={text}
        maxLength={200}
        autocomplete="off"
        spellcheck={false}
        placeholder="Part of a model's name, for example mistral-7b"
        onInput={(event) => go(withQuery({ q: event.currentTarget.value || null, after: null }), { replace: true })}
        onKeyDown={(event) => {
          if (event.key !== "ArrowDown") return;
          event.preventDefault();
          document.querySelector<HTMLAnchorElement>(".results a.id")?.focus();
        }}
      />
      <kbd title="Press / to come here">/</kbd>
    </form>
  );
}

function Welcome() {
  const { data } = useAnswer(Numbers, {});
  if (!data) return null;
  const { models, derivations, conflicts, sources } = data.catalogue;
  const newest = sources
    .flatMap(({ watermark }) => watermark ?? [])
    .sort()
    .at(-1);
  return (
    <p class="quiet welcome">
      What each of {count(models.reduce((sum, each) => sum + each.count, 0))} models was made from, and what was made
      from it: {count(derivations)} derivations, {count(conflicts)} of them told differently by different sources
      {newest && `; as of ${newest.slice(0, 10)}`}. Open a model to see whether it is a copy, what to use instead of it,
      and whether its licences let you.
    </p>
  );
}

function Order({ wanted }: { wanted: Wanted }) {
  return (
    <label>
      <span class="unseen">Order</span>
      <select
        value={wanted.order}
        onChange={(event) => {
          const order = event.currentTarget.value.toLowerCase();
          go(withQuery({ order: order === "downloads" ? null : order, after: null }));
        }}
      >
        {ORDERS.map(({ order, words }) => (
          <option key={order} value={order}>
            {words}
          </option>
        ))}
      </select>
    </label>
  );
}

function Fold({ wanted }: { wanted: Wanted }) {
  return (
    <label>
      <span class="unseen">Fold</span>
      <select
        value={wanted.collapse ?? ""}
        onChange={(event) => go(withQuery({ fold: event.currentTarget.value.toLowerCase() || null, after: null }))}
      >
        {FOLDS.map(({ collapse, words }) => (
          <option key={words} value={collapse ?? ""}>
            {words}
          </option>
        ))}
      </select>
    </label>
  );
}

function ColumnChoice({ shown }: { shown: readonly string[] }) {
  const set = (key: string, on: boolean) => {
    const keys = COLUMNS.map((column) => column.key).filter((each) => (each === key ? on : shown.includes(each)));
    prefer(keys);
    go(withQuery({ columns: keys.join(",") }), { replace: true });
  };
  return (
    <details class="menu">
      <summary>Columns</summary>
      <fieldset>
        <legend class="unseen">Columns</legend>
        {COLUMNS.map(({ key, words }) => (
          <label key={key}>
            <input
              type="checkbox"
              checked={shown.includes(key)}
              onChange={(event) => set(key, event.currentTarget.checked)}
            />
            {words}
          </label>
        ))}
      </fieldset>
    </details>
  );
}

const withoutChoices = (): string =>
  withQuery(Object.fromEntries([...FACETS.map(({ key }) => [key, null]), ["after", null]]));

/** What narrows the search now, each with a way to take it away. */
function Chosen({ wanted }: { wanted: Wanted }) {
  const chips = FACETS.flatMap(({ facet, key, words }) =>
    (wanted.chosen[facet] ?? []).map((value) => ({
      key,
      words,
      value,
      rest: (wanted.chosen[facet] ?? []).filter((v) => v !== value),
    })),
  );
  if (chips.length === 0) return null;
  return (
    <ul class="chips" aria-label="Chosen">
      {chips.map(({ key, words, value, rest }) => (
        <li key={key + value}>
          <a href={withQuery({ [key]: rest, after: null })} aria-label={`Without ${words.toLowerCase()} ${value}`}>
            {words.toLowerCase()}: {value} <span aria-hidden="true">×</span>
          </a>
        </li>
      ))}
      <li>
        <a href={withoutChoices()}>Take all away</a>
      </li>
    </ul>
  );
}

function Pages({ trail, next }: { trail: readonly string[]; next: string | null }) {
  if (trail.length === 0 && next === null) return null;
  return (
    <nav class="pages" aria-label="Pages">
      {trail.length > 0 && <a href={withQuery({ after: null })}>First page</a>}
      {trail.length > 0 && <a href={withQuery({ after: trail.slice(0, -1) })}>Previous</a>}
      {next !== null && <a href={withQuery({ after: further(trail, next) })}>Next {PAGE_ROWS}</a>}
    </nav>
  );
}

function Nothing({ wanted }: { wanted: Wanted }) {
  return (
    <div class="notice">
      <p>
        No model {wanted.text && <>has “{wanted.text}” in its name</>}
        {wanted.text && Object.keys(wanted.chosen).length > 0 && " and "}
        {Object.keys(wanted.chosen).length > 0 && "has all that is chosen"}.
      </p>
      <p>
        {Object.keys(wanted.chosen).length > 0 && <a href={withoutChoices()}>Search without the choices</a>}{" "}
        <a href="/">Begin anew</a>
      </p>
    </div>
  );
}
