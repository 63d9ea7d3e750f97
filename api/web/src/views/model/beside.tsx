/** This file knows what stands beside a model: the most used of those that were made from the same base model in the same way. */
import { modelAddress } from "../../addresses";
import { useAnswer } from "../../ask";
import { Beside, type ModelPageAnswer } from "../../operations";
import { Section } from "../../parts/section";
import { toggle, tray } from "../../tray";
import { count, relation, short } from "../../words";

const ROWS = 6;

export function BesideIt({ model }: { model: NonNullable<ModelPageAnswer["model"]> }) {
  const [base] = model.baseModels;
  const aside = tray.use();
  const { data } = useAnswer(
    Beside,
    base ? { base: base.baseModel.id, relations: [base.relation], first: ROWS + 1 } : null,
  );
  const found = data?.model?.derivedModels;
  const others = found?.nodes.filter((each) => each.model.id !== model.id).slice(0, ROWS) ?? [];
  if (!base || !found || others.length === 0) return null;
  return (
    <Section
      id="beside"
      title={
        <>
          Instead of it: {count(found.totalCount - 1)} other {relation(base.relation, found.totalCount - 1)} of{" "}
          {base.baseModel.id}
        </>
      }
    >
      <div class="wide">
        <table>
          <thead>
            <tr>
              <th scope="col">Most downloaded</th>
              <th scope="col">Licence</th>
              <th scope="col" class="number">
                Downloads
              </th>
              <th scope="col">
                <span class="unseen">Compare</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {others.map(({ model: other }) => (
              <tr key={other.id}>
                <th scope="row">
                  <a class="id" href={modelAddress(other.id)}>
                    {other.id}
                  </a>
                </th>
                <td class="nowrap">{other.licence}</td>
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
