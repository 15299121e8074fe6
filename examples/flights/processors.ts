/**
 * The two processors of the demo, which run beside the import: one counts delays, the other alerts of late flights.
 *
 * The second one is stopped half-way, while its handler waits for an answer that does not come. The stop does not wait either
 * (`drainMs: 0`), so that alerts are out which the cursor does not know of, as after a crash; then it is started again. What
 * both gather is in memory only: on a store that has events already, they begin at its beginning once more.
 */
import type { Bus, Processor, ProcessorState, ProcessorStatus } from '#store';
import { DelayStatistics } from './delay-statistics.ts';
import { airportOf, type FlightEvent } from './flights.ts';
import { type Alert, AlertService, alertOver } from './late-alerts.ts';

export interface ProcessorSummary {
  readonly name: string;
  readonly state: ProcessorState;
  readonly position: number;
  /** Over all its starts. */
  readonly retries: number;
}

/** What was sent before the abrupt stop, and after the new start. */
export interface AlertHistory {
  readonly beforeStop: readonly Alert[];
  /** What was recorded as handled when it was started again. */
  readonly cursor: number;
  readonly afterStart: readonly Alert[];
}

export interface ProcessorsReport {
  readonly processors: readonly ProcessorSummary[];
  readonly statistics: DelayStatistics;
  readonly alerts: AlertHistory;
}

export interface ProcessorsSettings {
  /** Half-way: the alert at which the service does not answer. */
  readonly silentAt: number;
  /** The store has events of an earlier run. */
  readonly isReplay: boolean;
  /** Resolves when everything is appended. */
  readonly imported: Promise<unknown>;
  readonly onStatus: (status: ProcessorStatus) => void;
}

export async function runProcessors(
  bus: Bus<FlightEvent>,
  { silentAt, isReplay, imported, onStatus }: ProcessorsSettings,
): Promise<ProcessorsReport> {
  const statistics = new DelayStatistics();
  const service = new AlertService(silentAt);
  const counting = bus.processor({
    name: 'delay-statistics',
    handleBatch: (events) => {
      for (const { stream, data } of events) statistics.add(airportOf(stream), data.delay);
    },
  });
  const alerting = bus.processor({
    name: 'late-alerts',
    handle: alertOver(service),
    retry: { minMs: 2, maxMs: 50 },
    drainMs: 0,
  });
  for (const processor of [counting, alerting]) {
    processor.state$.subscribe(onStatus);
    if (isReplay) await processor.reset({ to: 0 });
    processor.start();
  }

  await service.silence;
  await alerting.stop();
  const { retries } = alerting.status.context;
  const beforeStop = [...service.sent];
  alerting.start();
  // Resolves when the cursor is read: from here on it is that of the start.
  await alerting.reached(0);
  const { cursor } = alerting.status.context;

  await imported;
  for (const processor of [counting, alerting]) {
    await processor.caughtUp();
    await processor.waitFor('live');
  }
  return {
    processors: [summaryOf(counting, 0), summaryOf(alerting, retries)],
    statistics,
    alerts: { beforeStop, cursor, afterStart: service.sent.slice(beforeStop.length) },
  };
}

function summaryOf({ status }: Processor, earlierRetries: number): ProcessorSummary {
  const { name, state, context } = status;
  return { name, state, position: context.position, retries: earlierRetries + context.retries };
}
