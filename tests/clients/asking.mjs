// What servers ask of a client of the npm SDKs and tell it, in the order of the columns of asking.json.

import { isDeepStrictEqual } from 'node:util';

import { brief, cancel, cell, check, job, seeProgress, textOf } from './deeds.mjs';

/** What such a client declares. */
export const CAPABILITIES = { elicitation: { form: {} }, sampling: {} };

/** A promise together with what fulfils it. */
function event() {
  let happen;
  const happened = new Promise((resolve) => {
    happen = resolve;
  });
  return { happen, happened };
}

/** Fills in a form with these answers, each of which it has to ask for. */
function filled(params, answers) {
  check(params.mode === undefined || params.mode === 'form', `not a form: ${brief(params)}`);
  const asked = Object.keys(params.requestedSchema.properties);
  const missing = Object.keys(answers).filter((name) => !asked.includes(name));
  check(missing.length === 0, `not asked for: ${missing.join(', ')}; asked for: ${asked.join(', ')}`);
  return { action: 'accept', content: answers };
}

function said(text) {
  return { role: 'assistant', content: { type: 'text', text }, model: 'a model of the test', stopReason: 'endTurn' };
}

/** All text of a result that is not an error. */
function allText(result) {
  check(!result.isError, `the result is an error: ${brief(result)}`);
  return result.content.map((block) => block.text ?? '').join('\n');
}

/**
 * Does all deeds with a client of the SDK's shape.
 *
 * `adapter` as for `perform`, and: `onElicitation(answer)`, `onSampling(answer)`, `onUpdated(hear)`, `onListChanged(hear)`;
 * `watchResource(uri)`; `watchList()`; `callTask(name, args)` → `{ result, seen }` with the states that were seen.
 */
export async function performAsking(adapter) {
  const { demo } = job;
  const nobody = () => Promise.reject(new Error('asked out of turn'));
  // Who answers, for the deed that is being done.
  let user = nobody;
  let model = nobody;
  const answering = async (handlers, action) => {
    user = handlers.user ?? nobody;
    model = handlers.model ?? nobody;
    try {
      return await action();
    } finally {
      user = nobody;
      model = nobody;
    }
  };
  const uris = async () => {
    const found = [];
    let cursor;
    do {
      const page = await adapter.client.listResources(cursor === undefined ? {} : { cursor });
      found.push(...page.resources.map((resource) => resource.uri));
      cursor = page.nextCursor;
    } while (cursor !== undefined);
    return found;
  };

  adapter.onElicitation((params) => user(params));
  adapter.onSampling((params) => model(params));

  await cell('connect', () => adapter.connect());
  await cell('elicit', () => {
    const { tool, arguments: args, answers } = demo.elicit;
    return answering({ user: async (params) => filled(params, answers) }, async () => {
      const text = allText(await adapter.callTool(tool, args));
      const { action, content } = JSON.parse(text.slice(text.indexOf('{')));
      check(action === 'accept', `the tool saw ${text}`);
      for (const [key, value] of Object.entries(answers)) {
        check(isDeepStrictEqual(content[key], value), `field ${key}: ${brief(content)}`);
      }
      return content;
    });
  });
  await cell('sample', () => {
    const { tool, arguments: args, asked, answer } = demo.sample;
    const reply = async (params) => {
      check(JSON.stringify(params.messages).includes(asked), `asked for something else: ${brief(params)}`);
      return said(answer);
    };
    return answering({ model: reply }, async () => {
      const text = textOf(await adapter.callTool(tool, args));
      check(text.includes(answer), `the tool says ${text}`);
      return text;
    });
  });
  await cell('ask_two', () => {
    const { tool, arguments: args, answers, answer } = demo.ask_two;
    const [userAsked, modelAsked] = [event(), event()];
    const handlers = {
      user: async (params) => {
        userAsked.happen();
        await modelAsked.happened;
        return filled(params, answers);
      },
      model: async () => {
        modelAsked.happen();
        await userAsked.happened;
        return said(answer);
      },
    };
    return answering(handlers, async () => {
      const text = textOf(await adapter.callTool(tool, args));
      for (const part of [answer, ...Object.values(answers)]) check(text.includes(part), `without "${part}": ${text}`);
      return text;
    });
  });
  await cell('progress', () => seeProgress(adapter));
  await cell('cancel', () => cancel(adapter));
  await cell('task', () => {
    const { tool, arguments: args, answers, text } = demo.task;
    return answering({ user: async (params) => filled(params, answers) }, async () => {
      const { result, seen } = await adapter.callTask(tool, args);
      const report = textOf(result);
      check(report.includes(text), `without "${text}": ${report}`);
      check(seen.includes('input_required'), `it never asked: ${seen.join(', ')}`);
      return [...new Set(seen)].join(', ');
    });
  });
  await cell('resource_updated', async () => {
    const { uri, tool, arguments: args } = demo.resource_updated;
    const updated = event();
    adapter.onUpdated((params) => {
      if (params.uri === uri) updated.happen();
    });
    await adapter.watchResource(uri);
    textOf(await adapter.callTool(tool, args));
    await updated.happened;
    return uri;
  });
  await cell('list_changed', async () => {
    const { uri, tool, arguments: args } = demo.list_changed;
    const changed = event();
    adapter.onListChanged(changed.happen);
    await adapter.watchList();
    check(!(await uris()).includes(uri), `${uri} is there already`);
    textOf(await adapter.callTool(tool, args));
    await changed.happened;
    check((await uris()).includes(uri), `${uri} is not there now`);
    return uri;
  });
  await adapter.close();
}
