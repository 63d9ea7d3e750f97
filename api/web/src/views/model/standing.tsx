/** This file knows how a model's standing is shown: what supersedes it and since when, and how likely it is the best of its niche. */
import { modelAddress } from "../../addresses";
import type { ModelPageAnswer } from "../../operations";
import { Section } from "../../parts/section";
import { count, day } from "../../words";

type Model = NonNullable<ModelPageAnswer["model"]>;
type Successor = Model["successors"][number];

/** One line under the title; nothing where nothing is surely better. */
export function SupersededBy({ model: { successors, standing, supersededSince } }: { model: Model }) {
  const first = successors.find(({ probability }) => probability !== null);
  if (!first || !standing) return null;
  return (
    <p>
      <strong>Superseded by</strong> <Named successor={first} />: {first.text}.
      {supersededSince && (
        <span class="quiet">
          {" "}
          {standing.supersededBy > 1
            ? `One of ${count(standing.supersededBy)} that are later and better; the first was made on ${day(supersededSince)}.`
            : `Since ${day(supersededSince)}.`}
        </span>
      )}
    </p>
  );
}

export function StandingOf({ model: { successors, standing } }: { model: Model }) {
  if (standing === null && successors.length === 0) return null;
  return (
    <Section id="standing" title="How it stands among those like it">
      {standing && <p>{sentence(standing.text)}</p>}
      {successors.length > 0 && (
        <>
          <p>To take instead, the nearest in its lineage first:</p>
          <ul class="plain-list">
            {successors.map((successor) => (
              <li key={successor.model.id}>
                <Named successor={successor} />{" "}
                <span class="quiet">
                  {[
                    successor.text,
                    successor.model.createdAt && `made ${day(successor.model.createdAt)}`,
                    successor.model.licence,
                  ]
                    .filter(Boolean)
                    .join(", ")}
                </span>
              </li>
            ))}
          </ul>
          {successors.some(({ probability }) => probability !== null) && (
            <p class="quiet small">
              Later, for the same task, with at most 1.25 times the parameters, under a licence that asks nothing more,
              and better with a probability of 95 % or more.
            </p>
          )}
        </>
      )}
    </Section>
  );
}

function Named({ successor }: { successor: Successor }) {
  return (
    <a class="id" href={modelAddress(successor.model.id)}>
      {successor.model.id}
    </a>
  );
}

const sentence = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
