// feature: error objects
// ends: threw
export function execute(input, api) {
  throw { get message() { for (;;); }, toString() { for (;;); } }
}
