// The prelude, part 2 of 4: values that come from an Action, read without running its code.

// How deep a value may be nested: deeper is a cycle, or an attack.
const DEEPEST = 32

// A list that no prototype reaches into.
const list = () => ({ __proto__: null, length: 0 })
const add = (items, item) => {
  items[items.length++] = item
}

// The own data property `name` of `object`, else undefined.
const field = (object, name) => {
  const property = getOwnPropertyDescriptor(object, name)
  return property !== undefined && hasOwn(property, "value") ? property.value : undefined
}

// Freezes a value that was read from JSON, all the way down.
const freezeAll = (value) => {
  if (typeof value !== "object" || value === null) return value
  if (isArray(value)) {
    for (let i = 0; i < value.length; i++) if (typeof value[i] === "object") freezeAll(value[i])
  } else {
    for (const name in value) if (typeof value[name] === "object") freezeAll(value[name])
  }
  return freeze(value)
}

// JSON of a plain value of at most `room` characters. What JSON would bend (functions, dates, NaN) throws; nothing is called.
const json = (value, path, room, host) => write(value, path, 0, { __proto__: null, room, host })

const write = (value, path, depth, to) => {
  let text
  switch (typeof value) {
    case "string":
      if (value.length > to.room) to.host.overflow(path)
      text = quote(wellFormed(value))
      break
    case "number":
      if (!isFinite(value)) throw new WrongType(`\`${path}\` is ${value}, which is not a JSON number`)
      text = Text(value)
      break
    case "boolean":
      text = value ? "true" : "false"
      break
    case "object":
      if (value !== null) return isArray(value) ? writeArray(value, path, depth, to) : writeObject(value, path, depth, to)
      text = "null"
      break
    default:
      throw new WrongType(`\`${path}\` is ${article(typeof value)}, which is not a JSON value`)
  }
  take(text.length, path, to)
  return text
}

const writeArray = (value, path, depth, to) => {
  if (depth >= DEEPEST) throw tooDeep(path)
  let text = "["
  for (let i = 0; i < value.length; i++) {
    const item = own(value, i, path)
    take(1, path, to)
    text += (i === 0 ? "" : ",") + (item === undefined ? write(null, path, depth + 1, to) : write(item, `${path}[${i}]`, depth + 1, to))
  }
  take(2, path, to)
  return text + "]"
}

const writeObject = (value, path, depth, to) => {
  if (depth >= DEEPEST) throw tooDeep(path)
  const prototype = getPrototypeOf(value)
  if (prototype !== objectPrototype && prototype !== null) throw new WrongType(`\`${path}\` is not a plain object`)
  const names = keys(value)
  let text = "{"
  for (let i = 0; i < names.length; i++) {
    const name = names[i]
    const item = own(value, name, path)
    if (item === undefined) continue
    if (name.length > to.room) to.host.overflow(path)
    const key = quote(wellFormed(name)) + ":"
    take(key.length + 1, path, to)
    text += (text === "{" ? "" : ",") + key + write(item, `${path}.${name}`, depth + 1, to)
  }
  take(2, path, to)
  return text + "}"
}

const own = (object, name, path) => {
  const property = getOwnPropertyDescriptor(object, name)
  if (property === undefined) return undefined
  if (!hasOwn(property, "value")) throw new WrongType(`\`${path}\` has a getter, \`${name}\``)
  return property.value
}

const take = (length, path, to) => {
  to.room -= length
  if (to.room < 0) to.host.overflow(path)
}

const tooDeep = (path) => new WrongType(`\`${slice(path, 0, 40)}\` is nested deeper than ${DEEPEST}, or holds itself`)

const article = (type) => (type === "undefined" ? "undefined" : `a ${type}`)

// Arguments, as documented; anything else is the Action's mistake.
const textOf = (value, what) => {
  if (typeof value !== "string") throw new WrongType(`${what} must be a string, not ${article(typeof value)}`)
  return wellFormed(value)
}
const countOf = (value, what) => {
  if (!isInteger(value) || value < 1 || value > 4294967295) throw new WrongType(`${what} must be a whole number of at least 1`)
  return value
}
