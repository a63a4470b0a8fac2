// OpenRouter's TypeScript SDK through the gateway: `node openrouter.mjs <base url> <key> <provider>...`. Prints one
// JSON object: provider or "account" -> scene -> what came of it.
import { OpenRouter } from "@openrouter/sdk";

const [url, apiKey, ...providers] = process.argv.slice(2);
const client = (key) => new OpenRouter({ apiKey: key, serverURL: `${url}/api/v1`, retryConfig: { strategy: "none" } });
const sdk = client(apiKey);
const user = (content) => [{ role: "user", content }];
const weather = {
  type: "function",
  function: { name: "weather", parameters: { type: "object", properties: { city: { type: "string" } } } },
};

async function chat(model) {
  const answer = await sdk.chat.send({ chatRequest: { model: model("echo"), messages: user("関所はどこですか") } });
  const { message, finishReason } = answer.choices[0];
  return { text: message.content, finishReason, counted: answer.usage.promptTokens > 0 };
}

async function stream(model) {
  const events = await sdk.chat.send({
    chatRequest: { model: model("echo"), messages: user("次の関所まで"), stream: true },
  });
  let text = "";
  let last = null;
  for await (const event of events) {
    text += event.choices[0]?.delta.content ?? "";
    last = event;
  }
  return { text, counted: last.usage.completionTokens > 0 };
}

async function tools(model) {
  const messages = user("How is the weather?");
  const first = await sdk.chat.send({ chatRequest: { model: model("parallel-tools"), messages, tools: [weather] } });
  const { message, finishReason } = first.choices[0];
  const answered = message.toolCalls.map((call) => ({ role: "tool", toolCallId: call.id, content: "17 degrees" }));
  const second = await sdk.chat.send({
    chatRequest: { model: model("parallel-tools"), messages: [...messages, message, ...answered], tools: [weather] },
  });
  return { finishReason, called: message.toolCalls.map((call) => call.function.name), text: second.choices[0].message.content };
}

async function failure(model) {
  try {
    await sdk.chat.send({ chatRequest: { model: model("status-429"), messages: user("?") } });
  } catch (error) {
    return { name: error.name, status: error.statusCode };
  }
  return {};
}

async function models() {
  const listed = await sdk.models.list({ q: "acme" });
  const ids = [];
  for await (const page of listed) ids.push(...page.result.data.map((model) => model.id));
  const counted = await sdk.models.count();
  const found = await sdk.endpoints.list({ author: "acme", slug: "echo" });
  return { ids, counted: counted.data.count > 0, tags: found.data.endpoints.map((endpoint) => endpoint.tag) };
}

async function generation() {
  const request = { method: "POST", headers: { authorization: `Bearer ${apiKey}` } };
  const body = JSON.stringify({ model: "acme/echo", messages: user("x") });
  const answer = await fetch(`${url}/api/v1/chat/completions`, { ...request, body });
  const found = await sdk.generations.getGeneration({ id: answer.headers.get("x-generation-id") });
  return { model: found.data.model, finishReason: found.data.finishReason };
}

async function keys() {
  const made = await sdk.apiKeys.create({ requestBody: { name: "crawler", limit: 2.5, limitReset: "monthly" } });
  const { hash } = made.data;
  const own = await client(made.key).apiKeys.getCurrentKeyMetadata();
  const changed = await sdk.apiKeys.update({ hash, requestBody: { name: "seeker", disabled: true } });
  const listed = await sdk.apiKeys.list({ includeDisabled: true });
  const names = listed.data.filter((key) => key.hash === hash).map((key) => key.name);
  await sdk.apiKeys.delete({ hash });
  const gone = await sdk.apiKeys.get({ hash }).catch((error) => error.statusCode);
  return { limit: changed.data.limit, left: own.data.limitRemaining, names, gone };
}

async function presets() {
  const system = { role: "system", content: "You keep the gate." };
  const chatRequest = { model: "acme/echo", messages: [system, ...user("x")], temperature: 0.5 };
  await sdk.presets.createPresetsChatCompletions({ slug: "gate", chatRequest });
  const { designatedVersion } = (await sdk.presets.get({ slug: "gate" })).data;
  const answer = await sdk.chat.send({ chatRequest: { model: "@preset/gate", messages: user("開門") } });
  return { prompt: designatedVersion.systemPrompt, config: designatedVersion.config, text: answer.choices[0].message.content };
}

async function play(name, scenes, model) {
  const said = {};
  for (const scene of scenes) {
    try {
      said[scene.name] = await scene(model);
    } catch (error) {
      said[scene.name] = { broke: String(error), body: error.body, cause: String(error.cause ?? "") };
    }
  }
  return [name, said];
}

const spoken = providers.map((name) => play(name, [chat, stream, tools, failure], (script) => `${name}/${script}`));
const account = play("account", [models, generation, keys, presets]);
console.log(JSON.stringify(Object.fromEntries(await Promise.all([...spoken, account]))));
