#!/usr/bin/env node
/**
 * The program `varvebus`: gives the command line of this process to run.ts.
 */
import { runCommandLine } from './run.ts';

process.exitCode = await runCommandLine(process.argv.slice(2), process);
