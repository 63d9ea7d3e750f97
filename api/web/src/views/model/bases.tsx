/** This file knows how it is shown what a model was made from: a row a base model, what each source says side by side, conflicts in words. */
import { modelAddress } from "../../addresses";
import type { Base, Evidence, ModelPageAnswer } from "../../operations";
import { RelationWord } from "../../parts/relation-word";
import { Section } from "../../parts/section";
import { State } from "../../parts/state";
import { percent, relation, says } from "../../words";

const ORDER: readonly Evidence[] = ["HUB", "CARD", "TAG", "CONFIG", "WEIGHTS"];

export function Bases({ model }: { model: NonNullable<ModelPageAnswer["model"]> }) {
  const { baseModels, conflicts } = model;
  if (baseModels.length === 0) return null;
  const speak = ORDER.filter((kind) => baseModels.some((base) => base.evidence.includes(kind)));
  return (
    <Section id="made-from" title="Made from">
      <div class="wide">
        <table>
          <thead>
            <tr>
              <th scope="col">Base model</th>
              <th scope="col">Relation</th>
              {speak.map((kind) => (
                <th key={kind} scope="col">
                  {says(kind)}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {baseModels.map((base) => (
              <tr key={base.baseModel.id} class={base.baseModel.state.toLowerCase()}>
                <th scope="row">
                  <a class="id" href={modelAddress(base.baseModel.id)}>
                    {base.baseModel.id}
                  </a>
                  <State name={base.baseModel.state} />
                </th>
                <td>
                  <RelationWord name={base.relation} />
                  {base.conflict && <span class="conflict"> conflict</span>}
                  {base.cycle && <span class="conflict"> in a circle</span>}
                </td>
                {speak.map((kind) => (
                  <td key={kind}>
                    <Said base={base} kind={kind} />
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {conflicts.length > 0 && (
        <ul class="conflicts">
          {conflicts.map(({ text }) => (
            <li key={text}>
              <span class="conflict">Conflict:</span> {text}.
            </li>
          ))}
        </ul>
      )}
    </Section>
  );
}

function Said({ base, kind }: { base: Base; kind: Evidence }) {
  const claims = base.claims.filter((claim) => claim.evidence === kind);
  if (claims.length === 0) return <span class="quiet">nothing</span>;
  return (
    <>
      {claims.map((claim) => (
        <span key={claim.relation + claim.where + claim.detail} title={`in ${claim.where}`}>
          {claim.relation === "UNKNOWN" ? "named" : relation(claim.relation)}
          {claim.confidence !== null && ` ${percent(claim.confidence)}`}
          {claim.detail && <span class="quiet small detail">{claim.detail}</span>}
        </span>
      ))}
    </>
  );
}
