// The Vercel AI SDK through the gateway: `node vercel.mjs <sdk> <base url> <key> <provider>...`. Prints one JSON
// object: provider -> scene -> what came of it.
import { createAmazonBedrock } from "@ai-sdk/amazon-bedrock";
import { createAnthropic } from "@ai-sdk/anthropic";
import { createGoogleGenerativeAI } from "@ai-sdk/google";
import { createOpenAI } from "@ai-sdk/openai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { createOpenRouter } from "@openrouter/ai-sdk-provider";
import { generateObject, generateText, stepCountIs, streamText, tool } from "ai";
import { z } from "zod";

const [sdk, url, apiKey, ...providers] = process.argv.slice(2);
const makers = {
  chat: () => createOpenAI({ baseURL: `${url}/v1`, apiKey }).chat,
  responses: () => createOpenAI({ baseURL: `${url}/v1`, apiKey }).responses,
  compatible: () => createOpenAICompatible({ name: "sekisho", baseURL: `${url}/v1`, apiKey, includeUsage: true, supportsStructuredOutputs: true }),
  openrouter: () => createOpenRouter({ baseURL: `${url}/api/v1`, apiKey }).chat,
  anthropic: () => createAnthropic({ baseURL: `${url}/v1`, apiKey }),
  google: () => createGoogleGenerativeAI({ baseURL: `${url}/v1beta`, apiKey }),
  bedrock: () => createAmazonBedrock({ baseURL: url, apiKey, region: "ap-northeast-1" }),
};
const quiet = { maxRetries: 0 };
globalThis.AI_SDK_LOG_WARNINGS = false; // they would stand between us and the JSON

async function chat(model) {
  const { text, usage, finishReason } = await generateText({ ...quiet, model: model("echo"), prompt: "関所はどこですか" });
  return { text, finishReason, counted: usage.inputTokens > 0 && usage.outputTokens > 0 };
}

async function stream(model) {
  const result = streamText({ ...quiet, model: model("echo"), prompt: "次の関所まで" });
  let text = "";
  for await (const piece of result.textStream) text += piece;
  return { text, finishReason: await result.finishReason, counted: (await result.usage).outputTokens > 0 };
}

async function tools(model) {
  const called = [];
  const { text } = await generateText({
    ...quiet,
    model: model("parallel-tools"),
    prompt: "How is the weather?",
    stopWhen: stepCountIs(3),
    tools: {
      weather: tool({
        description: "The weather in a city",
        inputSchema: z.object({ city: z.string() }),
        execute: async ({ city }) => {
          called.push(city);
          return { city, degrees: 17 };
        },
      }),
    },
  });
  return { text, called };
}

async function object(model) {
  const schema = z.object({ city: z.string(), count: z.number() });
  // Two of its packages ask for objects by way of a tool.
  const script = ["anthropic", "bedrock"].includes(sdk) ? "tool" : "json";
  const { object } = await generateObject({ ...quiet, model: model(script), schema, prompt: "Which?" });
  return object;
}

async function image(model) {
  const png = Uint8Array.from(
    atob("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="),
    (letter) => letter.charCodeAt(0),
  );
  const content = [{ type: "text", text: "What is this?" }, { type: "image", image: png, mediaType: "image/png" }];
  const { text } = await generateText({ ...quiet, model: model("echo"), messages: [{ role: "user", content }] });
  return { text };
}

async function failure(model) {
  try {
    await generateText({ ...quiet, model: model("status-429"), prompt: "?" });
  } catch (error) {
    return { status: error.statusCode, message: error.message };
  }
  return {};
}

async function play(provider) {
  const model = (script) => makers[sdk]()(`${provider}/${script}`);
  const said = {};
  for (const scene of [chat, stream, tools, object, image, failure]) {
    try {
      said[scene.name] = await scene(model);
    } catch (error) {
      said[scene.name] = { broke: String(error), body: error.responseBody ?? error.cause?.responseBody };
    }
  }
  return [provider, said];
}

console.log(JSON.stringify(Object.fromEntries(await Promise.all(providers.map(play)))));
