// feature: modules
// ends: well
import { execute as again } from './action.js'
export function execute() {
  if (again !== execute) for (;;);
}
