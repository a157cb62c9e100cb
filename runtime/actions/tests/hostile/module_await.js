// feature: modules
// ends: invalid
await new Promise(() => {})
export function execute() {}
