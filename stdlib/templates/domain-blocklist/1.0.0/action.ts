import type { Input, Outcome } from "./types"

export function execute(input: Input): Outcome {
  const { domains, subdomains, without_address, message } = input.config
  const listed = domains.map(canonicalEntry)
  const { user } = input
  const domain = domainOf(user ? user.email : input.event.identifier)
  const blocked =
    domain === undefined
      ? without_address === "block"
      : listed.some((entry) => domain === entry || (subdomains && domain.endsWith(`.${entry}`)))
  return blocked ? { kind: "block", code: "domain_blocked", reason: message } : { kind: "continue" }
}

/** The domain of an e-mail address; nothing where there is none, or none that can be compared. */
function domainOf(address: string | undefined): string | undefined {
  const at = address?.lastIndexOf("@") ?? -1
  return address !== undefined && at > 0 ? canonical(address.slice(at + 1)) : undefined
}

/** A mistyped entry is an error: passed over, it would never match and nobody would know. */
function canonicalEntry(entry: string): string {
  const domain = canonical(entry)
  if (domain === undefined) {
    throw new Error(`\`${entry}\` in \`domains\` is not a domain: write \`example.com\``)
  }
  return domain
}

/** One spelling of a domain. International names compare in their ASCII form (`xn--`, RFC 5890); other spellings are none. */
function canonical(domain: string): string | undefined {
  const name = domain.normalize("NFKC").toLowerCase().replace(/\.$/, "")
  return name.length <= 253 && /^[a-z0-9-]+(\.[a-z0-9-]+)+$/.test(name) ? name : undefined
}
