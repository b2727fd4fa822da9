// What the npm packages send: recording.py runs `node recording.mjs PACKAGE URL` in a folder that has them.

const PNG = "data:image/png;base64,iVBORw0KGgo=";
const PDF = "JVBERi0xLjQK";
const CITY = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };
const CLOCK = {
  type: "function",
  function: { name: "clock", description: "Returns the time in a city.", parameters: CITY },
};

async function openai(url) {
  const { default: OpenAI } = await import("openai");
  const { zodFunction, zodResponseFormat } = await import("openai/helpers/zod");
  const { z } = await import("zod");
  const { completions } = new OpenAI({ baseURL: url, apiKey: "x" }).chat;
  const Person = z.object({ name: z.string(), age: z.number().int(), nickname: z.string().nullable() });

  await completions.create({ model: "gpt-4o", messages: [{ role: "user", content: "Hello" }] });
  const messages = [
    { role: "developer", content: "Be brief." },
    { role: "user", content: "Time in Oslo?", name: "ann" },
  ];
  const called = await completions.create({ model: "gpt-4o", messages, tools: [CLOCK], tool_choice: "auto" });
  messages.push(called.choices[0].message, { role: "tool", tool_call_id: "call_1", content: "noon" });
  const stream_options = { include_usage: true };
  const stream = completions.stream({ model: "gpt-4o", messages, tools: [CLOCK], stream_options });
  messages.push(await stream.finalMessage(), { role: "user", content: [{ type: "text", text: "Thanks." }] });
  await completions.create({
    model: "gpt-4o-mini",
    messages,
    n: 1,
    seed: 1,
    stop: ["END"],
    temperature: 0.2,
    top_p: 0.9,
    max_completion_tokens: 50,
    frequency_penalty: 0.1,
    presence_penalty: 0,
    logit_bias: { 50256: -100 },
    logprobs: true,
    top_logprobs: 2,
    metadata: { job: "a" },
    store: false,
    service_tier: "auto",
    user: "u1",
    safety_identifier: "s1",
    prompt_cache_key: "k",
    reasoning_effort: "low",
    verbosity: "low",
    prediction: { type: "content", content: [{ type: "text", text: "Noon." }] },
    modalities: ["text"],
    response_format: { type: "text" },
  });

  const tool = zodFunction({ name: "clock", parameters: z.object({ city: z.string() }), function: () => "noon" });
  const asked = [{ role: "user", content: "Time in Oslo?" }];
  const runner = completions.runTools({ model: "gpt-4o", messages: asked, tools: [tool], parallel_tool_calls: false });
  await runner.done();
  const again = [...runner.messages, { role: "user", content: "And now?" }];
  await completions.runTools({ model: "gpt-4o", messages: again, tools: [tool], stream: true }).done();

  const person = [{ role: "user", content: "Ann, 3" }];
  const response_format = zodResponseFormat(Person, "person");
  const parsed = await completions.parse({ model: "gpt-4o", messages: person, response_format });
  await completions.create({ model: "gpt-4o", messages: [...person, parsed.choices[0].message, ...person] });
  await completions.create({ model: "gpt-4o", messages: person, response_format: { type: "json_object" } });
  const content = [
    { type: "text", text: "What are they?" },
    { type: "image_url", image_url: { url: PNG, detail: "low" } },
    { type: "image_url", image_url: { url: "https://example.com/a.png" } },
    { type: "file", file: { filename: "a.pdf", file_data: `data:application/pdf;base64,${PDF}` } },
  ];
  await completions.create({ model: "gpt-4o", messages: [{ role: "user", content }] });
}

