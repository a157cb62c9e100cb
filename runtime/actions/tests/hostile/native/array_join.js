// feature: Array.prototype.join
export function execute(input, api) {
  new Array(4294967295).join('')
}
