// What a program with Anthropic's SDK gets, with nothing but the variables that the SDK reads.
import Anthropic from '@anthropic-ai/sdk';

const client = new Anthropic({ maxRetries: 0 });
const asked = { model: 'echo', max_tokens: 64, messages: [{ role: 'user', content: 'say it again' }] };
const whole = await client.messages.create(asked);
const stream = client.messages.stream(asked);
let streamed = '';
stream.on('text', text => streamed += text);
const last = await stream.finalMessage();
let refused;
try { await client.models.list(); } catch (error) { refused = error.status; }
console.log(JSON.stringify({ whole: whole.content[0].text, streamed, last: last.content[0].text, reason: last.stop_reason, tokens: last.usage.output_tokens, refused }));
