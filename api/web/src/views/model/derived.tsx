/** This file knows how it is shown what was made from a model: counts by relation, and the models a page at a time. */
import { useState } from "preact/hooks";
import { modelAddress } from "../../addresses";
import { useAnswer } from "../../ask";
import { Derived, type ModelPageAnswer, type Relation } from "../../operations";
import { Failure } from "../../parts/failure";
import { RelationWord } from "../../parts/relation-word";
import { Section } from "../../parts/section";
import { count, day, relation, several, short } from "../../words";

const ROWS = 10;

export function DerivedModels({ model }: { model: NonNullable<ModelPageAnswer["model"]> }) {
  const [only, setOnly] = useState<Relation | null>(null);
  const [trail, setTrail] = useState<readonly string[]>([]);
  const total = model.derivedCounts.reduce((sum, each) => sum + each.count, 0);
  const { data, error, loading, again } = useAnswer(
    Derived,
    total === 0 ? null : { id: model.id, relations: only ? [only] : null, first: ROWS, after: trail.at(-1) ?? null },
  );
  if (total === 0) return null;
  const choose = (name: Relation | null) => {
    setOnly(name);
    setTrail([]);
  };
  const page = data?.model?.derivedModels;
  return (
    <Section
      id="made-of-it"
      title={
        <>
          Made from it: {count(total)} directly{further(model.totalDescendants, total)}
        </>
      }
    >
      <div class="choices" role="group" aria-label="Relation">
        <button type="button" aria-pressed={only === null} onClick={() => choose(null)}>
          all <span class="quiet">{count(total)}</span>
        </button>
        {model.derivedCounts.map(({ relation: name, count: n }) => (
          <button key={name} type="button" aria-pressed={only === name} onClick={() => choose(name)}>
            {relation(name, n)} <span class="quiet">{count(n)}</span>
          </button>
        ))}
      </div>
      {error && <Failure error={error} again={again} />}
      {page && (
        <div class="wide" aria-busy={loading}>
          <table>
            <thead>
              <tr>
                <th scope="col">Model</th>
                <th scope="col">Relation</th>
                <th scope="col">Licence</th>
                <th scope="col">Created</th>
                <th scope="col" class="number">
                  Descendants
                </th>
                <th scope="col" class="number">
                  Downloads
                </th>
              </tr>
            </thead>
            <tbody>
              {page.nodes.map(({ model: made, relation: how, conflict }) => (
                <tr key={made.id}>
                  <th scope="row">
                    <a class="id" href={modelAddress(made.id)}>
                      {made.id}
                    </a>
                  </th>
                  <td>
                    <RelationWord name={how} />
                    {conflict && <span class="conflict"> conflict</span>}
                  </td>
                  <td class="nowrap">{made.licence}</td>
                  <td class="nowrap">{made.createdAt && day(made.createdAt)}</td>
                  <td class="number">{made.totalDescendants > 0 && count(made.totalDescendants)}</td>
                  <td class="number">{made.downloads !== null && short(made.downloads)}</td>
                </tr>
              ))}
            </tbody>
          </table>
          {page.totalCount > ROWS && (
            <div class="pages">
              <span class="quiet">{several(page.totalCount, "model")}, most downloaded first</span>
              <button type="button" disabled={trail.length === 0} onClick={() => setTrail(trail.slice(0, -1))}>
                Previous
              </button>
              <button
                type="button"
                disabled={!page.pageInfo.hasNextPage}
                onClick={() => page.pageInfo.endCursor && setTrail([...trail, page.pageInfo.endCursor])}
              >
                Next
              </button>
            </div>
          )}
        </div>
      )}
    </Section>
  );
}

const further = (all: number, direct: number): string => (all > direct ? `, ${count(all)} at any distance` : "");
