// What a client of the npm SDKs is asked to do, in the order of the columns of table.json (for asking.json see asking.mjs).
// Prints one JSON line per deed: {"deed", "outcome": "yes" | "no" | "cannot", "detail"}.

import { isDeepStrictEqual } from 'node:util';

const DEED_LIMIT_MS = 30_000;
const NON_ASCII = 'Grüße, 世界 🌍';
const CONCURRENT_CALLS = 200;
const LARGE_BYTES = 900 * 1024;

/** Thrown by a deed that the client has no way to do; the message says how that showed. */
export class Cannot extends Error {}

/** The job as the test hands it over: sheet, era, transport; url, command, host and port, or path; demo (demo.json or everything.json). */
export const job = JSON.parse(process.argv[2]);

/** Fails the deed unless `condition` holds. */
export function check(condition, message) {
  if (!condition) throw new Error(message);
}

/** A text of `bytes` ASCII bytes in which no stretch can be lost, doubled or moved unnoticed. */
export function countingText(bytes) {
  const parts = [];
  for (let length = 0, n = 0; length < bytes; n += 1) {
    const part = `${n},`;
    parts.push(part);
    length += part.length;
  }
  return parts.join('').slice(0, bytes);
}

/** The single text of a tool result that is not an error. */
export function textOf(result) {
  check(!result.isError, `the result is an error: ${brief(result)}`);
  const texts = (result.content ?? []).filter((block) => block.type === 'text');
  check(texts.length === 1, `expected one text block: ${brief(result)}`);
  return texts[0].text;
}

/** A value in few words. */
export function brief(value) {
  const text = typeof value === 'string' ? value : JSON.stringify(value) ?? String(value);
  return text.length > 400 ? `${text.slice(0, 400)}…` : text;
}

