/** This file knows how the licence is shown along the lineage: the short answer, the conditions with who asks them, every ancestor's. */
import { modelAddress } from "../../addresses";
import type { Answered } from "../../ask";
import type { AncestryAnswer } from "../../operations";
import { Failure } from "../../parts/failure";
import { Section } from "../../parts/section";
import { count, several } from "../../words";
import { answer, kinds } from "./asked";

const SHOWN = 12;
const NAMED = 5;

export function LicenceLine({ id, answered }: { id: string; answered: Answered<AncestryAnswer> }) {
  const { data, error, again } = answered;
  if (error) return <Failure error={error} again={again} />;
  const report = data?.model?.licenceReport;
  const lineage = data?.lineage;
  if (!lineage || !report || data.model?.id !== id) return null;
  const own = lineage.nodes.filter(({ distance }) => distance === 0);
  const ancestors = lineage.nodes.filter(({ distance }) => distance < 0);
  if (own.every(({ model }) => model.state === "MISSING")) return null;
  return (
    <Section id="licence" title="May I use it? Licences along its lineage">
      <p class="verdict">
        <strong>{answer(report)}</strong>
      </p>
      <ul class="plain-list">
        {report.leftOut.map(({ text }) => (
          <li key={text}>
            <span class="conflict">Left out:</span> {text}.
          </li>
        ))}
        {kinds(report).map(({ meaning, by }) => (
          <li key={meaning}>
            {meaning.charAt(0).toUpperCase() + meaning.slice(1)}{" "}
            <span class="quiet">
              (
              {by
                .slice(0, NAMED)
                .map((each) => `${each.licence} of ${each.model}`)
                .join(", ")}
              )
            </span>
          </li>
        ))}
        {report.unknown.length > 0 && (
          <li>
            Not known, and may ask more: {report.unknown.slice(0, NAMED).join(", ")}
            {report.unknown.length > NAMED && ` and ${report.unknown.length - NAMED} more`}.
          </li>
        )}
        {!report.complete && <li>The lineage is too large to be looked at whole: more may be asked.</li>}
      </ul>
      {ancestors.length > 0 && (
        <div class="wide">
          <table>
            <thead>
              <tr>
                <th scope="col">Model</th>
                <th scope="col">Place</th>
                <th scope="col">Declares</th>
              </tr>
            </thead>
            <tbody>
              {[...own, ...ancestors].slice(0, SHOWN).map(({ distance, model }) => (
                <tr key={model.id}>
                  <th scope="row">
                    <a class="id" href={modelAddress(model.id)}>
                      {model.id}
                    </a>
                  </th>
                  <td class="nowrap">{distance === 0 ? "this model" : `${several(-distance, "step")} up`}</td>
                  <td class="nowrap">{model.licence ?? <span class="quiet">not known</span>}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {lineage.totalAncestors >= SHOWN && <p class="quiet small">{count(lineage.totalAncestors)} ancestors in all.</p>}
      <p class="quiet small">As declared on the Hub; it says which texts to read, and is no legal advice.</p>
    </Section>
  );
}
