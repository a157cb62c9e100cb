// Verifies a delivery as its receiver would: reads {secret, headers, body}, prints the body, fails where it does not verify.
import { readFileSync } from "node:fs"
import { Webhook } from "standardwebhooks"

const { secret, headers, body } = JSON.parse(readFileSync(0, "utf8"))
console.log(JSON.stringify(new Webhook(secret).verify(body, headers)))
