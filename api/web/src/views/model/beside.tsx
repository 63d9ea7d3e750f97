/** This file knows what stands beside a model: the most used of those that were made from the same base model in the same way. */
import { modelAddress } from "../../addresses";
import { useAnswer } from "../../ask";
import { Beside, type BesideAnswer, type ModelPageAnswer } from "../../operations";
import { NoveltyRing } from "../../parts/novelty-ring";
import { Section } from "../../parts/section";
import { toggle, tray } from "../../tray";
import { count, relation, short } from "../../words";

const ROWS = 6;

type Model = NonNullable<ModelPageAnswer["model"]>;
type Other = NonNullable<BesideAnswer["model"]>["derivedModels"]["nodes"][number]["model"];

export interface Siblings {
  base: Model["baseModels"][number];
  /** How many others there are. */
  total: number;
  /** The most downloaded of them. */
  others: Other[];
}

/** What stands beside a model; null while it is not known, and where it has no base model. */
export function useSiblings(model: Model): Siblings | null {
  const [base] = model.baseModels;
  const { data } = useAnswer(
    Beside,
    base ? { base: base.baseModel.id, relations: [base.relation], first: ROWS + 1 } : null,
  );
  const found = data?.model?.derivedModels;
  if (!base || !found) return null;
  const others = found.nodes.flatMap(({ model: other }) => (other.id === model.id ? [] : [other])).slice(0, ROWS);
  return { base, total: found.totalCount - 1, others };
}

export function BesideIt({ model, siblings }: { model: Model; siblings: Siblings | null }) {
  const aside = tray.use();
  if (!siblings || siblings.others.length === 0) return null;
  const { base, total, others } = siblings;
  const able = others.some(({ ability }) => ability?.index != null);
  return (
    <Section
      id="beside"
      title={
        <>
          Instead of it: {count(total)} other {relation(base.relation, total)} of {base.baseModel.id}
        </>
      }
    >
      <div class="wide">
        <table>
          <thead>
            <tr>
              <th scope="col">Most downloaded</th>
              <th scope="col">Licence</th>
              <th scope="col">Novelty</th>
              {able && (
                <th scope="col" class="number">
                  Ability
                </th>
              )}
              <th scope="col" class="number">
                Downloads
              </th>
              <th scope="col">
                <span class="unseen">Compare</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {others.map((other) => (
              <tr key={other.id}>
                <th scope="row">
                  <a class="id" href={modelAddress(other.id)}>
                    {other.id}
                  </a>
                </th>
                <td class="nowrap">{other.licence}</td>
                <td class="nowrap">
                  {other.novelty?.score != null && (
                    <>
                      <NoveltyRing score={other.novelty.score} /> {Math.round(other.novelty.score)}
                    </>
                  )}
                </td>
                {able && (
                  <td class="number nowrap">
                    {other.ability?.index != null && Math.round(other.ability.index)}
                    {other.ability?.error != null && <span class="quiet"> ± {other.ability.error.toFixed(1)}</span>}
                  </td>
                )}
                <td class="number">{other.downloads !== null && short(other.downloads)}</td>
                <td class="number">
                  <button
                    type="button"
                    class="plain small"
                    aria-label={`Compare with ${other.id}`}
                    aria-pressed={aside.includes(other.id)}
                    onClick={() => {
                      if (!aside.includes(model.id)) toggle(model.id);
                      toggle(other.id);
                    }}
                  >
                    compare
                  </button>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Section>
  );
}
