// The prelude, part 1 of 4: what later parts need of the built-ins, taken before an Action runs; then the built-ins that
// an Action may not have are taken away. After an Action has started, nothing here may look a method up by name on a
// value (`list.push`), spread or destructure a list, or add to an array: an Action may have changed the prototypes. Methods are called
// through `uncurry`, records and lists have no prototype, only own data properties are read.

const { defineProperty, freeze, getOwnPropertyDescriptor, getPrototypeOf, hasOwn, keys } = Object
const { apply, construct } = Reflect
const { isArray } = Array
const { isFinite, isInteger } = Number
const { parse: fromJson, stringify: quote } = JSON
const { isError } = Error
const Text = String
const PlainError = Error
const WrongType = TypeError
const Deferred = Promise
const { iterator: iteratorSymbol, toStringTag } = Symbol
const objectPrototype = Object.prototype

const uncurry = Function.prototype.bind.bind(Function.prototype.call)
const charCodeAt = uncurry(String.prototype.charCodeAt)
const indexOf = uncurry(String.prototype.indexOf)
const slice = uncurry(String.prototype.slice)
const toLowerCase = uncurry(String.prototype.toLowerCase)
const toUpperCase = uncurry(String.prototype.toUpperCase)
const wellFormed = uncurry(String.prototype.toWellFormed)
const stackOf = uncurry(getOwnPropertyDescriptor(Error.prototype, "stack").get)
const symbolText = uncurry(Symbol.prototype.toString)
const regexpText = uncurry(getOwnPropertyDescriptor(RegExp.prototype, "source").get)
const dateText = uncurry(Date.prototype.toISOString)
const dateValue = uncurry(Date.prototype.getTime)
const mapSize = uncurry(getOwnPropertyDescriptor(Map.prototype, "size").get)
const mapEach = uncurry(Map.prototype.forEach)
const setSize = uncurry(getOwnPropertyDescriptor(Set.prototype, "size").get)
const setEach = uncurry(Set.prototype.forEach)
const arrayValues = uncurry(Array.prototype[iteratorSymbol])
const tagOf = uncurry(getOwnPropertyDescriptor(getPrototypeOf(Uint8Array.prototype), toStringTag).get)

// Defines `value` as methods of built-ins are: not enumerable.
const method = (object, name, value) =>
  defineProperty(object, name, { __proto__: null, value, writable: true, enumerable: false, configurable: true })

// Code from strings: `eval` is gone, and every way to a function constructor leads to one that throws.
const noCode = function Function() {
  throw new WrongType("code from strings is not allowed in Actions")
}
defineProperty(noCode, "prototype", { __proto__: null, value: Function.prototype, writable: false })
for (const made of [function () {}, function* () {}, async function () {}, async function* () {}]) {
  method(getPrototypeOf(made), "constructor", noCode)
}
method(globalThis, "Function", noCode)
delete globalThis.eval

// Threads' shared memory would be a clock of fine grain. The hooks of `Error` would run an Action's code wherever an
// error is made, in the middle of the host's calls too.
for (const name of ["SharedArrayBuffer", "Atomics", "Proxy", "WeakRef", "FinalizationRegistry", "performance"]) delete globalThis[name]
delete Error.prepareStackTrace
delete Error.stackTraceLimit

// The clock: stands still while code runs, `advance` moves it.
let now = 0
const RealDate = Date
const FrozenDate = function Date(...args) {
  if (new.target === undefined) return apply(dateString, new RealDate(now), args)
  return construct(RealDate, args.length === 0 ? [now] : args, new.target)
}
const dateString = RealDate.prototype.toString
defineProperty(FrozenDate, "length", { __proto__: null, value: 7 })
defineProperty(FrozenDate, "prototype", { __proto__: null, value: RealDate.prototype, writable: false })
method(FrozenDate, "now", { now() { return now } }.now)
method(FrozenDate, "parse", RealDate.parse)
method(FrozenDate, "UTC", RealDate.UTC)
method(RealDate.prototype, "constructor", FrozenDate)
method(globalThis, "Date", FrozenDate)

// `Math.random`: sfc32, seeded by the host with 64 bits.
let a = 0
let b = 0
let c = 0
let d = 1
const draw = () => {
  const t = (((a + b) | 0) + d) | 0
  d = (d + 1) | 0
  a = b ^ (b >>> 9)
  b = (c + (c << 3)) | 0
  c = (c << 21) | (c >>> 11)
  c = (c + t) | 0
  return t >>> 0
}
const seed = (high, low) => {
  a = 0
  b = high | 0
  c = low | 0
  d = 1
  for (let i = 0; i < 12; i++) draw()
}
method(Math, "random", { random() { return ((draw() >>> 5) * 67108864 + (draw() >>> 6)) / 9007199254740992 } }.random)
