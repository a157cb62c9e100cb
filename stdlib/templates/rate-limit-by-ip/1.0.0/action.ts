import type { Api, Input, Outcome } from "./types"

export async function execute(input: Input, api: Api): Promise<Outcome> {
  const { limit, window_seconds, bucket, message } = input.config
  const key = `${bucket ?? input.trigger}|${network(input.request.ip)}`
  const rate = await api.rateLimit(key, limit, window_seconds)
  if (!rate.allowed) {
    return { kind: "block", code: "rate_limited", reason: message.replaceAll("{seconds}", `${rate.retryAfter}`) }
  }
  api.state.set("remaining", rate.remaining)
  return { kind: "continue" }
}

/** What is counted: an IPv4 address, or the first 64 bits of an IPv6 address in one spelling. */
function network(ip: string): string {
  if (isIpv4(ip)) {
    return ip
  }
  const groups = ipv6Groups(ip)
  if (groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff) {
    const low = groups.slice(6).flatMap((group) => [group >> 8, group & 255])
    return low.join(".")
  }
  return groups
    .slice(0, 4)
    .map((group) => group.toString(16))
    .join(":")
}

function isIpv4(text: string): boolean {
  const parts = text.split(".")
  return parts.length === 4 && parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) <= 255)
}

/** The eight groups of an IPv6 address (RFC 4291 section 2.2); a text that is none is an error, and so lets nobody in. */
function ipv6Groups(text: string): number[] {
  const [left, right, more] = text.replace(/%.*$/, "").split("::").map(groupsOf)
  const zeros = right === undefined ? 0 : 8 - (left?.length ?? 0) - right.length
  if (left === undefined || more !== undefined || zeros < 0 || (right !== undefined && zeros === 0)) {
    throw new Error("the address of the request cannot be read")
  }
  const groups = [...left, ...Array<number>(zeros).fill(0), ...(right ?? [])]
  if (groups.length !== 8 || groups.some((group) => !(group <= 0xffff))) {
    throw new Error("the address of the request cannot be read")
  }
  return groups
}

function groupsOf(text: string): number[] {
  return text === "" ? [] : text.split(":").flatMap(groupOf)
}

function groupOf(part: string): number[] {
  if (isIpv4(part)) {
    const [a = 0, b = 0, c = 0, d = 0] = part.split(".").map(Number)
    return [a * 256 + b, c * 256 + d]
  }
  return [/^[0-9a-f]{1,4}$/i.test(part) ? Number.parseInt(part, 16) : Number.NaN]
}
