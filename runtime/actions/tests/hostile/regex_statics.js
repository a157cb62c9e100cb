// feature: statics of RegExp
// ends: well
export function execute(input, api) {
  /(.+)/.exec('secret')
  if (RegExp.$1 || RegExp.lastMatch || RegExp.input) api.deny('a match is remembered')
}
