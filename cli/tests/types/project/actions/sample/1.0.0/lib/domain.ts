export enum Tier {
  Free = "free",
  Enterprise = "enterprise",
}

/** The domain of an address. */
export function domainOf(address: string | undefined): string | undefined {
  return address?.split("@").at(-1)?.toLowerCase()
}
