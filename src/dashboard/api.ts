/**
 * The routes below `api/`: what the page asks once, and what it orders (see wire.ts).
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { dashboardTopicsMax } from '../limits.ts';
import { watchAccess } from './access-watch.ts';
import { sendJson } from './answer.ts';
import { machineChart } from './chart/machine-chart.ts';
import { ownChart, ownChartNames } from './chart/own-charts.ts';
import { EventDetails } from './event-rows.ts';
import { onceGone } from './gone.ts';
import { checkOrder, type Entry, type LetIn } from './guard.ts';
import type { Hub } from './hub.ts';
import { discardLetters, letterDetail, lettersPage, retryLetters } from './letter-routes.ts';
import { eventLinks } from './links.ts';
import { eventDetail, eventsPage, streamsPage } from './log-routes.ts';
import type { Machines } from './machines.ts';
import type { Target } from './mount.ts';
import { orderProcessor, processorActions } from './orders.ts';
import { preview } from './previews.ts';
import { entriesPage } from './projection-routes.ts';
import type { Redaction } from './redaction.ts';
import { badRequest, dashboardClosed, notFound, Refusal } from './refusal.ts';
import { bodyOf } from './request-body.ts';
import type { Source } from './source.ts';
import type { ActionDone, ActionName, Chart } from './wire.ts';

export interface ApiWorld {
  readonly source: Source;
  readonly hub: Hub;
  readonly machines: Machines;
  readonly redaction: Redaction;
  /** What may be ordered here, by those who may order. */
  readonly actions: readonly ActionName[];
  /** Asks who lets in, once more. Reports what that fails with. */
  readonly entry: (request: IncomingMessage) => Promise<Entry>;
}

export class Api {
  readonly #world: ApiWorld;
  readonly #details: EventDetails;
  /** Ends what is read when the dashboard closes. */
  readonly #closed = new AbortController();

  constructor(world: ApiWorld) {
    this.#world = world;
    this.#details = new EventDetails(world.redaction);
  }

  /** Answers a request of one who has been let in. @throws {Refusal} and what the bus throws */
  async answer(request: IncomingMessage, response: ServerResponse, target: Target, entry: LetIn): Promise<void> {
    const [, ...parts] = target.parts;
    const { method } = request;
    if (method === 'GET') {
      if (parts.length === 1 && parts[0] === 'live') this.#follow(request, response, target.query, entry);
      else sendJson(response, await this.#asked(parts, target.query, this.#untilGone(response)));
      return;
    }
    if (method !== 'POST') throw new Refusal(405, 'WRONG_METHOD', 'this takes GET or POST', { allow: 'GET, POST' });
    checkOrder(request);
    const order: Order = this.#orderOf(parts, entry);
    const body = await bodyOf(request);
    // Auth, and the body, may have taken their time.
    if (this.#closed.signal.aborted) throw dashboardClosed();
    const done: ActionDone = await order(body);
    sendJson(response, done);
  }

  close(): void {
    this.#closed.abort();
  }

  #follow(request: IncomingMessage, response: ServerResponse, query: URLSearchParams, access: LetIn): void {
    const { hub, entry } = this.#world;
    const topics = query.getAll('topic');
    if (topics.length < 1 || topics.length > dashboardTopicsMax) {
      throw badRequest(`a page follows 1 to ${dashboardTopicsMax} topics`);
    }
    const end = hub.follow(topics, response, access);
    watchAccess(response, { access, ask: () => entry(request), end });
  }

  async #asked(parts: readonly string[], query: URLSearchParams, signal: AbortSignal): Promise<unknown> {
    const { source, redaction } = this.#world;
    const { bus } = source;
    const [what, name = '', sub, last = ''] = parts;
    switch (`${what} ${parts.length}`) {
      case 'charts 2':
        return this.#chart(name);
      case 'streams 1':
        return streamsPage(bus, query, signal);
      case 'events 1':
        return eventsPage(bus, query, signal);
      case 'events 2':
        return eventDetail(bus, name, this.#details);
      case 'events 3':
        if (sub === 'links') return eventLinks({ bus, details: this.#details }, name, query, signal);
        break;
      case 'processors 3':
        if (sub === 'preview') return preview(source, name, query, signal);
        if (sub === 'letters') return lettersPage({ source, redaction }, name, query, signal);
        break;
      case 'processors 4':
        if (sub === 'letters') return letterDetail({ source, redaction }, name, last, this.#details);
        break;
      case 'projections 2':
        return entriesPage({ bus, redaction }, name, query, signal);
    }
    throw notFound('this path');
  }

  /** @throws {Refusal} {CHART_TOO_LARGE} {UNSUPPORTED} */
  async #chart(id: string): Promise<Chart> {
    const own = ownChartNames.find((name) => name === id);
    if (own !== undefined) return ownChart(own);
    const machine = id.startsWith(ofMachine) ? this.#world.machines.logic(id.slice(ofMachine.length)) : undefined;
    if (machine === undefined) throw notFound(`the chart ${JSON.stringify(id)}`);
    return machineChart(machine);
  }

  /** @throws {Refusal} for what may not be ordered, before anything of its body is read */
  #orderOf([what, name = '', sub, last]: readonly string[], entry: LetIn): Order {
    const { source } = this.#world;
    const action = processorActions.find((one) => one === sub);
    if (what === 'processors' && action !== undefined && last === undefined) {
      this.#allow(action, entry);
      return (body) => orderProcessor(source, action, { name, body });
    }
    if (what === 'processors' && sub === 'letters' && last === 'retry') {
      this.#allow('retry-letters', entry);
      return (body) => retryLetters(source, { name, body });
    }
    if (what === 'processors' && sub === 'letters' && last === 'discard') {
      this.#allow('discard-letters', entry);
      return (body) => discardLetters(source, { name, body });
    }
    throw notFound('this path');
  }

  #allow(action: ActionName, entry: LetIn): void {
    if (entry !== 'write') throw new Refusal(403, 'READ_ONLY', 'you may look, and order nothing');
    if (this.#world.actions.includes(action)) return;
    const message = `${action} is not allowed here: see the option allowActions`;
    throw new Refusal(403, 'NOT_ALLOWED', message);
  }

  /** Nothing is read on for a page that has gone. */
  #untilGone(response: ServerResponse): AbortSignal {
    const gone = new AbortController();
    onceGone(response, () => gone.abort());
    return AbortSignal.any([gone.signal, this.#closed.signal]);
  }
}

const ofMachine = 'machine:';

type Order = (body: Readonly<Record<string, unknown>>) => Promise<ActionDone>;
