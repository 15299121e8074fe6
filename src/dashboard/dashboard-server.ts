/**
 * The server side of a dashboard: lets a request in or not, and hands it to the route it is for.
 *
 * Whatever a request does, or code of the app that is asked on its way, ends in an answer: nothing is thrown at the server
 * that the handler is mounted in.
 */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { leaveAll } from '../../actors/leave-all.ts';
import { sendRedirect, sendRefusal } from './answer.ts';
import { Api } from './api.ts';
import { askAuth, checkFetchSite, checkOrigins, type Entry } from './guard.ts';
import { Hub } from './hub.ts';
import { type Listening, listening } from './listening.ts';
import { Machines } from './machines.ts';
import { type Target, targetOf } from './mount.ts';
import { type ListenOptions, type ResolvedDashboardOptions, resolveListenOptions } from './options.ts';
import { isOfBrowser, sendAsset, sendPage } from './page-files.ts';
import { Redaction } from './redaction.ts';
import { dashboardClosed, internal, notFound, Refusal, refusalOf } from './refusal.ts';
import { Sessions } from './session.ts';
import type { Source } from './source.ts';
import { Views } from './views.ts';

export class DashboardServer {
  readonly #options: ResolvedDashboardOptions;
  readonly #source: Source;
  readonly #sessions: Sessions;
  readonly #redaction: Redaction;
  readonly #views: Views;
  readonly #api: Api;
  readonly #hub: Hub;
  readonly #listening = new Set<Listening>();
  #isClosed = false;

  constructor(source: Source, options: ResolvedDashboardOptions) {
    this.#options = options;
    this.#source = source;
    const { storeId } = source.bus.info();
    this.#sessions = new Sessions(`${storeId}${options.basePath}`);
    const { title, actions } = options;
    const redaction = new Redaction(options, (error) => source.report(error));
    this.#redaction = redaction;
    const machines = new Machines(options.machines, redaction);
    this.#hub = new Hub({
      content: (topic, access) => this.#views.topic(topic, access),
      attach: (onChange) => leaveAll([source.attach(onChange), machines.attach(onChange)]),
      report: (error) => source.report(error),
    });
    this.#views = new Views(source, {
      title,
      actions,
      machines,
      redaction,
      isSeen: () => this.#hub.size > 0,
      onDue: () => this.#hub.changed(),
    });
    this.#api = new Api({
      source,
      hub: this.#hub,
      machines,
      redaction,
      actions,
      entry: (request) => this.#entry(request),
    });
  }

  /** Never rejects. */
  async handle(
    request: IncomingMessage,
    response: ServerResponse,
    next: ((error?: unknown) => void) | undefined,
  ): Promise<void> {
    // One that goes away while it is answered is no failure of anybody's.
    response.on('error', () => undefined);
    try {
      const target = targetOf(request, this.#options.basePath);
      if (target !== undefined) await this.#answer(request, response, target);
      else if (next !== undefined) next();
      else throw notFound('this path');
    } catch (error) {
      this.#refuse(response, error);
    }
  }

  login(): string {
    const { auth, basePath } = this.#options;
    return auth === undefined ? `${basePath}/login?token=${this.#sessions.token()}` : `${basePath}/`;
  }

  async listen(handler: RequestListener, options: ListenOptions): Promise<Listening> {
    const { auth } = this.#options;
    const resolved = resolveListenOptions(options, auth !== undefined);
    if (this.#isClosed) throw new Error('the dashboard is closed');
    const one: Listening = await listening(handler, resolved, {
      path: () => this.login(),
      onClosed: () => this.#listening.delete(one),
      report: (error) => this.#source.report(error),
    });
    this.#listening.add(one);
    if (this.#isClosed) await one.close();
    return one;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#views.close();
    this.#api.close();
    this.#hub.close();
    this.#sessions.close();
    await Promise.all([...this.#listening].map((one) => one.close()));
  }

  async #answer(request: IncomingMessage, response: ServerResponse, target: Target): Promise<void> {
    checkOrigins(request, this.#options);
    if (this.#isClosed) throw dashboardClosed();
    const { method } = request;
    if (target.parts[0] === 'api') return this.#answerApi(request, response, target);
    if (method !== 'GET' && method !== 'HEAD') throw wrongMethod('GET, HEAD');
    if (target.path === 'login' && this.#options.auth === undefined) return this.#logIn(request, response, target);
    if (target.parts[0] === 'assets') {
      checkFetchSite(request);
      return sendAsset(response, target.path, request.headers['accept-encoding']);
    }
    const { accept } = request.headers;
    sendPage(response, { target, title: this.#options.title, entry: await this.#entry(request), accept });
  }

  async #answerApi(request: IncomingMessage, response: ServerResponse, target: Target): Promise<void> {
    checkFetchSite(request);
    const entry = await this.#entry(request);
    if (entry === 'none') throw new Refusal(401, 'NOT_LOGGED_IN', 'log in with the URL that the app has printed');
    await this.#api.answer(request, response, target, entry);
  }

  #logIn(request: IncomingMessage, response: ServerResponse, target: Target): void {
    const { base, query } = target;
    const { accept } = request.headers;
    const session = request.method === 'GET' ? this.#sessions.exchange(query.get('token') ?? '') : undefined;
    if (session === undefined) {
      if (!isOfBrowser(accept)) {
        throw new Refusal(401, 'TOKEN_INVALID', 'this link was used before, or is too old: get a new one from the app');
      }
      sendPage(response, { target, title: this.#options.title, entry: 'none', accept });
      return;
    }
    const isEncrypted = 'encrypted' in request.socket;
    const cookie = `${this.#sessions.cookieName}=${session}; Path=${base || '/'}; HttpOnly; SameSite=Strict`;
    sendRedirect(response, `${base}/`, isEncrypted ? `${cookie}; Secure` : cookie);
  }

  /** Reports what `auth` fails with. @throws {Refusal} then */
  async #entry(request: IncomingMessage): Promise<Entry> {
    const { auth } = this.#options;
    if (auth !== undefined) {
      try {
        return await askAuth(request, auth);
      } catch (error) {
        // Whoever asks is not let in, and told nothing of it: it may be an error of the bus that `auth` looks into.
        this.#source.report(error);
        throw internal();
      }
    }
    return this.#sessions.has(request.headers.cookie) ? 'write' : 'none';
  }

  #refuse(response: ServerResponse, error: unknown): void {
    const refusal = refusalOf(error, this.#redaction);
    if (refusal.code === 'INTERNAL' && refusal !== error) this.#source.report(error);
    try {
      if (response.headersSent) response.destroy();
      else sendRefusal(response, refusal);
    } catch (failure) {
      // Middleware may have put methods of its own in there.
      this.#source.report(failure);
      response.destroy();
    }
  }
}

function wrongMethod(allow: string): Refusal {
  return new Refusal(405, 'WRONG_METHOD', `this takes ${allow}`, { allow });
}
