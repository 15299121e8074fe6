/** Lists that were asked for do not change under one's eyes: this says how much the log has grown since, and asks again. */
import { useRef } from 'preact/hooks';
import { count } from '../format.ts';
import { Button } from './button.tsx';
import type { Endless } from './endless.ts';

interface FreshProps {
  /** A number that grows with what is new. */
  readonly at: number | undefined;
  readonly list: Endless<unknown>;
  readonly what: string;
}

export function Fresh({ at, list, what }: FreshProps) {
  const seen = useRef<number | undefined>(undefined);
  if (list.isWaiting || seen.current === undefined) seen.current = at;
  const grown = at === undefined || seen.current === undefined ? 0 : at - seen.current;
  return (
    <div class="fresh">
      {grown > 0 && (
        <span class="small faint">
          {count(grown)} new {grown === 1 ? what.replace(/s$/, '') : what} since
        </span>
      )}
      <Button icon="retry" kind="plain" onClick={list.reload} isBusy={list.isWaiting}>
        Refresh
      </Button>
    </div>
  );
}
