// Prints each problem of the Dockerfile on standard input, as editors show it.
import { validate } from 'dockerfile-utils';
import { text } from 'node:stream/consumers';

for (const problem of validate(await text(process.stdin))) console.log(`${problem.range.start.line + 1}: ${problem.message}`);
