// feature: modules
// ends: threw Error
throw new Error('while loading')
export function execute() {}
