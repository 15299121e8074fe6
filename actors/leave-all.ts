/** Several things that go on until they are left, as one: gives what leaves each of them, in their order. */
export function leaveAll(leaves: readonly (() => void)[]): () => void {
  return () => {
    for (const leave of leaves) leave();
  };
}
