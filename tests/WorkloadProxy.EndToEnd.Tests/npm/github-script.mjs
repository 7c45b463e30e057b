// What actions/github-script does with a step's `script`, as far as `core` goes: the text is the body of an async function.
import * as core from '@actions/core';
import { text } from 'node:stream/consumers';

const AsyncFunction = Object.getPrototypeOf(async () => {}).constructor;
await new AsyncFunction('core', await text(process.stdin))(core);
