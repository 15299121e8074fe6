/**
 * Options of a dashboard: their defaults, and the one place where they are checked.
 */
import type { IncomingMessage } from 'node:http';
import { inspect } from 'node:util';
import type { AnyActorRef } from 'xstate';
import { refuseUnknownNames } from '../option-names.ts';
import type { AnyEvent, EventShape, StoredEvent } from '../types.ts';
import { processorActions } from './orders.ts';
import type { ActionName } from './wire.ts';

/** `true`: everything that `allowActions` allows. `'read'`: to look only. `false`: nothing. */
export type Access = boolean | 'read';

export interface DashboardOptions<Events extends EventShape = AnyEvent> {
  /**
   * The path it is mounted under, with or without a slash at its end: what a request's URL begins with. Express tells by
   * itself where `app.use('/path', …)` has put it, but only with a request: {@link Dashboard.login} goes by this. @default '/'
   */
  readonly basePath?: string;
  /** What the page is called. @default 'varvebus' */
  readonly title?: string;
  /** What may be ordered from the page: all, nothing, or these. @default false */
  readonly allowActions?: boolean | readonly ActionName[];
  /**
   * Who may see it: asked with each request, in place of the token, and every 30 s with the request of each page that stays
   * connected. A function that throws, rejects, or takes longer than 10 s lets nobody in (status 500) and is reported on the bus. Without it only this machine gets in, with a token of {@link Dashboard.login}.
   */
  readonly auth?: (request: IncomingMessage) => Access | Promise<Access>;
  /**
   * Names that may stand in the header Host, beside those of this machine and plain addresses: `'ops.example.com'`, without a
   * port. Others are refused (status 403), because a foreign page can make its own name point here. @default []
   */
  readonly hosts?: readonly string[];
  /** Actors of yours, of any XState logic, to be shown with their charts. @default [] */
  readonly machines?: readonly AnyActorRef[];
  /**
   * Asked with each event whose data is about to be shown: data and metadata of what it returns are shown instead;
   * `undefined`, or a throw, hides both, and what is linked by ids in the metadata. Entries of projections are not shown then,
   * unless there is a `redactEntry`, nor are messages and stacks of errors, unless there is a `redactError`. Always shown are
   * stream, type, id and the other facts about an event.
   */
  readonly redact?: (event: StoredEvent<Events>) => StoredEvent<Events> | undefined;
  /**
   * Asked with each entry of a projection that is about to be shown: the value of what it returns is shown instead;
   * `undefined`, or a throw, hides it. Keys are shown as they are. @default all is shown without `redact`, nothing with it
   */
  readonly redactEntry?: (entry: ProjectionEntry) => { readonly value: unknown } | undefined;
  /**
   * Asked with each error that is about to be shown, which may quote an event: what it returns is shown instead; `undefined`,
   * or a throw, hides message and stack, and a name or code that does not look like one. What it says is kept for as
   * long as the error is, for all who look: it must go by what it is given alone. @default all is shown without `redact`, only name and code with it
   */
  readonly redactError?: (error: DashboardError) => ErrorTexts | undefined;
}

/** What an error says of itself, cut where it is long. */
export interface ErrorTexts {
  readonly name: string;
  readonly code?: string | undefined;
  readonly message: string;
  readonly stack?: string | undefined;
}

/** An error as the page shows it. */
export interface DashboardError extends ErrorTexts {
  /** Of which processor or projection; not there for one of `machines`, and for what a request ended with. */
  readonly processor?: string;
}

export interface ProjectionEntry {
  readonly projection: string;
  readonly key: string;
  readonly value: unknown;
}

export interface ResolvedDashboardOptions {
  /** `''`, or a path that begins with a slash and does not end with one. */
  readonly basePath: string;
  readonly title: string;
  readonly actions: readonly ActionName[];
  readonly auth: DashboardOptions['auth'];
  /** In lower case. */
  readonly hosts: ReadonlySet<string>;
  readonly machines: readonly AnyActorRef[];
  readonly redact: DashboardOptions['redact'];
  readonly redactEntry: DashboardOptions['redactEntry'];
  readonly redactError: DashboardOptions['redactError'];
}

/** Where it listens. */
export interface ListenOptions {
  /** 0: any that is free. @default 0 */
  readonly port?: number;
  /** A name or address of this machine; one that others can reach needs `auth`. @default '127.0.0.1' */
  readonly host?: string;
  /** Ends it, also while it begins. */
  readonly signal?: AbortSignal;
}

export interface ResolvedListenOptions {
  readonly port: number;
  readonly host: string;
  readonly signal: AbortSignal | undefined;
}

const names: readonly (keyof DashboardOptions)[] = [
  'basePath',
  'title',
  'allowActions',
  'auth',
  'hosts',
  'machines',
  'redact',
  'redactEntry',
  'redactError',
];
const listenNames: readonly (keyof ListenOptions)[] = ['port', 'host', 'signal'];

