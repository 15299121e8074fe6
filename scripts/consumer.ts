/**
 * Checks the package as its users get it: packs the built package, installs the tarball into a new project outside the
 * repository, and runs the programs of test/consumer there: TypeScript, JavaScript, CommonJS, and the command line.
 *
 * Expects `dist` to be built (npm run consumer does). Needs the registry for the dependencies, and npm on the PATH.
 */
import assert from 'node:assert/strict';
import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

interface PackedFile {
  readonly path: string;
}
interface Packed {
  readonly filename: string;
  readonly size: number;
  readonly unpackedSize: number;
  readonly files: readonly PackedFile[];
}

const root = resolve(import.meta.dirname, '..');
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const compilers = { 'TypeScript 7': '@typescript/native/bin/tsc', 'TypeScript 6': 'typescript/bin/tsc6' };

/** Bytes. Sources, JavaScript, declarations and the maps of those, the page of the dashboard; grows with the code, must not jump. */
const unpackedBytesMax = 4_300_000;
const packedFolders = /^(dist|src|actors)\/|^(package\.json|README\.md|LICENSE|CHANGELOG\.md)$/;

const scratch = mkdtempSync(join(tmpdir(), 'varvebus-consumer-'));
try {
  main();
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

function main(): void {
  const tarball = step('pack', pack);
  const project = step('install', () => install(tarball));
  for (const [name, compiler] of Object.entries(compilers)) {
    step(`compile with ${name}`, () => compile(project, compiler));
    step(`our declarations under skipLibCheck: false, ${name}`, () => checkDeclarations(project, compiler));
  }
  step('run TypeScript', () => runProgram(project, 'out/typed.js'));
  step('run JavaScript', () => runProgram(project, 'esm.js'));
  step('run CommonJS', () => runProgram(project, 'commonjs.cjs'));
  step('run varvebus --help', () => runHelp(project));
}

function step<T>(name: string, work: () => T): T {
  const startMs = performance.now();
  const result = work();
  console.log(`ok  ${name} (${Math.round(performance.now() - startMs)} ms)`);
  return result;
}

/** The path of the tarball, after a look at what is in it. */
function pack(): string {
  const output = run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', scratch], root).stdout;
  const packed: Packed | undefined = Object.values<Packed>(JSON.parse(output))[0];
  assert(packed !== undefined, 'npm pack reports the package');

  const paths = packed.files.map((file) => file.path);
  assert.deepEqual(
    paths.filter((path) => !packedFolders.test(path)),
    [],
    'nothing else is packed',
  );
  for (const path of ['dist/src/index.js', 'dist/src/index.d.ts', 'dist/src/cli/main.js', 'LICENSE', 'README.md']) {
    assert(paths.includes(path), `${path} is packed`);
  }
  assert(packed.unpackedSize <= unpackedBytesMax, `${packed.unpackedSize} bytes unpacked, limit ${unpackedBytesMax}`);
  console.log(`    ${paths.length} files, ${packed.size} bytes packed, ${packed.unpackedSize} unpacked`);
  return join(scratch, packed.filename);
}

/** A new project that has the tarball, the peer dependency and Node's types. */
function install(tarball: string): string {
  const project = join(scratch, 'project');
  cpSync(join(root, 'test/consumer'), project, { recursive: true });
  const { rxjs, xstate, '@types/node': nodeTypes } = manifest.devDependencies;
  const dependencies = { [manifest.name]: `file:${tarball}`, rxjs, xstate, '@types/node': nodeTypes };
  writeFileSync(join(project, 'package.json'), JSON.stringify({ private: true, type: 'module', dependencies }));
  run('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error'], project);
  return project;
}

function compile(project: string, compiler: string): void {
  run(process.execPath, [join(root, 'node_modules', compiler), '-p', project], project);
}

/** Errors in other packages' declarations are theirs; none may stand in ours. */
function checkDeclarations(project: string, compiler: string): void {
  const options = ['--skipLibCheck', 'false', '--noEmit', '--pretty', 'false'];
  const args = [join(root, 'node_modules', compiler), '-p', project, ...options];
  const errors = spawn(process.execPath, args, project)
    .stdout.split('\n')
    .filter((line) => line.includes('error TS'));
  const ours = errors.filter(
    (line) => !line.includes('node_modules') || line.includes(`node_modules/${manifest.name}/`),
  );
  assert.deepEqual(ours, [], 'no error in our declarations');
  if (errors.length > 0) console.log(`    ${errors.length} errors in other packages' declarations`);
}

function runProgram(project: string, program: string): void {
  const directory = join(scratch, `store-of-${program.replaceAll(/\W/g, '-')}`);
  mkdirSync(directory);
  run(process.execPath, [program, directory], project);
}

function runHelp(project: string): void {
  const help = run(join(project, 'node_modules/.bin', manifest.name), ['--help'], project).stdout;
  assert.match(help, /varvebus/i, 'the help names the command');
}

/** Runs a command to its end; one that fails ends the check with all it printed. */
function run(command: string, args: readonly string[], directory: string): SpawnSyncReturns<string> {
  const result = spawn(command, args, directory);
  if (result.status !== 0) {
    const output = `${result.stdout}${result.stderr}`.trimEnd();
    throw new Error(`${command} ${args.join(' ')} ended with ${result.status ?? result.signal}:\n${output}`);
  }
  return result;
}

function spawn(command: string, args: readonly string[], directory: string): SpawnSyncReturns<string> {
  const result = spawnSync(command, args, { cwd: directory, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  if (result.error !== undefined) throw result.error;
  return result;
}
