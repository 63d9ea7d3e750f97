/** This file knows the view of abilities: against parameters or date, of one task or all, with its frontier, as picture and table. */
import "./ability.css";
import { modelAddress } from "../../addresses";
import { useAnswer, useAnswers } from "../../ask";
import { AbleIn, Facets, Measured, type ModelFilter } from "../../operations";
import { Failure } from "../../parts/failure";
import { Section } from "../../parts/section";
import { go, usePlace, withQuery } from "../../place";
import { several, short } from "../../words";
import { sizeRange, yearRange } from "../search/wanted";
import { Plot } from "./plot";
import { type Against, frontier, type Point, pointsOf } from "./points";

const PER_CLASS = 40; // models asked for in each size class or year: the best are in every one, and no answer is large
const TASKS = 30;
const AXES: readonly { against: Against; words: string }[] = [
  { against: "parameters", words: "Parameters" },
  { against: "date", words: "Date" },
];

export default function AbilityView() {
  const { query } = usePlace();
  const against: Against = query.get("against") === "date" ? "date" : "parameters";
  const task = query.get("task") ?? "";
  const filter: ModelFilter = task ? { task: [task] } : {};
  const measured = useAnswer(Measured, {});
  const tasks = useAnswer(Facets, { filter: {}, by: ["TASK"], first: TASKS });
  const classes = useAnswer(Facets, { filter, by: [against === "date" ? "YEAR" : "SIZE"], first: 100 });
  const ranges = classes.loading
    ? []
    : (classes.data?.facets ?? [])
        .flatMap(({ value }) => (value === null ? [] : against === "date" ? yearRange(value) : sizeRange(value)))
        .filter((range) => Object.keys(range).length > 0);
  const found = useAnswers(
    AbleIn,
    ranges.map((range) => ({ filter: { ...filter, ...range }, first: PER_CLASS })),
  );
  const failed = [measured, tasks, classes, found].find(({ error }) => error !== null);
  if (failed?.error) return <Failure error={failed.error} again={failed.again} />;
  const busy = classes.loading || found.loading;
  const points =
    classes.data?.facets.length === 0 ? [] : pointsOf(found.data?.flatMap((each) => each.models.nodes) ?? [], against);
  const best = frontier(points);
  const names = tasks.data?.facets.flatMap(({ value }) => value ?? []) ?? [];
  return (
    <>
      <h1>How able models are</h1>
      <div class="actions choices">
        <fieldset class="axes">
          <legend class="unseen">Against</legend>
          {AXES.map((axis) => (
            <button
              key={axis.against}
              type="button"
              aria-pressed={axis.against === against}
              onClick={() => go(withQuery({ against: axis.against === "parameters" ? null : axis.against }))}
            >
              {axis.words}
            </button>
          ))}
        </fieldset>
        <label>
          Task{" "}
          <select value={task} onChange={(event) => go(withQuery({ task: event.currentTarget.value || null }))}>
            <option value="">all</option>
            {[...new Set(task ? [task, ...names] : names)].map((name) => (
              <option key={name} value={name}>
                {name}
              </option>
            ))}
          </select>
        </label>
        <span role="status" class="quiet">
          {busy ? "…" : `${several(points.length, "model")} of ${measured.data?.catalogue.withAbility ?? "…"} measured`}
        </span>
      </div>
      <div aria-busy={busy}>
        {points.length > 0 ? (
          <>
            <Plot points={points} best={best} against={against} about={aboutOf(points, best, against, task)} />
            <Section id="frontier" title="The frontier">
              <p class="quiet small">
                No {against === "date" ? "older" : "smaller"} model that is drawn is as able, by the lower end of the 95
                % interval.
              </p>
              <Models points={best} against={against} />
            </Section>
            <details>
              <summary>All {several(points.length, "model")} drawn</summary>
              <Models points={points} against={against} />
            </details>
            <p class="quiet small">
              100 is the mean of the norm, 15 its deviation. The {PER_CLASS} most able of each{" "}
              {against === "date" ? "year" : "size class"} are drawn, where they were measured themselves.
            </p>
          </>
        ) : (
          !busy && <Nothing task={task} any={(measured.data?.catalogue.withAbility ?? 0) > 0} />
        )}
      </div>
    </>
  );
}

function aboutOf(points: readonly Point[], best: readonly Point[], against: Against, task: string): string {
  const top = best.at(-1);
  const axis = against === "date" ? "the date they were made" : "their parameters";
  return (
    `Ability of ${several(points.length, "model")}${task && ` for ${task}`} against ${axis}; ` +
    `${several(best.length, "of them is", "of them are")} the frontier${top ? `, up to ${top.id} at ${top.index.toFixed(0)}` : ""}. ` +
    "The tables below hold the same."
  );
}

const placeOf = (point: Point, against: Against): string =>
  against === "date" ? new Date(point.x).toISOString().slice(0, 10) : short(10 ** point.x);

function Models({ points, against }: { points: readonly Point[]; against: Against }) {
  return (
    <div class="wide">
      <table>
        <thead>
          <tr>
            <th scope="col">Model</th>
            <th scope="col" class="number">
              {against === "date" ? "Made" : "Parameters"}
            </th>
            <th scope="col" class="number">
              Ability
            </th>
            <th scope="col" class="number">
              At least
            </th>
            <th scope="col" class="number">
              Benchmarks
            </th>
          </tr>
        </thead>
        <tbody>
          {points.map((point) => (
            <tr key={point.id}>
              <th scope="row">
                <a class="id" href={modelAddress(point.id)}>
                  {point.id}
                </a>
              </th>
              <td class="number">{placeOf(point, against)}</td>
              <td class="number">{point.index.toFixed(0)}</td>
              <td class="number">{point.low.toFixed(0)}</td>
              <td class="number">{point.benchmarks}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Nothing({ task, any }: { task: string; any: boolean }) {
  return (
    <div class="notice">
      <p>
        {any
          ? `No measured model${task && ` for ${task}`} has a place here.`
          : "This catalogue has measured no ability. Results come with Hub records, and from tables:"}
      </p>
      <p>{any ? <a href="/ability">All tasks</a> : <code>stemma ingest results TABLE.csv</code>}</p>
    </div>
  );
}
