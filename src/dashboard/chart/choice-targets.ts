/**
 * Where the choices of a machine lead: states without states inside, which some `always` without a guard leaves at once. Nobody
 * ever sees a machine rest in one.
 */
import type { AnyStateNode } from 'xstate';

export class ChoiceTargets {
  readonly #choices: ReadonlySet<AnyStateNode>;
  readonly #reachedBy = new Map<AnyStateNode, readonly AnyStateNode[]>();

  constructor(nodes: readonly AnyStateNode[]) {
    this.#choices = new Set(nodes.filter(isChoice));
  }

  isChoice(node: AnyStateNode): boolean {
    return this.#choices.has(node);
  }

  /**
   * The states that a transition to `aim` leads to, none of them a choice: `aim` itself, or what is behind it; also what is
   * behind the choices that a box begins with, if that is outside of the box. None, where choices lead only to one another.
   */
  reachedBy(aim: AnyStateNode): readonly AnyStateNode[] {
    const known = this.#reachedBy.get(aim);
    if (known !== undefined) return known;
    const rests = new Set<AnyStateNode>();
    const passed = new Set<AnyStateNode>();
    // Grows while it is walked; each node is looked at once, so that a circle of choices ends.
    const entered = new Set([aim, ...this.#besides(aim)]);
    for (const node of entered) {
      const choices = this.isChoice(node) ? [] : this.#firstChoicesIn(node);
      if (this.isChoice(node)) for (const way of waysOut(node)) entered.add(way);
      else if (choices.length === 0) rests.add(node);
      else passed.add(node);
      for (const choice of choices) entered.add(choice);
    }
    // A box that is entered and not left again stands for what is inside it.
    const boxes = [...passed].filter((box) => [...rests].some((rest) => isInside(rest, box)));
    const outside = [...rests].filter((rest) => !boxes.some((box) => isInside(rest, box)));
    const reached = [...boxes, ...outside];
    this.#reachedBy.set(aim, reached);
    return reached;
  }

  /** The states in which `box` begins. */
  beginningsOf(box: AnyStateNode): readonly AnyStateNode[] {
    if (box.type !== 'compound') return [];
    return firstIn(box).flatMap((first) => this.reachedBy(first).filter((node) => isInside(node, box)));
  }

  /** Choices that are entered with `box`, because it begins with them. */
  #firstChoicesIn(box: AnyStateNode): AnyStateNode[] {
    const entered = new Set([box]);
    for (const node of entered) for (const first of firstIn(node)) entered.add(first);
    return [...entered].filter((node) => this.isChoice(node));
  }

  /** Choices that are entered with `aim` because they begin other parts of a parallel state around it. */
  #besides(aim: AnyStateNode): AnyStateNode[] {
    const choices: AnyStateNode[] = [];
    for (let inner = aim, outer = aim.parent; outer !== undefined; inner = outer, outer = outer.parent) {
      if (outer.type !== 'parallel') continue;
      const others = firstIn(outer).filter((region) => region !== inner);
      // Those that stay inside are what is seen of the parallel state anyway.
      const around = outer;
      const leavers = others.flatMap((region) => this.#firstChoicesIn(region));
      choices.push(...leavers.filter((choice) => waysOut(choice).some((way) => !isInside(way, around))));
    }
    return choices;
  }
}

function isChoice({ type, parent, always = [] }: AnyStateNode): boolean {
  return (
    type === 'atomic' && parent !== undefined && always.some(({ guard, target }) => !guard && target !== undefined)
  );
}

/** Up to the first way that is always open. */
function waysOut({ always = [] }: AnyStateNode): readonly AnyStateNode[] {
  const open = always.findIndex(({ guard, target }) => !guard && target !== undefined);
  return always.slice(0, open + 1).flatMap(({ target = [] }) => target as AnyStateNode[]);
}

/** What is entered with a box, one level down. */
function firstIn(box: AnyStateNode): readonly AnyStateNode[] {
  if (box.type === 'compound') return box.initial.target as AnyStateNode[];
  return box.type === 'parallel' ? Object.values(box.states).filter(({ type }) => type !== 'history') : [];
}

function isInside(node: AnyStateNode, box: AnyStateNode): boolean {
  for (let around = node.parent; around !== undefined; around = around.parent) if (around === box) return true;
  return false;
}
