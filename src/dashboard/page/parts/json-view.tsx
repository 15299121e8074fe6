/**
 * JSON text as a tree that opens and closes, or as the text itself. Shows text nodes only: markup in data stays text.
 *
 * What is in the document is bounded, whatever the data: branches are made when they are opened, their members and the characters
 * of long strings are shown in portions. The digits of numbers and the order of properties are those of the text.
 */
import { useMemo, useState } from 'preact/hooks';
import { CopyButton } from './copy-button.tsx';
import { Icon } from './icon.tsx';
import { type JsonBranch, type JsonNode, readJson } from './json-tree.ts';
import { beginning, quoted, shown, shownLines } from './plain-text.ts';
import './json-view.css';

/** Members of a branch shown at once. */
const portionMembers = 100;
/** Characters of a string shown before one asks for all. */
const stringCharsMax = 600;
/** Characters of the plain text shown at once. */
const portionChars = 200_000;
/** Branches open by themselves as long as there are at most so many members on the way in. */
const openMembersMax = 60;
const openDepthMax = 3;
/** Members and characters of a branch that is shown on one line. */
const lineMembersMax = 12;
const lineCharsMax = 72;
/** Keys named in a closed object. */
const previewKeys = 4;

export interface JsonViewProps {
  readonly label: string;
  readonly text: string;
  /** The text may be only the beginning. */
  readonly mayBeCut?: boolean;
}

export function JsonView({ label, text, mayBeCut = false }: JsonViewProps) {
  const whole = useMemo(() => readJson(text), [text]);
  const isCut = mayBeCut && whole === undefined;
  const tree = useMemo(() => (isCut ? readJson(text, true) : whole), [text, isCut, whole]);
  const [isText, setText] = useState(false);
  const canBeTree = tree !== undefined && 'values' in tree;
  return (
    <section class="panel json" aria-label={label}>
      <header class="panel-head">
        <h2>{label}</h2>
        <div class="json-tools">
          {canBeTree && (
            <fieldset class="switch">
              <legend class="hidden-text">Form of {label}</legend>
              <button type="button" aria-pressed={!isText} onClick={() => setText(false)}>
                Tree
              </button>
              <button type="button" aria-pressed={isText} onClick={() => setText(true)}>
                Text
              </button>
            </fieldset>
          )}
          <CopyButton text={text} what={label} isPart={isCut} />
        </div>
      </header>
      {isCut && (
        <p class="json-cut">
          <Icon name="alert" size={14} /> Too long to be shown whole: this is its beginning.
        </p>
      )}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard */}
      <section class="json-body" tabIndex={0} aria-label={`${label}, content`}>
        {tree !== undefined && !(isText && canBeTree) ? (
          <ul class="json-tree">
            <Member key={text} node={tree} depth={0} room={openMembersMax} isLast />
          </ul>
        ) : (
          <PlainText text={text} />
        )}
      </section>
    </section>
  );
}

function PlainText({ text }: { readonly text: string }) {
  const [portions, setPortions] = useState(1);
  const part = beginning(text, portions * portionChars);
  return (
    <>
      <pre>{shownLines(part)}</pre>
      {part.length < text.length && (
        <button type="button" class="json-more" onClick={() => setPortions(portions + 1)}>
          {counted(text.length - part.length, 'more character')}
        </button>
      )}
    </>
  );
}

interface MemberProps {
  readonly name?: string;
  readonly node: JsonNode;
  readonly depth: number;
  /** How many members may still open by themselves. */
  readonly room: number;
  readonly isLast: boolean;
}

function Member({ name, node, depth, room, isLast }: MemberProps) {
  const comma = isLast ? '' : ',';
  if (!('values' in node) || (node.values.length === 0 && !node.isCut)) {
    return (
      <li>
        <Name name={name} />
        <Leaf node={node} />
        <span class="json-mark">{comma}</span>
      </li>
    );
  }
  if (depth > 0 && isShort(node)) {
    return (
      <li>
        <Name name={name} />
        <Line node={node} />
        <span class="json-mark">{comma}</span>
      </li>
    );
  }
  return <Branch name={name} node={node} depth={depth} room={room} comma={comma} />;
}

interface BranchProps {
  readonly name: string | undefined;
  readonly node: JsonBranch;
  readonly depth: number;
  readonly room: number;
  readonly comma: string;
}