/** All that can be ordered. */
const actionNames: readonly ActionName[] = [...processorActions, 'retry-letters', 'discard-letters'];

const titleCharactersMax = 100;
/** Characters of a path that need no escape in HTML, in a cookie or in a header. */
const path = /^(?:\/[\w.~!$&'()*+,=:@%-]+)*$/;
/** A DNS name, or an address as it stands in a URL. */
const hostName = /^(?:[a-z0-9_](?:[a-z0-9_.-]{0,251}[a-z0-9_])?|\[[0-9a-f:.]{2,45}\])$/;
const portMax = 65_535;

/** @throws {TypeError} naming the option, its range and what was given. */
export function resolveDashboardOptions(options: DashboardOptions): ResolvedDashboardOptions {
  if (typeof options !== 'object' || options === null) throw wrong('options', 'an object', options);
  refuseUnknownNames('dashboard', options, names);
  const { basePath = '/', title = 'varvebus', allowActions = false, auth, hosts = [], machines = [] } = options;
  const { redact, redactEntry, redactError } = options;
  const base = typeof basePath === 'string' ? withoutSlash(basePath) : undefined;
  if (base === undefined || !isBasePath(base)) throw wrong('basePath', "a path like '/ops/varvebus'", basePath);
  if (typeof title !== 'string' || title === '' || title.length > titleCharactersMax) {
    throw wrong('title', `a text of 1 to ${titleCharactersMax} characters`, title);
  }
  for (const [name, ask] of Object.entries({ auth, redact, redactEntry, redactError })) {
    if (ask !== undefined && typeof ask !== 'function') throw wrong(name, 'a function', ask);
  }
  if (!Array.isArray(hosts) || !hosts.every((host) => typeof host === 'string' && hostName.test(host.toLowerCase()))) {
    throw wrong('hosts', "an array of names like 'ops.example.com', without a port", hosts);
  }
  if (!Array.isArray(machines) || !machines.every(isActor)) {
    throw wrong('machines', 'an array of XState actors', machines);
  }
  return {
    basePath: base,
    title: title.toWellFormed(),
    actions: allowedActions(allowActions),
    auth,
    hosts: new Set(hosts.map((host) => host.toLowerCase())),
    machines: [...new Set(machines)],
    redact,
    redactEntry,
    redactError,
  };
}

/** @throws {TypeError} */
export function resolveListenOptions(options: ListenOptions, isGuarded: boolean): ResolvedListenOptions {
  refuseUnknownNames('listen', options, listenNames);
  const { port = 0, host = '127.0.0.1', signal } = options;
  if (!Number.isInteger(port) || port < 0 || port > portMax) {
    throw wrong('port', `a whole number from 0 to ${portMax}`, port);
  }
  if (typeof host !== 'string' || host === '') throw wrong('host', 'a name or address', host);
  if (signal !== undefined && !(signal instanceof AbortSignal)) throw wrong('signal', 'an AbortSignal', signal);
  if (!isGuarded && !isLoopbackHost(host)) {
    const advice = 'without `auth` it may only listen where nobody else can reach it';
    throw new TypeError(`host must be '127.0.0.1', '::1' or 'localhost', got ${inspect(host)}: ${advice}`);
  }
  return { port, host, signal };
}

/** Whether `path`, without a slash at its end, can be a base path. */
export function isBasePath(text: string): boolean {
  return path.test(text) && !text.split('/').some((part) => part === '.' || part === '..');
}

export function withoutSlash(text: string): string {
  return text.endsWith('/') ? text.slice(0, -1) : text;
}

/** Whether a `host` to listen on, or in a URL, is this machine and nobody else's. */
export function isLoopbackHost(host: string): boolean {
  const name = host.toLowerCase();
  return (
    name === 'localhost' ||
    name.endsWith('.localhost') ||
    name === '::1' ||
    name === '[::1]' ||
    /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(name)
  );
}

function allowedActions(allowed: DashboardOptions['allowActions']): readonly ActionName[] {
  if (typeof allowed === 'boolean') return allowed ? actionNames : [];
  if (!Array.isArray(allowed) || !allowed.every((action) => actionNames.includes(action))) {
    throw wrong('allowActions', `true, false or an array of ${actionNames.join(', ')}`, allowed);
  }
  return actionNames.filter((action) => allowed.includes(action));
}

function isActor(value: unknown): value is AnyActorRef {
  if (typeof value !== 'object' || value === null) return false;
  const { getSnapshot, subscribe } = value as Partial<AnyActorRef>;
  return typeof getSnapshot === 'function' && typeof subscribe === 'function';
}

function wrong(option: string, range: string, value: unknown): TypeError {
  return new TypeError(`${option} must be ${range}, got ${inspect(value, { depth: 0 })}`);
}
