// feature: strings
// ends: threw
export function execute(input, api) {
  let text = 'x'
  for (;;) text += text
}
