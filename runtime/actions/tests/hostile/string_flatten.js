// feature: strings
// ends: out of memory
export function execute(input, api) {
  let text = 'x'
  for (let i = 0; i < 28; i++) text += text
  return text.charCodeAt(5)
}
