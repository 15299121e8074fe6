/** What is used of fs-native-extensions, which comes without types. */
declare module 'fs-native-extensions' {
  /** True when the lock was granted, false when another open file holds one that is in its way. */
  export function tryLock(fd: number, options?: { readonly shared?: boolean }): boolean;
  export function unlock(fd: number): void;
}
