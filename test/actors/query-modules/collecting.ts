/** Collects the data of all events. */
import type { StoredEvent } from '#store';

export const init = (): unknown[] => [];
export const step = (all: unknown[], { data }: StoredEvent): unknown[] => [...all, data];
export const merge = (left: unknown[], right: unknown[]): unknown[] => [...left, ...right];
