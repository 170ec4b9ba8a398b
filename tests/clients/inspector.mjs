// Inspector CLI 2.x: every deed is a run of the command, as its user would type it.

import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';

import {
  Cannot, cell, check, checkContents, checkListed, checkPrompt, checkStructured, countingText, job, promisedTools, textOf,
} from './deeds.mjs';

const launcher = createRequire(import.meta.url).resolve('@modelcontextprotocol/inspector/clients/launcher/build/index.js');
const target = job.transport === 'stdio' ? ['--', ...job.command] : ['--server-url', job.url];
const { demo } = job;

/** Runs the command: `{ result }` or `{ error, status }`, as it prints them, and all it printed. */
function inspect(...args) {
  return new Promise((resolve, reject) => {
    const argv = [launcher, '--cli', '--protocol-era', job.era, '--format', 'json', ...args, ...target];
    const child = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'pipe'] });
    const printed = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr']) {
      child[name].setEncoding('utf8').on('data', (chunk) => {
        printed[name] += chunk;
      });
    }
    child.on('error', reject);
    child.on('close', (status) => {
      if (status === 0) {
        resolve({ result: JSON.parse(printed.stdout).result, printed });
        return;
      }
      const envelope = printed.stderr.split('\n').find((line) => line.startsWith('{"error":'));
      resolve({ error: envelope ? JSON.parse(envelope).error : { message: printed.stderr }, status, printed });
    });
  });
}

/** The result of a run that must succeed. */
async function result(...args) {
  const { result: value, error } = await inspect(...args);
  check(!error, error?.message);
  return value;
}

/** Runs a method that the command does not know: the deed cannot be done as long as it says so itself. */
async function unsupported(method) {
  const { error } = await inspect('--method', method);
  check(error?.message.startsWith(`Unsupported method: ${method}`), `${method} was not refused: ${error?.message}`);
  throw new Cannot(error.message);
}

const call = (tool, args) => ['--method', 'tools/call', '--tool-name', tool, '--tool-args-json', JSON.stringify(args)];
const say = (which, value) => call(demo[which].tool, { [demo[which].argument]: value });
const nonAscii = 'Grüße, 世界 🌍';

await cell('connect', async () => (await result('--method', 'initialize')).protocolVersion);
await cell('list_tools', async () =>
  checkListed((await result('--method', 'tools/list')).tools.map((tool) => tool.name), promisedTools(demo)));
await cell('list_resources', async () =>
  checkListed((await result('--method', 'resources/list')).resources.map((resource) => resource.uri), [demo.resource.uri]));
await cell('list_templates', async () =>
  checkListed((await result('--method', 'resources/templates/list')).resourceTemplates.map((template) => template.uriTemplate),
    [demo.template.uri_template]));
await cell('list_prompts', async () =>
  checkListed((await result('--method', 'prompts/list')).prompts.map((prompt) => prompt.name), [demo.prompt.name]));
await cell('echo', async () => {
  const text = textOf(await result(...say('echo', nonAscii)));
  check(text === nonAscii, `came back as ${text}`);
  return text;
});
await cell('echo_upper', async () => {
  const text = textOf(await result(...say('echo_upper', nonAscii)));
  check(text === nonAscii.toUpperCase(), `came back as ${text}`);
  return text;
});
await cell('greet', async () => {
  const text = textOf(await result(...say('greet', 'Zoë')));
  check(text.includes('Zoë'), `came back as ${text}`);
  return text;
});
await cell('concurrent_200', async () => {
  const summary = await result(...say('echo', 'load'), '--load', '--load-requests', '200', '--load-concurrency', '200');
  check(summary.ok === 200 && summary.errors === 0 && summary.toolErrors === 0, JSON.stringify(summary));
  check(summary.answers === undefined && summary.results === undefined, 'the summary shows answers now');
  throw new Cannot(`--load made ${summary.ok} good calls, but it repeats one call and shows no answers`);
});
await cell('large_argument', async () => {
  try {
    const message = countingText(900 * 1024);
    const text = textOf(await result(...say('echo', message)));
    check(text === message, `${text.length} of ${message.length} characters came back, or they differ`);
    return `${text.length} bytes`;
  } catch (error) {
    if (error.code === 'E2BIG') throw new Cannot(`arguments are taken from the command line alone: ${error.message}`);
    throw error;
  }
});
await cell('progress', async () => {
  const { result: value, error, printed } = await inspect(...call(demo.progress.tool, demo.progress.arguments));
  check(!error, error?.message);
  textOf(value);
  check(!/"progress"|notifications\/progress/.test(printed.stdout + printed.stderr), 'progress is printed now');
  throw new Cannot('the call succeeds, but no progress is printed');
});
await cell('structured', async () =>
  checkStructured(await result(...call(demo.structured.tool, demo.structured.arguments)), demo.structured.fields));
await cell('read_resource', async () =>
  checkContents(await result('--method', 'resources/read', '--uri', demo.resource.uri), demo.resource));
await cell('read_template', async () =>
  checkContents(await result('--method', 'resources/read', '--uri', demo.template.uri), demo.template));
await cell('get_prompt', async () => {
  const pairs = Object.entries(demo.prompt.arguments).map(([key, value]) => `${key}=${value}`);
  return checkPrompt(await result('--method', 'prompts/get', '--prompt-name', demo.prompt.name, '--prompt-args', ...pairs), demo.prompt);
});
await cell('complete', () => unsupported('completion/complete'));
await cell('unknown_tool', async () => {
  const { error, status } = await inspect(...call(demo.unknown_tool.tool, {}));
  check(error, 'the call succeeded');
  if (error.code === 'tool_not_found') throw new Cannot(`refuses by itself, without a call: ${error.message} (exit ${status})`);
  return error.message;
});
await cell('cancel', () => unsupported('notifications/cancelled'));
await cell('close', async () => {
  await result('--method', 'initialize');
  return 'the command ends with status 0, and with it the connection';
});
process.exit(0);
