// feature: RegExp
export function execute(input, api) {
  for (;;) new RegExp('(?:' + 'a|'.repeat(2e4) + 'b){1,2}')
}
