/** This file knows how a model's ability is shown: the index with its error in one line, and the results that it comes from. */
import type { ModelPageAnswer } from "../../operations";
import { Section } from "../../parts/section";
import { several } from "../../words";

type Model = NonNullable<ModelPageAnswer["model"]>;
const SHOWN = 30;

type Domain = NonNullable<Model["ability"]>["domains"][number];

function Domains({ domains }: { domains: readonly Domain[] }) {
  return (
    <div class="wide">
      <table class="domains">
        <caption class="unseen">Ability by domain</caption>
        <thead>
          <tr>
            <th scope="col">Domain</th>
            <th scope="col" class="number">
              Ability
            </th>
            <th scope="col" class="number">
              Benchmarks
            </th>
          </tr>
        </thead>
        <tbody>
          {domains.map(({ name, about, index, standardError, results, reason }) => (
            <tr key={name}>
              <th scope="row">
                {name} {about && <span class="quiet small">{about}</span>}
              </th>
              <td class="number">
                {index === null || standardError === null ? (
                  <span class="quiet">{reason}</span>
                ) : (
                  `${index.toFixed(0)} ± ${(1.96 * standardError).toFixed(0)}`
                )}
              </td>
              <td class="number">{results}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

export function AbilityOf({ model: { ability, results } }: { model: Model }) {
  if (ability === null && results.length === 0) return null;
  return (
    <Section id="ability" title="How able it is">
      {ability && (
        <p>
          {ability.text}.
          {ability.suspect && (
            <span class="conflict">
              {" "}
              Its result on {ability.suspect.benchmark} is {ability.suspect.surprise.toFixed(1)} deviations better than
              its others foretell; without it: {ability.suspect.without.toFixed(1)}.
            </span>
          )}
        </p>
      )}
      {ability && ability.domains.length > 0 && <Domains domains={ability.domains} />}
      {results.length > 0 && (
        <details>
          <summary>{several(results.length, "result")}</summary>
          <div class="wide">
            <table>
              <thead>
                <tr>
                  <th scope="col">Benchmark</th>
                  <th scope="col">Setting</th>
                  <th scope="col">Source</th>
                  <th scope="col">Metric</th>
                  <th scope="col" class="number">
                    Value
                  </th>
                </tr>
              </thead>
              <tbody>
                {results.slice(0, SHOWN).map((result) => (
                  <tr key={result.benchmark + result.setting + result.source + result.metric}>
                    <th scope="row">{result.benchmark}</th>
                    <td>{result.setting}</td>
                    <td>
                      {result.source} <span class="quiet">{result.grade}</span>
                    </td>
                    <td>{result.metric}</td>
                    <td class="number">{Number(result.value.toPrecision(4))}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
          {results.length > SHOWN && <p class="quiet small">{results.length - SHOWN} more are not shown.</p>}
        </details>
      )}
    </Section>
  );
}
