// The prelude of every world: takes the built-ins that an Action may not have away, keeps those that the host needs,
// and makes the globals. It runs before any code of an Action. What is loaded later (`json.js`, `text.js`, `fetch.js`)
// gets the kept built-ins as `kit` and lives by one rule, because an Action may have changed every prototype: no method
// is looked up by name on a value, no list is spread, destructured or pushed to; methods are called through `uncurry`,
// records and lists have no prototype, and only own data properties are read.

const { defineProperty, freeze, getOwnPropertyDescriptor, getPrototypeOf, hasOwn, keys, preventExtensions } = Object
const { apply, construct } = Reflect
const { isArray } = Array
const objectPrototype = Object.prototype

// The own data property `name` of `object`, else undefined.
const field = (object, name) => {
  const property = getOwnPropertyDescriptor(object, name)
  return property !== undefined && hasOwn(property, "value") ? property.value : undefined
}

export default (natives) => {
  const { define, now, random } = natives

  // Code from strings: `eval` is gone, and every way to a constructor of functions leads to one that throws.
  const noCode = function Function() {
    throw new TypeError("code from strings is not allowed in Actions")
  }
  define(noCode, "prototype", getPrototypeOf(noCode), false)
  define(getPrototypeOf(noCode), "constructor", noCode, true)
  define(getPrototypeOf(function* () {}), "constructor", noCode, true)
  define(getPrototypeOf(async function () {}), "constructor", noCode, true)
  define(getPrototypeOf(async function* () {}), "constructor", noCode, true)
  globalThis.Function = noCode
  delete globalThis.eval

  // These hooks would run an Action's code wherever an error is made, in the middle of the host's calls too.
  delete Error.prepareStackTrace
  delete Error.stackTraceLimit

  // The clock stands still while code runs: the host moves it.
  const RealDate = Date
  const dateString = RealDate.prototype.toString
  const FrozenDate = function Date(...args) {
    if (new.target === undefined) return apply(dateString, new RealDate(now()), [])
    return construct(RealDate, args.length === 0 ? [now()] : args, new.target)
  }
  define(FrozenDate, "prototype", RealDate.prototype, false)
  define(FrozenDate, "now", now, true)
  define(FrozenDate, "parse", RealDate.parse, true)
  define(FrozenDate, "UTC", RealDate.UTC, true)
  define(RealDate.prototype, "constructor", FrozenDate, true)
  globalThis.Date = FrozenDate
  Math.random = random

  // What the event and the input hold is read, frozen, when it is first looked at. Most inputs have no more parts than
  // there are getters ready.
  const { part, event } = natives
  const read = { __proto__: null }
  const getter = (at) => () => {
    const known = read[at]
    return known === undefined ? (read[at] = part(at)) : known
  }
  const getters = { __proto__: null }
  for (let at = 0; at < 16; at++) getters[at] = getter(at)
  const eventGetter = () => (read.event === undefined ? (read.event = event()) : read.event)
  defineProperty(globalThis, "event", { get: eventGetter, enumerable: true })
  defineProperty(globalThis, "step", { get: getters[natives.stepPart], enumerable: true })

  const { deny, setCustomClaim } = natives
  const api = freeze({
    deny,
    access: freeze({ deny }),
    demandMfa: natives.demandMfa,
    redirect: natives.redirect,
    state: freeze({ set: natives.set }),
    user: freeze({ setAppMetadata: natives.setAppMetadata }),
    session: freeze({ setCustomClaim }),
    accessToken: freeze({ setCustomClaim }),
    log: natives.logAt,
    fetch: natives.fetch,
    secrets: freeze({ get: natives.get }),
    rateLimit: natives.rateLimit,
  })
  const { debug, log, info, warn, error } = natives
  define(globalThis, "api", api, false)
  define(globalThis, "console", freeze({ debug, log, info, warn, error }), false)

  const text = String.prototype
  const kit = {
    __proto__: null,
    uncurry: RealDate.bind.bind(RealDate.call),
    overflow: natives.overflow,
    peek: natives.peek,
    // The functions that settle the promises of calls under way, by number.
    resolves: { __proto__: null },
    rejects: { __proto__: null },
    freeze, getOwnPropertyDescriptor, getPrototypeOf, hasOwn, isArray, keys, field, objectPrototype,
    Text: String,
    TypeError,
    quote: JSON.stringify,
    fromJson: JSON.parse,
    isError: Error.isError,
    indexOf: text.indexOf,
    slice: text.slice,
    toLowerCase: text.toLowerCase,
    toUpperCase: text.toUpperCase,
    toWellFormed: text.toWellFormed,
    stack: getOwnPropertyDescriptor(Error.prototype, "stack").get,
    symbolText: Symbol.prototype.toString,
    dateText: RealDate.prototype.toISOString,
    dateValue: RealDate.prototype.getTime,
    mapEach: Map.prototype.forEach,
    setEach: Set.prototype.forEach,
    arrayValues: Array.prototype.values,
  }
  return { __proto__: null, field, freeze, preventExtensions, api, kit, natives, read, getter, getters, eventGetter, rejected: { __proto__: null } }
}
