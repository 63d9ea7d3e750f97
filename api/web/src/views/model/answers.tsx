/** This file knows the three questions that bring people to a model's page, and says in a line each what is told at length below. */
import { modelAddress } from "../../addresses";
import type { AncestryAnswer, ModelPageAnswer } from "../../operations";
import { count, relation } from "../../words";
import { answer } from "./asked";
import type { Siblings } from "./beside";
import { copied, isSame, restsOn } from "./copied";

type Model = NonNullable<ModelPageAnswer["model"]>;

interface Props {
  model: Model;
  siblings: Siblings | null;
  ancestry: AncestryAnswer | null;
}

export function Answers({ model, siblings, ancestry }: Props) {
  const { novelty } = model;
  const report = ancestry?.model?.licenceReport;
  if (model.state === "MISSING") return null;
  return (
    <ul class="answers" aria-label="In short">
      {novelty && (
        <li>
          <h2>Is it a copy?</h2>
          <p>{copied(novelty)}</p>
          <p class="quiet small">
            {restsOn(novelty)} {novelty.class !== "NEW" && <a href="#novelty">Why</a>}
          </p>
        </li>
      )}
      <li>
        <h2>What instead of it?</h2>
        <Instead model={model} siblings={siblings} />
      </li>
      <li>
        <h2>May I use it at work?</h2>
        {report && (
          <>
            <p>{answer(report)}</p>
            <p class="quiet small">
              As declared; no legal advice. <a href="#licence">Licences along its lineage</a>
            </p>
          </>
        )}
      </li>
    </ul>
  );
}

function Instead({ model, siblings }: { model: Model; siblings: Siblings | null }) {
  const [base] = model.baseModels;
  if (base && model.novelty && isSame(model.novelty))
    return (
      <>
        <p>
          <a href={modelAddress(base.baseModel.id)}>{base.baseModel.id}</a>, which it is made from
        </p>
        {siblings && <Others siblings={siblings} words="or" />}
      </>
    );
  const [next] = model.successors;
  if (next)
    return (
      <>
        <p>
          <a href={modelAddress(next.model.id)}>{next.model.id}</a>,{" "}
          {next.probability === null ? "which its author names" : "which is later and better"}
        </p>
        <p class="quiet small">
          <a href="#standing">All that could take its place</a>
        </p>
      </>
    );
  if (!base)
    return (
      <p>
        It has no known base model, so nothing stands beside it
        {model.totalDescendants > 0 && (
          <>
            ; <a href="#made-of-it">what was made from it</a>
          </>
        )}
        .
      </p>
    );
  const [first] = siblings?.others ?? [];
  if (!siblings || !first) return <p>Nothing else was made like it from {base.baseModel.id}.</p>;
  return (
    <>
      <p>
        <a href={modelAddress(first.id)}>{first.id}</a>, the most used
      </p>
      <Others siblings={siblings} words="of" />
    </>
  );
}

function Others({ siblings, words }: { siblings: Siblings; words: string }) {
  const { total, base } = siblings;
  if (total === 0) return null;
  return (
    <p class="quiet small">
      {words}{" "}
      <a href="#beside">
        {count(total)} other {relation(base.relation, total)}
      </a>{" "}
      of {base.baseModel.id}
    </p>
  );
}
