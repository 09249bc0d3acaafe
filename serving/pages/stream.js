// Reads server-sent events with a key: the browser's own EventSource sends no headers.

import { fetchWith, problem } from "./parts.js";

/**
 * Calls `take` with the data, name and id of each event until the server or the caller ends it;
 * returns how it was answered.
 */
export async function listen(key, path, take, signal) {
  const answer = await fetchWith(key, path, { signal });
  const { status } = answer;
  if (!answer.ok) return { status, detail: (await answer.json()).detail };
  problem();
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return { status };
    text += value;
    const events = text.split("\n\n");
    text = events.pop();
    for (const event of events) {
      const data = field(event, "data");
      if (data.length) take(JSON.parse(data.join("\n")), field(event, "event")[0], field(event, "id")[0]);
    }
  }
}

function field(event, name) {
  const start = `${name}: `;
  return event.split("\n").filter((line) => line.startsWith(start)).map((line) => line.slice(start.length));
}