function Branch({ name, node, depth, room, comma }: BranchProps) {
  const count = node.values.length;
  const [isOpen, setOpen] = useState(depth === 0 || (depth < openDepthMax && count <= room));
  const [portions, setPortions] = useState(1);
  const [left, right] = node.kind === 'object' ? '{}' : '[]';
  const visible = isOpen ? node.values.slice(0, portions * portionMembers) : [];
  return (
    <li>
      <button type="button" class="json-toggle" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
        <svg viewBox="0 0 10 10" aria-hidden="true">
          <path d="M3 1.5 7 5 3 8.5" />
        </svg>
        <Name name={name} />
        <span class="json-mark">{left}</span>
        <span class="json-note">{isOpen ? counted(count, wordFor(node)) : summary(node)}</span>
        {!isOpen && (
          <span class="json-mark">
            {right}
            {comma}
          </span>
        )}
      </button>
      {isOpen && (
        <>
          <ul class="json-level">
            {visible.map((value, index) => (
              <Member
                key={index}
                {...(node.kind === 'object' && { name: node.keys[index] as string })}
                node={value}
                depth={depth + 1}
                room={Math.floor(room / Math.max(1, count))}
                isLast={index === count - 1 && !node.isCut}
              />
            ))}
            {visible.length < count && (
              <li>
                <button type="button" class="json-more" onClick={() => setPortions(portions * 2)}>
                  {counted(count - visible.length, 'more')}
                </button>
              </li>
            )}
            {node.isCut && visible.length === count && <li class="json-note">cut here</li>}
          </ul>
          {!node.isCut && (
            <span class="json-mark json-close">
              {right}
              {comma}
            </span>
          )}
        </>
      )}
    </li>
  );
}

/** A branch on one line. */
function Line({ node }: { readonly node: JsonBranch }) {
  const [left, right] = node.kind === 'object' ? ['{ ', ' }'] : ['[', ']'];
  return (
    <>
      <span class="json-mark">{left}</span>
      {node.values.map((value, index) => (
        <span key={index}>
          {index > 0 && <span class="json-mark">, </span>}
          <Name name={node.keys[index]} />
          <Leaf node={value} />
        </span>
      ))}
      <span class="json-mark">{right}</span>
    </>
  );
}

/** Whether a line has room for it: leaves only, and few characters. */
function isShort(node: JsonBranch): boolean {
  if (node.isCut || node.values.length > lineMembersMax) return false;
  let length = node.keys.reduce((sum, key) => sum + key.length + 2, 0);
  for (const value of node.values) {
    if ('values' in value) return false;
    length += value.text.length + 4;
    if (length > lineCharsMax) return false;
  }
  return true;
}

function Name({ name }: { readonly name: string | undefined }) {
  if (name === undefined) return null;
  return (
    <>
      <bdi class="json-name">{/^[\p{L}_$][\p{L}\p{N}_$-]*$/u.test(name) ? name : quoted(beginning(name, 200))}</bdi>
      <span class="json-mark">: </span>
    </>
  );
}

function Leaf({ node }: { readonly node: JsonNode }) {
  const [isWhole, setWhole] = useState(false);
  if ('values' in node) return <span class="json-mark">{node.kind === 'object' ? '{}' : '[]'}</span>;
  if (node.kind !== 'string') return <span class={`json-${node.kind}`}>{beginning(node.text, stringCharsMax)}</span>;
  const part = isWhole ? node.text : beginning(node.text, stringCharsMax);
  const isAll = part.length === node.text.length;
  return (
    <>
      <bdi class="json-string">{isAll && !node.isCut ? quoted(part) : quoted(part).slice(0, -1)}</bdi>
      {!isAll && (
        <button type="button" class="json-more" onClick={() => setWhole(true)}>
          {counted(node.text.length - part.length, 'more character')}
        </button>
      )}
      {node.isCut && isAll && <span class="json-note"> cut here</span>}
    </>
  );
}

/** What a closed branch says of its inside. */
function summary(node: JsonBranch): string {
  if (node.kind === 'array') return counted(node.values.length, 'item');
  const keys = node.keys.slice(0, previewKeys).map((key) => shown(beginning(key, 24)));
  return node.keys.length > previewKeys ? `${keys.join(', ')}, …` : keys.join(', ');
}

function wordFor(node: JsonBranch): string {
  return node.kind === 'array' ? 'item' : 'property';
}

function counted(count: number, word: string): string {
  const plural = word === 'more' ? word : word === 'property' ? 'properties' : `${word}s`;
  return `${count.toLocaleString('en')} ${count === 1 ? word : plural}`;
}