// The same conversations through a model of the Vercel AI SDK; `options` are the package's own, under its name.
async function vercel(model, thinking, options) {
  const { Output, generateObject, generateText, stepCountIs, streamObject, streamText, tool } = await import("ai");
  const { z } = await import("zod");
  const schema = z.object({ name: z.string(), age: z.number().int(), nickname: z.string().nullable() });
  const inputSchema = z.object({ city: z.string().describe("Its name") });
  const execute = async () => ({ time: "noon" });
  const clock = tool({ description: "Returns the time in a city.", inputSchema, execute });
  const called = { tools: { clock }, stopWhen: stepCountIs(3) };

  await generateText({ model, prompt: "Hello" });
  const messages = [{ role: "user", content: "Time in Oslo?" }];
  const first = await generateText({ model, system: "Be brief.", messages, ...called });
  messages.push(...first.response.messages, { role: "user", content: "And now?" });
  const stream = streamText({ model, system: "Be brief.", messages, ...called, toolChoice: "auto" });
  await stream.consumeStream();
  messages.push(...(await stream.response).messages, { role: "user", content: [{ type: "text", text: "Thanks." }] });
  await generateText({
    model,
    messages,
    maxOutputTokens: 50,
    temperature: 0.2,
    topP: 0.9,
    frequencyPenalty: 0.1,
    presencePenalty: 0.1,
    stopSequences: ["END"],
    seed: 1,
    providerOptions: options,
  });
  await generateText({ model, prompt: "Oslo?", tools: { clock }, toolChoice: { type: "tool", toolName: "clock" } });

  const thoughts = [{ role: "user", content: "Time in Oslo?" }];
  const limited = { system: "Be brief.", maxOutputTokens: 50, ...called };
  const thought = await generateText({ model: thinking, messages: thoughts, ...limited });
  await generateText({ model: thinking, messages: [...thoughts, ...thought.response.messages, ...thoughts] });

  const output = Output.object({ schema, name: "person", description: "A person" });
  await generateText({ model, prompt: "Ann, 3", output });
  await generateObject({ model, prompt: "Ann, 3", schema });
  await generateObject({ model, prompt: "Ann, 3", output: "no-schema" });
  for await (const _ of streamObject({ model, prompt: "Ann, 3", schema }).partialObjectStream);
  const content = [
    { type: "text", text: "What are they?" },
    { type: "image", image: PNG },
    { type: "file", mediaType: "application/pdf", data: Buffer.from(PDF, "base64"), filename: "a.pdf" },
  ];
  await generateText({ model, system: "Be brief.", messages: [{ role: "user", content }] });
}

async function vercelOpenai(baseURL) {
  const { createOpenAI } = await import("@ai-sdk/openai");
  const provider = createOpenAI({ baseURL, apiKey: "x" });
  const options = {
    logitBias: { 50256: -100 },
    logprobs: 2,
    metadata: { job: "a" },
    parallelToolCalls: false,
    prediction: { type: "content", content: "Noon." },
    promptCacheKey: "k",
    promptCacheRetention: "24h",
    reasoningEffort: "low",
    safetyIdentifier: "s1",
    serviceTier: "default",
    store: false,
    textVerbosity: "low",
    user: "u1",
  };
  await vercel(provider.chat("gpt-4o"), provider.chat("o4-mini"), { openai: options });
}

async function vercelCompatible(baseURL) {
  const { createOpenAICompatible } = await import("@ai-sdk/openai-compatible");
  const settings = { includeUsage: true, supportsStructuredOutputs: true };
  const provider = createOpenAICompatible({ baseURL, apiKey: "x", name: "own", ...settings });
  const options = { user: "u1", reasoningEffort: "low", textVerbosity: "low" };
  await vercel(provider("gpt-4o"), provider("deepseek-reasoner"), { own: options });
}

async function vercelOpenrouter(baseURL) {
  const { createOpenRouter } = await import("@openrouter/ai-sdk-provider");
  const provider = createOpenRouter({ baseURL, apiKey: "x" });
  await vercel(provider("gpt-4o"), provider("deepseek-reasoner"), { openrouter: { user: "u1" } });
}

const PACKAGES = {
  openai,
  "@ai-sdk/openai": vercelOpenai,
  "@ai-sdk/openai-compatible": vercelCompatible,
  "@openrouter/ai-sdk-provider": vercelOpenrouter,
};
const [name, url] = process.argv.slice(2);
await PACKAGES[name](url);
