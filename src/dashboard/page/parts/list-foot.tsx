/** What stands below an endless list: that more is coming, that it is the end, or why there is no more. */
import { count } from '../format.ts';
import { Button } from './button.tsx';
import type { Endless } from './endless.ts';
import { Icon } from './icon.tsx';
import { ErrorNote } from './panel.tsx';

interface ListFootProps {
  readonly list: Endless<unknown>;
  /** `'stream'` */
  readonly one: string;
  readonly many: string;
}

export function ListFoot({ list, one, many }: ListFootProps) {
  const { rows, error } = list;
  if (error !== undefined) {
    return (
      <div class="list-more">
        <ErrorNote error={error} onRetry={list.retry} />
      </div>
    );
  }
  if (list.more !== undefined && list.moreByItself === undefined) {
    return (
      <div class="list-more">
        <span>Looked through up to {typeof list.reached === 'number' ? count(list.reached) : list.reached}.</span>
        <Button icon="search" onClick={list.more}>
          Look further
        </Button>
      </div>
    );
  }
  if (list.isWaiting || list.more !== undefined) {
    return (
      <div class="list-more" aria-busy="true">
        <Icon name="spinner" size={14} spin /> Loading
      </div>
    );
  }
  return (
    <p class="list-more" role="status">
      {list.isFull
        ? `${count(rows.length)} ${many} are shown, there are more: narrow the search`
        : `${count(rows.length)} ${rows.length === 1 ? one : many}`}
    </p>
  );
}
