// What a program with OpenAI's SDK gets, with nothing but the two variables that the SDK reads.
import OpenAI from 'openai';

const client = new OpenAI({ maxRetries: 0 });
const messages = [{ role: 'user', content: 'say it again' }];
const whole = await client.chat.completions.create({ model: 'echo', messages });
let streamed = '', usage;
for await (const chunk of await client.chat.completions.create({ model: 'echo', messages, stream: true, stream_options: { include_usage: true } })) {
  streamed += chunk.choices[0]?.delta?.content ?? '';
  usage ??= chunk.usage;
}
const response = await client.responses.create({ model: 'echo', input: 'say it again' });
let events = '', types = [];
for await (const event of await client.responses.create({ model: 'echo', input: [{ role: 'user', content: 'say it again' }], stream: true })) {
  types.push(event.type);
  if (event.type === 'response.output_text.delta') events += event.delta;
}
let refused;
try { await client.models.list(); } catch (error) { refused = error.status; }
console.log(JSON.stringify({ whole: whole.choices[0].message.content, streamed, tokens: usage.total_tokens, response: response.output_text, events, last: types.at(-1), refused }));
