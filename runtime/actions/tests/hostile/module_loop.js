// feature: modules
// ends: timed out
for (;;);
export function execute() {}
