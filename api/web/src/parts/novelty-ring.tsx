/** This file knows how a novelty score is drawn: a ring that is filled as far as the model is new. */
const RADIUS = 5;
const ROUND = 2 * Math.PI * RADIUS;

export function NoveltyRing({ score }: { score: number }) {
  return (
    <svg class="ring" width="14" height="14" viewBox="-7 -7 14 14" aria-hidden="true">
      <circle r={RADIUS} />
      <circle class="part" r={RADIUS} stroke-dasharray={`${(ROUND * score) / 100} ${ROUND}`} transform="rotate(-90)" />
    </svg>
  );
}
