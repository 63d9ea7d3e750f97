/** This file knows how the licence is shown along the lineage: what can be said of it, then every ancestor's, nearest first. */
import { modelAddress } from "../../addresses";
import { useAnswer } from "../../ask";
import { Ancestry } from "../../operations";
import { Failure } from "../../parts/failure";
import { Section } from "../../parts/section";
import { count, several } from "../../words";
import { KIND_WORDS, licenceKind, licenceSentences } from "./licences";

const SHOWN = 12;

export function LicenceLine({ id }: { id: string }) {
  const { data, error, again } = useAnswer(Ancestry, { id });
  if (error) return <Failure error={error} again={again} />;
  const lineage = data?.lineage;
  const own = lineage?.nodes.find((node) => node.distance === 0)?.model;
  if (!lineage || !own || own.id !== id) return null;
  const ancestors = lineage.nodes.filter((node) => node.distance < 0);
  if (own.licence === null && ancestors.every(({ model }) => model.licence === null) && own.state === "MISSING")
    return null;
  return (
    <Section id="licence" title="Licence along its lineage">
      <ul class="plain-list">
        {licenceSentences(
          own,
          ancestors.map(({ model }) => model),
        ).map((text) => (
          <li key={text}>{text}</li>
        ))}
      </ul>
      {ancestors.length > 0 && (
        <div class="wide">
          <table>
            <thead>
              <tr>
                <th scope="col">Model</th>
                <th scope="col">Place</th>
                <th scope="col">Licence</th>
                <th scope="col">Which</th>
              </tr>
            </thead>
            <tbody>
              {[{ distance: 0, model: own }, ...ancestors].slice(0, SHOWN).map(({ distance, model }) => (
                <tr key={model.id}>
                  <th scope="row">
                    <a class="id" href={modelAddress(model.id)}>
                      {model.id}
                    </a>
                  </th>
                  <td class="nowrap">{distance === 0 ? "this model" : `${several(-distance, "step")} up`}</td>
                  <td>{model.licence ?? <span class="quiet">not known</span>}</td>
                  <td class={model.licence && licenceKind(model.licence) === "noncommercial" ? "conflict" : undefined}>
                    {model.licence && KIND_WORDS[licenceKind(model.licence)]}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {lineage.totalAncestors >= SHOWN && <p class="quiet small">{count(lineage.totalAncestors)} ancestors in all.</p>}
      <p class="quiet small">As declared on the Hub. This is no legal advice.</p>
    </Section>
  );
}
