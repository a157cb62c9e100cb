// feature: explicit resource management
// ends: timed out
export function execute(input, api) {
  const stack = new DisposableStack()
  stack.defer(() => { for (;;); })
  stack.dispose()
}