function within(promise, what) {
  let timer;
  const limit = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: no end after ${DEED_LIMIT_MS} ms`)), DEED_LIMIT_MS);
  });
  return Promise.race([promise, limit]).finally(() => clearTimeout(timer));
}

/** Does one deed and prints its cell. */
export async function cell(deed, action) {
  let outcome = 'yes';
  let detail;
  try {
    detail = await within(Promise.resolve().then(action), deed);
  } catch (error) {
    outcome = error instanceof Cannot ? 'cannot' : 'no';
    detail = error?.code === undefined ? String(error?.message ?? error) : `${error.message} (code ${error.code})`;
  }
  process.stdout.write(`${JSON.stringify({ deed, outcome, detail: brief(detail ?? '') })}\n`);
  return outcome;
}

/** Checks that every name the demo sources promise is in the list. */
export function checkListed(names, expected) {
  const missing = expected.filter((name) => !names.includes(name));
  check(missing.length === 0, `not listed: ${missing.join(', ')}; listed: ${names.join(', ')}`);
  return `${names.length} listed`;
}

/** The tools that the demo sources promise. */
export function promisedTools(demo) {
  return [...new Set(['echo', 'echo_upper', 'greet', 'progress', 'cancel', 'structured'].map((key) => demo[key].tool))];
}

/** Checks a structured result against the fields that demo.json promises. */
export function checkStructured(result, fields) {
  check(!result.isError, `the result is an error: ${brief(result)}`);
  check(result.structuredContent, `no structuredContent: ${brief(result)}`);
  for (const [key, value] of Object.entries(fields)) {
    check(isDeepStrictEqual(result.structuredContent[key], value), `field ${key}: ${brief(result.structuredContent)}`);
  }
  return brief(result.structuredContent);
}

/** Checks the text of a resource that was read. */
export function checkContents(result, { uri, text }) {
  check(result.contents?.length > 0, `no contents: ${brief(result)}`);
  check(result.contents[0].uri === uri, `contents of another URI: ${brief(result)}`);
  check(result.contents[0].text?.includes(text), `text without "${text}": ${brief(result)}`);
  return brief(result.contents[0].text);
}

/** Checks the messages of a prompt. */
export function checkPrompt(result, { text, embedded_resource }) {
  check(result.messages?.length > 0, `no messages: ${brief(result)}`);
  check(JSON.stringify(result.messages).includes(text), `messages without "${text}": ${brief(result)}`);
  if (embedded_resource) {
    check(result.messages.some((message) => message.content.type === 'resource'), `no embedded resource: ${brief(result)}`);
  }
  return `${result.messages.length} messages`;
}

/** Checks the values of a completion. */
export function checkCompletion(result, { values }) {
  checkListed(result.completion.values, values);
  return result.completion.values.join(', ');
}

/**
 * Does all deeds with a client of the SDK's shape.
 *
 * `adapter`: `connect()` → revision; `client` (after connect) with the SDK's methods;
 * `callTool(name, args, options)`; `close()`.
 */
export async function perform(adapter) {
  const { demo } = job;
  const all = async (method, key) => {
    const entries = [];
    let cursor;
    do {
      const page = await adapter.client[method](cursor === undefined ? {} : { cursor });
      entries.push(...page[key]);
      cursor = page.nextCursor;
    } while (cursor !== undefined);
    return entries;
  };
  const say = (which, value) => adapter.callTool(demo[which].tool, { [demo[which].argument]: value });

  await cell('connect', () => adapter.connect());
  await cell('list_tools', async () => checkListed((await all('listTools', 'tools')).map((tool) => tool.name), promisedTools(demo)));
  await cell('list_resources', async () =>
    checkListed((await all('listResources', 'resources')).map((resource) => resource.uri), [demo.resource.uri]));
  await cell('list_templates', async () =>
    checkListed((await all('listResourceTemplates', 'resourceTemplates')).map((template) => template.uriTemplate),
      [demo.template.uri_template]));
  await cell('list_prompts', async () =>
    checkListed((await all('listPrompts', 'prompts')).map((prompt) => prompt.name), [demo.prompt.name]));
  await cell('echo', async () => {
    const text = textOf(await say('echo', NON_ASCII));
    check(text === NON_ASCII, `came back as ${text}`);
    return text;
  });
  await cell('echo_upper', async () => {
    const text = textOf(await say('echo_upper', NON_ASCII));
    check(text === NON_ASCII.toUpperCase(), `came back as ${text}`);
    return text;
  });
  await cell('greet', async () => {
    const text = textOf(await say('greet', 'Zoë'));
    check(text.includes('Zoë'), `came back as ${text}`);
    return text;
  });
  await cell('concurrent_200', async () => {
    const messages = Array.from({ length: CONCURRENT_CALLS }, (_, n) => `call ${n} of ${process.pid}`);
    const answers = await Promise.all(messages.map(async (message) => textOf(await say('echo', message))));
    const wrong = messages.filter((message, n) => answers[n] !== message);
    check(wrong.length === 0, `${wrong.length} calls saw another answer`);
    return `${answers.length} answers`;
  });
  await cell('large_argument', async () => {
    const message = countingText(LARGE_BYTES);
    const text = textOf(await say('echo', message));
    check(text === message, `${text.length} of ${message.length} characters came back, or they differ`);
    return `${text.length} bytes`;
  });
  await cell('progress', () => seeProgress(adapter));
  await cell('structured', async () =>
    checkStructured(await adapter.callTool(demo.structured.tool, demo.structured.arguments), demo.structured.fields));
  await cell('read_resource', async () =>
    checkContents(await adapter.client.readResource({ uri: demo.resource.uri }), demo.resource));
  await cell('read_template', async () =>
    checkContents(await adapter.client.readResource({ uri: demo.template.uri }), demo.template));
  await cell('get_prompt', async () =>
    checkPrompt(await adapter.client.getPrompt({ name: demo.prompt.name, arguments: demo.prompt.arguments }), demo.prompt));
  await cell('complete', async () =>
    checkCompletion(await adapter.client.complete({ ref: demo.completion.ref, argument: demo.completion.argument }), demo.completion));
  await cell('unknown_tool', async () => {
    let refusal;
    try {
      const result = await adapter.callTool(demo.unknown_tool.tool, {});
      throw new Error(`answered with a result: ${brief(result)}`);
    } catch (error) {
      refusal = error;
    }
    check(refusal.code === demo.unknown_tool.code, `refused with code ${refusal.code}: ${refusal.message}`);
    return refusal.message;
  });
  await cell('cancel', () => cancel(adapter));
  await cell('close', () => adapter.close());
}

/** Watches the progress of a call. */
export async function seeProgress(adapter) {
  const { demo } = job;
  const seen = [];
  const result = await adapter.callTool(demo.progress.tool, demo.progress.arguments, {
    onprogress: ({ progress }) => seen.push(progress),
  });
  textOf(result);
  check(seen.length >= demo.progress.at_least, `only ${seen.length} progress notifications before the result`);
  check(seen.every((value, n) => n === 0 || value > seen[n - 1]), `progress does not grow: ${seen}`);
  return seen.join(', ');
}

/** Cancels a call at its first progress notification, and goes on with another. */
export async function cancel(adapter) {
  const { demo } = job;
  const reason = 'the caller has seen enough';
  const controller = new AbortController();
  const ended = await adapter
    .callTool(demo.cancel.tool, demo.cancel.arguments, {
      signal: controller.signal,
      onprogress: () => controller.abort(reason),
    })
    .then((result) => `a result: ${brief(result)}`, (error) => String(error?.message ?? error));
  check(ended.includes(reason), `the call ended with ${ended}`);
  const text = textOf(await adapter.callTool(demo.echo.tool, { [demo.echo.argument]: 'still there' }));
  check(text.endsWith('still there'), `afterwards echo said ${text}`);
  return 'ended at the first progress notification; the connection goes on';
}

/** Fails while the process still runs. */
export function checkGone(pid) {
  let alive = true;
  try {
    process.kill(pid, 0);
  } catch {
    alive = false;
  }
  check(!alive, `the server process ${pid} is still there after close`);
  return 'the server process is gone';
}
