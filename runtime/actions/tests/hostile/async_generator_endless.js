// feature: async generators
// ends: timed out
export async function execute(input, api) {
  async function* all() { for (;;) yield 1 }
  for await (const one of all());
}
