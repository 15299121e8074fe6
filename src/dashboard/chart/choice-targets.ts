/**
 * Where the choices of a machine lead: states without states inside, which some `always` without a guard leaves at once. Nobody
 * ever sees a machine rest in one.
 */
import type { AnyStateNode } from 'xstate';

/** A state, and the guards of the choices on the way there: of one such way. */
export interface Reached {
  readonly node: AnyStateNode;
  readonly guards: readonly unknown[];
}

export class ChoiceTargets {
  readonly #choices: ReadonlySet<AnyStateNode>;
  readonly #reachedBy = new Map<AnyStateNode, readonly Reached[]>();

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
  reachedBy(aim: AnyStateNode): readonly Reached[] {
    const known = this.#reachedBy.get(aim);
    if (known !== undefined) return known;
    const rests: Reached[] = [];
    const passed: Reached[] = [];
    const entered = new Set<AnyStateNode>();
    const pending: Reached[] = [aim, ...this.#besides(aim)].map((node) => ({ node, guards: [] }));
    for (const reached of pending) {
      const { node, guards } = reached;
      // Each node is looked at once, so that a circle of choices ends.
      if (entered.has(node)) continue;
      entered.add(node);
      if (this.isChoice(node)) {
        for (const { to, guard } of waysOut(node)) {
          pending.push({ node: to, guards: guard === undefined ? guards : [...guards, guard] });
        }
        continue;
      }
      const choices = this.#firstChoicesIn(node);
      (choices.length === 0 ? rests : passed).push(reached);
      for (const choice of choices) pending.push({ node: choice, guards });
    }
    // A box that is entered and not left again stands for what is inside it.
    const boxes = passed.filter((box) => rests.some((rest) => isInside(rest.node, box.node)));
    const outside = rests.filter((rest) => !boxes.some((box) => isInside(rest.node, box.node)));
    const all = [...boxes, ...outside];
    this.#reachedBy.set(aim, all);
    return all;
  }

  /** The states in which `box` begins. */
  beginningsOf(box: AnyStateNode): readonly AnyStateNode[] {
    if (box.type !== 'compound') return [];
    const reached = firstIn(box).flatMap((first) => this.reachedBy(first));
    return reached.map(({ node }) => node).filter((node) => isInside(node, box));
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
      choices.push(...leavers.filter((choice) => waysOut(choice).some(({ to }) => !isInside(to, around))));
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
function waysOut({ always = [] }: AnyStateNode): readonly { readonly to: AnyStateNode; readonly guard: unknown }[] {
  const open = always.findIndex(({ guard, target }) => !guard && target !== undefined);
  return always.slice(0, open + 1).flatMap(({ target = [], guard }) => {
    return target.map((to) => ({ to: to as AnyStateNode, guard }));
  });
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
