/**
 * Recognises the built-in types, whichever realm (this one, or another of node:vm or jest) an object comes from.
 *
 * A built-in is known by what it is inside and by its prototype: instances of subclasses and of user classes are not built-ins.
 */

/** True for the prototype of ordinary objects, of any realm, and for null. */
export function isPlainPrototype(prototype: unknown): boolean {
  return prototype === Object.prototype || prototype === null || isBuiltInPrototype(prototype, 'Object', 1);
}

/**
 * True when `prototype` is what some realm gives to instances of its built-in `name`. `chainLength` is the number of objects
 * from it to the end of the prototype chain, both included: a subclass has more.
 */
export function isBuiltInPrototype(prototype: unknown, name: string, chainLength: number): boolean {
  if (typeof prototype !== 'object' || prototype === null) return false;
  const builtIn: unknown = Object.getOwnPropertyDescriptor(prototype, 'constructor')?.value;
  if (typeof builtIn !== 'function' || builtIn.name !== name || builtIn.prototype !== prototype) return false;
  let length = 0;
  for (let link: unknown = prototype; link !== null; link = Object.getPrototypeOf(link)) length++;
  return length === chainLength;
}

const typedArrayTag = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Uint8Array.prototype), Symbol.toStringTag);

/** 'Uint8Array' and so on, by what `view` is inside: its own properties and its prototype can't change it. */
export function typedArrayName(view: ArrayBufferView): string {
  return String(typedArrayTag?.get?.call(view));
}
